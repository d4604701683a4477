"""The morning mail of an agent: how many files wait in each view, counted as the pages count them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from labelling.choices import DigestFrequency, NewsKind, NewsScope
from labelling.models import Digest, ToldNews
from labelling.services.following import among, choices_of, has_news, to_tell
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
    "a-notifier",
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

    ``files`` are those that call for an act, each counted once though it may be in two views. ``news`` are, for each kind
    with an event never told, its scope and the number of files of its page; ``events`` those that the mail tells.
    """

    mandate: Mandate
    views: list[tuple[str, int, str]]
    files: int
    to_sign: int
    news: list[tuple[NewsKind, NewsScope, int]]
    events: list[int]


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
    sections = [_section(mandate, today, at) for mandate in mandates if mandate.capacity]
    return [section for section in sections if section.files or section.to_sign or section.news]


def _section(mandate: Mandate, today: date, at: datetime) -> Section:
    views, files = views_of(mandate, today), files_of(mandate.user, mandate)
    told = {name: views[name] for name in (IN_HAND, *WAITING) if name in views}
    untold, scopes = to_tell(mandate, files, at=at), choices_of(mandate.user)
    pages: dict[str, View] = {
        f"news-{kind}": ("", among(scopes[kind], mandate, at=at) & has_news(mandate, at=at, kinds=[kind]))
        for kind in untold
    }
    counts = counts_of(files, told | pages | {CALLING: calling_for_an_act(views)})
    return Section(
        mandate,
        [(label, counts[name], name) for name, (label, _) in told.items() if counts[name]],
        counts[CALLING],
        Decision.objects.awaiting(mandate).count(),
        [(kind, scopes[kind], counts[f"news-{kind}"]) for kind in NewsKind if kind in untold],
        [pk for events in untold.values() for pk in events],
    )


def settings_of(user: User) -> Digest:
    """Return how a person is told; each morning, and of decisions to sign at once, unless they said otherwise."""
    return Digest.objects.filter(user=user).first() or Digest(user=user)


def set_frequency(
    *,
    mandate: Mandate,
    frequency: DigestFrequency,
    deadlines_at_once: bool = False,
    signatures_at_once: bool = True,
) -> None:
    """Set how the person who acts with this mandate is told, for all their mandates."""
    Digest.objects.update_or_create(
        user_id=mandate.user_id,
        defaults={
            "frequency": frequency,
            "deadlines_at_once": deadlines_at_once,
            "signatures_at_once": signatures_at_once,
        },
    )


def told_at_once(people: Iterable[User]) -> list[User]:
    """Return those of signatories who did not ask to be told their decisions in the morning only."""
    rows = list(people)
    later = set(Digest.objects.filter(user__in=rows, signatures_at_once=False).values_list("user", flat=True))
    return [person for person in rows if person.pk not in later]


def tell_agents(*, at: datetime, send: Callable[[User, list[Section]], None]) -> int:
    """Send the morning mail to each agent for whom something waits, once a day; return the number of mails.

    A mail that does not leave is tried again by the next call of the day; the others do not wait for it.
    """
    today = timezone.localdate(at)
    sent = 0
    for user in _agents(today):
        if not _claim(user, today):
            continue
        sections = digest_of(user, at=at)
        # What two mandates of one person share is told once.
        events = sorted({pk for section in sections for pk in section.events})
        # Written first: a mail whose sending is in doubt is not sent twice.
        ToldNews.objects.bulk_create([ToldNews(user=user, event_id=pk) for pk in events], ignore_conflicts=True)
        try:
            if sections:
                send(user, sections)
                sent += 1
        except OSError:  # of which smtplib's errors are
            logger.exception("digest of user %s", user.pk)
            ToldNews.objects.filter(user=user, event__in=events).delete()
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
