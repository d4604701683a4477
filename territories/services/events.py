"""The engine of state: the only writer of ``state``, and the only writer of events.

A change of state is one compare-and-set on state and version, and one event, in one transaction.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar

from django.db import transaction
from django.db.models import F, Model
from django.utils import timezone

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.workflow import RefusedError, StaleError, Table, check
from territories.choices import ActorKind
from territories.models import Delivery, Event, EventSeal

MAX_ATTEMPTS = 8
CLAIM = timedelta(minutes=5)
"""How long a worker may hold a delivery before another takes it over."""


M = TypeVar("M", bound=Model)


class Actor(Protocol):
    """A mandate or a membership: something that may act, with its hat."""

    @property
    def actor(self) -> tuple[str, int]: ...

    @property
    def hat(self) -> str: ...


def hat_of(actor: Actor | None) -> str:
    """Return the hat of an actor; the portal itself is ``system``."""
    return actor.hat if actor else "system"


def record_event(
    *,
    subject_type: str,
    subject_id: int,
    action: str,
    actor: Actor | None,
    at: datetime,
    from_state: str = "",
    to_state: str = "",
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Append one event to the chain of a subject, whose row the caller has locked in this transaction."""
    last = Event.objects.about(subject_type, subject_id).last()
    actor_type, actor_id = actor.actor if actor else (ActorKind.SYSTEM, None)
    event = Event(
        subject_type=subject_type,
        subject_id=subject_id,
        sequence=last.sequence + 1 if last else 1,
        action=action,
        from_state=from_state,
        to_state=to_state,
        actor_type=actor_type,
        actor_id=actor_id,
        at=at,
        data=dict(data or {}),
        previous_hash=last.hash if last else "",
    )
    event.hash = event_hash(event)
    event.save(force_insert=True)
    return event


def event_hash(event: Event) -> str:
    """Return the hash that an event must carry: of its fields and of the hash before it."""
    return sha256_hex(
        canonical_json(
            {
                "subject": [str(event.subject_type), event.subject_id],
                "sequence": event.sequence,
                "action": event.action,
                "from": event.from_state,
                "to": event.to_state,
                "actor": [str(event.actor_type), event.actor_id],
                "at": event.at.astimezone(timezone.get_default_timezone()).isoformat(),
                "data": event.data,
                "previous": event.previous_hash,
            }
        )
    )


def broken_link(subject_type: str, subject_id: int) -> Event | None:
    """Return the first event of a chain whose hash or link does not hold, or nothing."""
    previous = ""
    for event in Event.objects.about(subject_type, subject_id):
        if event.previous_hash != previous or event.hash != event_hash(event):
            return event
        previous = event.hash
    return None


