"""Who else has a file open, now: kept in the cache for as long as their page says so, and nowhere else."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from labelling.models import Application
from labelling.services.reviews import SHORT_NAMES, is_insider
from territories.models import Mandate

BEAT = timedelta(seconds=60)
"""How often an open page says that it is read."""
GONE_AFTER = 2 * BEAT + timedelta(seconds=10)
"""A page that missed two beats is closed."""
WATCH = timedelta(minutes=30)
"""How long a page left open goes on beating: it must not keep a session alive for ever."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who has the file open, and since when."""

    name: str
    service: str
    since: datetime


def arrive(*, application: Application, mandate: Mandate, at: datetime) -> list[Reader]:
    """Say that a person reads a file, and return the others who do, the first come first.

    Names pass between the two authorities and the national team only; the others neither see nor are seen.
    """
    if not is_insider(mandate):
        return []
    me, room = _seat(application, mandate.user_id), f"presence:{application.pk}"
    seconds = int(GONE_AFTER.total_seconds())
    kept = cache.get(me)
    service = SHORT_NAMES[mandate.capacity] if mandate.capacity else "équipe nationale"
    cache.set(me, kept or Reader(mandate.user.full_name, service, at), timeout=seconds)
    # Two people who arrive at the same instant may write over each other here: the next beat puts it right.
    people: set[int] = cache.get(room) or set()
    seats = cache.get_many([_seat(application, person) for person in people if person != mandate.user_id])
    here = {person for person in people if _seat(application, person) in seats} | {mandate.user_id}
    cache.set(room, here, timeout=seconds)
    return sorted(seats.values(), key=lambda reader: (reader.since, reader.name))


def _seat(application: Application, person: int) -> str:
    return f"presence:{application.pk}:{person}"
