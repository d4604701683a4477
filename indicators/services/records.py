"""Questions asked of a dataset: columns, filters, order, and pages that follow one another without a hole.

A page is found from the last row of the one before (keyset), never by counting rows: walking to the end gives each row
once, whatever its place. Texts are compared by code point, so that no answer depends on the server's collation.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Collate
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual

from francesante.lib.canonical import canonical_json, sha256_hex
from indicators.services.datasets import Column, Dataset, Kind

MAX_PAGE = 1000
DEFAULT_PAGE = 100
RESERVED = frozenset({"select", "order_by", "page_size", "cursor", "dialecte"})
OPERATORS = ("in", "gte", "lte")
_BOUNDS = {"gte": GreaterThanOrEqual, "lte": LessThanOrEqual}
_NUMBER_DIGITS = 20

Value = str | int | Decimal | date


class BadQueryError(Exception):
    """A question the dataset cannot answer. ``str(error)`` says why and what to write; ``parameter`` is the culprit."""

    def __init__(self, sentence: str, parameter: str) -> None:
        super().__init__(sentence)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column."""

    column: Column
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One step of an order; rows without a value come last, both ways."""

    column: Column
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A valid question: what to show, of which rows, in what total order."""

    dataset: Dataset
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    order: tuple[Order, ...]

    @property
    def stamp(self) -> str:
        """What a cursor belongs to: the dataset, its filters and its order; not the columns shown."""
        return sha256_hex(
            canonical_json(
                [
                    self.dataset.slug,
                    [[one.column.name, one.operator, [str(value) for value in one.values]] for one in self.filters],
                    [[one.column.name, one.descending] for one in self.order],
                ]
            )
        )[:16]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, each as values in the order of the question's columns, and the cursor of the next page if any."""

    rows: list[tuple[Any, ...]]
    cursor: str | None


# Reading a question ----------------------------------------------------------------------------------------------


def ask(dataset: Dataset, parameters: Mapping[str, Sequence[str]]) -> Question:
    """Return the question that query parameters ask: ``select``, ``order_by``, and a filter by any other name.

    Raises:
        BadQueryError: a field does not exist, or a value is not of its type.
    """
    return Question(
        dataset,
        _selected(dataset, parameters.get("select", ())),
        tuple(_filter(dataset, name, values) for name, values in sorted(parameters.items()) if name not in RESERVED),
        _order(dataset, parameters.get("order_by", ())),
    )


def page_size(parameters: Mapping[str, Sequence[str]]) -> int:
    """Return the size of page asked for.

    Raises:
        BadQueryError: it is not a number from 1 to 1000.
    """
    text = (parameters.get("page_size") or [str(DEFAULT_PAGE)])[-1]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PAGE)) and 1 <= int(text) <= MAX_PAGE):
        raise BadQueryError(f"page_size « {text} » : écrivez un nombre de 1 à {MAX_PAGE}.", "page_size")
    return int(text)


def _names(values: Iterable[str]) -> list[str]:
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _column(dataset: Dataset, name: str, parameter: str) -> Column:
    column = dataset.column(name)
    if column is None:
        raise BadQueryError(
            f"Le champ « {name} » n’existe pas dans « {dataset.slug} ». Champs : {', '.join(dataset.names)}.", parameter
        )
    return column


def _selected(dataset: Dataset, values: Sequence[str]) -> tuple[Column, ...]:
    names = list(dict.fromkeys(_names(values)))
    return tuple(_column(dataset, name, "select") for name in names) or dataset.columns


def _order(dataset: Dataset, values: Sequence[str]) -> tuple[Order, ...]:
    order = {}
    for name in _names(values):
        bare = name.removeprefix("-")
        order.setdefault(bare, Order(_column(dataset, bare, "order_by"), name.startswith("-")))
    for name in dataset.key:
        order.setdefault(name, Order(_column(dataset, name, "order_by")))
    return tuple(order.values())


def _filter(dataset: Dataset, parameter: str, values: Sequence[str]) -> Filter:
    name, _, operator = parameter.partition("__")
    column = _column(dataset, name, parameter)
    if operator and operator not in OPERATORS:
        raise BadQueryError(
            f"« {parameter} » : l’opérateur « {operator} » n’existe pas. Opérateurs : {', '.join(OPERATORS)}.",
            parameter,
        )
    texts = _names(values) if operator == "in" else list(values)
    if operator != "in" and len(texts) != 1:
        raise BadQueryError(f"« {parameter} » est donné {len(texts)} fois : utilisez {name}__in.", parameter)
    return Filter(column, operator, tuple(_value(column, text, parameter) for text in texts))


