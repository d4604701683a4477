"""Mails about the opinions asked of third parties."""

from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMessage
from django.utils import timezone

from labelling.models import (
    Opinion,
)
from labelling.notifications.mails import Messages, address_of, compose
from labelling.services.opinions import answerers, link_of, with_answers
from territories.choices import Subject
from territories.models import Event


def _opinion_asked(event: Event) -> list[EmailMessage]:
    return _to_body(event, "opinion_asked", "un avis vous est demandé", {"again": False, "reminder": False})


def _opinion_reminded(event: Event) -> list[EmailMessage]:
    return _to_body(event, "opinion_asked", "un avis est attendu de vous", {"again": False, "reminder": True})


def _opinion_revoked(event: Event) -> list[EmailMessage]:
    return _to_body(event, "opinion_revoked", "un avis n’est plus attendu", {})


def _to_body(event: Event, name: str, subject: str, more: Mapping[str, Any]) -> list[EmailMessage]:
    """Write to whom an opinion is asked, as long as the mail is still true."""
    opinion = _opinion(event)
    if (opinion.revoked_at is not None) != (event.action == "revoke_opinion") or opinion.answered_at is not None:
        return []
    context = {**about_opinion(opinion), **more}
    return [compose(name, f"{subject}, {opinion.application.number}", [email], context) for email in _of_body(opinion)]


def _opinion_given(event: Event) -> list[EmailMessage]:
    """Tell who asked, or their service when they left, that an opinion can be read; the mail does not say which."""
    opinion = _opinion(event)
    asker = opinion.asked_by
    email = asker.user.email if asker.user.is_active and asker.is_active(timezone.now()) else asker.authority.email
    context = about_opinion(opinion) | {
        "url": f"{address_of('application', opinion.application.number)}#avis",
        "revised": event.action == "revise_opinion",
    }
    return (
        [compose("opinion_given", f"un avis est rendu, {opinion.application.number}", [email], context)]
        if email
        else []
    )


def _opinion(event: Event) -> Opinion:
    return with_answers(Opinion.objects.select_related("body__authority")).get(pk=event.data["opinion"])


def about_opinion(opinion: Opinion) -> dict[str, Any]:
    """Return what the mails about an opinion say of it."""
    by_link = bool(opinion.email)
    return {
        "opinion": opinion,
        "body": opinion.body,
        "application": opinion.application,
        "structure": opinion.application.structure,
        "by_link": by_link,
        "url": address_of("opinion-link", link_of(opinion)) if by_link else address_of("opinion", opinion.pk),
    }


def _of_body(opinion: Opinion) -> list[str]:
    if opinion.email:
        return [opinion.email]
    departement = opinion.application.departement
    return [person.email for person in answerers(opinion.body, departement, on=timezone.localdate())]


MESSAGES: Messages = {
    (Subject.APPLICATION, "ask_opinion"): _opinion_asked,
    (Subject.APPLICATION, "remind_opinion"): _opinion_reminded,
    (Subject.APPLICATION, "revoke_opinion"): _opinion_revoked,
    (Subject.APPLICATION, "give_opinion"): _opinion_given,
    (Subject.APPLICATION, "revise_opinion"): _opinion_given,
}
