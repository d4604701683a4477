"""Mails about a file: received, shared, moved to another version, put off, closed."""

from datetime import timedelta

from django.core.mail import EmailMessage
from django.utils import timezone

from labelling.choices import ApplicationState
from labelling.models import (
    Application,
    Specification,
    Wave,
)
from labelling.notifications.disagreements import other_authorities
from labelling.notifications.mails import Messages, about_file, address_of, compose, file_of, people_of, to_services
from labelling.rules.conditions import exempt
from labelling.rules.steps import unfinished
from labelling.services.documents import store_receipt
from labelling.services.drafting import authorities_of
from territories.choices import Subject
from territories.models import Event


def _submitted(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    authorities = list(authorities_of(application.departement).values())
    context = about_file(application) | {"authorities": authorities}
    receipt = bytes(store_receipt(application=application, at=timezone.now()).content)
    receipts = []
    for person in people_of(application):
        mail = compose("submitted", f"accusé de réception {application.number}", [person.email], context)
        mail.attach(f"accuse-{application.number}.pdf", receipt, "application/pdf")
        receipts.append(mail)
    return [*receipts, *to_services("received", f"nouveau dossier {application.number}", authorities, context)]


def _shared(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    authorities = authorities_of(application.departement)
    others = [row for capacity, row in authorities.items() if capacity != application.lead]
    return to_services("shared", f"appréciation partagée, {application.number}", others, about_file(application))


def _draft_reminder(event: Event) -> list[EmailMessage]:
    # Deleted or submitted meanwhile: there is nothing to be reminded of.
    if not Application.objects.filter(pk=event.subject_id, state=ApplicationState.DRAFT).exists():
        return []
    application = file_of(event)
    wave = Wave.objects.filter(number=event.data.get("wave")).first()
    spared = exempt(application.specification.criteria_in_order, application.structure.kind)
    context = about_file(application) | {
        "wave": wave,
        "last_day": wave.period.upper - timedelta(days=1) if wave else None,
        "missing": ", ".join(step.title for step in unfinished(application.said(), spared)),
    }
    subject = f"votre brouillon {application.number}"
    return [compose("draft_reminder", subject, [row.email], context) for row in people_of(application)]


def _abandoned(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    authorities = authorities_of(application.departement).values()
    return to_services("abandoned", f"désistement, {application.number}", authorities, about_file(application))


def _rebased(event: Event) -> list[EmailMessage]:
    """Tell the structure and both authorities that a transitional clause moved the file, and what differs."""
    application = file_of(event)
    versions = Specification.objects.in_bulk([event.data["from"], event.data["to"]])
    before, after = versions[event.data["from"]], versions[event.data["to"]]
    again = after.criteria.filter(code__in=event.data["again"]).order_by("position")
    context = about_file(application) | {
        "specification": after,
        "again": [row.title for row in again],
        "changes": address_of("specification-diff", before.version, after.version),
    }
    subject = f"nouveau cahier des charges, {application.number}"
    told = [compose("rebased", subject, [person.email], context) for person in people_of(application)]
    return [*told, *to_services("rebased", subject, authorities_of(application.departement).values(), context)]


def _place_free(event: Event) -> list[EmailMessage]:
    """Tell the lead that the first file of its waiting list has a place; the structure learns of the decision, not before."""
    application = file_of(event)
    lead = authorities_of(application.departement).get(application.lead)
    subject = f"une place libre, {application.number}"
    return to_services("place_free", subject, [lead] if lead else [], about_file(application))


def _closed(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    authorities = authorities_of(application.departement)
    context = about_file(application) | {"closing": application.closing, "authorities": list(authorities.values())}
    subject = f"votre dossier {application.number} est classé"
    told = [compose("closed", subject, [row.email], context) for row in people_of(application)]
    others = other_authorities(authorities, event)
    return [*told, *to_services("closed_service", f"dossier classé sans suite, {application.number}", others, context)]


MESSAGES: Messages = {
    (Subject.APPLICATION, "submit"): _submitted,
    (Subject.APPLICATION, "share"): _shared,
    (Subject.APPLICATION, "abandon"): _abandoned,
    (Subject.APPLICATION, "remind_draft"): _draft_reminder,
    (Subject.APPLICATION, "remind_wave"): _draft_reminder,
    (Subject.APPLICATION, "close"): _closed,
    (Subject.APPLICATION, "rebase"): _rebased,
    (Subject.APPLICATION, "place_free"): _place_free,
}
