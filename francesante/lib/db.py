"""Small helpers to write named database constraints."""

import re
from collections.abc import Iterable

from django.db.models import CheckConstraint, Model, Q, TextChoices


def choices_check(field: str, choices: type[TextChoices], *, name: str) -> CheckConstraint:
    """Constrain ``field`` to the values of ``choices``: a ``choices`` option alone does not bind the database."""
    return CheckConstraint(condition=Q(**{f"{field}__in": choices.values}), name=name)


def set_iff(field: str, states: Iterable[str], *, name: str, state_field: str = "state") -> CheckConstraint:
    """Tie a nullable ``field`` to states: set if and only if the row is in one of ``states``."""
    in_states = Q(**{f"{state_field}__in": list(states)})
    is_set = Q(**{f"{field}__isnull": False})
    return CheckConstraint(condition=(in_states & is_set) | (~in_states & ~is_set), name=name)


def both_or_none(first: str, second: str, *, name: str) -> CheckConstraint:
    """Tie two nullable fields: both set, or neither."""
    return CheckConstraint(
        condition=Q(**{f"{first}__isnull": True, f"{second}__isnull": True})
        | Q(**{f"{first}__isnull": False, f"{second}__isnull": False}),
        name=name,
    )


def reload(row: Model, *fields: str) -> None:
    """Refresh ``row`` from the database, after an ``update()`` that bypassed it."""
    row.refresh_from_db(fields=list(fields) or None)


def insert_only(table: str, *, unless: str = "") -> tuple[str, str]:
    """Return the SQL, forward and backward, of a trigger that refuses every change of a table's rows but insertion.

    ``unless`` is an SQL condition on ``OLD`` and ``NEW``: the updates that meet it go through.
    """
    name = f"{table}_insert_only"
    execute = f"EXECUTE FUNCTION {name}()"
    if unless:
        rows = f"""
    CREATE TRIGGER {name}_row BEFORE UPDATE ON {table} FOR EACH ROW WHEN (NOT {unless}) {execute};
    CREATE TRIGGER {name}_row_delete BEFORE DELETE ON {table} FOR EACH ROW {execute};"""
    else:
        rows = f"""
    CREATE TRIGGER {name}_row BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {execute};"""
    forward = f"""
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '{table} is insert-only: % refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
    END $$;{rows}
    CREATE TRIGGER {name}_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {execute};
    """
    return forward, drop_functions(name)


def drop_functions(*names: str) -> str:
    """Return the SQL that drops functions, and with them the triggers that call them."""
    return f"DROP FUNCTION {', '.join(names)} CASCADE"


def function_of(sql: str, name: str) -> str:
    """Return the statement of a migration's ``sql`` that writes a function, as one that writes it again: the way back."""
    found = re.search(rf"CREATE FUNCTION {name}\(.*?\nEND \$\$;\n", sql, re.DOTALL)
    if found is None:
        raise LookupError(name)
    return found[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
