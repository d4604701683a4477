"""The delays of a file: two months of silence, de quantième à quantième, and the two months of remedies.

Pure. Days are those of the département of the file. Sources: CRPA, L. 231-1 and L. 231-4 (silence), R. 112-5 (what the
accusé de réception says); CJA, R. 421-1 (remedies).
"""

from calendar import monthrange
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from francesante.lib.french import NBSP, short_date

APPEAL_MONTHS = 2
"""CJA, R. 421-1: two months from the notification, or from the day silence became a decision."""


def add_months(day: date, months: int) -> date:
    """Return the same day ``months`` later; the last day of that month when it is shorter (31 → 30, 28 or 29)."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def local_day(instant: datetime, timezone: str) -> date:
    """Return the day of an instant in the legal time of a département (``Departement.timezone``)."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def silence_date(received_at: datetime, *, timezone: str, months: int) -> date:
    """Return the last day of the delay that runs from receipt; silence after it is a rejection."""
    return add_months(local_day(received_at, timezone), months)


def appeal_deadline(start: date) -> date:
    """Return the last day to go to court about a decision notified, or born of silence, on ``start``.

    The delay is « franc »: its first day does not count, hence one day after the same day two months later.
    """
    return add_months(start, APPEAL_MONTHS) + timedelta(days=1)


def days_left(deadline: date, today: date) -> int:
    """Return the days until a deadline, negative once it has passed."""
    return (deadline - today).days


def has_passed(deadline: date, today: date) -> bool:
    """Tell whether a delay is over: its last day still counts."""
    return today > deadline


def clock_sentence(deadline: date, today: date) -> str:
    """Return the words of the clock: ``J-12 · rejet implicite le 04/12/2026``."""
    on = short_date(deadline)
    match days_left(deadline, today):
        case 0:
            return f"Dernier jour · rejet implicite le{NBSP}{on}"
        case left if left > 0:
            return f"J-{left} · rejet implicite le{NBSP}{on}"
        case _:
            return f"Délai dépassé · rejet implicite le{NBSP}{on}"
