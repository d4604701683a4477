"""What forms post: numbers in hidden fields, never trusted nor a server error; addresses that only receive forms; what
comes back to its form after a lost session (:mod:`territories.services.lost_posts`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from territories.services import lost_posts


def posted_number(request: HttpRequest, name: str) -> int:
    """Return a posted number, 0 when it is absent or is none: no row has it, and no version either."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else 0


def posts_only(page: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Receive forms only; opened by itself, the address leads to ``page``, which has the same arguments but ``action``.

    So does whoever signs in again after a form was refused for want of a session, or reopens the address of a refusal.
    The page keeps its own scope: out of it, the same 404 as ever.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def received(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            return redirect(page, **{name: value for name, value in kwargs.items() if name != "action"})

        return require_http_methods(["GET", "HEAD", "POST"])(received)

    return decorate


def keeps_whole(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view whose form waits with all its fields when the session has ended, and not for its texts alone."""
    view.keeps_whole = True  # type: ignore[attr-defined]
    return view


def lost_input(request: HttpRequest, address: str = "", *, fills: bool = True) -> QueryDict | None:
    """Return what the reader posted to an address, this page's by default, after their session had ended.

    What is being posted now comes before. The notice of the page says that its form is filled, unless it ``fills`` none.
    """
    rows: list[lost_posts.LostPost] = request.lost_posts  # type: ignore[attr-defined]
    found = next((row for row in rows if row.address == (address or request.path)), None)
    if found is None or request.method == "POST":
        return None
    found.in_form = fills
    return QueryDict(found.data)


def lost_initial(request: HttpRequest, address: str = "", *, prefix: str = "") -> dict[str, str]:
    """Return the same as the initial values of a form; ``prefix`` starts the names of its fields."""
    data, start = lost_input(request, address), f"{prefix}-" if prefix else ""
    return {name.removeprefix(start): data[name] for name in data if name.startswith(start)} if data else {}


def forget_lost(request: HttpRequest, address: str) -> None:
    """Erase what waits for a form that was kept otherwise."""
    rows: list[lost_posts.LostPost] = request.lost_posts  # type: ignore[attr-defined]
    lost_posts.forget(request.session, [row for row in rows if row.address == address])
