"""The agents' work list: views named by what to do, filters held by the address, the export of what is shown."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from francesante.lib.french import short_date
from francesante.lib.text import sort_key
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, StructureKind, Verdict
from labelling.forms.review import WorkListForm
from labelling.models import Application, Criterion, CriterionAssessment
from labelling.rules.badges import DECIDED, OPEN, Badge, badge, facts_of
from labelling.rules.clock import clock_sentence, local_day
from labelling.services.reviews import is_insider
from territories.choices import Capacity, Role
from territories.models import Departement, Mandate

PAGE = 50
UNDISCLOSED = Badge("info", "Décision en cours", "La décision se lira ici après sa notification à la structure.")
SOON = timedelta(days=15)
INSTRUCTION = [State.UNDER_REVIEW, State.DISAGREEMENT]
SHORT_KINDS = {
    StructureKind.MSP: "MSP",
    StructureKind.CDS: "CDS",
    StructureKind.CABINET: "Cabinet",
    StructureKind.HOSPITAL: "Hôpital",
    StructureKind.MOBILE: "Médicobus",
    StructureKind.OTHER: "Autre",
}
COLUMNS = {
    "dossier": "Dossier",
    "structure": "Structure",
    "type": "Type",
    "etat": "État",
    "ars": "ARS",
    "prefecture": "Préfecture",
    "echeance": "Échéance",
    "instruit": "Instruit par",
}
SORTS: Mapping[str, tuple[str, ...]] = {
    "dossier": ("number",),
    "structure": ("structure__sort_key",),
    "type": ("structure__kind", "structure__sort_key"),
    "etat": ("stage", "silence_date"),
    "echeance": ("decided", "silence_date"),
    "instruit": ("assigned_to__user__last_name", "assigned_to__user__first_name"),
}
DEFAULT_SORT = "echeance"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, in the reader's words."""

    application: Application
    badge: Badge
    clock: str
    days: str
    ars: str
    prefecture: str

    @property
    def kind(self) -> str:
        """The type of structure in one word."""
        return SHORT_KINDS[StructureKind(self.application.structure.kind)]

    @property
    def reviewer(self) -> str:
        """Who took the file up."""
        return self.application.assigned_to.user.full_name if self.application.assigned_to else "–"


# Scope and views ---------------------------------------------------------------------------------------------------


def files_of(user: Any, mandate: Mandate) -> QuerySet[Application]:
    """Return the submitted files that a person may read, on the territory they act for."""
    files = Application.objects.for_user(user).exclude(state=State.DRAFT)
    if mandate.departement_id:
        return files.filter(departement=mandate.departement_id)
    if mandate.region_id:
        return files.filter(departement__region=mandate.region_id)
    return files


def with_details(files: QuerySet[Application]) -> QuerySet[Application]:
    """Load with each file all that its line shows, in a constant number of queries."""
    return (
        files.select_related(
            "structure__commune", "departement", "assigned_to__user", "decision", "label", "specification"
        )
        .defer("decision__content", "decision__pdf")
        .prefetch_related("assessments", "decision__signatures", "decision__notifications")
        .annotate(asked=_asked())
    )


def _asked() -> Coalesce:
    criteria = Criterion.objects.filter(specification=OuterRef("specification"), kind=CriterionKind.CRITERION)
    return _count(criteria, by="specification")


def _clear() -> Coalesce:
    """Criteria on which the lead said something other than « à préciser »."""
    said = CriterionAssessment.objects.filter(application=OuterRef("pk"), capacity=OuterRef("lead"))
    return _count(said.exclude(verdict=Verdict.TO_CLARIFY), by="application")


def _count(rows: QuerySet[Any], *, by: str) -> Coalesce:
    return Coalesce(Subquery(rows.order_by().values(by).annotate(n=Count("pk")).values("n")), 0)


def views_of(mandate: Mandate, today: date) -> dict[str, tuple[str, Q]]:
    """Return the views a mandate has, by their name in the address: label and filter."""
    shared = {
        "a-commencer": ("À commencer", Q(state=State.SUBMITTED)),
    }
    own: dict[str, tuple[str, Q]] = {}
    if mandate.role == Role.AGENT and mandate.capacity:
        mine = Q(lead=mandate.capacity)
        review = Q(state=State.UNDER_REVIEW)
        own = {
            "a-moi": ("À moi", Q(assigned_to__user=mandate.user_id, state__in=INSTRUCTION)),
            "a-partager": (
                "À partager",
                review & mine & Q(shared_at__isnull=True, clear__gte=F("asked")),
            ),
            "a-endosser": ("À endosser", review & ~mine & Q(shared_at__isnull=False, endorsed_at__isnull=True)),
            "a-presenter": ("À présenter", review & mine & Q(endorsed_at__isnull=False)),
        }
    return {
        **own,
        **shared,
        "a-signer": ("À la signature", Q(state=State.AWAITING_SIGNATURES)),
        "bientot": ("Échéance sous 15\u00a0j", Q(state__in=list(OPEN), silence_date__lte=today + SOON)),
        "tous": ("Tous", Q()),
    }


