"""Questions to the structure, criterion by criterion: prepared, sent, withdrawn, recalled, closed at their deadline.

A file with an open question is incomplete (DESIGN §5). Only a question for required pieces stops the clock, from the
moment the structure reads it; ``Application.silence_date`` already counts the pause, until its latest end.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, check
from labelling.choices import CriterionKind
from labelling.models import Application, Criterion, InformationRequest
from labelling.rules.answers import MAX_TEXT
from labelling.rules.clock import local_day
from labelling.services.clocks import postponed_silence_date
from labelling.services.replies import trim_draft
from labelling.services.reviews import require_reviewer
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, perform, record_event


@transaction.atomic
def prepare_question(
    *, application: Application, criterion: Criterion, question: str, required: bool, mandate: Mandate, at: datetime
) -> InformationRequest:
    """Write a question down, to be sent later; it is private to the mandate's authority.

    Raises:
        RefusedError: not under review, a criterion of another specification, or nothing is asked.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = lock(application)
    check(TRANSITIONS, "ask", state=current.state, hat=mandate.hat, row=current)
    if criterion.specification_id != current.specification_id or criterion.kind != CriterionKind.CRITERION:
        raise RefusedError("Ce critère ne fait pas partie de ceux qui s’apprécient dans ce dossier.")
    if not question.strip():
        raise RefusedError("Écrivez la question : la structure la lira telle quelle.")
    return InformationRequest.objects.create(
        application=current,
        criterion=criterion,
        capacity=capacity,
        question=question.strip()[:MAX_TEXT],
        required=required,
        prepared_at=at,
        prepared_by=mandate,
    )


@transaction.atomic
def ask_question(
    *,
    application: Application,
    criterion: Criterion,
    question: str,
    required: bool,
    deadline: date,
    mandate: Mandate,
    version: int,
    at: datetime,
) -> InformationRequest:
    """Ask one question at once, when the mandate's authority prepares no other.

    Raises:
        RefusedError: another one is prepared, or as :func:`prepare_question` and :func:`send_questions`.
        StaleError: the file changed since ``version``.
    """
    made = prepare_question(
        application=application, criterion=criterion, question=question, required=required, mandate=mandate, at=at
    )
    sent = send_questions(application=application, mandate=mandate, deadline=deadline, version=version, at=at)
    if len(sent) > 1:
        raise RefusedError(
            "Votre autorité prépare une autre question : rien n’a été envoyé. Ajoutez celle-ci à la liste, relisez-les, puis "
            "envoyez-les ensemble."
        )
    made.refresh_from_db()
    return made


@transaction.atomic
def drop_question(*, question: InformationRequest, mandate: Mandate, at: datetime) -> None:
    """Delete a question that was not sent: the structure never knew of it.

    Raises:
        RefusedError: it was sent meanwhile, or is another authority's.
    """
    capacity = require_reviewer(question.application, mandate, at=at)
    lock(question.application)
    deleted, _ = InformationRequest.objects.prepared().filter(pk=question.pk, capacity=capacity).delete()
    if not deleted:
        raise RefusedError("Cette question est déjà envoyée, ou n’est pas de votre autorité. Rien n’a changé.")


