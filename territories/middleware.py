"""Which mandate a request acts with, the second factor without which no mandate acts, what a lost session leaves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from territories.models import Mandate
from territories.services import lost_posts
from territories.services.accounts import SECOND_FACTOR_DUE, second_factor_of
from territories.services.lost_posts import ACCOUNT_COOKIE, ACCOUNT_DAYS, ACCOUNT_SALT, LostPost, may_be_kept, texts_of
from territories.services.mandates import ACTING_MANDATE, why_ended

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
            raise PermissionDenied(_why_ended(request, posted))
        return mandates.get(posted)
    return mandates.get(str(request.session.get(ACTING_MANDATE, ""))) or next(iter(mandates.values()), None)


def _why_ended(request: HttpRequest, posted: str) -> str:
    """Say what became of the mandate that a form was shown with, to the person who held it."""
    held = Mandate.objects.of(request.user).filter(pk=int(posted)).first() if posted.isdecimal() else None
    return why_ended(held, signing="content_hash" in request.POST)


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


class LoginKeepingPostsMiddleware(LoginRequiredMiddleware):
    """Require an account, and keep what a person wrote in a form whose session had ended.

    It waits in the session that signs in again, as ``request.lost_posts``, until the form is posted again or the person
    sets it aside (:mod:`territories.services.lost_posts`). Only the same account reads it again, who holds the mandate
    that an agent's form names; anybody else's arrival erases it, and the sign-out does.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Set ``request.lost_posts``: what waits for this person."""
        request.lost_posts = []  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            due = request.second_factor_due  # type: ignore[attr-defined]
            mandates = None if due else {str(mandate.pk) for mandate in request.mandates}  # type: ignore[attr-defined]
            request.lost_posts = lost_posts.of_reader(request.session, request.user.pk, mandates)  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Forget what waited once the same form was accepted, which a redirection says; name the account in its cookie."""
        lost: list[LostPost] = getattr(request, "lost_posts", [])
        if lost and request.method == "POST" and response.status_code == 302:  # noqa: PLR2004
            here = [row for row in lost if row.address == request.path]
            written = set(texts_of(dict(request.POST.lists())))
            # Of two texts of one form, the one that was taken up; rewritten, the first.
            here.sort(key=lambda row: written.isdisjoint(row.texts))
            lost_posts.forget(request.session, here[:1])
        if request.user.is_authenticated and _account_of(request) != request.user.pk:
            response.set_signed_cookie(
                ACCOUNT_COOKIE,
                str(request.user.pk),
                salt=ACCOUNT_SALT,
                max_age=ACCOUNT_DAYS * 86400,
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite=settings.SESSION_COOKIE_SAMESITE,
            )
        return response

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]
        """Keep what was posted, then ask to sign in."""
        account, whole = _account_of(request), getattr(view_func, "keeps_whole", False)
        if request.method == "POST" and account:
            posted = request.POST.copy()
            for name in [name for name in posted if not may_be_kept(name)]:
                del posted[name]
            if whole or texts_of(dict(posted.lists())):
                post = LostPost(account, request.path, posted.urlencode(), files=_had_files(request))
                lost_posts.keep(request.session, post, replaces=whole)
        return super().handle_no_permission(request, view_func)


def _account_of(request: HttpRequest) -> int:
    """Return the account that this browser last signed in with and did not sign out of, 0 when there is none."""
    named = request.get_signed_cookie(
        ACCOUNT_COOKIE, default="", salt=ACCOUNT_SALT, max_age=timedelta(days=ACCOUNT_DAYS)
    )
    return int(named or 0)


def _had_files(request: HttpRequest) -> bool:
    return bool(request.FILES) or hasattr(request, "refused_upload")


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
    """Return the page of the number that an address holds: that of the file, of ``/dossiers/<number>/notes/``."""
    number = str(request.resolver_match.kwargs.get("number", "")) if request.resolver_match else ""
    before, named, _ = request.path.partition(f"/{number}/")
    kind = _NUMBERED.get(before.rpartition("/")[2], "")
    return {"page": f"{before}{named}", "page_label": f"{kind} {number}"} if number and kind else {}


_NUMBERED = {"dossiers": "le dossier", "labels": "le label", "calendrier": "la vague"}
"""What a number is that of, by what comes before it in an address."""
