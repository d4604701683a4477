"""Against silence: the reasons that are asked for and prolong the delay, the appeals, and what an express decision does."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import AppealKind, AppealOutcome, MembershipRole, Verdict
from labelling.choices import ApplicationState as State
from labelling.models import ReasonsRequest
from labelling.rules.clock import reasons_due, silence_appeal_deadline
from labelling.services import appeal_answers, appeals, reasons
from labelling.services.answers_due import warn_of_answers
from labelling.services.applications import abandon_application
from labelling.services.clocks import base_silence_date
from labelling.services.contested import deadline_of, targets_of
from labelling.tasks import send
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.test_appeals import COURT, TEXT
from tests.labelling.test_decisions import actions, propose, ready, refused, sign_all
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

SILENCE = date(2027, 1, 12)
AFTER = datetime(2027, 1, 20, 9, 0, tzinfo=UTC)
UNTIL = date(2027, 3, 13)


@pytest.fixture
def ars(db):
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet(db):
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


@pytest.fixture
def case(ars, prefet):
    return silent_file(ars)


def silent_file(ars, verdicts=(Verdict.NOT_MET,)):
    """A file shared and endorsed, received on 12 November 2026 and silent since 12 January 2027; and its owner."""
    file = ready(ars, list(verdicts))
    return file, make.membership(file.structure)


def ask(file, owner, at=AFTER, **fields):
    return reasons.ask_reasons(
        **{"application": file, "membership": owner, "version": file.version, "at": at, **fields}
    )


def give(file, mandate, at=AFTER + timedelta(days=10), **fields):
    values = {"reasons": "Critère 1 : poste vacant.", "version": file.version, **fields}
    return reasons.give_reasons(application=file, mandate=mandate, at=at, **values)


def receive(file, owner, at=AFTER + timedelta(days=12), **fields):
    return reasons.receive_reasons(
        **{"application": file, "membership": owner, "version": file.version, "at": at, **fields}
    )


def lodge(file, owner, at=AFTER, **fields):
    values = {"text": TEXT, "version": file.version, **fields}
    return appeals.lodge_appeal(application=file, membership=owner, at=at, **values)


def record(file, mandate, at=AFTER, **fields):
    values = {"kind": AppealKind.GRACIEUX, "received_date": at.date(), "text": TEXT, "version": file.version, **fields}
    return appeals.record_appeal(application=file, mandate=mandate, at=at, **values)


def judge(file, row, mandate, outcome, at=AFTER):
    return appeals.record_judgment(
        application=file, appeal=row.pk, mandate=mandate, outcome=outcome, answer="Jugé.", version=file.version, at=at
    )


def answered(file, row, outcome, *mandates, at=AFTER):
    by = {"application": file, "appeal": row.pk, "mandate": mandates[0], "at": at}
    appeal_answers.draft_answer(outcome=outcome, answer="Motif.", version=file.version, **by)
    decision = appeal_answers.propose_answer(version=file.version, **by)
    sign_all(decision, *mandates, at=at)
    file.refresh_from_db()
    row.refresh_from_db()
    return decision


def deadlines(file, on):
    (target,) = targets_of(file, on=on)
    return [deadline_of(file, target, kind) for kind in AppealKind]


# The rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "communicated", "until"),
    [
        (None, None, UNTIL),
        (date(2027, 1, 13), None, None),
        (UNTIL, None, None),
        (date(2027, 3, 14), None, UNTIL),
        (date(2027, 3, 14), date(2027, 4, 1), UNTIL),
        (date(2027, 1, 20), date(2027, 2, 19), date(2027, 4, 20)),
        (UNTIL, date(2027, 12, 31), date(2028, 3, 1)),
    ],
)
def test_reasons_asked_in_time_put_the_delay_off_until_two_months_after_they_are_communicated(
    asked, communicated, until
):
    assert silence_appeal_deadline(SILENCE, asked_on=asked, communicated_on=communicated) == until


def test_reasons_are_due_in_a_month():
    assert reasons_due(date(2027, 1, 31), months=1) == date(2027, 2, 28)


# The reasons ------------------------------------------------------------------------------------------------------


def test_the_whole_way_of_the_reasons(ars, case):
    file, owner = case
    assert deadlines(file, AFTER.date()) == [UNTIL, UNTIL]
    asked = ask(file, owner)
    assert (asked.silence_date, asked.received_date, asked.is_late) == (SILENCE, date(2027, 1, 20), False)
    assert reasons.due_on(asked) == date(2027, 2, 20)
    assert deadlines(file, AFTER.date()) == [None, None], "no delay ends before the reasons are communicated"
    refused(lambda: ask(file, owner), "déjà demandés", file)
    refused(lambda: receive(file, owner), "Aucun motif n’attend", file)
    refused(lambda: give(file, ars, reasons=" "), "critère par critère", file)
    give(file, ars)
    refused(lambda: give(file, ars), "déjà donnés", file)
    assert deadlines(file, AFTER.date()) == [None, None], "they count once read"
    receive(file, owner)
    assert deadlines(file, AFTER.date()) == [date(2027, 4, 2)] * 2
    refused(lambda: receive(file, owner), "Aucun motif n’attend", file)
    assert actions(file) == ["ask_reasons", "give_reasons", "receive_reasons"]
    assert not any("vacant" in str(event.data) for event in Event.objects.about(Subject.APPLICATION, file.pk))


def test_who_may_not_and_when(ars, case):
    file, owner = case
    editor = make.membership(file.structure, role=MembershipRole.EDITOR)
    for member in (editor, make.membership()):
        refused(lambda member=member: ask(file, member), "responsable de la structure", file)
    last_day = datetime(2027, 1, 12, 22, 59, tzinfo=UTC)
    refused(lambda: ask(file, owner, at=last_day), "n’est pas réputé rejeté", file)
    refused(lambda: lodge(file, owner, at=last_day), "Rien n’est à contester", file)
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Ailleurs", region="R2"))
    refused(lambda: ask(file, None, mandate=elsewhere, membership=None), "ne couvre pas", file)
    with pytest.raises(StaleError):
        ask(file, owner, version=file.version + 1)
    # Half an hour later it is the 13th in Paris, and still the 12th in Cayenne.
    ask(file, owner, at=datetime(2027, 1, 12, 23, 30, tzinfo=UTC))
    type(file.departement).objects.filter(pk=file.departement_id).update(timezone="America/Cayenne")
    other, its_owner = silent_file(ars)
    refused(lambda: ask(other, its_owner, at=datetime(2027, 1, 12, 23, 30, tzinfo=UTC)), "n’est pas réputé", other)


def test_a_letter_asks_and_a_letter_answers(ars, case):
    file, _ = case
    by_letter = {"membership": None, "mandate": ars}
    for day in (SILENCE, date(2027, 1, 21)):
        refused(lambda day=day: ask(file, None, received_date=day, **by_letter), "entre le rejet implicite et", file)
    asked = ask(file, None, received_date=date(2027, 1, 15), **by_letter)
    assert (asked.mandate, asked.received_date) == (ars, date(2027, 1, 15))
    give(file, ars)
    for day in (date(2027, 1, 29), date(2027, 2, 2)):
        refused(lambda day=day: receive(file, None, received_date=day, **by_letter), "entre leur envoi et", file)
    receive(file, None, received_date=date(2027, 1, 31), **by_letter)
    assert deadlines(file, AFTER.date()) == [date(2027, 4, 1)] * 2


def test_unread_they_are_presumed_read_like_a_decision(ars, case, monkeypatch):
    file, owner = case
    ask(file, owner)
    give(file, ars)
    given = AFTER + timedelta(days=10)
    due = given + timedelta(days=settings.PORTAL_NOTIFICATION_DAYS)
    assert reasons.presume_reasons_read(at=due - timedelta(seconds=1)) == 0
    # A night late, the day is still that of the rule.
    assert reasons.presume_reasons_read(at=due + timedelta(days=1)) == 1
    assert reasons.presume_reasons_read(at=due + timedelta(days=1)) == 0
    file.refresh_from_db()
    assert reasons.asked_reasons(file).communicated_date == date(2027, 2, 14)
    assert deadlines(file, due.date()) == [date(2027, 4, 15)] * 2
    refused(lambda: receive(file, owner, at=due + timedelta(days=2)), "Aucun motif n’attend", file)
    event = Event.objects.about(Subject.APPLICATION, file.pk).get(action="presume_reasons")
    mail.outbox.clear()
    send(event)
    (told,) = mail.outbox
    assert told.to == [owner.user.email]
    assert "réputés vous avoir été communiqués le 14\u00a0février\u00a02027" in told.body
    assert "contester ce rejet jusqu’au 15\u00a0avril\u00a02027" in told.body
    page = PortalClient()
    page.force_login(owner.user)
    monkeypatch.setattr("django.utils.timezone.now", lambda: due + timedelta(days=2))
    assert "Critère 1 : poste vacant." in page.get(reverse("appeals", args=[file.number])).text


@pytest.mark.parametrize("who", ["by_letter", "nobody", "set_aside"])
def test_reasons_that_nobody_could_read_are_not_presumed_read(ars, case, who):
    file, owner = case
    ask(file, owner)
    give(file, ars)
    if who == "by_letter":
        type(file).objects.filter(pk=file.pk).update(notification_consent=False)
    elif who == "nobody":
        type(owner).objects.filter(pk=owner.pk).update(ended_at=AFTER)
    else:
        abandon_application(application=file, membership=owner, version=file.version, at=AFTER)
    assert reasons.presume_reasons_read(at=AFTER + timedelta(days=60)) == 0
    assert ReasonsRequest.objects.get().communicated_date is None


def test_read_and_presumed_at_once_they_are_communicated_once(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    file, owner = silent_file(ars)
    ask(file, owner)
    give(file, ars)
    again = type(file).objects.get(pk=file.pk)
    at = AFTER + timedelta(days=26)
    at_once(lambda: receive(again, owner, at=at), lambda: reasons.presume_reasons_read(at=at))
    told = Event.objects.about(Subject.APPLICATION, file.pk).filter(action__in=["receive_reasons", "presume_reasons"])
    assert told.count() == 1


def test_asked_too_late_they_prolong_nothing(ars, case):
    file, owner = case
    late = datetime(2027, 3, 14, 9, 0, tzinfo=UTC)
    assert ask(file, owner, at=late).is_late
    give(file, ars, at=late)
    receive(file, owner, at=late)
    assert deadlines(file, late.date()) == [UNTIL, UNTIL]
    assert lodge(file, owner, at=late).is_late


def test_the_shared_assessment_gives_the_reasons_by_criterion(ars, case):
    file, _ = case
    assert reasons.shared_reasons(file) == (
        "Critère 1, Présence médicale\u00a0: non rempli. Poste vacant depuis le 1er septembre 2026."
    )
    type(file).objects.filter(pk=file.pk).update(shared_at=None, endorsed_at=None)
    file.refresh_from_db()
    assert reasons.shared_reasons(file) == "", "what is private stays so"


def test_two_people_ask_at_once(committed_db):
    file, owner = silent_file(make.mandate(AuthorityKind.ARS))
    again = type(file).objects.get(pk=file.pk)
    results = at_once(lambda: ask(file, owner), lambda: ask(again, owner))
    assert sorted(type(result).__name__ for result in results) == ["ReasonsRequest", "StaleError"]


# The appeals ------------------------------------------------------------------------------------------------------


def test_an_appeal_rejected_leaves_the_file_decidable(ars, prefet, case):
    file, owner = case
    row = lodge(file, owner)
    assert (row.decision, row.silence_date, row.deadline, row.against) == (None, SILENCE, UNTIL, "silence")
    refused(lambda: lodge(file, owner), "déjà en cours", file)
    decision = answered(file, row, AppealOutcome.REJECTED, ars, prefet)
    assert decision.required == ["ars", "prefet"], "those of the rule: nobody signed silence"
    assert (row.outcome, file.state, file.silence_date) == ("rejected", State.UNDER_REVIEW, SILENCE)


def test_an_appeal_accepted_begins_the_delay_again(ars, prefet, case):
    file, owner = case
    asked = ask(file, owner)
    row = lodge(file, owner)
    answered(file, row, AppealOutcome.ACCEPTED, ars, prefet)
    assert (file.state, file.silence_date) == (State.UNDER_REVIEW, date(2027, 3, 20))
    assert base_silence_date(file) == date(2027, 3, 20)
    assert actions(file)[-2:] == ["accept_appeal", "restart"]
    assert targets_of(file, on=AFTER.date()) == []
    asked.refresh_from_db()
    assert asked.set_aside_at == AFTER
    # A second silence is another rejection, contested anew.
    later = AFTER + timedelta(days=70)
    assert lodge(file, owner, at=later).silence_date == date(2027, 3, 20)
    assert ask(file, owner, at=later).silence_date == date(2027, 3, 20)


def test_a_judgment_against_silence(ars, case):
    file, _ = case
    row = record(file, ars, **COURT)
    assert row.deadline == UNTIL
    judge(file, row, ars, AppealOutcome.ACCEPTED)
    assert (file.silence_date, actions(file)[-2:]) == (date(2027, 3, 20), ["record_judgment", "restart"])


# An express decision meanwhile ------------------------------------------------------------------------------------


def express(file, ars, prefet, kind):
    sign_all(propose(file, ars, kind).decision, ars, prefet, at=AFTER)
    file.refresh_from_db()


@pytest.mark.parametrize("granted", [True, False])
def test_an_express_decision_leaves_nothing_of_the_silence(ars, prefet, granted):
    file, owner = silent_file(ars, () if granted else (Verdict.NOT_MET,))
    asked = ask(file, owner)
    row = lodge(file, owner)
    by = {"application": file, "appeal": row.pk, "mandate": ars, "at": AFTER}
    appeal_answers.draft_answer(outcome=AppealOutcome.REJECTED, answer="Motif.", version=file.version, **by)
    answer = appeal_answers.propose_answer(version=file.version, **by)
    court = record(file, ars, **COURT)
    express(file, ars, prefet, DecisionKind.LABEL_GRANTED if granted else DecisionKind.LABEL_REFUSED)
    for one in (row, asked, answer, court):
        one.refresh_from_db()
    assert file.state == (State.LABELLED if granted else State.REFUSED)
    assert (row.outcome, row.answer, row.settled_at) == ("no_object", "", AFTER)
    assert (asked.set_aside_at, answer.state) == (AFTER, DecisionState.REPLACED)
    assert actions(file)[-1] == "drop_appeal"
    assert court.settled_at is None, "what the court was asked, it judges"
    judge(file, court, ars, AppealOutcome.NO_OBJECT)
    court.refresh_from_db()
    assert (court.outcome, file.state) == ("no_object", State.LABELLED if granted else State.REFUSED)


def test_the_court_annuls_the_refusal_that_replaced_the_silence(ars, prefet, case):
    file, _ = case
    court = record(file, ars, **COURT)
    express(file, ars, prefet, DecisionKind.LABEL_REFUSED)
    judge(file, court, ars, AppealOutcome.ACCEPTED)
    assert (file.state, file.decision) == (State.UNDER_REVIEW, None)


def test_giving_up_settles_it_too(case):
    file, owner = case
    row = lodge(file, owner)
    abandon_application(application=file, membership=owner, version=file.version, at=AFTER)
    row.refresh_from_db()
    assert row.outcome == "no_object"


def test_a_grant_and_the_answer_to_the_appeal_at_the_same_instant(committed_db):
    ars, prefet = make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)
    file, owner = silent_file(ars, ())
    row = lodge(file, owner)
    by = {"application": file, "appeal": row.pk, "mandate": ars, "at": AFTER}
    appeal_answers.draft_answer(outcome=AppealOutcome.ACCEPTED, answer="Motif.", version=file.version, **by)
    answer = appeal_answers.propose_answer(version=file.version, **by)
    grant = propose(file, ars).decision
    for decision in (answer, grant):
        sign_all(decision, ars, at=AFTER)
    results = at_once(lambda: sign_all(answer, prefet, at=AFTER), lambda: sign_all(grant, prefet, at=AFTER))
    file.refresh_from_db()
    row.refresh_from_db()
    assert file.state == State.LABELLED
    assert row.outcome in {"accepted", "no_object"}
    assert sum(isinstance(result, RefusedError) for result in results) == (row.outcome == "no_object")


# The database -----------------------------------------------------------------------------------------------------


def test_the_database_keeps_reasons_as_they_were_given(ars, case):
    file, owner = case
    base = {
        "application": file,
        "silence_date": SILENCE,
        "received_date": date(2027, 1, 20),
        "deadline": UNTIL,
        "membership": owner,
        "recorded_at": AFTER,
    }
    for change, name in [
        ({"mandate": ars}, "reasons_request_entered_by_one"),
        ({"reasons": "x"}, "reasons_request_answer_whole"),
        ({"communicated_date": date(2027, 1, 21)}, "reasons_request_communicated_once_given"),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            ReasonsRequest.objects.create(**{**base, **change})
    row = ReasonsRequest.objects.create(**base)
    with pytest.raises(IntegrityError, match="reasons_request_once_per_silence"), transaction.atomic():
        ReasonsRequest.objects.create(**base)
    rows = ReasonsRequest.objects.filter(pk=row.pk)
    given = {"reasons": "x", "answered_by": ars, "answered_at": AFTER}
    with pytest.raises(IntegrityError, match="reasons_request_communicated_or_set_aside"), transaction.atomic():
        rows.update(**given, communicated_date=date(2027, 1, 21), set_aside_at=AFTER)
    rows.update(**given)
    for change in ({"reasons": "y"}, {"received_date": date(2027, 1, 21)}):
        with pytest.raises(IntegrityError, match="stay as they were asked for"), transaction.atomic():
            rows.update(**change)
    with pytest.raises(IntegrityError, match="stay as they were asked for"), transaction.atomic():
        rows.delete()


# Pages, mails, warnings -------------------------------------------------------------------------------------------


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: AFTER)

    def opened(member):
        client = PortalClient()
        client.force_login(member.user)
        return client

    return opened


def post(client, file, action, **data):
    file.refresh_from_db()
    return client.post(reverse("appeal-act", args=[file.number, action]), {"version": file.version, **data})


def test_the_pages_say_at_every_moment_what_is_possible_pending_and_until_when(ars, case, page):
    file, owner = case
    structure, agent = page(owner), page(ars)
    url = reverse("appeals", args=[file.number])
    shown = structure.get(file.get_absolute_url()).content.decode()
    assert "demander les motifs de ce rejet, ou le contester jusqu’au 13\u00a0mars\u00a02027" in shown
    assert f'href="{url}"' in shown
    shown = structure.get(url).content.decode()
    assert "Demander les motifs" in shown
    assert shown.count('class="fr-btn"') == 1
    assert "jusqu’au <strong>13\u00a0mars\u00a02027" in shown
    assert post(structure, file, "donner-motifs").status_code == 403
    assert post(agent, file, "motifs", mandate=ars.pk).status_code == 403
    assert post(structure, file, "motifs").status_code == 302
    assert post(structure, file, "motifs").status_code == 409
    shown = structure.get(url).content.decode()
    assert "Ils sont dus au plus tard le 20\u00a0février\u00a02027" in shown
    assert "deux mois après leur communication" in shown
    assert "Motifs attendus au plus tard le 20\u00a0février\u00a02027." in structure.get("/dossiers/").content.decode()
    listed = agent.get("/dossiers/", {"vue": "recours", "col": "suite"}).content.decode()
    assert "À communiquer au plus tard le 20/02/2027" in listed
    shown = agent.get(url).content.decode()
    assert "Poste vacant depuis le 1er septembre 2026." in shown
    assert shown.count('class="fr-btn"') == 1
    given = {"mandate": ars.pk, "donner-motifs-reasons": "Poste vacant."}
    assert post(agent, file, "donner-motifs", **{**given, "donner-motifs-reasons": ""}).status_code == 422
    assert post(agent, file, "donner-motifs", **given).status_code == 302
    shown = structure.get(url).content.decode()
    assert "Poste vacant." not in shown.partition("Motifs du rejet implicite")[2], "read by an act, which dates it"
    assert "Lire les motifs" in shown
    assert post(structure, file, "lire-motifs").status_code == 302
    shown = structure.get(url).content.decode()
    assert "Poste vacant." in shown
    assert "jusqu’au <strong>21\u00a0mars\u00a02027" in shown
    assert post(structure, file, "former", **{"former-text": TEXT}).status_code == 302
    assert (
        "Réponse à votre recours attendue au plus tard le 20\u00a0mars\u00a02027."
        in structure.get("/dossiers/").content.decode()
    )
    assert "Réponse attendue jusqu’au 20/03/2027" in agent.get("/dossiers/", {"vue": "recours", "col": "suite"}).text


def test_nothing_of_an_unread_decision_is_told_by_the_appeals(ars, prefet, case, page):
    file, owner = case
    lodge(file, owner)
    express(file, ars, prefet, DecisionKind.LABEL_REFUSED)
    client = page(owner)
    for url in (reverse("appeals", args=[file.number]), file.get_absolute_url()):
        shown = client.get(url).content.decode().partition("<main")[2]
        assert "sans objet" in shown.lower()
        assert "efus" not in shown.replace("refusal", "").replace("délai passé, refus", "")


def test_a_letter_through_the_pages(ars, case, page):
    file, _ = case
    agent = page(ars)
    by = {"mandate": ars.pk}
    assert post(agent, file, "enregistrer-motifs", **by).status_code == 422
    dated = {"enregistrer-motifs-received_date": "2027-01-18"}
    assert post(agent, file, "enregistrer-motifs", **by, **dated).status_code == 302
    assert post(agent, file, "donner-motifs", **by, **{"donner-motifs-reasons": "Poste vacant."}).status_code == 302
    received = {"remettre-motifs-received_date": "2027-01-20"}
    assert post(agent, file, "remettre-motifs", **by, **received).status_code == 302
    assert "Communiqués le 20\u00a0janvier\u00a02027" in agent.get(reverse("appeals", args=[file.number])).text


def test_the_list_costs_the_same_for_two_as_for_six(ars, page):
    def listed():
        return agent.get("/dossiers/", {"vue": "recours", "col": "suite"}).content.decode()

    def two_more():
        for _ in range(2):
            file, owner = silent_file(ars)
            ask(file, owner)
            lodge(file, owner)

    agent = page(ars)
    two_more()
    listed()
    with CaptureQueriesContext(connection) as of_two:
        assert listed().count("À communiquer") == 2
    two_more()
    two_more()
    with CaptureQueriesContext(connection) as of_six:
        assert listed().count("À communiquer") == 6
    assert len(of_six) == len(of_two)


def test_both_authorities_are_warned_before_the_last_day(ars, prefet, case, monkeypatch):
    file, owner = case
    ask(file, owner)
    lodge(file, owner)
    at = {days: datetime(2027, 2, 20, 9, 0, tzinfo=UTC) - timedelta(days=days) for days in (16, 15, 3)}
    assert [warn_of_answers(at=at[16]), warn_of_answers(at=at[15]), warn_of_answers(at=at[15])] == [0, 1, 0]
    assert warn_of_answers(at=at[3]) == 1
    assert warn_of_answers(at=at[3] + timedelta(days=20)) == 1, "then the appeal, due on 20 March"
    last = Event.objects.about(Subject.APPLICATION, file.pk).filter(action="warn_answer")
    assert [event.data["days"] for event in last] == [15, 3, 15]
    monkeypatch.setattr("django.utils.timezone.now", lambda: at[3])
    send(last[1])
    assert [sent.to for sent in mail.outbox] == [["service@exemple.invalid"]] * 2
    assert "dus au plus tard le 20\u00a0février\u00a02027" in mail.outbox[0].body
    give(file, ars)
    mail.outbox.clear()
    send(last[1])
    assert not mail.outbox, "given meanwhile"


def test_mails_about_the_reasons(ars, prefet, case, monkeypatch):
    file, owner = case
    monkeypatch.setattr("django.utils.timezone.now", lambda: AFTER)
    ask(file, owner)
    give(file, ars, at=AFTER)
    for event in Event.objects.about(Subject.APPLICATION, file.pk):
        send(event)
    *services, told = mail.outbox
    assert [one.to for one in services] == [["service@exemple.invalid"]] * 2
    assert "dus au plus tard le 20\u00a0février\u00a02027" in services[0].body
    assert told.to == [owner.user.email]
    assert "vacant" not in told.body
