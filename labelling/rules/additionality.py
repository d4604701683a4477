"""What a label adds: the hours and half-days that are new, told apart from supply that was there before. Pure.

A figure that one side does not know is not calculated: it is neither 0 nor new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from labelling.rules.answers import Answers, Period

HOURS = "hours"
MEASURES: Mapping[str, str] = {
    HOURS: "Heures d’ouverture par semaine",
    "doctor": "Demi-journées de médecins par semaine",
    "nurse": "Demi-journées d’infirmiers par semaine",
    "other": "Demi-journées d’autres professionnels par semaine",
}
"""The measures, by their key, in the order in which they are shown."""
SHORT: Mapping[str, str] = {
    HOURS: "Heures d’ouverture",
    "doctor": "Demi-j. de médecins",
    "nurse": "Demi-j. d’infirmiers",
    "other": "Demi-j. d’autres",
}


Supply = Mapping[str, Decimal | None]
"""What a place offers in a week, by measure."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a place: the year before its label, and on a day under it; ``None`` when unknown."""

    key: str
    before: Decimal | None
    now: Decimal | None

    @property
    def title(self) -> str:
        """Its name in French."""
        return MEASURES[self.key]

    @property
    def short(self) -> str:
        """Its name at the head of a column."""
        return SHORT[self.key]

    @property
    def new(self) -> Decimal | None:
        """What was not there before; less than nothing when the place offers less than before."""
        return None if self.before is None or self.now is None else self.now - self.before

    @property
    def kept(self) -> Decimal | None:
        """What was there before, under the label now: supply re-badged."""
        return None if self.before is None or self.now is None else min(self.now, self.before)


def measures(now: Supply, before: Supply) -> list[Measure]:
    """Return each measure of what a place offers, against what it offered before."""
    return [Measure(key, before.get(key), now.get(key)) for key in MEASURES]


def offered(answers: Answers) -> dict[str, Decimal | None]:
    """Return what a file offers by measure: hours of all its places, and half-days on site by profession."""
    return {key: weekly_hours(answers) if key == HOURS else half_days(answers, key) for key in MEASURES}


def weekly_hours(answers: Answers) -> Decimal | None:
    """Return the hours opened in a week, all places counted, a round by its share; ``None`` when none is given."""
    weeks = [answers.hours, *(site.hours for site in answers.sites)]
    minutes = sum(_minutes(period) for hours in weeks for periods in hours.values() for period in periods)
    minutes += sum(_minutes((stop.start, stop.end)) / stop.weeks for stop in answers.stops)
    return (Decimal(minutes) / 60).quantize(Decimal("0.1"), ROUND_HALF_UP) if minutes else None


def half_days(answers: Answers, profession: str) -> Decimal | None:
    """Return the half-days on site of a profession in a week.

    ``None`` when no team is given, or when somebody of the profession has none: they are then unknown, not 0.
    """
    here = [member for member in answers.of(profession) if member.on_site]
    if not answers.team or not all(member.half_days for member in here):
        return None
    return Decimal(sum(len(member.half_days) for member in here))


def _minutes(period: Period) -> float:
    start, end = (datetime.strptime(text, "%H:%M") for text in period)  # noqa: DTZ007  # a time of a day
    return max((end - start).total_seconds() / 60, 0)
