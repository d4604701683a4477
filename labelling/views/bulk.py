"""Acts on a selection of files: the page that says who can pass and why not, the run, and what became of each file."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh
from kombu.exceptions import OperationalError

from francesante.celery import app as celery_app
from francesante.lib.french import plural, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import BulkAction, BulkResult, Verdict
from labelling.models import Application, BulkOutcome, BulkRun
from labelling.services.assignment import colleagues_of
from labelling.services.bulk import (
    AT_ONCE,
    KEPT,
    MOST_FILES,
    Candidate,
    candidates,
    carry_out,
    progress_of,
    short_places,
    start_run,
    undeclared,
)
from labelling.services.worklist import files_of, ordered, views_of
from labelling.views.worklist import agents_only
from labelling.views.worklist_address import FOLLOWED, Address, read_query
from territories.models import Mandate

TASK = "labelling.tasks.carry_out_bulk"
DONE: Mapping[str, tuple[str, str]] = {
    BulkAction.ASSIGN: ("affecté", "affectés"),
    BulkAction.SHARE: ("partagé", "partagés"),
    BulkAction.ENDORSE: ("endossé", "endossés"),
    BulkAction.PROPOSE: ("présenté à la signature", "présentés à la signature"),
}
WHAT: Mapping[str, tuple[str, str]] = {
    BulkAction.ASSIGN: ("Affecter", "Chaque dossier garde son état ; l’agent le trouve dans sa vue « À moi »."),
    BulkAction.SHARE: (
        "Partager l’appréciation",
        "L’autre autorité lira chaque appréciation et sera prévenue : elle prendra position dossier par dossier, ou en lot.",
    ),
    BulkAction.ENDORSE: (
        "Endosser l’appréciation",
        "Votre autorité prend à son compte l’appréciation de chaque dossier, sauf les différences déjà enregistrées.",
    ),
    BulkAction.PROPOSE: (
        "Présenter le label à la signature",
        "Le texte de chaque décision ne changera plus. Les refus se présentent un par un, depuis leur dossier.",
    ),
}
"""Title of the act, and what it means for each file."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen on the list: an act, some of its files or all of them, and the colleague for an assignment."""

    action: BulkAction | None
    keys: frozenset[int]
    whole: bool
    address: Address
    assignee: Mandate | None

    @property
    def back(self) -> str:
        """The list it comes from."""
        return f"{reverse('applications')}{self.address.url()}"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: HttpRequest) -> HttpResponse:
    """Say, of each file of a selection, if the act can pass; then start it for those that can."""
    mandate = agents_only(request)
    return _start(request, mandate) if request.method == "POST" else _preview(request, mandate)


def _selection(data: QueryDict, mandate: Mandate) -> Selection:
    address = read_query(data.get(FOLLOWED, ""), mandate, views_of(mandate, timezone.localdate()))
    action = data.get("acte", "")
    return Selection(
        BulkAction(action) if action in BulkAction.values else None,
        frozenset(map(int, filter(_is_key, data.getlist("d")))),
        "tous" in data,
        address,
        colleagues_of(mandate).filter(pk=data["a"]).first() if _is_key(data.get("a", "")) else None,
    )


def _is_key(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,18}", text, re.ASCII))


def _chosen(selection: Selection, mandate: Mandate) -> QuerySet[Application]:
    files = files_of(mandate.user, mandate)
    if selection.whole:
        views = views_of(mandate, timezone.localdate())
        return ordered(files.filter(selection.address.filter(files, views)), selection.address.sort)
    return ordered(files.filter(pk__in=selection.keys), selection.address.sort)


def _preview(request: HttpRequest, mandate: Mandate) -> HttpResponse:
    selection = _selection(request.GET, mandate)
    files = _chosen(selection, mandate)
    total = files.count()
    if selection.action is None or not total:
        messages.warning(request, "Cochez au moins un dossier de la liste, puis choisissez un acte.")
        return redirect(selection.back)
    title, meaning = WHAT[selection.action]
    context: dict[str, Any] = {
        "selection": selection,
        "action": selection.action,
        "act_title": title,
        "meaning": typeset(meaning),
        "total": total,
        "left_out": max(total - MOST_FILES, 0),
        "most": MOST_FILES,
        "colleagues": colleagues_of(mandate) if selection.action == BulkAction.ASSIGN else [],
        "chosen": [("d", key) for key in sorted(selection.keys)] if not selection.whole else [("tous", 1)],
        "passing": [],
        "refused": [],
    }
    if selection.action != BulkAction.ASSIGN or selection.assignee:
        found = candidates(files, selection.action, mandate, assignee=selection.assignee, at=timezone.now())
        passing = [row for row in found if not row.refusal]
        context |= {
            "asked": True,
            "passing": [(row.application, _verdicts(row)) for row in passing],
            "refused": [(row.application, row.refusal) for row in found if row.refusal],
            "rows": " ".join(f"{row.application.pk}:{row.application.version}" for row in passing),
            "notes": short_places(passing) if selection.action == BulkAction.PROPOSE else [],
            "undeclared": undeclared(
                files.filter(pk__in=[row.application.pk for row in passing]), selection.action, mandate
            ),
            "key": uuid4(),
        }
    return render(request, "labelling/worklist/bulk.html", context)