def counts_of(files: QuerySet[Application], views: Mapping[str, tuple[str, Q]]) -> dict[str, int]:
    """Return how many files each view of :func:`views_of` holds, in one query."""
    counting = files.annotate(asked=_asked(), clear=_clear()) if "a-partager" in views else files
    counts = counting.aggregate(**{key.replace("-", "_"): Count("pk", filter=q) for key, (_, q) in views.items()})
    return {key: counts[key.replace("-", "_")] for key in views}


def search(files: QuerySet[Application], text: str) -> QuerySet[Application]:
    """Return the files that a text may mean: number or FINESS exact first, else words of the name or commune."""
    compact = re.sub(r"\s", "", text).upper()
    exact = files.filter(Q(number__iexact=compact) | Q(structure__finess=compact))
    if exact.exists():
        return exact
    key = sort_key(text)
    if not key:
        return files.none()
    words = Q()
    for word in key.split():
        words &= Q(structure__sort_key__contains=word) | Q(structure__commune__sort_key__contains=word)
    similar = Q(structure__sort_key__trigram_word_similar=key) | Q(
        structure__commune__sort_key__trigram_word_similar=key
    )
    return files.filter(words | similar | Q(number__icontains=compact))


def ordered(files: QuerySet[Application], sort: str) -> QuerySet[Application]:
    """Return the files in the order of a column (``-`` before its name: backwards), then by key."""
    backwards, name = sort.startswith("-"), sort.removeprefix("-")
    stages = [When(state=state, then=Value(rank)) for rank, state in enumerate(State)]
    files = files.annotate(
        decided=Case(When(state__in=list(OPEN), then=Value(0)), default=Value(1), output_field=IntegerField()),
        stage=Case(*stages, default=Value(len(stages)), output_field=IntegerField()),
    )
    keys = [
        F(key).desc(nulls_last=True) if backwards and key != "decided" else F(key).asc(nulls_last=True)
        for key in SORTS[name]
    ]
    return files.order_by(*keys, "pk")


# Lines --------------------------------------------------------------------------------------------------------------


def rows_of(files: Iterable[Application], mandate: Mandate, now: datetime) -> list[Row]:
    """Return the lines of files loaded by :func:`with_details`, as a mandate reads them."""
    return [_row(application, mandate, now) for application in files]


def _row(application: Application, mandate: Mandate, now: datetime) -> Row:
    today = local_day(now, application.departement.timezone)
    clock, days = "", "–"
    if application.state in OPEN and application.silence_date:
        clock = clock_sentence(application.silence_date, today)
        days = clock.partition(" · ")[0]
    words = _progress(application, mandate)
    return Row(
        application, agent_badge(application, mandate, now), clock, days, words[Capacity.ARS], words[Capacity.PREFET]
    )


def agent_badge(application: Application, mandate: Mandate, now: datetime) -> Badge:
    """Return the badge of a file loaded by :func:`with_details`, for the reader of a mandate."""
    decision, zone = application.decision, application.departement.timezone
    said = [row for row in application.assessments.all() if row.capacity == application.lead]
    more: dict[str, Any] = {"to_assess": application.asked - len(said)}  # type: ignore[attr-defined]
    if decision is not None:
        signatures = decision.signatures.all()
        signed = {signature.capacity for signature in signatures}
        missing = tuple(capacity for capacity in decision.required if capacity not in signed)
        notifications = decision.notifications.all()
        notified = [row.notified_at for row in notifications if row.notified_at]
        available = [row.sent_at for row in notifications]
        more |= {
            "missing_capacities": missing,
            "signing_since": local_day(decision.proposed_at, zone),
            "may_sign": mandate.capacity in missing
            and mandate.covers(application.departement)
            and mandate.may_sign(now)
            and mandate.user_id not in {signature.user_id for signature in signatures},
            "available_on": local_day(min(available), zone) if available else None,
            "notified_on": local_day(min(notified), zone) if notified else None,
        }
    if application.state == State.LABELLED and hasattr(application, "label"):
        valid = application.label.valid
        more |= {"label_from": valid.lower, "label_until": valid.upper - timedelta(days=1) if valid.upper else None}
    facts = facts_of(application, today=local_day(now, zone), **more)
    if application.state in DECIDED and facts.notified_on is None and not is_insider(mandate):
        return UNDISCLOSED
    return badge(facts, mandate.hat)


