"""Which address a request comes from when reverse proxies stand in front."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """Return the visitor's address: the one noted by the outermost of TRUSTED_PROXIES, never what the visitor claims."""
    peer: str | None = request.META.get("REMOTE_ADDR")
    if not settings.TRUSTED_PROXIES:
        return peer
    noted = [address.strip() for address in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if address.strip()]
    return noted[-min(settings.TRUSTED_PROXIES, len(noted))] if noted else peer
