import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from francesante.lib.workflow import RefusedError, StaleError
from funding.choices import GrantState, MovementKind
from funding.models import Envelope, EnvelopeMovement, Grant, Payment, without_grant
from funding.services.envelopes import delegate_envelope, discrepancies, open_envelope
from funding.services.grants import cancel_grant, may_pay, present_grant, propose_grant, record_payment
from labelling.models import Label
from territories.choices import AuthorityKind, DecisionState, Role, SigningAs
from territories.models import Decision, Event
from territories.services.decisions import decline_decision, sign_decision
from territories.services.events import broken_link
from tests import factories as make
from tests.funding.worlds import envelope, line, signed_label, world
from tests.labelling.worlds import lift, suspend, withdraw
from tests.plugins.committed import at_once

NOW = make.NOW


def proposed(world, amount=50_000, label=None, on=None):
    return propose_grant(
        label=label or world.label,
        envelope=on or world.envelope,
        amount=Decimal(amount),
        purpose="Secrétariat médical",
        mandate=world.ars,
        at=NOW,
    )


def presented(world, amount=50_000, **where):
    grant = proposed(world, amount, **where)
    return grant, present_grant(grant=grant, mandate=world.ars, at=NOW)


def signed(decision, *mandates):
    for mandate in mandates:
        decision = sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=NOW)
    return decision


def amounts(envelope):
    row = Envelope.objects.get(pk=envelope.pk)
    return row.delegated, row.reserved, row.committed, row.available


def nothing_moved(world):
    assert amounts(world.envelope) == (0, 0, 0, 600_000)
    assert list(EnvelopeMovement.objects.values_list("kind", flat=True)) == ["opening"]
    assert not Event.objects.filter(subject_type="grant").exists()


# One grant, from proposal to payment --------------------------------------------------------------------------------


def test_a_grant_goes_all_the_way(valfictie):
    assert list(without_grant(Label.objects.all())) == [valfictie.label]
    grant, decision = presented(valfictie)
    assert not without_grant(Label.objects.all()).exists()
    assert amounts(valfictie.envelope) == (0, 50_000, 0, 550_000)
    assert decision.required == ["ars"]
    assert "50\u00a0000,00\u00a0€ (cinquante mille euros)" in decision.content

    signed(decision, valfictie.dg)

    grant.refresh_from_db()
    assert grant.state == GrantState.COMMITTED
    assert grant.committed_at == NOW
    assert amounts(valfictie.envelope) == (0, 0, 50_000, 550_000)
    pay = {"grant": grant, "mandate": valfictie.ars, "at": NOW, "paid_date": date(2026, 11, 20)}
    first = record_payment(amount=Decimal("20000.50"), reference="OP-1", **pay)
    assert record_payment(amount=Decimal("20000.50"), reference="OP-1", **pay) == first
    record_payment(amount=Decimal("29999.50"), reference="OP-2", **pay)
    grant.refresh_from_db()
    assert (grant.paid, grant.unpaid) == (50_000, 0)
    assert not may_pay(grant, valfictie.ars, at=NOW)
    assert list(Event.objects.about("grant", grant.pk).values_list("action", flat=True)) == [
        "propose",
        "present",
        "commit",
        "pay",
        "pay",
    ]
    assert broken_link("grant", grant.pk) is None
    assert discrepancies(Envelope.objects.all()) == []


def test_a_grant_is_decided_only_by_every_signature(valfictie):
    both = envelope(100_000, by=valfictie.national, code="credits-reaffectes", departement=valfictie.here)
    grant, decision = presented(valfictie, on=both)
    assert decision.required == ["ars", "prefet"]
    signed(decision, valfictie.dg)
    grant.refresh_from_db()
    assert grant.state == GrantState.AWAITING_SIGNATURES
    signed(decision, valfictie.prefete)
    grant.refresh_from_db()
    assert grant.state == GrantState.COMMITTED


