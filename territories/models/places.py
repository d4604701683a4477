"""Places: régions, départements, EPCI, communes, by their official codes (INSEE, DGCL)."""

from collections.abc import Collection
from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from francesante.lib.db import both_or_none
from territories.choices import EpciKind
from territories.models.search import search_communes


class Place(models.Model):
    """A place of the official lists. Its name is kept as they write it: « Côte-d'Or », in filters, ``values`` and open data.

    Read as an object, it is to be shown: its name has the apostrophe of French, « Côte-d’Or ». Only the loading of the
    reference writes these rows, and never through objects that were read.
    """

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Return the place of a row, its name as it is shown."""
        row = super().from_db(*args, **kwargs)
        if name := row.__dict__.get("name"):
            row.name = name.replace("'", "’")  # type: ignore[attr-defined]  # each place has one
        return row


class Region(Place):
    """One of the 18 régions, métropole and overseas."""

    code = models.CharField("code", max_length=2, primary_key=True)
    name = models.CharField("nom", max_length=60)
    sort_key = models.CharField("clé de tri", max_length=60, db_index=True)

    class Meta:
        verbose_name = "région"

    def __str__(self) -> str:
        return self.name


class DepartementQuerySet(models.QuerySet["Departement"]):
    """Départements."""

    def in_order(self) -> Self:
        """By official code: 01, 02… 19, 2A, 2B, 21… as people list them."""
        return self.order_by("sort_key")


class Departement(Place):
    """One of the 101 départements; ``sort_key`` puts 2A and 2B between 19 and 21."""

    code = models.CharField("code", max_length=3, primary_key=True)
    name = models.CharField("nom", max_length=60)
    region = models.ForeignKey(Region, models.PROTECT, related_name="departements", verbose_name="région")
    timezone = models.CharField("fuseau horaire", max_length=40)
    sort_key = models.CharField("clé de tri", max_length=60, db_index=True)
    outline = models.TextField("contour sur la carte nationale", blank=True, default="")
    inset_outline = models.TextField("contour dans la loupe", blank=True, default="")

    objects = DepartementQuerySet.as_manager()

    class Meta:
        verbose_name = "département"

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def get_absolute_url(self) -> str:
        """Return the address of its public portrait."""
        return reverse("territory", args=[self.code])


class Epci(Place):
    """An intercommunality, by its SIREN; it may straddle départements."""

    code = models.CharField("SIREN", max_length=9, primary_key=True)
    name = models.CharField("nom", max_length=160)
    kind = models.CharField("nature", max_length=10)
    sort_key = models.CharField("clé de tri", max_length=160, db_index=True)

    class Meta:
        verbose_name = "EPCI"
        verbose_name_plural = "EPCI"

    def __str__(self) -> str:
        return self.name


class EpciVintage(Place):
    """An EPCI as it was on 1 January of a year; outline in integer units of the département maps."""

    epci = models.ForeignKey(Epci, models.PROTECT, related_name="vintages", verbose_name="EPCI")
    year = models.PositiveSmallIntegerField("millésime")
    name = models.CharField("nom", max_length=160)
    kind = models.CharField("nature", max_length=10)
    outline = models.TextField("contour", blank=True, default="")
    bounds = models.CharField("emprise", max_length=60, blank=True, default="")

    class Meta:
        verbose_name = "millésime d’EPCI"
        constraints = [models.UniqueConstraint(fields=["epci", "year"], name="epci_vintage_unique")]

    def __str__(self) -> str:
        return f"{self.name} ({self.year})"

    @property
    def kind_in_words(self) -> str:
        """Its nature in words; a code that the list does not hold, as it is."""
        return str(dict(EpciKind.choices).get(self.kind, self.kind))


class CommuneQuerySet(models.QuerySet["Commune"]):
    """Communes."""

    def current(self) -> Self:
        """Communes that still exist."""
        return self.filter(valid_until__isnull=True)

    def within(self, departements: Collection[str]) -> Self:
        """Communes of these département codes."""
        return self.filter(departement__in=departements)

    def search(self, text: str, limit: int = 10) -> Self:
        """Current communes that a text may mean (name, INSEE, former or postal code), best first."""
        return search_communes(self.current(), text, limit)


class Commune(Place):
    """A commune, by its INSEE code; one that merged keeps its row and names its successor."""

    code = models.CharField("code INSEE", max_length=5, primary_key=True)
    name = models.CharField("nom", max_length=80)
    sort_key = models.CharField("clé de tri", max_length=80)
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="communes", verbose_name="département")
    latitude = models.FloatField("latitude (WGS 84)", null=True, blank=True)
    longitude = models.FloatField("longitude (WGS 84)", null=True, blank=True)
    valid_until = models.DateField("existe jusqu’au", null=True, blank=True)
    successor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="predecessors",
        verbose_name="commune qui lui succède",
    )

    objects = CommuneQuerySet.as_manager()

    class Meta:
        verbose_name = "commune"
        constraints = [
            both_or_none("latitude", "longitude", name="commune_point_whole"),
            both_or_none("valid_until", "successor", name="commune_end_has_successor"),
            models.CheckConstraint(
                condition=Q(successor__isnull=True) | ~Q(successor=F("code")), name="commune_not_its_own_successor"
            ),
        ]
        indexes = [
            GinIndex(OpClass("sort_key", name="gin_trgm_ops"), name="commune_sort_key_trgm"),
            models.Index(OpClass("sort_key", name="varchar_pattern_ops"), name="commune_sort_key_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class CommuneVintage(models.Model):
    """A commune on 1 January of a year: its EPCI, its département, its municipal population."""

    commune = models.ForeignKey(
        Commune, models.PROTECT, db_index=False, related_name="vintages", verbose_name="commune"
    )
    year = models.PositiveSmallIntegerField("millésime")
    departement = models.ForeignKey(
        Departement, models.PROTECT, db_index=False, related_name="+", verbose_name="département"
    )
    epci = models.ForeignKey(
        Epci,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="commune_vintages",
        verbose_name="EPCI",
    )
    population = models.PositiveIntegerField("population municipale")
    population_year = models.PositiveSmallIntegerField("recensement")

    class Meta:
        verbose_name = "millésime de commune"
        constraints = [models.UniqueConstraint(fields=["commune", "year"], name="commune_vintage_unique")]
        indexes = [models.Index(fields=["year", "epci"], name="commune_vintage_epci")]

    def __str__(self) -> str:
        return f"{self.commune_id} ({self.year})"


class FormerCode(models.Model):
    """A code that no longer stands alone (merged, delegated or associated commune, arrondissement of Paris…)."""

    code = models.CharField("ancien code", max_length=5, primary_key=True)
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="former_codes", verbose_name="commune actuelle")
    kind = models.CharField("nature", max_length=30)

    class Meta:
        verbose_name = "ancien code"

    def __str__(self) -> str:
        return f"{self.code} → {self.commune_id}"


class PostalCode(models.Model):
    """A postal code serving a commune; one code may serve several communes."""

    code = models.CharField("code postal", max_length=5)
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="postal_codes", verbose_name="commune")

    class Meta:
        verbose_name = "code postal"
        constraints = [models.UniqueConstraint(fields=["code", "commune"], name="postal_code_unique")]
        indexes = [models.Index(OpClass("code", name="varchar_pattern_ops"), name="postal_code_prefix")]

    def __str__(self) -> str:
        return self.code


class ReferenceLoad(models.Model):
    """A load of the reference files: what was read (SHA-256 of the manifest), when, and its report."""

    manifest_hash = models.CharField("empreinte du manifeste", max_length=64, unique=True)
    loaded_at = models.DateTimeField("chargé le")
    report = models.JSONField("compte rendu", default=dict)

    class Meta:
        verbose_name = "chargement du référentiel"

    def __str__(self) -> str:
        return self.manifest_hash[:12]
