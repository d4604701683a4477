"""The agents' work list: the page, its export, and the views that a person names."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import BulkAction, NewsKind, NewsScope, Route, StructureKind
from labelling.forms.fields import FieldFilterForm
from labelling.forms.worklist import SavedViewForm, WorkListForm
from labelling.models import Application, SavedView, Tag, Wave
from labelling.services.digest import CALLING, calling_for_an_act
from labelling.services.fields import Fields, any_field, with_values
from labelling.services.following import with_news
from labelling.services.opinions import with_opinion_counts
from labelling.services.reviews import is_insider
from labelling.services.tags import with_tags
from labelling.services.worklist import (
    DEFAULT_SORT,
    EVERYTHING,
    SORTS,
    View,
    counts_of,
    files_of,
    save_view,
    saved_views_of,
    views_of,
    with_details,
    with_epci,
)
from labelling.services.worklist_filters import NOBODY, UNDER_WAY, epcis_of, reviewers_of
from labelling.views.worklist_address import (
    ALWAYS,
    BESIDE,
    COLUMNS,
    FOLLOWED,
    PAGE,
    Address,
    field_filters,
    read_address,
    read_query,
)
from labelling.views.worklist_export import EXCEL, export_csv, export_xlsx
from labelling.views.worklist_rows import rows_of
from territories.choices import Role
from territories.models import Departement, Epci, Mandate

SHOWN = "shown"
"""Name, among the counts, of the list that is shown."""
FIELDS = "fields"
"""Name, among the counts, of what tells whether there are internal fields: without any, none is looked for."""
IN_BRIEF = {
    "reponses-recues": "Réponses",
    "a-repondre": "Messages",
    "recours": "Recours",
    "a-signer": "Signature",
    "bientot": "Sous 15\u00a0j",
}
"""Views as the bar says them, where it is short of room; the page of each says the whole."""
Options = list[tuple[str, str]]


def work_list(request: HttpRequest) -> HttpResponse:
    """Show the files of the territory acted for, or export them as they are shown."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    files = files_of(request.user, mandate)
    views = views_of(mandate, timezone.localdate(now))
    fields = Fields(mandate)
    address = read_address(request.GET, mandate, views, fields)
    shown = address.filter(files, views)
    found = address.ordered(files.filter(shown))
    match request.GET.get("export"):
        case "csv":
            rows = rows_of(_detailed(found, address, mandate), mandate, now, fields=address.chosen)
            dialect = request.GET.get("dialecte", "")
            return export_csv(rows, address, on=timezone.localdate(now), dialect=dialect)
        case "xlsx":
            rows = rows_of(_detailed(found, address, mandate), mandate, now, fields=address.chosen)
            return export_xlsx(rows, address, on=timezone.localdate(now))

    saved = list(saved_views_of(request.user))
    addresses = {row.pk: read_query(row.query, mandate, views, fields) for row in saved}
    counted = {
        CALLING: calling_for_an_act(views),
        FIELDS: ("", any_field(mandate)),
        **views,
        **{f"own-{row.pk}": (row.name, addresses[row.pk].filter(files, views)) for row in saved},
    }
    # The whole list is sorted by its keys alone; what the lines show is read for those of the page. A list is counted
    # with the views, in the same query; but a search, which is what costs, is made once and its keys are counted.
    keys = found.values_list("pk", flat=True)
    if "q" in address.kept:
        counts = counts_of(files, counted)
        paginator = Paginator(list(keys), PAGE)
    else:
        counts = counts_of(files, {**counted, SHOWN: ("", shown)})
        paginator = Paginator(keys, PAGE)
        paginator.count = counts[SHOWN]
    request.to_do = counts[CALLING]  # type: ignore[attr-defined]
    page = paginator.get_page(request.GET.get("page"))
    listed = list(page.object_list)
    by_key = {row.pk: row for row in _detailed(files.filter(pk__in=listed), address, mandate)}
    named = next((row for row in saved if addresses[row.pk].pairs == address.pairs), None)
    options = _options(files, mandate, address)
    filters = field_filters(QueryDict(address.query), fields) if counts[FIELDS] else None
    context = {
        "form": WorkListForm(initial=dict(address.kept)),
        "search_dropped": WorkListForm(request.GET).search_dropped(),
        "insider": is_insider(mandate),
        "address": address,
        "views": _views(views, counts, address.view if named is None else ""),
        "own_views": [
            {"row": row, "count": counts[f"own-{row.pk}"], "url": addresses[row.pk].url(), "current": row == named}
            for row in saved
        ],
        "view_label": named.name if named else views[address.view][0],
        "everything": address.view == EVERYTHING,
        "by_deadline": address.sort == DEFAULT_SORT,
        "columns": _columns(address),
        "choices": [(name, label, name in address.columns) for name, label in COLUMNS.items() if name != ALWAYS],
        "field_choices": [(field.word, name, field.word in address.columns) for field, name in filters.named]
        if filters
        else [],
        "cells": {name: name in address.columns for name in COLUMNS},
        "page": page,
        "rows": rows_of([by_key[key] for key in listed if key in by_key], mandate, now, fields=address.chosen),
        "follow": f"?{urlencode({FOLLOWED: address.query})}",
        "options": options,
        "filters": filters,
        "filtered": filters.kept() if filters else {},
        "chips": _chips(address, options, filters),
        "bare": f"?{urlencode({'vue': address.view})}",
        "csv": address.url(export="csv"),
        "excel": address.url(export="csv", dialecte=EXCEL),
        "xlsx": address.url(export="xlsx"),
        "previous": address.url(page=page.number - 1),
        "next": address.url(page=page.number + 1),
        "acts": _acts(mandate, fields=bool(filters)),
    }
    return render(request, "labelling/review/work_list.html", context)


