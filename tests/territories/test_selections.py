"""A selection of decisions signed with one code: what is read, what is signed and judged one by one, and the worker that dies."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import OperationalError

from francesante.lib.workflow import RefusedError
from territories import tasks
from territories.choices import AuthorityKind, DecisionKind, RunResult, Subject
from territories.models import Decision, Event, Signature, SignatureOutcome, SignatureRun
from territories.services import selections
from territories.services.decisions import decline_decision, sign_decision
from tests import factories as make
from tests.plugins.committed import at_once
from tests.territories.acts import countable_effects, effects, propose, signatories
from tests.territories.test_accounts import text
from tests.territories.test_parapheur import entered
from tests.territories.test_second_factor import code_of, wrong_code

LIST = "/compte/parapheur/"
NOW = make.NOW


@pytest.fixture(autouse=True)
def effects_that_count(monkeypatch):
    countable_effects(monkeypatch)


@pytest.fixture
def two(db):
    return signatories()


def chosen(*decisions):
    return f"{LIST}selection/?" + "&".join(f"d={decision.pk}" for decision in decisions)


def propose_many(number, first=1):
    return [propose(subject_id=subject) for subject in range(first, first + number)]


def posted(page, mandate, code):
    """What the form of the page sends."""
    html = page.content.decode()
    shown = re.findall(r'name="shown" value="(\d+:[0-9a-f]{64})"', html)
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', html)[1]
    return {"mandate": mandate.pk, "shown": shown, "key": key, "code": code}


def start(mandate, decisions, at=NOW, **more):
    shown = {decision.pk: decision.content_hash for decision in decisions}
    return selections.start_selection(**{"key": uuid4(), "shown": shown, "mandate": mandate, "at": at, **more})


def results(run):
    return {row.decision_id: (row.result, row.sentence) for row in run.outcomes.order_by("pk")}


def signed():
    return set(Signature.objects.values_list("decision", flat=True))


# What is read --------------------------------------------------------------------------------------------------------


def test_a_selection_is_read_then_signed_with_one_code(client, two):
    ars, prefet = two
    decisions = propose_many(3)
    refusal = propose(subject_id=9, kind=DecisionKind.LABEL_REFUSED)
    device = entered(client, ars)
    page = client.get(chosen(*decisions, refusal))
    assert "1 décision laissée de côté" in text(page)
    assert "Signer les 3 décisions" in text(page)
    decline_decision(decision=decisions[1], mandate=prefet, reason="Essai.", at=timezone.now())
    done = client.post(chosen(*decisions), posted(page, ars, code_of(device)), follow=True)
    shown = text(done)
    assert "<title>2 décisions signées, 1 non signée –" in done.content.decode()
    assert "concertation est ouverte" in shown
    assert "l’autre signature est attendue" in shown
    assert done.content.decode().count('class="fr-btn"') == 1
    assert signed() == {decisions[0].pk, decisions[2].pk}
    run = SignatureRun.objects.get()
    assert (run.mandate, run.finished_at is not None) == (ars, True)
    shown = client.get(LIST).content.decode()
    assert f'href="{run.get_absolute_url()}"' in shown, "the outcome is found again from the parapheur"
    assert "2 décisions signées, 1 non signée" in shown


def test_one_is_taken_out_and_all_are_taken_in(client, two):
    first, second, third = propose_many(3)
    propose(subject_id=9, kind=DecisionKind.LABEL_REFUSED)
    entered(client, two[0])
    assert "Lire les 3 décisions favorables" in text(client.get(LIST))
    page = client.get(f"{LIST}selection/?tout=1")
    assert [row["decision"] for row in page.context["rows"]] == [first, second, third]
    assert "laissée de côté" not in text(page)
    for address in (f"?tout=1&sauf={second.pk}", f"?d={first.pk}&d={second.pk}&d={third.pk}&sauf={second.pk}"):
        page = client.get(f"{LIST}selection/{address}")
        assert [row["decision"] for row in page.context["rows"]] == [first, third]
        assert "laissée de côté" not in text(page)


def test_a_selection_has_a_limit_and_says_so(client, two, monkeypatch):
    for module in ("services", "views"):
        monkeypatch.setattr(f"territories.{module}.selections.MOST_DECISIONS", 2)
    decisions = propose_many(3)
    entered(client, two[0])
    page = client.get(f"{LIST}selection/?tout=1")
    assert [row["decision"] for row in page.context["rows"]] == decisions[:2]
    assert "Une sélection compte 2 décisions au plus" in text(page)
    assert "1 reste dans le parapheur" in text(page)
    with pytest.raises(RefusedError, match="2 décisions au plus"):
        start(two[0], decisions)
    assert not SignatureRun.objects.exists()


@pytest.mark.parametrize("query", ["", "?d=", "?d=x&d=-1&d=99999999999999999999999", "?sauf=x"])
def test_an_empty_or_strange_selection(client, two, query):
    propose()
    entered(client, two[0])
    assert "La sélection est vide" in text(client.get(f"{LIST}selection/{query}"))


def test_number_of_queries_does_not_grow(client, two):
    ars, _ = two
    device = entered(client, ars)
    counts = []
    for subjects in (range(1, 3), range(3, 12)):
        decisions = [propose(subject_id=subject) for subject in subjects]
        with CaptureQueriesContext(connection) as reading:
            page = client.get(chosen(*decisions))
        read = len(reading)
        run = client.post(chosen(*decisions), posted(page, ars, code_of(device, len(counts))))["Location"]
        with CaptureQueriesContext(connection) as outcome:
            assert len(client.get(run).context["outcomes"]) == len(decisions)
        counts.append((read, len(outcome)))
    assert counts[0] == counts[1]


# What is signed ------------------------------------------------------------------------------------------------------


def test_a_refusal_slipped_into_a_selection_is_not_signed(client, two):
    ars, _ = two
    favourable, refusal = propose(subject_id=1), propose(subject_id=2, kind=DecisionKind.LABEL_REFUSED)
    device = entered(client, ars)
    data = posted(client.get(chosen(favourable)), ars, code_of(device))
    slipped = f"{refusal.pk}:{refusal.content_hash}"
    answer = client.post(chosen(favourable), {**data, "shown": [slipped, "x:y", "9:z"]}, follow=True)
    assert "se signe seul" in text(answer)
    assert not SignatureRun.objects.exists()
    # The code was spared.
    client.post(chosen(favourable), {**data, "shown": [slipped, *data["shown"]]})
    assert signed() == {favourable.pk}
    assert list(SignatureOutcome.objects.values_list("decision", flat=True)) == [favourable.pk]


def test_a_selection_signed_meanwhile_spares_the_code(client, two):
    ars, _ = two
    decision = propose(subject_id=1)
    device = entered(client, ars)
    data = posted(client.get(chosen(decision)), ars, code_of(device))
    sign_decision(decision=decision, mandate=ars, content_hash=decision.content_hash, at=timezone.now())
    answer = client.post(chosen(decision), data, follow=True)
    assert answer.redirect_chain[-1][0] == LIST
    assert "n’attendent plus votre signature" in text(answer)
    assert not SignatureRun.objects.exists()


def test_a_selection_without_its_code_signs_nothing(client, two):
    ars, _ = two
    decision = propose()
    device = entered(client, ars)
    data = posted(client.get(chosen(decision)), ars, wrong_code(device))
    refused = client.post(chosen(decision), data)
    assert "Ce code n’est pas le bon" in text(refused)
    assert data["key"] in refused.content.decode()
    assert not Signature.objects.exists()
    assert not SignatureRun.objects.exists()


@pytest.mark.parametrize("key", ["", "x"])
def test_a_page_that_is_not_whole_signs_nothing_and_spares_the_code(client, two, key):
    ars, _ = two
    decision = propose()
    device = entered(client, ars)
    data = posted(client.get(chosen(decision)), ars, code_of(device))
    assert "n’est plus complète" in text(client.post(chosen(decision), {**data, "key": key}))
    assert not Signature.objects.exists()
    assert client.post(chosen(decision), data).status_code == 302


def test_sent_twice_a_page_signs_once(client, two):
    ars, _ = two
    decision = propose()
    device = entered(client, ars)
    data = posted(client.get(chosen(decision)), ars, code_of(device))
    first, second = (client.post(chosen(decision), data)["Location"] for _ in range(2))
    assert first == second
    assert SignatureOutcome.objects.get().result == RunResult.DONE


def test_only_what_was_shown_is_signed(two):
    ars, _ = two
    changed, corrected = propose_many(2)
    elsewhere = propose(on=make.departement("99", "Valfictie", region="R2"), subject_id=5)
    shown = {changed.pk: "0" * 64, corrected.pk: corrected.content_hash, elsewhere.pk: "0"}
    run = start(ars, [], shown=shown, at=timezone.now())
    propose(subject_id=2, replaces=corrected)
    selections.carry_out_selection(run=run)
    assert [(pk, sentence[:40]) for pk, (_, sentence) in results(run).items()] == [
        (changed.pk, "Le contenu de cette décision n’est pas c"),
        (corrected.pk, "Cette décision a été remplacée par une v"),
    ]
    assert signed() == set()


def test_each_signature_is_judged_at_its_own_instant(two, monkeypatch):
    """The right ends while the selection goes on: what was signed stays, the rest is refused and says so."""
    ars, _ = two
    decisions = propose_many(4)
    run = start(ars, decisions)
    real = selections.sign_decision

    def ends(*, decision, mandate, **by):
        done = real(decision=decision, mandate=mandate, **by)
        if decision.pk == decisions[1].pk:
            type(mandate).objects.filter(pk=mandate.pk).update(signing_published_date=NOW.date() + timedelta(days=1))
        return done

    monkeypatch.setattr(selections, "sign_decision", ends)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    selections.carry_out_selection(run=run)
    assert [result for result, _ in results(run).values()] == ["done", "done", "not_done", "not_done"]
    assert all("droit de signer n’est pas en vigueur" in results(run)[row.pk][1] for row in decisions[2:])
    assert signed() == {row.pk for row in decisions[:2]}
    assert effects(1) == [], "the other signature is still awaited"


def test_a_code_does_not_sign_the_next_day(two, monkeypatch):
    ars, _ = two
    decision = propose()
    run = start(ars, [decision])
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + selections.CONFIRMED + timedelta(seconds=1))
    tasks.sign_selections()
    ((result, sentence),) = results(run).values()
    assert result == RunResult.NOT_DONE
    assert "dans l’heure qui a suivi votre code" in sentence
    assert signed() == set()
    run.refresh_from_db()
    assert run.finished_at is not None


# How far it is -------------------------------------------------------------------------------------------------------


def long_one(client, mandate):
    """A selection that is too long for the page itself, posted; its address."""
    decisions = propose_many(selections.AT_ONCE + 1)
    device = entered(client, mandate)
    page = client.get(f"{LIST}selection/?tout=1")
    answer = client.post(f"{LIST}selection/?tout=1", posted(page, mandate, code_of(device)))
    return decisions, answer["Location"]


def test_a_long_selection_shows_its_progress_until_it_is_done(client, two, monkeypatch):
    given = []
    monkeypatch.setattr("territories.views.selections.hand_over", lambda task, run: given.append((task, run)))
    decisions, address = long_one(client, two[0])
    ((task, run),) = given
    page = client.get(address)
    html = page.content.decode()
    assert "<title>Signature en cours –" in html
    assert "0 décision sur 11" in html
    assert 'hx-trigger="every 2s"' in html
    assert f'href="{address}">Actualiser' in html
    assert "Signature en cours" in text(client.get(LIST))
    polled = client.get(address, headers={"HX-Request": "true"})
    assert "<html" not in polled.content.decode()
    assert signed() == set()
    getattr(tasks, task.rpartition(".")[2])(run=run.pk)
    polled = client.get(address, headers={"HX-Request": "true"})
    assert polled["HX-Refresh"] == "true"
    html = client.get(address).content.decode()
    assert "<title>11 décisions signées –" in html
    assert "hx-trigger" not in html
    assert signed() == {row.pk for row in decisions}


def test_a_worker_is_called_by_its_name(client, two):
    """Tests run tasks at once: what the page sends reaches the task."""
    decisions, address = long_one(client, two[0])
    assert "11 décisions signées" in text(client.get(address))
    assert signed() == {row.pk for row in decisions}


def test_without_broker_the_selection_waits_for_the_next_round(client, two, monkeypatch):
    def unreachable(*_, **__):
        raise OperationalError

    monkeypatch.setattr("celery.canvas.Signature.apply_async", unreachable)
    decisions, address = long_one(client, two[0])
    assert "0 décision sur 11" in text(client.get(address))
    tasks.sign_selections()
    assert signed() == {row.pk for row in decisions}


def test_a_selection_is_read_by_its_person_alone(client, two):
    ars, _ = two
    address = selections.carry_out_selection(run=start(ars, propose_many(1))).get_absolute_url()
    for mandate, status in [
        (ars, 200),
        (make.mandate(AuthorityKind.ARS, signs=True), 404),
        (make.mandate(AuthorityKind.ARS), 403),
        (make.mandate(AuthorityKind.NATIONAL), 403),
    ]:
        client.force_login(mandate.user)
        assert client.get(address).status_code == status


def test_a_worker_that_dies_leaves_the_rest_to_the_next_one(two, monkeypatch):
    ars, _ = two
    decisions = propose_many(4)
    run = start(ars, decisions, at=timezone.now())
    real = selections.sign_decision

    def dies(*, decision, **by):
        real(decision=decision, **by)
        if decision.pk == decisions[2].pk:
            raise KeyboardInterrupt

    monkeypatch.setattr(selections, "sign_decision", dies)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        selections.carry_out_selection(run=run)
    # As after a crash: the decision in hand comes back whole.
    monkeypatch.setattr(selections, "sign_decision", real)
    for _ in range(2):
        tasks.sign_selections()
    assert [result for result, _ in results(run).values()] == ["done"] * 4
    assert Signature.objects.count() == 4, "signed once"
    assert Event.objects.filter(subject_type=Subject.DECISION, action="sign").count() == 4


def test_two_workers_share_a_selection_and_each_decision_is_signed_once(committed_db):
    ars, prefet = signatories()
    decisions = propose_many(8)
    runs = [start(mandate, decisions, at=timezone.now()) for mandate in (ars, prefet)]
    done = at_once(*[lambda run=run: selections.carry_out_selection(run=run) for run in runs for _ in range(2)])
    assert all(isinstance(one, SignatureRun) for one in done), done
    assert {result for run in runs for result, _ in results(run).values()} == {RunResult.DONE}
    assert Signature.objects.count() == 16
    assert not Decision.objects.exclude(state="signed").exists()
    assert all(effects(subject) == ["effect"] for subject in range(1, 9))


def test_outcomes_are_forgotten_after_thirty_days_and_signatures_are_not(two, monkeypatch):
    ars, _ = two
    old, recent = propose_many(2)
    for decision, days in ((old, 31), (recent, 29)):
        selections.carry_out_selection(run=start(ars, [decision], at=timezone.now() - timedelta(days=days)))
    waiting = start(ars, [propose(subject_id=3)], at=timezone.now() - timedelta(days=31))
    sign_decision(decision=old, mandate=ars, content_hash=old.content_hash, at=timezone.now())
    tasks.forget_selections()
    assert set(SignatureOutcome.objects.values_list("decision", flat=True)) == {
        recent.pk,
        waiting.outcomes.get().decision_id,
    }
    assert signed() == {old.pk}


# What the database refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"result": "done"}, "signature_outcome_done_at_iff_handled"),
        ({"done_at": NOW}, "signature_outcome_done_at_iff_handled"),
        ({"result": "not_done", "done_at": NOW}, "signature_outcome_reason_iff_not_done"),
        ({"sentence": "Motif."}, "signature_outcome_reason_iff_not_done"),
        ({"result": "perhaps"}, "signature_outcome_result_known"),
        ({"content_hash": "1" * 64}, "stays as it was shown"),
    ],
)
def test_outcomes_are_bound_by_the_database(two, fields, refusal):
    run = start(two[0], propose_many(1))
    with pytest.raises(IntegrityError, match=refusal), transaction.atomic():
        run.outcomes.update(**fields)


def test_selections_are_bound_by_the_database(two):
    ars, _ = two
    (decision,) = propose_many(1)
    run = start(ars, [decision])
    refused = propose(subject_id=2, kind=DecisionKind.LABEL_REFUSED)
    for refusal, make_row in [
        (
            "territories_signaturerun_key_key",
            lambda: SignatureRun.objects.create(key=run.key, mandate=ars, created_at=NOW),
        ),
        ("signature_outcome_once_per_decision", lambda: run.outcomes.create(decision=decision)),
        ("only favourable decisions", lambda: run.outcomes.create(decision=refused)),
    ]:
        with pytest.raises(IntegrityError, match=refusal), transaction.atomic():
            make_row()
    run.outcomes.update(result=RunResult.DONE, done_at=NOW)
    with pytest.raises(IntegrityError, match="as it was signed"), transaction.atomic():
        run.outcomes.update(result=RunResult.WAITING, done_at=None)
