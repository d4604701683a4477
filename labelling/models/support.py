"""Support asked of the national team: a request, and the exchange that follows."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from francesante.lib.db import choices_check
from labelling.choices import SupportKind, SupportState
from territories.choices import Role
from territories.models import Departement, Mandate
from territories.models.people import departements_of


class SupportRequestQuerySet(models.QuerySet["SupportRequest"]):
    """Support requests."""

    def for_user(self, user: Any) -> Self:
        """Those of the départements that a person instructs; the national team reads all."""
        if not user.is_authenticated:
            return self.none()
        today = timezone.localdate()
        if Mandate.objects.active(today).filter(user=user.pk, role=Role.NATIONAL).exists():
            return self.all()
        agents = Mandate.objects.active(today).filter(user=user.pk, role=Role.AGENT)
        codes = departements_of(user, today)
        if not agents.exists():
            return self.none()
        return self.all() if codes is None else self.filter(departement__in=codes)

    def pending(self) -> Self:
        """Those that wait for an answer of the national team, the oldest first."""
        return self.filter(state=SupportState.OPEN).order_by("asked_at", "pk")


class SupportRequest(models.Model):
    """Engineering asked of the national team by an ARS or a préfecture (letter of October 2025, national team)."""

    departement = models.ForeignKey(Departement, models.PROTECT, related_name="+", verbose_name="département")
    kind = models.CharField("nature", max_length=20, choices=SupportKind.choices)
    title = models.CharField("objet", max_length=120)
    state = models.CharField("état", max_length=20, choices=SupportState.choices, default=SupportState.OPEN)
    version = models.PositiveIntegerField("version", default=1)
    asked_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="demandé par")
    asked_at = models.DateTimeField("demandé le")
    purged_at = models.DateTimeField("textes effacés le", null=True, blank=True)

    objects = SupportRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "demande d’appui"
        constraints = [
            choices_check("kind", SupportKind, name="support_request_kind_known"),
            choices_check("state", SupportState, name="support_request_state_known"),
            models.CheckConstraint(
                condition=Q(purged_at__isnull=True) | Q(state=SupportState.CLOSED),
                name="support_request_purged_once_closed",
            ),
        ]
        indexes = [models.Index(fields=["state", "departement"], name="support_request_scope")]

    def __str__(self) -> str:
        return f"demande d’appui {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of the request and its exchange."""
        return reverse("support-request", args=[self.pk])


class SupportMessage(models.Model):
    """One message of the exchange; insert-only (trigger). The first one is the request itself."""

    request = models.ForeignKey(SupportRequest, models.PROTECT, related_name="messages", verbose_name="demande")
    text = models.TextField("texte")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    written_at = models.DateTimeField("le")

    class Meta:
        verbose_name = "message d’une demande d’appui"
        verbose_name_plural = "messages des demandes d’appui"
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="support_message_says_something")]

    def __str__(self) -> str:
        return f"message {self.pk}"
