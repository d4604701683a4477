"""What an agent declares of their interests in a structure, from the page of one of its files."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from labelling.choices import Interest
from labelling.services.interests import declare_interest
from labelling.views.posted import posts_only
from labelling.views.scope import visible_file
from territories.models import Mandate

DONE = {
    Interest.NONE: "Votre déclaration est enregistrée : vous pouvez instruire les dossiers de cette structure.",
    Interest.RECUSED: "Votre déport est enregistré. Le dossier n’est plus à vous ; un autre agent de votre service l’instruit.",
}


@posts_only("application")
def interest(request: HttpRequest, number: str) -> HttpResponse:
    """Record a declaration, then go back to the file."""
    application = visible_file(request, number)
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise PermissionDenied("Cette déclaration est celle des agents de l’ARS et de la préfecture.")
    try:
        row = declare_interest(
            application=application,
            mandate=mandate,
            interest=request.POST.get("interest", ""),
            at=timezone.now(),
        )
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    messages.success(request, DONE[Interest(row.interest)])
    return redirect(application)
