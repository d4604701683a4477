"""Opinions of third parties: agents ask and cancel; bodies answer, with a partner's mandate or by a link."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import OpinionPart, OpinionSense
from labelling.forms.opinions import AnswerForm, AskForm, ask_initial
from labelling.models import Application, ConsultedBody, Evidence, Opinion
from labelling.models.opinions import CONSULTING
from labelling.notifications.direct import send_opinion_link
from labelling.rules.answers import parse
from labelling.rules.badges import Badge
from labelling.rules.clock import local_day
from labelling.rules.steps import BY_SLUG
from labelling.rules.words import answers_in_words
from labelling.services import opinions as service
from labelling.services.evidence import open_bytes
from labelling.services.readings import record_reading
from labelling.services.reviews import require_reviewer
from labelling.views.evidence import download_name
from labelling.views.panels import SENSES
from labelling.views.posted import posted_number
from labelling.views.review import posted_mandate
from labelling.views.scope import visible_file
from territories.choices import Role
from territories.models import Mandate

MAX_LINKS = 3
"""Links to revise an opinion sent in an hour."""
PARTNERS_ONLY = (
    "Cette page est celle des organismes consultés. Les agents lisent les avis sur la page de chaque dossier."
)


# Agents -----------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def opinion_ask(request: HttpRequest, number: str) -> HttpResponse:
    """Ask an opinion of bodies, or of a whole group in one click; refused, the input is kept."""
    application = visible_file(request, number)
    now = timezone.now()
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise PermissionDenied("Un avis est demandé par un agent de l’ARS ou de la préfecture.")
    form, refusal, status = None, "", 200
    if request.method == "POST":
        mandate = posted_mandate(request, application, now)
        if "group" in request.POST:
            refusal, status = _ask_group(request, application, mandate, now), 409
        else:
            form = _ask_form(application, request.POST, now=now)
            status = 422
            if form.is_valid():
                refusal, status = _ask(request, application, {"pieces": (), **form.cleaned_data}, mandate, now), 409
        if status == 409 and not refusal:  # noqa: PLR2004  # nothing refused
            return redirect(f"{application.get_absolute_url()}#avis")
    else:
        try:
            require_reviewer(application, mandate, at=now)
        except RefusedError as sentence:
            raise PermissionDenied(str(sentence)) from sentence
    context = {
        "application": application,
        "form": form or _ask_form(application, now=now),
        "refusal": typeset(refusal),
        "consulting": application.state in CONSULTING,
        "bodies": ConsultedBody.objects.serving(application.departement).exists(),
        "trail": [("Dossiers", reverse("applications")), (number, application.get_absolute_url())],
    }
    return render(request, "labelling/opinions/ask.html", context, status=status)


def _ask_form(application: Application, data: Any = None, *, now: datetime) -> AskForm:
    due = service.default_due(application.departement, at=now)
    waiting = application.opinions.waiting().values("body")  # type: ignore[attr-defined]
    return AskForm(
        data,
        bodies=ConsultedBody.objects.serving(application.departement).exclude(pk__in=waiting),
        pieces=Evidence.objects.of_files()
        .kept()
        .filter(application=application)
        .select_related("criterion")
        .order_by("added_at", "pk"),
        initial=ask_initial(service.QUESTION, due),
    )


def _ask_group(request: HttpRequest, application: Application, mandate: Mandate, now: datetime) -> str:
    """Ask a group the usual question, with the usual deadline and every answer; return why not, or nothing."""
    asked = posted_number(request, "group")
    bodies = next((bodies for group, bodies in service.groups_to_ask(application) if group.pk == asked), [])
    if not bodies:
        return "Ce groupe a déjà été consulté sur ce dossier, ou n’existe plus. Rien n’a été envoyé."
    question = ask_initial(service.QUESTION, service.default_due(application.departement, at=now))
    return _ask(request, application, {"bodies": bodies, **question}, mandate, now)


def _ask(
    request: HttpRequest, application: Application, question: dict[str, Any], mandate: Mandate, now: datetime
) -> str:
    try:
        asked = service.ask_opinions(application=application, **question, mandate=mandate, at=now)
    except RefusedError as refusal:
        return str(refusal)
    names = ", ".join(row.body.name for row in asked)
    messages.success(request, typeset(f"L’avis est demandé : {names}. Chaque organisme reçoit un courriel."))
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
def opinion_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a request that nobody answered."""
    rows = Opinion.objects.filter(application__in=Application.objects.for_user(request.user))
    opinion = get_object_or_404(rows.select_related("application__departement", "application__structure"), pk=pk)
    if request.method != "POST":
        return redirect(opinion.application)
    now = timezone.now()
    mandate = posted_mandate(request, opinion.application, now)
    try:
        service.revoke_opinion(opinion=opinion, mandate=mandate, at=now)
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    else:
        messages.success(request, "La demande d’avis est annulée. L’organisme est prévenu par courriel.")
    return redirect(f"{opinion.application.get_absolute_url()}#avis")


