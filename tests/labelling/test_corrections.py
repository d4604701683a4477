"""An agent corrects for the structure; versions of the answers, kept by the database; what agents have seen."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import RevisionKind, Verdict
from labelling.models import AnswerRevision, Application
from labelling.rules.answers import parse
from labelling.services import replies, reviews, revisions
from labelling.services.corrections import CORRECTABLE, correct_answers, held_by_structure
from labelling.tasks import send
from territories.choices import ActorKind, AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.test_answers import WHOLE
from tests.labelling.test_requests import NURSES, ask
from tests.plugins.committed import at_once

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Paris"))
NIGHTS = {"on_call": {"pdsa": True, "pdsa_sector": "Valfictif", "sas": True, "details": ""}}
SUBMITTED = parse(WHOLE).as_json()


@pytest.fixture
def file(ars):
    return make.application(state=State.UNDER_REVIEW, answers=SUBMITTED)


def correct(file, mandate, *, step="permanence", answers=None, reason="Appel du 24/11.", version=None, at=NOW):
    return correct_answers(
        application=file,
        mandate=mandate,
        step=step,
        answers=answers or NIGHTS,
        reason=reason,
        version=file.version if version is None else version,
        at=at,
    )


def refused(call, sentence, file):
    before = Application.objects.values().get(pk=file.pk)
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert Application.objects.values().get(pk=file.pk) == before
    assert not AnswerRevision.objects.exists()
    assert not Event.objects.about(Subject.APPLICATION, file.pk).filter(action="correct").exists()


@pytest.mark.parametrize("kind", [AuthorityKind.ARS, AuthorityKind.PREFECTURE])
def test_either_authority_corrects_one_task_with_a_reason_and_all_is_kept(file, kind):
    mandate = make.mandate(kind)
    revision = correct(file, mandate)
    assert file.answers == {**SUBMITTED, **NIGHTS}
    assert (revision.number, revision.kind, revision.answers) == (1, RevisionKind.CORRECTION, SUBMITTED)
    assert (revision.reason, revision.actor_type, revision.actor_id) == ("Appel du 24/11.", "mandate", mandate.pk)
    event = Event.objects.get(action="correct")
    assert event.data == {"step": "permanence", "revision": 1}, "no free text in events"
    assert (file.version, event.actor_id) == (2, mandate.pk)


def test_the_structure_is_told_with_the_reason(file, ars, monkeypatch):
    make.authority(AuthorityKind.ARS)
    member = make.membership(file.structure)
    correct(file, ars)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    send(Event.objects.get(action="correct"))
    (message,) = mail.outbox
    assert message.to == [member.user.email]
    assert "Motif : Appel du 24/11." in message.body
    assert f"/dossiers/{file.number}/ecart/" in message.body


def test_who_may_not_correct(file):
    outside = make.departement("97X", "Valfictie", region="R2")
    for mandate, sentence in [
        (make.mandate(AuthorityKind.ARS, role=Role.OBSERVER), "permet de lire"),
        (make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER), "permet de lire"),
        (make.mandate(AuthorityKind.NATIONAL), "permet de lire"),
        (make.mandate(AuthorityKind.PREFECTURE, on=outside), "ne couvre pas"),
    ]:
        refused(lambda mandate=mandate: correct(file, mandate), sentence, file)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"reason": "  "}, "demande un motif"),
        ({"answers": {"on_call": WHOLE["on_call"]}}, "Aucune réponse n’est changée"),
        ({"answers": {"team": []}}, "Aucune réponse n’est changée"),
        ({"step": "engagements", "answers": {"commitments": {}}}, "se souscrit par la structure"),
        ({"step": "horaires", "answers": {"hours": {"mon": [["14:00", "12:00"]]}}}, "lundi"),
    ],
)
def test_what_is_not_a_correction(file, ars, fields, sentence):
    refused(lambda: correct(file, ars, **fields), sentence, file)


def test_a_stale_page_corrects_nothing(file, ars):
    with pytest.raises(StaleError):
        correct(file, ars, version=9)
    assert not AnswerRevision.objects.exists()


def test_a_decided_or_closed_file_is_not_corrected(ars):
    closed = make.application(state=State.CLOSED, answers=SUBMITTED)
    refused(lambda: correct(closed, ars), "avant la mise à la signature", closed)


def test_what_the_structure_is_asked_is_the_structure_s_to_change(file, ars):
    file.refresh_from_db()
    ask(file, ars, NURSES)
    assert [step.slug for step in held_by_structure(file)] == ["equipe", "tarifs"], "both write the team"
    refused(
        lambda: correct(file, ars, step="tarifs", answers={"fees": {"overrun": True}}), "demandée à la structure", file
    )
    correct(file, ars)
    assert [step.slug for step in CORRECTABLE] == ["identite", "horaires", "equipe", "tarifs", "permanence"]


# Versions ------------------------------------------------------------------------------------------------------------


def test_each_version_can_be_read_again(file, ars):
    correct(file, ars)
    correct(file, ars, step="horaires", answers={"hours": {"tue": [["09:00", "12:00"]]}})
    first, second = revisions.versions_of(file)
    assert (first.before.as_json(), first.after.on_call.pdsa) == (SUBMITTED, True)
    assert (second.before, second.after.as_json()) == (first.after, file.answers)
    assert [one.label for one in second.changes] == ["Lundi", "Mardi", "Samedi"]


def test_a_changed_criterion_is_dated_and_keeps_its_verdict(file, ars):
    criterion = file.specification.criteria.get(code="permanence-ou-sas")
    row = reviews.assess(
        application=file, criterion=criterion, verdict=Verdict.MET, reason="", mandate=ars, version=1, at=NOW
    )
    correct(file, ars, at=NOW + timedelta(hours=1))
    lines = reviews.sheet(file)
    changed = revisions.changed_at([line.criterion for line in lines], revisions.versions_of(file))
    assert changed == {criterion.pk: NOW + timedelta(hours=1)}
    row.refresh_from_db()
    assert (row.verdict, row.assessed_at < changed[criterion.pk]) == (Verdict.MET, True)


def test_a_visit_is_the_last_act_or_reading_of_the_person(file, ars):
    other = make.mandate(AuthorityKind.PREFECTURE)
    assert revisions.last_visit(file, other) is None
    correct(file, ars)
    versions = revisions.versions_of(file)
    assert revisions.last_visit(file, ars) == NOW
    assert revisions.since(versions, NOW) == [], "who made the change has seen it"
    assert [one.label for one in revisions.since(versions, None)] == [
        "Permanence des soins (PDSA)",
        "Secteur de la PDSA",
    ]
    with pytest.raises(StaleError):
        revisions.mark_read(application=file, mandate=other, revision=0, requests=[], at=NOW + timedelta(hours=2))
    revisions.mark_read(application=file, mandate=other, revision=1, requests=[], at=NOW + timedelta(hours=2))
    assert revisions.last_visit(file, other) == NOW + timedelta(hours=2)
    assert file.version == 2, "reading makes no page stale"
    back = correct(file, ars, answers={"on_call": WHOLE["on_call"]}, at=NOW + timedelta(hours=3))
    assert back.number == 2
    versions = revisions.versions_of(file)
    assert revisions.since(versions, None) == [], "changed and changed back"
    assert len(revisions.since(versions, NOW + timedelta(hours=2))) == 2


def test_only_who_instructs_marks_as_read(file):
    with pytest.raises(RefusedError, match="permet de lire"):
        revisions.mark_read(
            application=file, mandate=make.mandate(AuthorityKind.NATIONAL), revision=0, requests=[], at=NOW
        )
    assert not Event.objects.about(Subject.APPLICATION, file.pk).exists()


# The database ------------------------------------------------------------------------------------------------------------


def test_the_answers_of_a_submitted_file_do_not_change_without_their_former_version(file, ars):
    with pytest.raises(IntegrityError, match="former version is kept"), transaction.atomic():
        Application.objects.filter(pk=file.pk).update(answers={})
    correct(file, ars)
    with pytest.raises(IntegrityError, match="former version is kept"), transaction.atomic():
        Application.objects.filter(pk=file.pk).update(answers=SUBMITTED)
    draft = make.application()
    Application.objects.filter(pk=draft.pk).update(answers=WHOLE)


def test_versions_are_insert_only(file, ars):
    correct(file, ars)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        AnswerRevision.objects.update(reason="autre")
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        AnswerRevision.objects.all().delete()


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"kind": "x"}, "revision_kind_known"),
        ({"actor_type": "x"}, "revision_actor_known"),
        ({"number": 0}, "revision_number_from_one"),
        ({"reason": ""}, "revision_correction_reasoned"),
        ({"number": 1}, "revision_number_unique"),
    ],
)
def test_the_database_refuses(file, ars, fields, constraint):
    correct(file, ars)
    values = {
        "application": file,
        "number": 2,
        "kind": RevisionKind.CORRECTION,
        "reason": "essai",
        "actor_type": ActorKind.MANDATE,
        "actor_id": ars.pk,
        "at": NOW,
    }
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        AnswerRevision.objects.create(**{**values, **fields})


def test_two_agents_who_correct_at_once_do_not_undo_each_other(committed_db):
    file = make.application(state=State.UNDER_REVIEW, answers=SUBMITTED)
    mandates = [make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.PREFECTURE)]
    outcomes = at_once(
        *[
            lambda mandate=mandate: correct(Application.objects.get(pk=file.pk), mandate, version=1)
            for mandate in mandates
        ]
    )
    assert sorted(isinstance(one, StaleError) for one in outcomes) == [False, True]
    assert AnswerRevision.objects.count() == 1


def test_an_open_question_is_counted_by_rule(file, ars):
    ask(file, ars, NURSES)
    assert replies.unlocked_rules(file) == ["nurse"]
