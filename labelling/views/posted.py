"""What forms post: numbers in hidden fields, never trusted nor a server error; addresses that only receive forms."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods


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
