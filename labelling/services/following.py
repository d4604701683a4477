"""What is new for a person: the files they follow, the events they have not read, and what they want to be told.

News are events, never copies of them. An event is new to a person until they open its file; the morning mail tells each
once, by anti-join with what it told.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from labelling.choices import NewsKind, NewsScope
from labelling.models import Application, Digest, FileReading, FollowedFile, NewsChoice, ToldNews
from labelling.rules.news import ACTIONS, FROM_STRUCTURE, KIND_OF
from labelling.services.assignment import in_hand
from labelling.services.reviews import require_reviewer
from territories.choices import ActorKind, Role, Subject
from territories.models import Event, Mandate, User

AT_ONCE = frozenset({"warn_silence", "silence"})
"""Deadlines that a person may be told by a mail of their own."""
HORIZON = timedelta(days=14)
"""An older event is no news: whoever comes back from leave reads the list, not its history."""


# Following -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def follow(*, application: Application, mandate: Mandate, at: datetime) -> None:
    """Follow a file, for the person alone; already followed, nothing changes.

    Raises:
        RefusedError: the mandate may not instruct the file, or its holder stands aside.
    """
    require_reviewer(application, mandate, at=at)
    FollowedFile.objects.get_or_create(user_id=mandate.user_id, application=application, defaults={"since": at})


def stop_following(*, application: Application, mandate: Mandate) -> None:
    """Follow a file no longer."""
    FollowedFile.objects.filter(user=mandate.user_id, application=application).delete()


def is_followed(application: Application, mandate: Mandate) -> bool:
    """Tell whether the person of a mandate follows a file."""
    return FollowedFile.objects.filter(user=mandate.user_id, application=application).exists()


def followed(mandate: Mandate) -> Q:
    """Return the filter of the files that the person of a mandate follows."""
    return Q(pk__in=FollowedFile.objects.filter(user=mandate.user_id).values("application"))


def among(scope: NewsScope, mandate: Mandate, *, at: datetime) -> Q:
    """Return the filter of the files of a scope, for the person and the authority of a mandate."""
    mine = in_hand(mandate.capacity, on=timezone.localdate(at), of=mandate.user_id)
    match scope:
        case NewsScope.MINE:
            return mine
        case NewsScope.FOLLOWED:
            return mine | followed(mandate)
        case NewsScope.ALL:
            return Q()
    return Q(pk__in=())


# News ----------------------------------------------------------------------------------------------------------------


def unread_news(mandate: Mandate, *, at: datetime, kinds: Iterable[NewsKind] = NewsKind) -> QuerySet[Event]:
    """Return the events of some kinds, of others than the person, on files they have not opened since."""
    found = Q(pk__in=())
    for kind in kinds:
        one = Q(action__in=ACTIONS[kind])
        found |= one & Q(actor_type=ActorKind.MEMBERSHIP) if kind in FROM_STRUCTURE else one
    opened = FileReading.objects.filter(
        user=mandate.user_id, application=OuterRef("subject_id"), last_at__gte=OuterRef("at")
    )
    own = Mandate.objects.filter(user=mandate.user_id).values("pk")
    return (
        Event.objects.filter(found, ~Exists(opened), subject_type=Subject.APPLICATION, at__gt=at - HORIZON, at__lte=at)
        .exclude(actor_type=ActorKind.MANDATE, actor_id__in=own)
        .order_by()
    )


def has_news(mandate: Mandate, *, at: datetime, kinds: Iterable[NewsKind] = NewsKind) -> Q:
    """Return the filter of the files with something new to the person of a mandate, of some kinds."""
    return Q(pk__in=unread_news(mandate, at=at, kinds=kinds).values("subject_id"))


def with_news(files: QuerySet[Application], mandate: Mandate, *, at: datetime) -> QuerySet[Application]:
    """Add ``has_news``: something is new to the person on a file that they instruct or follow."""
    rows = Application.objects.filter(
        among(NewsScope.FOLLOWED, mandate, at=at) & has_news(mandate, at=at), pk=OuterRef("pk")
    )
    return files.annotate(has_news=Exists(rows))


def last_visit(application: Application, mandate: Mandate) -> datetime | None:
    """Return when the person of a mandate last opened a file; asked before this visit is recorded."""
    last: datetime | None = application.readings.filter(user=mandate.user_id).aggregate(at=Max("last_at"))["at"]
    return last


def news_of(application: Application, mandate: Mandate, *, at: datetime) -> dict[NewsKind, int]:
    """Return how many events of each kind are new to the person on a file, asked before this visit is recorded."""
    counts: dict[NewsKind, int] = {}
    for action in unread_news(mandate, at=at).filter(subject_id=application.pk).values_list("action", flat=True):
        counts[KIND_OF[action]] = counts.get(KIND_OF[action], 0) + 1
    return {kind: counts[kind] for kind in NewsKind if kind in counts}


# Choices -------------------------------------------------------------------------------------------------------------


def choices_of(user: User) -> dict[NewsKind, NewsScope]:
    """Return of which files a person is told each kind of news."""
    said = dict(NewsChoice.objects.filter(user=user).values_list("kind", "scope"))
    return {kind: NewsScope(said.get(kind, NewsScope.FOLLOWED)) for kind in NewsKind}


@transaction.atomic
def choose_news(*, mandate: Mandate, choices: Mapping[NewsKind, NewsScope]) -> None:
    """Set of which files the person who acts with this mandate is told each kind of news, for all their mandates."""
    for kind, scope in choices.items():
        NewsChoice.objects.update_or_create(user_id=mandate.user_id, kind=kind, defaults={"scope": scope})


def wants_deadlines_at_once(application: Application, *, at: datetime) -> QuerySet[User]:
    """Return the people who instruct or follow a file and asked to be told its deadlines by a mail of their own."""
    on = timezone.localdate(at)
    holders = [row for row in (application.ars_reviewer, application.prefecture_reviewer) if row and on in row.valid]
    follows = FollowedFile.objects.filter(application=application).values("user")
    agents = Mandate.objects.active(on).filter(
        Q(departement=application.departement_id)
        | Q(departement__isnull=True, region=application.departement.region_id)
        | Q(departement__isnull=True, region__isnull=True),
        user__in=follows,
        role=Role.AGENT,
    )
    asked = Digest.objects.filter(deadlines_at_once=True).values("user")
    people = Q(pk__in=[row.user_id for row in holders]) | Q(pk__in=agents.values("user"))
    return User.objects.filter(people, pk__in=asked, is_active=True).order_by("pk")


# What was told -------------------------------------------------------------------------------------------------------


def to_tell(mandate: Mandate, files: QuerySet[Application], *, at: datetime) -> dict[NewsKind, list[int]]:
    """Return the events that the morning mail has not told yet, by kind, on the files chosen for each kind.

    Deadlines that a person is told at once are not told again.
    """
    at_once = Digest.objects.filter(user=mandate.user_id, deadlines_at_once=True).exists()
    wanted: dict[NewsScope, list[NewsKind]] = {}
    for kind, scope in choices_of(mandate.user).items():
        wanted.setdefault(scope, []).append(kind)
    wanted.pop(NewsScope.NONE, None)
    told = ToldNews.objects.filter(user=mandate.user_id, event=OuterRef("pk"))
    theirs = files.filter(among(NewsScope.FOLLOWED, mandate, at=at)).order_by().values("pk")
    told_already = Q(action__in=AT_ONCE, subject_id__in=theirs) if at_once else Q(pk__in=())
    found: dict[NewsKind, list[int]] = {}
    for scope, kinds in wanted.items():
        events = unread_news(mandate, at=at, kinds=kinds).filter(
            ~Exists(told),
            ~told_already,
            subject_id__in=files.filter(among(scope, mandate, at=at)).order_by().values("pk"),
        )
        for pk, action in events.order_by("pk").values_list("pk", "action"):
            found.setdefault(KIND_OF[action], []).append(pk)
    return found


def purge_told(*, at: datetime) -> int:
    """Forget what was told of events too old to be told again; return how many."""
    deleted, _ = ToldNews.objects.filter(event__at__lte=at - HORIZON).delete()
    return deleted