@transaction.atomic
def send_questions(
    *, application: Application, mandate: Mandate, deadline: date, version: int, at: datetime
) -> list[InformationRequest]:
    """Send all the questions that the mandate's authority prepared, with one deadline; the structure is told by mail.

    Raises:
        RefusedError: none is prepared, not under review, or a deadline too short or too long.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = lock(application)
    prepared = InformationRequest.objects.prepared().filter(application=current, capacity=capacity)
    questions = list(prepared.order_by("criterion__position", "pk"))
    if not questions:
        raise RefusedError("Aucune question n’est préparée par votre autorité : rien n’a été envoyé.")
    first, last = deadlines(at, zone=current.departement.timezone)
    if not first <= deadline <= last:
        raise RefusedError(
            f"La structure répond entre le {long_date(first)} et le {long_date(last)}. Rien n’a été envoyé ; choisissez une "
            "date de cette période."
        )
    perform(
        application,
        "ask",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={
            "requests": [row.pk for row in questions],
            "deadline": deadline.isoformat(),
            "required": any(row.required for row in questions),
        },
    )
    prepared.update(sent_at=at, sent_by=mandate, deadline=deadline)
    return questions


def deadlines(at: datetime, *, zone: str) -> tuple[date, date]:
    """Return the first and the last deadline that a question sent now may have."""
    today = local_day(at, zone)
    return (
        today + timedelta(days=settings.INFORMATION_REQUEST_MIN_DAYS),
        today + timedelta(days=settings.INFORMATION_REQUEST_MAX_DAYS),
    )


@transaction.atomic
def withdraw_question(*, question: InformationRequest, mandate: Mandate, version: int, at: datetime) -> Application:
    """Give up an open question: the structure is told, the clock runs again.

    Raises:
        RefusedError: another authority's, or no longer open.
        StaleError: the file changed since ``version``.
    """
    application = question.application
    capacity = require_reviewer(application, mandate, at=at)
    current = lock(application)
    mine = InformationRequest.objects.open().filter(pk=question.pk, application=current, capacity=capacity)
    if not mine.exists():
        raise RefusedError(
            "Cette question n’attend plus de réponse, ou a été posée par l’autre autorité : elle seule la retire."
        )
    InformationRequest.objects.filter(pk=question.pk).update(closed_at=at, closed_by=mandate)
    _close(current, "withdraw_request", [question], actor=mandate, version=version, at=at)
    application.refresh_from_db()
    return application


# Day after day --------------------------------------------------------------------------------------------------------


def remind(*, at: datetime) -> int:
    """Remind the structures whose deadline is near, once by question; return the number of files."""
    near = InformationRequest.objects.open().filter(
        reminded_at__isnull=True,
        deadline__lte=at.date() + timedelta(days=settings.INFORMATION_REQUEST_REMINDER_DAYS + 1),
    )
    return _each_file(near, _remind, at=at)


def _remind(application: Application, *, at: datetime) -> bool:
    today = local_day(at, application.departement.timezone)
    rows = InformationRequest.objects.open().filter(
        application=application,
        reminded_at__isnull=True,
        deadline__gte=today,
        deadline__lte=today + timedelta(days=settings.INFORMATION_REQUEST_REMINDER_DAYS),
    )
    found = list(rows)
    if found:
        rows.update(reminded_at=at)
        record_event(
            subject_type=Subject.APPLICATION,
            subject_id=application.pk,
            action="remind_request",
            actor=None,
            at=at,
            data={"requests": [row.pk for row in found]},
        )
    return bool(found)


def close_expired(*, at: datetime) -> int:
    """Close the questions whose deadline passed: the file is examined as it is; return the number of files."""
    due = InformationRequest.objects.open().filter(deadline__lte=at.date())
    return _each_file(due, _close_expired, at=at)


def _close_expired(application: Application, *, at: datetime) -> bool:
    today = local_day(at, application.departement.timezone)
    rows = list(InformationRequest.objects.open().filter(application=application, deadline__lt=today))
    if rows:
        InformationRequest.objects.filter(pk__in=[row.pk for row in rows]).update(closed_at=at)
        _close(application, "expire_request", rows, actor=None, version=None, at=at)
    return bool(rows)


def _each_file(rows: Any, do: Callable[..., bool], *, at: datetime) -> int:
    """Do something to the file of each row, one transaction a file, under its lock."""
    done = 0
    for pk in rows.order_by("application").values_list("application", flat=True).distinct():
        with transaction.atomic():
            done += do(lock(Application(pk=pk)), at=at)
    return done


def _close(
    application: Application,
    action: str,
    rows: Iterable[InformationRequest],
    *,
    actor: Mandate | None,
    version: int | None,
    at: datetime,
) -> None:
    """Record that questions of a locked file wait no more: its date of silence, and what is left of the work on it."""
    perform(
        application,
        action,
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=actor,
        at=at,
        version=version,
        data={"requests": [row.pk for row in rows]},
        silence_date=postponed_silence_date(application),
    )
    trim_draft(application)
