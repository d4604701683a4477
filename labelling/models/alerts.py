"""What agents did of the registers that say otherwise than the file of a label."""

from typing import Any

from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from labelling.choices import AlertOutcome
from labelling.models.labels import Label
from labelling.models.registers import RegisterLine
from labelling.models.specifications import Criterion
from territories.models import Mandate


class AlertSettlement(models.Model):
    """One alert that an agent settled: what the register said, of which criterion, and what was done. Insert-only.

    Without criterion, the register spoke of the place itself. It holds until the register changes what it says.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="alert_settlements", verbose_name="label")
    line = models.ForeignKey(RegisterLine, models.PROTECT, related_name="+", verbose_name="ligne de registre")
    criterion = models.ForeignKey(
        Criterion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="critère"
    )
    said: Any = models.JSONField("ce que disait le registre")
    sentence = models.CharField("l’alerte en mots", max_length=400)
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
        ]

    def __str__(self) -> str:
        return f"alerte réglée {self.pk}"
