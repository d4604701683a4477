"""When a register says otherwise than the answers on which a label was granted, and the sentence that says so. Pure.

Only what would leave a criterion unmet: a register that says better than the file, or less but enough, is no alert. A
register is late by nature: an alert is checked by people, and decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from francesante.lib.french import MONTHS, NBSP, long_date, plural, typeset
from labelling.choices import Register, Rule
from labelling.rules.answers import SECTORS, Answers
from labelling.rules.parameters import admits
from labelling.rules.register_facts import FACTS_OF_RULE, Facts

_RANKS = {"1": 0, "optam": 1, "2": 2}
"""Sectors, from the one that the criterion asks for to the one farthest from it."""

AGAINST: Mapping[str, Sequence[Any]] = {
    "doctors": [0],
    "nurses": [0],
    "sector": ["optam", "2"],
    "pdsa": [False],
    "sas": [False],
}
"""What a register must say, at least, to contradict a file, by fact; and of ``open_days``, fewer than the criterion asks."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What a register says of one criterion, against what the file said: by fact, as both hold it."""

    said: Mapping[str, Any]
    answered: Mapping[str, Any]


def contradiction(rule: str, parameters: Mapping[str, Any], facts: Facts, answers: Answers) -> Contradiction | None:
    """Return how facts contradict the answers of a file for a criterion, given by its rule; nothing when they do not."""
    pairs = {
        key: (facts[key], answered)
        for key in FACTS_OF_RULE.get(rule, ())
        if key in facts
        and (answered := _ANSWERED[key](answers)) is not None
        and _WORSE.get(key, _less)(facts[key], answered)
    }
    if not pairs or _still_met(rule, parameters, facts, answers):
        return None
    return Contradiction({key: said for key, (said, _) in pairs.items()}, {key: had for key, (_, had) in pairs.items()})


def in_a_sentence(register: str, as_of: date, found: Contradiction) -> str:
    """Say both sides: « Le fichier Ameli de mai 2026 indique un secteur 2, le dossier indiquait un secteur 1 »."""
    now, before = _clause(found.said, "indique"), _clause(found.answered, "indiquait")
    return typeset(f"{source(register, as_of)} {now}, le dossier {before}.")


def closed_sentence(register: str, as_of: date, closed_on: date) -> str:
    """Say that a register holds the place of a label to be closed."""
    return typeset(f"{source(register, as_of)} indique cette structure fermée depuis le {long_date(closed_on)}.")


def missing_sentence(register: str, missing_since: date, as_of: date) -> str:
    """Say that a register no longer knows the place of a label."""
    return typeset(f"{source(register, missing_since)} ne connaît plus cette structure, vue le {long_date(as_of)}.")


def source(register: str, as_of: date) -> str:
    """Name the file of a register by its month: « Le fichier Ameli d’octobre 2026 »."""
    month = f"{MONTHS[as_of.month - 1]}{NBSP}{as_of.year}"
    if register == Register.LIST:
        return f"La liste transmise par une ARS en {month}"
    if register == Register.ANNUAIRE:
        return f"L’Annuaire des entreprises en {month}"
    return f"Le fichier {Register(register).label} {'d’' if month[0] in 'ao' else 'de '}{month}"


# What the file said, by fact; ``None`` when it said nothing that a register could contradict.


def _present(profession: str) -> Callable[[Answers], int | None]:
    # A nurse's practice nearby is not of the structure: no register of the structure can lose it.
    return lambda answers: sum(member.on_site for member in answers.of(profession)) or None


def _worst_sector(answers: Answers) -> str | None:
    said = {member.sector for member in answers.of("doctor") if member.sector} or {answers.fees.sector} - {""}
    return max(said, key=lambda sector: _RANKS[sector], default=None)


_ANSWERED: Mapping[str, Callable[[Answers], Any]] = {
    "doctors": _present("doctor"),
    "nurses": _present("nurse"),
    "open_days": lambda answers: len(answers.open_days) or None,
    "sector": _worst_sector,
    "pdsa": lambda answers: answers.on_call.pdsa,
    "sas": lambda answers: answers.on_call.sas,
}


def _still_met(rule: str, parameters: Mapping[str, Any], facts: Facts, answers: Answers) -> bool:
    """Whether the criterion is met all the same, should the register be right."""
    match Rule(rule):
        case Rule.OPEN_DAYS:
            return bool(facts["open_days"] >= parameters["min_days"])
        case Rule.ON_CALL:
            return any(
                admits(Rule.ON_CALL, parameters, way) and facts.get(way, getattr(answers.on_call, way))
                for way in _PLACES
            )
        case _:
            return False


def _less(said: Any, answered: Any) -> bool:
    return bool(said < answered)


def _gone(said: int, _answered: int) -> bool:
    # Presence is what the criterion asks: registers and files do not count the same people.
    return said == 0


def _farther(said: str, answered: str) -> bool:
    return said in _RANKS and _RANKS[said] > _RANKS[answered]


_WORSE: Mapping[str, Callable[[Any, Any], bool]] = {"doctors": _gone, "nurses": _gone, "sector": _farther}


# Words ----------------------------------------------------------------------------------------------------------------


_PLACES = {"pdsa": "à la PDSA", "sas": "au SAS"}
_NOUNS = {"doctors": "médecin", "nurses": "infirmier"}


def _clause(values: Mapping[str, Any], verb: str) -> str:
    """Say the facts of one rule with a verb: there is one of them, or both participations, taken or not."""
    key, value = next(iter(values.items()))
    if key in _PLACES:
        places = [_PLACES[way] for way in values]
        if value:
            return f"{verb} une participation {' et '.join(places)}"
        return f"n’{verb} pas de participation {' ni '.join(places)}"
    if key == "sector":
        return f"{verb} un {SECTORS[value].replace('secteur ', f'secteur{NBSP}')}"
    if key == "open_days":
        return f"{verb} {value}{NBSP}jour{plural(value)} d’ouverture par semaine"
    return f"{verb} {value}{NBSP}{_NOUNS[key]}{plural(value)}" if value else f"n’{verb} aucun {_NOUNS[key]}"
