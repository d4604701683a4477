"""What a labelled place offers in a week, as its holder declares it: the year before its label, then at each attestation."""

from django.db import models
from django.db.models import Q

from labelling.models.labels import Label
from labelling.models.structures import Membership


class Supply(models.Model):
    """What a place offers in a week. A figure that its holder does not know is null: it is then not calculated, never 0."""

    hours = models.DecimalField("heures d’ouverture par semaine", max_digits=6, decimal_places=1, null=True)
    doctor = models.DecimalField("demi-journées de médecins par semaine", max_digits=6, decimal_places=1, null=True)
    nurse = models.DecimalField("demi-journées d’infirmiers par semaine", max_digits=6, decimal_places=1, null=True)
    other = models.DecimalField(
        "demi-journées d’autres professionnels par semaine", max_digits=6, decimal_places=1, null=True
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(hours__isnull=True) | Q(hours__gte=0), name="%(class)s_hours_not_negative"
            ),
            models.CheckConstraint(
                condition=(Q(doctor__isnull=True) | Q(doctor__gte=0))
                & (Q(nurse__isnull=True) | Q(nurse__gte=0))
                & (Q(other__isnull=True) | Q(other__gte=0)),
                name="%(class)s_half_days_not_negative",
            ),
        ]


class Baseline(Supply):
    """The supply of the year before a label, declared once. Insert-only."""

    label = models.OneToOneField(Label, models.PROTECT, related_name="baseline", verbose_name="label")
    declared_at = models.DateTimeField("déclarée le")
    membership = models.ForeignKey(Membership, models.PROTECT, related_name="+", verbose_name="par")

    class Meta(Supply.Meta):
        verbose_name = "offre de l’année précédente"
        verbose_name_plural = "offres de l’année précédente"

    def __str__(self) -> str:
        return f"offre de l’année précédente {self.pk}"
