"""Mails about the access to a structure."""

from django.core.mail import EmailMessage

from labelling.choices import ClaimRefusal, MembershipRole
from labelling.models import (
    Membership,
)
from labelling.notifications.mails import Messages, address_of, claim_of, compose, to_services
from labelling.services.claims import structures_of
from labelling.services.drafting import authorities_of
from territories.choices import Subject
from territories.models import Event


def _claim_asked(event: Event) -> list[EmailMessage]:
    claim = claim_of(event)
    owners = Membership.objects.filter(
        structure__in=structures_of(claim.line), role=MembershipRole.OWNER, ended_at__isnull=True, user__is_active=True
    ).select_related("user")
    context = {"line": claim.line, "url": address_of("claims")}
    told = [
        compose(
            "claim_asked",
            "une personne demande l’accès à votre structure",
            [row.user.email],
            context | {"url": address_of("structure-access", row.structure_id)},
        )
        for row in owners
    ]
    authorities = authorities_of(claim.line.commune.departement).values()
    return [*told, *to_services("claim_asked", "une structure à confirmer", authorities, context)]


def _claim_confirmed(event: Event) -> list[EmailMessage]:
    claim = claim_of(event)
    context = {"line": claim.line, "url": address_of("applications")}
    return [compose("claim_confirmed", "votre accès est ouvert", [claim.user.email], context)]


def _claim_rejected(event: Event) -> list[EmailMessage]:
    claim = claim_of(event)
    authorities = list(authorities_of(claim.line.commune.departement).values())
    # The claims rejected before reasons were asked have none.
    reason = dict(ClaimRefusal.choices).get(event.data.get("reason", ""), "aucun motif n’a été enregistré")
    context = {"line": claim.line, "reason": reason, "authorities": authorities}
    return [compose("claim_rejected", "votre demande d’accès n’est pas confirmée", [claim.user.email], context)]


MESSAGES: Messages = {
    (Subject.CLAIM, "ask"): _claim_asked,
    (Subject.CLAIM, "confirm"): _claim_confirmed,
    (Subject.CLAIM, "reject"): _claim_rejected,
}
