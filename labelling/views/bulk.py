"""Acts on a selection of files: the page that says who can pass and why not, the run, and what became of each file."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import plural, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import BulkAction, Verdict
from labelling.forms.fields import FillingForm
from labelling.forms.opinions import BulkAskForm
from labelling.models import Application, BulkOutcome, BulkRun, Tag
from labelling.services.assignment import colleagues_of
from labelling.services.bulk import (
    AT_ONCE,
    MOST_FILES,
    Candidate,
    Terms,
    candidates,
    carry_out,
    short_places,
    start_run,
    undeclared,
)
from labelling.services.consulted import bodies_kept, groups_kept
from labelling.services.fields import Fields
from labelling.services.opinions import QUESTION
from labelling.services.quotas import WAITS, forecast
from labelling.services.worklist import files_of, views_of
from labelling.views.worklist import agents_only
from labelling.views.worklist_address import FOLLOWED, Address, read_query
from territories.choices import RunResult
from territories.models import Mandate
from territories.services.runs import Progress, progress_by_run, progress_of
from territories.views.runs import hand_over, polled, run_context

TASK = "labelling.tasks.carry_out_bulk"
DONE: Mapping[str, tuple[str, str]] = {
    BulkAction.ASSIGN: ("affecté", "affectés"),
    BulkAction.SHARE: ("partagé", "partagés"),
    BulkAction.ENDORSE: ("endossé", "endossés"),
    BulkAction.PROPOSE: ("présenté à la signature", "présentés à la signature"),
    BulkAction.ASK: ("envoyé pour avis", "envoyés pour avis"),
    BulkAction.TAG: ("étiqueté", "étiquetés"),
    BulkAction.UNTAG: ("sans l’étiquette désormais", "sans l’étiquette désormais"),
    BulkAction.FILL: ("renseigné", "renseignés"),
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
    BulkAction.ASK: (
        "Demander un avis",
        "Une question, une date. Elle va aux organismes du département de chaque dossier qui n’y ont pas encore été consultés.",
    ),
    BulkAction.TAG: ("Étiqueter", "L’étiquette sert à retrouver ces dossiers ; la structure ne la voit jamais."),
    BulkAction.UNTAG: ("Retirer une étiquette", "Rien d’autre ne change dans ces dossiers."),
    BulkAction.FILL: (
        "Renseigner une rubrique",
        "La valeur est écrite là où la rubrique est vide : un lot n’en remplace aucune. La structure ne la voit jamais.",
    ),
}
"""Title of the act, and what it means for each file."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen on the list: an act, some of its files or all of them, and what the act needs beside them.

    ``terms`` is nothing as long as it was not all said.
    """

    action: BulkAction | None
    keys: frozenset[int]
    whole: bool
    address: Address
    terms: Terms | None

    @property
    def back(self) -> str:
        """The list it comes from."""
        return f"{reverse('applications')}{self.address.url()}"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: HttpRequest) -> HttpResponse:
    """Say, of each file of a selection, if the act can pass; then start it for those that can.

    A question is posted to be previewed: a free text has no place in an address.
    """
    mandate = agents_only(request)
    if request.method == "POST" and "key" in request.POST:
        return _start(request, mandate)
    return _preview(request, request.POST or request.GET, mandate)


def _selection(data: QueryDict, mandate: Mandate) -> Selection:
    address = read_query(data.get(FOLLOWED, ""), mandate, views_of(mandate, timezone.localdate()))
    act = data.get("acte", "")
    action = BulkAction(act) if act in BulkAction.values else None
    if action == BulkAction.TAG and "retirer" in data:
        action = BulkAction.UNTAG
    return Selection(
        action,
        frozenset(map(int, filter(_is_key, data.getlist("d")))),
        "tous" in data,
        address,
        _terms(action, data, mandate),
    )


def _terms(action: BulkAction | None, data: QueryDict, mandate: Mandate) -> Terms | None:
    """Return what the act needs beside the files, or nothing when it was not said, or not rightly."""
    match action:
        case BulkAction.ASSIGN:
            found = colleagues_of(mandate).filter(pk=data["a"]).first() if _is_key(data.get("a", "")) else None
            return Terms(assignee=found) if found else None
        case BulkAction.TAG | BulkAction.UNTAG:
            tags = Tag.objects.offered_to(mandate)
            tag = tags.filter(pk=data["etiquette"]).first() if _is_key(data.get("etiquette", "")) else None
            return Terms(tag=tag) if tag else None
        case BulkAction.ASK:
            form = bulk_ask_form(mandate, data)
            return Terms(question=form.asked()) if form.is_valid() else None
        case BulkAction.FILL:
            fill_form = filling_form(Fields(mandate), data)
            return Terms(filling=fill_form.filling()) if fill_form and fill_form.is_valid() else None
    return Terms()


def filling_form(fields: Fields, data: QueryDict) -> FillingForm | None:
    """Return the form of the value of the field that was chosen; unbound before anything was said, nothing before that."""
    field = fields.by_word.get(data.get("rubrique", ""))
    return FillingForm(data if "valeur" in data else None, field=field, name=fields.names[field]) if field else None


def bulk_ask_form(mandate: Mandate, data: QueryDict | None, *, now: datetime | None = None) -> BulkAskForm:
    """Return the form of a question asked on several files; unbound before anything was said."""
    bound = data if data is not None and "question" in data else None
    return BulkAskForm(
        bound,
        bodies=bodies_kept(mandate),
        groups=groups_kept(mandate),
        initial={"question": QUESTION, "due_date": timezone.localdate(now) + timedelta(days=settings.OPINION_DAYS)},
    )


def _is_key(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,18}", text, re.ASCII))


def _chosen(selection: Selection, mandate: Mandate) -> QuerySet[Application]:
    files = files_of(mandate.user, mandate)
    if selection.whole:
        views = views_of(mandate, timezone.localdate())
        return selection.address.ordered(files.filter(selection.address.filter(files, views)))
    return selection.address.ordered(files.filter(pk__in=selection.keys))


def _preview(request: HttpRequest, data: QueryDict, mandate: Mandate) -> HttpResponse:
    selection = _selection(data, mandate)
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
        "terms": selection.terms,
        "chosen": [("d", key) for key in sorted(selection.keys)] if not selection.whole else [("tous", 1)],
        "passing": [],
        "waiting": [],
        "refused": [],
        "colleagues": None,
        "tags": None,
        "form": None,
        "fields": None,
        **_asked_once(selection.action, data, mandate),
    }
    if selection.terms is not None:
        found = candidates(files, selection.action, mandate, terms=selection.terms, at=timezone.now())
        passing = [row for row in found if not row.refusal]
        places = forecast(row.application for row in passing) if selection.action == BulkAction.PROPOSE else []
        waiting = frozenset().union(*(one.waiting for one in places))
        context |= {
            "asked": True,
            "passing": [
                (row.application, _words(row, selection.action)) for row in passing if row.application.pk not in waiting
            ],
            "waiting": [
                (row.application, _words(row, selection.action)) for row in passing if row.application.pk in waiting
            ],
            "able": len(passing),
            "passing_head": HEADS.get(selection.action, "Appréciation du chef de file"),
            "refused": [(row.application, row.refusal) for row in found if row.refusal],
            "reasons": _by_reason(found),
            "rows": " ".join(f"{row.application.pk}:{row.application.version}" for row in passing),
            "notes": short_places(places),
            "undeclared": undeclared(
                files.filter(pk__in=[row.application.pk for row in passing]), selection.action, mandate
            ),
            "key": uuid4(),
        }
    return render(request, "labelling/worklist/bulk.html", context)


def _by_reason(found: Iterable[Candidate]) -> list[tuple[str, list[Application]]]:
    """Put together the files that cannot pass for the same reason, the most numerous first."""
    groups: dict[str, list[Application]] = {}
    for row in found:
        if row.refusal:
            groups.setdefault(row.refusal, []).append(row.application)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def _asked_once(action: BulkAction, data: QueryDict, mandate: Mandate) -> dict[str, Any]:
    """Return what the page asks once for all the files, before it says which can pass."""
    match action:
        case BulkAction.ASSIGN:
            return {"colleagues": colleagues_of(mandate)}
        case BulkAction.TAG | BulkAction.UNTAG:
            return {"tags": Tag.objects.offered_to(mandate), "taking_off": action == BulkAction.UNTAG}
        case BulkAction.ASK:
            form = bulk_ask_form(mandate, data)
            form.is_valid()
            return {"form": form, "bodies": bodies_kept(mandate).exists()}
        case BulkAction.FILL:
            fields = Fields(mandate)
            return {"fields": list(fields.names.items()), "filling_form": filling_form(fields, data)}
    return {}


HEADS: Mapping[str, str] = {BulkAction.ASK: "Consultés"}
"""What the preview says of each file that can pass, when it is not the lead's assessment."""


