"""The delays of a file: two months of silence, de quantième à quantième, and the two months of remedies.

Pure. Days are those of the département of the file. Sources: CRPA, L. 231-1 and L. 231-4 (silence), L. 114-5 (pause for
the pieces that the texts require), R. 112-5 (what the accusé de réception says), L. 232-4 (reasons of an implicit
rejection), L. 411-2 (an appeal to the signatories prolongs the delay of the court); CJA, R. 421-1 (remedies).
"""

from calendar import monthrange
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from math import ceil
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


Pause = tuple[date, date]
"""First day without clock, and the day it runs again: when the pieces came, or the deadline to give them."""


def merged(pauses: Iterable[Pause]) -> list[Pause]:
    """Return pauses in order, those that overlap or touch as one: a day is counted once. Empty ones are left out."""
    found: list[Pause] = []
    for start, end in sorted(pause for pause in pauses if pause[0] < pause[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def postponed(deadline: date, pauses: Iterable[Pause]) -> date:
    """Return the last day of a delay of which pauses take no day.

    The delay, counted de quantième à quantième, is put off by the days of the pauses (CRPA, L. 114-5: the delay at whose
    end the request is deemed rejected « est suspendu »). A pause that begins once the delay is over changes nothing.
    """
    for start, end in merged(pauses):
        if start > deadline:
            break
        deadline += end - start
    return deadline


def pause_on(pauses: Iterable[Pause], today: date) -> Pause | None:
    """Return the pause in which a day falls, or nothing."""
    return next((pause for pause in merged(pauses) if pause[0] <= today < pause[1]), None)


def appeal_deadline(start: date) -> date:
    """Return the last day to go to court about a decision notified, or born of silence, on ``start``.

    The delay is « franc »: its first day does not count, hence one day after the same day two months later.
    """
    return add_months(start, APPEAL_MONTHS) + timedelta(days=1)


def reasons_due(received_on: date, *, months: int) -> date:
    """Return the last day to communicate the reasons of an implicit rejection that were asked for (CRPA, L. 232-4)."""
    return add_months(received_on, months)


def silence_appeal_deadline(silence: date, *, asked_on: date | None, communicated_on: date | None) -> date | None:
    """Return the last day to contest a rejection born of silence on ``silence``.

    Reasons asked for within the delay of appeal prolong it until two months after the day they are communicated (CRPA,
    L. 232-4); until then no day can be told: nothing. Asked for too late, they change nothing.
    """
    until = appeal_deadline(silence)
    if asked_on is None or has_passed(until, asked_on):
        return until
    return appeal_deadline(communicated_on) if communicated_on else None


def concertation_deadline(declined_on: date, *, days: int, silence: date | None) -> date:
    """Return the day before which a concertation is recorded: some days after a signatory declined, and before silence
    decides when that comes first.
    """
    until = declined_on + timedelta(days=days)
    return silence if silence is not None and declined_on <= silence < until else until


def appeal_silence(received_on: date) -> date:
    """Return the last day to answer an appeal to the signatories; silence after it rejects it (CRPA, L. 411-7)."""
    return add_months(received_on, APPEAL_MONTHS)


def nine_in_ten(days: Collection[int], *, at_least: int) -> int | None:
    """Return the smallest number of days that held for nine cases in ten; nothing under so many cases: a rate of a few
    says nothing.
    """
    ranked = sorted(days)
    return ranked[ceil(len(ranked) * 0.9) - 1] if ranked and len(ranked) >= at_least else None


def days_left(deadline: date, today: date) -> int:
    """Return the days until a deadline, negative once it has passed."""
    return (deadline - today).days


def has_passed(deadline: date, today: date) -> bool:
    """Tell whether a delay is over: its last day still counts."""
    return today > deadline


PAUSED = "En pause"
"""How the words of a clock in a pause begin."""


def clock_sentence(deadline: date, today: date, paused_since: date | None = None, resumes: date | None = None) -> str:
    """Return the words of the clock: ``J-12 · rejet implicite le 04/12/2026``.

    In a pause, which lasts until ``resumes`` at the latest, ``deadline`` already counts its days: ``En pause depuis le
    24/11 · rejet implicite reporté au plus tard au 25/12/2026``.
    """
    on = short_date(deadline)
    if paused_since and resumes and today < resumes:
        return f"{PAUSED} depuis le{NBSP}{day_month(paused_since)} · rejet implicite reporté au plus tard au{NBSP}{on}"
    match days_left(deadline, today):
        case 0:
            return f"Dernier jour · rejet implicite le{NBSP}{on}"
        case left if left > 0:
            return f"J-{left} · rejet implicite le{NBSP}{on}"
        case _:
            return f"Délai dépassé · rejet implicite le{NBSP}{on}"


def day_month(day: date) -> str:
    """Return ``24/11``: a day near enough to do without its year."""
    return f"{day:%d/%m}"
