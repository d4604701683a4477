"""The thread of a file: what the structure and the services write to each other, and when it was read."""

from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from labelling.models.applications import Application
from labelling.models.evidence import Authored, Evidence

MAX_LENGTH = 1500
"""Characters of one message."""


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages."""

    def written(self, *, by_services: bool) -> Self:
        """Those of one side: of the services, or of the structure."""
        return self.filter(mandate__isnull=not by_services)

    def awaiting_answer(self, *, by_services: bool) -> Self:
        """Those of one side that expect an answer, and after which the other side wrote nothing."""
        later = Message.objects.written(by_services=not by_services).filter(
            application=OuterRef("application"), pk__gt=OuterRef("pk")
        )
        return self.written(by_services=by_services).filter(~Exists(later), answer_expected=True)

    def unread(self, *, by_services: bool) -> Self:
        """Those of one side that nobody of the other side has read."""
        return self.written(by_services=by_services).filter(reading__isnull=True)

    def with_people(self) -> Self:
        """Select what showing a thread needs."""
        return self.select_related(
            "membership__user", "mandate__user", "mandate__authority", "evidence__criterion", "reading"
        )


class Message(Authored):
    """One message between the structure and the services, with at most one piece of evidence. Insert-only."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="messages", verbose_name="candidature")
    text = models.CharField("message", max_length=MAX_LENGTH)
    answer_expected = models.BooleanField("réponse attendue", default=False)
    evidence = models.ForeignKey(
        Evidence, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="pièce jointe"
    )
    sent_at = models.DateTimeField("envoyé le")

    objects = MessageQuerySet.as_manager()

    class Meta(Authored.Meta):
        verbose_name = "message"
        constraints = [
            *Authored.Meta.constraints,
            models.CheckConstraint(condition=~Q(text=""), name="message_not_empty"),
        ]
        indexes = [
            models.Index(fields=["application"], condition=Q(answer_expected=True), name="message_expecting"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk}"


class MessageReading(Authored):
    """The first reading of a message by the side it was written to. Insert-only."""

    message = models.OneToOneField(Message, models.PROTECT, related_name="reading", verbose_name="message")
    read_at = models.DateTimeField("lu le")

    class Meta(Authored.Meta):
        verbose_name = "lecture d’un message"
        verbose_name_plural = "lectures de messages"

    def __str__(self) -> str:
        return f"lecture {self.pk}"
