"""Mails about an appeal, its answer, and the reasons of an implicit rejection. None tells the sense of an answer to be read."""

from datetime import date

from django.core.mail import EmailMessage

from labelling.models import Appeal
from labelling.notifications.disagreements import other_authorities
from labelling.notifications.mails import (
    ANSWERS,
    Messages,
    about_file,
    address_of,
    compose,
    file_of,
    label_decision_of,
    people_of,
    to_services,
)
from labelling.rules.clock import appeal_deadline, appeal_silence, local_day
from labelling.services.acts import owners
from labelling.services.drafting import authorities_of
from territories.choices import DecisionKind, Subject
from territories.models import Decision, Event, Notification
from territories.services.notifications import presumed_at


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


def _judged(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    context = about_file(application) | {"url": address_of("appeals", application.number)}
    subject = f"un jugement est enregistré sur votre dossier, {application.number}"
    return [compose("judged", subject, [row.email], context) for row in people_of(application)]


def answer_declined(event: Event) -> list[EmailMessage]:
    """Tell the authority that drafted an answer that a signatory did not sign it."""
    decision = label_decision_of(event, ANSWERS)
    if decision is None:
        return []
    appeal = _answered(decision)
    application = appeal.application
    context = about_file(application) | {
        "until": appeal_silence(appeal.received_date),
        "url": address_of("appeals", application.number),
    }
    drafting = [
        row for capacity, row in authorities_of(decision.departement).items() if capacity == appeal.answered_capacity
    ]
    return to_services(
        "answer_declined", f"une réponse à un recours non signée, {application.number}", drafting, context
    )


def answer_to_reader(event: Event, decision: Decision, row: Notification) -> list[EmailMessage]:
    """Say that an answer can be read, without its sense; then, once it is notified, the remedies."""
    appeal = _answered(decision)
    application = appeal.application
    context = about_file(application) | {"letter": address_of("appeal-answer", application.number, appeal.pk)}
    to = [row.recipient.email] if row.recipient else []
    if row.notified_at is None:
        return [compose("answer_available", "une réponse à votre recours peut être lue", to, context)]
    read_on = local_day(row.notified_at, application.departement.timezone)
    rejected = decision.kind == DecisionKind.APPEAL_REJECTED
    context |= {
        "read_on": read_on,
        "presumed": event.action == "presume_notified",
        "rejected": rejected,
        "court_until": None if rejected and appeal.is_late else appeal_deadline(read_on),
    }
    return [compose("answer_notified", "la réponse à votre recours", to, context)]


def _answered(decision: Decision) -> Appeal:
    rows = Appeal.objects.select_related("application__structure", "application__departement__region")
    return rows.get(pk=decision.subject_id)


def _reasons_asked(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    context = about_file(application) | {
        "due": date.fromisoformat(event.data["due"]),
        "url": address_of("appeals", application.number),
    }
    others = other_authorities(authorities_of(application.departement), event)
    return to_services("reasons_asked", f"des motifs sont demandés, {application.number}", others, context)


def _reasons_given(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    if not application.notification_consent:
        return []
    asked = application.reasons_requests.get(pk=event.data["reasons"])
    context = about_file(application) | {
        "presumed_on": local_day(presumed_at(asked.answered_at), application.departement.timezone),  # type: ignore[arg-type]
        "url": address_of("appeals", application.number),
    }
    subject = f"les motifs du rejet implicite peuvent être lus, {application.number}"
    return [compose("reasons_given", subject, [user.email], context) for user in owners(application)]


def _reasons_presumed(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    asked = application.reasons_requests.get(pk=event.data["reasons"])
    context = about_file(application) | {
        "communicated_on": asked.communicated_date,
        "contest_until": None if asked.is_late else appeal_deadline(asked.communicated_date),  # type: ignore[arg-type]
        "url": address_of("appeals", application.number),
    }
    subject = f"les motifs du rejet implicite vous sont réputés communiqués, {application.number}"
    return [compose("reasons_presumed", subject, [user.email], context) for user in owners(application)]


def _answer_near(event: Event) -> list[EmailMessage]:
    """Warn both authorities, unless it was answered meanwhile."""
    application = file_of(event)
    appeal = Appeal.objects.filter(pk=event.data.get("appeal", 0)).first()
    asked = application.reasons_requests.filter(pk=event.data.get("reasons", 0)).first()
    done = appeal.settled_at if appeal else (asked is None or asked.answered_at or asked.set_aside_at)
    if done:
        return []
    context = about_file(application) | {
        "reasons": appeal is None,
        "due": date.fromisoformat(event.data["due"]),
        "url": address_of("appeals", application.number),
    }
    what = "des motifs" if appeal is None else "la réponse à un recours"
    authorities = authorities_of(application.departement).values()
    return to_services("answer_near", f"{what} à donner bientôt, {application.number}", authorities, context)


MESSAGES: Messages = {
    (Subject.APPLICATION, "lodge_appeal"): _appealed,
    (Subject.APPLICATION, "record_judgment"): _judged,
    (Subject.APPLICATION, "ask_reasons"): _reasons_asked,
    (Subject.APPLICATION, "give_reasons"): _reasons_given,
    (Subject.APPLICATION, "presume_reasons"): _reasons_presumed,
    (Subject.APPLICATION, "warn_answer"): _answer_near,
}
