"""Shapes of the maps, as SVG paths: the national map with its insets, and the EPCI of département maps.

Contours come in WGS 84 degrees. Métropole is projected in Lambert-93, each overseas département in its own legal
projection. Paths hold whole numbers only; two neighbours are rounded from the same points, so their border stays one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

METROPOLE = "metropole"
PETITE_COURONNE = "petite_couronne"
PETITE_COURONNE_DEPARTEMENTS = frozenset({"75", "92", "93", "94"})
PROJECTIONS = {METROPOLE: 2154, "971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}
"""EPSG code of the legal projection, in metres, by overseas département and for the whole of métropole."""

VIEW_BOX = "0 0 1000 1044"
SIMPLIFICATION = 0.9
"""Side, in units of the national map, of the square that a dropped detail would not fill (Visvalingam's area)."""
GRID_METRES = 100
"""One unit of a département map."""
GRID_TOPS = {
    METROPOLE: 7_200_000,
    "971": 1_900_000,
    "972": 1_700_000,
    "973": 700_000,
    "974": 7_700_000,
    "976": 8_600_000,
}
"""Northing, in metres, of the line y = 0 of département maps: SVG counts downwards."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of the national map, in its units; ``caption`` is empty for métropole, which has no border."""

    caption: str
    x: int
    y: int
    width: int
    height: int
    caption_height: int = 0

    @property
    def caption_x(self) -> int:
        """Where the caption starts."""
        return self.x + 8

    @property
    def caption_y(self) -> int:
        """Base line of the caption."""
        return self.y + self.caption_height - 6


FRAMES = {
    METROPOLE: Frame("", 0, 0, 1000, 880),
    PETITE_COURONNE: Frame("Paris et petite couronne", 4, 4, 196, 178, 26),
    "971": Frame("Guadeloupe", 4, 894, 170, 146, 26),
    "972": Frame("Martinique", 182, 894, 170, 146, 26),
    "973": Frame("Guyane", 360, 894, 170, 146, 26),
    "974": Frame("La Réunion", 538, 894, 170, 146, 26),
    "976": Frame("Mayotte", 716, 894, 170, 146, 26),
}
"""The parts of the national map: métropole, the magnifier of Paris and its neighbours, one frame per DROM."""


@dataclass(frozen=True)
class Outline:
    """An SVG path and its bounds, « minx miny maxx maxy »."""

    path: str
    bounds: str


def zone_of(departement: str) -> str:
    """Return the projection zone of a département code: itself overseas, else métropole."""
    return departement if departement in PROJECTIONS else METROPOLE


def national_outlines(contours: Mapping[str, MultiPolygon]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the paths of the national map by département code, then those of the magnifier.

    Args:
        contours: one shape per département, in degrees; neighbours share the points of their border.
    """
    outlines: dict[str, str] = {}
    for zone in PROJECTIONS:
        outlines |= _framed(
            FRAMES[zone], zone, {code: shape for code, shape in contours.items() if zone_of(code) == zone}
        )
    magnified = {code: shape for code, shape in contours.items() if code in PETITE_COURONNE_DEPARTEMENTS}
    return outlines, _framed(FRAMES[PETITE_COURONNE], METROPOLE, magnified)


def epci_outlines(contours: Mapping[str, MultiPolygon], departement_of: Mapping[str, str]) -> dict[str, Outline]:
    """Return the outline of each EPCI on the grid of département maps (100 m a unit, one origin per zone).

    Args:
        contours: one shape per EPCI, in degrees.
        departement_of: one of the départements of each EPCI.
    """
    outlines: dict[str, Outline] = {}
    for zone in PROJECTIONS:
        codes = [code for code in contours if zone_of(departement_of[code]) == zone]
        shapes = _projected(zone, [contours[code] for code in codes])
        placed = _scaled(shapes, 1 / GRID_METRES, 0, GRID_TOPS[zone] / GRID_METRES)
        for code, shape, bounds in zip(codes, placed, shapely.bounds(placed), strict=True):
            outlines[code] = Outline(svg_path(shape), " ".join(str(round(bound)) for bound in bounds))
    return outlines


def svg_path(shape: BaseGeometry) -> str:
    """Return the SVG path of a polygon, in whole numbers and relative steps.

    Points that fall on the one before are dropped, then rings left without an area; the largest ring always stays,
    so that no shape vanishes.
    """
    rings = [
        _whole_points(ring) for polygon in shapely.get_parts(shape) for ring in (polygon.exterior, *polygon.interiors)
    ]
    kept = [ring for ring in rings if len(ring) > 2] or [max(rings, key=len)]  # noqa: PLR2004
    return "".join(_ring_path(ring) for ring in kept)


def _framed(frame: Frame, zone: str, contours: Mapping[str, MultiPolygon]) -> dict[str, str]:
    """Project, scale to a frame, simplify as one coverage, and draw."""
    if not contours:
        return {}
    shapes = _projected(zone, contours.values())
    min_x, min_y, max_x, max_y = shapely.total_bounds(shapes)
    margin = 6 if frame.caption else 2
    width, height = frame.width - 2 * margin, frame.height - 2 * margin - frame.caption_height
    scale = min(width / (max_x - min_x), height / (max_y - min_y))
    left = frame.x + margin + (width - scale * (max_x - min_x)) / 2
    top = frame.y + margin + frame.caption_height + (height - scale * (max_y - min_y)) / 2
    placed = _scaled(shapes, scale, left - scale * min_x, top + scale * max_y)
    simplified = shapely.coverage_simplify(placed, SIMPLIFICATION)
    return {code: svg_path(shape) for code, shape in zip(contours, simplified, strict=True)}


def _projected(zone: str, shapes: Iterable[MultiPolygon]) -> np.ndarray:
    transformer = Transformer.from_crs(4326, PROJECTIONS[zone], always_xy=True)
    return shapely.transform(list(shapes), transformer.transform, interleaved=False)


def _scaled(shapes: np.ndarray, scale: float, left: float, top: float) -> np.ndarray:
    """Scale from metres counted upwards to units counted downwards from ``top``."""
    return shapely.transform(shapes, lambda points: points * (scale, -scale) + (left, top))


def _whole_points(ring: BaseGeometry) -> np.ndarray:
    """Return the points of a closed ring, rounded, without its closing point nor immediate repetitions."""
    points = np.rint(shapely.get_coordinates(ring)).astype(int)
    moved = np.any(points[1:] != points[:-1], axis=1)
    return points[1:][moved] if moved.any() else points[:1]


def _ring_path(points: np.ndarray) -> str:
    (x, y), steps = points[0], np.diff(points, axis=0)
    # A minus sign parts two numbers as well as a space does.
    line = "".join(f" {dx}{dy}" if dy < 0 else f" {dx} {dy}" for dx, dy in steps.tolist())
    return f"M{x} {y}l{line.replace(' -', '-').lstrip()}z"
