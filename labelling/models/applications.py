"""Applications, their assessment criterion by criterion, and the labels they lead to."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from francesante.lib.db import both_or_none, choices_check, set_iff
from labelling.choices import ApplicationState, Route, Verdict
from labelling.models.specifications import Criterion, Specification, Wave
from labelling.models.structures import Membership, Structure
from labelling.rules.answers import Answers, parse
from labelling.rules.conditions import applicable
from labelling.workflow import DECIDED_OR_SIGNING, FINAL, PAST_DRAFT
from territories.choices import Capacity
from territories.models import Decision, Departement, Mandate, User
from territories.models.people import departements_of

REVIEWERS = {Capacity.ARS: "ars_reviewer", Capacity.PREFET: "prefecture_reviewer"}
"""The field that names who instructs a file for each authority: one does not take it from the other."""


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Applications."""

    def for_user(self, user: Any) -> Self:
        """Files of the structures a person acts for; with a mandate, submitted files of its territory."""
        if not user.is_authenticated:
            return self.none()
        own = Q(structure__in=Membership.objects.of(user).values("structure"))
        codes = departements_of(user, timezone.localdate())
        if codes is None:
            return self.filter(own | ~Q(state=ApplicationState.DRAFT))
        return self.filter(own | (Q(departement__in=codes) & ~Q(state=ApplicationState.DRAFT)))

    def open(self) -> Self:
        """Files still to be decided."""
        return self.filter(
            state__in=[
                ApplicationState.SUBMITTED,
                ApplicationState.UNDER_REVIEW,
                ApplicationState.AWAITING_SIGNATURES,
                ApplicationState.DISAGREEMENT,
            ]
        )