def test_the_prefet_does_not_sign_what_the_line_does_not_ask(valfictie):
    _, decision = presented(valfictie)
    with pytest.raises(RefusedError):
        signed(decision, valfictie.prefete)
    assert amounts(valfictie.envelope) == (0, 50_000, 0, 550_000)


def test_a_declined_grant_is_proposed_again_and_its_money_released(valfictie):
    grant, decision = presented(valfictie)
    decline_decision(decision=decision, mandate=valfictie.dg, reason="Le montant est à revoir.", at=NOW)
    grant.refresh_from_db()
    assert (grant.state, grant.decision) == (GrantState.PROPOSED, None)
    assert amounts(valfictie.envelope) == (0, 0, 0, 600_000)
    again = present_grant(grant=grant, mandate=valfictie.ars, at=NOW)
    assert again.pk != decision.pk
    assert Decision.objects.get(pk=decision.pk).state == DecisionState.DECLINED
    assert discrepancies(Envelope.objects.all()) == []


def test_a_cancelled_proposal_leaves_room_for_another(valfictie):
    grant = proposed(valfictie)
    cancel_grant(grant=grant, mandate=valfictie.prefecture, at=NOW, version=1)
    assert grant.state == GrantState.CANCELLED
    assert list(without_grant(Label.objects.all())) == [valfictie.label]
    proposed(valfictie, 30_000)


# Refusals: the sentence, and nothing written ------------------------------------------------------------------------


def test_an_envelope_too_small_refuses_with_the_sentence_and_reserves_nothing(valfictie):
    small = envelope(62_000, by=valfictie.national, code="accord-conventionnel", departement=valfictie.here)
    other, third = (signed_label(valfictie.here, by=[valfictie.dg, valfictie.prefete]) for _ in range(2))
    grant, first = proposed(valfictie, on=small), proposed(valfictie, label=other, on=small)
    present_grant(grant=first, mandate=valfictie.ars, at=NOW)
    small.refresh_from_db()
    for act in (
        lambda: present_grant(grant=grant, mandate=valfictie.ars, at=NOW),
        lambda: proposed(valfictie, label=third, on=small),
    ):
        with pytest.raises(RefusedError) as refusal:
            act()
        assert str(refusal.value).replace("\u00a0", " ") == (
            "Il reste 12 000,00 € sur l’enveloppe Accord conventionnel 2026 de Valfictie ; cette attribution en demande "
            "50 000,00 €. Rien n’a été enregistré. Réduisez le montant, choisissez une autre ligne ou demandez une délégation de "
            "38 000,00 €."
        )
    grant.refresh_from_db()
    assert grant.state == GrantState.PROPOSED
    assert amounts(small) == (0, 50_000, 0, 12_000)
    assert not Decision.objects.filter(kind="grant_awarded", subject_id=grant.pk).exists()
    assert not third.grants.exists()


@pytest.mark.parametrize("amount", ["0", "-1", "10.001"])
def test_an_amount_is_positive_and_in_cents(valfictie, amount):
    with pytest.raises(RefusedError, match="montant supérieur à zéro"):
        proposed(valfictie, amount)
    nothing_moved(valfictie)


@pytest.mark.parametrize("who", ["observer", "national", "elsewhere"])
def test_who_may_not_propose(valfictie, who):
    with pytest.raises(RefusedError):
        propose_grant(
            label=valfictie.label,
            envelope=valfictie.envelope,
            amount=Decimal(1),
            purpose="x",
            mandate=getattr(valfictie, who),
            at=NOW,
        )
    nothing_moved(valfictie)


def test_an_ended_mandate_proposes_nothing(valfictie):
    with pytest.raises(RefusedError, match="plus en vigueur"):
        propose_grant(
            label=valfictie.label, envelope=valfictie.envelope, amount=Decimal(1), purpose="x", mandate=valfictie.ars,
            at=NOW - timedelta(days=1000),
        )  # fmt: skip


def test_a_label_out_of_force_receives_nothing(valfictie):
    withdraw()
    valfictie.label.refresh_from_db()
    with pytest.raises(RefusedError, match="n’est pas en vigueur"):
        proposed(valfictie)
    nothing_moved(valfictie)


