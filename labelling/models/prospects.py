"""The accelerated route before a file exists: places set aside by an agent, places invited to confirm."""

from django.db import models
from django.db.models import F, Q

from francesante.lib.db import choices_check
from labelling.choices import DismissalReason, InvitationAddress
from labelling.models.applications import Application
from labelling.models.registers import RegisterLine
from territories.models import Invitation, Mandate


class Dismissal(models.Model):
    """A place that an agent sets aside from the prospects, with the reason, until an agent puts it back."""

    line = models.ForeignKey(RegisterLine, models.PROTECT, related_name="dismissals", verbose_name="ligne de registre")
    reason = models.CharField("motif", max_length=20, choices=DismissalReason.choices)
    note = models.CharField("précision", max_length=300, blank=True)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    dismissed_at = models.DateTimeField("écartée le")
    restored_at = models.DateTimeField("remise dans la liste le", null=True, blank=True)

    class Meta:
        verbose_name = "mise à l’écart"
        constraints = [
            choices_check("reason", DismissalReason, name="dismissal_reason_known"),
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(restored_at__isnull=True),
                name="dismissal_one_standing",
                violation_error_message="Cette structure est déjà écartée.",
            ),
            models.CheckConstraint(
                condition=~Q(reason=DismissalReason.OTHER) | ~Q(note=""),
                name="dismissal_other_is_explained",
                violation_error_message="Un autre motif demande une précision.",
            ),
        ]

    def __str__(self) -> str:
        return f"mise à l’écart {self.pk}"


class ProspectInvitation(models.Model):
    """A place invited to confirm what registers know of it: the draft opened for it, and the link that was sent.

    ``link`` is the last single-use link; nothing when the structure already has somebody who answers for it. The draft
    is gone, as every draft that is given up, when nobody came in time or when the structure deleted it.
    """

    line = models.ForeignKey(RegisterLine, models.PROTECT, related_name="invitations", verbose_name="ligne de registre")
    application = models.OneToOneField(
        Application, models.SET_NULL, null=True, blank=True, related_name="prospect", verbose_name="candidature"
    )
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="invitée par")
    address = models.CharField("adresse", max_length=10, choices=InvitationAddress.choices)
    email = models.EmailField("adresse invitée", blank=True)
    link = models.ForeignKey(Invitation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="lien")
    invited_at = models.DateTimeField("invitée le")
    expires_at = models.DateTimeField("à confirmer avant le")
    reminded_at = models.DateTimeField("relancée le", null=True, blank=True)
    ended_at = models.DateTimeField("close le", null=True, blank=True)

    class Meta:
        verbose_name = "invitation d’une structure"
        constraints = [
            choices_check("address", InvitationAddress, name="prospect_invitation_address_known"),
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(ended_at__isnull=True, application__isnull=False),
                name="prospect_invitation_one_open",
                violation_error_message="Cette structure est déjà invitée.",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("invited_at")), name="prospect_invitation_expires_after"
            ),
            models.CheckConstraint(
                condition=(Q(address=InvitationAddress.OWNER) & Q(email=""))
                | (~Q(address=InvitationAddress.OWNER) & ~Q(email="")),
                name="prospect_invitation_has_address",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation de structure {self.pk}"
