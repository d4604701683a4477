"""Silence: the warnings before its date, the event on the day after it, and who is told what."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from labelling.choices import ApplicationState as State
from labelling.models import Application
from labelling.notifications import messages_of
from labelling.services import replies
from labelling.services.silence import record_silences, warn, what_is_missing
from labelling.tasks import follow_clocks, send
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.test_requests import HOURS, ask, reply
from tests.labelling.test_requests import send as send_answers
from tests.plugins.committed import at_once

PARIS = ZoneInfo("Europe/Paris")
UNTIL = date(2026, 12, 4)
OPEN_STATES = [State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT]


def day(number, month=12, hour=7):
    return datetime(2026, month, number, hour, 0, tzinfo=PARIS)


def received(owner, state=State.UNDER_REVIEW, **fields):
    received_at = datetime(2026, 10, 4, 9, 0, tzinfo=PARIS)
    return make.application(
        owner.structure, state=state, **{"submitted_at": received_at, "silence_date": UNTIL, **fields}
    )


def events(file, action):
    return list(Event.objects.about(Subject.APPLICATION, file.pk).filter(action=action))


@pytest.mark.parametrize("state", OPEN_STATES)
def test_silence_is_written_once_the_day_after_its_last_day(owner, state):
    file = received(owner, state)
    assert record_silences(at=day(4, hour=23)) == 0, "the last day still counts"
    assert record_silences(at=day(5, hour=0)) == 1
    assert record_silences(at=day(5)) == record_silences(at=day(12)) == 0
    (event,) = events(file, "silence")
    assert (event.actor_type, event.data) == ("system", {"silence_date": "2026-12-04", "appeal_until": "2027-02-05"})
    file.refresh_from_db()
    assert (file.state, file.version) == (state, 2), "it stays decidable"


def test_a_file_no_longer_open_makes_no_silence(owner):
    received(owner, State.ABANDONED)
    assert record_silences(at=day(20)) == warn(at=day(1)) == 0


def test_the_day_is_the_departement_s(owner):
    file = received(owner)
    martinique = make.departement("97Y", "Île fictive")
    type(martinique).objects.filter(pk="97Y").update(timezone="America/Martinique")
    Application.objects.filter(pk=file.pk).update(departement=martinique)
    assert record_silences(at=day(5, hour=2)) == 0, "still the 4th there"
    assert record_silences(at=day(5, hour=6)) == 1


def test_another_date_after_a_reopening_makes_another_silence(owner):
    file = received(owner)
    record_silences(at=day(5))
    Application.objects.filter(pk=file.pk).update(silence_date=date(2027, 2, 20))
    assert record_silences(at=day(30)) == 0
    assert record_silences(at=datetime(2027, 2, 21, 7, 0, tzinfo=PARIS)) == 1
    assert record_silences(at=datetime(2027, 2, 22, 7, 0, tzinfo=PARIS)) == 0
    assert [event.data["silence_date"] for event in events(file, "silence")] == ["2026-12-04", "2027-02-20"]


def test_warnings_come_thirty_fifteen_and_three_days_before_each_once(owner):
    file = received(owner)
    written = [at for at in range(1, 31) if warn(at=day(at, 11))] + [at for at in range(1, 9) if warn(at=day(at))]
    assert written == [4, 19, 1], "4 and 19 November, 1 December"
    assert [event.data["days"] for event in events(file, "warn_silence")] == [30, 15, 3]
    file.refresh_from_db()
    assert file.version == 1, "a warning makes no open page stale"


def test_a_file_under_several_thresholds_is_warned_of_once(owner):
    file = received(owner)
    assert [warn(at=day(2)), warn(at=day(3)), warn(at=day(5))] == [1, 0, 0]
    assert [event.data["days"] for event in events(file, "warn_silence")] == [3]


def test_nothing_is_warned_of_in_a_pause_and_its_date_is_new(owner):
    ars, file = make.mandate(AuthorityKind.ARS), received(owner)
    assert warn(at=day(20, 11)) == 1
    ask(file, ars, HOURS, at=day(23, 11))
    replies.read_questions(application=file, membership=owner, at=day(24, 11))
    assert [warn(at=day(at)) for at in (1, 8, 12)] == [0, 0, 0]
    assert record_silences(at=day(10)) == 0, "put off to the 25th at the latest"
    reply(file.requests.get(), owner, at=day(12))
    send_answers(file, owner, at=day(12))
    file.refresh_from_db()
    assert file.silence_date == date(2026, 12, 22)
    assert warn(at=day(13)) == 1
    assert [event.data for event in events(file, "warn_silence")] == [
        {"days": 15, "silence_date": "2026-12-04"},
        {"days": 15, "silence_date": "2026-12-22"},
    ]


def test_what_is_missing_is_said_with_whose_it_is(owner):
    file = received(owner)
    assert what_is_missing(file, at=day(1)) == "ARS : 5 critères à apprécier."
    Application.objects.filter(pk=file.pk).update(shared_at=day(1))
    file.refresh_from_db()
    assert what_is_missing(file, at=day(1)) == "Préfecture : position attendue sur l’appréciation partagée."


@pytest.fixture
def services(owner):
    make.authority(AuthorityKind.ARS)
    make.authority(AuthorityKind.PREFECTURE)


def test_both_authorities_are_told_before_with_what_is_missing(owner, services, monkeypatch):
    file = received(owner)
    monkeypatch.setattr("django.utils.timezone.now", lambda: day(1))
    warn(at=day(1))
    (event,) = events(file, "warn_silence")
    ars, prefecture = messages_of(event)
    assert ars.to == prefecture.to == ["service@exemple.invalid"]
    assert ars.subject == f"France Santé – rejet implicite à J-3, {file.number}"
    assert "Dans 3 jours, ce dossier sera réputé rejeté sans que personne l’ait décidé" in ars.body
    assert "ARS : 5 critères à apprécier." in ars.body
    monkeypatch.setattr("django.utils.timezone.now", lambda: day(5))
    assert messages_of(event) == [], "late, it would no longer be true"


def test_the_structure_learns_of_silence_with_its_remedies(owner, services, monkeypatch):
    file = received(owner)
    monkeypatch.setattr("django.utils.timezone.now", lambda: day(5))
    follow_clocks()
    for event in events(file, "silence"):
        send(event)
    told, *agents = mail.outbox
    assert told.to == [owner.user.email]
    assert "Aucune décision n’a été notifiée au 4\u00a0décembre\u00a02026" in told.body
    assert "Elle reste examinée et peut encore être acceptée" in told.body
    assert "demander les motifs de ce rejet, ou le contester jusqu’au 5\u00a0février\u00a02027" in told.body
    assert "tribunal administratif de Valfictif" in told.body
    assert [message.to for message in agents] == [["service@exemple.invalid"]] * 2
    assert "Il reste décidable" in agents[0].body


def test_two_workers_write_one_silence(committed_db):
    file = received(make.membership())
    assert sum(at_once(*[lambda: record_silences(at=day(5))] * 2)) == 1
    assert len(events(file, "silence")) == 1