def _value(column: Column, text: str, parameter: str) -> Value:
    if "\x00" in text:
        raise BadQueryError(f"« {parameter} » contient un caractère impossible.", parameter)
    try:
        return _parsed(column.kind, text)
    except (ValueError, InvalidOperation) as error:
        raise BadQueryError(
            f"« {text} » n’est pas une valeur de « {column.name} » : {column.kind_words} attendu(e), par exemple "
            f"« {column.example} ».",
            parameter,
        ) from error


def _parsed(kind: Kind, text: str) -> Value:
    match kind:
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.INTEGER | Kind.NUMBER:
            number = Decimal(text)
            if not number.is_finite() or len(text) > _NUMBER_DIGITS:
                raise ValueError(text)
            return number
        case _:
            return text


# Answering -------------------------------------------------------------------------------------------------------


def answer(question: Question, *, on: date) -> QuerySet[Any]:
    """Return the rows of a question as tuples of its columns, in its total order, all of them."""
    return _found(question, on, question.columns).values_list(*(column.name for column in question.columns))


def page(question: Question, *, on: date, size: int, cursor: str = "") -> Page:
    """Return one page of a question, in two queries: which rows, with the columns that tell; then what they show.

    Raises:
        BadQueryError: the cursor is not one of this question.
    """
    rows = _found(question, on)
    if cursor:
        rows = rows.filter(_after(question.order, _read_cursor(question, cursor)))
    found = list(rows.values_list("pk", *(step.column.name for step in question.order))[: size + 1])
    keys = [row[0] for row in found[:size]]
    names = [column.name for column in question.columns]
    shown = question.dataset.rows(on, question.columns).filter(pk__in=keys).order_by()
    by_key = {row[0]: row[1:] for row in shown.values_list("pk", *names)}
    following = _write_cursor(question, found[size - 1][1:]) if len(found) > size else None
    return Page([by_key[key] for key in keys if key in by_key], following)


def _found(question: Question, on: date, shown: Iterable[Column] = ()) -> QuerySet[Any]:
    """Return the rows of a question in order, with the columns that filter and sort, and those to show."""
    needed = [*(one.column for one in question.filters), *(step.column for step in question.order), *shown]
    rows = question.dataset.rows(on, {column.name: column for column in needed}.values())
    for one in question.filters:
        rows = rows.filter(_condition(one))
    return rows.order_by(*(_ordering(step) for step in question.order))


def _condition(one: Filter) -> Any:
    if one.operator == "in":
        return Q(**{f"{one.column.name}__in": one.values})
    if one.operator:
        return _BOUNDS[one.operator](_compared(one.column), one.values[0])
    return Q(**{one.column.name: one.values[0]})


def _compared(column: Column) -> Combinable:
    return Collate(F(column.name), "C") if column.kind == Kind.TEXT else F(column.name)


def _ordering(step: Order) -> Any:
    compared: Any = _compared(step.column)
    return compared.desc(nulls_last=True) if step.descending else compared.asc(nulls_last=True)


def _after(order: Sequence[Order], values: Sequence[Value | None]) -> Q:
    """Return the condition of the rows that come after one whose values in the order are given."""
    condition = Q()
    for step, value in reversed(list(zip(order, values, strict=True))):
        missing = Q(IsNull(F(step.column.name), True))
        if value is None:
            # Nothing comes after a missing value but, among such rows, what the next steps say.
            condition = missing & condition
        else:
            beyond = (LessThan if step.descending else GreaterThan)(_compared(step.column), value)
            equal = Q(**{step.column.name: value})
            # The last step is the key: equal there means the same row, which must not come again.
            condition = Q(beyond) | missing | (equal & condition) if condition else Q(beyond) | missing
    return condition


def _write_cursor(question: Question, values: Sequence[Any]) -> str:
    texts = [None if value is None else str(value) for value in values]
    return urlsafe_b64encode(canonical_json([question.stamp, texts]).encode()).decode().rstrip("=")


def _read_cursor(question: Question, cursor: str) -> list[Value | None]:
    refusal = BadQueryError(
        "Ce curseur n’est pas celui de cette demande : reprenez l’adresse « next » telle quelle, ou recommencez sans curseur.",
        "cursor",
    )
    try:
        stamp, texts = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if stamp != question.stamp:
            raise refusal
        return [
            None if text is None else _value(step.column, text, "cursor")
            for step, text in zip(question.order, texts, strict=True)
        ]
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise refusal from error
