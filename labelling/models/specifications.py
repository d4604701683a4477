"""The cahier des charges as versioned data, and the calendar: waves and quotas."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from francesante.lib.db import choices_check
from labelling.choices import CriterionKind, Rule, StructureKind
from territories.models import Departement


class SpecificationQuerySet(models.QuerySet["Specification"]):
    """Versions of the cahier des charges."""

    def published(self) -> "SpecificationQuerySet":
        """Versions in force or past, the latest last."""
        return self.filter(published_at__isnull=False).order_by("published_at")


class Specification(models.Model):
    """One version of the cahier des charges; once published it never changes (trigger)."""

    version = models.CharField("version", max_length=10, unique=True)
    title = models.CharField("titre", max_length=200)
    preamble = models.TextField("préambule", blank=True)
    legal_source = models.TextField("source")
    published_at = models.DateTimeField("publiée le", null=True, blank=True)

    objects = SpecificationQuerySet.as_manager()

    class Meta:
        verbose_name = "cahier des charges"
        verbose_name_plural = "cahiers des charges"

    def __str__(self) -> str:
        return f"cahier des charges {self.version}"


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
            models.UniqueConstraint(fields=["specification", "position"], name="criterion_position_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"


class Wave(models.Model):
    """A campaign of labelling: the files received in its period belong to it."""

    number = models.PositiveSmallIntegerField("numéro", unique=True)
    name = models.CharField("nom", max_length=120)
    period = DateRangeField("période")
    national_target = models.PositiveIntegerField("objectif national cumulé", null=True, blank=True)
    legal_source = models.TextField("source")

    class Meta:
        verbose_name = "vague"
        constraints = [ExclusionConstraint(name="wave_no_overlap", expressions=[("period", RangeOperators.OVERLAPS)])]

    def __str__(self) -> str:
        return f"vague {self.number}"


class Quota(models.Model):
    """Wave × département: floor, target, and a ceiling that is usually null. Only the ceiling binds.

    ``reserved`` counts files at the signature, ``used`` labels granted; both move under the row's lock.
    """

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="quotas", verbose_name="vague")
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    floor = models.PositiveSmallIntegerField("plancher", default=0)
    target = models.PositiveSmallIntegerField("cible", default=0)
    ceiling = models.PositiveSmallIntegerField("plafond", null=True, blank=True)
    ceiling_act = models.CharField("acte fixant le plafond", max_length=250, blank=True)
    reserved = models.PositiveSmallIntegerField("places réservées", default=0)
    used = models.PositiveSmallIntegerField("places prises", default=0)

    class Meta:
        verbose_name = "quota"
        constraints = [
            models.UniqueConstraint(fields=["wave", "departement"], name="quota_unique"),
            models.CheckConstraint(condition=Q(target__gte=F("floor")), name="quota_target_over_floor"),
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
