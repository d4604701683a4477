"""Help: one page by role, with the path in a few steps, what badges mean, and what to do in the hard moments."""

from collections.abc import Mapping

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from labelling.rules.badges import OUTSIDER, STRUCTURE
from labelling.rules.legend import legend
from territories.choices import AuthorityKind, Role
from territories.models import Authority, Mandate

ROLES: Mapping[str, tuple[str, str, str]] = {
    "structure": ("Structure de soins", STRUCTURE, "labelling/guide/structure.html"),
    "instruction": ("Agent qui instruit", "ars", "labelling/guide/instruction.html"),
    "signature": ("Signataire", "ars", "labelling/guide/signature.html"),
    "avis": ("Organisme consulté", OUTSIDER, "labelling/guide/avis.html"),
    "lecture": ("Observateur", OUTSIDER, "labelling/guide/lecture.html"),
    "national": ("Équipe nationale", "ars", "labelling/guide/national.html"),
}
"""The pages: the title of each, the reader whose badges it explains, and its text."""


def page_of(mandate: Mandate | None) -> str:
    """Return the page of whoever acts with a mandate, or with none."""
    if mandate is None:
        return "structure"
    if mandate.can_sign:
        return "signature"
    return {Role.AGENT: "instruction", Role.PARTNER: "avis", Role.OBSERVER: "lecture", Role.NATIONAL: "national"}[
        Role(mandate.role)
    ]


@login_not_required
@require_safe
def guide(request: HttpRequest, role: str = "") -> HttpResponse:
    """Show the help of a role: the reader's own, unless another is asked for."""
    role = role or page_of(request.mandate)  # type: ignore[attr-defined]
    if role not in ROLES:
        raise Http404
    title, reader, body = ROLES[role]
    context = {
        "role": role,
        "own": role == page_of(request.mandate),  # type: ignore[attr-defined]
        "title": title,
        "body": body,
        "roles": [(slug, name) for slug, (name, *_) in ROLES.items()],
        "legend": legend(reader),
        "team": Authority.objects.filter(kind=AuthorityKind.NATIONAL).order_by("pk").first(),
    }
    return render(request, "labelling/guide/page.html", context)
