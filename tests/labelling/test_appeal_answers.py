"""The answer to an appeal: drafted, signed one by one like the refusal, read; declined, it comes back; what it changes."""

import json
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import AppealKind, AppealOutcome, Interest, MembershipRole, Verdict
from labelling.choices import ApplicationState as State
from labelling.models import Appeal, InterestDeclaration
from labelling.notifications import messages_of
from labelling.services import acts, appeal_answers, appeals, reviews
from labelling.services.closing import close_application
from labelling.services.contested import deadline_of, targets_of
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Role, Subject
from territories.models import Decision, Event, Mandate, SigningRule
from territories.services.decisions import FAVOURABLE, decline_decision, sign_decision, summaries_of
from territories.services.notifications import presume_notified
from territories.services.selections import check_selection
from tests import factories as make
from tests.labelling.test_appeals import ANSWER, COURT, enter, judge, lodge, page, refused_file
from tests.labelling.test_decisions import actions, propose, refused, sign, sign_all
from tests.labelling.test_disagreements import concerted, differ, disagreed, refuse
from tests.plugins.committed import at_once

__all__ = ["page"]
NOW = make.NOW
LATER = NOW + timedelta(days=21)


@pytest.fixture
def ars(db):
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet(db):
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


@pytest.fixture
def case(ars, prefet):
    file, owner = refused_file(ars, prefet)
    return file, owner, lodge(file, owner)


def draft(file, row, mandate, outcome=AppealOutcome.REJECTED, **fields):
    values = {"answer": ANSWER, "version": file.version, "at": NOW + timedelta(days=20), **fields}
    return appeal_answers.draft_answer(application=file, appeal=row.pk, mandate=mandate, outcome=outcome, **values)


def present(file, row, mandate, **fields):
    values = {"version": file.version, "at": NOW + timedelta(days=20), **fields}
    return appeal_answers.propose_answer(application=file, appeal=row.pk, mandate=mandate, **values)


def offered(file, row, mandate, outcome=AppealOutcome.REJECTED):
    draft(file, row, mandate, outcome)
    return present(file, row, mandate)


def settle(file, row, *mandates, outcome=AppealOutcome.REJECTED, at=LATER):
    """Draft, present and sign an answer; the file and the appeal are refreshed."""
    decision = sign_all(offered(file, row, mandates[0], outcome), *mandates, at=at)
    file.refresh_from_db()
    row.refresh_from_db()
    return decision


# Drafted, presented -----------------------------------------------------------------------------------------------


def test_an_answer_requires_those_who_signed_the_refusal(ars, prefet, case):
    file, _, row = case
    refused(lambda: present(file, row, ars), "Aucune réponse n’est rédigée", file)
    refused(lambda: draft(file, row, ars, answer=" "), "se motive", file)
    refused(lambda: draft(file, row, ars, AppealOutcome.NO_OBJECT), "Choisissez l’issue", file)
    refused(lambda: draft(file, row, make.mandate(role=Role.OBSERVER)), "non de l’instruire", file)
    draft(file, row, ars)
    row.refresh_from_db()
    assert (row.outcome, row.answered_by, row.settled_at, row.answer_decision) == ("rejected", ars, None, None)
    refused(lambda: present(file, row, prefet), "par l’autorité qui l’a rédigée", file)
    with pytest.raises(StaleError):
        present(file, row, ars, version=file.version - 1)
    decision = present(file, row, ars)
    assert (decision.kind, decision.subject_type, decision.subject_id) == ("appeal_rejected", "appeal", row.pk)
    assert decision.required == ["ars", "prefet"]
    refused(lambda: draft(file, row, prefet), "à la signature", file)
    refused(lambda: present(file, row, ars), "à la signature", file)
    assert actions(file)[-2:] == ["answer_appeal", "propose_answer"]


def test_the_signed_text_says_what_is_contested_why_and_what_next(ars, prefet, case):
    file, _, row = case
    content = json.loads(offered(file, row, ars).content)
    assert content["template"] == {"kind": "appeal_rejected", "version": 1}
    assert content["title"].startswith("Arrêté conjoint portant rejet du recours gracieux")
    text = " ".join([*content["visas"], *content["reasons"], *content["articles"]]).replace("\u00a0", " ")
    assert f"le refus du label France Santé, par arrêté n° {file.decision_id} du 22 novembre 2026" in text
    assert "recours gracieux reçu le 2 décembre 2026" in text
    assert "en réponse aux moyens du recours : le contrat du médecin n’est pas joint" in text
    assert "Le refus demeure" in text
    assert "le tribunal administratif de Valfictif" in text
    assert "{" not in text
    assert content["remedies"] == {"months": 2, "court": "tribunal administratif de Valfictif"}
    assert [row["capacity"] for row in content["authorities"]] == ["ars", "prefet"]


