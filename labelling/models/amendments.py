"""What changed of the place of a label since its decision: a slip of the pen, its holder, its address."""

from django.db import models
from django.db.models import F, Q

from francesante.lib.db import choices_check
from labelling.choices import AmendmentKind
from labelling.models.labels import Label
from territories.models import Mandate


class Amendment(models.Model):
    """One correction, with what was written before and after, by field of the structure. Insert-only.

    The decision stays as it was signed: the amendment says why the structure no longer reads as its act does.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="amendments", verbose_name="label")
    kind = models.CharField("nature", max_length=20, choices=AmendmentKind.choices)
    before = models.JSONField("avant")
    after = models.JSONField("après")
    reason = models.TextField("motif")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    amended_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "rectification"
        constraints = [
            choices_check("kind", AmendmentKind, name="amendment_kind_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="amendment_reasoned"),
            models.CheckConstraint(condition=~Q(before=F("after")), name="amendment_changes_something"),
        ]

    def __str__(self) -> str:
        return f"rectification {self.pk}"