BULK_LABELS: Mapping[BulkAction, str] = {
    BulkAction.ASSIGN: "Affecter",
    BulkAction.SHARE: "Partager",
    BulkAction.ENDORSE: "Endosser",
    BulkAction.PROPOSE: "Présenter à la signature",
    BulkAction.ASK: "Demander un avis",
    BulkAction.TAG: "Étiqueter",
    BulkAction.FILL: "Renseigner",
}
"""The acts of the bar; a tag is taken off from the page on which it is put."""


def _acts(mandate: Mandate, *, fields: bool) -> Options:
    """Return the acts of the bar; one on internal fields only where there are ``fields``."""
    if not may_instruct(mandate):
        return []
    return [(action.value, label) for action, label in BULK_LABELS.items() if fields or action != BulkAction.FILL]


def may_instruct(mandate: Mandate | None) -> bool:
    """Tell whether a mandate is one of instruction."""
    return mandate is not None and mandate.role == Role.AGENT and mandate.capacity is not None


def _detailed(files: QuerySet[Application], address: Address, mandate: Mandate) -> QuerySet[Application]:
    """Load what the chosen columns show, and no more."""
    files = with_details(files.defer("answers"))
    if "epci" in address.columns:
        files = with_epci(files)
    if "vague" in address.columns:
        files = files.select_related("wave")
    if "avis" in address.columns and is_insider(mandate):
        files = with_opinion_counts(files)
    if "etiquettes" in address.columns:
        files = with_tags(files, mandate)
    if address.chosen:
        files = with_values(files, address.chosen, mandate)
    if may_instruct(mandate):
        files = with_news(files, mandate, at=timezone.now())
    return files


def _views(views: Mapping[str, View], counts: Mapping[str, int], current: str) -> list[dict[str, Any]]:
    """Return the views of the bar, the whole list first: it stays in sight where the bar is longer than the screen."""
    return [
        {
            "key": key,
            "label": IN_BRIEF.get(key, views[key][0]),
            "count": counts[key],
            "current": key == current,
            "beside": not (counts[key] or key in {current, EVERYTHING}),
        }
        for key in [EVERYTHING, *(key for key in views if key != EVERYTHING)]
    ]


def _columns(address: Address) -> list[dict[str, str]]:
    columns = []
    for name in address.columns:
        if name in BESIDE:
            continue
        label = COLUMNS[name] if name in COLUMNS else address.fields.names[address.fields.by_word[name]]
        column = {"name": name, "label": label, "url": "", "sorted": ""}
        if name in SORTS or name not in COLUMNS:
            column["url"] = address.url(tri=f"-{name}" if address.sort == name else name)
            column["sorted"] = {name: "ascending", f"-{name}": "descending"}.get(address.sort, "")
        columns.append(column)
    return columns


