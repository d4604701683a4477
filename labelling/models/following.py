"""What a person wants to know: the files they follow, what the morning mail tells of them, and what it told."""

from django.db import models

from francesante.lib.db import choices_check
from labelling.choices import NewsKind, NewsScope
from labelling.models.applications import Application
from territories.models import Event, User


class FollowedFile(models.Model):
    """A file that a person follows beside those they instruct; nobody else knows. The row goes when they stop."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="personne")
    application = models.ForeignKey(Application, models.PROTECT, related_name="+", verbose_name="candidature")
    since = models.DateTimeField("depuis le")

    class Meta:
        verbose_name = "dossier suivi"
        verbose_name_plural = "dossiers suivis"
        constraints = [models.UniqueConstraint(fields=["user", "application"], name="followed_file_once")]

    def __str__(self) -> str:
        return f"suivi {self.pk}"


class NewsChoice(models.Model):
    """Of which files a person is told one kind of news; without a row, of theirs and of those they follow."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="personne")
    kind = models.CharField("nouvelle", max_length=20, choices=NewsKind.choices)
    scope = models.CharField("dossiers", max_length=20, choices=NewsScope.choices)

    class Meta:
        verbose_name = "choix de nouvelles"
        constraints = [
            choices_check("kind", NewsKind, name="news_choice_kind_known"),
            choices_check("scope", NewsScope, name="news_choice_scope_known"),
            models.UniqueConstraint(fields=["user", "kind"], name="news_choice_once_per_kind"),
        ]

    def __str__(self) -> str:
        return f"choix {self.pk}"


class ToldNews(models.Model):
    """An event that the morning mail of a person told: it is not told again. Purged with what is too old to be told."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="personne")
    event = models.ForeignKey(Event, models.PROTECT, related_name="+", verbose_name="événement")

    class Meta:
        verbose_name = "nouvelle dite"
        verbose_name_plural = "nouvelles dites"
        constraints = [models.UniqueConstraint(fields=["user", "event"], name="told_news_once")]

    def __str__(self) -> str:
        return f"nouvelle {self.pk}"
