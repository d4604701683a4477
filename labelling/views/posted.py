"""Numbers that forms post in hidden fields: never trusted, never a server error."""

from django.http import HttpRequest


def posted_number(request: HttpRequest, name: str) -> int:
    """Return a posted number, 0 when it is absent or is none: no row has it, and no version either."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else 0
