"""Mails about a decision: to sign, declined, to be read, notified. Nothing tells its sense before it is read."""

from django.core.mail import EmailMessage

from labelling.models import (
    Application,
)
from labelling.notifications.appeals import answer_declined, answer_to_reader
from labelling.notifications.labels import act_declined, act_to_reader
from labelling.notifications.mails import (
    ANSWERS,
    LABEL_ACTS,
    LABEL_DECISIONS,
    Messages,
    about_file,
    address_of,
    compose,
    label_decision_of,
    signatories_of,
    to_services,
)
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services.digest import told_at_once
from labelling.services.drafting import authorities_of
from territories.choices import DecisionKind, DecisionState, Subject
from territories.models import Delivery, Event, Mandate, Notification

TO_SIGN = (*LABEL_DECISIONS, *LABEL_ACTS, *ANSWERS)
"""The decisions of the parapheur that are about labels."""


def _proposed(event: Event) -> list[EmailMessage]:
    decision = label_decision_of(event, TO_SIGN)
    if decision is None or decision.state == DecisionState.TAKEN_BACK:
        return []
    context = {"decision": decision, "url": address_of("decision", decision.pk)}
    return [
        compose("to_sign", "une décision à votre signature", [person.email], context)
        for person in told_at_once(signatories_of(decision))
    ]


def _taken_back(event: Event) -> list[EmailMessage]:
    """Tell the signatories that a decision no longer waits for them, if a mail had told them before that it did."""
    decision = label_decision_of(event)
    told = Delivery.objects.filter(
        event__subject_type=Subject.DECISION,
        event__subject_id=event.subject_id,
        event__action="propose",
        delivered_at__lt=event.at,
    )
    if decision is None or not told.exists():
        return []
    return [
        compose("taken_back", "un projet repris par le service", [person.email], {"decision": decision})
        for person in told_at_once(signatories_of(decision))
    ]


def _declined(event: Event) -> list[EmailMessage]:
    decision = label_decision_of(event)
    if decision is None:
        return [*act_declined(event), *answer_declined(event)]
    application = Application.objects.select_related("structure", "departement").get(pk=decision.subject_id)
    authorities = authorities_of(decision.departement).values()
    return to_services("declined", f"une signature refusée, {application.number}", authorities, about_file(application))


def _paper_filed(event: Event) -> list[EmailMessage]:
    """Tell the authority of who filed an original that a colleague must confirm it."""
    decision = label_decision_of(event, TO_SIGN)
    doer = Mandate.objects.select_related("authority").filter(pk=event.actor_id or 0).first()
    if decision is None or doer is None:
        return []
    context = {"decision": decision, "url": address_of("paper", decision.pk)}
    return to_services("file_paper", "un original papier à confirmer", [doer.authority], context)


def _available(event: Event) -> list[EmailMessage]:
    return _to_reader(event, "available", "une décision peut être lue")


def _notified(event: Event) -> list[EmailMessage]:
    return _to_reader(event, "notified", "votre décision et vos recours")


def _to_reader(event: Event, name: str, subject: str) -> list[EmailMessage]:
    """Write to the one addressee that the event names; a letter has none here."""
    decision = label_decision_of(event, TO_SIGN)
    row = Notification.objects.filter(pk=event.data.get("notification"), recipient__is_active=True).first()
    if decision is None or row is None or row.recipient is None:
        return []
    if decision.kind in LABEL_ACTS:
        return act_to_reader(event, decision, row)
    if decision.kind in ANSWERS:
        return answer_to_reader(event, decision, row)
    application = Application.objects.select_related("structure", "departement").get(pk=decision.subject_id)
    context = about_file(application) | {
        "letter": address_of("decision-letter", application.number),
        "granted": decision.kind == DecisionKind.LABEL_GRANTED,
        "presumed": event.action == "presume_notified",
        "authorities": list(authorities_of(application.departement).values()),
    }
    if row.notified_at:
        read_on = local_day(row.notified_at, application.departement.timezone)
        context |= {"read_on": read_on, "appeal_until": appeal_deadline(read_on)}
    return [compose(name, subject, [row.recipient.email], context)]


MESSAGES: Messages = {
    (Subject.DECISION, "propose"): _proposed,
    (Subject.DECISION, "file_paper"): _paper_filed,
    (Subject.DECISION, "take_back"): _taken_back,
    (Subject.DECISION, "decline"): _declined,
    (Subject.DECISION, "make_available"): _available,
    (Subject.DECISION, "notify"): _notified,
    (Subject.DECISION, "presume_notified"): _notified,
}
