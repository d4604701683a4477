"""Appeals against a refusal, an implicit rejection or an act on a label; the reasons of a silence that were asked for."""

from django.db import models
from django.db.models import Q

from francesante.lib.db import both_or_none
from labelling.choices import AppealKind, AppealOutcome, Contested
from labelling.models.applications import Application
from labelling.models.endings import ContestableAct, Ending
from labelling.models.structures import Membership
from labelling.models.suspensions import Suspension
from territories.choices import Capacity
from territories.models import Decision, Mandate

ENTERED_BY_ONE = Q(membership__isnull=True, mandate__isnull=False) | Q(membership__isnull=False, mandate__isnull=True)
_TWO_ACTS = Q(ending__isnull=False, suspension__isnull=False)
_UNANSWERED = Q(answer="", answered_capacity="", answered_by__isnull=True)
_ANSWERED = Q(answered_capacity__in=Capacity.values, answered_by__isnull=False) & ~Q(answer="")


class Appeal(models.Model):
    """One appeal, lodged in the portal by an owner or recorded by an agent.

    It is against a signed ``decision`` (a refusal, or the act of an ``ending`` or of a ``suspension``), or against the
    rejection that silence made on ``silence_date``. ``deadline`` is the last day to appeal, as it stood at the record;
    nothing when the portal cannot date it. A late appeal is kept like another, and said late.

    To the signatories: one authority drafts the answer, and presents it as ``answer_decision``; it takes effect
    (``settled_at``) at the last signature (trigger). A judgment is recorded, and settles at once. Without object: an express
    decision came meanwhile.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="appeals", verbose_name="candidature")
    decision = models.ForeignKey(
        Decision, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="décision contestée"
    )
    silence_date = models.DateField("rejet implicite né le", null=True, blank=True)
    ending = models.ForeignKey(
        Ending, models.PROTECT, null=True, blank=True, related_name="appeals", verbose_name="fin de label contestée"
    )
    suspension = models.ForeignKey(
        Suspension, models.PROTECT, null=True, blank=True, related_name="appeals", verbose_name="suspension contestée"
    )
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
    answer_decision = models.OneToOneField(
        Decision, models.PROTECT, null=True, blank=True, related_name="answers", verbose_name="acte de réponse"
    )
    settled_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="réponse arrêtée par"
    )
    settled_at = models.DateTimeField("réponse arrêtée le", null=True, blank=True)

    class Meta:
        verbose_name = "recours"
        verbose_name_plural = "recours"
        constraints = [
            models.CheckConstraint(
                condition=(Q(decision__isnull=False, silence_date__isnull=True) & ~_TWO_ACTS)
                | Q(decision__isnull=True, silence_date__isnull=False, ending__isnull=True, suspension__isnull=True),
                name="appeal_against_one",
            ),
            models.CheckConstraint(
                condition=(Q(outcome__in=["", AppealOutcome.NO_OBJECT]) & _UNANSWERED)
                | (Q(outcome__in=AppealOutcome.values) & _ANSWERED),
                name="appeal_answer_whole",
                violation_error_message="La réponse à un recours dit son issue et ses motifs.",
            ),
            both_or_none("answered_by", "answered_at", name="appeal_answered_by_someone"),
            models.CheckConstraint(
                condition=Q(settled_by__isnull=True) | Q(settled_at__isnull=False), name="appeal_settled_by_someone"
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | ~Q(outcome=""), name="appeal_settled_with_an_outcome"
            ),
            models.CheckConstraint(condition=ENTERED_BY_ONE, name="appeal_entered_by_one"),
            models.CheckConstraint(
                condition=Q(kind=AppealKind.GRACIEUX, court="", docket="")
                | (Q(kind=AppealKind.CONTENTIEUX, answer_decision__isnull=True) & ~Q(court="") & ~Q(docket="")),
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
            models.UniqueConstraint(
                fields=["application", "silence_date", "kind"],
                condition=Q(settled_at__isnull=True, silence_date__isnull=False),
                name="appeal_one_pending_against_silence",
                violation_error_message="Un recours de cette nature est déjà en cours contre ce rejet implicite.",
            ),
        ]

    def __str__(self) -> str:
        return f"recours {self.pk}"

    @property
    def is_late(self) -> bool:
        """Whether it came after the delay; never so when the delay is not known."""
        return self.deadline is not None and self.received_date > self.deadline

    @property
    def against(self) -> Contested:
        """What it contests."""
        if self.silence_date is not None:
            return Contested.SILENCE
        if self.suspension_id is not None:
            return Contested.SUSPENSION
        return Contested.REFUSAL if self.ending_id is None else Contested.ENDING

    @property
    def label_act(self) -> ContestableAct | None:
        """The act on a label that it contests, or nothing; needs ``ending`` and ``suspension``."""
        return self.ending or self.suspension


class ReasonsRequest(models.Model):
    """The reasons of the rejection that silence made on ``silence_date``, asked for by the structure (CRPA, L. 232-4).

    ``deadline`` is the last day to appeal as it stood: asked for later, the reasons are given and prolong nothing.
    ``communicated_date`` is the day the structure read them, received their letter, or is held to have read them: the delay
    runs anew from it. An express decision, or an appeal that begins the delay again, sets the request aside.
    """

    application = models.ForeignKey(
        Application, models.PROTECT, related_name="reasons_requests", verbose_name="candidature"
    )
    silence_date = models.DateField("rejet implicite né le")
    received_date = models.DateField("reçue le")
    deadline = models.DateField("dernier jour du délai de recours")
    membership = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="demandés par"
    )
    mandate = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="enregistrée par"
    )
    recorded_at = models.DateTimeField("enregistrée le")
    reasons = models.TextField("motifs", blank=True)
    answered_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="motifs donnés par"
    )
    answered_at = models.DateTimeField("motifs donnés le", null=True, blank=True)
    communicated_date = models.DateField("motifs communiqués le", null=True, blank=True)
    set_aside_at = models.DateTimeField("sans objet le", null=True, blank=True)

    class Meta:
        verbose_name = "demande de motifs"
        verbose_name_plural = "demandes de motifs"
        constraints = [
            models.UniqueConstraint(
                fields=["application", "silence_date"],
                name="reasons_request_once_per_silence",
                violation_error_message="Les motifs de ce rejet sont déjà demandés.",
            ),
            models.CheckConstraint(condition=ENTERED_BY_ONE, name="reasons_request_entered_by_one"),
            models.CheckConstraint(
                condition=Q(reasons="", answered_by__isnull=True, answered_at__isnull=True)
                | (Q(answered_by__isnull=False, answered_at__isnull=False) & ~Q(reasons="")),
                name="reasons_request_answer_whole",
            ),
            models.CheckConstraint(
                condition=Q(communicated_date__isnull=True) | Q(answered_at__isnull=False),
                name="reasons_request_communicated_once_given",
            ),
            models.CheckConstraint(
                condition=Q(communicated_date__isnull=True) | Q(set_aside_at__isnull=True),
                name="reasons_request_communicated_or_set_aside",
            ),
        ]

    def __str__(self) -> str:
        return f"demande de motifs {self.pk}"

    @property
    def is_late(self) -> bool:
        """Whether it came after the delay of appeal, which it then does not prolong."""
        return self.received_date > self.deadline
