"""The agents' pages: questions to prepare, send and withdraw; what changed in the answers."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import long_date, plural, typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import CriterionKind, Verdict
from labelling.forms.requests import QuestionForm, SendForm
from labelling.models import AnswerRevision, Application, InformationRequest, Membership
from labelling.rules.answers import Answers
from labelling.rules.clock import local_day
from labelling.rules.steps import TO_FILL
from labelling.rules.words import answers_in_words
from labelling.services import requests as service
from labelling.services import revisions
from labelling.views.exchange import Asked, questions_of
from labelling.views.posted import posted_number
from labelling.views.review import posted_mandate, refusal_to_act
from labelling.views.scope import Reader, file_reader, visible_file
from labelling.workflow import TRANSITIONS
from territories.choices import ActorKind
from territories.models import Mandate


def reviewing_mandate(request: HttpRequest, application: Application) -> Mandate:
    """Return the mandate with which the reader instructs a file, or raise 403 with the sentence to show."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if sentence := refusal_to_act(application, mandate, timezone.now()):
        raise PermissionDenied(sentence)
    assert mandate is not None  # noqa: S101  # said by refusal_to_act
    return mandate


# Questions -----------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_questions(request: HttpRequest, number: str) -> HttpResponse:
    """Prepare questions criterion by criterion, send them all at once, withdraw one."""
    row = visible_file(request, number)
    mandate, now = reviewing_mandate(request, row), timezone.now()
    if request.method != "POST":
        return _questions(request, row, mandate, now)
    mandate = posted_mandate(request, row, now)
    try:
        match request.POST.get("act"):
            case "prepare":
                return _prepare(request, row, mandate, now)
            case "ask":
                return _ask(request, row, mandate, now)
            case "send":
                return _send(request, row, mandate, now)
            case "withdraw":
                question = get_object_or_404(row.requests, pk=posted_number(request, "question"))
                service.withdraw_question(
                    question=question, mandate=mandate, version=posted_number(request, "version"), at=now
                )
                messages.success(request, "La demande est retirée. La structure en est prévenue.")
            case _:
                question = get_object_or_404(row.requests, pk=posted_number(request, "question"))
                service.drop_question(question=question, mandate=mandate, at=now)
                messages.success(request, "La question préparée est effacée : elle n’avait pas été envoyée.")
    except RefusedError as refusal:
        row.refresh_from_db()
        return _questions(request, row, mandate, now, refusal=str(refusal), status=409)
    return redirect("application-questions", number=number)


def _prepare(request: HttpRequest, row: Application, mandate: Mandate, now: datetime) -> HttpResponse:
    criteria = _criteria(row)
    form = QuestionForm(request.POST, criteria=criteria)
    if not form.is_valid():
        return _questions(request, row, mandate, now, form=form, status=422)
    said = form.cleaned_data
    try:
        service.prepare_question(
            application=row,
            criterion=criteria.get(code=said["criterion"]),
            question=said["question"],
            required=said["required"],
            mandate=mandate,
            at=now,
        )
    except RefusedError as refusal:
        return _questions(request, row, mandate, now, form=form, refusal=str(refusal), status=409)
    messages.success(request, "Question préparée. La structure ne la lira qu’à l’envoi.")
    return redirect("application-questions", number=row.number)


def _ask(request: HttpRequest, row: Application, mandate: Mandate, now: datetime) -> HttpResponse:
    criteria = _criteria(row)
    first, last = service.deadlines(now, zone=row.departement.timezone)
    form, send = QuestionForm(request.POST, criteria=criteria), SendForm(request.POST, first=first, last=last)
    if not all([form.is_valid(), send.is_valid()]):
        return _questions(request, row, mandate, now, form=form, send=send, status=422)
    said, deadline = form.cleaned_data, send.cleaned_data["deadline"]
    try:
        service.ask_question(
            application=row,
            criterion=criteria.get(code=said["criterion"]),
            question=said["question"],
            required=said["required"],
            deadline=deadline,
            mandate=mandate,
            version=posted_number(request, "version"),
            at=now,
        )
    except (StaleError, RefusedError) as refusal:
        row.refresh_from_db()
        return _questions(request, row, mandate, now, form=form, send=send, refusal=str(refusal), status=409)
    messages.success(
        request,
        f"1 précision demandée : la structure est prévenue par courriel, jusqu’au {long_date(deadline)}.",
    )
    return redirect(row)


def _send(request: HttpRequest, row: Application, mandate: Mandate, now: datetime) -> HttpResponse:
    first, last = service.deadlines(now, zone=row.departement.timezone)
    send = SendForm(request.POST, first=first, last=last)
    if not send.is_valid():
        return _questions(request, row, mandate, now, send=send, status=422)
    deadline: date = send.cleaned_data["deadline"]
    try:
        sent = service.send_questions(
            application=row, mandate=mandate, deadline=deadline, version=posted_number(request, "version"), at=now
        )
    except StaleError as stale:
        row.refresh_from_db()
        return _questions(request, row, mandate, now, send=send, refusal=str(stale), status=409)
    except RefusedError as refusal:
        return _questions(request, row, mandate, now, send=send, refusal=str(refusal), status=409)
    s = plural(len(sent))
    messages.success(
        request,
        f"{len(sent)} précision{s} demandée{s} : la structure est prévenue par courriel, jusqu’au {long_date(deadline)}.",
    )
    return redirect(row)