def test_the_answer_to_a_late_appeal_says_that_it_opens_nothing(ars, prefet):
    file, _ = refused_file(ars, prefet)
    row = enter(file, ars, received_date=date(2027, 1, 24))
    text = " ".join(json.loads(offered(file, row, ars).content)["articles"]).replace("\u00a0", " ")
    assert "le 24 janvier 2027, après la fin du délai, le 23 janvier 2027" in text
    assert "Télérecours" not in text


def test_both_kinds_have_their_rule_and_are_never_signed_in_a_batch(ars, case):
    for kind in (DecisionKind.APPEAL_REJECTED, DecisionKind.APPEAL_ACCEPTED):
        assert SigningRule.objects.get(kind=kind).capacities == ["ars", "prefet"]
        assert kind not in FAVOURABLE
    file, _, row = case
    decision = offered(file, row, ars, AppealOutcome.ACCEPTED)
    with pytest.raises(RefusedError, match="se signe seul"):
        check_selection({decision.pk: decision.content_hash}, ars)


def test_the_parapheur_says_what_is_contested_and_by_when(ars, prefet, case, page):
    file, _, row = case
    decision = offered(file, row, ars)
    found = summaries_of([decision], at=LATER)[decision.pk]
    assert found.about.endswith("contre le refus du label")
    assert found.deadline == "J-51 · recours réputé rejeté sans réponse le 02/02/2027"
    client = page(prefet)
    shown = client.get("/compte/parapheur/").content.decode()
    assert "1 rejet de recours" in shown
    assert "Rejet d’un recours gracieux" in client.get(f"/compte/parapheur/{decision.pk}/").content.decode()
    declining = client.get(reverse("decision-decline", args=[decision.pk])).content.decode()
    assert "La réponse revient, avec votre motif" in declining
    assert "concertation" not in declining


# Signed -----------------------------------------------------------------------------------------------------------


def test_the_last_signature_rejects_the_appeal(ars, prefet, case):
    file, owner, row = case
    decision = offered(file, row, ars)
    sign(decision, ars, at=LATER)
    row.refresh_from_db()
    assert row.settled_at is None
    sign(decision, prefet, at=LATER)
    row.refresh_from_db()
    file.refresh_from_db()
    assert (row.settled_at, row.settled_by, file.state) == (LATER, None, State.REFUSED)
    event = Event.objects.about(Subject.APPLICATION, file.pk).last()
    assert (event.action, event.actor_type, event.data["decision"]) == ("reject_appeal", "system", decision.pk)
    with pytest.raises(StaleError, match="n’attend plus"):
        draft(file, row, ars)
    assert lodge(file, owner).is_late is False, "a settled appeal does not forbid another"


def test_an_accepted_appeal_reopens_the_file_to_the_label(ars, prefet, case):
    file, _, row = case
    former = file.decision
    settle(file, row, ars, prefet, outcome=AppealOutcome.ACCEPTED)
    assert (file.state, file.decision, file.endorsed_at) == (State.UNDER_REVIEW, None, None)
    assert file.silence_date == date(2027, 2, 13), "two months from the last signature"
    assert list(appeals.former_decisions(file)) == [former], "the answer is not a decision of the file"
    assert actions(file)[-2:] == ["accept_appeal", "reopen"]
    first = file.specification.criteria.get(position=1)
    reviews.assess(
        application=file, criterion=first, verdict=Verdict.MET, reason="", mandate=ars, version=file.version, at=NOW
    )
    reviews.endorse(application=file, mandate=prefet, version=file.version, at=NOW)
    sign_all(propose(file, ars).decision, ars, prefet)
    file.refresh_from_db()
    assert file.state == State.LABELLED


def test_an_answer_declined_comes_back_with_its_reason(ars, prefet, case):
    file, _, row = case
    decision = offered(file, row, ars)
    sign(decision, ars, at=LATER)
    decline_decision(decision=decision, mandate=prefet, reason="Le contrat est au dossier.", at=LATER)
    row.refresh_from_db()
    file.refresh_from_db()
    assert (row.settled_at, file.state, actions(file)[-1]) == (None, State.REFUSED, "return_answer")
    assert appeal_answers.refusal_to_answer(row).reason == "Le contrat est au dossier."
    with pytest.raises(RefusedError, match="revient"):
        sign(decision, prefet, at=LATER)
    again = settle(file, row, prefet, ars, outcome=AppealOutcome.ACCEPTED)
    assert again.pk != decision.pk
    assert (row.answer_decision, file.state) == (again, State.UNDER_REVIEW)


