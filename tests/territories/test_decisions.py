"""The joint decision, alone: who may sign what, when, and what the database refuses whatever the code does."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from francesante.lib.workflow import RefusedError, StaleError
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Role, Subject
from territories.models import Decision, Event, SignatureRefusal
from territories.services import decisions
from territories.services.decisions import (
    decline_decision,
    may_sign,
    required_capacities,
    sign_decision,
)
from territories.services.events import broken_link
from tests import factories as make
from tests.territories.acts import countable_effects, effects, propose, signatories

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture(autouse=True)
def effects_that_count(monkeypatch):
    countable_effects(monkeypatch)


def sign(decision, mandate, at=NOW, content_hash=None):
    return sign_decision(decision=decision, mandate=mandate, content_hash=content_hash or decision.content_hash, at=at)


def nothing_happened(decision):
    decision.refresh_from_db()
    return decision.state == DecisionState.PROPOSED and not decision.signatures.exists() and effects() == []


def test_the_last_required_signature_makes_the_act():
    ars, prefet = signatories()
    decision = propose()
    assert sign(decision, ars).state == DecisionState.PROPOSED
    assert effects() == []
    later = NOW + timedelta(hours=3)
    signed = sign(decision, prefet, at=later)
    assert (signed.state, signed.signed_at) == (DecisionState.SIGNED, later)
    assert effects() == ["effect"]
    assert list(Event.objects.about(Subject.DECISION, decision.pk).values_list("action", flat=True)) == [
        "propose",
        "sign",
        "sign",
        "complete",
    ]
    assert broken_link(Subject.DECISION, decision.pk) is None
    assert {row.signatory_title for row in signed.signatures.all()} == {
        "directeur général de l’ARS",
        "préfète de département",
    }


def test_a_refusal_requires_the_same_signatures_as_the_grant():
    assert required_capacities(DecisionKind.LABEL_REFUSED, at=NOW) == ["ars", "prefet"]
    assert required_capacities(DecisionKind.LABEL_GRANTED, at=NOW) == ["ars", "prefet"]


def test_one_capacity_signs_once():
    ars, _ = signatories()
    decision = propose()
    sign(decision, ars)
    deputy = make.mandate(AuthorityKind.ARS, signs=True)
    with pytest.raises(RefusedError, match="déjà signée en qualité de directeur général"):
        sign(decision, deputy)
    assert decision.signatures.count() == 1


def test_one_person_with_two_mandates_signs_once():
    person = make.user()
    ars = make.mandate(AuthorityKind.ARS, person=person, signs=True)
    prefet = make.mandate(AuthorityKind.PREFECTURE, person=person, signs=True)
    decision = propose()
    sign(decision, ars)
    assert not may_sign(decision, prefet, at=NOW)
    with pytest.raises(RefusedError, match="personne ne signe en deux qualités"):
        sign(decision, prefet)
    decision.refresh_from_db()
    assert decision.state == DecisionState.PROPOSED
    assert effects() == []


TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"valid": DateRange(date(2025, 10, 1), TODAY)},
            "a pris fin le 21\u00a0novembre\u00a02026. La décision n’est pas signée",
        ),
        ({"valid": DateRange(date(2026, 11, 23), None)}, "n’est pas en vigueur"),
        ({"signing_published_date": date(2026, 11, 23)}, "n’est pas en vigueur"),
    ],
    ids=["expired this morning", "starts tomorrow", "published tomorrow"],
)
def test_each_signature_is_judged_at_its_own_instant(fields, sentence):
    mandate = make.mandate(AuthorityKind.PREFECTURE, signs=True, **fields)
    decision = propose()
    assert not may_sign(decision, mandate, at=NOW)
    with pytest.raises(RefusedError, match=sentence):
        sign(decision, mandate)
    assert nothing_happened(decision)


def test_a_delegation_counts_from_its_publication():
    mandate = make.mandate(AuthorityKind.PREFECTURE, signs=True, signing_published_date=TODAY)
    decision = propose()
    assert may_sign(decision, mandate, at=NOW)
    assert not may_sign(decision, mandate, at=NOW - timedelta(days=1))


def test_a_right_taken_back_since_the_page_was_shown_no_longer_signs():
    ars, _ = signatories()
    decision = propose()
    shown = type(ars).objects.select_related("user", "authority", "departement").get(pk=ars.pk)
    type(ars).objects.filter(pk=ars.pk).update(valid=DateRange(date(2025, 10, 1), TODAY))
    with pytest.raises(RefusedError, match="a pris fin le 21"):
        sign(decision, shown)
    assert nothing_happened(decision)


def test_a_closed_account_no_longer_signs():
    ars, _ = signatories()
    type(ars.user).objects.filter(pk=ars.user.pk).update(is_active=False)
    decision = propose()
    with pytest.raises(RefusedError, match="n’est pas en vigueur"):
        sign(decision, ars)
    assert nothing_happened(decision)


def test_out_of_the_territory():
    elsewhere = make.departement("99", "Valfictie", region="R2")
    decision = propose()
    for mandate in signatories(on=elsewhere):
        with pytest.raises(RefusedError, match=r"ne couvre pas le département Essonnie \(98\)"):
            sign(decision, mandate)
    assert nothing_happened(decision)


@pytest.mark.parametrize(
    "mandate",
    [
        lambda: make.mandate(AuthorityKind.ARS),
        lambda: make.mandate(AuthorityKind.ARS, role=Role.OBSERVER),
        lambda: make.mandate(AuthorityKind.NATIONAL),
        lambda: make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER),
    ],
    ids=["agent", "observer", "national", "partner"],
)
def test_without_the_right_to_sign(mandate):
    decision = propose()
    with pytest.raises(RefusedError, match="ne donne pas le droit de signer"):
        sign(decision, mandate())
    assert nothing_happened(decision)


def test_a_changed_byte_is_not_signed():
    ars, _ = signatories()
    decision = propose()
    wrong = ("0" if decision.content_hash[0] != "0" else "1") + decision.content_hash[1:]
    with pytest.raises(StaleError, match="n’est pas celui qui vous a été présenté"):
        sign(decision, ars, content_hash=wrong)
    assert nothing_happened(decision)


def test_declining_opens_the_concertation():
    ars, prefet = signatories()
    decision = propose()
    sign(decision, ars)
    with pytest.raises(RefusedError, match="Indiquez le motif"):
        decline_decision(decision=decision, mandate=prefet, reason="  ", at=NOW)
    declined = decline_decision(decision=decision, mandate=prefet, reason="Le mercredi n’est pas établi.", at=NOW)
    assert declined.state == DecisionState.DECLINED
    assert effects() == ["declined"]
    assert SignatureRefusal.objects.get().reason == "Le mercredi n’est pas établi."
    with pytest.raises(RefusedError, match="concertation est ouverte"):
        sign(decision, prefet)


def test_a_correction_is_a_new_decision():
    ars, prefet = signatories()
    former = propose()
    sign(former, ars)
    corrected = propose(content={"title": "Arrêté conjoint corrigé"}, replaces=former)
    former.refresh_from_db()
    assert former.state == DecisionState.REPLACED
    assert corrected.signatures.count() == 0
    with pytest.raises(StaleError, match="remplacée par une version corrigée"):
        sign(former, prefet)
    with pytest.raises(RefusedError, match="déjà été remplacée"):
        propose(subject_id=1, replaces=former)
    sign(corrected, ars)
    sign(corrected, prefet)
    assert effects() == ["effect"]
    with pytest.raises(RefusedError, match="ne peut plus être remplacée"):
        propose(replaces=corrected)


def test_one_proposed_decision_per_subject():
    propose()
    with pytest.raises(IntegrityError, match="decision_one_proposed_per_subject"), transaction.atomic():
        propose()


def test_an_effect_that_the_database_refuses_undoes_the_signature(monkeypatch):
    def impossible(decision, at):
        Decision.objects.filter(pk=decision.pk).update(content="{}")

    monkeypatch.setitem(decisions._SIGNED, DecisionKind.LABEL_GRANTED, impossible)
    ars, prefet = signatories()
    decision = propose()
    sign(decision, ars)
    with pytest.raises(IntegrityError, match="never changes"):
        sign(decision, prefet)
    decision.refresh_from_db()
    assert decision.state == DecisionState.PROPOSED
    assert decision.signatures.count() == 1


# What the database refuses ---------------------------------------------------------------------------------------


def refused_by_database(sql, *parameters):
    with connection.cursor() as cursor:
        # Foreign keys are checked at commit: TRUNCATE would stop on that before the trigger speaks.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            cursor.execute(sql, parameters)
    return str(refusal.value)


def insert_signature(decision, mandate, content_hash, capacity=None):
    return refused_by_database(
        "INSERT INTO territories_signature (decision_id, capacity, user_id, mandate_id, content_hash, means, signatory_name, "
        "signatory_title, signed_at) VALUES (%s, %s, %s, %s, %s, 'portal', 'x', 'x', now())",
        decision.pk,
        capacity or mandate.capacity,
        mandate.user_id,
        mandate.pk,
        content_hash,
    )


@pytest.mark.parametrize(
    "change",
    [
        "content = content || ' '",
        "content_hash = repeat('0', 64)",
        "required = ARRAY['ars']",
        "kind = 'label_refused'",
        "subject_id = 7",
    ],
)
def test_content_never_changes(change):
    decision = propose()
    refused_by_database(f"UPDATE territories_decision SET {change} WHERE id = %s", decision.pk)  # noqa: S608


def test_hash_is_that_of_the_content():
    decision = propose()
    with pytest.raises(IntegrityError, match="decision_hash_is_of_content"), transaction.atomic():
        Decision.objects.create(
            kind=DecisionKind.LABEL_GRANTED,
            subject_type=Subject.STRUCTURE,
            subject_id=9,
            departement=decision.departement,
            title="x",
            content="{}",
            content_hash="0" * 64,
            required=["ars"],
            proposed_at=NOW,
        )


def test_not_signed_without_every_signature():
    ars, _ = signatories()
    decision = propose()
    sign(decision, ars)
    sentence = refused_by_database(
        "UPDATE territories_decision SET state = 'signed', signed_at = now() WHERE id = %s", decision.pk
    )
    assert "lacks a required signature" in sentence


def test_no_signature_on_another_content():
    ars, _ = signatories()
    assert "does not await this signature" in insert_signature(propose(), ars, "0" * 64)


def test_no_signature_without_the_right():
    agent = make.mandate(AuthorityKind.ARS)
    decision = propose()
    assert "no right to sign" in insert_signature(decision, agent, decision.content_hash)


def test_no_signature_on_a_signed_decision():
    ars, prefet = signatories()
    decision = propose()
    sign(decision, ars)
    sign(decision, prefet)
    third = make.mandate(AuthorityKind.ARS, signs=True)
    assert "does not await this signature" in insert_signature(decision, third, decision.content_hash)


@pytest.mark.parametrize("sql", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["territories_signature", "territories_signaturerefusal"])
def test_signatures_are_insert_only(table, sql):
    ars, prefet = signatories()
    decision = propose()
    sign(decision, ars)
    decline_decision(decision=decision, mandate=prefet, reason="Motif d’essai.", at=NOW)
    assert "insert-only" in refused_by_database(sql.format(table))


def test_a_decision_is_never_deleted_and_stays_signed():
    ars, prefet = signatories()
    decision = propose()
    sign(decision, ars)
    sign(decision, prefet)
    assert "never deleted" in refused_by_database("DELETE FROM territories_decision WHERE id = %s", decision.pk)
    assert "stays so" in refused_by_database(
        "UPDATE territories_decision SET state = 'proposed', signed_at = NULL WHERE id = %s", decision.pk
    )
