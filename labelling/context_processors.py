"""The number beside « Dossiers » in the header of agents: the files that call for an act of their authority."""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from labelling.services.digest import CALLING, calling_for_an_act
from labelling.services.worklist import counts_of, files_of, views_of
from territories.choices import Role
from territories.models import Mandate


def to_do(request: HttpRequest) -> dict[str, Any]:
    """Return the numbers shown beside the entries of the navigation, by their address.

    A number is kept for ``TO_DO_SECONDS``; the pages that count the same files tell it anew (``request.to_do``).
    """
    mandate: Mandate | None = getattr(request, "mandate", None)
    if mandate is None or mandate.role != Role.AGENT or mandate.capacity is None:
        return {"to_do": {}}
    key = f"to-do:{mandate.pk}"
    number = getattr(request, "to_do", None)
    if number is not None:
        cache.set(key, number, settings.TO_DO_SECONDS)
    else:
        number = cache.get_or_set(key, lambda: _count(mandate), settings.TO_DO_SECONDS)
    return {"to_do": {reverse("applications"): number} if number else {}}


def _count(mandate: Mandate) -> int:
    views = views_of(mandate, timezone.localdate())
    return counts_of(files_of(mandate.user, mandate), {CALLING: calling_for_an_act(views)})[CALLING]