def test_who_refused_alone_answers_alone(ars, prefet):
    file = disagreed(ars, prefet)
    concerted(file, ars, prefet, "no_agreement")
    differ(file, prefet)
    sign_all(refuse(file, prefet), prefet)
    file.refresh_from_db()
    row = enter(file, ars)
    refused(lambda: draft(file, row, ars), "à elle de répondre", file)
    decision = settle(file, row, prefet)
    assert (decision.required, row.outcome, row.settled_at) == (["prefet"], "rejected", LATER)
    content = json.loads(decision.content)
    assert content["title"].startswith("Arrêté portant rejet")
    assert [one["capacity"] for one in content["authorities"]] == ["prefet"]


def test_nothing_is_accepted_beside_another_file(ars, prefet, case):
    file, _, row = case
    decision = offered(file, row, ars, AppealOutcome.ACCEPTED)
    sign(decision, ars, at=LATER)
    other = make.application(file.structure, state=State.SUBMITTED)
    refused(lambda: sign(decision, prefet, at=LATER), f"déjà une candidature en cours, {other.number}", file)
    assert decision.signatures.count() == 1
    close_application(application=other, mandate=ars, ground="duplicate", text="Doublon.", version=1, at=NOW)
    sign(decision, prefet, at=LATER)
    file.refresh_from_db()
    assert file.state == State.UNDER_REVIEW


def test_a_changed_byte_an_ended_mandate_or_an_interest_signs_nothing(ars, prefet, case):
    file, _, row = case
    decision = offered(file, row, ars)
    refused(
        lambda: sign_decision(decision=decision, mandate=prefet, content_hash="0" * 64, at=LATER),
        "n’est pas celui qui vous a été présenté",
        file,
    )
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(content=decision.content.replace("rejeté", "accueilli"))
    Mandate.objects.filter(pk=prefet.pk).update(valid=make.DateRange(date(2025, 10, 1), date(2026, 12, 1)))
    prefet.refresh_from_db()
    refused(lambda: sign(decision, prefet, at=LATER), "a pris fin le 30", file)
    Mandate.objects.filter(pk=prefet.pk).update(valid=make.ALWAYS)
    prefet.refresh_from_db()
    InterestDeclaration.objects.create(
        user=prefet.user, structure=file.structure, interest=Interest.RECUSED, mandate=prefet, declared_at=NOW
    )
    refused(lambda: sign(decision, prefet, at=LATER), "déporté", file)
    row.refresh_from_db()
    assert (row.settled_at, decision.signatures.count()) == (None, 0)


def test_two_signatories_at_the_same_instant(committed_db):
    ars, prefet = make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)
    file, owner = refused_file(ars, prefet)
    row = lodge(file, owner)
    decision = offered(file, row, ars, AppealOutcome.ACCEPTED)
    results = at_once(lambda: sign(decision, ars, at=LATER), lambda: sign(decision, prefet, at=LATER))
    assert not [result for result in results if isinstance(result, Exception)]
    file.refresh_from_db()
    row.refresh_from_db()
    decision.refresh_from_db()
    assert (decision.state, file.state, row.settled_at) == (DecisionState.SIGNED, State.UNDER_REVIEW, LATER)
    assert actions(file).count("reopen") == 1


def test_a_signature_and_a_judgment_at_the_same_instant(committed_db):
    ars, prefet = make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)
    file, owner = refused_file(ars, prefet)
    row = lodge(file, owner)
    court = enter(file, ars, **COURT)
    decision = offered(file, row, ars)
    sign(decision, ars, at=LATER)
    file.refresh_from_db()
    version, again = file.version, type(file).objects.get(pk=file.pk)
    at_once(
        lambda: sign(decision, prefet, at=LATER),
        lambda: judge(again, court, ars, AppealOutcome.ACCEPTED, version=version),
    )
    row.refresh_from_db()
    decision.refresh_from_db()
    assert row.settled_at is not None or decision.state == DecisionState.PROPOSED
    assert (row.outcome == "no_object") == (decision.state == DecisionState.REPLACED)


def test_an_appeal_without_object_leaves_the_parapheur(ars, prefet, case):
    file, _, row = case
    decision = offered(file, row, ars)
    judge(file, enter(file, ars, **COURT), ars, AppealOutcome.ACCEPTED)
    row.refresh_from_db()
    assert row.outcome == "no_object"
    with pytest.raises(StaleError, match="réglé autrement"):
        sign(decision, prefet, at=LATER)
    assert not Decision.objects.awaiting(prefet).exists()