def _questions(
    request: HttpRequest,
    row: Application,
    mandate: Mandate,
    now: datetime,
    *,
    form: QuestionForm | None = None,
    send: SendForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    first, last = service.deadlines(now, zone=row.departement.timezone)
    usual = local_day(now, row.departement.timezone) + timedelta(days=settings.INFORMATION_REQUEST_DAYS)
    asked = request.GET.get("critere", "")
    questions = questions_of(row, mandate.capacity)
    mine = [one for one in questions if one.row.capacity == mandate.capacity]
    known = {"criterion": asked, "question": _to_clarify(row, mandate, asked, questions)}
    context = {
        "application": row,
        "form": form or QuestionForm(criteria=_criteria(row), initial=known),
        "send": send or SendForm(first=first, last=last, initial={"deadline": usual}),
        "prepared": [one for one in mine if one.row.sent_at is None],
        "sent": [one for one in questions if one.row.sent_at],
        "withdrawable": {one.row.pk for one in mine if one.row.is_open},
        "may_ask": row.state in TRANSITIONS["ask"].sources,
        "refusal": typeset(refusal),
        "trail": _trail(row),
    }
    return render(request, "labelling/requests/questions.html", context, status=status)


def _to_clarify(row: Application, mandate: Mandate, code: str, questions: list[Asked]) -> str:
    """Return what the authority holds to be clarified of a criterion, to begin its question with; nothing once it asked."""
    said = row.assessments.filter(
        capacity=mandate.capacity, criterion__code=code, verdict=Verdict.TO_CLARIFY, set_aside_at__isnull=True
    ).first()
    if said is None:
        return ""
    asked = [one.row for one in questions if one.row.criterion_id == said.criterion_id]
    return (
        ""
        if any(one.capacity == mandate.capacity and one.prepared_at >= said.assessed_at for one in asked)
        else said.reason
    )


def _criteria(row: Application) -> Any:
    return row.specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position")


def _trail(row: Application) -> list[tuple[str, str]]:
    return Reader(row, None, None).trail


# What changed --------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_changes(request: HttpRequest, number: str) -> HttpResponse:
    """Show what changed in the answers since they were submitted, version by version; an agent says it is read."""
    reader = file_reader(request, number)
    row = reader.application
    if request.method == "POST":
        if not reader.services:
            raise PermissionDenied("Cet acte est réservé aux agents de l’ARS et de la préfecture.")
        return _mark_read(request, row)
    versions = revisions.versions_of(row)
    visit = revisions.last_visit(row, reader.mandate) if reader.mandate else None
    names = _names([one.row for one in versions], full=reader.services)
    context = {
        "application": row,
        "services": reader.services,
        "received": _received(row, reader.mandate),
        "revision": len(versions),
        "since": revisions.since(versions, visit) if reader.services else [],
        "visit": visit,
        "fresh": sum(visit is None or one.row.at > visit for one in versions),
        "versions": [
            {
                "row": one.row,
                "who": names[one.row.actor_type, one.row.actor_id],
                "changes": one.changes,
                "whole": _side_by_side(one.before, one.after),
                "new": reader.services and (visit is None or one.row.at > visit),
            }
            for one in reversed(versions)
        ],
        "may_mark": reader.services and not refusal_to_act(row, reader.mandate, timezone.now()),
        "trail": reader.trail,
    }
    return render(request, "labelling/requests/changes.html", context)


def _mark_read(request: HttpRequest, row: Application) -> HttpResponse:
    mandate = posted_mandate(request, row, timezone.now())
    shown = [int(pk) for pk in request.POST.getlist("request") if pk.isdecimal()]
    try:
        revisions.mark_read(
            application=row,
            mandate=mandate,
            revision=posted_number(request, "revision"),
            requests=shown,
            at=timezone.now(),
        )
    except RefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("application-changes", number=row.number)
    messages.success(request, "C’est noté : vous avez lu les réponses de la structure.")
    return redirect(row)


def _received(row: Application, mandate: Mandate | None) -> list[InformationRequest]:
    """Return the questions of the reader's authority whose answer it has not read."""
    if mandate is None or refusal_to_act(row, mandate, timezone.now()):
        return []
    rows = InformationRequest.objects.received().filter(application=row, capacity=mandate.capacity)
    return list(rows.select_related("criterion").order_by("criterion__position", "pk"))


def _side_by_side(before: Answers, after: Answers) -> list[dict[str, Any]]:
    """Return both versions in whole, task by task."""
    return [
        {"step": step, "before": answers_in_words(step, before), "after": answers_in_words(step, after)}
        for step in TO_FILL
    ]


def _names(rows: list[AnswerRevision], *, full: bool) -> dict[tuple[str, int], str]:
    """Return who made the changes: to the structure, an agent is its authority."""
    mandates = Mandate.objects.filter(pk__in=[row.actor_id for row in rows if row.actor_type == ActorKind.MANDATE])
    members = Membership.objects.filter(pk__in=[row.actor_id for row in rows if row.actor_type == ActorKind.MEMBERSHIP])
    return {
        **{
            (ActorKind.MANDATE, row.pk): f"{row.user.full_name}, {row.authority}" if full else str(row.authority)
            for row in mandates.select_related("user", "authority")
        },
        **{
            (ActorKind.MEMBERSHIP, row.pk): f"{row.user.full_name}, pour la structure"
            for row in members.select_related("user")
        },
    }
