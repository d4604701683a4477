from decimal import Decimal

import pytest

from funding.choices import GrantState, MovementKind
from funding.rules import (
    LEDGER,
    Equation,
    balances,
    effect_on_rest,
    euros_in_words,
    named_territory,
    short_of_money,
    shown_to_agents,
    shown_to_structures,
)
from funding.workflow import COMMITTING


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.01", "zéro euro et un centime"),
        ("1.00", "un euro"),
        ("21.00", "vingt et un euros"),
        ("71.80", "soixante et onze euros et quatre-vingts centimes"),
        ("80.00", "quatre-vingts euros"),
        ("81.00", "quatre-vingt-un euros"),
        ("91.12", "quatre-vingt-onze euros et douze centimes"),
        ("200.00", "deux cents euros"),
        ("1000.00", "mille euros"),
        ("1999.99", "mille neuf cent quatre-vingt-dix-neuf euros et quatre-vingt-dix-neuf centimes"),
        ("50000.00", "cinquante mille euros"),
        ("80000.00", "quatre-vingt mille euros"),
        ("200201.00", "deux cent mille deux cent un euros"),
        ("1000000.00", "un million d’euros"),
        ("2500000.00", "deux millions cinq cent mille euros"),
        ("130000000.00", "cent trente millions d’euros"),
    ],
)
def test_amounts_in_words(amount, words):
    assert euros_in_words(Decimal(amount)) == words


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Valfictie", "de Valfictie"),
        ("Hérault", "d’Hérault"),
        ("Haute-Garonne", "de Haute-Garonne"),
        ("Île-de-France", "d’Île-de-France"),
        (None, "nationale"),
    ],
)
def test_named_territory(name, shown):
    assert named_territory(name) == shown


def test_the_sentence_of_an_envelope_too_small():
    said = short_of_money(envelope="FIR 2026 de Valfictie", rest=Decimal(12000), asked=Decimal(50000))
    assert said.replace("\u00a0", " ") == (
        "Il reste 12 000,00 € sur l’enveloppe FIR 2026 de Valfictie ; cette attribution en demande 50 000,00 €. Rien n’a été "
        "enregistré. Réduisez le montant, choisissez une autre ligne ou demandez une délégation de 38 000,00 €."
    )


def test_each_movement_keeps_the_equation():
    for kind in MovementKind:
        moved = balances([(kind, Decimal("10.01"))])
        assert set(LEDGER[kind].values()) <= {1, -1}
        assert effect_on_rest(kind, Decimal("10.01")) == Equation(**moved).rest


def test_the_life_of_a_grant_in_the_ledger():
    life = [
        ("opening", "100"),
        ("delegation", "30"),
        ("reservation", "50"),
        ("release", "50"),
        ("reservation", "40"),
        ("commitment", "40"),
    ]
    told = balances((kind, Decimal(amount)) for kind, amount in life)
    assert told == {"ceiling": 100, "delegated": 30, "reserved": 0, "committed": 40}


@pytest.mark.parametrize("state", GrantState)
def test_each_state_says_something_to_agents(state):
    shown = shown_to_agents(state, amount=Decimal(2), paid=Decimal(1), missing="directeur général de l’ARS")
    assert shown.label
    assert shown.next_step


def test_whose_turn_it_is():
    awaiting = {"amount": Decimal(2), "paid": Decimal(0), "missing": "préfet de département"}
    assert shown_to_agents("awaiting_signatures", **awaiting, mine=True).tone == "warning"
    assert shown_to_agents("awaiting_signatures", **awaiting, mine=False).tone == "info"
    assert "préfet de département" in shown_to_agents("awaiting_signatures", **awaiting).next_step


@pytest.mark.parametrize("state", GrantState)
def test_a_structure_is_told_nothing_before_the_act(state):
    if state in COMMITTING:
        assert shown_to_structures(state, amount=Decimal(2), paid=Decimal(1)).label
    else:
        with pytest.raises(KeyError):
            shown_to_structures(state, amount=Decimal(2), paid=Decimal(1))
