"""One visit on screen: planned and reported by the agents, read and answered once by the structure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole, VisitConclusion, VisitReason
from labelling.forms.visits import FindingForm, FoundForm, PlanForm, ReportForm, VisitAnswerForm
from labelling.models import Criterion, Label, Membership, Visit, VisitFinding
from labelling.rules.answers import parse
from labelling.rules.clock import local_day
from labelling.rules.criteria import assess_all
from labelling.services import visits as service
from labelling.services.drafting import authorities_of
from labelling.services.reviews import is_insider
from labelling.services.visit_follow_up import note_corrections
from labelling.services.visits import Report, Seen
from labelling.views.endings import label_trail, membership_of, posted_mandate, refusal_to_act
from labelling.views.posted import lost_initial, posted_number, posts_only
from labelling.views.scope import visible_label
from labelling.views.visit_pieces import visible_visit, visit_pieces_of
from territories.models import Mandate

UNPROCESSABLE, CONFLICT = 422, 409
STALE = (
    "Un collègue a écrit ce compte rendu pendant que vous y travailliez. Rien n’a été enregistré ; votre saisie est gardée "
    "ci-dessous : lisez d’abord la page de la visite, l’enregistrer de nouveau remplacerait ce qu’il a écrit."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of a report: what the file said, what was seen, and its form while it is written."""

    criterion: Criterion
    answer: str
    finding: VisitFinding
    form: FindingForm | None = None


def visits_of(request: HttpRequest, label: Label) -> dict[str, Any]:
    """Return what the page of a label says of its visits: to the services all of them, to the structure those sent."""
    rows = label.visits.order_by("-planned_date", "-pk")
    if is_insider(request.mandate):  # type: ignore[attr-defined]
        return {"visits": rows, "visit_planned": any(row.is_open for row in rows)}
    member = Membership.objects.of(request.user).filter(structure=label.structure_id).exists()
    return {"visits": rows.filter(sent_at__isnull=False) if member else rows.none()}


# Planned --------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def visit_new(request: HttpRequest, number: str) -> HttpResponse:
    """Plan a visit: why, when, and who goes."""
    label = visible_label(request, number)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    reason = request.GET.get("motif", "")
    initial = {
        "reason": reason if reason in VisitReason.values else None,
        "agents": [request.mandate.pk],  # type: ignore[attr-defined]
    }
    form = PlanForm(request.POST or None, agents=service.visitors_for(label.departement), initial=initial)
    status = 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        status = UNPROCESSABLE
        if form.is_valid():
            try:
                visit = service.plan_visit(label=label, **_planned(form), mandate=mandate, at=now)
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = CONFLICT
            else:
                messages.success(request, "La visite est prévue. Imprimez la grille, ou remplissez-la sur place.")
                return redirect("visit", label.number, visit.pk)
    context = {"label": label, "structure": label.structure, "form": form, "trail": label_trail(request, label)}
    return render(request, "labelling/visit/plan.html", context, status=status)


def _planned(form: PlanForm) -> dict[str, Any]:
    return {**form.cleaned_data, "agents": list(form.cleaned_data["agents"])}


# Read, and answered ---------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def visit(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Show a visit: a grid to take along, then its report; the structure answers here, once."""
    label, row = visible_visit(request, number, pk)
    if request.method != "POST":
        return _page(request, label, row)
    membership = membership_of(request, label)
    if membership is None or membership.role != MembershipRole.OWNER:
        raise PermissionDenied("Le responsable de la structure répond en son nom.")
    form = VisitAnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, label, row, answer=form, status=UNPROCESSABLE)
    try:
        service.answer_report(
            visit=row,
            membership=membership,
            answer=form.cleaned_data["answer"],
            version=posted_number(request, "version"),
            at=timezone.now(),
        )
    except RefusedError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, label, row, answer=form, status=CONFLICT)
    messages.success(request, "Votre réponse est reçue et gardée. Les deux autorités la lisent.")
    return redirect("visit", label.number, row.pk)


