"""Pure rules of money: how the ledger moves, how amounts and territories are written, what a state says to whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from francesante.lib.french import NBSP, euros, long_date
from funding.choices import GrantState, MovementKind

LEDGER: Mapping[str, Mapping[str, int]] = {
    MovementKind.OPENING: {"ceiling": 1},
    MovementKind.DELEGATION: {"delegated": 1},
    MovementKind.RESERVATION: {"reserved": 1},
    MovementKind.RELEASE: {"reserved": -1},
    MovementKind.COMMITMENT: {"reserved": -1, "committed": 1},
}
"""What a movement of a given kind adds to each amount of its envelope; written and audited by the same table."""

COLUMNS = ("ceiling", "delegated", "reserved", "committed")


def balances(movements: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return the amounts of an envelope as its ledger tells them: ``(kind, amount)`` pairs, in euros."""
    totals = dict.fromkeys(COLUMNS, Decimal(0))
    for kind, amount in movements:
        for column, sign in LEDGER[kind].items():
            totals[column] += sign * amount
    return totals


def effect_on_rest(kind: str, amount: Decimal) -> Decimal:
    """Return what a movement adds to the rest of its envelope (ceiling − delegated − reserved − committed), in euros."""
    moved = LEDGER[kind]
    return amount * (moved.get("ceiling", 0) - sum(moved.get(column, 0) for column in COLUMNS[1:]))


@dataclass(frozen=True, slots=True)
class Equation:
    """The two sides of « Plafond = délégué + réservé + attribué + reste », in euros, exact to the cent."""

    ceiling: Decimal
    delegated: Decimal
    reserved: Decimal
    committed: Decimal

    @property
    def rest(self) -> Decimal:
        """What remains to delegate or to grant."""
        return self.ceiling - self.delegated - self.reserved - self.committed


def named_territory(name: str | None) -> str:
    """Return ``de Valfictie``, ``d’Occitanie``, or ``nationale`` (said of an envelope) for the whole country."""
    if name is None:
        return "nationale"
    mute = name[0] in "AEÉIÎOUY" or (name[0] == "H" and not name.startswith("Haut"))
    return f"d’{name}" if mute else f"de {name}"


def short_of_money(*, envelope: str, rest: Decimal, asked: Decimal) -> str:
    """Return the sentence of an envelope too small (EXPERIENCE §5, sentence 13)."""
    return (
        f"Il reste {euros(rest, 2)} sur l’enveloppe {envelope}{NBSP}; cette attribution en demande {euros(asked, 2)}. "
        "Rien n’a été enregistré. Réduisez le montant, choisissez une autre ligne ou demandez une délégation de "
        f"{euros(asked - rest, 2)}."
    )


# Amounts in words, as acts print them ------------------------------------------------------------------------------

_UNITS = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
).split()
_TENS = "_ _ vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split()
_THOUSAND, _MILLION, _MILLIARD = 10**3, 10**6, 10**9


def in_words(value: int) -> str:
    """Write a whole number below a thousand milliards in French (spelling with hyphens inside hundreds only)."""
    if value < _THOUSAND:
        return _hundreds(value)
    for size, word in ((_MILLIARD, "milliard"), (_MILLION, "million")):
        if value >= size:
            count, rest = divmod(value, size)
            head = f"{in_words(count)} {word}{'s' if count > 1 else ''}"
            return f"{head} {in_words(rest)}" if rest else head
    count, rest = divmod(value, _THOUSAND)
    head = "mille" if count == 1 else f"{_hundreds(count, before_mille=True)} mille"
    return f"{head} {_hundreds(rest)}" if rest else head


def _hundreds(value: int, *, before_mille: bool = False) -> str:
    count, rest = divmod(value, 100)
    if not count:
        return _tens(rest, before_mille=before_mille)
    head = "cent" if count == 1 else f"{_UNITS[count]} cent"
    if rest:
        return f"{head} {_tens(rest, before_mille=before_mille)}"
    return head if count == 1 or before_mille else f"{head}s"


