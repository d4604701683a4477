"""Proof: events are insert-only, chained per subject, sealed by day."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from francesante.lib.workflow import RefusedError
from territories.choices import Subject
from territories.models import Departement, Event, EventSeal
from territories.services.events import broken_link, event_hash, lock, record_event, seal_day, seal_finished_days
from territories.tasks import seal_events
from tests import factories as make
from tests.plugins.committed import at_once

NOW = make.NOW
SUBJECT = {"subject_type": Subject.STRUCTURE, "subject_id": 7}


def record(action="essai", at=NOW, **fields):
    return record_event(**{**SUBJECT, "action": action, "actor": None, "at": at, **fields})


def refused(sql):
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_an_event_names_its_actor_and_its_states():
    mandate = make.mandate()
    event = record(actor=mandate, from_state="draft", to_state="submitted", data={"criterion": 3})
    event.refresh_from_db()
    assert (event.actor_type, event.actor_id) == ("mandate", mandate.pk)
    assert (event.from_state, event.to_state, event.data) == ("draft", "submitted", {"criterion": 3})
    assert event.hash == event_hash(event)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE territories_event SET action = 'autre'",
        "UPDATE territories_event SET at = at",
        "DELETE FROM territories_event",
        "TRUNCATE territories_event CASCADE",
    ],
)
def test_nothing_changes_an_event(sql):
    event = record()
    refused(sql)
    event.refresh_from_db()
    assert event.action == "essai"


@pytest.mark.django_db
def test_the_orm_is_refused_too():
    event = record()
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.update(action="autre")
    with pytest.raises(IntegrityError), transaction.atomic():
        event.delete()
    event.action = "autre"
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()


@pytest.mark.django_db
def test_a_chain_starts_at_one_and_links_each_event():
    first, second = record(), record("suite")
    record(subject_id=8)
    assert [(e.sequence, e.previous_hash) for e in Event.objects.about(**SUBJECT)] == [(1, ""), (2, first.hash)]
    assert second.previous_hash == first.hash
    assert broken_link(**SUBJECT) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change", ["action = 'autre'", "at = at + interval '1 s'", "data = '{\"x\": 1}'", "to_state = 'signed'"]
)
def test_a_changed_event_is_found(change):
    record(), record(), record()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE territories_event DISABLE TRIGGER territories_event_insert_only_row")
        cursor.execute(f"UPDATE territories_event SET {change} WHERE sequence = 2")  # noqa: S608
        cursor.execute("ALTER TABLE territories_event ENABLE TRIGGER territories_event_insert_only_row")
    assert broken_link(**SUBJECT).sequence == 2


@pytest.mark.django_db
def test_an_event_rewritten_with_a_good_hash_breaks_the_next_link():
    record(), record(), record()
    event = Event.objects.get(sequence=2)
    event.action = "autre"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE territories_event DISABLE TRIGGER territories_event_insert_only_row")
        Event.objects.filter(pk=event.pk).update(action="autre", hash=event_hash(event))
        cursor.execute("ALTER TABLE territories_event ENABLE TRIGGER territories_event_insert_only_row")
    assert broken_link(**SUBJECT).sequence == 3


def test_twenty_threads_append_to_one_subject(committed_db):
    owner = make.departement()

    def append():
        with transaction.atomic():
            lock(Departement.objects.get(pk=owner.pk))
            return record().sequence

    assert sorted(at_once(*[append] * 20)) == list(range(1, 21))
    assert list(Event.objects.about(**SUBJECT).values_list("sequence", flat=True)) == list(range(1, 21))
    assert broken_link(**SUBJECT) is None


def test_without_the_lock_the_database_keeps_one_chain(committed_db):
    results = at_once(*[record] * 8)
    kept = [result for result in results if isinstance(result, Event)]
    assert {type(result) for result in results} <= {Event, IntegrityError}
    assert Event.objects.count() == len(kept)
    assert broken_link(**SUBJECT) is None


# Seals -----------------------------------------------------------------------------------------------------------

DAY = date(2026, 11, 20)


def on_the_day(days=0, hour=12):
    return NOW.replace(day=20, hour=hour) + timedelta(days=days)


@pytest.mark.django_db
def test_a_day_is_sealed_once_over():
    record(at=on_the_day()), record(at=on_the_day(hour=22)), record(at=on_the_day(hour=23))
    # 23 h UTC is already the 21st in Paris.
    seal = seal_day(DAY, at=NOW)
    assert (seal.events, seal.previous_hash) == (2, "")
    assert seal_day(DAY, at=NOW + timedelta(days=1)).hash == seal.hash
    with pytest.raises(RefusedError, match="terminée"):
        seal_day(date(2026, 11, 22), at=NOW)


@pytest.mark.django_db
def test_seals_are_chained_and_no_day_is_forgotten():
    record(at=on_the_day())
    record(at=on_the_day(days=1))
    first, second = seal_finished_days(at=NOW)
    assert (first.day, second.day) == (DAY, DAY + timedelta(days=1))
    assert second.previous_hash == first.hash
    assert seal_finished_days(at=NOW) == []
    (third,) = seal_finished_days(at=NOW + timedelta(days=1))
    assert (third.day, third.events, third.previous_hash) == (date(2026, 11, 22), 0, second.hash)


@pytest.mark.django_db
def test_a_seal_never_changes():
    record(at=on_the_day())
    seal_day(DAY, at=NOW)
    refused("UPDATE territories_eventseal SET events = 0")
    refused("DELETE FROM territories_eventseal")


@pytest.mark.django_db
def test_nothing_to_seal():
    assert seal_finished_days(at=NOW) == []
    seal_events()
    assert not EventSeal.objects.exists()
