"""How a label ends before its term: the grounds of the law, the adversarial step, and the ending itself.

A suspension has its grounds here too, and its adversarial step; its act is in ``suspensions``.
"""

from datetime import date
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from francesante.lib.db import both_or_none, choices_check
from labelling.choices import EndingAct
from labelling.models.labels import Label
from labelling.models.structures import Membership
from territories.models import Decision, Mandate


class EndingGroundQuerySet(models.QuerySet["EndingGround"]):
    """Grounds."""

    def applicable(self, on: date) -> Self:
        """Grounds in force on a day, in the order in which they are offered."""
        return self.filter(valid__contains=on).order_by("position", "pk")


class EndingGround(models.Model):
    """Why a label may end or be suspended: the act, its time limit, whether the structure is heard first, the articles.

    ``months`` runs from the day the label was granted: after it, this ground no longer holds. ``reason`` is the
    sentence of law that the act prints. A ground that changes is a new row, with its dates. The grounds of an ending are
    those of the code; no text founds a suspension yet: each such ground names its ``source``, and the portal ships none.
    """

    code = models.SlugField("code", max_length=40)
    position = models.PositiveSmallIntegerField("rang")
    title = models.CharField("intitulé", max_length=150)
    act = models.CharField("acte", max_length=20, choices=EndingAct.choices)
    months = models.PositiveSmallIntegerField("délai, en mois après l’octroi", null=True, blank=True)
    adversarial = models.BooleanField("procédure contradictoire", default=True)
    source = models.CharField("texte", max_length=300, blank=True)
    articles = models.CharField("articles visés", max_length=200)
    reason = models.TextField("motif de droit")
    help_text = models.TextField("quand l’employer")
    valid = DateRangeField("applicable")

    objects = EndingGroundQuerySet.as_manager()

    class Meta:
        verbose_name = "motif d’un acte sur un label"
        verbose_name_plural = "motifs d’un acte sur un label"
        constraints = [
            choices_check("act", EndingAct, name="ending_ground_act_known"),
            models.CheckConstraint(
                condition=~Q(act=EndingAct.SUSPEND) | ~Q(source=""),
                name="ending_ground_suspension_has_source",
                violation_error_message="Une suspension suppose un texte : citez-le.",
            ),
            ExclusionConstraint(
                name="ending_ground_one_at_a_time",
                expressions=[("code", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AdversarialProcedure(models.Model):
    """The structure is told what is considered and why, and is heard, before anything is decided (CRPA, L. 121-1).

    ``letter`` is the text it reads; its answer is kept as it was written. Closed without an ending, the label goes on.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="procedures", verbose_name="label")
    ground = models.ForeignKey(EndingGround, models.PROTECT, related_name="+", verbose_name="motif")
    facts = models.TextField("faits")
    effect_date = models.DateField("fin envisagée le", null=True, blank=True)
    letter = models.TextField("lettre")
    deadline = models.DateField("réponse attendue jusqu’au")
    opened_at = models.DateTimeField("ouverte le")
    opened_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="ouverte par")
    answer = models.TextField("observations de la structure", blank=True)
    hearing_asked = models.BooleanField("demande à être entendue", default=False)
    answered_at = models.DateTimeField("observations reçues le", null=True, blank=True)
    answered_by = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="observations de"
    )
    heard_date = models.DateField("entendue le", null=True, blank=True)
    closed_at = models.DateTimeField("close le", null=True, blank=True)
    version = models.PositiveIntegerField("version", default=1)

    class Meta:
        verbose_name = "procédure contradictoire"
        verbose_name_plural = "procédures contradictoires"
        constraints = [
            both_or_none("answered_at", "answered_by", name="procedure_answer_has_author"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=False) | Q(answer="", hearing_asked=False),
                name="procedure_answer_is_dated",
            ),
            models.CheckConstraint(condition=~Q(facts=""), name="procedure_states_facts"),
            models.UniqueConstraint(
                fields=["label"],
                condition=Q(closed_at__isnull=True),
                name="procedure_one_open_per_label",
                violation_error_message="Une procédure contradictoire est déjà ouverte pour ce label.",
            ),
        ]

    def __str__(self) -> str:
        return f"procédure {self.pk}"


class LabelAct(models.Model):
    """A joint act on a label, from its proposal to its effect. A signatory who declines drops it.

    It takes effect once notified, never before (CRPA, L. 221-8): ``applied_at`` is that moment.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="%(class)ss", verbose_name="label")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="+", verbose_name="décision")
    effect_date = models.DateField("effet le", null=True, blank=True)
    signed_date = models.DateField("signée le", null=True, blank=True)
    dropped_at = models.DateTimeField("abandonnée le", null=True, blank=True)
    applied_at = models.DateTimeField("a pris effet le", null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(applied_at__isnull=True) | Q(signed_date__isnull=False),
                name="%(class)s_applied_once_signed",
            ),
            models.CheckConstraint(
                condition=Q(dropped_at__isnull=True) | Q(signed_date__isnull=True),
                name="%(class)s_signed_is_not_dropped",
            ),
            models.UniqueConstraint(
                fields=["label"],
                condition=Q(dropped_at__isnull=True, applied_at__isnull=True),
                name="%(class)s_one_pending_per_label",
                violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
            ),
        ]

    @property
    def is_pending(self) -> bool:
        """Whether it is at the signature, or waits to be notified."""
        return self.dropped_at is None and self.applied_at is None


class ContestableAct(LabelAct):
    """An act that takes something from its holder: an appeal against it, once accepted, undoes it (``undone_at``; trigger)."""

    undone_at = models.DateTimeField("annulée le", null=True, blank=True)

    class Meta(LabelAct.Meta):
        abstract = True
        constraints = [
            *LabelAct.Meta.constraints,
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(applied_at__isnull=False), name="%(class)s_undone_once_applied"
            ),
        ]


class Ending(ContestableAct):
    """An abrogation or a withdrawal. ``was_valid`` is the validity of the label until it took effect.

    ``effect_date`` is the first day without label; ``limit_date`` the last day on which the ground allows the act to be
    signed. Undone, the label finds its validity again, and ``ended_valid`` keeps what it was meanwhile, nothing for a
    withdrawal.
    """

    ground = models.ForeignKey(EndingGround, models.PROTECT, related_name="+", verbose_name="motif")
    procedure = models.ForeignKey(
        AdversarialProcedure, models.PROTECT, null=True, blank=True, related_name="endings", verbose_name="procédure"
    )
    limit_date = models.DateField("à signer jusqu’au", null=True, blank=True)
    was_valid = DateRangeField("validité jusque-là", null=True, blank=True)
    ended_valid = DateRangeField("validité entre-temps", null=True, blank=True)

    class Meta(ContestableAct.Meta):
        abstract = False
        verbose_name = "fin de label"
        verbose_name_plural = "fins de label"
        constraints = [
            *ContestableAct.Meta.constraints,
            models.CheckConstraint(
                condition=Q(limit_date__isnull=True)
                | Q(signed_date__isnull=True)
                | Q(signed_date__lte=F("limit_date")),
                name="ending_signed_within_its_limit",
                violation_error_message="Le délai de ce motif est passé.",
            ),
            both_or_none("applied_at", "was_valid", name="ending_keeps_what_was_valid"),
            models.CheckConstraint(
                condition=Q(ended_valid__isnull=True) | Q(undone_at__isnull=False),
                name="ending_ended_valid_once_undone",
            ),
        ]

    def __str__(self) -> str:
        return f"fin {self.pk}"
