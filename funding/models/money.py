"""Money: budget lines, envelopes, grants and payments. Amounts are ``Decimal`` euros."""

from decimal import Decimal
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from francesante.lib.db import choices_check, set_iff
from funding.choices import GrantState, MovementKind, Origin
from funding.rules import named_territory
from funding.workflow import COMMITTING, DECIDED_OR_SIGNING
from labelling.models import Label, Membership
from territories.choices import Capacity
from territories.models import Decision, Departement, Mandate, Region
from territories.models.people import departements_of

ZERO = Decimal(0)


def euros(label: str, **options: Any) -> "models.DecimalField[Any, Any]":
    """Return a field of exact euros, to the cent."""
    return models.DecimalField(label, max_digits=14, decimal_places=2, **options)


class BudgetLine(models.Model):
    """Where money comes from: who pays, who must sign, under what text, new or reallocated."""

    code = models.SlugField("code", max_length=30, unique=True)
    name = models.CharField("nom", max_length=120)
    payer = models.CharField("payeur", max_length=120)
    origin = models.CharField("origine", max_length=20, choices=Origin.choices)
    capacities = ArrayField(
        models.CharField(max_length=20, choices=Capacity.choices), verbose_name="signatures requises"
    )
    legal_source = models.TextField("source")

    class Meta:
        verbose_name = "ligne budgétaire"
        constraints = [
            choices_check("origin", Origin, name="budget_line_origin_known"),
            models.CheckConstraint(condition=Q(capacities__len__gte=1), name="budget_line_requires_someone"),
        ]

    def __str__(self) -> str:
        return self.name


class EnvelopeQuerySet(models.QuerySet["Envelope"]):
    """Envelopes."""

    def covering(self, departement: Departement) -> Self:
        """Envelopes on which a place of a département may be funded: its own, its région's, the nation's."""
        return self.filter(
            Q(departement=departement)
            | Q(region=departement.region_id)
            | Q(region__isnull=True, departement__isnull=True)
        )

    def named(self) -> Self:
        """With what is needed to name them."""
        return self.select_related("line", "region", "departement")

    def for_user(self, user: Any) -> Self:
        """Envelopes that touch the territory of a person's mandates: its départements, their régions, the nation."""
        if not user.is_authenticated:
            return self.none()
        codes = departements_of(user, timezone.localdate())
        if codes is None:
            return self.all()
        if not codes:
            return self.none()
        regions = Departement.objects.filter(pk__in=codes).values("region")
        return self.filter(
            Q(departement__in=codes)
            | Q(region__in=regions, departement__isnull=True)
            | Q(region__isnull=True, departement__isnull=True)
        )


class Envelope(models.Model):
    """Year × line × territory × ceiling. What is delegated, reserved and committed never exceeds the ceiling."""

    line = models.ForeignKey(BudgetLine, models.PROTECT, related_name="envelopes", verbose_name="ligne budgétaire")
    year = models.PositiveSmallIntegerField("exercice")
    region = models.ForeignKey(Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="région")
    departement = models.ForeignKey(
        Departement, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="département"
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="enveloppe déléguante"
    )
    ceiling = euros("plafond")
    delegated = euros("délégué", default=ZERO)
    reserved = euros("réservé", default=ZERO)
    committed = euros("attribué", default=ZERO)
    version = models.PositiveIntegerField("version", default=1)

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        verbose_name = "enveloppe"
        constraints = [
            models.UniqueConstraint(
                fields=["line", "year", "region", "departement"], nulls_distinct=False, name="envelope_unique"
            ),
            models.CheckConstraint(
                condition=Q(ceiling__gte=F("delegated") + F("reserved") + F("committed")),
                name="envelope_never_overdrawn",
                violation_error_message="L’enveloppe serait dépassée.",
            ),
            models.CheckConstraint(
                condition=Q(delegated__gte=0, reserved__gte=0, committed__gte=0), name="envelope_amounts_positive"
            ),
            models.CheckConstraint(
                condition=Q(region__isnull=True) | Q(departement__isnull=True), name="envelope_one_territory"
            ),
        ]

    def __str__(self) -> str:
        return f"enveloppe {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its ledger."""
        return reverse("envelope", args=[self.pk])

    @property
    def available(self) -> Decimal:
        """What remains to delegate or to grant, in euros."""
        return self.ceiling - self.delegated - self.reserved - self.committed

    @property
    def territory_name(self) -> str:
        """Name of the territory; needs :meth:`EnvelopeQuerySet.named`."""
        return str(self.departement or self.region or "France entière")

    @property
    def short_title(self) -> str:
        """``FIR 2026 de Valfictie``, inside a sentence."""
        territory = self.departement or self.region
        return f"{self.line.name} {self.year} {named_territory(territory.name if territory else None)}"

    @property
    def title(self) -> str:
        """``FIR 2026 · Valfictie (99) · crédits nouveaux``: never without its origin, nor with it twice."""
        origin = str(Origin(self.line.origin).label)
        named = f"{self.line.name} {self.year} · {self.territory_name}"
        return named if origin in self.line.name.lower() else f"{named} · {origin}"

    def covers(self, departement: Departement) -> bool:
        """Tell whether a place of a département may be funded on this envelope."""
        if self.departement_id:
            return self.departement_id == departement.pk
        return self.region_id is None or self.region_id == departement.region_id


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants."""

    def for_user(self, user: Any) -> Self:
        """Grants on the territory of a person's mandates; a structure sees its own once committed."""
        if not user.is_authenticated:
            return self.none()
        own = Q(label__structure__in=Membership.objects.of(user).values("structure"), state__in=COMMITTING)
        codes = departements_of(user, timezone.localdate())
        return self.all() if codes is None else self.filter(own | Q(label__departement__in=codes))

    def named(self) -> Self:
        """With what is needed to show one line per grant."""
        return self.select_related(
            "label__structure", "label__departement", "envelope__line", "envelope__region", "envelope__departement"
        )

    def committed(self) -> Self:
        """Grants signed by all who must."""
        return self.filter(state__in=COMMITTING)


