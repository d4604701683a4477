"""When a target of labels will be reached, at the pace of the last eight weeks. Pure.

Method. Labels signed in the last eight weeks are taken for the events of a Poisson process of constant pace. With ``n``
events over ``W`` days, the time that ``r`` more events will take is predicted by ``W × r / n`` times a variable that
follows Fisher's law of ``2r`` and ``2n`` degrees of freedom: its median gives the date, its first and ninth deciles the
interval, which holds the true date eight times in ten when the pace does not change. Under eight events nothing is
said: the interval would be wider than the calendar.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from scipy.special import fdtri

WINDOW = timedelta(weeks=8)
MIN_EVENTS = 8
LOW, MEDIAN, HIGH = 0.1, 0.5, 0.9
HORIZON = timedelta(days=5 * 365)
"""Beyond five years a date is not written: it would say more than is known."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the pace of the last weeks promises.

    Attributes:
        events: labels signed in the last eight weeks, on which everything rests.
        remaining: labels missing to the target.
        reached: median date at which the target is reached.
        early, late: first and ninth deciles of that date; ``late`` is absent beyond the horizon.
    """

    events: int
    remaining: int
    reached: date
    early: date
    late: date | None

    @property
    def per_week(self) -> float:
        """Labels signed per week, over the last eight."""
        return self.events / (WINDOW.days / 7)


def recent(days: Iterable[date], *, on: date) -> int:
    """Count the events of the eight weeks that end on a day, that day included."""
    return sum(on - WINDOW < day <= on for day in days)


def forecast(days: Iterable[date], *, done: int, target: int, on: date) -> Forecast | None:
    """Return when ``target`` labels will be there, knowing the days of those signed and that ``done`` count today.

    Nothing when the target is reached, when fewer than eight labels were signed in the last eight weeks, or when the
    median lies beyond the horizon.
    """
    events, remaining = recent(days, on=on), target - done
    if events < MIN_EVENTS or remaining <= 0:
        return None

    def quantile(share: float) -> timedelta:
        scale = WINDOW.days * remaining / events
        return timedelta(days=ceil(scale * float(fdtri(2 * remaining, 2 * events, share))))

    early, median, late = (quantile(share) for share in (LOW, MEDIAN, HIGH))
    if median > HORIZON:
        return None
    return Forecast(events, remaining, on + median, on + early, on + late if late <= HORIZON else None)


@dataclass(frozen=True, slots=True)
class Week:
    """One week of a burn-down: its Monday, the labels signed in it, those signed since the start, what remains."""

    monday: date
    signed: int
    total: int
    remaining: int


def burn_down(days: Iterable[date], *, target: int, since: date, on: date) -> list[Week]:
    """Return the weeks from the one of ``since`` to the one of ``on``, with what remains to the target after each.

    Labels signed before ``since`` count from the first week.
    """
    counts: dict[date, int] = {}
    first, last = _monday(since), _monday(on)
    for day in days:
        if day <= on:
            monday = max(_monday(day), first)
            counts[monday] = counts.get(monday, 0) + 1
    weeks, total, monday = [], 0, first
    while monday <= last:
        signed = counts.get(monday, 0)
        total += signed
        weeks.append(Week(monday, signed, total, max(target - total, 0)))
        monday += timedelta(weeks=1)
    return weeks


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
