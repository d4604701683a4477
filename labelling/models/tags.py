"""Tags: the words that an authority puts on files to find them again."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from labelling.models.applications import Application
from labelling.models.words import Word
from territories.models import Mandate


class Tag(Word):
    """A word that files carry, or not; it is retired once no file carries it."""

    class Meta:
        verbose_name = "étiquette"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="tag_is_named"),
            models.UniqueConstraint(
                "authority",
                Lower("name"),
                condition=Q(retired_at__isnull=True),
                name="tag_name_unique",
                violation_error_message="Votre autorité a déjà une étiquette de ce nom.",
            ),
        ]


class FileTag(models.Model):
    """A tag on a file, and who put it there. Its row goes with it: a word to find a file again is no proof."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="tags", verbose_name="candidature")
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="files", verbose_name="étiquette")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="posée par")
    put_at = models.DateTimeField("posée le")

    class Meta:
        verbose_name = "étiquette d’un dossier"
        verbose_name_plural = "étiquettes des dossiers"
        constraints = [models.UniqueConstraint(fields=["application", "tag"], name="file_tag_once")]

    def __str__(self) -> str:
        return f"étiquette {self.pk}"
