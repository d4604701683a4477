"""Portraits of territories, for everyone: région, département, EPCI, commune."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from indicators.services.network import places_of, public_labels
from indicators.services.portraits import (
    by_region,
    epci_portrait,
    find_territories,
    population_of_region,
    portrait_of,
)
from labelling.services.surroundings import nearest_places
from territories.models import Commune, Departement, Epci, FormerCode, Region

REGION_PREFIX = "region-"
COMMUNE_LENGTH, EPCI_LENGTH = 5, 9
MAX_TEXT = 80


@login_not_required
@require_safe
def territories(request: HttpRequest) -> HttpResponse:
    """List the départements by région, and search a commune, an EPCI or a département."""
    text = request.GET.get("q", "").strip()[:MAX_TEXT]
    return render(
        request,
        "indicators/territories.html",
        {"regions": by_region(timezone.localdate()), "q": text, "found": find_territories(text) if text else None},
    )


@login_not_required
@require_safe
def territory(request: HttpRequest, code: str) -> HttpResponse:
    """Show the portrait of a territory, told by the form of its code.

    A région is ``region-84``: its bare code would be that of a département.
    """
    code = code.upper()
    if code.startswith(REGION_PREFIX.upper()):
        return _region(request, code.removeprefix(REGION_PREFIX.upper()))
    if len(code) == EPCI_LENGTH:
        return _epci(request, code)
    if len(code) == COMMUNE_LENGTH:
        return _commune(request, code)
    return _departement(request, code)


def _region(request: HttpRequest, code: str) -> HttpResponse:
    region = get_object_or_404(Region, code=code)
    figures = next(row for row in by_region(timezone.localdate()) if row.region == region)
    return render(request, "indicators/region.html", {"figures": figures, "population": population_of_region(region)})


def _departement(request: HttpRequest, code: str) -> HttpResponse:
    departement = get_object_or_404(Departement.objects.select_related("region"), code=code)
    today = timezone.localdate()
    return render(
        request,
        "indicators/departement.html",
        {"departement": departement, "portrait": portrait_of(departement, on=today), "today": today},
    )


def _epci(request: HttpRequest, code: str) -> HttpResponse:
    today = timezone.localdate()
    portrait = epci_portrait(get_object_or_404(Epci, code=code), on=today)
    if portrait is None:
        raise Http404
    return render(request, "indicators/epci.html", {"portrait": portrait, "today": today})


def _commune(request: HttpRequest, code: str) -> HttpResponse:
    commune = Commune.objects.select_related("departement__region", "successor").filter(code=code).first()
    if commune is None:
        return redirect("territory", get_object_or_404(FormerCode, code=code).commune_id)
    if commune.successor_id:
        return redirect("territory", commune.successor_id)
    today = timezone.localdate()
    located = commune.latitude is not None and commune.longitude is not None
    return render(
        request,
        "indicators/commune.html",
        {
            "commune": commune,
            "vintage": commune.vintages.select_related("epci").order_by("-year").first(),
            "places": places_of(public_labels(today).filter(structure__commune=commune)),
            "located": located,
            "nearest": nearest_places(commune.latitude, commune.longitude, on=today) if located else [],
            "postal_codes": commune.postal_codes.order_by("code"),
            "today": today,
        },
    )
