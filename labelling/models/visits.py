"""Visits of labelled places: planned, carried out criterion by criterion, sent to the structure, answered."""

from django.db import models
from django.db.models import Q
from django.urls import reverse

from francesante.lib.db import both_or_none, choices_check
from labelling.choices import VisitConclusion, VisitReason, VisitResult
from labelling.models.labels import Label
from labelling.models.specifications import Criterion
from labelling.models.structures import Membership
from territories.models import Mandate


class Visit(models.Model):
    """One visit of the place of a label. It decides nothing: an ending has its own procedure.

    The report is written while ``sent_at`` is empty; a trigger keeps it as the structure read it. ``deadline`` is the
    last day on which the structure may answer, once. ``corrected_date`` is the day on which an agent found corrected what
    was to be: until then the correction is due.
    """

    label = models.ForeignKey(Label, models.PROTECT, related_name="visits", verbose_name="label")
    reason = models.CharField("motif", max_length=20, choices=VisitReason.choices)
    planned_date = models.DateField("prévue le")
    agents = models.ManyToManyField(Mandate, related_name="+", verbose_name="agents")
    planned_at = models.DateTimeField("décidée le")
    planned_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="décidée par")
    cancelled_at = models.DateTimeField("annulée le", null=True, blank=True)
    visited_date = models.DateField("faite le", null=True, blank=True)
    notes = models.TextField("observations générales", blank=True)
    conclusion = models.CharField("conclusion", max_length=20, choices=VisitConclusion.choices, blank=True)
    correct_before = models.DateField("à corriger avant le", null=True, blank=True)
    sent_at = models.DateTimeField("compte rendu envoyé le", null=True, blank=True)
    deadline = models.DateField("réponse possible jusqu’au", null=True, blank=True)
    answer = models.TextField("réponse de la structure", blank=True)
    answered_at = models.DateTimeField("répondue le", null=True, blank=True)
    answered_by = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="réponse de"
    )
    corrected_date = models.DateField("corrections constatées le", null=True, blank=True)
    corrected_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="corrections constatées par"
    )
    version = models.PositiveIntegerField("version", default=1)

    class Meta:
        verbose_name = "visite"
        constraints = [
            choices_check("reason", VisitReason, name="visit_reason_known"),
            models.CheckConstraint(
                condition=Q(conclusion__in=["", *VisitConclusion.values]), name="visit_conclusion_known"
            ),
            models.CheckConstraint(
                condition=Q(conclusion=VisitConclusion.TO_CORRECT, correct_before__isnull=False)
                | (~Q(conclusion=VisitConclusion.TO_CORRECT) & Q(correct_before__isnull=True)),
                name="visit_corrections_are_dated",
                violation_error_message="Une conclusion « à corriger » dit avant quelle date.",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True)
                | (Q(visited_date__isnull=False, cancelled_at__isnull=True) & ~Q(conclusion="")),
                name="visit_sent_is_complete",
                violation_error_message="Un compte rendu envoyé a une date de visite et une conclusion.",
            ),
            both_or_none("sent_at", "deadline", name="visit_sent_has_deadline"),
            both_or_none("answered_at", "answered_by", name="visit_answer_has_author"),
            both_or_none("corrected_date", "corrected_by", name="visit_correction_has_author"),
            models.CheckConstraint(
                condition=Q(corrected_date__isnull=True)
                | Q(conclusion=VisitConclusion.TO_CORRECT, sent_at__isnull=False),
                name="visit_corrects_what_was_to_be",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answer="")
                | (Q(answered_at__isnull=False, sent_at__isnull=False) & ~Q(answer="")),
                name="visit_answers_what_was_sent",
            ),
            models.UniqueConstraint(
                fields=["label"],
                condition=Q(sent_at__isnull=True, cancelled_at__isnull=True),
                name="visit_one_open_per_label",
                violation_error_message="Une visite de ce lieu est déjà prévue.",
            ),
        ]

    def __str__(self) -> str:
        return f"visite {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its page; needs ``label``."""
        return reverse("visit", args=[self.label.number, self.pk])

    @property
    def is_open(self) -> bool:
        """Whether its report may still be written: neither sent nor cancelled."""
        return self.sent_at is None and self.cancelled_at is None


class VisitFinding(models.Model):
    """What was seen of one criterion of the version on which the label was granted."""

    visit = models.ForeignKey(Visit, models.PROTECT, related_name="findings", verbose_name="visite")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+", verbose_name="critère")
    result = models.CharField("constat", max_length=20, choices=VisitResult.choices, default=VisitResult.NOT_SEEN)
    observed = models.TextField("ce qui a été observé", blank=True)

    class Meta:
        verbose_name = "constat de visite"
        verbose_name_plural = "constats de visite"
        constraints = [
            choices_check("result", VisitResult, name="visit_finding_result_known"),
            models.UniqueConstraint(fields=["visit", "criterion"], name="visit_finding_once"),
            models.CheckConstraint(
                condition=~Q(result=VisitResult.NOT_MET) | ~Q(observed=""),
                name="visit_finding_not_met_is_told",
                violation_error_message="Un critère non rempli dit ce qui a été observé.",
            ),
        ]

    def __str__(self) -> str:
        return f"constat {self.pk}"
