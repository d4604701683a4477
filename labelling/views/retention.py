"""What is kept for how long, what was erased last, and what comes next: for the national team."""

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labelling.choices import Retained
from labelling.models import Purge
from labelling.rules.clock import add_months
from labelling.services import retention as service
from labelling.views.national import national
from territories.services.retention import periods

SHOWN = 20
MONTHS_AHEAD = 3


@never_cache
@require_safe
def retention(request: HttpRequest) -> HttpResponse:
    """Show the periods in force, the last erasures, and the counts of what is due now and within three months."""
    national(request)
    today = timezone.localdate()
    due, soon = service.counts(today), service.counts(add_months(today, MONTHS_AHEAD))
    erased = dict(Purge.objects.values_list("category").annotate(total=Sum("count")).order_by("category"))
    context = {
        "periods": periods(),
        "categories": [
            {
                "category": one,
                "announced": one in service.ANNOUNCED,
                "due": due[one],
                "soon": soon[one],
                "erased": erased.get(one, 0),
            }
            for one in Retained
        ],
        "unused": service.unused_with_mandate(today).count(),
        "last": Purge.objects.order_by("-purged_at", "-pk")[:SHOWN],
        "months": MONTHS_AHEAD,
        "trail": [("Pilotage", reverse("steering"))],
    }
    return render(request, "labelling/retention/page.html", context)
