"""Mails about a concertation."""

from collections.abc import Mapping

from django.core.mail import EmailMessage

from labelling.notifications.mails import Messages, about_file, file_of, to_services
from labelling.services.drafting import authorities_of
from territories.choices import ActorKind, Subject
from territories.models import Authority, Event, Mandate


def other_authorities(authorities: Mapping[str, Authority], event: Event) -> list[Authority]:
    """Return the authorities of a file but the one that acted; both when none of them did."""
    if event.actor_type != ActorKind.MANDATE or event.actor_id is None:
        return list(authorities.values())
    doer = Mandate.objects.get(pk=event.actor_id)
    return [row for row in authorities.values() if row.pk != doer.authority_id]


def _concerted(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    others = other_authorities(authorities_of(application.departement), event)
    return to_services(event.action, f"désaccord, {application.number}", others, about_file(application))


MESSAGES: Messages = {
    (Subject.APPLICATION, "record_concertation"): _concerted,
    (Subject.APPLICATION, "confirm_concertation"): _concerted,
    (Subject.APPLICATION, "advise"): _concerted,
}
