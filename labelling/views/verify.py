"""Anyone verifies a label, by its number or by the code of a certificate: in force or ended, since when, on what text."""

import math
import re
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework.throttling import SimpleRateThrottle

from francesante.lib.proxies import client_address
from labelling.models import Label
from labelling.rules.clock import local_day
from labelling.services.labels import last_day, status
from labelling.services.suspensions import suspension_of

LONGEST_NUMBER = 20
UNKNOWN, TOO_MANY = 404, 429


class VerificationRate(SimpleRateThrottle):
    """Sixty numbers a minute from one address: a person at a desk, not a machine that tries them all."""

    rate = "60/min"

    def get_cache_key(self, request: Any, view: Any) -> str:  # noqa: ARG002  # asked by the library
        """Count by the address of the visitor; the count lives one minute."""
        return f"verify-{client_address(request)}"


def as_number(text: str) -> str:
    """Return a number as labels write it, from what people type: `` lfs 98 00001`` → ``LFS-98-00001``."""
    return re.sub(r"[\s_–—-]+", "-", text.strip()).upper()[:LONGEST_NUMBER]


@login_not_required
@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a number, and lead to its page."""
    if number := as_number(request.GET.get("numero", "")):
        return redirect("verify-label", number)
    return render(request, "labelling/verify/search.html", {"number": "", "asked": "numero" in request.GET})


@login_not_required
@require_safe
def verify_label(request: HttpRequest, number: str) -> HttpResponse:
    """Tell the state of a label today. One that does not exist and one not notified yet look the same."""
    rate = VerificationRate()
    if not rate.allow_request(request, None):  # type: ignore[arg-type]
        wait = math.ceil(rate.wait() or 1)
        response = render(request, "labelling/verify/too_many.html", {"wait": wait, "number": number}, status=TOO_MANY)
        response["Retry-After"] = str(wait)
        return response
    labels = Label.objects.published().select_related(
        "structure__commune__departement", "departement", "application__specification"
    )
    label = labels.filter(number=as_number(number)).first()
    if label is None:
        return render(
            request, "labelling/verify/search.html", {"number": as_number(number), "asked": True}, status=UNKNOWN
        )
    today = local_day(timezone.now(), label.departement.timezone)
    context = {
        "label": label,
        "structure": label.structure,
        "status": status(label, today, public=True),
        "last_day": last_day(label),
        "suspension": suspension_of(label, today) if label.withdrawn_at is None and today in label.valid else None,
        "today": today,
    }
    return render(request, "labelling/verify/label.html", context)
