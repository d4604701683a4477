"""Distances as the crow flies. Pure."""

from collections.abc import Sequence

import numpy as np

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""

Point = tuple[float, float]
"""Latitude and longitude, in degrees (WGS 84)."""


def great_circle_km(origin: Point, points: Sequence[Point]) -> list[float]:
    """Return the great-circle distance in kilometres from ``origin`` to each point (haversine)."""
    if not points:
        return []
    latitude, longitude = np.radians(origin)
    others = np.radians(np.asarray(points, dtype=float))
    half = np.sin((others[:, 0] - latitude) / 2) ** 2 + (
        np.cos(latitude) * np.cos(others[:, 0]) * np.sin((others[:, 1] - longitude) / 2) ** 2
    )
    return [float(value) for value in 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))]
