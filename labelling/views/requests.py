"""The structure's pages to answer the questions asked of it: the list, to read and to send; each question, to prepare."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import plural, typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole
from labelling.forms.requests import ReplyForm, form_of_rule
from labelling.forms.step import StepForm
from labelling.models import Application, InformationRequest, Membership
from labelling.rules.clock import local_day
from labelling.rules.reads import step_of
from labelling.services import replies as service
from labelling.views.exchange import answered, delays, to_do
from labelling.views.posted import keeps_whole, lost_input, posted_number
from labelling.views.scope import own_file, require_owner
from labelling.views.steps import changed_rows, fields_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_requests(request: HttpRequest, number: str) -> HttpResponse:
    """Show the questions asked of the structure; reading them is an act, sending the answers another."""
    row, membership = own_file(request, number)
    trouble, status = "", 200
    if request.method == "POST":
        try:
            return _act(request, row, membership)
        except StaleError:
            trouble, status = (
                "Un collègue a changé les réponses pendant que vous relisiez. Rien n’est envoyé : relisez, puis envoyez.",
                409,
            )
        except RefusedError as refusal:
            trouble, status = str(refusal), 409
        row.refresh_from_db()
    shown = to_do(row)
    _, version = service.answers_in_progress(row)
    context = {
        "application": row,
        "todo": shown,
        "answered": answered(row),
        "delays": delays(row, local_day(timezone.now(), row.departement.timezone)),
        "owner": membership.role == MembershipRole.OWNER,
        "draft_version": version,
        "trouble": typeset(trouble),
    }
    return render(request, "labelling/requests/page.html", context, status=status)


def _act(request: HttpRequest, row: Application, membership: Membership) -> HttpResponse:
    if request.POST.get("act") == "send":
        require_owner(membership, "envoyer les réponses")
        sent = service.send_answers(
            application=row, membership=membership, version=posted_number(request, "draft"), at=timezone.now()
        )
        s = plural(len(sent))
        messages.success(
            request, f"Vo{'s' if s else 'tre'} réponse{s} {'sont' if s else 'est'} envoyée{s} aux services."
        )
        return redirect(row)
    service.read_questions(application=row, membership=membership, at=timezone.now())
    row.refresh_from_db()
    shown = to_do(row)
    if shown and len(shown.asked) == 1:
        return redirect("application-request", number=row.number, pk=shown.asked[0].pk)
    return redirect("application-requests", number=row.number)


@dataclass(frozen=True, slots=True)
class Writing:
    """One question with the input of its answer. ``version`` is that of the answers in preparation."""

    question: InformationRequest
    form: StepForm | None
    reply: ReplyForm
    version: int


@keeps_whole
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_request(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Show one question with the answers that its criterion reads, and keep what the structure prepares."""
    row, membership = own_file(request, number)
    asked = get_object_or_404(InformationRequest.objects.sent().select_related("criterion"), pk=pk, application=row)
    # The page of questions says what became of it, or lets it be read first.
    if asked.notified_at is None or not InformationRequest.objects.open().filter(pk=pk).exists():
        return redirect("application-requests", number=number)
    answers, version = service.answers_in_progress(row)
    rule, data = asked.criterion.rule, request.POST
    form_of = partial(form_of_rule, rule, answers=answers, kind=row.structure.kind)
    if request.method != "POST":
        lost = lost_input(request)
        reply = ReplyForm(lost, initial={"reply": asked.reply})
        return _render(
            request,
            row,
            Writing(asked, form_of(lost), reply, version),
        )
    step = step_of(rule)
    changed, announce = changed_rows(data, step) if step else (None, "")
    if changed is None:
        writing = Writing(
            asked,
            form_of(data),
            ReplyForm(data),
            posted_number(request, "draft"),
        )
        return _save(request, row, membership, writing)
    form = form_of(changed)
    reply = ReplyForm(initial={"reply": data.get("reply", "")})
    writing = Writing(asked, form, reply, posted_number(request, "draft"))
    return _render(request, row, writing, announce=announce)


def _save(request: HttpRequest, row: Application, membership: Membership, writing: Writing) -> HttpResponse:
    form, reply = writing.form, writing.reply
    if not all([reply.is_valid(), form is None or form.is_valid()]):
        return _render(request, row, writing, status=422)
    try:
        service.save_reply(
            question=writing.question,
            membership=membership,
            answers=form.values() if form else {},
            reply=reply.cleaned_data["reply"],
            version=writing.version,
            at=timezone.now(),
        )
    except StaleError:
        _, version = service.answers_in_progress(row)
        sentence = (
            "Un collègue a changé les réponses pendant que vous écriviez. Votre saisie est gardée ci-dessous : comparez, puis "
            "enregistrez-la."
        )
        return _render(
            request, row, Writing(writing.question, form, reply, version), trouble=sentence, status=409, stale=True
        )
    except RefusedError as refusal:
        return _render(request, row, writing, trouble=str(refusal), status=422)
    messages.success(request, "Votre réponse est prête. Elle n’est pas encore envoyée.")
    return redirect("application-requests", number=row.number)


def _render(
    request: HttpRequest, row: Application, writing: Writing, *, status: int = 200, **more: Any
) -> HttpResponse:
    question = writing.question
    step = step_of(question.criterion.rule)
    context = {
        **(fields_of(row, step, writing.form) if step and writing.form else {"form": None}),
        "application": row,
        "question": question,
        "step": step,
        "reply": writing.reply,
        "delays": delays(row, local_day(timezone.now(), row.departement.timezone)),
        "draft_version": writing.version,
        "announce": more.get("announce", ""),
        "trouble": typeset(more.get("trouble", "")),
        "stale": more.get("stale", False),
    }
    return render(request, "labelling/requests/answer.html", context, status=status)
