"""What stands around the structure of a file: a part of its page that comes after it, or a page where no script runs."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labelling.rules.clock import local_day
from labelling.services.reviews import is_insider
from labelling.services.surroundings import surroundings_of
from labelling.views.scope import Reader, visible_file


@never_cache
@require_safe
def surroundings(request: HttpRequest, number: str) -> HttpResponse:
    """Show the map of a file to one of the two authorities, or to the national team."""
    application = visible_file(request, number)
    mandate = request.mandate  # type: ignore[attr-defined]
    if not is_insider(mandate):
        raise PermissionDenied("La carte d’un dossier se lit à l’ARS, à la préfecture et à l’équipe nationale.")
    today = local_day(timezone.now(), application.departement.timezone)
    context = {
        "application": application,
        "structure": application.structure,
        "surroundings": surroundings_of(application, request.user, on=today),
        "trail": Reader(application, None, mandate).trail,
    }
    part = request.htmx  # type: ignore[attr-defined]
    template = "labelling/review/_surroundings.html" if part else "labelling/review/surroundings.html"
    return render(request, template, context)
