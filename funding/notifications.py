"""Mails about money: from an event, who is told what. Nothing about a grant reaches a structure before it is committed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from francesante.lib.french import euros
from funding.models import Grant
from labelling.choices import MembershipRole
from labelling.models import Membership
from territories.models import Event, User
from territories.services.mails import compose

SUBJECTS: Mapping[str, str] = {
    "commit": "un financement vous est accordé",
    "pay": "un versement est enregistré",
    "decline": "une attribution n’a pas été signée",
}
"""Acts that somebody is told about; the others wait on pages."""
CONSUMER = "funding.mail"


def messages_of(event: Event) -> list[EmailMessage]:
    """Return the mails that an event about a grant calls for, ready to be sent, possibly none."""
    if event.action not in SUBJECTS or timezone.now() - event.at > settings.MAIL_MAX_AGE:
        return []
    grant = Grant.objects.named().select_related("proposed_by__user", "label__structure").get(pk=event.subject_id)
    context = {
        "grant": grant,
        "structure": grant.label.structure,
        "amount": euros(Decimal(event.data["amount"]), 2),
        "url": f"{settings.PUBLIC_URL}{grant.get_absolute_url()}",
    }
    return [_message(event.action, person, context) for person in _recipients(event.action, grant)]


def _recipients(action: str, grant: Grant) -> list[User]:
    if action == "decline":
        proposer = grant.proposed_by.user if grant.proposed_by else None
        return [proposer] if proposer and proposer.is_active else []
    owners = Membership.objects.filter(
        structure=grant.label.structure_id, role=MembershipRole.OWNER, ended_at__isnull=True, user__is_active=True
    )
    return [row.user for row in owners.select_related("user").order_by("pk")]


def _message(action: str, person: User, context: Mapping[str, Any]) -> EmailMessage:
    subject, body = compose(f"funding/{action}", SUBJECTS[action], {**context, "person": person})
    return EmailMessage(f"France Santé – {subject}", body, to=[person.email])
