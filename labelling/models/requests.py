"""What passes between the authorities and the structure during the instruction: questions, answers, versions of answers."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from francesante.lib.db import both_or_none, choices_check
from labelling.choices import ApplicationState, RevisionKind
from labelling.models.applications import Application
from labelling.models.specifications import Criterion
from labelling.models.structures import Membership
from territories.choices import ActorKind, Capacity
from territories.models import Mandate


class InformationRequestQuerySet(models.QuerySet["InformationRequest"]):
    """Questions asked of structures."""

    sent_q = Q(sent_at__isnull=False)
    open_q = Q(
        sent_at__isnull=False,
        answered_at__isnull=True,
        closed_at__isnull=True,
        application__state=ApplicationState.UNDER_REVIEW,
    )
    """Sent, and still waiting for the structure: the file is incomplete. Leaving the instruction ends every question."""
    received_q = Q(answered_at__isnull=False, read_at__isnull=True, application__state=ApplicationState.UNDER_REVIEW)
    """Answered, and not read yet by the authority that asked."""

    def prepared(self) -> Self:
        """Questions written, and not sent yet: private to their authority."""
        return self.exclude(self.sent_q)

    def sent(self) -> Self:
        """Questions that the structure may read, whatever became of them."""
        return self.filter(self.sent_q)

    def open(self) -> Self:
        """Questions that wait for the structure."""
        return self.filter(self.open_q)

    def received(self) -> Self:
        """Questions answered, whose authority has not read the answer."""
        return self.filter(self.received_q)


class InformationRequest(models.Model):
    """One question of one authority about one criterion.

    Prepared, it is private to its authority; those prepared are sent together, with one deadline. The structure is told
    by mail and reads them by an act, which notifies them (``notified_at``). With ``required``, the question asks for a
    piece that the texts require: it alone suspends the delay of silence, from its notification to its answer, its
    withdrawal or its deadline (CRPA, L. 114-5). A trigger keeps what was sent, and what was answered, as they are.

    ``reply`` and ``ready_at`` are filled by the structure before it sends its answers. ``closed_at`` without
    ``closed_by`` says that the deadline passed: the file is examined as it is.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="requests", verbose_name="candidature")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+", verbose_name="critère")
    capacity = models.CharField("autorité", max_length=20, choices=Capacity.choices)
    question = models.TextField("question")
    required = models.BooleanField("pièce ou information exigée par les textes", default=False)
    prepared_at = models.DateTimeField("préparée le")
    prepared_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="préparée par")
    sent_at = models.DateTimeField("envoyée le", null=True, blank=True)
    sent_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="envoyée par"
    )
    deadline = models.DateField("réponse attendue avant le", null=True, blank=True)
    notified_at = models.DateTimeField("lue par la structure le", null=True, blank=True)
    reminded_at = models.DateTimeField("rappelée le", null=True, blank=True)
    reply = models.TextField("réponse", blank=True)
    ready_at = models.DateTimeField("réponse prête le", null=True, blank=True)
    answered_at = models.DateTimeField("répondue le", null=True, blank=True)
    answered_by = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="répondue par"
    )
    read_at = models.DateTimeField("réponse lue par l’autorité le", null=True, blank=True)
    closed_at = models.DateTimeField("close le", null=True, blank=True)
    closed_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="retirée par"
    )

    objects = InformationRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "demande de précision"
        verbose_name_plural = "demandes de précision"
        constraints = [
            choices_check("capacity", Capacity, name="request_capacity_known"),
            models.CheckConstraint(condition=~Q(question=""), name="request_asks_something"),
            both_or_none("sent_at", "sent_by", name="request_sent_by_someone"),
            both_or_none("sent_at", "deadline", name="request_sent_has_deadline"),
            both_or_none("answered_at", "answered_by", name="request_answered_by_someone"),
            models.CheckConstraint(
                condition=Q(notified_at__isnull=True) | Q(sent_at__isnull=False, notified_at__gte=F("sent_at")),
                name="request_notified_after_sent",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True)
                | Q(notified_at__isnull=False, ready_at__isnull=False, answered_at__gte=F("notified_at")),
                name="request_answered_after_notified",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(sent_at__isnull=False, answered_at__isnull=True),
                name="request_closed_unanswered",
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | Q(closed_at__isnull=False), name="request_withdrawn_is_closed"
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=True) | Q(answered_at__isnull=False), name="request_read_once_answered"
            ),
        ]
        indexes = [
            models.Index(
                fields=["deadline"],
                condition=Q(sent_at__isnull=False, answered_at__isnull=True, closed_at__isnull=True),
                name="request_due",
            )
        ]

    def __str__(self) -> str:
        return f"demande de précision {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for the structure, in a file under review (``open_q``)."""
        return self.sent_at is not None and self.answered_at is None and self.closed_at is None


class AnswerDraft(models.Model):
    """The answers as the structure is changing them for the open questions of a file; nothing of it is sent yet.

    Only what those questions unlock is taken from it. ``version`` grows with every write to it or to a reply.
    """

    application = models.OneToOneField(
        Application, models.PROTECT, related_name="answer_draft", verbose_name="candidature"
    )
    answers = models.JSONField("réponses", default=dict, blank=True)
    version = models.PositiveIntegerField("version", default=1)

    class Meta:
        verbose_name = "réponses en préparation"
        verbose_name_plural = "réponses en préparation"

    def __str__(self) -> str:
        return f"réponses en préparation {self.pk}"


class AnswerRevision(models.Model):
    """The answers of a submitted file as they were before a change: who changed them, why, when. Insert-only.

    The first one holds what was submitted. A trigger refuses a change of the answers of a submitted file whose former
    version is not kept here.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="revisions", verbose_name="candidature")
    number = models.PositiveSmallIntegerField("rang")
    kind = models.CharField("nature", max_length=20, choices=RevisionKind.choices)
    answers = models.JSONField("réponses avant", default=dict, blank=True)
    reason = models.TextField("motif", blank=True)
    actor_type = models.CharField("par", max_length=20, choices=ActorKind.choices)
    actor_id = models.BigIntegerField("identifiant de l’acteur")
    at = models.DateTimeField("le")

    class Meta:
        verbose_name = "version des réponses"
        verbose_name_plural = "versions des réponses"
        constraints = [
            choices_check("kind", RevisionKind, name="revision_kind_known"),
            choices_check("actor_type", ActorKind, name="revision_actor_known"),
            models.UniqueConstraint(fields=["application", "number"], name="revision_number_unique"),
            models.CheckConstraint(condition=Q(number__gte=1), name="revision_number_from_one"),
            models.CheckConstraint(
                condition=~Q(kind=RevisionKind.CORRECTION) | ~Q(reason=""),
                name="revision_correction_reasoned",
                violation_error_message="Une correction demande un motif.",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} des réponses de {self.application_id}"
