"""Opinions of third parties: whom agents consult, what they ask on a file, and what is answered."""

from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import TruncDate

from francesante.lib.db import choices_check
from labelling.choices import ApplicationState, BodyKind, OpinionPart, OpinionSense
from labelling.models.applications import Application
from labelling.models.evidence import Evidence
from territories.models import Authority, Departement, Mandate, Region


class ConsultedBodyQuerySet(models.QuerySet["ConsultedBody"]):
    """Bodies that may be consulted."""

    def serving(self, departement: Departement) -> Self:
        """Bodies of a département or of its région that are still consulted, in the order people read."""
        territory = Q(departement=departement) | Q(region=departement.region_id)
        return self.filter(territory, retired_at__isnull=True).order_by("kind", "name", "pk")


class ConsultedBody(models.Model):
    """A body whose opinion is asked: an authority of the portal, or an address that receives a link for each request.

    Kept by the agents of a territory. A body is never changed, since requests point to it: it is retired.
    """

    kind = models.CharField("nature", max_length=20, choices=BodyKind.choices)
    name = models.CharField("nom", max_length=160)
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="région")
    departement = models.ForeignKey(
        Departement, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="département"
    )
    authority = models.ForeignKey(
        Authority, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="autorité du portail"
    )
    email = models.EmailField("adresse électronique", blank=True)
    retired_at = models.DateTimeField("n’est plus consulté depuis le", null=True, blank=True)

    objects = ConsultedBodyQuerySet.as_manager()

    class Meta:
        verbose_name = "organisme consulté"
        verbose_name_plural = "organismes consultés"
        constraints = [
            choices_check("kind", BodyKind, name="body_kind_known"),
            models.CheckConstraint(
                condition=Q(region__isnull=False, departement__isnull=True)
                | Q(region__isnull=True, departement__isnull=False),
                name="body_one_territory",
                violation_error_message="Un organisme est consulté dans un département, ou dans une région.",
            ),
            models.CheckConstraint(
                condition=Q(authority__isnull=False, email="") | (Q(authority__isnull=True) & ~Q(email="")),
                name="body_reached_one_way",
                violation_error_message="Un organisme est joint par le portail, ou à une adresse électronique.",
            ),
            models.UniqueConstraint(
                fields=["name", "region", "departement"],
                condition=Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="body_name_unique",
                violation_error_message="Un organisme de ce nom est déjà consulté sur ce territoire.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def serves(self, departement: Departement) -> bool:
        """Tell whether it is still consulted in a département, as ``ConsultedBodyQuerySet.serving`` does of many."""
        here = departement.pk == self.departement_id or departement.region_id == self.region_id
        return here and self.retired_at is None


class ExpertGroup(models.Model):
    """Bodies of a département that are asked together, in one click."""

    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    name = models.CharField("nom", max_length=80)
    bodies = models.ManyToManyField(ConsultedBody, related_name="+", verbose_name="organismes")

    class Meta:
        verbose_name = "groupe d’experts"
        verbose_name_plural = "groupes d’experts"
        constraints = [
            models.UniqueConstraint(
                fields=["departement", "name"],
                name="expert_group_name_unique",
                violation_error_message="Un groupe de ce nom existe déjà dans ce département.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="expert_group_is_named"),
        ]

    def __str__(self) -> str:
        return self.name


class OpinionQuerySet(models.QuerySet["Opinion"]):
    """Requests of opinion."""

    def asked(self) -> Self:
        """Requests that were not cancelled."""
        return self.filter(revoked_at__isnull=True)

    def waiting(self) -> Self:
        """Requests without answer, on a file whose decision is not presented yet: an answer still counts."""
        return self.asked().filter(answered_at__isnull=True, application__state__in=CONSULTING)

    def of(self, mandate: Mandate) -> Self:
        """Requests made to the authority of a mandate, on its territory."""
        rows = self.asked().filter(body__authority=mandate.authority_id)
        if mandate.departement_id:
            return rows.filter(application__departement=mandate.departement_id)
        if mandate.region_id:
            return rows.filter(application__departement__region=mandate.region_id)
        return rows


CONSULTING = [ApplicationState.SUBMITTED, ApplicationState.UNDER_REVIEW, ApplicationState.DISAGREEMENT]
"""States of a file in which an opinion is asked, given or revised: before its decision is presented."""


class Opinion(models.Model):
    """One question on one file to one body, with its deadline; ``answered_at`` is the date of the answer that counts.

    ``parts`` and ``pieces`` are what the body reads beside the structure and the question; never an assessment. A body
    outside the portal answers by a link sent to ``email``, its address when it was asked.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="opinions", verbose_name="candidature")
    body = models.ForeignKey(ConsultedBody, models.PROTECT, related_name="+", verbose_name="organisme")
    email = models.EmailField("adresse du lien", blank=True)
    question = models.TextField("question")
    parts = ArrayField(models.CharField(max_length=20), verbose_name="parties montrées", default=list, blank=True)
    pieces = models.ManyToManyField(Evidence, related_name="+", verbose_name="pièces montrées", blank=True)
    asked_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="demandé par")
    asked_at = models.DateTimeField("demandé le")
    due_date = models.DateField("attendu le")
    reminded_date = models.DateField("dernière relance le", null=True, blank=True)
    answered_at = models.DateTimeField("rendu le", null=True, blank=True)
    revoked_at = models.DateTimeField("annulé le", null=True, blank=True)

    objects = OpinionQuerySet.as_manager()

    class Meta:
        verbose_name = "avis"
        verbose_name_plural = "avis"
        constraints = [
            models.CheckConstraint(condition=~Q(question=""), name="opinion_asks_something"),
            models.CheckConstraint(condition=Q(parts__contained_by=OpinionPart.values), name="opinion_parts_known"),
            models.CheckConstraint(condition=Q(due_date__gte=TruncDate("asked_at")), name="opinion_due_after_asked"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | Q(revoked_at__isnull=True),
                name="opinion_revoked_is_unanswered",
                violation_error_message="Un avis rendu reste au dossier : sa demande ne s’annule plus.",
            ),
            models.UniqueConstraint(
                fields=["application", "body"],
                condition=Q(answered_at__isnull=True, revoked_at__isnull=True),
                name="opinion_one_waiting_per_body",
                violation_error_message="Cet avis est déjà demandé.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_date"],
                condition=Q(answered_at__isnull=True, revoked_at__isnull=True),
                name="opinion_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"avis {self.pk}"


class OpinionAnswer(models.Model):
    """What a body answered. Insert-only: a revised opinion is a new row, and the last one counts.

    ``mandate`` is null when it came by the link. A confidential answer is not shown to the structure in the portal.
    """

    opinion = models.ForeignKey(Opinion, models.PROTECT, related_name="answers", verbose_name="avis")
    rank = models.PositiveSmallIntegerField("rang")
    sense = models.CharField("sens", max_length=20, choices=OpinionSense.choices)
    text = models.TextField("texte", blank=True)
    confidential = models.BooleanField("réservé aux services", default=False)
    mandate = models.ForeignKey(Mandate, models.PROTECT, null=True, related_name="+", verbose_name="par")
    answered_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField("le")

    class Meta:
        verbose_name = "réponse d’un organisme"
        constraints = [
            choices_check("sense", OpinionSense, name="opinion_answer_sense_known"),
            models.UniqueConstraint(fields=["opinion", "rank"], name="opinion_answer_rank_unique"),
            models.CheckConstraint(
                condition=~Q(text="") | Q(sense__in=[OpinionSense.FAVOURABLE, OpinionSense.NONE]),
                name="opinion_answer_reasoned",
                violation_error_message="Un avis défavorable ou réservé demande ses motifs.",
            ),
        ]

    def __str__(self) -> str:
        return f"réponse {self.pk}"
