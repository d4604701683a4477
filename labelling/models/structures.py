"""Structures, where they give care, and who acts for them."""

from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.utils import timezone

from francesante.lib.db import both_or_none, choices_check
from francesante.lib.geocoding import GOOD_SCORE
from labelling.choices import ClaimState, MembershipRole, PointSource, StructureKind
from labelling.models.registers import RegisterLine
from territories.choices import ActorKind
from territories.models import Commune, Departement, Mandate, User
from territories.models.people import departements_of


class StructureQuerySet(models.QuerySet["Structure"]):
    """Structures."""

    def for_user(self, user: Any) -> Self:
        """Structures a person acts for, or on the territory of their mandates."""
        if not user.is_authenticated:
            return self.none()
        codes = departements_of(user, timezone.localdate())
        if codes is None:
            return self.all()
        return self.filter(Q(departement__in=codes) | Q(pk__in=Membership.objects.of(user).values("structure")))


class Structure(models.Model):
    """The legal place of care. ``departement`` is that of its main site."""

    kind = models.CharField("type", max_length=20, choices=StructureKind.choices)
    name = models.CharField("nom", max_length=200)
    sort_key = models.CharField("clé de tri", max_length=200)
    finess = models.CharField("FINESS", max_length=9, null=True, blank=True, unique=True)
    siret = models.CharField("SIRET", max_length=14, blank=True)
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="+", verbose_name="commune")
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    address = models.CharField("adresse", max_length=250, blank=True)
    postal_code = models.CharField("code postal", max_length=5, blank=True)
    phone = models.CharField("téléphone", max_length=20, blank=True)
    email = models.EmailField("adresse électronique professionnelle", blank=True)
    register_line = models.OneToOneField(
        RegisterLine, models.PROTECT, null=True, blank=True, related_name="structure", verbose_name="ligne de registre"
    )
    fictional = models.BooleanField("inventée pour la démonstration", default=False)

    objects = StructureQuerySet.as_manager()

    class Meta:
        verbose_name = "structure"
        constraints = [
            choices_check("kind", StructureKind, name="structure_kind_known"),
            models.CheckConstraint(
                condition=Q(finess__isnull=True) | Q(finess__regex=r"^[0-9][0-9AB][0-9]{7}$"),
                name="structure_finess_form",
            ),
        ]
        indexes = [
            models.Index(fields=["siret"], condition=~Q(siret=""), name="structure_siret"),
            GinIndex(OpClass("sort_key", name="gin_trgm_ops"), name="structure_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """Where and when care is given. ``hours``: ``{"mon": [["08:30", "12:30"], …], …}``, published once labelled.

    A stop of a round is a site open on one slot, every so many ``weeks``. Its point is that of a register, of its address
    when the geocoder is sure enough of it (``point_score``, 0 to 1), else that of its commune, or none.
    ``locate_at``: when its address is to be asked of the geocoder, nothing when it was or need not be.
    """

    structure = models.ForeignKey(Structure, models.PROTECT, related_name="sites", verbose_name="structure")
    name = models.CharField("nom", max_length=200, blank=True)
    address = models.CharField("adresse", max_length=250, blank=True)
    postal_code = models.CharField("code postal", max_length=5, blank=True)
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="+", verbose_name="commune")
    latitude = models.FloatField("latitude", null=True, blank=True)
    longitude = models.FloatField("longitude", null=True, blank=True)
    point_source = models.CharField("origine du point", max_length=10, blank=True, choices=PointSource.choices)
    point_score = models.FloatField("score de l’adresse", null=True, blank=True)
    locate_at = models.DateTimeField("adresse à situer à partir du", null=True, blank=True)
    is_main = models.BooleanField("site principal", default=False)
    hours = models.JSONField("horaires", default=dict, blank=True)
    weeks = models.PositiveSmallIntegerField("toutes les n semaines", default=1)

    class Meta:
        verbose_name = "site"
        constraints = [
            both_or_none("latitude", "longitude", name="site_point_whole"),
            models.UniqueConstraint(fields=["structure"], condition=Q(is_main=True), name="site_one_main"),
            models.CheckConstraint(
                condition=Q(point_source__in=["", PointSource.REGISTER, PointSource.COMMUNE])
                | Q(
                    point_source=PointSource.ADDRESS,
                    point_score__isnull=False,
                    point_score__gte=GOOD_SCORE,
                    latitude__isnull=False,
                ),
                name="site_point_is_good",
            ),
        ]
        indexes = [models.Index(fields=["locate_at"], condition=Q(locate_at__isnull=False), name="site_to_locate")]

    def __str__(self) -> str:
        return self.name or self.address


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships."""

    def of(self, user: Any) -> Self:
        """Memberships of a person that are in force."""
        return self.filter(user=user.pk, ended_at__isnull=True)


class Membership(models.Model):
    """The access of a person to a structure."""

    user = models.ForeignKey(User, models.PROTECT, related_name="memberships", verbose_name="personne")
    structure = models.ForeignKey(Structure, models.PROTECT, related_name="memberships", verbose_name="structure")
    role = models.CharField("rôle", max_length=10, choices=MembershipRole.choices)
    started_at = models.DateTimeField("depuis le")
    ended_at = models.DateTimeField("jusqu’au", null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = "compte de structure"
        constraints = [
            choices_check("role", MembershipRole, name="membership_role_known"),
            models.UniqueConstraint(
                fields=["user", "structure"], condition=Q(ended_at__isnull=True), name="membership_one_per_structure"
            ),
        ]

    def __str__(self) -> str:
        return f"compte {self.pk}"

    @property
    def hat(self) -> str:
        """The word of the rule books: ``owner`` or ``editor``."""
        return self.role

    @property
    def actor(self) -> tuple[str, int]:
        """What an event records of the doer."""
        return ActorKind.MEMBERSHIP, self.pk


class Claim(models.Model):
    """A person says that they answer for a structure of a register: a code, or an agent, confirms it.

    Only the hash of the code is kept; five wrong tries exhaust it.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="claims", verbose_name="demandeur")
    line = models.ForeignKey(RegisterLine, models.PROTECT, related_name="claims", verbose_name="ligne de registre")
    kind = models.CharField("type dit par le demandeur", max_length=20, blank=True, choices=StructureKind.choices)
    state = models.CharField("état", max_length=20, choices=ClaimState.choices)
    code_hash = models.CharField("empreinte du code", max_length=128, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    created_at = models.DateTimeField("demandée le")
    expires_at = models.DateTimeField("code valable jusqu’au", null=True, blank=True)
    settled_at = models.DateTimeField("réglée le", null=True, blank=True)
    settled_by = models.ForeignKey(Mandate, models.PROTECT, null=True, related_name="+", verbose_name="réglée par")

    class Meta:
        verbose_name = "revendication"
        constraints = [
            choices_check("state", ClaimState, name="claim_state_known"),
            models.CheckConstraint(condition=Q(kind__in=["", *StructureKind.values]), name="claim_kind_known"),
            models.UniqueConstraint(
                fields=["user", "line"],
                condition=Q(state__in=[ClaimState.CODE_SENT, ClaimState.WAITING_AGENT]),
                name="claim_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"revendication {self.pk}"
