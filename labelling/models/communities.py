"""What surrounds the labelled places: communautés France Santé, and the palette of services of each territory."""

from typing import Self

from django.contrib.postgres.fields import DateRangeField
from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from labelling.choices import CommunityActionKind, OfferingKind
from labelling.models.structures import Structure
from territories.models import Departement, Epci


class Community(models.Model):
    """A communauté France Santé, formerly CPTS: it animates places of care, and is not labelled itself."""

    name = models.CharField("nom", max_length=200)
    sort_key = models.CharField("clé de tri", max_length=200)
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="communities", verbose_name="département")
    epcis = models.ManyToManyField(Epci, related_name="communities", verbose_name="territoire")
    members = models.ManyToManyField(
        Structure, blank=True, related_name="communities", verbose_name="structures membres"
    )
    website = models.URLField("site internet", blank=True)
    version = models.PositiveIntegerField("version", default=1)

    class Meta:
        verbose_name = "communauté France Santé"
        verbose_name_plural = "communautés France Santé"
        constraints = [models.UniqueConstraint(fields=["departement", "name"], name="community_name_unique")]

    def __str__(self) -> str:
        return self.name


class CommunityAction(models.Model):
    """What a community does for its territory."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="actions", verbose_name="communauté")
    kind = models.CharField("nature", max_length=20, choices=CommunityActionKind.choices)
    title = models.CharField("intitulé", max_length=200)
    period = DateRangeField("période")

    class Meta:
        verbose_name = "action d’une communauté"
        verbose_name_plural = "actions des communautés"
        constraints = [choices_check("kind", CommunityActionKind, name="community_action_kind_known")]

    def __str__(self) -> str:
        return self.title


class OfferingQuerySet(models.QuerySet["Offering"]):
    """Services of the palette."""

    def offered(self) -> Self:
        """Services that were not ended."""
        return self.filter(ended_at__isnull=True)


class Offering(models.Model):
    """One service of the palette in some EPCI of a département: mobile, e-santé, prévention, ingénierie."""

    kind = models.CharField("nature", max_length=20, choices=OfferingKind.choices)
    name = models.CharField("nom", max_length=200)
    provider = models.CharField("porté par", max_length=200)
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="offerings", verbose_name="département")
    epcis = models.ManyToManyField(Epci, related_name="offerings", verbose_name="territoire")
    website = models.URLField("site internet", blank=True)
    version = models.PositiveIntegerField("version", default=1)
    ended_at = models.DateTimeField("terminé le", null=True, blank=True)

    objects = OfferingQuerySet.as_manager()

    class Meta:
        verbose_name = "service France Santé"
        verbose_name_plural = "services France Santé"
        constraints = [
            choices_check("kind", OfferingKind, name="offering_kind_known"),
            models.CheckConstraint(condition=~Q(provider=""), name="offering_names_its_provider"),
        ]

    def __str__(self) -> str:
        return self.name
