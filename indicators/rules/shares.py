"""The classes of « lieux labellisés, en part de la cible »: data of the indicator, fixed for all dates and levels. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class ShareClass:
    """One class of the map: ``key`` is its CSS suffix, ``label`` its words in the legend."""

    key: str
    label: str


NONE = ShareClass("0", "0")
BELOW_HALF = ShareClass("1", "1 à 49\u00a0%")
HALF = ShareClass("2", "50 à 79\u00a0%")
CLOSE = ShareClass("3", "80 à 99\u00a0%")
REACHED = ShareClass("4", "100\u00a0% et plus")
UNKNOWN = ShareClass("nd", "ND (aucune cible fixée)")
CLASSES = (NONE, BELOW_HALF, HALF, CLOSE, REACHED, UNKNOWN)
"""In the order of the legend. Lower bound included, upper bound excluded."""


def share_of_target(labels: int, target: int) -> Decimal | None:
    """Return labels as a percentage of a target, or nothing where no target was set: that is ND, not 0."""
    return _HUNDRED * labels / target if target else None


def share_class(labels: int, target: int) -> ShareClass:
    """Return the class of a territory on the map."""
    share = share_of_target(labels, target)
    if share is None:
        return UNKNOWN
    if not labels:
        return NONE
    return next(
        (found for bound, found in ((50, BELOW_HALF), (80, HALF), (100, CLOSE)) if share < bound),
        REACHED,
    )


def count_classes(classes: Iterable[ShareClass]) -> dict[ShareClass, int]:
    """Return how many territories are in each class, empty classes included, in the order of the legend."""
    found = list(classes)
    return {one: found.count(one) for one in CLASSES}
