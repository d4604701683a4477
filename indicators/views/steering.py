"""Steering: the table of départements for whoever has a mandate, and the page of one département."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from funding.models import Envelope
from indicators.choices import EditionState
from indicators.models import Edition
from indicators.rules.steering import STAGES
from indicators.services.network import public_labels
from indicators.services.steering import (
    IN_PROGRESS,
    SteeringRow,
    current_wave,
    open_files,
    paths_of,
    quota_of,
    routes_of,
    steering_rows,
    totals_by_region,
)
from labelling.choices import ApplicationState, Route
from labelling.models import Application
from labelling.services.reviews import is_insider
from labelling.services.shares import pace_of_wave
from labelling.services.worklist import files_of
from territories.choices import Role
from territories.models import Departement, Mandate


@dataclass(frozen=True, slots=True)
class View:
    """A view of the table, named by what to do."""

    label: str
    holds: Callable[[SteeringRow], bool]


VIEWS = {
    "plancher": View("Sous le plancher", lambda row: row.below_floor > 0),
    "signature": View("Signature de plus de 15\u00a0j", lambda row: row.late_signature),
    "silence": View("Silence sous 15\u00a0j", lambda row: row.soon > 0),
    "sans-dossier": View("Aucun dossier en cours", lambda row: row.in_progress == 0),
    "tous": View("Tous", lambda _row: True),
}
SORTS: dict[str, tuple[str, Callable[[SteeringRow], Any]]] = {
    "code": ("Département", lambda row: row.departement.sort_key),
    "ecart": ("Labels, cible (plancher)", lambda row: (-row.below_floor, -row.below_target)),
    "deposes": ("Déposés", lambda row: -row.files[ApplicationState.SUBMITTED]),
    "instruction": ("En instruction", lambda row: -row.files[ApplicationState.UNDER_REVIEW]),
    "signature": ("À la signature", lambda row: -row.files[ApplicationState.AWAITING_SIGNATURES]),
    "desaccord": ("Désaccord", lambda row: -row.files[ApplicationState.DISAGREEMENT]),
    "attente": ("Où ça attend", lambda row: -(row.bottleneck.days if row.bottleneck else 0)),
    "nouveaux": ("Crédits nouveaux", lambda row: -row.new.committed),
    "reaffectes": ("Crédits réaffectés", lambda row: -row.reallocated.committed),
}
WORDED = ("code", "ecart", "attente")
"""Columns that hold words, or more than a number."""
DEFAULT_VIEW, DEFAULT_SORT = "tous", "ecart"


def acting_mandate(request: HttpRequest) -> Mandate:
    """Return the mandate the reader acts with.

    Raises:
        PermissionDenied: steering is for agents, observers and the national team.
    """
    if request.mandate is None:
        raise PermissionDenied(
            "Le pilotage est ouvert aux agents et aux observateurs habilités. Les chiffres publics sont sur la page "
            "« Territoires »."
        )
    found: Mandate = request.mandate
    return found


def departements_acted_for(mandate: Mandate) -> QuerySet[Departement]:
    """Return the départements of the territory a mandate acts for."""
    rows = Departement.objects.in_order().select_related("region").defer("outline", "inset_outline")
    if mandate.departement_id:
        return rows.filter(pk=mandate.departement_id)
    return rows.filter(region=mandate.region_id) if mandate.region_id else rows


@require_safe
def steering(request: HttpRequest) -> HttpResponse:
    """Show the départements of the territory acted for, by gap to the floor, then to the target."""
    mandate = acting_mandate(request)
    today = timezone.localdate()
    rows = steering_rows(
        departements=departements_acted_for(mandate),
        files=files_of(request.user, mandate),
        envelopes=Envelope.objects.for_user(request.user),
        on=today,
    )
    view, sort = request.GET.get("vue", ""), request.GET.get("tri", "")
    view = view if view in VIEWS else DEFAULT_VIEW
    sort = sort if sort in SORTS else DEFAULT_SORT
    shown = [row for row in rows if VIEWS[view].holds(row)]
    shown.sort(key=lambda row: (SORTS[sort][1](row), row.departement.sort_key))
    if request.GET.get("export") == "csv":
        return _csv(shown, today)
    national = mandate.role == Role.NATIONAL
    return render(
        request,
        "indicators/steering.html",
        {
            "today": today,
            "rows": shown,
            "total": len(rows),
            "routes": routes_of(rows),
            "below_floor": sum(row.below_floor > 0 for row in rows),
            "unsigned": sum(row.below_floor > 0 and row.awaits_signature for row in rows),
            "views": [
                (name, one.label, sum(one.holds(row) for row in rows), name == view) for name, one in VIEWS.items()
            ],
            "worded": WORDED,
            "columns": [(name, label, name == sort) for name, (label, _) in SORTS.items()],
            "view": view,
            "sort": sort,
            "regions": totals_by_region(shown),
            "export": f"?{urlencode({'vue': view, 'tri': sort, 'export': 'csv'})}",
            "drafts": Edition.objects.filter(state__in=[EditionState.DRAFT, EditionState.CHECKED]).order_by("-quarter")
            if national
            else [],
        },
    )


@require_safe
def departement(request: HttpRequest, code: str) -> HttpResponse:
    """Show one département of the territory acted for."""
    mandate = acting_mandate(request)
    found = departements_acted_for(mandate).filter(pk=code).first()
    if found is None:
        raise Http404
    today = timezone.localdate()
    files = files_of(request.user, mandate).filter(departement=found)
    row = steering_rows(departements=[found], files=files, envelopes=Envelope.objects.for_user(request.user), on=today)[
        0
    ]
    wave = current_wave(today)
    quota = quota_of(found, wave)
    waiting = open_files(files, on=today)
    oldest = sorted(waiting, key=lambda file: file.facts.since)
    paths = paths_of(files, wave) if wave else {}
    return render(
        request,
        "indicators/steering_departement.html",
        {
            "departement": found,
            "today": today,
            "row": row,
            "quota": quota,
            "bar": wave_bar(quota, [file for file in waiting if quota and file.wave == quota.wave_id])
            if quota
            else None,
            "pace": pace_of_wave(wave, [found], on=today) if wave else None,
            "paths": [(Route(route), path) for route, path in paths.items()],
            "received": sum(path.received for path in paths.values()),
            "may_list": is_insider(mandate),
            "wave": wave,
            "groups": [
                (stage, [(file, (today - file.facts.since).days) for file in oldest if stage in file.stages])
                for stage in STAGES
                if any(stage in file.stages for file in waiting)
            ],
            "few": FEW,
            "to_notify": Application.objects.filter(
                pk__in=files.filter(state=ApplicationState.LABELLED).values("pk"), label__notified_at__isnull=True
            ).count(),
            "labels": public_labels(today).filter(departement=found).count(),
        },
    )


FEW = 12
"""Files under which all the stages are unfolded; beyond, the one that holds most."""
BAR_WIDTH = 600


def wave_bar(quota: Any, files: Iterable[Any]) -> dict[str, Any]:
    """Return the bar of a wave in SVG units: labelled, reserved, in progress, against floor, target and ceiling."""
    in_progress = sum(
        file.state in IN_PROGRESS and file.state != ApplicationState.AWAITING_SIGNATURES for file in files
    )
    parts = [("done", quota.used), ("reserved", quota.reserved), ("open", in_progress)]
    marks = [("plancher", quota.floor), ("cible", quota.target), ("plafond", quota.ceiling)]
    whole = max(sum(count for _, count in parts), *(value or 0 for _, value in marks), 1)
    unit = BAR_WIDTH / whole
    x, drawn = 0.0, []
    for name, count in parts:
        drawn.append({"name": name, "x": round(x), "width": round(count * unit), "count": count})
        x += count * unit
    return {
        "parts": [part for part in drawn if part["count"]],
        "marks": [
            {"label": f"{label} {value}", "x": round(value * unit), "level": level}
            for level, (label, value) in enumerate(marks)
            if value
        ],
        "used": quota.used,
        "reserved": quota.reserved,
        "in_progress": in_progress,
        "width": BAR_WIDTH,
    }


def _csv(rows: Iterable[SteeringRow], today: date) -> HttpResponse:
    """Return exactly the rows shown, in their order, for a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="pilotage-{today.isoformat()}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response, delimiter=";")
    writer.writerow(
        "Code|Département|Région|Labels|dont candidature|dont voie accélérée|Plancher|Cible|"
        "Déposés|En instruction|À la signature|Désaccord|Où ça attend|"
        "Dossiers|Jours (médiane)|Crédits nouveaux engagés|Crédits nouveaux, plafond|Crédits réaffectés engagés|"
        "Crédits réaffectés, plafond".split("|")
    )
    for row in rows:
        waits = row.bottleneck
        writer.writerow(
            [
                row.departement.code,
                row.departement.name,
                row.departement.region.name,
                row.labels,
                *(row.routes[route] for route in Route),
                *((row.floor, row.target) if row.target else ("ND", "ND")),
                *(row.files[state] for state in IN_PROGRESS),
                *((waits.stage.label, waits.files, waits.median_days) if waits else ("aucun dossier en cours", 0, "")),
                *(
                    str(amount).replace(".", ",")
                    for origin in (row.new, row.reallocated)
                    for amount in (origin.committed, origin.ceiling)
                ),
            ]
        )
    return response
