"""The structure's side of a file: begin, answer, submit, give up; its receipt and its mails."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState, MembershipRole
from labelling.documents.receipt import render_receipt
from labelling.models import Application, Criterion, Specification
from labelling.notifications import messages_of
from labelling.services.applications import (
    abandon_application,
    changed_criteria,
    discard_draft,
    latest_specification,
    save_step,
    start_application,
    submit_application,
)
from labelling.services.drafting import authorities_of
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Subject
from territories.models import Delivery, Event
from tests import factories, samples
from tests.factories import NOW
from tests.labelling.test_answers import WHOLE
from tests.plugins.committed import at_once


@pytest.fixture
def owner(db):
    return factories.membership()


@pytest.fixture
def draft(owner):
    return start_application(membership=owner, at=NOW)


@pytest.fixture
def ready(owner, draft):
    Application.objects.filter(pk=draft.pk).update(answers=WHOLE)
    draft.refresh_from_db()
    factories.wave()
    return draft


def submit(application, membership, **changes):
    values = {"specification": latest_specification(), "consent": True, "version": application.version, "at": NOW}
    return submit_application(application=application, membership=membership, **{**values, **changes})


def actions(application):
    return [row.action for row in Event.objects.about(Subject.APPLICATION, application.pk)]


# Beginning -------------------------------------------------------------------------------------------------------


def test_a_draft_is_numbered_by_departement_and_year(owner, draft):
    assert draft.number == "FS-98-2026-0001"
    other = start_application(membership=factories.membership(), at=NOW)
    later = start_application(membership=factories.membership(), at=datetime(2027, 1, 2, tzinfo=UTC))
    assert (other.number, later.number) == ("FS-98-2026-0002", "FS-98-2027-0001")
    assert actions(draft) == ["start"]


def test_numbers_go_on_past_four_digits(owner, draft):
    Application.objects.filter(pk=draft.pk).update(number="FS-98-2026-10000")
    factories.application(number="FS-98-2026-9999")
    assert start_application(membership=factories.membership(), at=NOW).number == "FS-98-2026-10001"


def test_one_open_file_by_structure(owner, draft):
    with pytest.raises(RefusedError, match="déjà une candidature en cours"):
        start_application(membership=owner, at=NOW)
    assert Application.objects.count() == 1


def test_a_second_file_takes_the_answers_of_the_first_but_not_what_was_promised(owner):
    factories.application(owner.structure, state=ApplicationState.CLOSED, answers=WHOLE)
    second = start_application(membership=owner, at=NOW)
    assert second.answers["team"] == WHOLE["team"]
    assert second.answers["hours"] == WHOLE["hours"]
    assert second.answers["commitments"] == {"appointment_48h": False, "support": False}
    assert second.answers["identity"]["exact"] is None


def test_a_first_file_knows_its_author(owner, draft):
    assert draft.answers["contact"]["email"] == owner.user.email


def test_an_ended_access_begins_nothing(owner):
    owner.ended_at = NOW
    with pytest.raises(RefusedError, match="terminé"):
        start_application(membership=owner, at=NOW)


def test_ten_structures_begin_at_once_with_ten_numbers(committed_memberships):
    found = at_once(
        *(lambda one=one: start_application(membership=one, at=NOW).number for one in committed_memberships)
    )
    assert sorted(found) == [f"FS-98-2026-{n:04d}" for n in range(1, 11)]


@pytest.fixture
def committed_memberships(committed_db):
    return [factories.membership() for _ in range(10)]


# Answering -------------------------------------------------------------------------------------------------------


def test_a_task_keeps_its_answers_and_leaves_the_others(owner, draft):
    save_step(
        application=draft,
        membership=owner,
        step="horaires",
        answers={"hours": WHOLE["hours"], "team": WHOLE["team"]},
        version=1,
        at=NOW,
    )
    assert draft.answers["hours"] == WHOLE["hours"]
    assert draft.answers["team"] == []
    assert draft.version == 2
    assert actions(draft) == ["start"]


def test_a_stale_page_keeps_nothing(owner, draft):
    save_step(
        application=draft, membership=owner, step="horaires", answers={"hours": WHOLE["hours"]}, version=1, at=NOW
    )
    with pytest.raises(StaleError):
        save_step(
            application=draft, membership=owner, step="equipe", answers={"team": WHOLE["team"]}, version=1, at=NOW
        )
    draft.refresh_from_db()
    assert draft.answers["team"] == []


def test_what_cannot_be_is_refused(owner, draft):
    with pytest.raises(RefusedError, match="n’est pas après l’ouverture"):
        save_step(
            application=draft,
            membership=owner,
            step="horaires",
            answers={"hours": {"mon": [["14:00", "12:00"]]}},
            version=1,
            at=NOW,
        )


@pytest.mark.parametrize(
    ("step", "answers"),
    [
        ("identite", {"identity": {"exact": False, "correction": f"Mme Exemplaire, {samples.NIR}"}}),
        ("identite", {"contact": {**WHOLE["contact"], "role": samples.NIR}}),
        ("equipe", {"team": [{**WHOLE["team"][0], "name": samples.NIR}]}),
        ("tarifs", {"fees": {**WHOLE["fees"], "details": samples.NIR}}),
        ("permanence", {"on_call": {**WHOLE["on_call"], "details": samples.NIR}}),
    ],
)
def test_no_answer_takes_a_social_security_number(owner, draft, step, answers):
    with pytest.raises(RefusedError, match="aucune donnée de patient"):
        save_step(application=draft, membership=owner, step=step, answers=answers, version=1, at=NOW)
    draft.refresh_from_db()
    assert samples.NIR not in str(draft.answers)
    assert (draft.version, actions(draft)) == (1, ["start"])


def test_nobody_else_answers(draft):
    with pytest.raises(RefusedError, match="terminé"):
        save_step(application=draft, membership=factories.membership(), step="horaires", answers={}, version=1, at=NOW)


# Submission ------------------------------------------------------------------------------------------------------


def test_a_submission_freezes_the_file_and_starts_the_clock(owner, ready):
    submit(ready, owner)
    assert (ready.state, ready.submitted_at, ready.silence_date) == (ApplicationState.SUBMITTED, NOW, date(2027, 1, 22))
    assert (ready.wave.number, ready.notification_consent, ready.version) == (4, True, 2)
    assert actions(ready) == ["start", "submit"]
    event = Event.objects.about(Subject.APPLICATION, ready.pk).last()
    assert event.data == {"specification": "1.0", "wave": 4, "silence_date": "2027-01-22", "consent": True}


def test_a_second_submission_moves_nothing(owner, ready):
    version = ready.version
    submit(ready, owner)
    before = Application.objects.values().get(pk=ready.pk)
    with pytest.raises(RefusedError, match="déjà déposée"):
        submit(ready, owner, version=version, at=NOW + timedelta(seconds=1))
    assert Application.objects.values().get(pk=ready.pk) == before
    assert actions(ready) == ["start", "submit"]


def test_a_double_click_submits_once(committed_ready):
    ready, owner = committed_ready
    outcomes = at_once(*[lambda: submit(Application.objects.get(pk=ready.pk), owner)] * 2)
    assert sorted(type(one).__name__ for one in outcomes) == ["Application", "RefusedError"]
    assert actions(ready) == ["start", "submit"]


@pytest.fixture
def committed_ready(committed_db):
    owner = factories.membership()
    factories.wave()
    draft = start_application(membership=owner, at=NOW)
    Application.objects.filter(pk=draft.pk).update(answers=WHOLE)
    return draft, owner


def test_an_editor_does_not_submit(ready):
    editor = factories.membership(ready.structure, role=MembershipRole.EDITOR)
    with pytest.raises(RefusedError, match="le responsable de la structure"):
        submit(ready, editor)
    ready.refresh_from_db()
    assert ready.state == ApplicationState.DRAFT


def test_an_unfinished_file_says_what_is_left(owner, draft):
    with pytest.raises(RefusedError, match="Identité, Horaires, Équipe, Tarifs, Permanence des soins, Engagements"):
        submit(draft, owner)


def test_a_stale_page_does_not_submit(owner, ready):
    with pytest.raises(StaleError):
        submit(ready, owner, version=0)


def test_between_two_waves_a_file_is_received_without_wave(owner, ready):
    submit(ready, owner, at=datetime(2027, 2, 1, 12, tzinfo=UTC))
    assert ready.wave is None


def test_a_draft_is_rebased_on_the_version_in_force_once_it_was_shown(owner, ready):
    old = latest_specification()
    new = Specification.objects.create(version="1.1", title="Suite", legal_source="essai")
    for row in old.criteria.order_by("position"):
        changed = {"parameters": {"min_days": 6}} if row.code == "cinq-jours-sur-sept" else {}
        values = {
            name: getattr(row, name)
            for name in ("code", "position", "kind", "title", "text", "rule", "parameters", "legal_source")
        }
        Criterion.objects.create(specification=new, **{**values, **changed})
    Specification.objects.filter(pk=new.pk).update(published_at=NOW)
    assert [row.code for row in changed_criteria(ready, new)] == ["cinq-jours-sur-sept"]
    with pytest.raises(StaleError, match=r"1\.1"):
        submit(ready, owner, specification=old)
    submit(ready, owner, specification=new)
    assert ready.specification == new


# Giving up -------------------------------------------------------------------------------------------------------


def test_a_desistement_is_an_event_and_allows_a_new_file(owner, ready):
    submit(ready, owner)
    abandon_application(application=ready, membership=owner, version=ready.version, at=NOW)
    assert ready.state == ApplicationState.ABANDONED
    assert actions(ready)[-1] == "abandon"
    with pytest.raises(RefusedError, match="désistement est possible"):
        abandon_application(application=ready, membership=owner, version=ready.version, at=NOW)
    assert start_application(membership=owner, at=NOW).answers["team"] == WHOLE["team"]


def test_a_draft_is_deleted_and_its_events_stay(owner, draft):
    pk = draft.pk
    with pytest.raises(StaleError):
        discard_draft(application=draft, membership=owner, version=9, at=NOW)
    discard_draft(application=draft, membership=owner, version=1, at=NOW)
    assert not Application.objects.filter(pk=pk).exists()
    assert [row.action for row in Event.objects.about(Subject.APPLICATION, pk)] == ["start", "discard"]


def test_a_submitted_file_is_not_deleted(owner, ready):
    submit(ready, owner)
    with pytest.raises(RefusedError, match="est déposée"):
        discard_draft(application=ready, membership=owner, version=ready.version, at=NOW)


# Receipt and mails -----------------------------------------------------------------------------------------------


@pytest.fixture
def authorities(db):
    return [factories.authority(AuthorityKind.ARS), factories.authority(AuthorityKind.PREFECTURE)]


def test_the_receipt_is_a_tagged_pdf_and_always_the_same_bytes(owner, ready, authorities):
    submit(ready, owner)
    rows = list(authorities_of(ready.departement).values())
    pdf = render_receipt(ready, rows)
    assert pdf.startswith(b"%PDF")
    assert b"pdfuaid:part>1" in pdf
    assert pdf == render_receipt(ready, rows)


def test_text_of_people_is_never_typst_source(owner, ready, authorities):
    hostile = '#panic("x") = Titre *gras* $x$ \\ @ref <label>'
    type(ready.structure).objects.filter(pk=ready.structure_id).update(name=hostile, address=hostile)
    submit(ready, owner)
    application = Application.objects.select_related("structure__commune", "departement", "specification").get(
        pk=ready.pk
    )
    assert render_receipt(application, authorities).startswith(b"%PDF")


def test_a_draft_has_no_receipt(draft):
    with pytest.raises(ValueError, match="no receipt"):
        render_receipt(draft, [])


def test_the_submission_tells_the_structure_and_both_services_once(owner, ready, authorities, monkeypatch):
    submit(ready, owner)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(minutes=1))
    deliver_mail()
    deliver_mail()
    assert sorted(message.to[0] for message in mail.outbox) == sorted(
        [owner.user.email, *["service@exemple.invalid"] * 2]
    )
    receipt = next(message for message in mail.outbox if message.to == [owner.user.email])
    assert "22\u00a0janvier\u00a02027" in receipt.body
    assert receipt.attachments[0][0] == f"accuse-{ready.number}.pdf"
    assert Delivery.objects.filter(consumer="labelling.mail", delivered_at__isnull=True).count() == 0


def test_an_old_event_writes_to_nobody(owner, ready, authorities, monkeypatch):
    submit(ready, owner)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=30))
    deliver_mail()
    assert mail.outbox == []


def test_no_mail_tells_the_sense_of_a_decision_before_it_is_read(owner, ready, authorities, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    submit(ready, owner)
    texts = [message.body + message.subject for event in Event.objects.all() for message in messages_of(event)]
    assert not any("accordé à" in text or "refus" in text for text in texts)
