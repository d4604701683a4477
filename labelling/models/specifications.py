"""The cahier des charges as versioned data, and the calendar: waves and quotas."""

from datetime import date
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property

from francesante.lib.db import choices_check
from labelling.choices import CriterionKind, Rule, StructureKind
from territories.models import Departement


class SpecificationQuerySet(models.QuerySet["Specification"]):
    """Versions of the cahier des charges."""

    def published(self) -> Self:
        """Versions in force, past or to come, the latest last."""
        return self.filter(published_at__isnull=False).order_by("published_at")

    def applicable(self, on: date) -> Self:
        """Published versions whose validity has begun, the one in force last."""
        return self.published().filter(Q(applies_from__isnull=True) | Q(applies_from__lte=on))


class Specification(models.Model):
    """One version of the cahier des charges; once published it never changes (trigger).

    It is in force from ``applies_from``, or from its publication when there is none, until the next one is. With
    ``applies_to_pending``, its transitional clause moves the files received under an older version (DESIGN §4.7).
    ``revision`` counts the writes to a draft: two editors do not undo each other.
    """

    version = models.CharField("version", max_length=10, unique=True)
    title = models.CharField("titre", max_length=200)
    preamble = models.TextField("préambule", blank=True)
    legal_source = models.TextField("source")
    published_at = models.DateTimeField("publiée le", null=True, blank=True)
    applies_from = models.DateField("applicable à partir du", null=True, blank=True)
    applies_to_pending = models.BooleanField("s’applique aux dossiers en cours", default=False)
    transitional_clause = models.TextField("clause transitoire", blank=True)
    revision = models.PositiveIntegerField("révision du brouillon", default=1)

    objects = SpecificationQuerySet.as_manager()

    class Meta:
        verbose_name = "cahier des charges"
        verbose_name_plural = "cahiers des charges"
        constraints = [
            models.CheckConstraint(
                condition=Q(applies_to_pending=False) | ~Q(transitional_clause=""),
                name="specification_clause_has_text",
                violation_error_message="Une version qui s’applique aux dossiers en cours le dit par sa clause transitoire.",
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(published_at__isnull=True),
                name="specification_one_draft",
                violation_error_message="Un brouillon du cahier des charges existe déjà.",
            ),
        ]

    def __str__(self) -> str:
        return f"cahier des charges {self.version}"

    @cached_property
    def criteria_in_order(self) -> list["Criterion"]:
        """Its criteria and commitments, in order: read once, as a published version does not change."""
        return list(self.criteria.order_by("position"))

    def of_kind(self, kind: CriterionKind) -> list["Criterion"]:
        """Those of :attr:`criteria_in_order` that are criteria, or commitments."""
        return [row for row in self.criteria_in_order if row.kind == kind]


class Criterion(models.Model):
    """One criterion: its text, the pure rule that pre-checks it with its parameters, and where it comes from."""

    specification = models.ForeignKey(
        Specification, models.PROTECT, related_name="criteria", verbose_name="cahier des charges"
    )
    code = models.SlugField("code", max_length=40)
    position = models.PositiveSmallIntegerField("rang")
    kind = models.CharField("nature", max_length=20, choices=CriterionKind.choices)
    title = models.CharField("intitulé", max_length=120)
    text = models.TextField("texte")
    help_text = models.TextField("aide", blank=True)
    rule = models.CharField("règle", max_length=20, choices=Rule.choices)
    parameters = models.JSONField("paramètres de la règle", default=dict, blank=True)
    evidence_asked = models.TextField("pièces utiles", blank=True)
    exempt_kinds = ArrayField(
        models.CharField(max_length=20, choices=StructureKind.choices),
        default=list,
        blank=True,
        verbose_name="types exemptés",
    )
    legal_source = models.TextField("source")

    class Meta:
        verbose_name = "critère"
        constraints = [
            choices_check("kind", CriterionKind, name="criterion_kind_known"),
            choices_check("rule", Rule, name="criterion_rule_known"),
            models.UniqueConstraint(fields=["specification", "code"], name="criterion_code_unique"),
            models.UniqueConstraint(
                fields=["specification", "position"],
                name="criterion_position_unique",
                deferrable=models.Deferrable.IMMEDIATE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"


class Wave(models.Model):
    """A campaign of labelling: the files received in its period belong to it.

    ``departement_floor`` and ``departement_target`` are what its text asks of each département; a quota says it
    otherwise for one.
    """

    number = models.PositiveSmallIntegerField("numéro", unique=True)
    name = models.CharField("nom", max_length=120)
    period = DateRangeField("période")
    national_target = models.PositiveIntegerField("objectif national cumulé", null=True, blank=True)
    departement_floor = models.PositiveSmallIntegerField("plancher par département", default=0)
    departement_target = models.PositiveSmallIntegerField("cible par département", default=0)
    legal_source = models.TextField("source")
    version = models.PositiveIntegerField("version", default=1)

    class Meta:
        verbose_name = "vague"
        constraints = [
            ExclusionConstraint(
                name="wave_no_overlap",
                expressions=[("period", RangeOperators.OVERLAPS)],
                violation_error_message="Ces dates chevauchent celles d’une autre vague.",
            ),
            models.CheckConstraint(
                condition=Q(departement_target__gte=F("departement_floor")),
                name="wave_target_over_floor",
                violation_error_message="La cible par département est au moins égale au plancher.",
            ),
        ]

    def __str__(self) -> str:
        return f"vague {self.number}"


class Quota(models.Model):
    """Wave × département: floor, target, and a ceiling that is usually null. Only the ceiling binds.

    ``reserved`` counts files at the signature, ``used`` labels granted; both move under the row's lock, and do not
    count in ``version``, which grows with what the national team decides.
    """

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="quotas", verbose_name="vague")
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    floor = models.PositiveSmallIntegerField("plancher", default=0)
    target = models.PositiveSmallIntegerField("cible", default=0)
    ceiling = models.PositiveSmallIntegerField("plafond", null=True, blank=True)
    ceiling_act = models.CharField("acte fixant le plafond", max_length=250, blank=True)
    reserved = models.PositiveSmallIntegerField("places réservées", default=0)
    used = models.PositiveSmallIntegerField("places prises", default=0)
    version = models.PositiveIntegerField("version", default=1)

    class Meta:
        verbose_name = "quota"
        constraints = [
            models.UniqueConstraint(fields=["wave", "departement"], name="quota_unique"),
            models.CheckConstraint(
                condition=Q(target__gte=F("floor")),
                name="quota_target_over_floor",
                violation_error_message="La cible est au moins égale au plancher.",
            ),
            models.CheckConstraint(
                condition=Q(ceiling__isnull=True, ceiling_act="") | (Q(ceiling__isnull=False) & ~Q(ceiling_act="")),
                name="quota_ceiling_cites_its_act",
                violation_error_message="Un plafond cite l’acte qui le fixe.",
            ),
            models.CheckConstraint(
                condition=Q(ceiling__isnull=True) | Q(ceiling__gte=F("reserved") + F("used")),
                name="quota_ceiling_holds",
                violation_error_message="Le plafond de la vague est atteint dans ce département.",
            ),
        ]

    def __str__(self) -> str:
        return f"quota {self.pk}"
