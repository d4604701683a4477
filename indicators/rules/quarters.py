"""Quarters, written ``2026T3``. Pure."""

import re
from datetime import date, timedelta

_FORM = re.compile(r"(\d{4})T([1-4])")


class UnknownQuarterError(ValueError):
    """A text is not a quarter; ``str(error)`` says what is expected."""


def quarter_start(quarter: str) -> date:
    """Return the first day of a quarter.

    Raises:
        UnknownQuarterError: the text does not read like ``2026T3``.
    """
    found = _FORM.fullmatch(quarter)
    if found is None:
        raise UnknownQuarterError(f"« {quarter} » n’est pas un trimestre : écrivez par exemple 2026T3.")
    return date(int(found[1]), 3 * int(found[2]) - 2, 1)


def quarter_end(quarter: str) -> date:
    """Return the last day of a quarter."""
    start = quarter_start(quarter)
    following = date(start.year + start.month // 10, (start.month + 2) % 12 + 1, 1)
    return following - timedelta(days=1)


def quarter_of(day: date) -> str:
    """Return the quarter of a day."""
    return f"{day.year}T{(day.month + 2) // 3}"


def previous_quarter(quarter: str) -> str:
    """Return the quarter before."""
    return quarter_of(quarter_start(quarter) - timedelta(days=1))
