"""Where addresses stand: those of sites, asked of the geocoder in the background, and the one a visitor searches from.

Without a geocoder, or when it is silent or unsure, the commune decides.
"""

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q, QuerySet

from francesante.lib.geocoding import Address, geocode
from francesante.lib.outbound import OutboundError
from francesante.lib.text import sort_key
from labelling.choices import PointSource
from labelling.models import Site
from labelling.services.labels import ROUND
from territories.models import Commune
from territories.models.search import EXACT, SIMILAR

KNOWN_FOR = timedelta(days=1)
LATER = timedelta(minutes=15)
A_TURN = 50
"""Addresses of one pass: what the service allows in a second to everybody."""
STREET_WORDS = frozenset(
    "rue avenue av boulevard bd bld place pl chemin che allee impasse quai cours square route rte passage sentier "
    "esplanade faubourg fg hameau lieu residence lotissement zone za zi rond".split()
)
_MOST_WORDS = 5
"""Words that the name of a commune has at most, at the end of an address."""

logger = logging.getLogger(__name__)


# Sites -------------------------------------------------------------------------------------------------------------


def locate_waiting(*, at: datetime) -> int:
    """Ask where the addresses of sites stand; return how many were answered. A silent service ends the pass."""
    if not settings.GEOCODING_URL:
        return 0
    answered = 0
    due = Site.objects.filter(locate_at__lte=at).select_related("commune").order_by("locate_at", "pk")
    for site in due[:A_TURN]:
        try:
            found = geocode(settings.GEOCODING_URL, _written(site))
        except OutboundError as error:
            logger.warning("geocoder: %s", error)
            if not error.refused:
                _still(site).update(locate_at=at + LATER)
                break
            found = None
        answered += _place(site, found)
    return answered


def _written(site: Site) -> str:
    street = site.address or site.name.removeprefix(ROUND)
    return f"{street}, {site.postal_code} {site.commune.name}"


def _still(site: Site) -> QuerySet[Site]:
    """The site, unless it moved meanwhile."""
    return Site.objects.filter(pk=site.pk, locate_at=site.locate_at, address=site.address, commune=site.commune_id)


def _place(site: Site, found: Address | None) -> int:
    fields: dict[str, object] = {"locate_at": None, "point_score": found.score if found else None}
    if found and found.is_good and not found.is_commune and commune_of(found) == site.commune:
        fields |= {
            "latitude": found.latitude,
            "longitude": found.longitude,
            "point_source": PointSource.ADDRESS,
        }
    return _still(site).update(**fields)


def commune_of(address: Address) -> Commune | None:
    """Return the present commune of an address, whose code may be that of an arrondissement or of a former commune."""
    communes = Commune.objects.current().select_related("departement")
    code = address.commune
    return communes.filter(Q(pk=code) | Q(former_codes__code=code)).order_by("pk").first()


# A visitor's search --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text means: a commune, and its address when it was located. ``located``: false when it should have been."""

    commune: Commune
    address: Address | None = None
    located: bool = True


def looks_like_address(text: str) -> bool:
    """Tell whether a text names a street, or begins with a number and goes on."""
    words = sort_key(text).split()
    return len(words) > 1 and (not STREET_WORDS.isdisjoint(words[:3]) or bool(re.match(r"\d{1,4}[a-z]?$", words[0])))


def address_meant(text: str, *, who: str) -> Meant | None:
    """Return what an address means, or the commune at its end when nobody can locate it; nothing when it has none.

    ``who`` counts the questions, as each visitor may have the portal ask so many.
    """
    found = _geocoded(text, who=who)
    if found and found.is_good and (commune := commune_of(found)):
        return Meant(commune, None if found.is_commune else found)
    commune = _commune_at_the_end(text)
    return Meant(commune, located=False) if commune else None


def _geocoded(text: str, *, who: str) -> Address | None:
    key = f"geocoder:{sha256(sort_key(text).encode()).hexdigest()}"
    kept: tuple[Address | None] | None = cache.get(key)
    if kept is None:
        counter = f"geocoder:asked:{sha256(who.encode()).hexdigest()}"
        cache.add(counter, 0, timeout=3600)
        if not settings.GEOCODING_URL or cache.incr(counter) > settings.GEOCODING_PER_HOUR:
            return None
        try:
            kept = (geocode(settings.GEOCODING_URL, text),)
        except OutboundError as error:
            logger.warning("geocoder: %s", error)
            return None
        cache.set(key, kept, timeout=int(KNOWN_FOR.total_seconds()))
    return kept[0]


def _commune_at_the_end(text: str) -> Commune | None:
    """Return the commune that the last words name exactly, its postal code before it or not; the longest name wins."""
    words = text.replace(",", " ").split()
    for start in range(max(1, len(words) - _MOST_WORDS), len(words)):
        found = Commune.objects.search(" ".join(words[start:]), 1).select_related("departement").first()
        if found is not None and found.rank == EXACT:  # type: ignore[attr-defined]
            return found
    return None


def means_commune(found: list[Commune]) -> bool:
    """Tell whether the communes found for a text are named by it, and do not merely resemble it."""
    return bool(found) and found[0].rank != SIMILAR  # type: ignore[attr-defined]
