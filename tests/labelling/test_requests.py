"""Questions to the structure: prepared, sent, read, answered, withdrawn, expired; and the clock that they stop."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, MembershipRole, RevisionKind, Verdict
from labelling.models import AnswerDraft, AnswerRevision, Application, InformationRequest
from labelling.rules.answers import parse
from labelling.rules.badges import STRUCTURE, badge, facts_of
from labelling.services import clocks, decisions, replies, requests, reviews, revisions
from labelling.services.applications import abandon_application
from territories.choices import AuthorityKind, Capacity, Role, Subject
from territories.models import Event
from territories.services.events import record_event
from tests import factories as make
from tests.labelling import test_answers
from tests.plugins.committed import at_once

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=PARIS)
RECEIVED = datetime(2026, 10, 4, 9, 0, tzinfo=PARIS)
BASE = date(2026, 12, 4)
WHOLE = {**test_answers.WHOLE, "sites": [], "stops": []}
DEADLINE = date(2026, 12, 15)
DOCTORS, NURSES, HOURS = "presence-medicale", "presence-infirmiere", "cinq-jours-sur-sept"
WEDNESDAY = {"hours": {**WHOLE["hours"], "wed": [["09:00", "12:00"]]}, "closures": WHOLE["closures"]}


def day(number, month=11, hour=10):
    return datetime(2026, month, number, hour, 0, tzinfo=PARIS)


def submitted(owner, **fields):
    return make.application(
        owner.structure,
        state=State.UNDER_REVIEW,
        answers=parse(WHOLE).as_json(),
        submitted_at=RECEIVED,
        silence_date=BASE,
        **fields,
    )


def prepare(file, mandate, code=HOURS, *, required=True, question="Le mercredi est-il ouvert ?", at=NOW):
    criterion = file.specification.criteria.get(code=code)
    return requests.prepare_question(
        application=file, criterion=criterion, question=question, required=required, mandate=mandate, at=at
    )


def ask(file, mandate, *codes, required=True, deadline=DEADLINE, at=NOW):
    for code in codes:
        prepare(file, mandate, code, required=required, at=at)
    file.refresh_from_db()
    return requests.send_questions(application=file, mandate=mandate, deadline=deadline, version=file.version, at=at)


def reply(question, member, *, answers=None, words="Oui, le matin.", version=0, at=NOW):
    return replies.save_reply(
        question=question, membership=member, answers=answers or {}, reply=words, version=version, at=at
    )


def send(file, member, *, version=1, at=NOW):
    return replies.send_answers(application=file, membership=member, version=version, at=at)


def events(file):
    return list(Event.objects.about(Subject.APPLICATION, file.pk).values_list("action", flat=True))


def refused(call, sentence, file):
    """The act is refused with this sentence, and neither the file, nor its questions, nor the events moved."""

    def everything():
        return (
            Application.objects.values().get(pk=file.pk),
            list(InformationRequest.objects.filter(application=file).order_by("pk").values()),
            list(AnswerDraft.objects.values()),
            AnswerRevision.objects.count(),
            events(file),
        )

    before = everything()
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert everything() == before


@pytest.fixture
def editor(owner):
    return make.membership(owner.structure, role=MembershipRole.EDITOR)


@pytest.fixture
def file(owner, ars):
    return submitted(owner, ars_reviewer=ars)


@pytest.fixture
def codes(file):
    return list(
        file.specification.criteria.filter(kind=CriterionKind.CRITERION)
        .order_by("position")
        .values_list("code", flat=True)
    )


# Asking --------------------------------------------------------------------------------------------------------------


def test_prepared_questions_are_sent_together_with_one_deadline(file, ars, prefecture):
    first, second = prepare(file, ars), prepare(file, ars, NURSES, required=False)
    other = prepare(file, prefecture, DOCTORS)
    assert events(file) == [], "preparing is private"
    sent = requests.send_questions(application=file, mandate=ars, deadline=DEADLINE, version=1, at=NOW)
    assert {row.pk for row in sent} == {first.pk, second.pk}
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.sent_at, first.sent_by, first.deadline, other.sent_at) == (NOW, ars, DEADLINE, None)
    assert (file.version, events(file)) == (2, ["ask"])
    assert file.silence_date == BASE, "nothing stops before the structure reads"
    data = Event.objects.get(action="ask").data
    assert (set(data["requests"]), data["deadline"], data["required"]) == ({first.pk, second.pk}, "2026-12-15", True)


def test_who_may_not_ask(file, ars, prefecture, owner):
    outside = make.departement("97X", "Valfictie", region="R2")
    for mandate, sentence in [
        (make.mandate(AuthorityKind.ARS, role=Role.OBSERVER), "permet de lire"),
        (make.mandate(AuthorityKind.NATIONAL), "permet de lire"),
        (make.mandate(AuthorityKind.PREFECTURE, on=outside), "ne couvre pas"),
    ]:
        refused(lambda mandate=mandate: prepare(file, mandate), sentence, file)
    mine = prepare(file, ars)
    refused(lambda: requests.drop_question(question=mine, mandate=prefecture, at=NOW), "autre autorité|n’est pas", file)
    refused(
        lambda: requests.send_questions(application=file, mandate=prefecture, deadline=DEADLINE, version=1, at=NOW),
        "Aucune question n’est préparée",
        file,
    )
    requests.drop_question(question=mine, mandate=ars, at=NOW)
    assert not InformationRequest.objects.exists()


def test_a_question_is_about_a_criterion_of_the_file_and_asks_something(file, ars):
    refused(lambda: prepare(file, ars, question="  "), "Écrivez la question", file)
    refused(lambda: prepare(file, ars, "accompagnement"), "ne fait pas partie", file)
    waiting = make.application(state=State.SUBMITTED)
    refused(lambda: prepare(waiting, ars), "pendant l’instruction", waiting)


@pytest.mark.parametrize("deadline", [date(2026, 12, 1), date(2027, 1, 24), date(2026, 11, 20)])
def test_a_deadline_is_neither_too_near_nor_too_far(file, ars, deadline):
    prepare(file, ars)
    refused(
        lambda: requests.send_questions(application=file, mandate=ars, deadline=deadline, version=1, at=NOW),
        "entre le 2",
        file,
    )


def test_a_stale_page_sends_nothing(file, ars):
    prepare(file, ars)
    with pytest.raises(StaleError):
        requests.send_questions(application=file, mandate=ars, deadline=DEADLINE, version=7, at=NOW)
    assert InformationRequest.objects.prepared().count() == 1


def test_a_question_sent_is_not_dropped(file, ars):
    (question,) = ask(file, ars, HOURS)
    refused(lambda: requests.drop_question(question=question, mandate=ars, at=NOW), "déjà envoyée", file)


# The clock -----------------------------------------------------------------------------------------------------------


def test_reading_stops_the_clock_until_the_deadline_and_answering_makes_it_run_again(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    file.refresh_from_db()
    question.refresh_from_db()
    assert (question.notified_at, file.silence_date) == (NOW, date(2026, 12, 25))
    assert clocks.awaited(file, today=date(2026, 11, 26)).pause == (date(2026, 11, 24), DEADLINE)
    reply(question, owner, at=day(1, 12))
    send(file, owner, at=day(1, 12))
    file.refresh_from_db()
    assert file.silence_date == date(2026, 12, 11), "seven days of pause"
    assert events(file) == ["ask", "read_request", "answer"]


def test_reading_twice_counts_once(file, ars, owner, editor):
    ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=editor, at=NOW)
    assert replies.read_questions(application=file, membership=owner, at=day(28)) == []
    assert InformationRequest.objects.get().notified_at == NOW
    assert events(file) == ["ask", "read_request"]


def test_a_mere_precision_stops_nothing(file, ars, owner):
    ask(file, ars, HOURS, required=False)
    replies.read_questions(application=file, membership=owner, at=NOW)
    file.refresh_from_db()
    assert file.silence_date == BASE
    assert clocks.awaited(file, today=date(2026, 11, 26)).pause is None


def test_overlapping_questions_of_both_authorities_count_once(file, ars, prefecture, owner):
    ask(file, ars, HOURS, deadline=date(2026, 12, 8))
    replies.read_questions(application=file, membership=owner, at=NOW)
    ask(file, prefecture, DOCTORS, deadline=DEADLINE, at=day(26))
    replies.read_questions(application=file, membership=owner, at=day(26))
    file.refresh_from_db()
    assert file.silence_date == date(2026, 12, 25), "from the 24th to the 15th, once"


def test_withdrawing_makes_the_clock_run_again(file, ars, prefecture, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    file.refresh_from_db()
    refused(
        lambda: requests.withdraw_question(question=question, mandate=prefecture, version=file.version, at=day(26)),
        "autre autorité",
        file,
    )
    requests.withdraw_question(question=question, mandate=ars, version=file.version, at=day(26))
    file.refresh_from_db()
    question.refresh_from_db()
    assert (question.closed_by, file.silence_date) == (ars, date(2026, 12, 6))
    refused(
        lambda: requests.withdraw_question(question=question, mandate=ars, version=file.version, at=day(26)),
        "n’attend plus",
        file,
    )


def test_past_the_deadline_the_question_closes_and_the_file_is_examined_as_it_is(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(question, owner)
    assert requests.close_expired(at=day(15, 12, hour=23)) == 0, "the last day still counts"
    assert requests.close_expired(at=day(16, 12)) == 1
    assert requests.close_expired(at=day(16, 12)) == 0
    file.refresh_from_db()
    question.refresh_from_db()
    assert (question.closed_at, question.closed_by) == (day(16, 12), None)
    assert file.silence_date == date(2026, 12, 25), "the pause ends at the deadline, not when the task runs"
    assert not AnswerDraft.objects.exists()
    assert file.answers == parse(WHOLE).as_json()
    refused(lambda: send(file, owner, at=day(16, 12)), "Aucune question n’attend", file)


def test_the_days_are_those_of_the_departement(ars, owner):
    reunion = make.departement("97Z", "Île fictive", region="R1")
    type(reunion).objects.filter(pk="97Z").update(timezone="Indian/Reunion")
    file = submitted(owner)
    Application.objects.filter(pk=file.pk).update(departement=reunion)
    file.refresh_from_db()
    late = datetime(2026, 11, 24, 22, 0, tzinfo=PARIS)  # the 25th there
    ask(file, ars, HOURS, at=NOW)
    replies.read_questions(application=file, membership=owner, at=late)
    file.refresh_from_db()
    assert file.silence_date == date(2026, 12, 24), "twenty days, from the 25th"


def test_a_reopened_file_counts_its_two_months_from_the_reopening(file, ars, owner):
    ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reopened = day(20, 12)
    record_event(subject_type=Subject.APPLICATION, subject_id=file.pk, action="reopen", actor=ars, at=reopened)
    assert clocks.base_silence_date(file) == date(2027, 2, 20)
    requests.close_expired(at=reopened)
    file.refresh_from_db()
    assert file.silence_date == date(2027, 2, 20), "an older pause counts no more"


# Answering -------------------------------------------------------------------------------------------------------------


def test_the_answer_changes_only_what_the_criterion_reads_and_the_former_version_is_kept(file, ars, owner, editor):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=editor, at=NOW)
    stranger = {**WEDNESDAY, "fees": {"overrun": True}, "team": []}
    reply(question, editor, answers=stranger, words="")
    file.refresh_from_db()
    assert file.answers == parse(WHOLE).as_json(), "nothing is sent"
    send(file, owner, at=day(26))
    file.refresh_from_db()
    assert file.answers == parse({**WHOLE, **WEDNESDAY}).as_json()
    kept = AnswerRevision.objects.get()
    assert (kept.number, kept.kind, kept.answers, kept.at) == (1, RevisionKind.REPLY, parse(WHOLE).as_json(), day(26))
    assert (kept.actor_type, kept.actor_id) == owner.actor
    assert [one.label for one in revisions.versions_of(file)[0].changes] == ["Mercredi"]
    answer = Event.objects.get(action="answer")
    assert answer.data == {"requests": [question.pk], "revision": 1}
    assert not AnswerDraft.objects.exists()


def test_words_alone_are_an_answer_and_make_no_version(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    refused(lambda: reply(question, owner, words="  "), "l’un des deux suffit", file)
    reply(question, owner, words="Voir planning.pdf.")
    send(file, owner)
    question.refresh_from_db()
    assert (question.reply, question.answered_by) == ("Voir planning.pdf.", owner)
    assert not AnswerRevision.objects.exists()


def test_two_questions_on_the_same_task_do_not_undo_each_other(file, ars, owner):
    doctors, nurses = ask(file, ars, DOCTORS, NURSES)
    replies.read_questions(application=file, membership=owner, at=NOW)
    doctor = {**WHOLE["team"][0], "half_days": [0, 1, 2, 3]}
    nurse = {**WHOLE["team"][1], "minutes": 4}
    reply(doctors, owner, answers={"team": [doctor]})
    with pytest.raises(StaleError):
        reply(nurses, owner, answers={"team": [nurse]}, version=0)
    reply(nurses, owner, answers={"team": [nurse]}, version=1)
    send(file, owner, version=2)
    file.refresh_from_db()
    assert file.answers["team"] == [doctor, nurse]


def test_an_owner_sends_and_all_that_was_read_is_answered(file, ars, owner, editor):
    first, second = ask(file, ars, HOURS, NURSES)
    refused(lambda: reply(first, owner), "n’attend plus|échéance", file)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(first, editor)
    refused(lambda: send(file, owner, version=1), "1 question sans réponse", file)
    reply(second, editor, version=1)
    refused(lambda: send(file, editor, version=2), "responsable", file)
    with pytest.raises(StaleError):
        send(file, owner, version=1)
    stranger = make.membership()
    refused(lambda: send(file, stranger, version=2), "accès à cette structure", file)
    send(file, owner, version=2)
    refused(lambda: send(file, owner, version=0), "déjà envoyées", file)


def test_an_answer_that_cannot_be_is_refused(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    wrong = {"hours": {"wed": [["14:00", "12:00"]]}}
    refused(lambda: reply(question, owner, answers=wrong), "mercredi", file)


def test_what_was_prepared_for_a_withdrawn_question_is_not_sent(file, ars, owner):
    hours, nurses = ask(file, ars, HOURS, NURSES)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(hours, owner, answers=WEDNESDAY)
    reply(nurses, owner, version=1)
    file.refresh_from_db()
    requests.withdraw_question(question=hours, mandate=ars, version=file.version, at=NOW)
    with pytest.raises(StaleError):
        send(file, owner, version=2)
    send(file, owner, version=AnswerDraft.objects.get().version)
    file.refresh_from_db()
    assert file.answers == parse(WHOLE).as_json()


# What waits for them ------------------------------------------------------------------------------------------------------


def test_nothing_goes_on_while_a_question_waits(file, ars, prefecture, owner, codes):
    for code in codes:
        criterion = file.specification.criteria.get(code=code)
        reviews.assess(
            application=file,
            criterion=criterion,
            verdict=Verdict.MET,
            reason="",
            mandate=ars,
            version=file.version,
            at=NOW,
        )
    ask(file, ars, HOURS, required=False)
    by = {"application": file, "at": NOW}
    refused(lambda: reviews.share_assessment(mandate=ars, version=file.version, **by), "1 précision attendue", file)
    (question,) = InformationRequest.objects.all()
    requests.withdraw_question(question=question, mandate=ars, version=file.version, at=NOW)
    file.refresh_from_db()
    reviews.share_assessment(mandate=ars, version=file.version, **by)
    ask(file, prefecture, NURSES)
    refused(lambda: reviews.endorse(mandate=prefecture, version=file.version, **by), "1 précision attendue", file)
    Application.objects.filter(pk=file.pk).update(endorsed_at=NOW)
    file.refresh_from_db()
    refused(
        lambda: decisions.propose_label(application=file, mandate=ars, version=file.version, at=NOW), "précision", file
    )


def test_leaving_the_instruction_ends_every_question(file, ars, owner):
    ask(file, ars, HOURS)
    abandon_application(application=file, membership=owner, version=file.version, at=NOW)
    assert not InformationRequest.objects.open().exists()
    assert requests.close_expired(at=day(20, 12)) == requests.remind(at=day(14, 12)) == 0


def test_the_reminder_comes_once_three_days_before(file, ars):
    ask(file, ars, HOURS)
    assert requests.remind(at=day(11, 12)) == 0
    assert requests.remind(at=day(12, 12)) == 1
    assert requests.remind(at=day(13, 12)) == 0
    assert events(file) == ["ask", "remind_request"]


def test_the_badges_follow(file, ars, prefecture, owner):
    def shown(reader, capacity=None, today=date(2026, 11, 26)):
        fresh = Application.objects.select_related("departement").get(pk=file.pk)
        facts = clocks.awaited(fresh, today=today, capacity=capacity).facts()
        found = badge(facts_of(fresh, today=today, to_assess=5, **facts), reader)
        return found.tone, found.label, found.next_step.replace("\u00a0", " ")

    (question,) = ask(file, ars, HOURS)
    assert shown(STRUCTURE) == ("warning", "À compléter", "1 précision à envoyer au plus tard le 15 décembre 2026.")
    replies.read_questions(application=file, membership=owner, at=NOW)
    assert shown(STRUCTURE)[2] == "1 précision à envoyer au plus tard le 15 décembre 2026 ; délai en pause."
    expected = ("info", "Compléments", "Attendus le 15/12/2026 ; relance automatique le 12/12/2026.")
    assert shown("ars", Capacity.ARS) == shown("prefecture", Capacity.PREFET) == expected
    assert shown("ars", today=date(2026, 12, 13))[2] == "Attendus le 15/12/2026."
    reply(question, owner)
    send(file, owner)
    assert shown("ars", Capacity.ARS) == ("new", "Réponses reçues", "1 réponse de la structure à lire.")
    assert shown("prefecture", Capacity.PREFET)[1] == "En instruction"
    assert shown(STRUCTURE)[1] == "En instruction"
    read = {"application": file, "revision": 0, "requests": [question.pk], "at": day(27)}
    assert revisions.mark_read(mandate=prefecture, **read) == 0, "another authority's answer stays to be read"
    assert revisions.mark_read(mandate=ars, **read) == 1
    assert shown("ars", Capacity.ARS)[1] == "En instruction"


def test_assessing_the_criterion_is_having_read_its_answer(file, ars, prefecture, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(question, owner)
    send(file, owner)
    file.refresh_from_db()
    said = {"application": file, "verdict": Verdict.MET, "reason": "", "mandate": ars, "at": day(27)}
    for code, read in [(NURSES, None), (HOURS, day(27))]:
        criterion = file.specification.criteria.get(code=code)
        reviews.assess(criterion=criterion, version=file.version, **said)
        question.refresh_from_db()
        assert question.read_at == read


# The database ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"capacity": "x"}, "request_capacity_known"),
        ({"question": ""}, "request_asks_something"),
        ({"sent_at": NOW, "deadline": DEADLINE}, "request_sent_by_someone"),
        ({"deadline": DEADLINE}, "request_sent_has_deadline"),
        ({"notified_at": NOW}, "request_notified_after_sent"),
        ({"closed_at": NOW}, "request_closed_unanswered"),
        ({"read_at": NOW}, "request_read_once_answered"),
    ],
)
def test_the_database_refuses(file, ars, fields, constraint):
    question = prepare(file, ars)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        InformationRequest.objects.filter(pk=question.pk).update(**fields)


def test_the_database_refuses_an_answer_that_nobody_could_give(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    rows = InformationRequest.objects.filter(pk=question.pk)
    for fields, constraint in [
        ({"answered_at": NOW, "answered_by": owner}, "request_answered_after_notified"),
        ({"answered_at": NOW}, "request_answered_by_someone|request_answered_after_notified"),
        ({"closed_by": ars}, "request_withdrawn_is_closed"),
        ({"notified_at": NOW - timedelta(hours=1)}, "request_notified_after_sent"),
    ]:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            rows.update(**fields)


def test_what_was_asked_and_answered_never_changes(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    rows = InformationRequest.objects.filter(pk=question.pk)
    for fields in [{"question": "Autre"}, {"required": False}, {"deadline": date(2027, 1, 1)}, {"sent_at": None}]:
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            rows.update(**fields)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        rows.delete()
    replies.read_questions(application=file, membership=owner, at=NOW)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        rows.update(notified_at=day(30))
    reply(question, owner)
    send(file, owner)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        rows.update(reply="Autre chose")


# Two at once ---------------------------------------------------------------------------------------------------------


def test_two_owners_who_send_at_once_send_once(committed_db):
    owner = make.membership()
    second = make.membership(owner.structure)
    ars = make.mandate(AuthorityKind.ARS)
    file = submitted(owner)
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(question, owner, answers=WEDNESDAY)
    outcomes = at_once(*[lambda member=member: send(file, member) for member in (owner, second)])
    assert sorted(isinstance(one, RefusedError) for one in outcomes) == [False, True]
    assert (AnswerRevision.objects.count(), events(file).count("answer")) == (1, 1)


def test_an_answer_and_a_withdrawal_at_once_make_one_outcome(committed_db):
    owner, ars = make.membership(), make.mandate(AuthorityKind.ARS)
    file = submitted(owner)
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(question, owner)
    file.refresh_from_db()
    outcomes = at_once(
        lambda: send(file, owner),
        lambda: requests.withdraw_question(question=question, mandate=ars, version=file.version, at=NOW),
    )
    assert sum(isinstance(one, RefusedError) for one in outcomes) == 1
    question.refresh_from_db()
    assert (question.answered_at is None) != (question.closed_at is None)
