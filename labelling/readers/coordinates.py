"""The point of a place, from the coordinates of a register.

FINESS+ gives two pairs and does not say which is which: degrees in one, metres of the legal projection in the other,
either way round, and sometimes longitude where latitude should be (ansforge/finess, tickets 24 and 28, 2026). So each
pair is tried in each sense, and kept when it falls in the territory of the commune. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from pyproj import Transformer

Point = tuple[float, float]
"""Latitude and longitude, in degrees (WGS 84)."""


@dataclass(frozen=True, slots=True)
class Territory:
    """A box of latitudes and longitudes, and the EPSG code of its legal projection (décret 2019-165)."""

    south: float
    north: float
    west: float
    east: float
    projection: int

    def holds(self, latitude: float, longitude: float) -> bool:
        """Tell whether a point is in the box."""
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east


METROPOLE = Territory(41.2, 51.3, -5.3, 9.8, 2154)
OVERSEAS = {
    "971": Territory(15.7, 18.2, -63.3, -60.9, 5490),
    "972": Territory(14.3, 15.0, -61.3, -60.7, 5490),
    "973": Territory(2.0, 6.0, -54.7, -51.5, 2972),
    "974": Territory(-21.5, -20.8, 55.1, 55.9, 2975),
    "976": Territory(-13.1, -12.5, 44.9, 45.4, 4471),
}


def point_of(pairs: Iterable[tuple[object, object]], commune: str) -> Point | None:
    """Return the point that one of the pairs gives, in the territory of an INSEE code; nothing when none does."""
    territory = OVERSEAS.get(commune[:3], METROPOLE)
    numbers = [
        (first, second)
        for one, other in pairs
        if (first := _number(one)) is not None and (second := _number(other)) is not None
    ]
    both_ways = [pair for first, second in numbers for pair in ((first, second), (second, first))]
    for longitude, latitude in both_ways:
        if territory.holds(latitude, longitude):
            return latitude, longitude
    for east, north in both_ways:
        longitude, latitude = _to_degrees(territory.projection).transform(east, north)
        if territory.holds(latitude, longitude):
            return latitude, longitude
    return None


@cache
def _to_degrees(projection: int) -> Transformer:
    return Transformer.from_crs(projection, 4326, always_xy=True)


def _number(value: object) -> float | None:
    try:
        return float(str(value).strip().replace(",", "."))
    except ValueError:
        return None
