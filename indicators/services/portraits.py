"""Portraits of territories: what the public may know of a région, a département, an EPCI, a commune."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Max, Q, Sum

from francesante.lib.text import sort_key
from indicators.services.network import DepartementFigures, main_sites, network_on, places_of, public_labels
from labelling.models import Label, Quota
from territories.models import (
    Commune,
    CommuneVintage,
    Departement,
    Epci,
    EpciVintage,
    Region,
)
from territories.rules.maps import Window, on_grid, window

MAX_FOUND = 20


def latest_year() -> int:
    """Return the latest vintage of communes; 0 before any load."""
    return CommuneVintage.objects.aggregate(year=Max("year"))["year"] or 0


@dataclass(frozen=True, slots=True)
class EpciOfDepartement:
    """An EPCI on the map of a département: its communes and inhabitants there, and its labelled places there."""

    vintage: EpciVintage
    communes: int
    population: int
    labels: int


@dataclass(frozen=True, slots=True)
class Dot:
    """A labelled place on the map of a département."""

    label: Label
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class WaveFigures:
    """A wave in a département, with the labels of the wave that the public knows."""

    quota: Quota
    labels: int


@dataclass(frozen=True, slots=True)
class DepartementPortrait:
    """What the page of a département shows."""

    figures: DepartementFigures
    year: int
    population: int
    communes: int
    places: list[Label]
    waves: list[WaveFigures]
    epcis: list[EpciOfDepartement]
    without_epci: int
    without_point: list[Commune]
    dots: list[Dot]
    window: Window | None


def portrait_of(departement: Departement, *, on: date) -> DepartementPortrait:
    """Return the portrait of a département."""
    year = latest_year()
    places = list(places_of(public_labels(on).filter(departement=departement)))
    quotas = list(
        Quota.objects.filter(departement=departement, wave__period__startswith__lte=on)
        .select_related("wave")
        .order_by("wave__number")
    )
    by_wave = Counter(
        Label.objects.published()
        .filter(departement=departement, withdrawn_at__isnull=True)
        .values_list("wave", flat=True)
    )
    vintages = list(
        CommuneVintage.objects.filter(year=year, departement=departement).values_list("commune", "epci", "population")
    )
    epcis = _epcis(vintages, year, places)
    shapes = [epci.vintage.bounds for epci in epcis if epci.vintage.bounds]
    return DepartementPortrait(
        figures=DepartementFigures(
            departement, len(places), sum(quota.floor for quota in quotas), sum(quota.target for quota in quotas)
        ),
        year=year,
        population=sum(population for _, _, population in vintages),
        communes=len(vintages),
        places=places,
        waves=[WaveFigures(quota, by_wave[quota.wave_id]) for quota in quotas],
        epcis=epcis,
        without_epci=sum(1 for _, epci, _ in vintages if epci is None),
        without_point=list(
            Commune.objects.current().filter(departement=departement, latitude__isnull=True).order_by("sort_key", "pk")
        ),
        dots=_dots(departement, places) if shapes else [],
        window=window(shapes) if shapes else None,
    )


def _epcis(
    vintages: Iterable[tuple[str, str | None, int]], year: int, places: Iterable[Label]
) -> list[EpciOfDepartement]:
    communes: Counter[str] = Counter()
    population: Counter[str] = Counter()
    epci_of = {}
    for commune, epci, inhabitants in vintages:
        if epci is not None:
            communes[epci] += 1
            population[epci] += inhabitants
            epci_of[commune] = epci
    labels = Counter(epci_of.get(place.structure.commune_id) for place in places)
    rows = (
        EpciVintage.objects.filter(year=year, epci__in=communes).select_related("epci").order_by("epci__sort_key", "pk")
    )
    return [EpciOfDepartement(row, communes[row.epci_id], population[row.epci_id], labels[row.epci_id]) for row in rows]


def _dots(departement: Departement, places: Iterable[Label]) -> list[Dot]:
    by_structure = {label.structure_id: label for label in places}
    return [
        Dot(
            by_structure[site.structure_id],
            *on_grid(departement.code, latitude=site.latitude, longitude=site.longitude),
        )
        for site in main_sites(by_structure.values())
        if site.latitude is not None and site.longitude is not None
    ]


@dataclass(frozen=True, slots=True)
class EpciPortrait:
    """What the page of an EPCI shows; it may straddle départements, which are all named."""

    vintage: EpciVintage
    communes: list[CommuneVintage]
    population: int
    departements: list[Departement]
    places: list[Label]


def epci_portrait(epci: Epci, *, on: date) -> EpciPortrait | None:
    """Return the portrait of an EPCI at its latest vintage, or nothing when it has none."""
    vintage = EpciVintage.objects.filter(epci=epci).select_related("epci").order_by("-year").first()
    if vintage is None:
        return None
    communes = list(
        CommuneVintage.objects.filter(epci=epci, year=vintage.year)
        .select_related("commune", "departement")
        .order_by("commune__sort_key", "pk")
    )
    departements = {row.departement.code: row.departement for row in communes}
    return EpciPortrait(
        vintage,
        communes,
        sum(row.population for row in communes),
        sorted(departements.values(), key=lambda row: row.sort_key),
        list(places_of(public_labels(on).filter(structure__commune__in=[row.commune_id for row in communes]))),
    )


@dataclass(frozen=True, slots=True)
class RegionFigures:
    """A région and the figures of its départements."""

    region: Region
    rows: list[DepartementFigures] = field(default_factory=list)

    @property
    def labels(self) -> int:
        """Places labelled in the région."""
        return sum(row.labels for row in self.rows)

    @property
    def target(self) -> int:
        """Sum of the targets of its départements."""
        return sum(row.target for row in self.rows)

    @property
    def floor(self) -> int:
        """Sum of the floors of its départements."""
        return sum(row.floor for row in self.rows)


def by_region(on: date) -> list[RegionFigures]:
    """Return the figures of every département, by région in alphabetical order."""
    grouped: dict[str, list[DepartementFigures]] = defaultdict(list)
    for row in network_on(on).rows:
        grouped[row.departement.region_id].append(row)
    return [RegionFigures(region, grouped[region.code]) for region in Region.objects.order_by("sort_key")]


def population_of_region(region: Region) -> int:
    """Return the inhabitants of a région at the latest vintage."""
    total: int | None = CommuneVintage.objects.filter(year=latest_year(), departement__region=region).aggregate(
        total=Sum("population")
    )["total"]
    return total or 0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search among territories found, the exact names first."""

    departements: list[Departement]
    epcis: list[Epci]
    communes: list[Commune]

    @property
    def any(self) -> bool:
        """Whether anything was found."""
        return bool(self.departements or self.epcis or self.communes)


def find_territories(text: str) -> Found:
    """Return the départements and EPCI whose name holds a text or whose code it is, and the communes it may mean."""
    key, code = sort_key(text), text.strip().upper()
    return Found(
        [
            row
            for row in Departement.objects.defer("outline", "inset_outline").in_order()
            if row.code == code or (key and key in sort_key(row.name))
        ],
        list(
            Epci.objects.filter((Q(sort_key__contains=key) if key else Q(pk__in=[])) | Q(code=code)).order_by(
                "sort_key", "pk"
            )[:MAX_FOUND]
        ),
        list(Commune.objects.search(text, MAX_FOUND).select_related("departement")),
    )
