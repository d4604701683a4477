"""Appeals against a refusal: to its signatories, or to the court."""

from django.db import models
from django.db.models import Q

from francesante.lib.db import both_or_none
from labelling.choices import AppealKind, AppealOutcome
from labelling.models.applications import Application
from labelling.models.structures import Membership
from territories.choices import Capacity
from territories.models import Decision, Mandate


class Appeal(models.Model):
    """One appeal against the refusal ``decision``, lodged in the portal by an owner or recorded by an agent.

    ``deadline`` is the last day to appeal, as it stood at the record; nothing when the portal cannot date the start of
    the delay (a refusal not notified yet, an answer received by letter). A late appeal is kept like another, and said
    late. The answer is written by one authority, and takes effect (``settled_at``) when the other holds it too, or at
    once when a single one decided.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="appeals", verbose_name="candidature")
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="+", verbose_name="décision contestée")
    kind = models.CharField("nature", max_length=20, choices=AppealKind.choices)
    received_date = models.DateField("reçu le")
    deadline = models.DateField("dernier jour du délai", null=True, blank=True)
    court = models.CharField("juridiction", max_length=120, blank=True)
    docket = models.CharField("numéro de la requête", max_length=40, blank=True)
    text = models.TextField("ce que dit le recours")
    membership = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="formé par"
    )
    mandate = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="enregistré par"
    )
    recorded_at = models.DateTimeField("enregistré le")
    outcome = models.CharField("issue", max_length=20, choices=AppealOutcome.choices, blank=True)
    answer = models.TextField("réponse motivée", blank=True)
    answered_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="réponse écrite par"
    )
    answered_capacity = models.CharField(
        "autorité qui a écrit la réponse", max_length=20, choices=Capacity.choices, blank=True
    )
    answered_at = models.DateTimeField("réponse écrite le", null=True, blank=True)
    settled_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="réponse arrêtée par"
    )
    settled_at = models.DateTimeField("réponse arrêtée le", null=True, blank=True)

    class Meta:
        verbose_name = "recours"
        verbose_name_plural = "recours"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", answer="", answered_capacity="", answered_by__isnull=True)
                | (
                    Q(outcome__in=AppealOutcome.values, answered_capacity__in=Capacity.values)
                    & Q(answered_by__isnull=False)
                    & ~Q(answer="")
                ),
                name="appeal_answer_whole",
                violation_error_message="La réponse à un recours dit son issue et ses motifs.",
            ),
            both_or_none("answered_by", "answered_at", name="appeal_answered_by_someone"),
            both_or_none("settled_by", "settled_at", name="appeal_settled_by_someone"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | ~Q(outcome=""), name="appeal_settled_with_an_outcome"
            ),
            models.CheckConstraint(
                condition=Q(membership__isnull=True, mandate__isnull=False)
                | Q(membership__isnull=False, mandate__isnull=True),
                name="appeal_entered_by_one",
            ),
            models.CheckConstraint(
                condition=Q(kind=AppealKind.GRACIEUX, court="", docket="")
                | (Q(kind=AppealKind.CONTENTIEUX) & ~Q(court="") & ~Q(docket="")),
                name="appeal_court_iff_contentieux",
                violation_error_message="Un recours contentieux dit sa juridiction et son numéro.",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="appeal_says_something"),
            models.UniqueConstraint(
                fields=["decision", "kind"],
                condition=Q(settled_at__isnull=True),
                name="appeal_one_pending_per_kind",
                violation_error_message="Un recours de cette nature est déjà en cours contre cette décision.",
            ),
        ]

    def __str__(self) -> str:
        return f"recours {self.pk}"

    @property
    def is_late(self) -> bool:
        """Whether it came after the delay; never so when the delay is not known."""
        return self.deadline is not None and self.received_date > self.deadline
