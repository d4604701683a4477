"""What a territory has to follow of its labels: visits to make, corrections due, suspensions to look at again."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from labelling.models import Label, Suspension
from labelling.services import visit_follow_up
from labelling.services.reviews import is_insider

MOST = 200
"""Rows of each list: beyond, a territory has more than a page can help with."""


@require_safe
def visits(request: HttpRequest) -> HttpResponse:
    """List the visits to make or to report, the corrections due and the suspensions in progress, the first date first."""
    if not is_insider(request.mandate):  # type: ignore[attr-defined]
        raise PermissionDenied("Les visites se lisent par la structure, l’ARS et la préfecture.")
    today = timezone.localdate()
    labels = Label.objects.for_user(request.user).published()
    shown = ("label__structure__commune", "label__structure")
    running = Suspension.objects.filter(label__in=labels.held(today), period__contains=today)
    context = {
        "today": today,
        "planned": visit_follow_up.planned(labels).select_related(*shown).prefetch_related("agents__user")[:MOST],
        "due": visit_follow_up.corrections_due(labels, on=today).select_related(*shown)[:MOST],
        "suspended": running.select_related(*shown).order_by("review_date", "pk")[:MOST],
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/visit/list.html", context)
