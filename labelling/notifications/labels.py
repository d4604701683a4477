"""Mails about the life of a label: attestation, visit, correction, renewal, end."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from labelling.choices import EndingAct
from labelling.models import Label, Suspension, Visit
from labelling.notifications.mails import LABEL_ACTS, Messages, address_of, compose, label_decision_of, to_services
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services.acts import owners
from labelling.services.drafting import authorities_of
from labelling.services.labels import last_day
from territories.choices import DecisionKind, Subject
from territories.models import Decision, Event, Notification


def _renewal(event: Event) -> list[EmailMessage]:
    """Remind the owners of a structure that their label ends, and that they may ask for the next one."""
    label = _label(event.subject_id)
    context = _of_label(label) | {
        "last_day": last_day(label),
        "url": f"{settings.PUBLIC_URL}{label.get_absolute_url()}",
    }
    subject = f"votre label {label.number} se termine, renouvelez-le"
    return [compose("renewal", subject, [person.email], context) for person in owners(label.application)]


def _attestation_due(event: Event) -> list[EmailMessage]:
    label = _label(event.subject_id)
    due = date.fromisoformat(event.data["due"])
    context = _of_label(label) | {
        "due": due,
        "late": event.data["late"],
        "url": address_of("label-attestation", label.number),
    }
    subject = f"votre attestation {'est en retard' if event.data['late'] else 'est attendue'}, label {label.number}"
    return [compose("attestation_due", subject, [person.email], context) for person in owners(label.application)]


def _attested(event: Event) -> list[EmailMessage]:
    """Tell the services of what a holder says that changed; nothing is sent when nothing did."""
    if not event.data["changed"]:
        return []
    label = _label(event.subject_id)
    context = _of_label(label) | {"url": address_of("label-alerts", label.number)}
    authorities = authorities_of(label.departement).values()
    return to_services("attestation_changed", f"un changement déclaré, label {label.number}", authorities, context)


def _amended(event: Event) -> list[EmailMessage]:
    """Tell the owners of a structure what an agent put right of their label."""
    label = _label(event.subject_id)
    context = _of_label(label) | {
        "amendment": label.amendments.get(pk=event.data["amendment"]),
        "url": f"{settings.PUBLIC_URL}{label.get_absolute_url()}",
    }
    subject = f"votre label {label.number} est rectifié"
    return [compose("amended", subject, [person.email], context) for person in owners(label.application)]


def _visited(event: Event) -> list[EmailMessage]:
    """Tell the owners of a structure that the report of a visit can be read, and answered once."""
    label, visit = _of_visit(event)
    context = _of_label(label) | {"visit": visit, "url": address_of("visit", label.number, visit.pk)}
    subject = f"le compte rendu d’une visite, label {label.number}"
    return [compose("visit_sent", subject, [person.email], context) for person in owners(label.application)]


def _visit_answered(event: Event) -> list[EmailMessage]:
    label, visit = _of_visit(event)
    context = _of_label(label) | {"visit": visit, "url": address_of("visit", label.number, visit.pk)}
    authorities = authorities_of(label.departement).values()
    return to_services("visit_answered", f"une réponse à une visite, label {label.number}", authorities, context)


def _correction_near(event: Event) -> list[EmailMessage]:
    """Remind the owners of a structure of the day before which they were asked to correct something."""
    label, visit = _of_visit(event)
    context = _of_label(label) | {"visit": visit, "url": address_of("visit", label.number, visit.pk)}
    subject = f"des corrections attendues, label {label.number}"
    return [compose("visit_correction", subject, [person.email], context) for person in owners(label.application)]


def _of_visit(event: Event) -> tuple[Label, Visit]:
    label = _label(event.subject_id)
    return label, label.visits.get(pk=event.data["visit"])


def _considered(event: Event) -> list[EmailMessage]:
    """Tell the owners of a structure that the end of its label, or its suspension, is considered, and how to answer."""
    return _about_procedure(event, "ending_considered", "{what} de votre label est envisagée, répondez")


def _not_pursued(event: Event) -> list[EmailMessage]:
    return _about_procedure(event, "ending_not_pursued", "votre label continue")


def _about_procedure(event: Event, name: str, subject: str) -> list[EmailMessage]:
    label = _label(event.subject_id)
    procedure = label.procedures.select_related("ground").get(pk=event.data["procedure"])
    suspends = procedure.ground.act == EndingAct.SUSPEND
    subject = subject.format(what="la suspension" if suspends else "la fin")
    context = _of_label(label) | {"procedure": procedure, "suspends": suspends}
    return [compose(name, subject, [person.email], context) for person in owners(label.application)]


def _answered_procedure(event: Event) -> list[EmailMessage]:
    label = _label(event.subject_id)
    authorities = authorities_of(label.departement).values()
    return to_services("ending_answered", f"des observations, label {label.number}", authorities, _of_label(label))


def act_declined(event: Event) -> list[EmailMessage]:
    """Tell both authorities that an act on a label was not signed."""
    decision = label_decision_of(event, LABEL_ACTS)
    if decision is None:
        return []
    label = _label(decision.subject_id)
    context = _of_label(label) | {"decision": decision, "url": f"{settings.PUBLIC_URL}{label.get_absolute_url()}"}
    authorities = authorities_of(label.departement).values()
    return to_services("ending_declined", f"une signature refusée, label {label.number}", authorities, context)


def act_to_reader(event: Event, decision: Decision, row: Notification) -> list[EmailMessage]:
    """Say that an act can be read, without its sense; then, once it is notified, its effect and the remedies."""
    label = _label(decision.subject_id)
    context = _of_label(label)
    to = [row.recipient.email] if row.recipient else []
    if row.notified_at is None:
        context |= {"act": address_of("label-to-read", label.number)}
        return [compose("ending_available", "un acte peut être lu", to, context)]
    read_on = local_day(row.notified_at, label.departement.timezone)
    context |= {
        "act": address_of(LABEL_ACTS[decision.kind], label.number),
        "read_on": read_on,
        "appeal_until": appeal_deadline(read_on),
        "presumed": event.action == "presume_notified",
        "kind": decision.kind,
        "first": _first_day(decision, label),
    }
    return [compose("ending_notified", f"{_SUBJECTS[decision.kind]} et vos recours", to, context)]


def _first_day(decision: Decision, label: Label) -> date | None:
    """Return the first day suspended, or without label, that a notified act set; nothing while it has no effect."""
    if decision.kind == DecisionKind.LABEL_SUSPENDED:
        period = label.suspensions.get(decision=decision).period
        return period.lower if period else None
    if decision.kind == DecisionKind.LABEL_ABROGATED and label.endings.get(decision=decision).applied_at:
        return label.valid.upper
    return None


_SUBJECTS: Mapping[str, str] = {
    DecisionKind.LABEL_ABROGATED: "la fin de votre label",
    DecisionKind.LABEL_WITHDRAWN: "la fin de votre label",
    DecisionKind.LABEL_SUSPENDED: "la suspension de votre label",
    DecisionKind.LABEL_REINSTATED: "la levée de la suspension de votre label",
}


def _review_due(event: Event) -> list[EmailMessage]:
    """Remind both authorities that a suspension is to be looked at again."""
    label, suspension = _of_suspension(event)
    context = _of_label(label) | {"suspension": suspension, "url": f"{settings.PUBLIC_URL}{label.get_absolute_url()}"}
    authorities = authorities_of(label.departement).values()
    return to_services("suspension_review", f"une suspension à réexaminer, label {label.number}", authorities, context)


def _suspension_over(event: Event) -> list[EmailMessage]:
    """Tell the owners of a structure that its label is in force again, its suspension being over by itself."""
    label, suspension = _of_suspension(event)
    context = _of_label(label) | {"suspension": suspension, "url": f"{settings.PUBLIC_URL}{label.get_absolute_url()}"}
    subject = f"votre label {label.number} est de nouveau en vigueur"
    return [compose("suspension_over", subject, [person.email], context) for person in owners(label.application)]


def _of_suspension(event: Event) -> tuple[Label, Suspension]:
    label = _label(event.subject_id)
    return label, label.suspensions.get(pk=event.data["suspension"])


def _label(pk: int) -> Label:
    return Label.objects.select_related("structure", "application__structure", "departement__region").get(pk=pk)


def _of_label(label: Label) -> dict[str, Any]:
    return {
        "label": label,
        "structure": label.structure,
        "authorities": list(authorities_of(label.departement).values()),
        "url": address_of("label-procedure", label.number),
    }


MESSAGES: Messages = {
    (Subject.LABEL, "amend"): _amended,
    (Subject.LABEL, "attest"): _attested,
    (Subject.LABEL, "remind_attestation"): _attestation_due,
    (Subject.LABEL, "remind_renewal"): _renewal,
    (Subject.LABEL, "send_visit"): _visited,
    (Subject.LABEL, "answer_visit"): _visit_answered,
    (Subject.LABEL, "remind_correction"): _correction_near,
    (Subject.LABEL, "open_procedure"): _considered,
    (Subject.LABEL, "answer_procedure"): _answered_procedure,
    (Subject.LABEL, "close_procedure"): _not_pursued,
    (Subject.LABEL, "remind_review"): _review_due,
    (Subject.LABEL, "end_suspension"): _suspension_over,
}