# Partners ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """One request in a partner's list."""

    opinion: Opinion
    badge: Badge


@never_cache
@require_safe
def opinions(request: HttpRequest) -> HttpResponse:
    """List the opinions asked of the authority of a partner: first those to give, the most urgent first."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None or mandate.role != Role.PARTNER:
        raise PermissionDenied(PARTNERS_ONLY)
    now = timezone.now()
    rows = service.with_answers(Opinion.objects.of(mandate))
    waiting = [_asked(row, now) for row in rows.waiting().order_by("due_date", "pk")]
    given = [_asked(row, now) for row in rows.filter(answered_at__isnull=False).order_by("-answered_at", "-pk")[:50]]
    context = {"mandate": mandate, "waiting": waiting, "given": given}
    return render(request, "labelling/opinions/list.html", context)


def _asked(opinion: Opinion, now: datetime) -> Asked:
    if opinion.answered_at is not None:
        return Asked(opinion, Badge("", SENSES[OpinionSense(opinion.answers.all()[0].sense)], ""))
    late = opinion.due_date < local_day(now, opinion.application.departement.timezone)
    return Asked(opinion, Badge("warning", "En retard" if late else "À rendre", ""))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def opinion(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a partner what is asked of its authority, and record its answer."""
    mandate, row = _partners_opinion(request, pk)
    now = timezone.now()
    if request.method == "GET":
        record_reading(application=row.application, mandate=mandate, at=now)
    return _answer_page(request, row, mandate=mandate, back=reverse("opinions"))


@require_safe
def opinion_piece(request: HttpRequest, pk: int, piece: int) -> HttpResponseBase:
    """Give a partner a piece that it may read."""
    mandate, row = _partners_opinion(request, pk)
    record_reading(application=row.application, mandate=mandate, at=timezone.now())
    return _piece(row, piece)


def _partners_opinion(request: HttpRequest, pk: int) -> tuple[Mandate, Opinion]:
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise Http404
    row = get_object_or_404(service.with_answers(Opinion.objects.of(mandate)), pk=pk)
    if mandate.role != Role.PARTNER:
        raise PermissionDenied("Votre habilitation permet de lire, non de rendre un avis au nom de votre organisme.")
    return mandate, row