def test_a_suspended_label_receives_nothing_either(valfictie):
    suspend(valfictie.label, since=NOW.date())
    with pytest.raises(RefusedError, match="n’est pas en vigueur"):
        proposed(valfictie)
    nothing_moved(valfictie)


def test_a_label_withdrawn_meanwhile_is_not_funded_by_the_last_signature(valfictie):
    grant, decision = presented(valfictie)
    withdraw()
    with pytest.raises(RefusedError, match="n’est pas en vigueur"):
        signed(decision, valfictie.dg)
    grant.refresh_from_db()
    assert grant.state == GrantState.AWAITING_SIGNATURES
    assert not decision.signatures.exists()


def test_an_envelope_of_elsewhere_does_not_serve(valfictie):
    other = envelope(by=valfictie.national, departement=make.departement("98", "Essonnie", region="R2"))
    with pytest.raises(RefusedError, match="ne couvre pas"):
        proposed(valfictie, on=other)


def test_one_grant_per_label_and_envelope(valfictie):
    proposed(valfictie)
    with pytest.raises(RefusedError, match="déjà une attribution"):
        proposed(valfictie)


def test_a_purpose_is_asked(valfictie):
    with pytest.raises(RefusedError, match="objet"):
        propose_grant(
            label=valfictie.label,
            envelope=valfictie.envelope,
            amount=Decimal(1),
            purpose="  ",
            mandate=valfictie.ars,
            at=NOW,
        )


def test_a_stale_page_presents_nothing(valfictie):
    grant = proposed(valfictie)
    with pytest.raises(StaleError):
        present_grant(grant=grant, mandate=valfictie.ars, at=NOW, version=grant.version + 1)
    assert amounts(valfictie.envelope) == (0, 0, 0, 600_000)


def test_nothing_is_paid_before_the_act_nor_beyond_it(valfictie):
    grant, decision = presented(valfictie)
    pay = {"grant": grant, "mandate": valfictie.ars, "at": NOW, "paid_date": date(2026, 11, 20)}
    with pytest.raises(RefusedError, match="engagée"):
        record_payment(amount=Decimal(1), reference="OP-1", **pay)
    signed(decision, valfictie.dg)
    with pytest.raises(RefusedError, match="Il reste 50\u00a0000,00\u00a0€ à verser"):
        record_payment(amount=Decimal("50000.01"), reference="OP-1", **pay)
    record_payment(amount=Decimal(10), reference="OP-1", **pay)
    with pytest.raises(RefusedError, match="désigne déjà un autre versement"):
        record_payment(amount=Decimal(11), reference="OP-1", **pay)
    with pytest.raises(RefusedError, match="à venir"):
        record_payment(amount=Decimal(1), reference="OP-2", **{**pay, "paid_date": date(2027, 1, 1)})
    with pytest.raises(RefusedError, match="signataire de la ligne"):
        record_payment(amount=Decimal(1), reference="OP-2", **{**pay, "mandate": valfictie.prefecture})
    grant.refresh_from_db()
    assert grant.paid == 10
    assert Payment.objects.count() == 1


# The label that is suspended, or ended ------------------------------------------------------------------------------


def instant(day):
    return datetime.combine(day, NOW.timetz())


def pay(world, grant, day, reference="OP-1"):
    at = max(NOW, instant(day))
    fields = {"amount": Decimal(10), "reference": reference, "paid_date": day, "mandate": world.ars, "at": at}
    return record_payment(grant=grant, **fields)


@pytest.fixture
def committed(valfictie):
    grant, decision = presented(valfictie)
    signed(decision, valfictie.dg)
    return grant


