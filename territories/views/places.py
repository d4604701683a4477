"""Choosing a commune while typing."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from territories.models import Commune

OPTIONS = 10
LONGEST_TEXT = 100
FORMER_KINDS = {
    "ancien-code": "ancienne commune",
    "commune-deleguee": "commune déléguée",
    "commune-associee": "commune associée",
    "arrondissement-municipal": "arrondissement municipal",
}


@login_not_required
@require_safe
def commune_search(request: HttpRequest) -> HttpResponse:
    """List the communes that ``?q=`` may mean: an HTML fragment, or JSON when it is preferred.

    Each option of the fragment is a submit button ``commune=<code>`` of the form that it is put into.
    """
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    communes = Commune.objects.search(text, OPTIONS).select_related("departement").prefetch_related("postal_codes")
    options = [_option(commune) for commune in communes]
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        response: HttpResponse = JsonResponse({"communes": options})
    else:
        context = {"text": text, "options": options, "shortened": len(options) == OPTIONS}
        response = render(request, "territories/_commune_options.html", context)
    patch_vary_headers(response, ["Accept"])
    return response


def _option(commune: Any) -> dict[str, Any]:
    """Return what is shown of a commune found by ``search``; the keys are those of the JSON answer."""
    former_code = commune.former_code and {
        "code": commune.former_code,
        "nature": FORMER_KINDS.get(commune.former_kind, commune.former_kind),
    }
    return {
        "code": commune.code,
        "nom": commune.name,
        "departement": {"code": commune.departement_id, "nom": commune.departement.name},
        "codes_postaux": sorted(postal_code.code for postal_code in commune.postal_codes.all()),
        "ancien_code": former_code,
    }
