"""Mails about a concertation or an appeal."""

from collections.abc import Mapping

from django.core.mail import EmailMessage

from labelling.models import (
    Appeal,
)
from labelling.notifications.mails import Messages, about_file, address_of, compose, file_of, people_of, to_services
from labelling.rules.clock import appeal_silence
from labelling.services.appeals import needs_both
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


def _appealed(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    appeal = Appeal.objects.get(pk=event.data["appeal"])
    context = about_file(application) | {
        "appeal": appeal,
        "until": appeal_silence(appeal.received_date),
        "url": address_of("appeals", application.number),
    }
    others = other_authorities(authorities_of(application.departement), event)
    told = to_services("lodge_appeal", f"un recours, {application.number}", others, context)
    if appeal.membership is None:
        return told
    owner = appeal.membership.user
    return [*told, compose("appeal_received", f"votre recours est reçu, {application.number}", [owner.email], context)]


def _appeal_answered(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    appeal = (
        Appeal.objects.select_related("decision")
        .defer("decision__content", "decision__pdf")
        .get(pk=event.data["appeal"])
    )
    others = other_authorities(authorities_of(application.departement), event)
    if not needs_both(appeal):
        return []
    context = about_file(application) | {"url": address_of("appeals", application.number)}
    return to_services("answer_appeal", f"réponse à un recours à endosser, {application.number}", others, context)


def _appeal_settled(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    context = about_file(application) | {"url": address_of("appeals", application.number)}
    subject = f"une réponse à votre recours peut être lue, {application.number}"
    return [compose("appeal_settled", subject, [row.email], context) for row in people_of(application)]


MESSAGES: Messages = {
    (Subject.APPLICATION, "record_concertation"): _concerted,
    (Subject.APPLICATION, "confirm_concertation"): _concerted,
    (Subject.APPLICATION, "advise"): _concerted,
    (Subject.APPLICATION, "lodge_appeal"): _appealed,
    (Subject.APPLICATION, "answer_appeal"): _appeal_answered,
    (Subject.APPLICATION, "reject_appeal"): _appeal_settled,
    (Subject.APPLICATION, "reopen"): _appeal_settled,
}