def perform(
    row: Any,
    action: str,
    *,
    table: Table,
    subject_type: str,
    actor: Actor | None,
    at: datetime,
    version: int | None = None,
    data: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Event:
    """Apply one act of a rule book to a row: compare-and-set on state and version, then the event.

    ``row`` has ``state`` and ``version``; ``version`` is what the person saw (``None`` inside a larger act that holds
    the row's lock). ``fields`` are written together with the state. The row is refreshed.

    Raises:
        RefusedError: the rule book does not allow it; nothing is written.
        StaleError: the row changed since ``version``; nothing is written.
    """
    model: type[Any] = type(row)
    with transaction.atomic():
        current = model.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if version is not None and current.version != version:
            raise StaleError
        rule = check(table, action, state=current.state, hat=hat_of(actor), row=current)
        target = rule.target or current.state
        model.objects.filter(pk=row.pk, state=current.state, version=current.version).update(
            state=target, version=F("version") + 1, **fields
        )
        event = record_event(
            subject_type=subject_type,
            subject_id=row.pk,
            action=action,
            actor=actor,
            at=at,
            from_state=current.state,
            to_state=target,
            data=data,
        )
    row.refresh_from_db()
    return event


def write(row: Any, *, version: int | None, **fields: Any) -> None:
    """Write fields of a versioned row without changing its state.

    Raises:
        StaleError: the row changed since ``version``; nothing is written.
    """
    model: type[Any] = type(row)
    expected = row.version if version is None else version
    if not model.objects.filter(pk=row.pk, version=expected).update(version=F("version") + 1, **fields):
        raise StaleError
    row.refresh_from_db()


@dataclass(frozen=True, slots=True)
class Drained:
    """Outcome of a drain: deliveries made and deliveries to try again."""

    delivered: int
    failed: int


def drain(
    consumer: str, *, subject_types: Iterable[str], handle: Callable[[Event], None], at: datetime, batch: int = 100
) -> Drained:
    """Hand the events that a consumer has not had yet to ``handle``, at least once each.

    A delivery is claimed in a short transaction, handled outside any transaction (``handle`` may use the network),
    then stamped. A failure is kept with a growing delay before the next try.
    """
    fresh = Event.objects.filter(subject_type__in=list(subject_types)).without_delivery(consumer)
    Delivery.objects.bulk_create(
        [
            Delivery(event_id=pk, consumer=consumer, next_attempt_at=at)
            for pk in fresh.order_by("pk").values_list("pk", flat=True)[:batch]
        ],
        ignore_conflicts=True,
    )
    delivered = failed = 0
    for delivery in _claim(consumer, at=at, batch=batch):
        try:
            handle(delivery.event)
        except Exception as error:  # noqa: BLE001  # a consumer may fail in any way: the delivery keeps its error
            delay = timedelta(minutes=2**delivery.attempts)
            Delivery.objects.filter(pk=delivery.pk).update(
                error=type(error).__name__,
                next_attempt_at=None if delivery.attempts >= MAX_ATTEMPTS else at + delay,
            )
            failed += 1
        else:
            Delivery.objects.filter(pk=delivery.pk).update(delivered_at=timezone.now(), error="", next_attempt_at=None)
            delivered += 1
    return Drained(delivered, failed)


def _claim(consumer: str, *, at: datetime, batch: int) -> list[Delivery]:
    with transaction.atomic():
        due = list(
            Delivery.objects.filter(consumer=consumer, delivered_at__isnull=True, next_attempt_at__lte=at)
            .order_by("pk")
            .select_for_update(of=("self",), skip_locked=True)
            .select_related("event")[:batch]
        )
        Delivery.objects.filter(pk__in=[row.pk for row in due]).update(
            attempts=F("attempts") + 1, next_attempt_at=at + CLAIM
        )
    for row in due:
        row.attempts += 1
    return due


def seal_day(day: date, *, at: datetime) -> EventSeal:
    """Seal the events of a day (legal time of Paris), chained to the last seal; sealing twice returns the first seal.

    Raises:
        RefusedError: the day is not over.
    """
    if day >= timezone.localdate(at):
        raise RefusedError("Seule une journée terminée peut être scellée.")
    if sealed := EventSeal.objects.filter(day=day).first():
        return sealed
    hashes = list(Event.objects.filter(at__date=day).order_by("pk").values_list("hash", flat=True))
    last = EventSeal.objects.filter(day__lt=day).order_by("day").last()
    previous = last.hash if last else ""
    seal = EventSeal(
        day=day,
        events=len(hashes),
        previous_hash=previous,
        hash=sha256_hex(canonical_json({"day": day.isoformat(), "events": hashes, "previous": previous})),
        sealed_at=at,
    )
    seal.save(force_insert=True)
    return seal


def seal_finished_days(*, at: datetime) -> list[EventSeal]:
    """Seal every finished day since the last seal, or since the first event; return the new seals."""
    last = EventSeal.objects.order_by("day").last()
    first = Event.objects.order_by("at").first()
    if last is not None:
        day = last.day + timedelta(days=1)
    elif first is not None:
        day = timezone.localdate(first.at)
    else:
        return []
    seals = []
    while day < timezone.localdate(at):
        seals.append(seal_day(day, at=at))
        day += timedelta(days=1)
    return seals


def lock(row: M) -> M:
    """Lock a row for the transaction and return its present content."""
    return type(row)._default_manager.select_for_update(of=("self",)).get(pk=row.pk)
