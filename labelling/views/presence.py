"""The beat of an open page: who else reads this file, now."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labelling.views.panels import posted_time, presence_context
from labelling.views.scope import visible_file


@never_cache
@require_safe
def presence(request: HttpRequest, number: str) -> HttpResponse:
    """Return the line that names the others who read a file, to one of the two authorities or to the national team."""
    application = visible_file(request, number)
    now = timezone.now()
    mandate = request.mandate  # type: ignore[attr-defined]
    opened_at = posted_time(request, "ouverte", now=now)
    context = presence_context(application, mandate, opened_at=opened_at, now=now) if mandate else None
    if context is None:
        raise PermissionDenied("Qui lit un dossier se dit entre l’ARS, la préfecture et l’équipe nationale.")
    return render(request, "labelling/review/_presence.html", {"presence": context, "application": application})
