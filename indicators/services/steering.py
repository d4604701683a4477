"""Steering: each département's labels, files in progress, where they wait, and its credits. Reads only.

Querysets come already scoped to the reader. The number of queries does not depend on the number of départements.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from funding.choices import Origin
from funding.models import Envelope
from indicators.rules.steering import SIGN_ARS, SIGN_PREFET, OpenFile, Stage, Waiting, bottleneck, stages_of, waiting
from indicators.services.network import network_on, public_labels
from labelling.choices import ApplicationState, Route
from labelling.models import Application, Quota, Wave
from territories.choices import Subject
from territories.models import Departement, Event, Region

SOON = timedelta(days=15)
LATE_SIGNATURE_DAYS = 15
IN_PROGRESS = (
    ApplicationState.SUBMITTED,
    ApplicationState.UNDER_REVIEW,
    ApplicationState.AWAITING_SIGNATURES,
    ApplicationState.DISAGREEMENT,
)
MOVES = (
    "submit",
    "take_up",
    "share",
    "endorse",
    "propose",
    "take_back",
    "propose_alone",
    "disagree",
    "resume",
    "reopen",
)
"""Acts after which a file waits somewhere else, or for someone else."""
_SIGNATURES = {SIGN_ARS, SIGN_PREFET}


@dataclass(frozen=True, slots=True)
class Credits:
    """Credits of one origin: what is committed and reserved under the ceilings, in euros."""

    ceiling: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)

    @property
    def share(self) -> float | None:
        """Committed as a percentage of the ceiling."""
        return float(100 * self.committed / self.ceiling) if self.ceiling else None


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """An open file, where it waits and since when."""

    pk: int
    number: str
    departement: str
    structure: str
    silence_date: date
    wave: int | None
    state: str
    facts: OpenFile

    @property
    def stages(self) -> list[Stage]:
        """Where it waits."""
        return stages_of(self.facts)


@dataclass(frozen=True, slots=True)
class SteeringRow:
    """One département of the steering table. ``files`` counts open files by state, ``routes`` labels by route."""

    departement: Departement
    labels: int
    routes: dict[str, int]
    floor: int
    target: int
    files: dict[str, int]
    stages: list[Waiting]
    soon: int
    credits: dict[str, Credits]

    @property
    def in_progress(self) -> int:
        """Open files."""
        return sum(self.files.values())

    @property
    def bottleneck(self) -> Waiting | None:
        """The stage that holds the most files × days."""
        return bottleneck(self.stages)

    @property
    def below_floor(self) -> int:
        """Places missing to the floor."""
        return max(self.floor - self.labels, 0)

    @property
    def below_target(self) -> int:
        """Places missing to the target."""
        return max(self.target - self.labels, 0)

    @property
    def awaits_signature(self) -> bool:
        """Whether a signature is missing on a file."""
        return any(waits.stage in _SIGNATURES for waits in self.stages)

    @property
    def late_signature(self) -> bool:
        """Whether the median signature has waited for more than fifteen days."""
        return any(waits.stage in _SIGNATURES and waits.median_days > LATE_SIGNATURE_DAYS for waits in self.stages)

    @property
    def new(self) -> Credits:
        """New credits."""
        return self.credits.get(Origin.NEW, Credits())

    @property
    def reallocated(self) -> Credits:
        """Reallocated credits, never added to the new ones."""
        return self.credits.get(Origin.REALLOCATED, Credits())


@dataclass(frozen=True, slots=True)
class RegionTotal:
    """The sums of a région, over the départements shown."""

    region: Region
    rows: list[SteeringRow] = field(default_factory=list)

    @property
    def labels(self) -> int:
        """Places labelled."""
        return sum(row.labels for row in self.rows)

    @property
    def routes(self) -> dict[str, int]:
        """Places labelled, by route."""
        return routes_of(self.rows)

    @property
    def floor(self) -> int:
        """Sum of the floors."""
        return sum(row.floor for row in self.rows)

    @property
    def target(self) -> int:
        """Sum of the targets."""
        return sum(row.target for row in self.rows)

    @property
    def in_progress(self) -> int:
        """Open files."""
        return sum(row.in_progress for row in self.rows)

    @property
    def new(self) -> Decimal:
        """New credits committed, in euros."""
        return sum((row.new.committed for row in self.rows), Decimal(0))

    @property
    def reallocated(self) -> Decimal:
        """Reallocated credits committed, in euros."""
        return sum((row.reallocated.committed for row in self.rows), Decimal(0))


def open_files(files: QuerySet[Application], *, on: date) -> list[WaitingFile]:
    """Return the open files of a queryset with where each waits, since the last act that moved it."""
    moved = (
        Event.objects.filter(subject_type=Subject.APPLICATION, subject_id=OuterRef("pk"), action__in=MOVES)
        .order_by()
        .values("subject_id")
        .annotate(at=Max("at"))
        .values("at")
    )
    rows = (
        files.filter(state__in=IN_PROGRESS)
        .annotate(
            moved_at=Subquery(moved),
            signed=ArrayAgg(
                "decision__signatures__capacity",
                filter=Q(decision__signatures__isnull=False),
                default=[],
            ),
        )
        .order_by("silence_date", "pk")
        .values(
            "pk",
            "number",
            "departement",
            "structure__name",
            "silence_date",
            "wave",
            "state",
            "shared_at",
            "endorsed_at",
            "submitted_at",
            "decision__required",
            "moved_at",
            "signed",
        )
    )
    return [_waiting_file(row, on=on) for row in rows]


def _waiting_file(row: Mapping[str, Any], *, on: date) -> WaitingFile:
    facts = OpenFile(
        state=row["state"],
        shared=row["shared_at"] is not None,
        endorsed=row["endorsed_at"] is not None,
        missing=[capacity for capacity in row["decision__required"] or () if capacity not in row["signed"]],
        since=min(timezone.localdate(row["moved_at"] or row["submitted_at"]), on),
    )
    return WaitingFile(
        pk=row["pk"],
        number=row["number"],
        departement=row["departement"],
        structure=row["structure__name"],
        silence_date=row["silence_date"],
        wave=row["wave"],
        state=row["state"],
        facts=facts,
    )


def steering_rows(
    *,
    departements: Iterable[Departement],
    files: QuerySet[Application],
    envelopes: QuerySet[Envelope],
    on: date,
) -> list[SteeringRow]:
    """Return one row per département, in the order given."""
    figures = {row.departement.pk: row for row in network_on(on).rows}
    by_departement: dict[str, list[WaitingFile]] = defaultdict(list)
    for file in open_files(files, on=on):
        by_departement[file.departement].append(file)
    credits_of = credits_by_departement(envelopes, year=on.year)
    routes = _labels_by_route(on)
    rows = []
    for departement in departements:
        found, own = figures[departement.pk], by_departement[departement.pk]
        rows.append(
            SteeringRow(
                departement=departement,
                labels=found.labels,
                routes={str(route): routes[departement.pk, str(route)] for route in Route},
                floor=found.floor,
                target=found.target,
                files={state: sum(file.state == state for file in own) for state in IN_PROGRESS},
                stages=waiting([file.facts for file in own], on=on),
                soon=sum(file.silence_date <= on + SOON for file in own),
                credits=credits_of.get(departement.pk, {}),
            )
        )
    return rows


def _labels_by_route(on: date) -> Counter[tuple[str, str]]:
    """Count the labels that the public may see on a day, by département and by route."""
    rows = public_labels(on).values_list("departement", "application__route").annotate(count=Count("pk")).order_by()
    return Counter({(departement, route): count for departement, route, count in rows})


def routes_of(rows: Iterable[SteeringRow]) -> dict[str, int]:
    """Return the labels of rows by route: those that structures asked for, and those of the accelerated route."""
    counted = list(rows)
    return {str(route): sum(row.routes[route] for row in counted) for route in Route}


def credits_by_departement(envelopes: QuerySet[Envelope], *, year: int) -> dict[str, dict[str, Credits]]:
    """Return the credits of a year by département and origin, over the envelopes of départements."""
    found: dict[str, dict[str, Credits]] = defaultdict(dict)
    rows = envelopes.filter(year=year, departement__isnull=False).values_list(
        "departement", "line__origin", "ceiling", "committed", "reserved"
    )
    for departement, origin, ceiling, committed, reserved in rows.order_by("pk"):
        known = found[departement].get(origin, Credits())
        found[departement][origin] = Credits(
            known.ceiling + ceiling, known.committed + committed, known.reserved + reserved
        )
    return found


def totals_by_region(rows: Iterable[SteeringRow]) -> list[RegionTotal]:
    """Return the sums of rows by région, in alphabetical order; needs ``departement.region`` selected."""
    grouped: dict[str, RegionTotal] = {}
    for row in rows:
        region = row.departement.region
        grouped.setdefault(region.pk, RegionTotal(region)).rows.append(row)
    return sorted(grouped.values(), key=lambda total: total.region.sort_key)


# One département -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Path:
    """The path of the files of a wave: how many reached each step, and the days from receipt to act."""

    received: int
    taken_up: int
    shared: int
    at_signature: int
    labelled: int
    refused: int
    days: list[int]

    @property
    def median_days(self) -> int | None:
        """Median days from receipt to act, nothing without an act."""
        return round(median(self.days)) if self.days else None


def current_wave(on: date) -> Wave | None:
    """Return the wave open on a day, else the last one begun."""
    return Wave.objects.filter(period__startswith__lte=on).order_by("-number").first()


def quota_of(departement: Departement, wave: Wave | None) -> Quota | None:
    """Return the quota of a département in a wave, if any."""
    return Quota.objects.filter(departement=departement, wave=wave).select_related("wave").first() if wave else None


def paths_of(files: QuerySet[Application], wave: Wave) -> dict[str, Path]:
    """Return the path of the files of a wave, among those given, by route: the accelerated one is counted apart."""
    return {str(route): _path(files.filter(wave=wave, submitted_at__isnull=False, route=route)) for route in Route}


def _path(files: QuerySet[Application]) -> Path:
    decided = [ApplicationState.LABELLED, ApplicationState.REFUSED]
    counts = files.aggregate(
        received=Count("pk"),
        taken_up=Count("pk", filter=~Q(state=ApplicationState.SUBMITTED)),
        shared=Count("pk", filter=Q(shared_at__isnull=False)),
        at_signature=Count("pk", filter=Q(state__in=[ApplicationState.AWAITING_SIGNATURES, *decided])),
        labelled=Count("pk", filter=Q(state=ApplicationState.LABELLED)),
        refused=Count("pk", filter=Q(state=ApplicationState.REFUSED)),
    )
    acts = files.filter(state__in=decided).values_list("submitted_at", "decision__signed_at")
    days = [(timezone.localdate(signed) - timezone.localdate(received)).days for received, signed in acts if signed]
    return Path(**counts, days=sorted(days))
