"""The joint decision under real concurrency, with real commits."""

from datetime import timedelta

import pytest

from francesante.lib.workflow import RefusedError, StaleError
from territories.choices import AuthorityKind, DecisionState, Subject
from territories.models import Decision, Event, Signature
from territories.services.decisions import decline_decision, sign_decision
from territories.services.events import broken_link
from tests import factories as make
from tests.plugins.committed import at_once
from tests.territories.acts import countable_effects, effects, propose, signatories

NOW = make.NOW


@pytest.fixture(autouse=True)
def effects_that_count(monkeypatch):
    countable_effects(monkeypatch)


def signing(decision, mandate, at=NOW):
    return lambda: sign_decision(
        decision=Decision.objects.get(pk=decision.pk), mandate=mandate, content_hash=decision.content_hash, at=at
    )


def test_two_signatories_at_the_same_instant(committed_db):
    ars, prefet = signatories()
    for subject in range(1, 11):
        decision = propose(subject_id=subject)
        results = at_once(signing(decision, ars), signing(decision, prefet, NOW + timedelta(seconds=1)))
        assert all(isinstance(result, Decision) for result in results), results
        decision.refresh_from_db()
        assert decision.state == DecisionState.SIGNED
        assert set(decision.signatures.values_list("capacity", flat=True)) == {"ars", "prefet"}
        assert effects(subject) == ["effect"]
        actions = list(Event.objects.about(Subject.DECISION, decision.pk).values_list("action", flat=True))
        assert actions == ["propose", "sign", "sign", "complete"]
        assert broken_link(Subject.DECISION, decision.pk) is None


def test_one_capacity_twice_at_the_same_instant(committed_db):
    ars, _ = signatories()
    deputies = [make.mandate(AuthorityKind.ARS, signs=True) for _ in range(5)]
    decision = propose()
    results = at_once(*[signing(decision, mandate) for mandate in [ars, *deputies]])
    refused = [result for result in results if isinstance(result, RefusedError)]
    assert len(refused) == 5
    assert all("déjà signée" in str(refusal) for refusal in refused)
    assert Signature.objects.count() == 1
    assert effects() == []


def test_one_person_with_two_mandates_at_the_same_instant(committed_db):
    person = make.user()
    ars = make.mandate(AuthorityKind.ARS, person=person, signs=True)
    prefet = make.mandate(AuthorityKind.PREFECTURE, person=person, signs=True)
    decision = propose()
    results = at_once(signing(decision, ars), signing(decision, prefet))
    assert sorted(isinstance(result, RefusedError) for result in results) == [False, True]
    decision.refresh_from_db()
    assert decision.state == DecisionState.PROPOSED
    assert Signature.objects.count() == 1
    assert effects() == []


def test_signing_against_declining(committed_db):
    ars, prefet = signatories()
    for subject in range(1, 6):
        decision = propose(subject_id=subject)

        def decline(decision=decision):
            return decline_decision(decision=decision, mandate=prefet, reason="Motif d’essai.", at=NOW)

        at_once(signing(decision, ars), decline)
        decision.refresh_from_db()
        assert decision.state == DecisionState.DECLINED
        assert effects(subject) == ["declined"]


def test_signing_against_replacing(committed_db):
    ars, prefet = signatories()
    for subject in range(1, 6):
        decision = propose(subject_id=subject)
        sign_decision(decision=decision, mandate=ars, content_hash=decision.content_hash, at=NOW)

        def replace(decision=decision, subject=subject):
            return propose(subject_id=subject, replaces=Decision.objects.get(pk=decision.pk))

        signed, replaced = at_once(signing(decision, prefet), replace)
        decision.refresh_from_db()
        if isinstance(signed, Decision):
            assert isinstance(replaced, RefusedError)
            assert (decision.state, effects(subject)) == (DecisionState.SIGNED, ["effect"])
        else:
            assert isinstance(signed, StaleError)
            assert (decision.state, effects(subject)) == (DecisionState.REPLACED, [])
            assert replaced.state == DecisionState.PROPOSED


def test_proposing_twice_at_the_same_instant(committed_db):
    make.departement()
    results = at_once(*[lambda: propose(on=make.departement())] * 4)
    assert sum(isinstance(result, Decision) for result in results) == 1
    assert Decision.objects.count() == 1
