"""What stands around a place: the labelled places near it, the files under way, and the map that shows them.

Distances are as the crow flies: no road is known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Max, Q, QuerySet

from labelling.models import Application, Label, Site
from labelling.rules.distance import Point, great_circle_km
from labelling.services.worklist_filters import latest_vintages
from territories.models import EpciVintage
from territories.rules.maps import Window, around, on_grid

NEAREST = 10
WIDE_DEGREES = 1.2
"""Half-side of the square in which the nearest places are looked for before measuring: over 80 km everywhere."""
MAP_KM = 25
"""From a structure to each side of its map."""
MAP_DEGREES = 0.4
"""Half-side of a square that holds the map: 25 km of longitude in the north of France, and more elsewhere."""
RINGS_KM = (10, 20)
MAIN_SIDE, PLACE_SIDE = 16, 12


@dataclass(frozen=True, slots=True)
class NearPlace:
    """A labelled place, its site nearest to a point, and how far that is, in kilometres."""

    label: Label
    point: Point
    km: float


def nearest_places(
    latitude: float, longitude: float, *, on: date, limit: int = NEAREST, within: float = WIDE_DEGREES
) -> list[NearPlace]:
    """Return the places in force and notified nearest to a point, whose sites have a position, nearest first.

    ``within`` is the half-side, in degrees, of the square that is searched.
    """
    labels = Label.objects.in_force(on).published().filter(_square("structure__sites__", latitude, longitude, within))
    rows = list(
        labels.select_related("structure__commune")
        .annotate(site_latitude=F("structure__sites__latitude"), site_longitude=F("structure__sites__longitude"))
        .order_by("pk")
    )
    points = [(row.site_latitude, row.site_longitude) for row in rows]
    nearest: dict[int, NearPlace] = {}
    for label, point, km in zip(rows, points, great_circle_km((latitude, longitude), points), strict=True):
        known = nearest.get(label.pk)
        if known is None or km < known.km:
            nearest[label.pk] = NearPlace(label, point, km)
    return sorted(nearest.values(), key=lambda place: (place.km, place.label.pk))[:limit]


def _square(prefix: str, latitude: float, longitude: float, within: float) -> Q:
    return Q(
        **{
            f"{prefix}latitude__range": (latitude - within, latitude + within),
            f"{prefix}longitude__range": (longitude - within, longitude + within),
        }
    )


# The map of a file ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the map, in units of its grid; a site is a square of this side."""

    x: int
    y: int
    side: int = PLACE_SIDE

    @property
    def left(self) -> int:
        """Left side of the square that marks a site."""
        return self.x - self.side // 2

    @property
    def top(self) -> int:
        """Top of that square."""
        return self.y - self.side // 2


@dataclass(frozen=True, slots=True)
class NearFile:
    """Another file under way, and how far its structure is, in kilometres."""

    application: Application
    point: Point
    km: float


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle of the map: its radius in units of the grid and in kilometres, and the height of its words."""

    radius: int
    km: int
    label_y: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the map of a file shows, and the lists that say the same.

    ``exact`` is false when the structure has no position of its own: it stands at the centre of its commune.
    """

    window: Window
    centre: Dot
    exact: bool
    rings: list[Ring]
    epcis: list[EpciVintage]
    sites: list[Dot]
    place_dots: list[Dot]
    file_dots: list[Dot]
    places: list[NearPlace]
    files: list[NearFile]


