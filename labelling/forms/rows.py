"""Rows that a form adds and removes with its buttons, without JavaScript: ``<row><n>_<field>``, and their count."""

import re
from collections.abc import Mapping
from typing import Any

from django.forms import Field

MAX_ROWS = 40
ROWS = {"closures": "closure_", "sites": "site_", "stops": "stop_", "team": "m"}
"""The start of the fields' names of each kind of rows; ``<kind>_count`` says how many there are."""
_STARTS_AT = {"team": {"on_site": "oui"}}
"""What a new row says until it is told otherwise."""


def row_count(data: Any, kind: str, kept: int) -> int:
    """Return how many rows a form shows: those posted, else those kept."""
    if data is None:
        return min(kept, MAX_ROWS)
    text = str(data.get(f"{kind}_count", kept))
    return min(int(text), MAX_ROWS) if text.isdecimal() else kept


def with_row(data: Any, kind: str) -> Any:
    """Return posted input with one more row, still empty."""
    copy = data.copy()
    count = row_count(data, kind, 0)
    copy[f"{kind}_count"] = str(min(count + 1, MAX_ROWS))
    for name, value in _STARTS_AT.get(kind, {}).items():
        copy[f"{ROWS[kind]}{count}_{name}"] = value
    return copy


def focus_after(data: Any, fields: Mapping[str, Field]) -> str:
    """Put the focus on the first field of the row that a button just added; return the kind of rows it took one from.

    The page is drawn again as a whole: without this, the focus would go back to its top. A removal leaves the focus to
    the heading of the kind.
    """
    match str(data.get("act", "")).split("-") if data is not None else []:
        case ["add", kind] if kind in ROWS:
            start = re.compile(rf"{ROWS[kind]}(\d+)_")
            numbers = {name: int(found[1]) for name in fields if (found := start.match(name))}
            last = [name for name, number in numbers.items() if number == max(numbers.values())]
            if last:
                fields[last[0]].widget.attrs["autofocus"] = True
        case ["remove", kind, _] if kind in ROWS:
            return kind
    return ""


def without_row(data: Any, kind: str, removed: int) -> Any:
    """Return posted input without one row, the following ones moved up."""
    copy = data.copy()
    field = re.compile(rf"{ROWS[kind]}(\d+)_(.+)")
    for name in data:
        found = field.fullmatch(name)
        if found is None or int(found[1]) < removed:
            continue
        del copy[name]
    for name in data:
        found = field.fullmatch(name)
        if found is not None and int(found[1]) > removed:
            copy[f"{ROWS[kind]}{int(found[1]) - 1}_{found[2]}"] = data[name]
    copy[f"{kind}_count"] = str(max(row_count(data, kind, 0) - 1, 0))
    return copy