def _page(
    request: HttpRequest,
    label: Label,
    row: Visit,
    *,
    answer: VisitAnswerForm | None = None,
    correct: FoundForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    membership = membership_of(request, label)
    today = local_day(now, label.departement.timezone)
    acts = not refusal_to_act(label, request.mandate, now)  # type: ignore[attr-defined]
    waits = row.answered_at is None and row.deadline is not None and today <= row.deadline
    owner = membership is not None and membership.role == MembershipRole.OWNER
    pieces = visit_pieces_of(label, row)
    to_correct = row.conclusion == VisitConclusion.TO_CORRECT and row.sent_at is not None
    context = {
        "label": label,
        "structure": label.structure,
        "visit": row,
        "lines": [(line, pieces.pop(line.criterion.code, [])) for line in _lines(label, row)],
        "other_pieces": [piece for group in pieces.values() for piece in group],
        "correct": correct or (FoundForm() if acts and to_correct and row.corrected_date is None else None),
        "agents": row.agents.select_related("user", "authority").order_by("authority__name", "user__last_name", "pk"),
        "membership": membership,
        "acts": acts,
        "today": today,
        "complete": row.visited_date is not None and bool(row.conclusion),
        "ends": acts and row.sent_at is not None and row.conclusion != VisitConclusion.COMPLIANT,
        "waits": waits,
        "form": answer or (VisitAnswerForm(initial=lost_initial(request)) if owner and waits else None),
        "mistaken": correct or answer,
        "refusal": refusal,
        "authorities": authorities_of(label.departement).values() if membership else (),
        "trail": label_trail(request, label),
    }
    return render(request, "labelling/visit/visit.html", context, status=status)


def _lines(label: Label, row: Visit, *, forms: Mapping[str, FindingForm] | None = None) -> list[Line]:
    findings = list(row.findings.select_related("criterion").order_by("criterion__position"))
    criteria = [finding.criterion for finding in findings]
    found = assess_all(criteria, parse(label.application.answers), structure_kind=label.structure.kind)
    return [
        Line(one.criterion, one.answer, finding, (forms or {}).get(one.criterion.code))
        for one, finding in zip(found, findings, strict=True)
    ]


# Reported -------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def visit_report(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Write the report, criterion by criterion, as many times as needed before it is sent."""
    label, row = visible_visit(request, number, pk)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    if not row.is_open:
        messages.info(request, "Ce compte rendu ne change plus.")
        return redirect("visit", label.number, row.pk)
    posted = request.POST or None
    form = ReportForm(posted, initial=_written(label, row, now))
    seen = {
        line.criterion.code: FindingForm(
            posted,
            prefix=line.criterion.code,
            title=line.criterion.title,
            initial={"result": line.finding.result, "observed": line.finding.observed},
        )
        for line in _lines(label, row)
    }
    refusal, status = "", 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        status = UNPROCESSABLE
        # Each is asked, so that every mistake is shown at once.
        if all([form.is_valid(), *(one.is_valid() for one in seen.values())]):
            report = Report(**form.cleaned_data, seen={code: Seen(**one.cleaned_data) for code, one in seen.items()})
            refusal, status = _write(request, row, report, mandate, now), CONFLICT
            if not refusal:
                messages.success(request, "Le compte rendu est enregistré. La structure ne le voit pas encore.")
                return redirect("visit", label.number, row.pk)
    lines = _lines(label, row, forms=seen)
    context = {
        "label": label,
        "structure": label.structure,
        "visit": row,
        # Mistakes keep the version that was shown; a colleague's writing has just been told, and gives its own.
        "version": row.version if status == CONFLICT or not posted else posted_number(request, "version"),
        "form": form,
        "lines": lines,
        "wrong": [line for line in lines if line.form and line.form.errors],
        "refusal": refusal,
        "trail": [*label_trail(request, label), ("Visite", row.get_absolute_url())],
    }
    return render(request, "labelling/visit/report.html", context, status=status)


def _written(label: Label, row: Visit, now: datetime) -> dict[str, Any]:
    return {
        "visited_date": row.visited_date or local_day(now, label.departement.timezone),
        "notes": row.notes,
        "conclusion": row.conclusion,
        "correct_before": row.correct_before,
    }


def _write(request: HttpRequest, row: Visit, report: Report, mandate: Mandate, now: datetime) -> str:
    """Write the report; return why it was refused, or nothing."""
    try:
        service.write_report(
            visit=row, report=report, mandate=mandate, version=posted_number(request, "version"), at=now
        )
    except StaleError:
        row.refresh_from_db(fields=["version"])
        return STALE
    except RefusedError as error:
        return str(error)
    return ""


@posts_only("visit")
def visit_act(request: HttpRequest, number: str, pk: int, action: str) -> HttpResponse:
    """Send a report, or cancel a visit; refused, show the page again."""
    label, row = visible_visit(request, number, pk)
    if action not in ACTS:
        raise Http404
    verb, done = ACTS[action]
    mandate = posted_mandate(request, label)
    asked: dict[str, Any] = {}
    if action == "corriger":
        form = FoundForm(request.POST)
        if not form.is_valid():
            return _page(request, label, row, correct=form, status=UNPROCESSABLE)
        asked = form.cleaned_data
    try:
        verb(visit=row, mandate=mandate, version=posted_number(request, "version"), at=timezone.now(), **asked)
    except StaleError:
        refusal = (
            "Cette visite a changé depuis que cette page vous est montrée : relisez-la ci-dessous, puis recommencez."
        )
    except RefusedError as error:
        refusal = str(error)
    else:
        messages.success(request, typeset(done))
        return redirect("visit", label.number, row.pk)
    label, row = visible_visit(request, number, pk)
    return _page(request, label, row, refusal=refusal, status=CONFLICT)


ACTS: Mapping[str, tuple[Callable[..., Visit], str]] = {
    "envoyer": (
        service.send_report,
        "Le compte rendu est envoyé : la structure est prévenue et peut répondre une fois.",
    ),
    "corriger": (note_corrections, "Les corrections sont constatées : plus rien n’est attendu de cette visite."),
    "annuler": (service.cancel_visit, "La visite est annulée. La structure n’en avait rien reçu."),
}
"""The acts of an agent by their name in the address, and what the page says once done."""
