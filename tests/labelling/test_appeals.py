"""Appeals against a refusal: lodged or recorded, their delays, the judgment of the court, their pages."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import StaleError
from labelling.choices import AppealKind, AppealOutcome, MembershipRole, Verdict
from labelling.choices import ApplicationState as State
from labelling.models import Appeal
from labelling.notifications import messages_of
from labelling.services import acts, appeals
from labelling.services.closing import close_application
from territories.choices import AuthorityKind, DecisionKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.test_decisions import actions, propose, ready, refused, sign_all
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
TEXT = "Le poste de médecin est pourvu depuis le 15 novembre."
ANSWER = "Le contrat du médecin n’est pas joint ; le critère 1 n’est pas rempli à la date de la décision."


@pytest.fixture
def ars(db):
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet(db):
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


def refused_file(ars, prefet, *, read=True):
    """A refusal signed by both, read by the owner at ``NOW``, and the owner."""
    application = ready(ars, [Verdict.NOT_MET])
    owner = make.membership(application.structure)
    sign_all(propose(application, ars, DecisionKind.LABEL_REFUSED).decision, ars, prefet)
    application.refresh_from_db()
    if read:
        acts.read_decision(application=application, membership=owner, at=NOW)
    return application, owner


@pytest.fixture
def case(ars, prefet):
    return refused_file(ars, prefet)


def lodge(file, owner, at=NOW + timedelta(days=10), **fields):
    return appeals.lodge_appeal(
        **{"application": file, "membership": owner, "text": TEXT, "version": file.version, "at": at, **fields}
    )


def enter(file, mandate, at=NOW + timedelta(days=100), **fields):
    values = {"kind": AppealKind.GRACIEUX, "received_date": date(2026, 12, 1), "text": TEXT, "version": file.version}
    return appeals.record_appeal(application=file, mandate=mandate, at=at, **{**values, **fields})


def judge(file, row, mandate, outcome=AppealOutcome.REJECTED, **fields):
    values = {"answer": "Jugement du 3 mars 2027.", "version": file.version, "at": NOW + timedelta(days=110), **fields}
    return appeals.record_judgment(application=file, appeal=row.pk, mandate=mandate, outcome=outcome, **values)


# Lodging and recording --------------------------------------------------------------------------------------------


def test_an_owner_lodges_in_the_portal(case):
    file, owner = case
    row = lodge(file, owner)
    assert (row.kind, row.received_date, row.deadline) == (AppealKind.GRACIEUX, date(2026, 12, 2), date(2027, 1, 23))
    assert not row.is_late
    assert (file.state, actions(file)[-1]) == (State.REFUSED, "lodge_appeal")
    event = Event.objects.about(Subject.APPLICATION, file.pk).last()
    assert event.data == {"appeal": row.pk, "kind": "gracieux", "late": False, "against": "refusal"}
    refused(lambda: lodge(file, owner), "déjà en cours", file)


def test_who_may_not_lodge(ars, prefet, case):
    file, owner = case
    editor = make.membership(file.structure, role=MembershipRole.EDITOR)
    refused(lambda: lodge(file, editor), "responsable de la structure", file)
    refused(lambda: lodge(file, make.membership()), "responsable de la structure", file)
    refused(lambda: lodge(file, owner, text=" "), "Écrivez ce que dit", file)
    with pytest.raises(StaleError):
        lodge(file, owner, version=file.version - 1)
    unread, its_owner = refused_file(ars, prefet, read=False)
    refused(lambda: lodge(unread, its_owner), "Lisez d’abord la décision", unread)
    pending = make.application(state=State.UNDER_REVIEW)
    member = make.membership(pending.structure)
    refused(lambda: lodge(pending, member), "Rien n’est à contester", pending)


@pytest.mark.parametrize(
    ("received", "late"), [(date(2027, 1, 23), False), (date(2027, 1, 24), True), (date(2027, 2, 20), True)]
)
def test_a_late_appeal_is_recorded_and_said_late(ars, case, received, late):
    file, _ = case
    row = enter(file, ars, received_date=received)
    assert row.is_late == late
    assert Event.objects.about(Subject.APPLICATION, file.pk).last().data["late"] == late
    clock = appeals.clock_of(row, received)
    assert (clock.court_until is None) == late, "a late appeal prolongs nothing"


def test_a_letter_before_the_act_or_to_come_is_refused(ars, case):
    file, _ = case
    for day in (date(2026, 11, 21), date(2027, 12, 1)):
        refused(lambda day=day: enter(file, ars, received_date=day), "entre la date de l’acte et aujourd’hui", file)
    refused(lambda: enter(file, make.mandate(role=Role.OBSERVER)), "non de l’instruire", file)
    refused(lambda: enter(file, ars, kind=AppealKind.CONTENTIEUX), "juridiction", file)


def test_nothing_says_late_when_no_delay_runs(ars, prefet):
    file, _ = refused_file(ars, prefet, read=False)
    row = enter(file, ars, received_date=date(2027, 2, 20))
    assert (row.deadline, row.is_late) == (None, False)


def test_an_appeal_in_time_prolongs_the_delay_of_the_court(ars, case):
    file, owner = case
    lodge(file, owner)  # received on 2 December: silence on 2 February, then two clear months
    court = {"kind": AppealKind.CONTENTIEUX, "court": "TA de Valfictif", "docket": "2700042"}
    row = enter(file, ars, at=NOW + timedelta(days=140), received_date=date(2027, 4, 3), **court)
    assert (row.deadline, row.is_late) == (date(2027, 4, 3), False)
    assert appeals.clock_of(row, date(2027, 4, 3)) is None


def test_a_late_appeal_does_not(ars, case):
    file, _ = case
    enter(file, ars, received_date=date(2027, 1, 30))
    court = {"kind": AppealKind.CONTENTIEUX, "court": "TA de Valfictif", "docket": "2700042"}
    row = enter(file, ars, received_date=date(2027, 2, 1), **court)
    assert (row.deadline, row.is_late) == (date(2027, 1, 23), True)


def test_two_months_of_silence_reject_it(case):
    file, owner = case
    row = lodge(file, owner)
    clock = appeals.clock_of(row, date(2027, 2, 2))
    assert (clock.silence, clock.is_silent, clock.court_until) == (date(2027, 2, 2), False, date(2027, 4, 3))
    assert appeals.clock_of(row, date(2027, 2, 3)).is_silent


# The judgment -----------------------------------------------------------------------------------------------------

COURT = {"kind": AppealKind.CONTENTIEUX, "court": "TA de Valfictif", "docket": "2700042"}


def test_a_judgment_takes_effect_at_once(ars, case):
    file, owner = case
    former = file.decision
    gracieux = lodge(file, owner)
    row = enter(file, ars, **COURT)
    refused(lambda: judge(file, row, ars, answer=" "), "ce que dit le jugement", file)
    refused(lambda: judge(file, gracieux, ars), "un acte que les signataires signent", file)
    judge(file, row, ars, AppealOutcome.ACCEPTED)
    row.refresh_from_db()
    assert (row.settled_by, file.state, file.decision) == (ars, State.UNDER_REVIEW, None)
    assert file.silence_date == date(2027, 5, 12), "two months from the judgment"
    assert list(appeals.former_decisions(file)) == [former]
    gracieux.refresh_from_db()
    assert (gracieux.outcome, gracieux.settled_by) == (AppealOutcome.NO_OBJECT, None)
    assert actions(file)[-3:] == ["record_judgment", "drop_appeal", "reopen"]
    with pytest.raises(StaleError, match="n’attend plus"):
        judge(file, row, ars)


@pytest.mark.parametrize("outcome", [AppealOutcome.REJECTED, AppealOutcome.NO_OBJECT])
def test_a_judgment_that_annuls_nothing_moves_nothing(ars, case, outcome):
    file, _ = case
    row = enter(file, ars, **COURT)
    judge(file, row, ars, outcome)
    row.refresh_from_db()
    assert (row.outcome, file.state, actions(file)[-1]) == (outcome, State.REFUSED, "record_judgment")


def test_a_file_is_not_reopened_beside_another(ars, case):
    file, _ = case
    row = enter(file, ars, **COURT)
    other = make.application(file.structure, state=State.SUBMITTED)
    refused(lambda: judge(file, row, ars, AppealOutcome.ACCEPTED), f"candidature en cours, {other.number}", file)
    row.refresh_from_db()
    assert row.settled_at is None
    close_application(application=other, mandate=ars, ground="duplicate", text="Doublon.", version=1, at=NOW)
    judge(file, row, ars, AppealOutcome.ACCEPTED)
    assert file.state == State.UNDER_REVIEW


# The database -----------------------------------------------------------------------------------------------------


def test_the_database_keeps_appeals_whole(ars, prefet, case):
    file, owner = case
    base = {
        "application": file,
        "decision": file.decision,
        "kind": "contentieux",
        "received_date": date(2026, 12, 1),
        "court": "TA",
        "docket": "1",
        "text": "x",
        "mandate": ars,
        "recorded_at": NOW,
    }
    said = {"outcome": "rejected", "answer": "x", "answered_by": ars, "answered_capacity": "ars", "answered_at": NOW}
    for change, name in [
        ({"kind": "x"}, "appeal_court_iff_contentieux"),
        ({"outcome": "rejected"}, "appeal_answer_whole"),
        ({**said, "answer": ""}, "appeal_answer_whole"),
        ({**said, "answered_at": None}, "appeal_answered_by_someone"),
        ({**said, "settled_by": ars}, "appeal_settled_by_someone"),
        ({"settled_at": NOW, "settled_by": ars}, "appeal_settled_with_an_outcome"),
        ({"silence_date": date(2026, 12, 1)}, "appeal_against_one"),
        ({"decision": None}, "appeal_against_one"),
        ({"answer_decision": file.decision}, "appeal_court_iff_contentieux"),
        ({"membership": owner}, "appeal_entered_by_one"),
        ({"mandate": None}, "appeal_entered_by_one"),
        ({"court": ""}, "appeal_court_iff_contentieux"),
        ({"kind": "gracieux"}, "appeal_court_iff_contentieux"),
        ({"text": ""}, "appeal_says_something"),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Appeal.objects.create(**{**base, **change})
    row = Appeal.objects.create(**base)
    with pytest.raises(IntegrityError, match="appeal_one_pending_per_kind"), transaction.atomic():
        Appeal.objects.create(**base)
    rows = Appeal.objects.filter(pk=row.pk)
    with pytest.raises(IntegrityError, match="stays as it was lodged"), transaction.atomic():
        rows.update(received_date=date(2026, 12, 2))
    with pytest.raises(IntegrityError, match="stays as it was lodged"), transaction.atomic():
        rows.delete()
    rows.update(**said, settled_at=NOW, settled_by=ars)
    with pytest.raises(IntegrityError, match="stays as it was lodged"), transaction.atomic():
        rows.update(answer="autre")
    gracieux = Appeal.objects.create(**{**base, "kind": "gracieux", "court": "", "docket": ""})
    with pytest.raises(IntegrityError, match="an answer that every required capacity signed"), transaction.atomic():
        Appeal.objects.filter(pk=gracieux.pk).update(**said, settled_at=NOW)


# Pages and mails --------------------------------------------------------------------------------------------------


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=10))

    def opened(member):
        client = PortalClient()
        client.force_login(member.user)
        return client

    return opened


def post(client, file, action, **data):
    return client.post(reverse("appeal-act", args=[file.number, action]), {"version": file.version, **data})


def test_the_whole_way_through_the_pages(ars, prefet, case, page):
    file, owner = case
    structure, lead, other = page(owner), page(ars), page(prefet)
    url = reverse("appeals", args=[file.number])
    assert url in structure.get(reverse("decision-letter", args=[file.number])).content.decode()
    assert url in structure.get(file.get_absolute_url()).content.decode()
    shown = structure.get(url).content.decode()
    assert "jusqu’au <strong>23\u00a0janvier\u00a02027" in shown
    assert "Fait dans le délai, il prolonge celui du tribunal" in shown
    assert shown.count('class="fr-btn"') == 1
    assert post(structure, file, "former").status_code == 422
    assert post(structure, file, "enregistrer").status_code == 403
    assert post(lead, file, "former", mandate=ars.pk).status_code == 403
    assert post(structure, file, "former", **{"former-text": TEXT}).status_code == 302
    file.refresh_from_db()
    row = Appeal.objects.get()
    shown = structure.get(url).content.decode()
    assert "Réponse attendue au plus tard le 2\u00a0février\u00a02027" in shown
    assert "Envoyer mon recours" not in shown
    assert "Répondre au recours" in lead.get(file.get_absolute_url()).content.decode()
    said = {"repondre-outcome": "rejected", "repondre-answer": ANSWER, "appeal": row.pk, "mandate": ars.pk}
    assert "Rejet du recours" not in lead.get(url).content.decode()
    assert post(lead, file, "repondre", **{**said, "repondre-answer": ""}).status_code == 422
    assert post(lead, file, "repondre", **said).status_code == 302
    file.refresh_from_db()
    shown = lead.get(url).content.decode()
    assert "Arrêté conjoint portant rejet du recours gracieux" in shown
    assert shown.count('class="fr-btn"') == 1
    assert "Présenter la réponse à la signature" in shown
    there = other.get(url).content.decode()
    assert "qui l’a rédigé" in there
    assert there.count('class="fr-btn"') == 1
    held = {"appeal": row.pk, "mandate": prefet.pk}
    assert post(other, file, "presenter", **held).status_code == 409
    assert post(lead, file, "presenter", appeal=row.pk, mandate=ars.pk).status_code == 302
    file.refresh_from_db()
    assert "La réponse est à la signature" in lead.get(url).content.decode()
    assert ANSWER not in structure.get(url).content.decode(), "an answer is read once notified"
    row.refresh_from_db()
    read_at = reverse("appeal-answer", args=[file.number, row.pk])
    assert structure.get(read_at).status_code == 404
    sign_all(row.answer_decision, ars, prefet)
    for shown in (structure.get(url), structure.get(read_at), structure.get(file.get_absolute_url())):
        assert "jeté" not in shown.content.decode().partition("<main")[2]
        assert ANSWER not in shown.content.decode()
    pdf = reverse("appeal-answer-pdf", args=[file.number, row.pk])
    assert structure.get(pdf).status_code == 403
    assert lead.post(read_at).status_code == 403
    assert structure.post(read_at).status_code == 302
    shown = structure.get(read_at).content.decode()
    assert ANSWER[1:].rstrip(".") in shown.replace("\u00a0;", " ;")
    assert "avec l’acte contesté, jusqu’au <strong>3\u00a0février\u00a02027" in shown
    acts.render_missing_acts()
    assert structure.get(pdf).content.startswith(b"%PDF")
    assert page(make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER)).get(url).status_code == 403


def test_an_agent_records_a_letter_and_a_request_to_the_court(ars, case, page):
    file, _ = case
    client = page(ars)
    data = {"mandate": ars.pk, "enregistrer-text": TEXT, "enregistrer-received_date": "2026-11-30"}
    missing = post(client, file, "enregistrer", **data, **{"enregistrer-kind": "contentieux"})
    assert missing.status_code == 422
    assert "Indiquez le numéro de la requête" in missing.content.decode()
    assert post(client, file, "enregistrer", **data, **{"enregistrer-kind": "gracieux"}).status_code == 302
    file.refresh_from_db()
    assert (
        "Recours gracieux</strong> contre le refus du label, reçu le 30"
        in client.get(file.get_absolute_url()).content.decode()
    )


def test_a_former_decision_stays_readable(ars, prefet, case, page):
    file, owner = case
    former = file.decision
    judge(file, enter(file, ars, **COURT), ars, AppealOutcome.ACCEPTED)
    url = reverse("former-decision", args=[file.number, former.pk])
    for reader in (owner, ars):
        assert url in page(reader).get(file.get_absolute_url()).content.decode()
        shown = page(reader).get(url).content.decode()
        assert "Un recours a fait revenir sur cette décision" in shown
        assert json.loads(former.content)["articles"][0].split()[-1] in shown
    acts.render_missing_acts()
    assert page(owner).get(reverse("former-decision-pdf", args=[file.number, former.pk])).status_code == 200
    stranger = make.application(state=State.UNDER_REVIEW)
    assert page(ars).get(reverse("former-decision", args=[stranger.number, former.pk])).status_code == 404


def test_mails_tell_who_must_know(ars, prefet, case, monkeypatch):
    file, owner = case
    lodge(file, owner)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=22))
    last = Event.objects.about(Subject.APPLICATION, file.pk)
    monkeypatch.setattr("labelling.notifications.timezone.now", lambda: NOW + timedelta(days=11))
    *services, receipt = messages_of(last.last())
    assert len(services) == 2
    assert receipt.to == [owner.user.email]
    assert "réputé rejeté" in receipt.body


def test_the_list_says_that_an_appeal_awaits_its_answer(ars, case, monkeypatch):
    file, owner = case
    lodge(file, owner)
    client = PortalClient()
    client.force_login(ars.user)
    for at, words in [
        (NOW + timedelta(days=11), "Réponse attendue jusqu’au 02/02/2027\u00a0; le silence vaudra rejet."),
        (NOW + timedelta(days=90), "réputé rejeté, peut encore être accueilli"),
    ]:
        monkeypatch.setattr("django.utils.timezone.now", lambda at=at: at)
        assert words in client.get("/dossiers/", {"vue": "tous", "col": "suite"}).content.decode()
