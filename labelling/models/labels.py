"""Labels: the place they hold, the range of days in which they are valid, and when the public may know of them."""

from datetime import date
from typing import Any, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from labelling.models.applications import Application
from labelling.models.specifications import Wave
from labelling.models.structures import Membership, Structure
from territories.models import Decision, Departement
from territories.models.people import departements_of


class LabelQuerySet(models.QuerySet["Label"]):
    """Labels."""

    def held(self, on: date) -> Self:
        """Labels whose place is held on a day: valid and not withdrawn, suspended or not."""
        return self.filter(valid__contains=on, withdrawn_at__isnull=True)

    def in_force(self, on: date) -> Self:
        """Labels held on a day, and not suspended: those that the public may find."""
        return self.held(on).exclude(suspensions__period__contains=on)

    def published(self) -> Self:
        """Labels that may be shown: publication follows notification."""
        return self.filter(notified_at__isnull=False)

    def for_user(self, user: Any) -> Self:
        """Labels of the structures a person acts for, or on the territory of their mandates."""
        if not user.is_authenticated:
            return self.none()
        own = Q(structure__in=Membership.objects.of(user).values("structure"))
        codes = departements_of(user, timezone.localdate())
        return self.all() if codes is None else self.filter(own | Q(departement__in=codes))


class Label(models.Model):
    """The label of a structure. Its status is computed at a date, never stored: from ``valid``, ``withdrawn_at`` and its
    suspensions.

    A trigger refuses a label whose decision is not signed by every required capacity.
    """

    number = models.CharField("numéro", max_length=20, unique=True)
    structure = models.ForeignKey(Structure, models.PROTECT, related_name="labels", verbose_name="structure")
    application = models.OneToOneField(Application, models.PROTECT, related_name="label", verbose_name="candidature")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="+", verbose_name="décision")
    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    wave = models.ForeignKey(Wave, models.PROTECT, null=True, blank=True, related_name="labels", verbose_name="vague")
    valid = DateRangeField("validité")
    withdrawn_at = models.DateTimeField("retiré le", null=True, blank=True)
    notified_at = models.DateTimeField("notifié le", null=True, blank=True)
    version = models.PositiveIntegerField("version", default=1)

    objects = LabelQuerySet.as_manager()

    class Meta:
        verbose_name = "label"
        constraints = [
            ExclusionConstraint(
                name="label_one_at_a_time",
                expressions=[("structure", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
                condition=Q(withdrawn_at__isnull=True),
            )
        ]
        indexes = [models.Index(fields=["departement"], name="label_departement")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """Return the address of its page for the structure and its agents."""
        return reverse("label", args=[self.number])
