"""The cahier des charges as the public reads it: each criterion, its help, its source, and the past versions."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labelling.choices import CriterionKind, StructureKind
from labelling.models import Specification


@login_not_required
@require_safe
def specification(request: HttpRequest, version: str = "") -> HttpResponse:
    """Show a published version, by default the latest."""
    published = list(Specification.objects.published())
    chosen = next((row for row in reversed(published) if not version or row.version == version), None)
    if chosen is None:
        raise Http404
    criteria = list(chosen.criteria.order_by("position"))
    context = {
        "specification": chosen,
        "latest": published[-1],
        "versions": published[::-1],
        "criteria": [(row, _exempt(row.exempt_kinds)) for row in criteria if row.kind == CriterionKind.CRITERION],
        "commitments": [row for row in criteria if row.kind == CriterionKind.COMMITMENT],
    }
    return render(request, "labelling/specification/page.html", context)


def _exempt(kinds: list[str]) -> str:
    return ", ".join(StructureKind(kind).label for kind in kinds)
