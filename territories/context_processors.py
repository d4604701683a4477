"""What every page needs: the acting mandate, the navigation of the reader, the demonstration banner."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from territories.choices import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation."""

    label: str
    url: str
    current: bool = False


PUBLIC = (
    ("Trouver un lieu", "places"),
    ("Territoires", "territories"),
    ("Indicateurs", "indicators"),
    ("Données", "datasets"),
    ("Candidater", "apply"),
)
STRUCTURE = (
    ("Mon espace", "account"),
    ("Candidature", "applications"),
    ("Financements", "funding"),
    ("Trouver un lieu", "places"),
    ("Données", "datasets"),
    ("Aide", "help"),
)
AGENT = (
    ("Accueil", "account"),
    ("Dossiers", "applications"),
    ("Parapheur", "parapheur"),
    ("Pilotage", "steering"),
    ("Financements", "funding"),
    ("Territoires", "territories"),
)
NATIONAL = (
    ("Accueil", "account"),
    ("Pilotage", "steering"),
    ("Dossiers", "applications"),
    ("Financements", "funding"),
    ("Indicateurs", "indicators"),
    ("Données", "datasets"),
)


def navigation(entries: Iterable[tuple[str, str]], path: str) -> list[Entry]:
    """Return the entries; the current one has the longest address that the path begins with."""
    addresses = [(label, reverse(name)) for label, name in entries]
    current = max((url for _, url in addresses if path.startswith(url)), key=len, default="")
    return [Entry(label, url, current=url == current) for label, url in addresses]


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the demonstration flag, the mandates of the reader, at most six entries of navigation, lost posts."""
    mandate = getattr(request, "mandate", None)
    if mandate is not None:
        entries = NATIONAL if mandate.role == Role.NATIONAL else AGENT
        if mandate.role == Role.PARTNER:
            entries = (*entries[:1], ("Avis", "opinions"), *entries[1:])
        if not mandate.can_sign:
            entries = tuple(entry for entry in entries if entry[1] != "parapheur")
    elif getattr(request, "second_factor_due", False):
        entries = ()
    else:
        user = getattr(request, "user", None)
        entries = STRUCTURE if user is not None and user.is_authenticated else PUBLIC
    return {
        "DEMO": settings.DEMO,
        "acting_mandate": mandate,
        "mandates": getattr(request, "mandates", []),
        "navigation": navigation(entries, request.path),
        "lost_posts": [row for row in getattr(request, "lost_posts", ()) if row.concerns(request.path)],
    }