def _words(candidate: Candidate, action: BulkAction) -> str:
    if action == BulkAction.ASK:
        return ", ".join(body.name for body in candidate.asked)
    return _verdicts(candidate)


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
    if selection.action is None or selection.terms is None or not _is_uuid(key):
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
            terms=selection.terms,
            declares="declares" in request.POST,
            at=timezone.now(),
        )
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
        return redirect(selection.back)
    if len(shown) > AT_ONCE:
        hand_over(TASK, run)
    else:
        carry_out(run=run)
    return redirect(run)


def _is_uuid(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


# What became of it -----------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def bulk_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a run is, then the outcome of each file. While it runs, htmx asks again every two seconds."""
    agents_only(request)
    run = get_object_or_404(BulkRun.objects.of(request.user), pk=pk)
    progress = progress_of(run)
    context = run_context(run, progress, unit="dossier")
    if answer := polled(request, context):
        return answer
    one, many = DONE[run.action]
    waits = run.outcomes.filter(result=RunResult.NOT_DONE, sentence__contains=WAITS)
    context |= {
        "act_title": WHAT[run.action][0],
        "past": many if progress.done > 1 else one,
        "waits": set(waits.values_list("pk", flat=True)) if run.action == BulkAction.PROPOSE else set(),
    }
    context["not_done"] = progress.not_done - len(context["waits"])
    outcomes = run.outcomes.select_related("application__structure__commune").defer("application__answers")
    if run.finished_at is None:
        outcomes = outcomes.exclude(result=RunResult.WAITING)
    context["outcomes"] = outcomes.order_by("-result", "pk")
    return render(request, "labelling/worklist/run.html", context)


@require_safe
def bulk_runs(request: HttpRequest) -> HttpResponse:
    """List one's own runs of the last 30 days."""
    agents_only(request)
    runs = BulkRun.objects.of(request.user).order_by("-pk")
    progress = progress_by_run(BulkOutcome.objects.filter(run__in=runs))
    rows = [{"run": run, "title": WHAT[run.action][0], "progress": progress.get(run.pk, Progress())} for run in runs]
    return render(request, "labelling/worklist/runs.html", {"rows": rows})
