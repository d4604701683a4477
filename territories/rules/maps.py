"""The grid on which maps of a territory are drawn, and the window that shows a part of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from pyproj import Transformer

from territories.rules.outlines import GRID_METRES, GRID_TOPS, PROJECTIONS, zone_of

_MARGIN = 12


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the grid that is shown, in units of 100 m."""

    x: int
    y: int
    width: int
    height: int

    @property
    def view_box(self) -> str:
        """As SVG writes it."""
        return f"{self.x} {self.y} {self.width} {self.height}"

    @property
    def columns(self) -> range:
        """The x that are shown."""
        return range(self.x, self.x + self.width)

    @property
    def rows(self) -> range:
        """The y that are shown."""
        return range(self.y, self.y + self.height)

    @property
    def dot(self) -> int:
        """Radius of a place, in proportion to the window."""
        return max(round(max(self.width, self.height) / 90), 1)


def window(bounds: Iterable[str]) -> Window:
    """Return the window that holds shapes, each given by its bounds « minx miny maxx maxy »."""
    boxes = [tuple(int(side) for side in text.split()) for text in bounds]
    left, top = min(box[0] for box in boxes) - _MARGIN, min(box[1] for box in boxes) - _MARGIN
    right, bottom = max(box[2] for box in boxes) + _MARGIN, max(box[3] for box in boxes) + _MARGIN
    return Window(left, top, right - left, bottom - top)


def around(x: int, y: int, *, km: int) -> Window:
    """Return the square window whose sides are ``km`` kilometres from a point of the grid."""
    half = km * 1000 // GRID_METRES
    return Window(x - half, y - half, 2 * half, 2 * half)


def on_grid(departement: str, *, latitude: float, longitude: float) -> tuple[int, int]:
    """Return where a point of a département falls on the grid of its map."""
    zone = zone_of(departement)
    east, north = _projection(zone).transform(longitude, latitude)
    return round(east / GRID_METRES), round((GRID_TOPS[zone] - north) / GRID_METRES)


@cache
def _projection(zone: str) -> Transformer:
    return Transformer.from_crs(4326, PROJECTIONS[zone], always_xy=True)
