"""The trace of what was erased: which category, how much, when; never what."""

from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from labelling.choices import Retained


class Purge(models.Model):
    """One run of the purge that erased something of a category. Insert-only."""

    category = models.CharField("catégorie", max_length=20, choices=Retained.choices)
    count = models.PositiveIntegerField("éléments effacés")
    purged_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "effacement"
        constraints = [
            choices_check("category", Retained, name="purge_category_known"),
            models.CheckConstraint(condition=Q(count__gt=0), name="purge_erased_something"),
        ]

    def __str__(self) -> str:
        return f"effacement {self.pk}"
