"""Mails about the support asked of the national team."""

from django.core.mail import EmailMessage

from labelling.models import (
    SupportRequest,
)
from labelling.notifications.mails import Messages, address_of, compose, to_services
from territories.choices import AuthorityKind, Subject
from territories.models import Authority, Event


def _support(event: Event) -> list[EmailMessage]:
    """Tell the side whose turn it is that a message can be read; its words stay in the portal."""
    asked = SupportRequest.objects.select_related("departement", "asked_by__user", "asked_by__authority").get(
        pk=event.subject_id
    )
    context = {"asked": asked, "answered": event.action == "answer", "url": address_of("support-request", asked.pk)}
    if event.action == "answer":
        person = asked.asked_by.user
        return (
            [compose("support", "une réponse à votre demande d’appui", [person.email], context)]
            if person.is_active
            else []
        )
    teams = Authority.objects.filter(kind=AuthorityKind.NATIONAL).order_by("pk")
    return to_services("support", f"une demande d’appui, {asked.departement}", teams, context)


MESSAGES: Messages = {
    (Subject.SUPPORT, "ask"): _support,
    (Subject.SUPPORT, "ask_again"): _support,
    (Subject.SUPPORT, "answer"): _support,
}
