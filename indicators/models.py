"""Indicators, and the immutable quarterly editions that publish them."""

from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from indicators.choices import EditionState, Level, Status


class Indicator(models.Model):
    """What is measured: its name, unit, definition and source, and the fixed class breaks of its maps."""

    code = models.SlugField("code", max_length=60, primary_key=True)
    name = models.CharField("nom", max_length=160)
    unit = models.CharField("unité", max_length=40)
    definition = models.TextField("définition")
    source = models.TextField("source")
    position = models.PositiveSmallIntegerField("rang")

    class Meta:
        verbose_name = "indicateur"

    def __str__(self) -> str:
        return self.name


class Edition(models.Model):
    """One published quarter; once published it never changes (trigger). A correction is a new version."""

    quarter = models.CharField("trimestre", max_length=6)
    revision = models.PositiveSmallIntegerField("révision", default=1)
    state = models.CharField("état", max_length=20, choices=EditionState.choices, default=EditionState.DRAFT)
    version = models.PositiveIntegerField("version", default=1)
    as_of = models.DateField("situation au")
    reason = models.TextField("motif de la correction", blank=True)
    computed_at = models.DateTimeField("calculée le")
    published_at = models.DateTimeField("publiée le", null=True, blank=True)

    class Meta:
        verbose_name = "édition"
        constraints = [
            choices_check("state", EditionState, name="edition_state_known"),
            models.UniqueConstraint(fields=["quarter", "revision"], name="edition_unique"),
            models.UniqueConstraint(
                fields=["quarter"], condition=Q(state=EditionState.PUBLISHED), name="edition_one_published"
            ),
            models.CheckConstraint(condition=Q(quarter__regex=r"^\d{4}T[1-4]$"), name="edition_quarter_form"),
            models.CheckConstraint(
                condition=Q(state__in=["published", "superseded"], published_at__isnull=False)
                | Q(state__in=["draft", "checked"], published_at__isnull=True),
                name="edition_published_at_iff_published",
            ),
            models.CheckConstraint(condition=Q(revision=1) | ~Q(reason=""), name="edition_correction_is_reasoned"),
        ]

    def __str__(self) -> str:
        return f"{self.quarter} v{self.revision}"


class EditionFile(models.Model):
    """A frozen file of an edition: an input, from which the outputs are recomputed byte for byte, or an output."""

    edition = models.ForeignKey(Edition, models.PROTECT, related_name="files", verbose_name="édition")
    name = models.CharField("nom", max_length=80)
    is_input = models.BooleanField("donnée d’entrée")
    content = models.BinaryField("contenu")
    sha256 = models.CharField("empreinte", max_length=64)

    class Meta:
        verbose_name = "fichier d’édition"
        constraints = [models.UniqueConstraint(fields=["edition", "name"], name="edition_file_unique")]

    def __str__(self) -> str:
        return self.name


class Observation(models.Model):
    """One indicator on one territory in one edition. ``value`` is null when the status says why."""

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="observations", verbose_name="édition")
    indicator = models.ForeignKey(Indicator, models.PROTECT, related_name="observations", verbose_name="indicateur")
    level = models.CharField("niveau", max_length=20, choices=Level.choices)
    territory = models.CharField("code du territoire", max_length=5)
    numerator = models.DecimalField("numérateur", max_digits=16, decimal_places=4, null=True, blank=True)
    denominator = models.DecimalField("dénominateur", max_digits=16, decimal_places=4, null=True, blank=True)
    value = models.DecimalField("valeur", max_digits=16, decimal_places=4, null=True, blank=True)
    status = models.CharField("statut", max_length=20, choices=Status.choices)

    class Meta:
        verbose_name = "observation"
        constraints = [
            choices_check("level", Level, name="observation_level_known"),
            choices_check("status", Status, name="observation_status_known"),
            models.UniqueConstraint(fields=["edition", "indicator", "level", "territory"], name="observation_unique"),
            models.CheckConstraint(
                condition=Q(status__in=[Status.FINAL, Status.PROVISIONAL], value__isnull=False)
                | Q(status__in=[Status.SECRET, Status.MISSING, Status.NOT_COMPUTED], value__isnull=True),
                name="observation_value_fits_status",
            ),
        ]

    def __str__(self) -> str:
        return f"observation {self.pk}"
