"""The public home: find a place, and where the network stands."""

import functools

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import get_template, render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from francesante.lib.canonical import canonical_json, sha256_hex
from indicators.choices import Level
from indicators.rules.measures import NATION
from indicators.services.editions import last_published
from indicators.services.network import Network, network_key, network_on, with_outlines
from territories.rules.outlines import FRAMES, METROPOLE, VIEW_BOX

MARKS = ((2000, "été 2026"), (5000, "2027"))
"""Places that the government announced, and when: lettre M_ADT/2025-10/32526 d’octobre 2025."""
CACHE_SECONDS = 7 * 24 * 3600
FRAGMENTS = {"map": "indicators/_map.html", "table": "indicators/_table.html"}


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Search form, figures, map of the 101 départements and the same figures in a table."""
    if code := request.GET.get("departement", "").strip():
        return redirect("territory", code)
    today = timezone.localdate()
    network = network_on(today)
    edition = last_published()
    published = (
        edition.observations.filter(indicator="labels-en-vigueur", level=Level.NATION, territory=NATION).first()
        if edition
        else None
    )
    return render(
        request,
        "indicators/home.html",
        {
            "network": network,
            "edition": edition,
            "published": published,
            "marks": MARKS,
            "fragments": fragments(network),
        },
    )


@functools.cache
def _drawing() -> str:
    """Return a hash of the templates of the fragments: a new version of the portal draws its own."""
    names = [*FRAGMENTS.values(), "indicators/_patterns.html"]
    sources = [get_template(name).template.source for name in names]
    return sha256_hex(canonical_json(sources))[:16]


def fragments(network: Network) -> dict[str, SafeString]:
    """Return the map and the table of the network, rendered once for as long as their figures stay the same."""
    key = f"home:{_drawing()}:{network.on}:{network_key(network)}"
    found = cache.get(key)
    if found is None:
        found = render_fragments(network)
        cache.set(key, found, CACHE_SECONDS)
    return {name: mark_safe(html) for name, html in found.items()}  # noqa: S308  # our own templates, escaped there


def render_fragments(network: Network) -> dict[str, str]:
    """Return the HTML of the map and of its table."""
    context = {
        "network": network,
        "rows": with_outlines(network),
        "frames": [frame for name, frame in FRAMES.items() if name != METROPOLE],
        "view_box": VIEW_BOX,
        # A shape needs a short address more than the resolver's care, 105 times.
        "territories": reverse("territories"),
    }
    return {name: str(render_to_string(template, context)) for name, template in FRAGMENTS.items()}
