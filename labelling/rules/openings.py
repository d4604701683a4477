"""When a site receives, read on the clock of the place: from the week and the closures that it declared. Pure.

Public holidays are not declared: the pages say so, and give the telephone.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from francesante.lib.french import long_date, opening_hours, spoken_hour
from labelling.rules.answers import DAYS, WEEKS, Closure, Hours, Period

_NEXT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Opening:
    """What is said of a site at a moment; ``now``: it is open, ``today``: it opens at some time of that day."""

    now: bool
    today: bool
    words: str


def opening(hours: Hours, at: datetime, *, weeks: int = 1, closures: Collection[Closure] = ()) -> Opening:
    """Tell whether a site is open at a moment of its own clock, and when it opens or closes next.

    A stop of a round that is not of each week says its rhythm: its dates are not declared, it is never said open.
    """
    if not hours:
        return Opening(now=False, today=False, words="horaires non renseignés")
    if weeks > 1:
        days = ", le ".join(DAYS[day] for day in hours)
        return Opening(now=False, today=False, words=f"passage {WEEKS[weeks]}, le {days}")
    day, time = at.date(), f"{at:%H:%M}"
    if closed := closure_on(closures, day):
        return Opening(now=False, today=False, words=f"fermé jusqu’au {long_date(closed.end)} inclus")
    periods = _of_day(hours, day)
    current = next((end for start, end in periods if start <= time < end), "")
    later = [(start, end) for start, end in periods if start > time]
    if current:
        then = f", puis {opening_hours(later)}" if later else ""
        return Opening(now=True, today=True, words=f"ouvert jusqu’à {spoken_hour(current)}{then}")
    if later:
        return Opening(now=False, today=True, words=f"fermé à cette heure, aujourd’hui {opening_hours(later)}")
    shut = "fermé à cette heure" if periods else "fermé aujourd’hui"
    return Opening(now=False, today=bool(periods), words=f"{shut}{_reopens(hours, day, closures)}")


def opens_on(hours: Hours, day: date, *, weeks: int = 1, closures: Collection[Closure] = ()) -> bool:
    """Tell whether a site receives at some time of a day."""
    return weeks == 1 and bool(_of_day(hours, day)) and closure_on(closures, day) is None


def closure_on(closures: Iterable[Closure], day: date) -> Closure | None:
    """Return the closure that covers a day, the longest to come, or nothing."""
    return max((one for one in closures if one.start <= day <= one.end), key=lambda one: one.end, default=None)


def _of_day(hours: Hours, day: date) -> list[Period]:
    return sorted(hours.get(list(DAYS)[day.weekday()], ()))


def _reopens(hours: Hours, day: date, closures: Collection[Closure]) -> str:
    for ahead in range(1, _NEXT_DAYS + 1):
        then = day + timedelta(days=ahead)
        if opens_on(hours, then, closures=closures):
            name = "demain" if ahead == 1 else list(DAYS.values())[then.weekday()]
            return f", ouvre {name} à {spoken_hour(_of_day(hours, then)[0][0])}"
    return ""
