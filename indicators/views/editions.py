"""The quarterly indicators: the last published edition, the editions and their files, and what the national team does."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from francesante.lib.workflow import RefusedError, allows
from indicators.choices import EditionState, Level
from indicators.models import Edition, EditionFile, Indicator
from indicators.rules.measures import NATION, PUBLIC_INPUTS
from indicators.rules.quarters import quarter_end
from indicators.services.editions import (
    Value,
    check_edition,
    checks_of,
    compute_edition,
    last_published,
    previous_published,
    publish_edition,
    values_of,
)
from indicators.workflow import TRANSITIONS
from territories.choices import Role
from territories.models import Departement, Region

PUBLIC = (EditionState.PUBLISHED, EditionState.SUPERSEDED)


def _is_national(request: HttpRequest) -> bool:
    return request.mandate is not None and request.mandate.role == Role.NATIONAL


def _visible(request: HttpRequest) -> Any:
    """Return the editions a reader may know of: drafts belong to the national team."""
    editions = Edition.objects.order_by("-quarter", "-revision")
    return editions if _is_national(request) else editions.filter(state__in=PUBLIC)


@login_not_required
@require_safe
def indicators(request: HttpRequest) -> HttpResponse:
    """Show the last published edition, the method, and every edition with its files."""
    latest = last_published()
    return render(
        request,
        "indicators/indicators.html",
        {
            "edition": latest,
            "indicators": Indicator.objects.order_by("position"),
            "tables": _tables(latest) if latest else [],
            "editions": _visible(request).prefetch_related("files"),
        },
    )


def _tables(edition: Edition) -> list[dict[str, Any]]:
    """Return the tables of an edition: the nation and régions, then the départements, one column per indicator."""
    values = values_of(edition)
    columns = list(Indicator.objects.filter(code__in=values).order_by("position"))

    def row(name: str, level: Level, code: str, link: str) -> dict[str, Any]:
        cells = [(column, values[column.code].get((level, code))) for column in columns]
        return {"name": name, "code": code, "link": link, "cells": cells}

    regions = [
        row(region.name, Level.REGION, region.code, f"region-{region.code}")
        for region in Region.objects.order_by("sort_key")
    ]
    departements = Departement.objects.in_order().defer("outline", "inset_outline")
    return [
        {
            "caption": "France et régions",
            "columns": columns,
            "rows": [row("France", Level.NATION, NATION, ""), *regions],
        },
        {
            "caption": "Départements",
            "columns": columns,
            "rows": [row(one.name, Level.DEPARTEMENT, one.code, one.code) for one in departements],
        },
    ]


@login_not_required
@require_safe
def edition(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one edition: its files and hashes, and what differs from the edition before."""
    found = get_object_or_404(_visible(request), pk=pk)
    previous = _compared_with(found)
    national = _is_national(request)
    return render(
        request,
        "indicators/edition.html",
        {
            "edition": found,
            "files": [
                {"file": file, "size": len(bytes(file.content)), "open": national or _is_public(file)}
                for file in found.files.order_by("is_input", "name")
            ],
            "previous": previous,
            "differences": _differences(found, previous) if previous else [],
            "checks": checks_of(found) if national else [],
            "acts": _acts(found) if national else [],
        },
    )


def _compared_with(edition: Edition) -> Edition | None:
    """Return the version that a correction replaces, else the edition of the quarter before."""
    replaced = Edition.objects.filter(quarter=edition.quarter, revision=edition.revision - 1).first()
    return replaced or previous_published(edition)


def _differences(edition: Edition, previous: Edition) -> list[dict[str, Any]]:
    """Return, for the nation and by indicator, the value now, the value before, and how many départements differ."""
    now, before = values_of(edition), values_of(previous)
    rows = []
    for indicator in Indicator.objects.filter(code__in=now).order_by("position"):
        values, old = now[indicator.code], before.get(indicator.code, {})
        changed = [
            code
            for (level, code), value in values.items()
            if level == Level.DEPARTEMENT and old.get((level, code)) != value
        ]
        nation: Value = values[Level.NATION, NATION]
        earlier = old.get((Level.NATION, NATION))
        rows.append({"indicator": indicator, "now": nation, "before": earlier, "changed": len(changed)})
    return rows


def _acts(edition: Edition) -> list[tuple[str, str]]:
    """Return the acts that the national team may do now, the primary one first."""
    labels = {"publish": "Publier cette édition", "check": "Vérifier cette édition", "compute": "Recalculer"}
    over = edition.as_of == quarter_end(edition.quarter) < timezone.localdate()
    return [
        (action, label)
        for action, label in labels.items()
        if allows(TRANSITIONS, action, state=edition.state, hat="national") and (over or action == "compute")
    ]


def _is_public(file: EditionFile) -> bool:
    return not file.is_input or file.name in PUBLIC_INPUTS


@login_not_required
@require_safe
def edition_file(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Give a file of an edition, byte for byte; inputs on files and amounts are for the national team."""
    found = get_object_or_404(EditionFile, edition__in=_visible(request), edition=pk, name=name)
    if not _is_public(found) and not _is_national(request):
        raise Http404
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/x-ndjson"
    response = HttpResponse(bytes(found.content), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    response["ETag"] = f'"{found.sha256}"'
    return response


@require_POST
def edition_act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Compute, check or publish an edition, for the national team."""
    if not _is_national(request):
        raise PermissionDenied("Seule l’équipe nationale calcule, vérifie et publie les éditions.")
    found = get_object_or_404(Edition, pk=pk)
    acts = {"compute": _compute, "check": _check, "publish": _publish}
    if action not in acts:
        raise Http404
    try:
        messages.success(request, acts[action](request, found))
    except RefusedError as error:
        messages.error(request, str(error))
    return redirect("edition", pk)


def _version(request: HttpRequest) -> int | None:
    version = request.POST.get("version", "")
    return int(version) if version.isdigit() else 0


def _compute(request: HttpRequest, edition: Edition) -> str:
    computed = compute_edition(quarter=edition.quarter, at=timezone.now(), mandate=request.mandate)
    return "L’édition est recalculée." if computed.changed else "Rien n’a changé depuis le dernier calcul."


def _check(request: HttpRequest, edition: Edition) -> str:
    checks = check_edition(edition=edition, at=timezone.now(), mandate=request.mandate, version=_version(request))
    return f"Les {len(checks)} vérifications sont faites : l’édition peut être publiée."


def _publish(request: HttpRequest, edition: Edition) -> str:
    publish_edition(edition=edition, at=timezone.now(), mandate=request.mandate, version=_version(request))
    return "L’édition est publiée. Elle ne changera plus."
