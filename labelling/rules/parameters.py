"""What the rule of a criterion may be told: its parameters, their types, bounds and words.

Pure. The editor of the cahier des charges asks for exactly these, and its checks refuse the rest; the rules of
``labelling.rules.criteria`` read them. ``ways`` lists the ways of satisfying the criterion that a version admits; absent,
it admits them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from francesante.lib.french import NBSP, plural, typeset
from labelling.choices import CriterionKind, Rule

WAYS: Mapping[Rule, Mapping[str, str]] = {
    Rule.NURSE: {"on_site": "un infirmier exerce sur place", "nearby": "un cabinet infirmier se trouve à proximité"},
    Rule.NO_OVERRUN: {
        "sector_1": "les médecins sont en secteur 1",
        "optam": "un médecin adhère à l’OPTAM, sur appréciation motivée d’un agent",
    },
    Rule.ON_CALL: {"pdsa": "participer à la PDSA", "sas": "participer au SAS"},
}
"""The ways of satisfying a criterion, by rule; a rule that is absent knows only one."""

COMMITMENTS = {
    "appointment_48h": "rendez-vous médical sous 48 heures",
    "support": "accompagnement dans le parcours de santé",
}
"""The commitments that a file asks for (``labelling.rules.answers.Commitments``)."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number between two bounds, both included."""

    label: str
    unit: str
    minimum: int
    maximum: int
    default: int


NUMBERS: Mapping[Rule, Mapping[str, Number]] = {
    Rule.DOCTOR: {"min_half_days": Number("Demi-journées de médecin par semaine, au moins", "demi-journée", 1, 70, 1)},
    Rule.NURSE: {"max_minutes": Number("Temps de trajet jusqu’au cabinet infirmier, au plus", "minute", 0, 60, 15)},
    Rule.OPEN_DAYS: {"min_days": Number("Jours d’ouverture par semaine, au moins", "jour", 1, 7, 5)},
}
"""The numbers that a rule needs; all are required."""


def admits(rule: Rule, parameters: Mapping[str, Any], way: str) -> bool:
    """Tell whether a version admits a way of satisfying a criterion."""
    return way in parameters.get("ways", WAYS[rule])


def defaults(rule: str) -> dict[str, Any]:
    """Return the parameters with which a new criterion of a rule begins."""
    found: dict[str, Any] = {name: number.default for name, number in NUMBERS.get(Rule(rule), {}).items()}
    return found | ({"answer": next(iter(COMMITMENTS))} if rule == Rule.COMMITMENT else {})


def problems_of(rule: str, parameters: Mapping[str, Any], *, kind: str) -> list[str]:
    """Return what is wrong with the rule of a criterion and its parameters, in French; nothing when all is right."""
    found = []
    if (kind == CriterionKind.COMMITMENT) != (rule == Rule.COMMITMENT):
        found.append("un engagement a la règle « engagement », un critère en a une autre")
    numbers, ways = NUMBERS.get(Rule(rule), {}), WAYS.get(Rule(rule), {})
    for name, number in numbers.items():
        value = parameters.get(name)
        # A boolean is an integer to Python, and is none here.
        if not isinstance(value, int) or isinstance(value, bool) or not number.minimum <= value <= number.maximum:
            found.append(
                f"{number.label.lower()} : un nombre entier de {number.minimum} à {number.maximum} est attendu"
            )
    if rule == Rule.COMMITMENT and parameters.get("answer") not in COMMITMENTS:
        found.append("l’engagement demandé à la structure n’est pas choisi")
    if "ways" in parameters and (not parameters["ways"] or not set(parameters["ways"]) <= set(ways)):
        found.append("une façon de satisfaire le critère au moins est admise, parmi celles de sa règle")
    if extra := set(parameters) - {*numbers, "ways", *(["answer"] if rule == Rule.COMMITMENT else [])}:
        found.append(f"paramètres inconnus de la règle : {', '.join(sorted(extra))}")
    return [typeset(sentence) for sentence in found]


def in_words(rule: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the parameters of a criterion as people read them, one sentence each, without its final stop."""
    found = []
    for name, number in NUMBERS.get(Rule(rule), {}).items():
        value = parameters.get(name)
        if isinstance(value, int):
            found.append(f"{number.label} : {value}{NBSP}{number.unit}{plural(value)}")
    if ways := WAYS.get(Rule(rule)):
        admitted = [words for way, words in ways.items() if admits(Rule(rule), parameters, way)]
        found.append(f"Façons admises : {' ; ou '.join(admitted)}")
    if rule == Rule.COMMITMENT:
        found.append(f"Engagement demandé : {COMMITMENTS.get(parameters.get('answer', ''), 'non choisi')}")
    return [typeset(sentence) for sentence in found]
