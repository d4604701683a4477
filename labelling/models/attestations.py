"""What the holder of a label says of its criteria, at each due date: nothing changed, or what did."""

from django.db import models

from labelling.models.baselines import Supply
from labelling.models.labels import Label
from labelling.models.structures import Membership


class Attestation(Supply):
    """One attestation, criterion by criterion. Insert-only: what changes later is said by the next one, or at once.

    ``statements`` gives, by code of criterion, what changed since the last one; nothing when nothing did. Its figures are
    what the place offers that day: with those of the file, they make a dated series against the year before the label.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="attestations", verbose_name="label")
    due_date = models.DateField("échéance")
    statements = models.JSONField("déclarations")
    attested_at = models.DateTimeField("le")
    membership = models.ForeignKey(Membership, models.PROTECT, related_name="+", verbose_name="par")

    class Meta(Supply.Meta):
        verbose_name = "attestation"
        constraints = [
            *Supply.Meta.constraints,
            models.UniqueConstraint(
                fields=["label", "due_date"],
                name="attestation_once_per_due_date",
                violation_error_message="L’attestation de cette échéance est déjà faite.",
            ),
        ]

    def __str__(self) -> str:
        return f"attestation {self.pk}"
