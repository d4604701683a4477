"""What happens when one authority does not sign: the concertation, the advice; and the closing of a file."""

from django.db import models
from django.db.models import F, Q

from francesante.lib.db import both_or_none, choices_check
from labelling.choices import ClosingGround, ConcertationOutcome
from labelling.models.applications import Application
from territories.choices import Capacity
from territories.models import Decision, Mandate


class Concertation(models.Model):
    """The record of what two authorities said to each other after one of them did not sign ``decision``.

    One authority writes it, the other confirms it; until then each may write another, which sets the former aside. A
    trigger keeps the text as it was written, and a confirmed record as it was confirmed. The last confirmed one counts.
    """

    application = models.ForeignKey(
        Application, models.PROTECT, related_name="concertations", verbose_name="candidature"
    )
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="+", verbose_name="décision non signée")
    held_date = models.DateField("tenue le")
    participants = models.CharField("services représentés", max_length=500)
    text = models.TextField("compte rendu")
    outcome = models.CharField("issue", max_length=20, choices=ConcertationOutcome.choices)
    recorded_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="consignée par")
    recorded_capacity = models.CharField("consignée par l’autorité", max_length=20, choices=Capacity.choices)
    recorded_at = models.DateTimeField("consignée le")
    confirmed_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="confirmée par"
    )
    confirmed_capacity = models.CharField(
        "confirmée par l’autorité", max_length=20, choices=Capacity.choices, blank=True
    )
    confirmed_at = models.DateTimeField("confirmée le", null=True, blank=True)
    set_aside_at = models.DateTimeField("écartée le", null=True, blank=True)

    class Meta:
        verbose_name = "concertation"
        constraints = [
            choices_check("outcome", ConcertationOutcome, name="concertation_outcome_known"),
            choices_check("recorded_capacity", Capacity, name="concertation_recorded_capacity_known"),
            both_or_none("confirmed_by", "confirmed_at", name="concertation_confirmed_by_someone"),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_capacity="")
                | (
                    Q(confirmed_at__isnull=False, confirmed_capacity__in=Capacity.values)
                    & ~Q(confirmed_capacity=F("recorded_capacity"))
                ),
                name="concertation_confirmed_by_the_other",
                violation_error_message="Le compte rendu est confirmé par l’autre autorité, non par celle qui l’a écrit.",
            ),
            models.CheckConstraint(
                condition=Q(set_aside_at__isnull=True) | Q(confirmed_at__isnull=True),
                name="concertation_confirmed_stays",
            ),
            models.CheckConstraint(condition=~Q(text="") & ~Q(participants=""), name="concertation_says_something"),
            models.UniqueConstraint(
                fields=["decision"],
                condition=Q(set_aside_at__isnull=True, confirmed_at__isnull=True),
                name="concertation_one_pending_per_decision",
            ),
        ]

    def __str__(self) -> str:
        return f"concertation {self.pk}"


class NationalAdvice(models.Model):
    """What the national team advises two authorities that disagree. It never decides. Insert-only."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="advice", verbose_name="candidature")
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="+", verbose_name="décision non signée")
    text = models.TextField("avis")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    given_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "avis de l’équipe nationale"
        verbose_name_plural = "avis de l’équipe nationale"
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="national_advice_says_something")]

    def __str__(self) -> str:
        return f"avis national {self.pk}"


class Closing(models.Model):
    """Why a file was closed without a decision, as the structure is told. Insert-only."""

    application = models.OneToOneField(Application, models.PROTECT, related_name="closing", verbose_name="candidature")
    ground = models.CharField("motif", max_length=20, choices=ClosingGround.choices)
    text = models.TextField("explication donnée à la structure")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    closed_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "classement sans suite"
        verbose_name_plural = "classements sans suite"
        constraints = [
            choices_check("ground", ClosingGround, name="closing_ground_known"),
            models.CheckConstraint(
                condition=~Q(text=""),
                name="closing_explained",
                violation_error_message="Un classement sans suite s’explique à la structure.",
            ),
        ]

    def __str__(self) -> str:
        return f"classement {self.pk}"