class Application(models.Model):
    """One structure asking for the label.

    ``answers`` is read by ``labelling.rules.answers``; ``specification`` is the version in force at submission.
    ``silence_date`` is the last day of the two months after receipt: the next day, silence is a rejection.
    ``ars_reviewer`` and ``prefecture_reviewer`` are kept as they were entrusted; whose mandate has ended no longer holds
    the file (``labelling.services.assignment.reviewer``). ``purged_at`` is when its personal data were erased; triggers let
    nothing else change in what is insert-only.
    """

    number = models.CharField("numéro", max_length=20, unique=True)
    structure = models.ForeignKey(Structure, models.PROTECT, related_name="applications", verbose_name="structure")
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    route = models.CharField("voie", max_length=20, choices=Route.choices, default=Route.CANDIDATURE)
    state = models.CharField("état", max_length=30, choices=ApplicationState.choices, default=ApplicationState.DRAFT)
    version = models.PositiveIntegerField("version", default=1)
    specification = models.ForeignKey(
        Specification, models.PROTECT, related_name="applications", verbose_name="cahier des charges"
    )
    answers = models.JSONField("réponses", default=dict, blank=True)
    wave = models.ForeignKey(
        Wave, models.PROTECT, null=True, blank=True, related_name="applications", verbose_name="vague"
    )
    lead = models.CharField("chef de file", max_length=20, choices=Capacity.choices, default=Capacity.ARS)
    created_at = models.DateTimeField("créée le")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="créée par")
    saved_at = models.DateTimeField("dernier enregistrement le", null=True, blank=True)
    submitted_at = models.DateTimeField("déposée le", null=True, blank=True)
    silence_date = models.DateField("réponse attendue avant le", null=True, blank=True)
    notification_consent = models.BooleanField("accepte la notification électronique", default=False)
    ars_reviewer = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="instruite à l’ARS par"
    )
    prefecture_reviewer = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="instruite à la préfecture par"
    )
    shared_at = models.DateTimeField("appréciation partagée le", null=True, blank=True)
    endorsed_at = models.DateTimeField("position de l’autre autorité le", null=True, blank=True)
    waiting_since = models.DateTimeField("en liste d’attente depuis le", null=True, blank=True)
    place_free_at = models.DateTimeField("place libre annoncée le", null=True, blank=True)
    decision = models.OneToOneField(
        Decision, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="décision"
    )
    purged_at = models.DateTimeField("données personnelles effacées le", null=True, blank=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = "candidature"
        constraints = [
            choices_check("state", ApplicationState, name="application_state_known"),
            choices_check("route", Route, name="application_route_known"),
            choices_check("lead", Capacity, name="application_lead_known"),
            set_iff("submitted_at", PAST_DRAFT, name="application_submitted_at_iff_past_draft"),
            set_iff("decision", DECIDED_OR_SIGNING, name="application_decision_iff_signing_or_later"),
            both_or_none("submitted_at", "silence_date", name="application_silence_runs_from_receipt"),
            models.CheckConstraint(
                condition=Q(endorsed_at__isnull=True) | Q(shared_at__isnull=False),
                name="application_endorsed_after_shared",
            ),
            models.CheckConstraint(
                condition=Q(place_free_at__isnull=True) | Q(waiting_since__isnull=False),
                name="application_place_free_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(purged_at__isnull=True) | Q(state__in=sorted(FINAL)), name="application_purged_once_over"
            ),
            models.UniqueConstraint(
                fields=["structure"],
                condition=Q(
                    state__in=[
                        ApplicationState.DRAFT,
                        ApplicationState.SUBMITTED,
                        ApplicationState.UNDER_REVIEW,
                        ApplicationState.AWAITING_SIGNATURES,
                        ApplicationState.DISAGREEMENT,
                    ]
                ),
                name="application_one_open_per_structure",
                violation_error_message="Cette structure a déjà une candidature en cours.",
            ),
        ]
        indexes = [models.Index(fields=["departement", "state"], name="application_scope")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """Return the address of the only page of the file."""
        return reverse("application", args=[self.number])

    def said(self) -> Answers:
        """Return the answers that count: of a draft, those whose question is asked; needs its structure selected."""
        answers = parse(self.answers)
        return applicable(answers, self.structure.kind) if self.state == ApplicationState.DRAFT else answers


class StandingAssessments(models.Manager["CriterionAssessment"]):
    """The assessments that count: not those set aside."""

    def get_queryset(self) -> models.QuerySet["CriterionAssessment"]:
        """Leave out what a new version of the cahier des charges set aside."""
        return super().get_queryset().filter(set_aside_at__isnull=True)


class CriterionAssessment(models.Model):
    """What one authority says of one criterion. Private to it until shared, unless it is shared already.

    When a transitional clause moves the file to a version in which the criterion is no longer the same, the assessment
    is set aside: it stays to be read again (``ever``), and no longer counts.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="assessments", verbose_name="candidature")
    criterion = models.ForeignKey(Criterion, models.PROTECT, related_name="+", verbose_name="critère")
    capacity = models.CharField("autorité", max_length=20, choices=Capacity.choices)
    verdict = models.CharField("appréciation", max_length=20, choices=Verdict.choices)
    reason = models.TextField("motif", blank=True)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    assessed_at = models.DateTimeField("le")
    set_aside_at = models.DateTimeField("écartée le", null=True, blank=True)

    objects = StandingAssessments()
    ever: "models.Manager[CriterionAssessment]" = models.Manager()

    class Meta:
        verbose_name = "appréciation"
        constraints = [
            choices_check("capacity", Capacity, name="assessment_capacity_known"),
            choices_check("verdict", Verdict, name="assessment_verdict_known"),
            models.UniqueConstraint(
                fields=["application", "criterion", "capacity"], name="assessment_one_per_authority"
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.NOT_MET) | ~Q(reason=""),
                name="assessment_not_met_is_reasoned",
                violation_error_message="Un critère non rempli demande un motif.",
            ),
            models.CheckConstraint(
                condition=~Q(verdict=Verdict.NOT_APPLICABLE) | ~Q(reason=""),
                name="assessment_not_applicable_is_reasoned",
                violation_error_message="Un critère sans objet demande un motif.",
            ),
        ]

    def __str__(self) -> str:
        return f"appréciation {self.pk}"
