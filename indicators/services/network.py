"""The network as the public may know it: labels in force and notified, against the targets of the waves begun."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Count, QuerySet, Sum

from francesante.lib.canonical import canonical_json, sha256_hex
from indicators.rules.shares import ShareClass, count_classes, share_class, share_of_target
from labelling.models import Label, Quota, Site
from territories.models import Departement, ReferenceLoad


@dataclass(frozen=True, slots=True)
class DepartementFigures:
    """One département of the map: its places in force, and its cumulated floor and target."""

    departement: Departement
    labels: int
    floor: int
    target: int

    @property
    def share(self) -> float | None:
        """Labels as a percentage of the target; nothing (ND) where there is no target."""
        share = share_of_target(self.labels, self.target)
        return None if share is None else float(share)

    @property
    def share_class(self) -> ShareClass:
        """Its class on the map."""
        return share_class(self.labels, self.target)


@dataclass(frozen=True, slots=True)
class Network:
    """The figures of every département on a day, in the order of codes."""

    on: date
    rows: list[DepartementFigures]

    @property
    def labels(self) -> int:
        """Places labelled in France."""
        return sum(row.labels for row in self.rows)

    @property
    def floor(self) -> int:
        """Sum of the floors."""
        return sum(row.floor for row in self.rows)

    @property
    def target(self) -> int:
        """Sum of the targets."""
        return sum(row.target for row in self.rows)

    @property
    def share(self) -> float | None:
        """Labels as a percentage of the target."""
        share = share_of_target(self.labels, self.target)
        return None if share is None else float(share)

    @property
    def classes(self) -> dict[ShareClass, int]:
        """How many départements are in each class of the map."""
        return count_classes(row.share_class for row in self.rows)

    @property
    def reached(self) -> int:
        """How many départements have reached their target."""
        return sum(1 for row in self.rows if row.target and row.labels >= row.target)


def public_labels(on: date) -> QuerySet[Label]:
    """Return the labels that the public may see on a day: in force, and notified."""
    return Label.objects.in_force(on).published()


def network_on(on: date) -> Network:
    """Return the figures of the network on a day.

    The target of a département is the sum of its quotas over the waves begun by that day: waves follow one another, and
    the places of each come on top of the ones before.
    """
    labels = Counter(
        dict(public_labels(on).values_list("departement").annotate(count=Count("pk")).order_by("departement"))
    )
    quotas = {code: (floor, target) for code, floor, target in _quotas_begun(on)}
    rows = Departement.objects.in_order().select_related("region").defer("outline", "inset_outline")
    return Network(on, [DepartementFigures(row, labels[row.code], *quotas.get(row.code, (0, 0))) for row in rows])


def _quotas_begun(on: date) -> QuerySet[Quota, tuple[str, int, int]]:
    begun = Quota.objects.filter(wave__period__startswith__lte=on)
    return begun.values_list("departement").annotate(floor=Sum("floor"), target=Sum("target")).order_by("departement")


def with_outlines(network: Network) -> list[DepartementFigures]:
    """Return the rows of the network with the shapes of its map, which :func:`network_on` leaves in the database."""
    shapes = Departement.objects.in_bulk()
    return [replace(row, departement=shapes[row.departement.code]) for row in network.rows]


def network_key(network: Network) -> str:
    """Return a hash of all that the map and its table show: the key of their cached copy."""
    shapes = ReferenceLoad.objects.order_by("-pk").values_list("manifest_hash", flat=True).first()
    figures = [[row.departement.code, row.labels, row.floor, row.target] for row in network.rows]
    return sha256_hex(canonical_json([shapes, figures]))


# Places ----------------------------------------------------------------------------------------------------------


def places_of(labels: QuerySet[Label]) -> QuerySet[Label]:
    """Return labels with what a list of places shows, sorted by commune then name."""
    return labels.select_related("structure__commune", "departement").order_by(
        "structure__commune__sort_key", "structure__sort_key", "pk"
    )


def main_sites(labels: Iterable[Label]) -> QuerySet[Site]:
    """Return the main sites, with a position, of the structures of labels."""
    return (
        Site.objects.filter(
            structure__in=[label.structure_id for label in labels], is_main=True, latitude__isnull=False
        )
        .select_related("structure")
        .order_by("pk")
    )
