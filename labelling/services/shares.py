"""Where a wave stands in each département, its waiting lists, and the pace at which targets come nearer. Reads only."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from labelling.choices import ApplicationState, Route
from labelling.models import Application, Label, Quota, Wave
from labelling.rules.forecast import Forecast, Week, burn_down, forecast
from labelling.services.quotas import WAITING_ORDER
from territories.choices import Subject
from territories.models import Departement, Event, Mandate


@dataclass(frozen=True, slots=True)
class Share:
    """One département in a wave. ``quota`` is absent until the national team gives it one.

    Attributes:
        submitted, reviewed, disagreeing: open files by state, those that wait for a place among the reviewed ones.
        waiting: files that wait for a place.
        routes: labelled files by route, those whose label was withdrawn since among them.
        lapsed: places that were reserved or taken, then given back (not signed, refused, withdrawn).
    """

    departement: Departement
    quota: Quota | None
    submitted: int
    reviewed: int
    disagreeing: int
    waiting: int
    routes: dict[str, int]
    lapsed: int
    pace: Forecast | None

    @property
    def signed(self) -> int:
        """Places taken by labels."""
        return self.quota.used if self.quota else 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Labels signed towards a target: week after week, and when it will be reached."""

    done: int
    target: int
    weeks: list[Week]
    forecast: Forecast | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file on a waiting list, and its rank there."""

    file: Application
    rank: int


def departements_of_mandate(mandate: Mandate) -> QuerySet[Departement]:
    """Return the départements of the territory that a mandate acts for."""
    rows = Departement.objects.in_order().defer("outline", "inset_outline")
    if mandate.departement_id:
        return rows.filter(pk=mandate.departement_id)
    return rows.filter(region=mandate.region_id) if mandate.region_id else rows


def shares(wave: Wave, departements: Iterable[Departement], *, on: date) -> list[Share]:
    """Return where a wave stands in départements, in the order given; the number of queries does not depend on theirs."""
    rows = list(departements)
    codes = [row.pk for row in rows]
    quotas = {row.departement_id: row for row in Quota.objects.filter(wave=wave, departement__in=codes)}
    states: dict[str, Counter[str]] = defaultdict(Counter)
    counted = Application.objects.filter(wave=wave, departement__in=codes)
    by_state = counted.values_list("departement", "state")
    for code, state, number in by_state.annotate(number=Count("pk")).order_by("departement"):
        states[code][state] = number
    labelled = counted.filter(state=ApplicationState.LABELLED).values_list("departement", "route")
    routes = {
        (code, route): number for code, route, number in labelled.annotate(number=Count("pk")).order_by("departement")
    }
    waiting = Counter(dict(_waiting_in(wave, codes).values_list("departement").annotate(number=Count("pk")).order_by()))
    given = _reservations(quotas.values())
    days: dict[str, list[date]] = defaultdict(list)
    for code, day in _signed(wave=wave, departement__in=codes).values_list("departement", "day"):
        days[code].append(day)
    return [
        Share(
            departement=row,
            quota=(quota := quotas.get(row.pk)),
            submitted=states[row.pk][ApplicationState.SUBMITTED],
            reviewed=states[row.pk][ApplicationState.UNDER_REVIEW],
            disagreeing=states[row.pk][ApplicationState.DISAGREEMENT],
            waiting=waiting[row.pk],
            routes={str(route): routes.get((row.pk, str(route)), 0) for route in Route},
            # Each reservation is still held, or became a label, or was given back.
            lapsed=max(given[quota.pk] - quota.reserved - quota.used, 0) if quota else 0,
            pace=forecast(days[row.pk], done=quota.used, target=quota.target, on=on) if quota else None,
        )
        for row in rows
    ]


def _waiting_in(wave: Wave, codes: Iterable[str]) -> QuerySet[Application]:
    return Application.objects.filter(
        wave=wave, departement__in=codes, waiting_since__isnull=False, state=ApplicationState.UNDER_REVIEW
    )


def _reservations(quotas: Iterable[Quota]) -> Counter[int]:
    """Count the reservations ever made on quotas, as the events of proposals say."""
    proposed = Event.objects.filter(
        subject_type=Subject.APPLICATION, action="propose", data__quota__in=[row.pk for row in quotas]
    )
    return Counter(dict(proposed.values_list("data__quota").annotate(number=Count("pk")).order_by()))


def _signed(**among: Any) -> QuerySet[Any]:
    """Return labels that were not withdrawn, with the day of their act."""
    return Label.objects.filter(withdrawn_at__isnull=True, **among).annotate(day=F("valid__startswith"))


def waiting_list(wave: Wave, departements: Iterable[Departement]) -> list[Waiting]:
    """Return the files that wait for a place, by département, each with its rank."""
    files = _waiting_in(wave, [row.pk for row in departements]).select_related("structure__commune", "departement")
    ranks: Counter[str] = Counter()
    found = []
    for file in files.order_by("departement__sort_key", *WAITING_ORDER):
        ranks[file.departement_id] += 1
        found.append(Waiting(file, ranks[file.departement_id]))
    return found


# Pace -------------------------------------------------------------------------------------------------------------


def pace_of_wave(wave: Wave, departements: Iterable[Departement], *, on: date) -> Pace:
    """Return the pace of a wave over départements, towards the sum of their targets."""
    codes = [row.pk for row in departements]
    target = sum(Quota.objects.filter(wave=wave, departement__in=codes).values_list("target", flat=True))
    days = list(_signed(wave=wave, departement__in=codes).values_list("day", flat=True))
    return _pace(days, target=target, since=wave.period.lower, on=on)


def pace_of_nation(*, on: date) -> tuple[Wave, Pace] | None:
    """Return the first national target that is not reached, as its wave, and the pace towards it; nothing without any."""
    targets = Wave.objects.filter(national_target__isnull=False).order_by("national_target")
    days = list(_signed().filter(Q(valid__endswith__gt=on) | Q(valid__endswith=None)).values_list("day", flat=True))
    wave = next((row for row in targets if (row.national_target or 0) > len(days)), None) or targets.last()
    if wave is None or wave.national_target is None:
        return None
    first = Wave.objects.order_by("period").first()
    return wave, _pace(days, target=wave.national_target, since=(first or wave).period.lower, on=on)


def _pace(days: list[date], *, target: int, since: date, on: date) -> Pace:
    done = sum(day <= on for day in days)
    weeks = burn_down(days, target=target, since=since, on=on) if since <= on else []
    return Pace(done, target, weeks, forecast(days, done=done, target=target, on=on))