def _options(files: QuerySet[Application], mandate: Mandate, address: Address) -> dict[str, Options]:
    """Return what each filter may be: only what exists in the territory; EPCIs once it is not the whole country."""
    here = files.filter(departement=address.kept["dep"]) if "dep" in address.kept else files
    local = mandate.departement_id or mandate.region_id or "dep" in address.kept
    reviewers = reviewers_of(files, mandate, timezone.localdate()) if is_insider(mandate) else ()
    people = [(str(row.pk), "moi" if row.pk == mandate.user_id else row.full_name) for row in reviewers]
    return {
        "dep": [(row.pk, str(row)) for row in _departements(mandate)],
        "epci": _epcis(here, address) if local else [],
        "vague": [(str(row.number), f"{row.number}. {row.name}") for row in Wave.objects.order_by("number")],
        "agent": [(NOBODY, "Personne encore"), *people],
        "etiquette": [(str(tag.pk), tag.name) for tag in Tag.objects.offered_to(mandate)],
    }


def _epcis(files: QuerySet[Application], address: Address) -> Options:
    """Return the EPCIs of these files; the one that the address asks for is named even when no file is there."""
    found = [(row.pk, row.name) for row in epcis_of(files)]
    asked = address.kept.get("epci", "")
    named = Epci.objects.filter(pk=asked) if asked and asked not in dict(found) else ()
    return [*found, *((row.pk, row.name) for row in named)]


def _departements(mandate: Mandate) -> list[Departement]:
    """The départements to choose between, when the territory has several."""
    if mandate.departement_id:
        return []
    rows = Departement.objects.in_order().defer("outline", "inset_outline")
    found = list(rows.filter(region=mandate.region_id) if mandate.region_id else rows)
    return found if len(found) > 1 else []


def _chips(
    address: Address, options: Mapping[str, Iterable[tuple[str, str]]], filters: FieldFilterForm | None
) -> list[dict[str, str]]:
    """The filters set, each with the address of the list without it."""
    words: dict[str, dict[str, str]] = {name: dict(found) for name, found in options.items()}
    words["nouveau"] = {kind.value: f"nouveau : {kind.label}" for kind in NewsKind}
    words["parmi"] = dict(NewsScope.choices)
    words |= {"etat": dict(State.choices), "type": dict(StructureKind.choices), "voie": dict(Route.choices)}
    words["etat"][UNDER_WAY] = "déposé, en instruction ou désaccord"
    words["agent"] = {key: f"instruit par {name}" for key, name in words["agent"].items()} | {NOBODY: "sans agent"}
    words["q"] = {value: f"«\u00a0{value}\u00a0»" for name, value in address.kept.items() if name == "q"}
    words |= {word: {value: filters.chip(word)} for word, value in filters.kept().items()} if filters else {}
    return [
        {"label": str(words.get(name, {}).get(value, value)), "url": address.url(without=name)}
        for name, value in address.kept.items()
    ]


# Views that a person names -------------------------------------------------------------------------------------------


def agents_only(request: HttpRequest) -> Mandate:
    """Return the mandate of instruction that a person acts with: 404 to who acts for no authority, 403 to the others."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise Http404
    if not may_instruct(mandate):
        raise PermissionDenied("Cette page est réservée aux agents qui instruisent, à l’ARS et à la préfecture.")
    return mandate


@require_POST
def saved_view_add(request: HttpRequest) -> HttpResponse:
    """Keep the list as it is shown under a name."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise Http404
    form = SavedViewForm(request.POST)
    views: dict[str, View] = views_of(mandate, timezone.localdate())
    address = read_query(request.POST.get("query", ""), mandate, views)
    if not form.is_valid():
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
    else:
        try:
            row = save_view(mandate=mandate, name=form.cleaned_data["name"], query=address.query)
        except RefusedError as refusal:
            messages.error(request, typeset(str(refusal)))
        else:
            messages.success(
                request, typeset(f"Vue « {row.name} » enregistrée : elle est parmi les vues, avec son nombre.")
            )
    return redirect(f"{reverse('applications')}{address.url()}")


@require_POST
def saved_view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a view of one's own."""
    row: SavedView = get_object_or_404(saved_views_of(request.user), pk=pk)
    row.delete()
    messages.success(request, typeset(f"Vue « {row.name} » supprimée. Les dossiers n’ont pas changé."))
    return redirect("applications")