def _tens(value: int, *, before_mille: bool) -> str:
    if value < len(_UNITS):
        return _UNITS[value]
    ten, unit = divmod(value, 10)
    if ten in {7, 9}:
        unit += 10
    word = _TENS[ten]
    if unit == 0:
        return f"{word}s" if word == "quatre-vingt" and not before_mille else word
    if unit in {1, 11} and word != "quatre-vingt":
        return f"{word} et {_UNITS[unit]}"
    return f"{word}-{_UNITS[unit]}"


def euros_in_words(amount: Decimal) -> str:
    """Write an amount in words: ``cinquante mille euros``, ``douze euros et cinq centimes``."""
    whole, cents = divmod(int(amount * 100), 100)
    of = "d’" if whole >= _MILLION and whole % _MILLION == 0 else ""
    text = f"{in_words(whole)} {of}euro{'s' if whole > 1 else ''}"
    if cents:
        text += f" et {in_words(cents)} centime{'s' if cents > 1 else ''}"
    return text


# What a state says, and to whom (EXPERIENCE §4) ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A badge and the sentence that goes with it: actor, verb, date."""

    label: str
    tone: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """Why a committed grant is not paid: from which day, whether for good, the reason, and what would end it."""

    since: date
    is_over: bool
    why: str
    then: str


_FOR_AGENTS = {
    GrantState.PROPOSED: ("Proposée", ""),
    GrantState.AWAITING_SIGNATURES: ("À signer", "info"),
    GrantState.COMMITTED: ("Engagée", "success"),
    GrantState.SUSPENDED: ("Gelée", "warning"),
    GrantState.CLOSED: ("Soldée", ""),
    GrantState.CANCELLED: ("Annulée", ""),
    GrantState.CLAWED_BACK: ("Reversement", "info"),
}
_FOR_STRUCTURES = {
    GrantState.COMMITTED: ("Accordée", "success"),
    GrantState.SUSPENDED: ("Versement gelé", "warning"),
    GrantState.CLOSED: ("Soldée", ""),
    GrantState.CLAWED_BACK: ("À reverser", "warning"),
}


def shown_to_agents(
    state: str, *, amount: Decimal, paid: Decimal, missing: str = "", mine: bool = False, freeze: Freeze | None = None
) -> Shown:
    """Return the badge and next step of a grant for agents.

    ``missing`` names the signatures still awaited; ``mine`` says that the reader may give one; ``freeze`` is why its label
    is not paid today.
    """
    if freeze is not None and state == GrantState.COMMITTED:
        return _frozen(freeze, paid=paid, amount=amount, label="Arrêtée" if freeze.is_over else "Gelée")
    label, tone = _FOR_AGENTS[GrantState(state)]
    match state:
        case GrantState.PROPOSED:
            step = "À présenter à la signature. Aucun crédit n’est encore réservé."
        case GrantState.AWAITING_SIGNATURES:
            step = f"Signature attendue{NBSP}: {missing}. Crédits réservés." if missing else "Crédits réservés."
            tone = "warning" if mine else tone
        case GrantState.CANCELLED:
            step = "Aucun acte attendu."
        case _:
            step = f"Versé {euros(paid, 2)} sur {euros(amount, 2)}."
    return Shown(label, tone, step)


def shown_to_structures(state: str, *, amount: Decimal, paid: Decimal, freeze: Freeze | None = None) -> Shown:
    """Return the badge and next step of a grant for the structure; nothing is shown before the act."""
    if freeze is not None and state == GrantState.COMMITTED:
        label = "Versement arrêté" if freeze.is_over else "Versement gelé"
        return _frozen(freeze, paid=paid, amount=amount, label=label)
    label, tone = _FOR_STRUCTURES[GrantState(state)]
    step = (
        f"{euros(paid, 2)} versés."
        if state == GrantState.CLOSED
        else f"{euros(amount, 2)} accordés, {euros(paid, 2)} versés à ce jour."
    )
    return Shown(label, tone, step)


def _frozen(freeze: Freeze, *, paid: Decimal, amount: Decimal, label: str) -> Shown:
    return Shown(
        label, "warning", f"Depuis le {long_date(freeze.since)}. Versé {euros(paid, 2)} sur {euros(amount, 2)}."
    )
