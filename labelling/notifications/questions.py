"""Mails about the questions asked of a structure, its messages, its pieces, and silence."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from labelling.models import (
    Application,
    Evidence,
    InformationRequest,
)
from labelling.notifications.mails import Messages, about_file, address_of, compose, file_of, people_of, to_services
from labelling.rules.badges import OPEN
from labelling.rules.clock import days_left, local_day
from labelling.rules.steps import BY_SLUG
from labelling.rules.uploads import Personal, personal_refusal
from labelling.services.drafting import authorities_of
from labelling.services.following import wants_deadlines_at_once
from labelling.services.silence import what_is_missing
from territories.choices import ActorKind, Subject
from territories.models import Event


def _asked(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    questions = _questions(event)
    context = about_file(application) | {
        "asked": len(questions),
        "deadline": questions[0].deadline,
        "required": any(row.required for row in questions),
        "url": address_of("application-requests", application.number),
        "authorities": list(authorities_of(application.departement).values()),
    }
    subject = f"des précisions sont attendues, {application.number}"
    return [compose("requested", subject, [person.email], context) for person in people_of(application)]


def _request_withdrawn(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    context = about_file(application) | {"criteria": [row.criterion.title for row in _questions(event)]}
    subject = f"une précision n’est plus attendue, {application.number}"
    return [compose("requested_withdrawn", subject, [person.email], context) for person in people_of(application)]


def _request_near(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    questions = [row for row in _questions(event) if row.is_open]
    if not questions:
        return []
    deadline = min(row.deadline for row in questions if row.deadline)
    context = about_file(application) | {
        "criteria": [row.criterion.title for row in questions],
        "deadline": deadline,
        "left": days_left(deadline, local_day(timezone.now(), application.departement.timezone)),
        "ready": sum(row.ready_at is not None for row in questions),
        "url": address_of("application-requests", application.number),
    }
    subject = f"vos réponses avant l’échéance, {application.number}"
    return [compose("request_reminder", subject, [person.email], context) for person in people_of(application)]


def _answered(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    authorities = authorities_of(application.departement)
    questions = _questions(event)
    asking = [row for capacity, row in authorities.items() if capacity in {one.capacity for one in questions}]
    context = about_file(application) | {"answered": len(questions), "revision": event.data["revision"]}
    return to_services("request_answered", f"réponses reçues, {application.number}", asking, context)


def _questions(event: Event) -> list[InformationRequest]:
    rows = InformationRequest.objects.filter(pk__in=event.data["requests"]).select_related("criterion")
    return list(rows.order_by("criterion__position", "pk"))


def _corrected(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    revision = application.revisions.get(number=event.data["revision"])
    context = about_file(application) | {
        "task": BY_SLUG[event.data["step"]].title,
        "reason": revision.reason,
        "url": address_of("application-changes", application.number),
        "authorities": list(authorities_of(application.departement).values()),
    }
    subject = f"vos réponses ont été corrigées, {application.number}"
    return [compose("corrected", subject, [person.email], context) for person in people_of(application)]


def _silent(event: Event) -> list[EmailMessage]:
    """Tell the structure what silence made, and how to contest it; both authorities that they may still decide."""
    application = file_of(event)
    authorities = list(authorities_of(application.departement).values())
    context = about_file(application) | {
        "authorities": authorities,
        "until": date.fromisoformat(event.data["silence_date"]),
        "appeal_until": date.fromisoformat(event.data["appeal_until"]),
        "court": next((row.court for row in reversed(authorities) if row.court), "tribunal administratif compétent"),
        "missing": what_is_missing(application, at=timezone.now()),
    }
    told = [
        compose("silence", f"délai écoulé sans décision, {application.number}", [person.email], context)
        for person in people_of(application)
    ]
    subject = f"délai dépassé, {application.number}"
    return [
        *told,
        *to_services("silence_agents", subject, authorities, context),
        *_to_people("silence_agents", subject, application, context),
    ]


def _silence_near(event: Event) -> list[EmailMessage]:
    application = file_of(event)
    until = date.fromisoformat(event.data["silence_date"])
    left = days_left(until, local_day(timezone.now(), application.departement.timezone))
    if application.state not in OPEN or application.silence_date != until or left < 0:
        return []
    context = about_file(application) | {
        "until": until,
        "left": left,
        "last_call": event.data["days"] == min(settings.SILENCE_ALERT_DAYS),
        "missing": what_is_missing(application, at=timezone.now()),
    }
    authorities = authorities_of(application.departement).values()
    subject = f"rejet implicite à J-{left}, {application.number}"
    return [
        *to_services("silence_alert", subject, authorities, context),
        *_to_people("silence_alert", subject, application, context),
    ]


def _to_people(name: str, subject: str, application: Application, context: Mapping[str, Any]) -> list[EmailMessage]:
    """Return the mails of a deadline to those who asked for it at once, about a file that they instruct or follow."""
    people = wants_deadlines_at_once(application, at=timezone.now())
    return [compose(name, subject, [person.email], context) for person in people]


def _message(event: Event) -> list[EmailMessage]:
    """Tell the other side that a message can be read; the mail holds nothing of it."""
    application = file_of(event)
    from_services = event.actor_type == ActorKind.MANDATE
    expected = bool(event.data.get("answer_expected"))
    context = about_file(application) | {
        "from_services": from_services,
        "answer_expected": expected,
        "url": address_of("thread", application.number),
    }
    subject = f"{'une réponse est attendue' if expected else 'nouveau message'}, {application.number}"
    if from_services:
        return [compose("message", subject, [person.email], context) for person in people_of(application)]
    return to_services("message", subject, authorities_of(application.departement).values(), context)


def _put_aside(event: Event) -> list[EmailMessage]:
    """Tell whoever sent a piece why it was put aside."""
    row = Evidence.objects.with_people().select_related("visit__label").get(pk=event.data["evidence"])
    sender = row.mandate.user if row.mandate else row.membership.user  # type: ignore[union-attr]
    if not sender.is_active:
        return []
    application = file_of(event)
    found = event.data.get("found")
    url = address_of("evidence-list", application.number)
    if row.visit is not None:
        url = address_of("visit-pieces", row.visit.label.number, row.visit.pk)
    context = about_file(application) | {
        "url": url,
        "refusal": personal_refusal(Personal(found), event.data["page"]) if found else "",
    }
    return [compose("put_aside", f"une pièce écartée, {application.number}", [sender.email], context)]


MESSAGES: Messages = {
    (Subject.APPLICATION, "ask"): _asked,
    (Subject.APPLICATION, "withdraw_request"): _request_withdrawn,
    (Subject.APPLICATION, "remind_request"): _request_near,
    (Subject.APPLICATION, "answer"): _answered,
    (Subject.APPLICATION, "correct"): _corrected,
    (Subject.APPLICATION, "silence"): _silent,
    (Subject.APPLICATION, "warn_silence"): _silence_near,
    (Subject.APPLICATION, "message"): _message,
    (Subject.APPLICATION, "infected_evidence"): _put_aside,
    (Subject.APPLICATION, "personal_evidence"): _put_aside,
}
