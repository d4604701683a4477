"""Deliveries: each consumer gets each event at least once, whatever fails on the way."""

from datetime import timedelta
from threading import Lock

import pytest
from django.db import connection

from territories.choices import Subject
from territories.models import Delivery
from territories.services.events import CLAIM, MAX_ATTEMPTS, Drained, drain, record_event
from tests import factories as make
from tests.plugins.committed import at_once

NOW = make.NOW
KINDS = [Subject.STRUCTURE]


def record(count=1, subject_type=Subject.STRUCTURE):
    return [
        record_event(subject_type=subject_type, subject_id=7, action="essai", actor=None, at=NOW) for _ in range(count)
    ]


class Mailbox:
    """A consumer that keeps what it receives, or fails."""

    def __init__(self, error=None):
        self.received = []
        self.error = error
        self.in_transaction = []
        self._lock = Lock()

    def __call__(self, event):
        with self._lock:
            self.in_transaction.append(connection.in_atomic_block)
            if self.error:
                raise self.error
            self.received.append(event.pk)


def emptied(mailbox, at=NOW, consumer="mail", **options):
    return drain(consumer, subject_types=KINDS, handle=mailbox, at=at, **options)


def test_each_event_once_outside_any_transaction(committed_db):
    events = record(3)
    record(subject_type=Subject.LABEL)
    mailbox = Mailbox()
    assert emptied(mailbox) == Drained(3, 0)
    assert emptied(mailbox) == Drained(0, 0)
    assert mailbox.received == [event.pk for event in events]
    assert mailbox.in_transaction == [False] * 3
    assert Delivery.objects.filter(delivered_at__isnull=False, attempts=1, error="").count() == 3


@pytest.mark.django_db
def test_each_consumer_has_its_own_deliveries():
    record(2)
    mail, webhook = Mailbox(), Mailbox()
    emptied(mail)
    emptied(webhook, consumer="webhook")
    assert mail.received == webhook.received
    assert len(mail.received) == 2


@pytest.mark.django_db
def test_a_batch_leaves_the_rest_for_the_next_run():
    record(5)
    mailbox = Mailbox()
    assert [emptied(mailbox, batch=2).delivered for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.django_db
def test_a_failure_waits_longer_each_time_and_keeps_its_error():
    record()
    broken = Mailbox(error=ConnectionRefusedError("smtp.exemple.invalid: personne@exemple.invalid"))
    at = NOW
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert emptied(broken, at=at) == Drained(0, 1)
        delivery = Delivery.objects.get()
        assert (delivery.attempts, delivery.error, delivery.delivered_at) == (attempt, "ConnectionRefusedError", None)
        if attempt < MAX_ATTEMPTS:
            wait = timedelta(minutes=2**attempt)
            assert delivery.next_attempt_at == at + wait
            assert emptied(broken, at=at + wait - timedelta(seconds=1)) == Drained(0, 0)
            at += wait
    assert delivery.next_attempt_at is None
    assert emptied(broken, at=at + timedelta(days=30)) == Drained(0, 0)


@pytest.mark.django_db
def test_a_failure_does_not_stop_the_others_and_is_made_good():
    first, second = record(2)
    mailbox = Mailbox()

    def fails_on_the_first(event):
        if event.pk == first.pk:
            raise TimeoutError
        mailbox(event)

    assert emptied(fails_on_the_first) == Drained(1, 1)
    assert emptied(mailbox, at=NOW + timedelta(minutes=2)) == Drained(1, 0)
    assert mailbox.received == [second.pk, first.pk]
    assert Delivery.objects.get(event=first).error == ""


def test_two_drains_at_once_deliver_once(committed_db):
    events = record(30)
    mailbox = Mailbox()
    results = at_once(*[lambda: emptied(mailbox)] * 4)
    assert sum(result.delivered for result in results) == 30
    assert sorted(mailbox.received) == [event.pk for event in events]
    assert Delivery.objects.count() == 30


class Killed(BaseException):
    """The worker dies: nothing after this line runs."""


def test_a_worker_killed_between_claim_and_stamp_is_made_good(committed_db):
    (event,) = record()

    def sent_then_killed(event):
        raise Killed

    with pytest.raises(Killed):
        emptied(sent_then_killed)
    mailbox = Mailbox()
    assert emptied(mailbox, at=NOW + CLAIM - timedelta(seconds=1)) == Drained(0, 0)
    assert emptied(mailbox, at=NOW + CLAIM) == Drained(1, 0)
    assert mailbox.received == [event.pk]
    assert Delivery.objects.get().attempts == 2