# Notified ---------------------------------------------------------------------------------------------------------


def read(row, member, at=LATER):
    return appeal_answers.read_answer(appeal=row, membership=member, at=at)


def court_deadline(file, day=date(2027, 6, 1)):
    return deadline_of(file, targets_of(file, on=day)[0], AppealKind.CONTENTIEUX)


def test_reading_it_is_its_notification_and_the_court_has_two_months(ars, prefet, case):
    file, owner, row = case
    settle(file, row, ars, prefet)
    assert court_deadline(file) is None, "nobody may tell before it is notified"
    with pytest.raises(RefusedError, match="responsable"):
        read(row, make.membership(file.structure, role=MembershipRole.EDITOR))
    read(row, owner, at=datetime(2026, 12, 31, 23, 30, tzinfo=ZoneInfo("Europe/Paris")))
    assert court_deadline(file) == date(2027, 3, 1), "the 31st has none in February; then one clear day"


def test_a_day_is_that_of_the_departement(ars, prefet, case):
    file, owner, row = case
    settle(file, row, ars, prefet)
    type(file.departement).objects.filter(pk=file.departement_id).update(timezone="Indian/Reunion")
    file = type(file).objects.get(pk=file.pk)
    read(type(row).objects.get(pk=row.pk), owner, at=datetime(2026, 12, 31, 21, 30, tzinfo=ZoneInfo("Europe/Paris")))
    assert court_deadline(file) == date(2027, 3, 2), "already 1 January there"


def test_unread_it_is_presumed_notified(ars, prefet, case):
    file, _, row = case
    settle(file, row, ars, prefet)
    presume_notified(at=LATER + timedelta(days=15))
    assert court_deadline(file) == date(2027, 3, 1)


def test_a_letter_notifies_who_did_not_choose_the_portal(ars, prefet, case):
    file, owner, row = case
    type(file).objects.filter(pk=file.pk).update(notification_consent=False)
    file.refresh_from_db()
    settle(file, row, ars, prefet)
    with pytest.raises(RefusedError, match="Aucune réponse"):
        read(Appeal.objects.get(pk=row.pk), owner)

    def letter(day):
        return appeal_answers.record_answer_letter(
            application=file,
            appeal=row.pk,
            mandate=ars,
            received_date=day,
            version=file.version,
            at=NOW + timedelta(days=40),
        )

    refused(lambda: letter(date(2026, 12, 1)), "entre celle de l’acte et aujourd’hui", file)
    letter(date(2026, 12, 20))
    assert court_deadline(file) == date(2027, 2, 21)


def test_mails_tell_who_must_know_and_nothing_of_the_sense_before_its_reading(ars, prefet, case, monkeypatch):
    file, owner, row = case
    monkeypatch.setattr("labelling.notifications.timezone.now", lambda: LATER)
    decision = offered(file, row, ars)

    def mails(action):
        return [
            mail
            for event in Event.objects.about(Subject.DECISION, decision.pk).filter(action=action)
            for mail in messages_of(event)
        ]

    assert sorted(mail.to[0] for mail in mails("propose")) == sorted([ars.user.email, prefet.user.email])
    sign_all(decision, ars, prefet, at=LATER)
    (mail,) = mails("make_available")
    assert mail.to == [owner.user.email]
    assert "jeté" not in mail.body
    row.refresh_from_db()
    read(row, owner)
    (mail,) = mails("notify")
    assert "Le recours est rejeté" in mail.body
    assert "jusqu’au 14\u00a0février\u00a02027" in mail.body


def test_the_authority_that_drafted_it_learns_that_it_is_not_signed(ars, prefet, case, monkeypatch):
    file, _, row = case
    decision = offered(file, row, ars)
    type(ars.authority).objects.filter(pk=ars.authority_id).update(email="ars@exemple.invalid")
    decline_decision(decision=decision, mandate=prefet, reason="Secret du motif.", at=LATER)
    monkeypatch.setattr("labelling.notifications.timezone.now", lambda: LATER)
    (mail,) = messages_of(Event.objects.about(Subject.DECISION, decision.pk).last())
    assert mail.to == ["ars@exemple.invalid"]
    assert "Secret" not in mail.body


def test_the_act_is_rendered_in_the_background(ars, prefet, case):
    file, _, row = case
    decision = settle(file, row, ars, prefet)
    assert acts.render_missing_acts() == 2
    decision.refresh_from_db()
    assert bytes(decision.pdf).startswith(b"%PDF")