# Bearers of a link ------------------------------------------------------------------------------------------------


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def opinion_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show a body outside the portal what is asked of it, and record its answer; a link gives one answer."""
    found = service.opinion_of_link(token)
    if found is None:
        return render(request, "labelling/opinions/gone.html", status=404)
    row, rank = found
    given, closed = len(row.answers.all()), service.why_closed(row, at=timezone.now())
    if rank == given and not closed:
        return _answer_page(request, row, mandate=None, back=request.path, token=token)
    if request.method == "POST" and not closed:
        _send_again(request, row)
        return redirect(request.path)
    # A link that served, or that came too late, lies in a mailbox for years: it tells nothing of the file any more.
    context = {"opinion": row, "closed": typeset(closed), "given_at": row.answered_at}
    return render(request, "labelling/opinions/used.html", context, status=200 if rank == given - 1 else 410)


def _send_again(request: HttpRequest, row: Opinion) -> None:
    counter = f"opinion-links:{row.pk}"
    cache.add(counter, 0, timeout=3600)
    if cache.incr(counter) > MAX_LINKS:
        messages.error(
            request,
            "Trois liens sont déjà partis en une heure. Regardez dans les courriels indésirables, ou recommencez dans une "
            "heure.",
        )
        return
    try:
        send_opinion_link(row)
    except OSError:
        messages.error(request, "Le courriel n’a pas pu partir. Recommencez dans quelques minutes.")
    else:
        messages.success(request, "Un nouveau lien est parti à l’adresse de votre organisme.")


@login_not_required
@never_cache
@require_safe
def opinion_link_piece(_request: HttpRequest, token: str, piece: int) -> HttpResponseBase:
    """Give the bearer of a link a piece that they may read, until they answer."""
    found = service.opinion_of_link(token)
    if found is None or found[1] != len(found[0].answers.all()) or service.why_closed(found[0], at=timezone.now()):
        raise Http404
    return _piece(found[0], piece)


# Shared -----------------------------------------------------------------------------------------------------------


def _piece(row: Opinion, piece: int) -> HttpResponseBase:
    evidence = get_object_or_404(row.pieces.kept(), pk=piece)  # type: ignore[attr-defined]
    try:
        content = open_bytes(evidence)
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(
        content, as_attachment=True, filename=download_name(evidence), content_type=str(evidence.content_type)
    )


def _answer_page(
    request: HttpRequest, row: Opinion, *, mandate: Mandate | None, back: str, token: str = ""
) -> HttpResponse:
    now = timezone.now()
    closed = service.why_closed(row, at=now)
    given = list(row.answers.all())
    last = given[0] if given else None
    form = AnswerForm(
        request.POST if request.method == "POST" else None,
        initial={"sense": last.sense, "text": last.text, "confidential": last.confidential} if last else None,
    )
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                service.give_opinion(
                    opinion=row, rank=_rank(request, given, mandate), **form.cleaned_data, mandate=mandate, at=now
                )
            except RefusedError as error:
                refusal, status = str(error), 409
            else:
                messages.success(request, "Votre avis est enregistré. Le service qui l’a demandé est prévenu.")
                return redirect(back)
    context = {
        "opinion": row,
        "application": row.application,
        "structure": row.application.structure,
        "sections": _sections(row),
        "pieces": [
            (piece, _piece_address(row, piece, token)) for piece in row.pieces.kept().order_by("added_at", "pk")
        ],  # type: ignore[attr-defined]
        "form": form,
        "given": given,
        "closed": typeset(closed),
        "refusal": typeset(refusal),
        "late": last is None and row.due_date < local_day(now, row.application.departement.timezone),
        "mandate": mandate,
        "rank": len(given),
        "trail": [("Avis", reverse("opinions"))] if mandate else [],
    }
    return render(request, "labelling/opinions/answer.html", context, status=status)


def _rank(request: HttpRequest, given: list[Any], mandate: Mandate | None) -> int:
    """Return the rank of the answer that was shown: posted by a partner's form; a link carries its own."""
    return posted_number(request, "rank") if mandate else len(given)


def _piece_address(row: Opinion, piece: Evidence, token: str) -> str:
    if token:
        return reverse("opinion-link-piece", args=[token, piece.pk])
    return reverse("opinion-piece", args=[row.pk, piece.pk])


def _sections(row: Opinion) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the answers that a body may read, in words, without the names of people."""
    answers = parse(row.application.answers)
    nameless = replace(answers, team=tuple(replace(member, name="") for member in answers.team))
    return [
        (BY_SLUG[part].title, answers_in_words(BY_SLUG[part], nameless))
        for part in OpinionPart.values
        if part in row.parts
    ]
