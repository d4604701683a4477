"""What registers say of the criteria, in words, and whether it agrees with the answers of a file. Pure.

``facts`` of a line of a register holds some of::

    {"doctors": 2, "nurses": 1, "open_days": 5, "sector": "1", "pdsa": true, "sas": false}

FINESS says none of them. A register is late by nature: it is shown beside the answer, and never decides.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from francesante.lib.french import NBSP, plural, typeset
from labelling.choices import Rule
from labelling.rules.answers import SECTORS, Answers

Facts = Mapping[str, Any]
DAYS_OF_A_YEAR = 366

FACTS_OF_RULE: Mapping[str, tuple[str, ...]] = {
    Rule.DOCTOR: ("doctors",),
    Rule.NURSE: ("nurses",),
    Rule.OPEN_DAYS: ("open_days",),
    Rule.NO_OVERRUN: ("sector",),
    Rule.ON_CALL: ("pdsa", "sas"),
}
"""The facts that speak of the criteria of a rule; a rule that is absent is one that no register covers."""


def covers(rule: str, facts: Facts) -> bool:
    """Tell whether facts say something of the criteria of a rule."""
    return any(key in facts for key in FACTS_OF_RULE.get(rule, ()))


def in_words(rule: str, facts: Facts) -> str:
    """Return what facts say of a rule, in a few words; nothing when they do not cover it."""
    return ", ".join(fact_in_words(key, facts[key]) for key in FACTS_OF_RULE.get(rule, ()) if key in facts)


def fact_in_words(key: str, value: Any) -> str:
    """Return one fact in a few words, ``None`` being no longer said."""
    if value is None:
        return "rien"
    return typeset(_WORDS[key](value))


def agrees(rule: str, facts: Facts, answers: Answers) -> bool | None:
    """Tell whether facts and answers say the same of a rule; ``None`` when one of them says nothing."""
    if not covers(rule, facts):
        return None
    return _SAME[Rule(rule)](facts, answers)


def favourable(facts: Facts) -> list[str]:
    """Return, in words, the facts that speak for the label."""
    return [fact_in_words(key, facts[key]) for key, holds in _FAVOURABLE.items() if key in facts and holds(facts[key])]


def unfavourable(facts: Facts) -> list[str]:
    """Return, in words, the facts that speak against it; the registers may be late."""
    said = [key for key, holds in _FAVOURABLE.items() if key in facts and not holds(facts[key])]
    if facts.get("pdsa") or facts.get("sas"):
        said = [key for key in said if key not in FACTS_OF_RULE[Rule.ON_CALL]]
    return [fact_in_words(key, facts[key]) for key in said]


def answers_from(facts: Facts) -> dict[str, Any]:
    """Return the answers that facts give, for a draft that the structure will confirm."""
    known: dict[str, Any] = {}
    if "sector" in facts:
        known["fees"] = {"sector": facts["sector"]}
    on_call = {key: facts[key] for key in FACTS_OF_RULE[Rule.ON_CALL] if key in facts}
    return known | ({"on_call": on_call} if on_call else {})


def is_late(as_of: date, today: date) -> bool:
    """Tell whether a line of a register is more than a year old: pages say so beside its day."""
    return (today - as_of).days > DAYS_OF_A_YEAR


def _counted(noun: str) -> Callable[[int], str]:
    return lambda count: f"{count}{NBSP}{noun}{plural(count)}" if count else f"aucun {noun}"


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "doctors": _counted("médecin"),
    "nurses": _counted("infirmier"),
    "open_days": lambda days: f"{days}{NBSP}jour{plural(days)} par semaine",
    "sector": lambda sector: SECTORS[sector],
    "pdsa": lambda takes: "participe à la PDSA" if takes else "ne participe pas à la PDSA",
    "sas": lambda takes: "participe au SAS" if takes else "ne participe pas au SAS",
}
_FAVOURABLE: Mapping[str, Callable[[Any], bool]] = {
    "doctors": lambda count: count > 0,
    "nurses": lambda count: count > 0,
    "open_days": lambda days: days >= 5,  # noqa: PLR2004  # the letter of October 2025
    "sector": lambda sector: sector == "1",
    "pdsa": bool,
    "sas": bool,
}


def _same_count(profession: str, key: str) -> Callable[[Facts, Answers], bool | None]:
    def same(facts: Facts, answers: Answers) -> bool | None:
        # Presence is what the criterion asks: registers and files do not count the same people.
        return bool(facts[key]) == bool(answers.of(profession)) if answers.team else None

    return same


def _same_days(facts: Facts, answers: Answers) -> bool | None:
    return bool(facts["open_days"] == len(answers.open_days)) if answers.hours else None


def _same_sector(facts: Facts, answers: Answers) -> bool | None:
    said = {member.sector for member in answers.of("doctor") if member.sector} or {answers.fees.sector} - {""}
    return said == {facts["sector"]} if said else None


def _same_on_call(facts: Facts, answers: Answers) -> bool | None:
    pairs = [(facts[key], getattr(answers.on_call, key)) for key in ("pdsa", "sas") if key in facts]
    both = [(theirs, ours) for theirs, ours in pairs if ours is not None]
    return all(theirs == ours for theirs, ours in both) if both else None


_SAME: Mapping[Rule, Callable[[Facts, Answers], bool | None]] = {
    Rule.DOCTOR: _same_count("doctor", "doctors"),
    Rule.NURSE: _same_count("nurse", "nurses"),
    Rule.OPEN_DAYS: _same_days,
    Rule.NO_OVERRUN: _same_sector,
    Rule.ON_CALL: _same_on_call,
}
