"""Which mandate a request acts with, and the second factor without which no mandate acts."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from territories.models import Mandate
from territories.services.accounts import SECOND_FACTOR_DUE, second_factor_of
from territories.services.mandates import ACTING_MANDATE

ENDED = (
    "L’habilitation avec laquelle cette page a été ouverte n’est plus en vigueur : rien n’a été enregistré. Revenez à la "
    "page précédente, rechargez-la, puis agissez avec une habilitation en cours."
)

WITHOUT_SECOND_FACTOR = frozenset({"login-code", "second-factor", "logout", "health"})
"""Pages that a person who still owes a code may open."""


class ActingMandateMiddleware:
    """Set ``request.mandates`` (active ones) and ``request.mandate`` (the acting one, or ``None``)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.mandates = active_mandates(request)  # type: ignore[attr-defined]
        request.mandate = acting_mandate(request)  # type: ignore[attr-defined]
        return self.get_response(request)


def active_mandates(request: HttpRequest) -> list[Mandate]:
    """Return the mandates in force of the signed-in person."""
    if not request.user.is_authenticated:
        return []
    return list(Mandate.objects.of(request.user).active(timezone.localdate()))


def acting_mandate(request: HttpRequest) -> Mandate | None:
    """Return the mandate of this request: the posted one, else the session's, else the first.

    Raises:
        PermissionDenied: the form was shown with a mandate that is no longer in force; no other acts in its place.
    """
    mandates = {str(mandate.pk): mandate for mandate in request.mandates}  # type: ignore[attr-defined]
    if posted := request.POST.get(ACTING_MANDATE):
        if posted not in mandates and request.user.is_authenticated:
            raise PermissionDenied(ENDED)
        return mandates.get(posted)
    return mandates.get(str(request.session.get(ACTING_MANDATE, ""))) or next(iter(mandates.values()), None)


class SecondFactorMiddleware:
    """Ask for the code before anything else, of whoever acts for an authority or has an authenticator.

    Until then the person has no mandate, and every page sends to the code, or to the activation of the second factor.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.second_factor_due = owes_second_factor(request)  # type: ignore[attr-defined]
        if request.second_factor_due:  # type: ignore[attr-defined]
            request.mandates, request.mandate = [], None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Send to the code, or to the activation, whoever owes it; then back to the page that was asked for."""
        match = request.resolver_match
        if not request.second_factor_due or (match and match.url_name in WITHOUT_SECOND_FACTOR):  # type: ignore[attr-defined]
            return None
        page = reverse("login-code" if second_factor_of(request.user) else "second-factor")  # type: ignore[arg-type]
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(page)
        if request.method == "GET":
            page = f"{page}?{urlencode({'next': request.get_full_path()})}"
        return HttpResponseRedirect(page)


def owes_second_factor(request: HttpRequest) -> bool:
    """Tell whether the signed-in person must confirm a second factor and has not, in this session."""
    user = request.user
    if not user.is_authenticated or user.is_verified():  # type: ignore[union-attr]
        return False
    mandates: list[Mandate] = request.mandates  # type: ignore[attr-defined]
    return bool(mandates or user.is_staff or request.session.get(SECOND_FACTOR_DUE))
