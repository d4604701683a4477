"""Working notes of the agents: private to one authority, or read by both."""

from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from labelling.models.applications import Application
from labelling.models.specifications import Criterion
from territories.choices import Capacity
from territories.models import Mandate


class Note(models.Model):
    """A note on a file or on one of its criteria. Insert-only; it is no assessment, and no act rests on it."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="notes", verbose_name="candidature")
    criterion = models.ForeignKey(
        Criterion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="critère"
    )
    capacity = models.CharField("autorité", max_length=20, choices=Capacity.choices)
    joint = models.BooleanField("lue par les deux autorités", default=False)
    text = models.TextField("note")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    written_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "note"
        constraints = [
            choices_check("capacity", Capacity, name="note_capacity_known"),
            models.CheckConstraint(condition=~Q(text=""), name="note_says_something"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"