def _progress(application: Application, mandate: Mandate) -> dict[str, str]:
    """Say in a word where each authority is, without telling what is not shared yet."""
    lead = Capacity(application.lead)
    other = Capacity.PREFET if lead == Capacity.ARS else Capacity.ARS
    if application.state == State.SUBMITTED:
        return {lead: "–", other: "–"}
    said = {(row.criterion_id, row.capacity): row.verdict for row in application.assessments.all()}
    if not is_insider(mandate):
        return {lead: "–", other: "–"}
    readable = application.shared_at is not None or (mandate.role == Role.AGENT and mandate.capacity == lead)
    clear = sum(capacity == lead and verdict != Verdict.TO_CLARIFY for (_, capacity), verdict in said.items())
    words = {lead: f"{clear}/{application.asked}" if readable else "en cours", other: "–"}  # type: ignore[attr-defined]
    if application.shared_at is None:
        return words
    differences = sum(
        capacity == other and said.get((criterion, lead)) != verdict for (criterion, capacity), verdict in said.items()
    )
    if differences:
        words[other] = f"diffère ({differences})"
    else:
        words[other] = "endossé" if application.endorsed_at else "à endosser"
    return words


# The page -----------------------------------------------------------------------------------------------------------


def work_list(request: HttpRequest) -> HttpResponse:
    """Show the files of the territory acted for, or export them as they are shown."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    today = timezone.localdate(now)
    files = files_of(request.user, mandate)
    views = views_of(mandate, today)
    counts = counts_of(files, views)

    form = WorkListForm(request.GET)
    kept = form.kept()
    if not is_insider(mandate):
        # Filtering by state would tell the sense of a decision before its notification.
        kept.pop("etat", None)
    view = request.GET.get("vue", "")
    view = view if view in views else "tous"
    sort = request.GET.get("tri", "")
    sort = sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT
    address = {"vue": view, "tri": sort, **kept}

    found = files.annotate(clear=_clear()) if view == "a-partager" else files
    found = ordered(_filtered(with_details(found).defer("answers").filter(views[view][1]), kept), sort)
    if request.GET.get("export") == "csv":
        return _csv(rows_of(found, mandate, now), today)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "insider": is_insider(mandate),
        "address": address,
        "views": [
            {"key": key, "label": label, "count": counts[key], "current": key == view}
            for key, (label, _) in views.items()
        ],
        "view_label": views[view][0],
        "columns": _columns(address),
        "page": page,
        "rows": rows_of(page.object_list, mandate, now),
        "departements": _departements(mandate),
        "chips": _chips(address, kept),
        "hidden": {"vue": view, "tri": sort},
        "export": f"?{urlencode({**address, 'export': 'csv'})}",
        "previous": f"?{urlencode({**address, 'page': page.number - 1})}",
        "next": f"?{urlencode({**address, 'page': page.number + 1})}",
    }
    return render(request, "labelling/review/work_list.html", context)


def _filtered(files: QuerySet[Application], kept: Mapping[str, str]) -> QuerySet[Application]:
    if state := kept.get("etat"):
        files = files.filter(state=state)
    if kind := kept.get("type"):
        files = files.filter(structure__kind=kind)
    if departement := kept.get("dep"):
        files = files.filter(departement=departement)
    if text := kept.get("q"):
        files = search(files, text)
    return files


def _columns(address: Mapping[str, str]) -> list[dict[str, str]]:
    sort = address["tri"]
    columns = []
    for name, label in COLUMNS.items():
        column = {"name": name, "label": label, "url": "", "sorted": ""}
        if name in SORTS:
            column["url"] = f"?{urlencode({**address, 'tri': f'-{name}' if sort == name else name})}"
            column["sorted"] = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
        columns.append(column)
    return columns


def _departements(mandate: Mandate) -> list[Departement]:
    """The départements to choose between, when the territory has several."""
    if mandate.departement_id:
        return []
    rows = Departement.objects.in_order()
    found = list(rows.filter(region=mandate.region_id) if mandate.region_id else rows)
    return found if len(found) > 1 else []


def _chips(address: Mapping[str, str], kept: Mapping[str, str]) -> list[dict[str, str]]:
    """The filters set, each with the address of the list without it."""
    words = {"etat": dict(State.choices), "type": dict(StructureKind.choices)}
    return [
        {
            "label": str(words.get(name, {}).get(value, f"«\u00a0{value}\u00a0»" if name == "q" else value)),
            "url": f"?{urlencode({key: kept_value for key, kept_value in address.items() if key != name})}",
        }
        for name, value in kept.items()
    ]


def _csv(rows: list[Row], today: date) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="dossiers-{today.isoformat()}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response, delimiter=";")
    writer.writerow(
        "Dossier|Structure|FINESS|Commune|Code commune|Département|Type|État|Suite|ARS|Préfecture|Rejet implicite le|Reçu le|"
        "Instruit par".split("|")
    )
    for row in rows:
        application, structure = row.application, row.application.structure
        writer.writerow(
            _text(value)
            for value in (
                application.number,
                structure.name,
                structure.finess or "",
                structure.commune.name,
                structure.commune_id,
                application.departement_id,
                structure.get_kind_display(),
                row.badge.label,
                row.badge.next_step,
                row.ars,
                row.prefecture,
                short_date(application.silence_date) if row.clock else "",
                short_date(application.submitted_at),
                row.reviewer,
            )
        )
    return response


def _text(value: str) -> str:
    """Return a cell that a spreadsheet takes for a text, never for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" and value != "–" else value
