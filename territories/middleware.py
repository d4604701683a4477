"""Which mandate a request acts with, the second factor without which no mandate acts, what a lost session leaves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from territories.models import Mandate
from territories.services.accounts import LOST_POST, SECOND_FACTOR_DUE, second_factor_of
from territories.services.mandates import ACTING_MANDATE

ENDED = (
    "L’habilitation avec laquelle cette page a été ouverte n’est plus en vigueur : rien n’a été enregistré. Revenez à la "
    "page précédente, rechargez-la, puis agissez avec une habilitation en cours."
)

LOST_POST_MAX = 100_000
"""Characters that wait, at most, for a person who signs in again; no form of an agent asks for as many."""

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


@dataclass(frozen=True, slots=True)
class LostPost:
    """What a person posted after their session had ended."""

    address: str
    data: QueryDict

    @property
    def texts(self) -> list[str]:
        """What was written: values of several words; the others are choices, made again in a click."""
        return [text for _, values in self.data.lists() for text in values if len(text.split()) > 1]

    def concerns(self, path: str) -> bool:
        """Tell whether a page belongs to the same thing (file, label, decision…) as the form."""
        return path.split("/")[:3] == self.address.split("/")[:3]


class LoginKeepingPostsMiddleware(LoginRequiredMiddleware):
    """Require an account, and keep what an agent wrote in a form whose session had ended.

    It waits in the session that signs in again, as ``request.lost_post``, until the form is posted again or the person
    sets it aside. Forms of agents name a mandate: only its holder reads the text again, anybody else's arrival erases it.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Set ``request.lost_post``: what waits for this person, or ``None``."""
        kept = request.session.get(LOST_POST)
        request.lost_post = None  # type: ignore[attr-defined]
        # Before the second factor the person has no mandate yet: nothing is shown, nothing is erased.
        if kept is None or not request.user.is_authenticated or request.second_factor_due:  # type: ignore[attr-defined]
            return
        lost = LostPost(kept["address"], QueryDict(kept["data"]))
        if lost.data.get(ACTING_MANDATE) in {str(mandate.pk) for mandate in request.mandates}:  # type: ignore[attr-defined]
            request.lost_post = lost  # type: ignore[attr-defined]
        else:
            del request.session[LOST_POST]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Forget what waited once the same form was posted and accepted, which a redirection says."""
        lost: LostPost | None = request.lost_post  # type: ignore[attr-defined]
        if lost and request.method == "POST" and request.path == lost.address and response.status_code == 302:  # noqa: PLR2004
            request.session.pop(LOST_POST, None)
        return response

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]
        """Keep what was posted, then ask to sign in."""
        lost = LostPost(request.path, request.POST)
        if lost.data.get(ACTING_MANDATE) and lost.texts and len(data := lost.data.urlencode()) <= LOST_POST_MAX:
            request.session[LOST_POST] = {"address": lost.address, "data": data}
        return super().handle_no_permission(request, view_func)


class NotAllowedPageMiddleware:
    """Give a page to the refusals of a method (405): Django has none. The API answers its own refusals, in JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        page = render(request, "405.html", _named_page(request), status=405)
        page["Allow"] = response["Allow"]
        return page


def _named_page(request: HttpRequest) -> dict[str, str]:
    """Return the number that an address names, and its page: ``/dossiers/<number>/`` of ``/dossiers/<number>/notes/``."""
    number = str(request.resolver_match.kwargs.get("number", "")) if request.resolver_match else ""
    before, named, _ = request.path.partition(f"/{number}/")
    return {"number": number, "page": f"{before}{named}"} if number else {}