def test_nothing_is_paid_on_the_days_a_label_is_suspended(valfictie, committed):
    since, back = date(2026, 12, 10), date(2026, 12, 20)
    suspension = suspend(valfictie.label, since=since)
    pay(valfictie, committed, since - timedelta(days=1), "before")
    for day in (since, back):
        with pytest.raises(RefusedError, match="suspendu depuis le 10\u00a0décembre\u00a02026"):
            pay(valfictie, committed, day, "during")
    with pytest.raises(IntegrityError, match="nothing is paid while the label is suspended"), transaction.atomic():
        Payment.objects.create(grant=committed, amount=1, reference="x", paid_date=since, mandate=valfictie.ars)
    lift(suspension, back=back)
    with pytest.raises(RefusedError, match="Un versement fait avant ce jour s’enregistre avec sa date"):
        pay(valfictie, committed, back - timedelta(days=1), "during")
    pay(valfictie, committed, back, "after")
    # What was recorded before is recorded once, whatever came since.
    assert pay(valfictie, committed, since - timedelta(days=1), "before").reference == "before"
    committed.refresh_from_db()
    assert (committed.paid, committed.state) == (20, GrantState.COMMITTED)


def test_nothing_is_paid_from_the_day_an_act_ended_the_label(valfictie, committed):
    day = date(2026, 12, 10)
    withdraw(valfictie.label, at=instant(day))
    pay(valfictie, committed, day - timedelta(days=1))
    with pytest.raises(RefusedError, match="a pris fin le 10\u00a0décembre\u00a02026"):
        pay(valfictie, committed, day, "OP-2")
    with pytest.raises(IntegrityError, match="once an act ended it"), transaction.atomic():
        Payment.objects.create(grant=committed, amount=1, reference="x", paid_date=day, mandate=valfictie.ars)


def test_the_term_of_a_label_stops_no_payment(valfictie, committed):
    after = valfictie.label.valid.upper + timedelta(days=3)
    assert pay(valfictie, committed, after).paid_date == after


# Envelopes ----------------------------------------------------------------------------------------------------------


def test_what_is_delegated_is_what_the_children_have(valfictie):
    nation = envelope(1_000_000, by=valfictie.national, code="accord-conventionnel")
    act = {"mandate": valfictie.national, "at": NOW}
    region = delegate_envelope(parent=nation, region=valfictie.here.region, amount=Decimal(400_000), **act)
    child = delegate_envelope(
        parent=region, departement=valfictie.here, amount=Decimal("150000.10"), mandate=valfictie.ars, at=NOW
    )
    again = delegate_envelope(
        parent=region, departement=valfictie.here, amount=Decimal("0.05"), mandate=valfictie.ars, at=NOW
    )
    assert again.pk == child.pk
    assert again.ceiling == Decimal("150000.15")
    assert amounts(region)[0] == again.ceiling
    assert amounts(nation)[0] == 400_000
    with pytest.raises(RefusedError, match="cette délégation en demande"):
        delegate_envelope(parent=nation, region=valfictie.here.region, amount=Decimal("600000.01"), **act)
    assert discrepancies(Envelope.objects.all()) == []


def test_an_envelope_is_delegated_downwards_and_by_who_holds_it(valfictie):
    elsewhere = make.departement("97", "Mirage", region="R3")
    region = envelope(by=valfictie.national, code="accord-conventionnel", region=valfictie.here.region)
    with pytest.raises(RefusedError, match="qu’elle contient"):
        delegate_envelope(parent=region, departement=elsewhere, amount=Decimal(1), mandate=valfictie.national, at=NOW)
    with pytest.raises(RefusedError, match="qu’elle contient"):
        delegate_envelope(
            parent=valfictie.envelope, departement=valfictie.here, amount=Decimal(1), mandate=valfictie.ars, at=NOW
        )
    for mandate in (valfictie.elsewhere, valfictie.observer, valfictie.prefecture):
        with pytest.raises(RefusedError, match="équipe nationale"):
            delegate_envelope(parent=region, departement=valfictie.here, amount=Decimal(1), mandate=mandate, at=NOW)
    with pytest.raises(RefusedError, match="équipe nationale"):
        open_envelope(
            line=line(), year=2027, ceiling=Decimal(1), mandate=valfictie.elsewhere, at=NOW, departement=valfictie.here
        )
    with pytest.raises(RefusedError, match="existe déjà"):
        envelope(by=valfictie.national, departement=valfictie.here)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("committed = ceiling + 0.01", "envelope_never_overdrawn"),
        ("reserved = -0.01", "envelope_amounts_positive"),
        ("region_id = 'R1'", "envelope_one_territory"),
    ],
)
def test_the_database_refuses_to_overdraw(valfictie, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE funding_envelope SET {change}")  # noqa: S608


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("paid = amount + 0.01", "grant_paid_within_amount"),
        ("state = 'committed'", "grant_decision_iff_signing_or_later"),
        ("amount = 0", "grant_amount_positive|grant_paid_within_amount"),
        ("state = 'promised'", "grant_state_known|grant_decision_iff_signing_or_later"),
    ],
)
def test_the_database_refuses_a_grant_without_its_act(valfictie, change, constraint):
    proposed(valfictie)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE funding_grant SET {change}")  # noqa: S608