def surroundings_of(application: Application, user: Any, *, on: date) -> Surroundings | None:
    """Return what stands within the map of a file, or nothing when neither structure nor commune has a position.

    Lists hold what the map shows, nearest first; files under way are those that the reader may see.
    """
    sites = list(application.structure.sites.select_related("commune").order_by("-is_main", "pk"))
    main = sites[0] if sites else None
    exact = main is not None and main.latitude is not None
    commune = application.structure.commune
    latitude, longitude = _point(main) if main is not None else (commune.latitude, commune.longitude)
    if latitude is None or longitude is None:
        return None
    code = application.departement_id
    x, y = on_grid(code, latitude=latitude, longitude=longitude)
    window = around(x, y, km=MAP_KM)
    near = nearest_places(latitude, longitude, on=on, limit=NEAREST, within=MAP_DEGREES)
    places = [place for place in near if place.label.structure_id != application.structure_id and place.km < MAP_KM]
    files = [file for file in _files_near(application, user, (latitude, longitude)) if file.km < MAP_KM]
    return Surroundings(
        window=window,
        centre=Dot(x, y, MAIN_SIDE),
        exact=exact,
        rings=_rings(window, y),
        epcis=list(_epcis_near(latitude, longitude)),
        sites=_dots(code, (_point(site) for site in sites if not site.is_main), window),
        place_dots=_dots(code, (place.point for place in places), window),
        file_dots=_dots(code, (file.point for file in files), window),
        places=places,
        files=files,
    )


# The map of a search ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlacesMap:
    """What the map beside a list of places shows: the origin of the search, and the places with their rank in the list."""

    window: Window
    centre: Dot
    rings: list[Ring]
    epcis: list[EpciVintage]
    dots: list[tuple[int, Dot]]


def map_of_places(origin: Point, departement: str, ranked: Iterable[tuple[int, Site]]) -> PlacesMap | None:
    """Return the map of the places of a list around a point, or nothing when none is near enough for it."""
    centre = on_grid(departement, latitude=origin[0], longitude=origin[1])
    window = around(*centre, km=MAP_KM)
    # A point of another zone has no place in the projection of this one.
    near = [(rank, point) for rank, site in ranked if _is_near(point := _point(site), origin)]
    dots = [(rank, dot) for rank, point in near for dot in _dots(departement, [point], window)]
    if not dots:
        return None
    return PlacesMap(window, Dot(*centre, MAIN_SIDE), _rings(window, centre[1]), list(_epcis_near(*origin)), dots)


def _is_near(point: tuple[float | None, float | None], origin: Point) -> bool:
    """Tell whether a point is in the square that holds the map around another."""
    return all(
        side is not None and abs(side - middle) <= MAP_DEGREES for side, middle in zip(point, origin, strict=True)
    )


def _rings(window: Window, y: int) -> list[Ring]:
    return [Ring(radius := window.width * km // (2 * MAP_KM), km, y - radius) for km in RINGS_KM]


def _files_near(application: Application, user: Any, centre: Point) -> list[NearFile]:
    files = (
        Application.objects.for_user(user)
        .open()
        .exclude(pk=application.pk)
        .filter(structure__sites__in=Site.objects.filter(_square("", *centre, MAP_DEGREES), is_main=True))
        .select_related("structure__commune")
        .defer("answers")
        .annotate(site_latitude=F("structure__sites__latitude"), site_longitude=F("structure__sites__longitude"))
        .order_by("pk")
    )
    rows = list(files)
    points = [(row.site_latitude, row.site_longitude) for row in rows]
    found = [NearFile(*row) for row in zip(rows, points, great_circle_km(centre, points), strict=True)]
    return sorted(found, key=lambda file: (file.km, file.application.pk))[:NEAREST]


def _epcis_near(latitude: float, longitude: float) -> QuerySet[EpciVintage]:
    """Return the EPCIs of the communes around a point, at their latest vintage."""
    here = latest_vintages().filter(_square("commune__", latitude, longitude, MAP_DEGREES), epci__isnull=False)
    year = EpciVintage.objects.aggregate(year=Max("year"))["year"]
    return EpciVintage.objects.filter(year=year, epci__in=here.values("epci")).exclude(outline="").order_by("pk")


def _point(site: Site) -> tuple[float | None, float | None]:
    return (
        (site.latitude, site.longitude)
        if site.latitude is not None
        else (site.commune.latitude, site.commune.longitude)
    )


def _dots(code: str, points: Iterable[tuple[float | None, float | None]], window: Window) -> list[Dot]:
    dots = [
        Dot(*on_grid(code, latitude=latitude, longitude=longitude))
        for latitude, longitude in points
        if latitude is not None and longitude is not None
    ]
    return [dot for dot in dots if dot.x in window.columns and dot.y in window.rows]
