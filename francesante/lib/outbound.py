"""The one way out: JSON asked of another public service, within a budget of time and size, or one exception.

No redirect is followed, and only the scheme and host of the address given are spoken to, so that a service that was
taken over leads nowhere else. A service that failed is left alone for a while: pages that need it then learn so at
once instead of waiting again.
"""

import json
import threading
from http.client import HTTPException
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.core.cache import cache

BUDGET = 2.0
"""Seconds that one question may last in all, name resolution included."""
LARGEST = 1024 * 1024
CHUNK = 64 * 1024
PAUSE = 30
"""Seconds during which a service that failed is not asked again."""
LONGEST_PAUSE = 600
"""However long a service asks to be left alone."""
AGENT = "portail-france-sante/1.0"
_TOO_MANY, _FAILURES, _REFUSALS = 429, 500, 400


class OutboundError(Exception):
    """No usable answer.

    Attributes:
        pause: seconds during which the service is better left alone, 0 when it is not at fault.
        refused: the service answers, and does not want this question: it need not be asked again.
    """

    def __init__(self, message: str, *, pause: int = PAUSE, refused: bool = False) -> None:
        super().__init__(message)
        self.pause, self.refused = pause, refused


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the answer is then an error."""


def ask_json(address: str, parameters: dict[str, str], *, budget: float = BUDGET) -> Any:
    """Return the JSON that a service answers to a question.

    ``address``: http:// or https://, without a query; it comes from the settings, never from a person.

    Raises:
        OutboundError: slow, silent, refused, redirected, too long or unreadable; or left alone after such a failure.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OutboundError(f"{address!r} is not an http address", pause=0)
    alone = f"outbound:alone:{parts.netloc}"
    if cache.get(alone):
        raise OutboundError(f"{parts.netloc}: left alone after a failure", pause=0)
    try:
        return _within(budget, f"{address}?{urlencode(parameters)}", parts.netloc)
    except OutboundError as error:
        if error.pause:
            cache.set(alone, True, timeout=min(error.pause, LONGEST_PAUSE))
        raise


def _within(budget: float, url: str, host: str) -> Any:
    # Resolving a name knows no timeout, and a socket's is for each piece: only a thread can be waited for that long.
    answers: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_exchange, args=(url, host, monotonic() + budget, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=budget)
    except Empty:
        raise OutboundError(f"{host}: no answer in {budget:g} s") from None
    if isinstance(answer, OutboundError):
        raise answer
    return answer


def _exchange(url: str, host: str, deadline: float, answers: "SimpleQueue[Any]") -> None:
    try:
        answers.put(json.loads(_body(url, host, deadline)))
    except HTTPError as error:
        with error:
            answers.put(_refusal(error, host))
    except OutboundError as error:
        answers.put(error)
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        answers.put(OutboundError(f"{host}: {type(error).__name__}"))


def _body(url: str, host: str, deadline: float) -> bytes:
    request = Request(url, headers={"Accept": "application/json", "User-Agent": AGENT})  # noqa: S310 -- checked above
    body = b""
    with build_opener(_NoRedirect).open(request, timeout=max(deadline - monotonic(), 0.01)) as response:
        while piece := response.read1(CHUNK):
            body += piece
            if len(body) > LARGEST:
                raise OutboundError(f"{host}: more than {LARGEST} bytes")
            if monotonic() > deadline:
                raise OutboundError(f"{host}: too slow")
    return body


def _refusal(error: HTTPError, host: str) -> OutboundError:
    """Say how long to leave alone a service that refuses: as it asks (429), a while (down), not at all (our question)."""
    if error.code == _TOO_MANY:
        asked = error.headers.get("Retry-After", "")
        pause = max(int(asked), 1) if asked.isascii() and asked.isdigit() else PAUSE
    else:
        pause = 0 if _REFUSALS <= error.code < _FAILURES else PAUSE
    return OutboundError(f"{host}: HTTP {error.code}", pause=pause, refused=not pause)
