"""Reminders of drafts, and the structure handed over to a colleague."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Application
from labelling.services.access import hand_over
from labelling.services.applications import discard_draft, start_application
from labelling.services.reminders import remind_of_closing_waves, remind_of_drafts
from labelling.tasks import deliver_mail
from territories.choices import Subject
from territories.models import Event
from tests import factories as make

NOW = timezone.now()
LATER = NOW + timedelta(days=15)


@pytest.fixture
def owner(db):
    make.specification()
    return make.membership()


@pytest.fixture
def draft(owner):
    return start_application(membership=owner, at=NOW)


def reminders():
    return list(Event.objects.filter(subject_type=Subject.APPLICATION, action__startswith="remind").order_by("pk"))


def test_a_draft_left_aside_is_reminded_of_once_after_each_writing(draft):
    assert remind_of_drafts(at=NOW + timedelta(days=13)) == 0
    assert remind_of_drafts(at=LATER) == 1
    assert remind_of_drafts(at=LATER + timedelta(days=30)) == 0
    Application.objects.filter(pk=draft.pk).update(saved_at=LATER + timedelta(days=31))
    assert remind_of_drafts(at=LATER + timedelta(days=32)) == 0
    assert remind_of_drafts(at=LATER + timedelta(days=60)) == 1
    assert [event.action for event in reminders()] == ["remind_draft"] * 2


def test_a_closing_wave_is_told_once(draft):
    today = timezone.localdate(NOW)
    make.wave(period=make.DateRange(today - timedelta(days=60), today + timedelta(days=8)))
    assert remind_of_closing_waves(at=NOW) == 0
    assert remind_of_closing_waves(at=NOW + timedelta(days=1)) == 1
    assert remind_of_closing_waves(at=NOW + timedelta(days=2)) == 0
    assert [event.data for event in reminders()] == [{"wave": 4}]


def test_the_mail_says_what_is_left_and_a_deleted_draft_sends_none(owner, draft, django_capture_on_commit_callbacks):
    remind_of_drafts(at=LATER)
    deliver_mail()
    (message,) = [one for one in mail.outbox if draft.number in one.subject]
    assert message.to == [owner.user.email]
    assert "Il reste à terminer : Identité, Horaires" in message.body
    Application.objects.filter(pk=draft.pk).update(saved_at=LATER)
    mail.outbox.clear()
    remind_of_drafts(at=LATER + timedelta(days=15))
    draft.refresh_from_db()
    discard_draft(application=draft, membership=owner, version=draft.version, at=LATER + timedelta(days=15))
    deliver_mail()
    assert mail.outbox == []


def test_a_wave_is_named_with_its_last_day(draft):
    today = timezone.localdate(NOW)
    make.wave(period=make.DateRange(today - timedelta(days=60), today + timedelta(days=3)))
    remind_of_closing_waves(at=NOW)
    deliver_mail()
    assert "La vague 4 de labellisation se ferme" in mail.outbox[-1].body


# Handing over -----------------------------------------------------------------------------------------------------


def test_an_owner_hands_the_structure_over(client, owner):
    editor = make.membership(owner.structure, role=MembershipRole.EDITOR)
    client.force_login(owner.user)
    address = reverse("structure-access", args=[owner.structure_id])
    assert "Transmettre la responsabilité" in client.get(address).text
    answer = client.post(address, {"act": "hand_over", "membership": editor.pk}, follow=True)
    assert "est maintenant responsable" in answer.text
    owner.refresh_from_db()
    editor.refresh_from_db()
    assert (owner.role, editor.role) == (MembershipRole.EDITOR, MembershipRole.OWNER)
    assert Event.objects.filter(subject_type=Subject.STRUCTURE, action="hand_over").count() == 1
    assert client.post(address, {"act": "hand_over", "membership": owner.pk}).status_code == 403


def test_a_structure_is_handed_over_to_a_colleague_only(owner):
    editor = make.membership(owner.structure, role=MembershipRole.EDITOR)
    stranger = make.membership(make.structure(make.register_line()))
    with pytest.raises(RefusedError, match="invitez-la"):
        hand_over(membership=owner, to=stranger, at=NOW)
    with pytest.raises(RefusedError, match="Seul le responsable"):
        hand_over(membership=editor, to=owner, at=NOW)
    owner.refresh_from_db()
    assert owner.role == MembershipRole.OWNER
