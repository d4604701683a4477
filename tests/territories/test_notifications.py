"""Notification: a decision reaches its addressee once, and delays run from there."""

from datetime import timedelta

import pytest

from francesante.lib.workflow import RefusedError
from territories.choices import NotificationChannel, Subject
from territories.models import Event, Notification
from territories.services.decisions import sign_decision
from territories.services.notifications import make_available, mark_read, presume_notified
from tests import factories as make
from tests.plugins.committed import at_once
from tests.territories.acts import countable_effects, propose, signatories

NOW = make.NOW
PORTAL = NotificationChannel.PORTAL


@pytest.fixture(autouse=True)
def effects_that_count(monkeypatch):
    countable_effects(monkeypatch)


def signed():
    decision = propose()
    for mandate in signatories():
        decision = sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=NOW)
    return decision


def actions(decision):
    return list(Event.objects.about(Subject.DECISION, decision.pk).values_list("action", flat=True))[4:]


@pytest.mark.django_db
def test_a_decision_not_signed_is_not_notified():
    with pytest.raises(RefusedError, match="pas encore signée"):
        make_available(decision=propose(), recipient=make.user(), channel=PORTAL, at=NOW)
    assert not Notification.objects.exists()


@pytest.mark.django_db
def test_the_first_reading_is_the_notification():
    decision, reader = signed(), make.membership()
    notification = make_available(decision=decision, recipient=reader.user, channel=PORTAL, at=NOW)
    assert (
        make_available(decision=decision, recipient=reader.user, channel=PORTAL, at=NOW + timedelta(days=1))
        == notification
    )
    assert notification.notified_at is None
    read = mark_read(notification=notification, at=NOW + timedelta(days=2), actor=reader)
    assert (
        mark_read(notification=notification, at=NOW + timedelta(days=3), actor=reader).notified_at == read.notified_at
    )
    assert read.notified_at == NOW + timedelta(days=2)
    assert actions(decision) == ["make_available", "notify"]
    assert presume_notified(at=NOW + timedelta(days=30)) == []


@pytest.mark.django_db
def test_unread_in_the_portal_it_counts_after_fifteen_days():
    decision = signed()
    notification = make_available(decision=decision, recipient=make.user(), channel=PORTAL, at=NOW)
    make_available(decision=decision, recipient=make.user(), channel=NotificationChannel.LETTER, at=NOW)
    assert presume_notified(at=NOW + timedelta(days=15, seconds=-1)) == []
    assert presume_notified(at=NOW + timedelta(days=16)) == [notification]
    notification.refresh_from_db()
    assert notification.notified_at == NOW + timedelta(days=15)
    assert actions(decision) == ["make_available", "make_available", "presume_notified"]


def test_reading_and_presuming_at_once_notify_once(committed_db):
    decision, reader = signed(), make.membership()
    make_available(decision=decision, recipient=reader.user, channel=PORTAL, at=NOW)
    at = NOW + timedelta(days=20)
    at_once(
        *[lambda: presume_notified(at=at)] * 3,
        *[lambda: mark_read(notification=Notification.objects.get(), at=at, actor=reader)] * 3,
    )
    assert len(actions(decision)) == 2
