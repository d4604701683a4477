"""Agents invited by a table: what each line would do, then the same by the services that invite one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from francesante.lib.text import sort_key
from francesante.lib.workflow import RefusedError
from territories.models import Authority, Departement, Invitation, Mandate
from territories.readers.agents_table import AgentRow, RefusedRow
from territories.services.accounts import invite
from territories.services.mandates import authorities_to_invite_for, promised_mandate


class Outcome(StrEnum):
    """What becomes of a line."""

    INVITED = "invited"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Planned:
    """One line: what it would do, and the sentence that says so. ``promise`` is what its invitation holds."""

    line: int
    email: str
    outcome: Outcome
    sentence: str
    promise: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """An invitation that was made, with the secret of its link, which is kept nowhere else."""

    invitation: Invitation
    token: str


def plan_agents(rows: Sequence[AgentRow | RefusedRow], *, mandate: Mandate, at: datetime) -> list[Planned]:
    """Return what each line of a table would do, in its order; nothing is written."""
    known = _Known.of(mandate)
    return [_plan(row, known, mandate=mandate, at=at) for row in rows]


def import_agents(
    rows: Sequence[AgentRow | RefusedRow], *, mandate: Mandate, at: datetime
) -> list[tuple[Planned, Sent | None]]:
    """Invite those that a table names, each line by itself; done again, it changes nothing.

    A line is judged again under the eyes of the database: what changed since the plan counts.
    """
    known = _Known.of(mandate)
    done: list[tuple[Planned, Sent | None]] = []
    for row in rows:
        with transaction.atomic():
            planned = _plan(row, known, mandate=mandate, at=at)
            sent = None
            if planned.promise is not None and planned.outcome == Outcome.INVITED:
                sent = Sent(
                    *invite(email=planned.email, at=at, invited_by=mandate.user, mandate_fields=planned.promise)
                )
        done.append((planned, sent))
    return done


@dataclass(frozen=True, slots=True)
class _Known:
    """What the lines of a table refer to."""

    authorities: dict[str, Authority]
    departements: dict[str, Departement]

    @classmethod
    def of(cls, mandate: Mandate) -> "_Known":
        return cls(
            {sort_key(row.name): row for row in authorities_to_invite_for(mandate)},
            {row.code: row for row in Departement.objects.defer("outline", "inset_outline")},
        )


def _plan(row: AgentRow | RefusedRow, known: _Known, *, mandate: Mandate, at: datetime) -> Planned:
    if isinstance(row, RefusedRow):
        return Planned(row.line, row.email, Outcome.REFUSED, f"{row.reason[:1].upper()}{row.reason[1:]}.")
    try:
        promise = _promise(row, known, mandate=mandate, at=at)
        known_already = _known_already(row.email, promise, at=at)
    except RefusedError as refusal:
        return Planned(row.line, row.email, Outcome.REFUSED, str(refusal))
    if known_already:
        return Planned(row.line, row.email, Outcome.UNCHANGED, known_already)
    where = known.departements.get(promise["departement"] or "")
    sentence = f"Invitation pour {row.authority}, {where or 'tout son territoire'} : {row.role.label}"
    if row.signing:
        sentence += f", signe {row.signing.signing_as.label} ({row.signing.title})"
    return Planned(row.line, row.email, Outcome.INVITED, f"{sentence}.", promise)


def _promise(row: AgentRow, known: _Known, *, mandate: Mandate, at: datetime) -> dict[str, Any]:
    authority = known.authorities.get(sort_key(row.authority))
    if authority is None:
        raise RefusedError(
            f"« {row.authority} » n’est pas une autorité pour laquelle vous invitez : écrivez son nom comme le portail."
        )
    departement = known.departements.get(row.departement)
    if row.departement and departement is None:
        raise RefusedError(f"« {row.departement} » n’est pas le code d’un département.")
    today = timezone.localdate(at)
    if row.until is not None and row.until <= today:
        raise RefusedError("La période est terminée : personne ne pourrait s’en servir.")
    promise = promised_mandate(
        mandate=mandate,
        authority=authority,
        role=row.role,
        departement=departement,
        start_date=max(row.start or today, today),
        end_date=row.until,
        at=at,
        signing=row.signing,
    )
    names = {name: value for name, value in (("first_name", row.first_name), ("last_name", row.last_name)) if value}
    return promise | names


_SAME = ("authority", "role", "departement", "until", "signing")
"""What makes two promises the same: not who made them, nor the day they begin."""


def _known_already(email: str, promise: dict[str, Any], *, at: datetime) -> str:
    """Return the sentence that says that a person already has what a line promises, or nothing.

    Raises:
        RefusedError: they have something else on the same territory and period: it is not changed behind their back.
    """
    for invitation in Invitation.objects.pending(at).filter(email=email, mandate_fields__isnull=False):
        fields = invitation.mandate_fields or {}
        if all(fields.get(name) == promise.get(name) for name in _SAME):
            return "Déjà invitée : son lien est encore valable."
    until = date.fromisoformat(promise["until"]) if promise["until"] else None
    held = Mandate.objects.filter(
        user__email=email,
        authority=promise["authority"],
        departement=promise["departement"],
        region=None if promise["departement"] else promise["region"],
        valid__overlap=(date.fromisoformat(promise["from"]), until),
    )
    for row in held:
        signing = promise.get("signing", {})
        same = (row.role, row.valid.upper, row.signing_as) == (promise["role"], until, signing.get("signing_as", ""))
        if same and row.signing_act == signing.get("signing_act", ""):
            return "Cette personne a déjà cette habilitation."
        raise RefusedError(
            "Cette personne a déjà une autre habilitation de cette autorité, sur ce territoire et cette période : l’équipe "
            "nationale la modifie dans l’administration, ou y met fin avant d’en donner une nouvelle."
        )
    return ""