def _verdicts(candidate: Candidate) -> str:
    """Say what the lead's assessment holds: it is what is shared, endorsed or decided upon."""
    said = Counter(line.lead.verdict for line in candidate.lines if line.lead)
    words = [
        f"{said[verdict]} {verdict.label}{plural(said[verdict])}"
        for verdict in (Verdict.MET, Verdict.NOT_MET)
        if said[verdict]
    ]
    words += [
        f"{said[verdict]} {verdict.label}" for verdict in (Verdict.TO_CLARIFY, Verdict.NOT_APPLICABLE) if said[verdict]
    ]
    if gaps := sum(line.differs for line in candidate.lines):
        words.append(f"{gaps} différence{plural(gaps)}")
    return ", ".join(words) or "pas encore d’appréciation"


def _start(request: HttpRequest, mandate: Mandate) -> HttpResponse:
    selection = _selection(request.POST, mandate)
    key = request.POST.get("key", "")
    shown = {
        int(pk): int(version)
        for pk, _, version in (pair.partition(":") for pair in request.POST.get("rows", "").split())
        if _is_key(pk) and _is_key(version)
    }
    if selection.action is None or not _is_uuid(key):
        messages.error(
            request, "Cette page n’était plus complète : rien n’a été lancé. Choisissez de nouveau les dossiers."
        )
        return redirect(selection.back)
    try:
        run = start_run(
            key=UUID(key),
            action=selection.action,
            files=files_of(request.user, mandate),
            shown=shown,
            mandate=mandate,
            assignee=selection.assignee,
            declares="declares" in request.POST,
            at=timezone.now(),
        )
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
        return redirect(selection.back)
    if len(shown) > AT_ONCE:
        _hand_over(run)
    else:
        carry_out(run=run)
    return redirect(run)


def _is_uuid(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


def _hand_over(run: BulkRun) -> None:
    """Give a run to a worker. Without broker it waits: the worker also looks each minute for what nobody began."""
    try:
        celery_app.signature(TASK, kwargs={"run": run.pk}).apply_async(retry=False)
    except OperationalError:
        return


# What became of it -----------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def bulk_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a run is, then the outcome of each file. While it runs, htmx asks again every two seconds."""
    agents_only(request)
    run = get_object_or_404(BulkRun.objects.of(request.user), pk=pk)
    if request.htmx and run.finished_at:  # type: ignore[attr-defined]
        return HttpResponseClientRefresh()
    progress = progress_of(run)
    one, many = DONE[run.action]
    context: dict[str, Any] = {
        "run": run,
        "progress": progress,
        "act_title": WHAT[run.action][0],
        "past": many if progress.done > 1 else one,
        "kept_until": timezone.localdate(run.created_at + KEPT),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "labelling/worklist/_progress.html", context)
    outcomes = run.outcomes.select_related("application__structure__commune").defer("application__answers")
    if run.finished_at is None:
        outcomes = outcomes.exclude(result=BulkResult.WAITING)
    context["outcomes"] = outcomes.order_by("-result", "pk")
    return render(request, "labelling/worklist/run.html", context)


@require_safe
def bulk_runs(request: HttpRequest) -> HttpResponse:
    """List one's own runs of the last 30 days."""
    agents_only(request)
    runs = BulkRun.objects.of(request.user).order_by("-pk")
    counts: dict[tuple[int, str], int] = Counter()
    for run_id, result, number in (
        BulkOutcome.objects.filter(run__in=runs).order_by().values_list("run", "result").annotate(n=Count("pk"))
    ):
        counts[run_id, result] = number
    rows = [
        {
            "run": run,
            "title": WHAT[run.action][0],
            "done": counts[run.pk, BulkResult.DONE],
            "not_done": counts[run.pk, BulkResult.NOT_DONE],
            "waiting": counts[run.pk, BulkResult.WAITING],
        }
        for run in runs
    ]
    return render(request, "labelling/worklist/runs.html", {"rows": rows})
