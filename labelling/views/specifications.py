"""The cahier des charges as the public reads it: a version, the others, and what differs between two."""

from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from labelling.choices import CriterionKind, Rule, StructureKind
from labelling.models import EvidenceTemplate, Specification
from labelling.rules.parameters import in_words
from labelling.services.specifications import criteria_of, differences, in_force
from labelling.views.evidence import shielded
from territories.choices import Role


@login_not_required
@require_safe
def specification(request: HttpRequest, version: str = "") -> HttpResponse:
    """Show a published version, by default the one in force."""
    published = list(Specification.objects.published())
    current = in_force(timezone.localdate())
    chosen = next((row for row in published if row.version == version), None) if version else current
    if chosen is None:
        raise Http404
    rank = published.index(chosen)
    criteria = criteria_of(chosen)
    context = {
        "specification": chosen,
        "current": current,
        "to_come": chosen.applies_from and chosen.applies_from > timezone.localdate(),
        "previous": published[rank - 1] if rank else None,
        "versions": [(row, published[at - 1] if at else None) for at, row in reversed(list(enumerate(published)))],
        "criteria": [
            (
                row,
                _exempt(row.exempt_kinds),
                in_words(row.rule, row.parameters),
                row.rule == Rule.PERSON,
                getattr(row, "template", None),
            )
            for row in criteria
            if row.kind == CriterionKind.CRITERION
        ],
        "commitments": [row for row in criteria if row.kind == CriterionKind.COMMITMENT],
    }
    return render(request, "labelling/specification/page.html", context)


def _exempt(kinds: list[str]) -> str:
    return ", ".join(StructureKind(kind).label for kind in kinds)


@login_not_required
@require_safe
def specification_diff(request: HttpRequest, before: str, after: str) -> HttpResponse:
    """Show what differs between two published versions, in the order asked."""
    published = Specification.objects.published()
    old, new = get_object_or_404(published, version=before), get_object_or_404(published, version=after)
    context = {
        "before": old,
        "after": new,
        "diff": differences(old, new),
        "others": [row for row in published if row not in {old, new}],
        "trail": [("Cahier des charges", reverse("specification"))],
    }
    return render(request, "labelling/specification/diff.html", context)


@login_not_required
@require_safe
def evidence_template(request: HttpRequest, version: str, code: str) -> FileResponse:
    """Give the model of a piece that a published version attaches to a criterion; of a draft, to the national team."""
    mandate = getattr(request, "mandate", None)
    known = (
        Specification.objects.all() if mandate and mandate.role == Role.NATIONAL else Specification.objects.published()
    )
    rows = EvidenceTemplate.objects.filter(criterion__specification__in=known)
    row = get_object_or_404(rows, criterion__specification__version=version, criterion__code=code)
    try:
        stream = default_storage.open(row.file.name)
    except FileNotFoundError as error:
        raise Http404 from error
    return shielded(FileResponse(stream, content_type=row.content_type, filename=row.name, as_attachment=True))