@pytest.mark.parametrize("table", ["funding_envelopemovement", "funding_payment"])
def test_the_ledger_is_insert_only(valfictie, table):
    grant, decision = presented(valfictie)
    signed(decision, valfictie.dg)
    record_payment(
        grant=grant, amount=Decimal(1), reference="OP-1", paid_date=date(2026, 11, 20), mandate=valfictie.ars, at=NOW
    )
    for order in (f"UPDATE {table} SET amount = 2", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(order)


def test_any_series_of_acts_reconciles_to_the_cent(valfictie):  # noqa: C901  # one act after another
    dice = random.Random(20261122)
    nation = envelope("900000.00", by=valfictie.national, code="accord-conventionnel")
    region = delegate_envelope(
        parent=nation, region=valfictie.here.region, amount=Decimal("700000.07"), mandate=valfictie.national, at=NOW
    )
    places = [signed_label(valfictie.here, by=[valfictie.dg, valfictie.prefete]) for _ in range(8)]
    child = delegate_envelope(
        parent=region, departement=valfictie.here, amount=Decimal("200000.01"), mandate=valfictie.ars, at=NOW
    )
    refused = 0
    for step in range(160):
        amount = Decimal(dice.randrange(1, 9_000_000)) / 100
        open_grants = list(Grant.objects.exclude(state=GrantState.CANCELLED))
        act = dice.choice(["propose", "present", "present", "sign", "sign", "decline", "cancel", "pay", "delegate"])
        grant = dice.choice(open_grants) if open_grants else None
        try:
            if act == "delegate":
                delegate_envelope(
                    parent=region,
                    departement=valfictie.here,
                    amount=amount / 10 // Decimal("0.01") * Decimal("0.01"),
                    mandate=valfictie.ars,
                    at=NOW,
                )
            elif act == "propose" or grant is None:
                proposed(
                    valfictie, amount, label=dice.choice(places), on=dice.choice([child, region, valfictie.envelope])
                )
            elif act == "present":
                present_grant(grant=grant, mandate=valfictie.ars, at=NOW)
            elif act == "cancel":
                cancel_grant(grant=grant, mandate=valfictie.ars, at=NOW)
            elif act == "pay":
                record_payment(
                    grant=grant,
                    amount=amount,
                    reference=f"OP-{step}",
                    paid_date=date(2026, 11, 20),
                    mandate=valfictie.ars,
                    at=NOW,
                )
            elif grant.decision:
                if act == "sign":
                    signed(grant.decision, valfictie.dg)
                else:
                    decline_decision(decision=grant.decision, mandate=valfictie.dg, reason="À revoir.", at=NOW)
        except RefusedError:
            refused += 1
        assert discrepancies(Envelope.objects.all()) == [], (step, act)
    states = set(Grant.objects.values_list("state", flat=True))
    assert {GrantState.COMMITTED, GrantState.CANCELLED} <= states
    assert refused > 10
    for row in Grant.objects.all():
        assert row.paid == sum(row.payments.values_list("amount", flat=True)) <= row.amount
        assert broken_link("grant", row.pk) is None


# Threads ------------------------------------------------------------------------------------------------------------


def test_fifty_at_once_on_room_for_three(committed_db):
    here = world()
    tight = envelope(169_999, by=here.national, code="accord-conventionnel", departement=here.here)
    grants = [proposed(here, label=signed_label(here.here, by=[here.dg, here.prefete]), on=tight) for _ in range(50)]
    outcomes = at_once(*[lambda grant=grant: present_grant(grant=grant, mandate=here.ars, at=NOW) for grant in grants])
    given = [row for row in outcomes if isinstance(row, Decision)]
    refused = {str(row).replace("\u00a0", " ") for row in outcomes if isinstance(row, RefusedError)}
    assert len(given) == 3
    assert sum(isinstance(row, RefusedError) for row in outcomes) == 47
    sentence = (
        "Il reste 19 999,00 € sur l’enveloppe Accord conventionnel 2026 de Valfictie ; cette attribution en demande 50 000,00 €. "
        "Rien n’a été enregistré. Réduisez le montant, choisissez une autre ligne ou demandez une délégation de 30 001,00 €."
    )
    assert refused == {sentence}
    assert amounts(tight) == (0, 150_000, 0, 19_999)
    assert tight.movements.filter(kind=MovementKind.RESERVATION).count() == 3
    assert Grant.objects.filter(state=GrantState.AWAITING_SIGNATURES).count() == 3
    assert discrepancies(Envelope.objects.all()) == []


def test_the_same_payment_sent_by_ten_is_one(committed_db):
    here = world()
    grant, decision = presented(here)
    signed(decision, here.dg)
    pay = {
        "amount": Decimal(10_000),
        "reference": "OP-1",
        "paid_date": date(2026, 11, 20),
        "mandate": here.ars,
        "at": NOW,
    }
    outcomes = at_once(*[lambda: record_payment(grant=grant, **pay).pk for _ in range(10)])
    assert len(set(outcomes)) == 1
    grant.refresh_from_db()
    assert grant.paid == 10_000


def test_delegations_at_once_never_pass_the_parent(committed_db):
    here = world()
    nation = envelope(100, by=here.national, code="accord-conventionnel")
    regions = [make.departement(f"D{n}", f"Lieu {n}", region=f"S{n}").region for n in range(8)]
    outcomes = at_once(
        *[
            lambda region=region: delegate_envelope(
                parent=nation, region=region, amount=Decimal(30), mandate=here.national, at=NOW
            )
            for region in regions
        ]
    )
    assert sum(isinstance(row, Envelope) for row in outcomes) == 3
    assert amounts(nation) == (90, 0, 0, 10)
    assert discrepancies(Envelope.objects.all()) == []


# Who sees what ------------------------------------------------------------------------------------------------------


def test_a_structure_sees_its_grant_once_committed_only(valfictie):
    owner = make.membership(valfictie.label.structure).user
    grant, decision = presented(valfictie)
    assert not Grant.objects.for_user(owner).exists()
    signed(decision, valfictie.dg)
    assert list(Grant.objects.for_user(owner)) == [grant]
    assert not Envelope.objects.for_user(owner).exists()
    assert not Grant.objects.for_user(make.membership().user).exists()


def test_territories_bound_what_is_seen(valfictie):
    grant = proposed(valfictie)
    for who in ("ars", "prefecture", "observer", "national", "dg"):
        user = getattr(valfictie, who).user
        assert list(Grant.objects.for_user(user)) == [grant]
        assert valfictie.envelope in Envelope.objects.for_user(user)
    assert not Grant.objects.for_user(valfictie.elsewhere.user).exists()
    assert not Envelope.objects.for_user(valfictie.elsewhere.user).exists()
    assert not Grant.objects.for_user(make.anonymous()).exists()


def test_a_delegate_signs_for_the_line(valfictie):
    _, decision = presented(valfictie)
    delegate = make.mandate(AuthorityKind.ARS, on=valfictie.here, signs=True)
    delegate.signing_as = SigningAs.DELEGATE
    delegate.save()
    assert delegate.role == Role.AGENT
    assert signed(decision, delegate).state == DecisionState.SIGNED
