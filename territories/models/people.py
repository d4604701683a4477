"""People, the authorities they act for, and the mandates that let them act."""

from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from francesante.lib.db import choices_check
from territories.choices import CAPACITY_OF_AUTHORITY, ActorKind, AuthorityKind, Capacity, Role, SigningAs
from territories.models.places import Departement, Region

NOWHERE = "anonyme.invalid"
"""Domain of the addresses that replace those of people who left."""


class UserManager(BaseUserManager["User"]):
    """Accounts are known by their e-mail address, in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an account; without a password it cannot sign in until one is set by a link."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a technical administrator."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        """Find by address, whatever its case."""
        return self.get(email=(email or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may see and do comes from mandates and memberships, never from the account."""

    email = models.EmailField("adresse électronique", max_length=254, unique=True)
    first_name = models.CharField("prénom", max_length=80, blank=True)
    last_name = models.CharField("nom", max_length=80, blank=True)
    civility = models.CharField("civilité", max_length=10, blank=True)
    is_active = models.BooleanField("compte actif", default=True)
    is_staff = models.BooleanField("accès à l’administration", default=False)
    joined_at = models.DateTimeField("inscription", default=timezone.now)
    anonymised_at = models.DateTimeField("rendu anonyme le", null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "compte"
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower"),
            models.CheckConstraint(
                condition=Q(anonymised_at__isnull=True)
                | Q(civility="", first_name="", last_name="", is_active=False, email__endswith=f"@{NOWHERE}"),
                name="user_anonymised_is_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def full_name(self) -> str:
        """Civility, first name and name, as printed on acts."""
        if self.anonymised_at:
            return "Compte anonymisé"
        return " ".join(part for part in (self.civility, self.first_name, self.last_name) if part)


class Authority(models.Model):
    """A public body that acts in the portal, with what its acts must print (CRPA, R. 112-5)."""

    kind = models.CharField("nature", max_length=20, choices=AuthorityKind.choices)
    name = models.CharField("nom", max_length=120, unique=True)
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="authorities", verbose_name="région"
    )
    departement = models.ForeignKey(
        Departement, models.PROTECT, null=True, blank=True, related_name="authorities", verbose_name="département"
    )
    service = models.CharField("service chargé des dossiers", max_length=160, blank=True)
    address = models.TextField("adresse postale", blank=True)
    phone = models.CharField("téléphone", max_length=30, blank=True)
    email = models.EmailField("adresse électronique", blank=True)
    court = models.CharField("tribunal administratif compétent", max_length=120, blank=True)

    class Meta:
        verbose_name = "autorité"
        constraints = [
            choices_check("kind", AuthorityKind, name="authority_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=AuthorityKind.ARS, region__isnull=False, departement__isnull=True)
                | Q(kind=AuthorityKind.PREFECTURE, region__isnull=True, departement__isnull=False)
                | Q(kind=AuthorityKind.NATIONAL, region__isnull=True, departement__isnull=True)
                | Q(kind__in=[AuthorityKind.CAISSE, AuthorityKind.COLLECTIVITE]),
                name="authority_territory_fits_kind",
                violation_error_message="Une ARS a une région, une préfecture un département, l’équipe nationale ni l’un "
                "ni l’autre.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MandateQuerySet(models.QuerySet["Mandate"]):
    """Mandates."""

    def active(self, on: date) -> Self:
        """Mandates in force on a day."""
        return self.filter(valid__contains=on)

    def of(self, user: User) -> Self:
        """Mandates of a person, with what is needed to name them."""
        return self.filter(user=user).select_related("authority", "region", "departement", "user").order_by("pk")


class Mandate(models.Model):
    """The habilitation of a person to act for an authority on a territory during a period.

    Territory: a département, else a région, else the whole country. The right to sign is an attribute: by what title,
    under which act, published where and when; it counts from publication at the earliest, and every published act
    says so. ``hat`` is the word that the rule books use.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="mandates", verbose_name="personne")
    authority = models.ForeignKey(Authority, models.PROTECT, related_name="mandates", verbose_name="autorité")
    role = models.CharField("rôle", max_length=20, choices=Role.choices)
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="région")
    departement = models.ForeignKey(
        Departement, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="département"
    )
    valid = DateRangeField("période")
    signing_as = models.CharField("signe en qualité de", max_length=20, choices=SigningAs.choices, blank=True)
    signing_title = models.CharField("qualité imprimée sur les actes", max_length=200, blank=True)
    signing_act = models.CharField("acte donnant le droit de signer", max_length=250, blank=True)
    signing_act_date = models.DateField("date de cet acte", null=True, blank=True)
    signing_published_date = models.DateField("publication de cet acte", null=True, blank=True)
    signing_publication = models.CharField("référence de publication", max_length=200, blank=True)

    objects = MandateQuerySet.as_manager()

    class Meta:
        verbose_name = "habilitation"
        constraints = [
            choices_check("role", Role, name="mandate_role_known"),
            models.CheckConstraint(
                condition=Q(signing_as="") | Q(signing_as__in=SigningAs.values), name="mandate_signing_as_known"
            ),
            models.CheckConstraint(
                condition=Q(region__isnull=True) | Q(departement__isnull=True), name="mandate_one_territory"
            ),
            models.CheckConstraint(
                condition=Q(
                    signing_as="",
                    signing_act="",
                    signing_act_date__isnull=True,
                    signing_published_date__isnull=True,
                )
                | (
                    ~Q(signing_as="")
                    & ~Q(signing_act="")
                    & ~Q(signing_title="")
                    & Q(role=Role.AGENT, signing_act_date__isnull=False, signing_published_date__isnull=False)
                ),
                name="mandate_right_to_sign_whole",
                violation_error_message="Le droit de signer demande sa qualité, son acte, la date de l’acte et celle de sa "
                "publication.",
            ),
            ExclusionConstraint(
                name="mandate_no_overlap",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("authority", RangeOperators.EQUAL),
                    (Coalesce("region_id", Value("")), RangeOperators.EQUAL),
                    (Coalesce("departement_id", Value("")), RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"habilitation {self.pk}"

    @property
    def territory_name(self) -> str:
        """Name of the territory; needs ``region`` and ``departement`` selected."""
        return str(self.departement or self.region or "France entière")

    @property
    def hat(self) -> str:
        """The word of the rule books: ``ars``, ``prefecture``, ``national``, ``partner`` or ``observer``."""
        return self.authority.kind if self.role == Role.AGENT else self.role

    @property
    def in_words(self) -> str:
        """What the mandate allows, as the header says it: a right to sign comes besides instruction."""
        return f"{self.get_role_display()}{' et signature' if self.can_sign else ''}"

    @property
    def last_day(self) -> date | None:
        """The last day of the period, or nothing while it has no end."""
        return self.valid.upper - timedelta(days=1) if self.valid.upper else None

    @property
    def actor(self) -> tuple[str, int]:
        """What an event records of the doer."""
        return ActorKind.MANDATE, self.pk

    @property
    def capacity(self) -> Capacity | None:
        """The capacity in which this mandate would sign, whether or not it may."""
        return CAPACITY_OF_AUTHORITY.get(AuthorityKind(self.authority.kind))

    @property
    def can_sign(self) -> bool:
        """Whether the mandate carries the right to sign, whatever the day."""
        return bool(self.signing_as)

    def covers(self, departement: Departement) -> bool:
        """Tell whether the territory of the mandate includes a département."""
        if self.departement_id:
            return self.departement_id == departement.pk
        return self.region_id is None or self.region_id == departement.region_id

    def is_active(self, at: datetime) -> bool:
        """Tell whether the period includes an instant, in the legal time of its territory."""
        zone = ZoneInfo(self.departement.timezone) if self.departement else timezone.get_default_timezone()
        return at.astimezone(zone).date() in self.valid

    def may_sign(self, at: datetime) -> bool:
        """Tell whether the right to sign is in force at an instant: period running and act published."""
        return bool(
            self.signing_as
            and self.signing_published_date
            and self.is_active(at)
            and self.signing_published_date <= timezone.localdate(at)
        )


def departements_of(user: Any, on: date) -> AbstractSet[str] | None:
    """Return the codes of the départements that a person's active mandates cover; ``None`` for the whole country.

    The one definition of a person's territory; every ``for_user`` of a territorial row goes through it.
    """
    if not user.is_authenticated:
        return frozenset()
    mandates = Mandate.objects.filter(user=user).active(on).values_list("region_id", "departement_id")
    regions, departements = set(), set()
    for region, departement in mandates:
        if departement:
            departements.add(departement)
        elif region:
            regions.add(region)
        else:
            return None
    if regions:
        departements.update(Departement.objects.filter(region__in=regions).values_list("code", flat=True))
    return frozenset(departements)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations."""

    def accepted_for(self, user: User) -> Self:
        """Invitations that a person has accepted: what they were promised, oldest first."""
        return self.filter(email=user.email, accepted_at__isnull=False).order_by("accepted_at", "pk")

    def pending(self, at: datetime) -> Self:
        """Invitations whose link may still be used at an instant."""
        return self.filter(accepted_at__isnull=True, cancelled_at__isnull=True, expires_at__gt=at)


class Invitation(models.Model):
    """A single-use link, bound to an address, that opens an account with what it promises.

    Only the hash of the link's secret is kept. ``mandate_fields`` holds the mandate to create (ids and dates);
    ``membership_fields`` the access to a structure, read by ``labelling``.
    """

    email = models.EmailField("adresse invitée")
    token_hash = models.CharField("empreinte du lien", max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="invité par")
    mandate_fields = models.JSONField("habilitation promise", null=True, blank=True)
    membership_fields = models.JSONField("accès promis", null=True, blank=True)
    created_at = models.DateTimeField("créée le")
    expires_at = models.DateTimeField("expire le")
    accepted_at = models.DateTimeField("acceptée le", null=True, blank=True)
    cancelled_at = models.DateTimeField("annulée le", null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = "invitation"
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_lower"),
            models.CheckConstraint(
                condition=Q(mandate_fields__isnull=False) | Q(membership_fields__isnull=False),
                name="invitation_promises_something",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(cancelled_at__isnull=True),
                name="invitation_accepted_or_cancelled",
                violation_error_message="Une invitation acceptée ne s’annule plus.",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
