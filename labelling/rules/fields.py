"""The kinds of internal fields: where a value is kept, how it is written in a form and shown to people. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from francesante.lib.french import grouped, short_date
from francesante.lib.text import sort_key
from labelling.choices import FieldKind

Typed = str | Decimal | date | bool | None
"""A value: a text or a choice, a number, a day, yes or no; nothing where none is written."""

COLUMNS: Mapping[FieldKind, str] = {
    FieldKind.TEXT: "text",
    FieldKind.NUMBER: "number",
    FieldKind.DATE: "day",
    FieldKind.YES_NO: "yes",
    FieldKind.CHOICE: "text",
}
"""The column of a value, by the kind of its field."""
YES, NO = "oui", "non"
WITH, WITHOUT = "avec", "sans"
"""Words of an address: the files that hold a field, or do not."""
FROM, TO = "de", "a"
"""What follows the word of a number or of a date in an address: its bounds, both included."""
_WORD = re.compile(rf"(r\d{{1,18}})(?:-({FROM}|{TO}))?")


def word_of(pk: int) -> str:
    """Return the word of a field in an address: ``r12``."""
    return f"r{pk}"


def split_word(word: str) -> tuple[str, str] | None:
    """Return the field that a word of an address names, and its bound or nothing: ``r12-de``; nothing for another word."""
    found = _WORD.fullmatch(word)
    return (found[1], found[2] or "") if found else None


def export_key(pk: int, name: str) -> str:
    """Return the name of the column of a field in the exports: ``r12_date_du_comite``."""
    return "_".join([word_of(pk), *sort_key(name).split()])


def written(value: Typed) -> str:
    """Return a value as a form carries it, by which two are compared: ``2026-12-04``, ``12.5``, ``oui``; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else value


def read(kind: FieldKind, text: str) -> Typed:
    """Return the value that :func:`written` wrote."""
    match kind:
        case FieldKind.NUMBER:
            return Decimal(text)
        case FieldKind.DATE:
            return date.fromisoformat(text)
        case FieldKind.YES_NO:
            return text == YES
    return text


def shown(value: Typed) -> str:
    """Return a value as people read it: ``04/12/2026``, ``1 250,5``, ``oui``; a dash for none."""
    if isinstance(value, Decimal):
        decimals = len(written(value).partition(".")[2])
        return grouped(value, decimals)
    if isinstance(value, date):
        return short_date(value)
    return written(value) or "–"
