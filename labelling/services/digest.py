"""The morning mail of an agent: how many files wait in each view, counted as the pages count them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from labelling.choices import DigestFrequency
from labelling.models import Digest
from labelling.services.worklist import View, counts_of, files_of, views_of
from territories.choices import Role
from territories.models import Decision, Mandate, User

logger = logging.getLogger(__name__)

WAITING = (
    "a-commencer",
    "reponses-recues",
    "a-repondre",
    "a-partager",
    "a-endosser",
    "a-presenter",
    "desaccord",
    "avis-en-retard",
    "recours",
    "bientot",
)
"""The views that call for an act, in the order of the mail and the home page; those a mandate does not have are left out."""

CALLING = ""
"""Name, among the counts, of the files that call for an act."""

IN_HAND = "a-moi"
"""Told first, though a file in hand is no reason by itself to write."""


@dataclass(frozen=True, slots=True)
class Section:
    """What waits for one mandate: label, number of files and view, for the views that hold some; decisions to sign.

    ``files`` are those that call for an act, each counted once though it may be in two views.
    """

    mandate: Mandate
    views: list[tuple[str, int, str]]
    files: int
    to_sign: int


def calling_for_an_act(views: Mapping[str, View]) -> View:
    """Return the files that are in any of the views that call for an act, each once."""
    held = Q()
    for name in WAITING:
        if name in views:
            held |= views[name][1]
    return "", held


def digest_of(user: User, *, at: datetime) -> list[Section]:
    """Return what waits for each mandate of instruction of a person, without those for which nothing does."""
    today = timezone.localdate(at)
    mandates = Mandate.objects.of(user).active(today).filter(role=Role.AGENT)
    sections = [_section(mandate, today) for mandate in mandates if mandate.capacity]
    return [section for section in sections if section.files or section.to_sign]


def _section(mandate: Mandate, today: date) -> Section:
    views = views_of(mandate, today)
    told = {name: views[name] for name in (IN_HAND, *WAITING) if name in views}
    counts = counts_of(files_of(mandate.user, mandate), told | {CALLING: calling_for_an_act(views)})
    return Section(
        mandate,
        [(label, counts[name], name) for name, (label, _) in told.items() if counts[name]],
        counts[CALLING],
        Decision.objects.awaiting(mandate).count(),
    )


def frequency_of(user: User) -> DigestFrequency:
    """Return how often a person is told; each morning unless they said otherwise."""
    row = Digest.objects.filter(user=user).first()
    return DigestFrequency(row.frequency) if row else DigestFrequency.MORNING


def set_frequency(*, mandate: Mandate, frequency: DigestFrequency) -> None:
    """Set how often the person who acts with this mandate is told, for all their mandates."""
    Digest.objects.update_or_create(user_id=mandate.user_id, defaults={"frequency": frequency})


def tell_agents(*, at: datetime, send: Callable[[User, list[Section]], None]) -> int:
    """Send the morning mail to each agent for whom something waits, once a day; return the number of mails.

    A mail that does not leave is tried again by the next call of the day; the others do not wait for it.
    """
    today = timezone.localdate(at)
    sent = 0
    for user in _agents(today):
        if not _claim(user, today):
            continue
        try:
            if sections := digest_of(user, at=at):
                send(user, sections)
                sent += 1
        except OSError:  # of which smtplib's errors are
            logger.exception("digest of user %s", user.pk)
            Digest.objects.filter(user=user).update(handled_on=None)
    return sent


def _agents(today: date) -> QuerySet[User]:
    mandates = Mandate.objects.active(today).filter(role=Role.AGENT)
    return User.objects.filter(pk__in=mandates.values("user"), is_active=True).order_by("pk")


@transaction.atomic
def _claim(user: User, today: date) -> bool:
    """Take the mail of a day; refused to whom wants none, and to a second worker."""
    Digest.objects.get_or_create(user=user)
    row = Digest.objects.select_for_update().get(user=user)
    if row.frequency == DigestFrequency.NEVER or row.handled_on == today:
        return False
    Digest.objects.filter(pk=row.pk).update(handled_on=today)
    return True
