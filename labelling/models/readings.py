"""Who opened which file, and when."""

from django.db import models
from django.db.models import F, Q

from labelling.models.applications import Application
from territories.models import Mandate, User


class FileReading(models.Model):
    """The readings of a file by one person on one day; the structure's own people are not followed.

    A row is purged after ``READING_MONTHS``.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="personne")
    application = models.ForeignKey(Application, models.PROTECT, related_name="readings", verbose_name="candidature")
    day = models.DateField("jour")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="dernière habilitation")
    first_at = models.DateTimeField("première lecture")
    last_at = models.DateTimeField("dernière lecture")
    count = models.PositiveIntegerField("lectures", default=1)

    class Meta:
        verbose_name = "lecture d’un dossier"
        verbose_name_plural = "lectures de dossiers"
        constraints = [
            models.UniqueConstraint(fields=["user", "application", "day"], name="reading_once_per_day"),
            models.CheckConstraint(
                condition=Q(last_at__gte=F("first_at"), count__gte=1), name="reading_last_after_first"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="reading_day")]

    def __str__(self) -> str:
        return f"lecture {self.pk}"