class Grant(models.Model):
    """What the State commits to one label for one year. ``paid`` is the sum of its payments."""

    label = models.ForeignKey(Label, models.PROTECT, related_name="grants", verbose_name="label")
    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="grants", verbose_name="enveloppe")
    amount = euros("montant")
    paid = euros("versé", default=ZERO)
    purpose = models.CharField("objet", max_length=250)
    state = models.CharField("état", max_length=30, choices=GrantState.choices, default=GrantState.PROPOSED)
    version = models.PositiveIntegerField("version", default=1)
    decision = models.OneToOneField(
        Decision, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="décision"
    )
    proposed_at = models.DateTimeField("proposée le")
    proposed_by = models.ForeignKey(Mandate, models.PROTECT, null=True, related_name="+", verbose_name="proposée par")
    committed_at = models.DateTimeField("engagée le", null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = "attribution"
        constraints = [
            choices_check("state", GrantState, name="grant_state_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_amount_positive"),
            models.CheckConstraint(condition=Q(paid__gte=0, paid__lte=F("amount")), name="grant_paid_within_amount"),
            set_iff("decision", DECIDED_OR_SIGNING, name="grant_decision_iff_signing_or_later"),
            models.UniqueConstraint(
                fields=["label", "envelope"],
                condition=~Q(state=GrantState.CANCELLED),
                name="grant_one_per_label_and_envelope",
                violation_error_message="Ce label a déjà une attribution sur cette enveloppe.",
            ),
        ]

    def __str__(self) -> str:
        return f"attribution {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("grant", args=[self.pk])

    @property
    def unpaid(self) -> Decimal:
        """What may still be paid, in euros."""
        return self.amount - self.paid


def without_grant(labels: "models.QuerySet[Label]") -> "models.QuerySet[Label]":
    """Keep the labels that no grant follows: how funding learns of labels, without labelling knowing of funding."""
    followed = Grant.objects.filter(label=models.OuterRef("pk")).exclude(state=GrantState.CANCELLED)
    return labels.filter(~models.Exists(followed))


class EnvelopeMovement(models.Model):
    """One line of the ledger of an envelope: what moved, when, for which grant, by whom. Insert-only."""

    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="movements", verbose_name="enveloppe")
    kind = models.CharField("nature", max_length=20, choices=MovementKind.choices)
    amount = euros("montant")
    grant = models.ForeignKey(
        Grant, models.PROTECT, null=True, blank=True, related_name="movements", verbose_name="attribution"
    )
    mandate = models.ForeignKey(Mandate, models.PROTECT, null=True, related_name="+", verbose_name="par")
    at = models.DateTimeField("le")

    class Meta:
        verbose_name = "mouvement"
        constraints = [choices_check("kind", MovementKind, name="movement_kind_known")]

    def __str__(self) -> str:
        return f"mouvement {self.pk}"


class Payment(models.Model):
    """Money paid on a grant; ``reference`` makes a repeated order harmless. Insert-only."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="payments", verbose_name="attribution")
    amount = euros("montant")
    reference = models.CharField("référence de paiement", max_length=60, unique=True)
    paid_date = models.DateField("versé le")
    mandate = models.ForeignKey(Mandate, models.PROTECT, null=True, related_name="+", verbose_name="par")

    class Meta:
        verbose_name = "versement"
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive")]

    def __str__(self) -> str:
        return self.reference
