"""The text of decisions as versioned data, and what an authority adds to it for one file."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q

from francesante.lib.db import both_or_none, choices_check
from labelling.choices import TemplateKind
from labelling.models.applications import Application
from territories.choices import Capacity
from territories.models import Mandate


class DecisionTemplateQuerySet(models.QuerySet["DecisionTemplate"]):
    """Templates of decisions."""

    def applicable(self, kind: str, on: date) -> Self:
        """Published versions of a kind that have begun, the one in force last."""
        return self.filter(kind=kind, published_at__isnull=False, valid_from__lte=on).order_by("valid_from")


class DecisionTemplate(models.Model):
    """One version of the sentences of a kind of decision; once published it never changes (trigger).

    Each part holds one sentence a line, with merge fields of the list of ``labelling.rules.templates``.
    ``criterion_reason`` is said of each criterion, and is empty in the answer to an appeal; ``closing_articles`` come last,
    after what is added for one file.
    ``revision`` counts the writes to a draft: two editors do not undo each other.
    """

    kind = models.CharField("décision", max_length=30, choices=TemplateKind.choices)
    version = models.PositiveSmallIntegerField("version")
    title = models.CharField("intitulé", max_length=250)
    visas = models.TextField("visas")
    criterion_reason = models.CharField("motif de chaque critère", max_length=500, blank=True)
    reasons = models.TextField("motifs d’ensemble")
    articles = models.TextField("dispositif")
    closing_articles = models.TextField("notification, recours et exécution")
    valid_from = models.DateField("applicable à partir du", null=True, blank=True)
    published_at = models.DateTimeField("publié le", null=True, blank=True)
    drafted_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ouvert par"
    )
    revision = models.PositiveIntegerField("révision du brouillon", default=1)

    objects = DecisionTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = "modèle de décision"
        verbose_name_plural = "modèles de décision"
        constraints = [
            choices_check("kind", TemplateKind, name="decision_template_kind_known"),
            models.UniqueConstraint(fields=["kind", "version"], name="decision_template_version_unique"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(published_at__isnull=True),
                name="decision_template_one_draft",
                violation_error_message="Un brouillon de ce modèle existe déjà.",
            ),
            models.UniqueConstraint(
                fields=["kind", "valid_from"],
                name="decision_template_one_start",
                violation_error_message="Une version de ce modèle s’applique déjà à partir de ce jour.",
            ),
            both_or_none("published_at", "valid_from", name="decision_template_published_with_a_start"),
            models.CheckConstraint(
                condition=~Q(title="")
                & ~Q(visas="")
                & (~Q(criterion_reason="") | Q(kind__in=[TemplateKind.APPEAL_REJECTED, TemplateKind.APPEAL_ACCEPTED]))
                & ~Q(reasons="")
                & ~Q(articles="")
                & ~Q(closing_articles=""),
                name="decision_template_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"modèle {self.kind} {self.version}"


class DraftAddition(models.Model):
    """What one authority adds to the text of the decision that it presents on one file, one sentence a line."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="additions", verbose_name="candidature")
    capacity = models.CharField("autorité", max_length=20, choices=Capacity.choices)
    visas = models.TextField("visas ajoutés", blank=True)
    reasons = models.TextField("motifs ajoutés", blank=True)
    articles = models.TextField("articles ajoutés", blank=True)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    written_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "ajout au projet de décision"
        verbose_name_plural = "ajouts au projet de décision"
        constraints = [
            choices_check("capacity", Capacity, name="draft_addition_capacity_known"),
            models.UniqueConstraint(fields=["application", "capacity"], name="draft_addition_one_per_authority"),
        ]

    def __str__(self) -> str:
        return f"ajout {self.pk}"
