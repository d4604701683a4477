"""The validity of a label in the database: it changes by a signed and notified act about that label, and by nothing else."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from labelling.choices import AppealOutcome
from labelling.models import Ending, Label
from tests.labelling.test_appeals import COURT
from tests.labelling.test_appeals_endings import SIGNED, TOLD, Ended
from tests.labelling.test_endings import END, NOW, World
from tests.labelling.worlds import withdraw
from tests.plugins.committed import at_once

REFUSAL = "the validity of a label changes by a signed and notified act only"


@pytest.fixture
def world(db):
    return World()


def update(label, **fields):
    Label.objects.filter(pk=label.pk).update(**fields)


def refused(label, **fields):
    before = Label.objects.values().get(pk=label.pk)
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        update(label, **fields)
    assert Label.objects.values().get(pk=label.pk) == before


def until(label, day):
    return type(label.valid)(label.valid.lower, day)


def test_no_validity_changes_without_an_act(world):
    label = world.label
    refused(label, withdrawn_at=NOW)
    refused(label, valid=until(label, END))
    refused(label, valid=until(label, None))
    refused(label, valid=type(label.valid)(label.valid.lower - timedelta(days=1), label.valid.upper))
    update(label, version=label.version + 1)


def test_an_act_proposed_or_signed_and_not_notified_changes_nothing(world):
    ending = world.on_request()
    refused(world.label, valid=until(world.label, END))
    world.sign(ending)
    refused(world.label, valid=until(world.label, END))
    refused(world.label, withdrawn_at=NOW)


def test_a_notified_act_does_what_it_says_once(world):
    world.read(world.sign(world.on_request()))
    label = world.label
    assert label.valid.upper == END
    for fields in (
        {"valid": until(label, END - timedelta(days=1))},
        {"valid": until(label, date(2029, 9, 23))},
        {"withdrawn_at": NOW},
    ):
        refused(label, **fields)


def test_a_withdrawal_neither_shortens_nor_is_taken_back_by_hand(world):
    withdraw(world.label)
    world.label.refresh_from_db()
    refused(world.label, withdrawn_at=None)
    refused(world.label, withdrawn_at=NOW + timedelta(days=1))
    refused(world.label, valid=until(world.label, END))


@pytest.mark.django_db
@pytest.mark.parametrize("withdrawn", [False, True])
def test_an_appeal_accepted_gives_back_what_its_ending_took_once_notified(withdrawn):
    world = Ended(withdrawn=withdrawn)
    row = world.lodge()
    back = {"valid": world.before, "withdrawn_at": None}
    refused(world.label, **back)
    world.settle(row)
    kept = None if withdrawn else world.label.valid
    Ending.objects.filter(pk=world.ending.pk).update(undone_at=SIGNED, ended_valid=kept)
    refused(world.label, **back)
    world.told(row)
    refused(world.label, **back | {"valid": until(world.label, date(2035, 1, 1))})
    refused(world.label, **back | {"withdrawn_at": TOLD})
    update(world.label, **back)
    world.label.refresh_from_db()
    assert (world.label.valid, world.label.withdrawn_at) == (world.before, None)
    refused(world.label, withdrawn_at=NOW)  # an ending that was undone ends nothing again


@pytest.mark.django_db
def test_a_later_ending_that_stands_keeps_the_label_ended():
    world = Ended()
    row = world.record(**COURT)
    later = world.on_request(at=SIGNED, effect_date=date(2027, 2, 1))
    world.read(world.sign(later, at=SIGNED), at=SIGNED)
    world.judge(row, AppealOutcome.ACCEPTED)
    Ending.objects.filter(pk=world.ending.pk).update(undone_at=SIGNED, ended_valid=world.label.valid)
    refused(world.label, valid=world.before)


def test_two_hands_at_once_change_nothing(committed_db):
    world = World()
    outcomes = at_once(
        lambda: update(world.label, withdrawn_at=NOW), lambda: update(world.label, valid=until(world.label, END))
    )
    assert all(isinstance(outcome, IntegrityError) for outcome in outcomes)
