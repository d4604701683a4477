"""What agents did of the alerts on a label: a register says otherwise than its file, or its holder declared a change."""

from typing import Any

from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from labelling.choices import AlertOutcome
from labelling.models.attestations import Attestation
from labelling.models.labels import Label
from labelling.models.registers import RegisterLine
from labelling.models.specifications import Criterion
from territories.models import Mandate


class AlertSettlement(models.Model):
    """One alert that an agent settled: what was said, of which criterion, and what was done. Insert-only.

    Of a register's ``line``, without criterion, it spoke of the place itself; it holds until the register changes what it
    says. Of an ``attestation``, it holds for good: the next one says what changed since then.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="alert_settlements", verbose_name="label")
    line = models.ForeignKey(
        RegisterLine, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ligne de registre"
    )
    attestation = models.ForeignKey(
        Attestation, models.PROTECT, null=True, blank=True, related_name="settlements", verbose_name="attestation"
    )
    criterion = models.ForeignKey(
        Criterion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="critère"
    )
    said: Any = models.JSONField("ce qui était dit")
    sentence = models.TextField("l’alerte en mots")
    outcome = models.CharField("suite", max_length=20, choices=AlertOutcome.choices)
    note = models.TextField("note")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    settled_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "alerte réglée"
        verbose_name_plural = "alertes réglées"
        constraints = [
            choices_check("outcome", AlertOutcome, name="alert_settlement_outcome_known"),
            models.CheckConstraint(condition=~Q(note=""), name="alert_settlement_has_note"),
            models.CheckConstraint(
                condition=Q(line__isnull=False, attestation__isnull=True)
                | Q(line__isnull=True, attestation__isnull=False, criterion__isnull=False),
                name="alert_settlement_of_a_register_or_an_attestation",
            ),
            models.UniqueConstraint(
                fields=["attestation", "criterion"],
                name="alert_settlement_once_per_declared_change",
                violation_error_message="Ce changement est déjà réglé.",
            ),
        ]

    def __str__(self) -> str:
        return f"alerte réglée {self.pk}"
