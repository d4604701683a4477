"""Which questions a file is asked: by the type of its structure, by its earlier answers, by the cahier des charges. Pure, and
one: the form, the pages that show answers, the PDF and what is judged use it.

An answer whose question is no longer asked stays in a draft, in case it is asked again; nobody else receives nor judges it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from labelling.choices import Rule, StructureKind
from labelling.rules.answers import Answers, Commitments, Member

ASKED_WHEN: Mapping[str, Mapping[str, Any]] = {
    "correction": {"exact": False},
    "sector": {"profession": "doctor"},
    "minutes": {"profession": "nurse", "on_site": False},
    "rounds": {"mobile": True},
    "optam": {"sector": "optam"},
    "pdsa_sector": {"pdsa": True},
    "obstacle": {"pdsa": False, "sas": False},
}
"""By question, the answers that make it asked: all of them. « sector » is each doctor's, one is enough for « optam »."""

SPARED_STEPS = {
    "equipe": (Rule.DOCTOR, Rule.NURSE),
    "tarifs": (Rule.NO_OVERRUN,),
    "permanence": (Rule.ON_CALL,),
}
"""Tasks that ask nothing of a type that all their criteria exempt. The hours are asked of all: the public reads them."""


def asks(question: str, said: Any) -> bool:
    """Tell whether what was said, an object or a mapping, makes a question asked."""
    read = said.get if isinstance(said, Mapping) else lambda name: getattr(said, name)
    return all(read(name) == value for name, value in ASKED_WHEN[question].items())


def asks_rounds(answers: Answers, kind: str) -> bool:
    """Tell whether the stops of rounds are asked: a médicobus has some; others say so, or have said some already."""
    return kind == StructureKind.MOBILE or asks("rounds", answers) or (answers.mobile is None and bool(answers.stops))


def applicable(answers: Answers, kind: str) -> Answers:
    """Return the answers without those whose question is not asked."""
    doctors = answers.of("doctor")
    sectors = [member.sector for member in doctors] or [answers.fees.sector]
    optam = any(asks("optam", {"sector": sector}) for sector in sectors)
    return replace(
        answers,
        identity=answers.identity if asks("correction", answers.identity) else replace(answers.identity, correction=""),
        stops=answers.stops if asks_rounds(answers, kind) else (),
        team=tuple(_member(member) for member in answers.team),
        fees=replace(
            answers.fees,
            sector="" if doctors else answers.fees.sector,
            details=answers.fees.details if optam else "",
        ),
        on_call=replace(
            answers.on_call,
            pdsa_sector=answers.on_call.pdsa_sector if asks("pdsa_sector", answers.on_call) else "",
            details=answers.on_call.details if asks("obstacle", answers.on_call) else "",
        ),
    )


def _member(member: Member) -> Member:
    return replace(
        member,
        sector=member.sector if asks("sector", member) else "",
        minutes=member.minutes if asks("minutes", member) else None,
    )


def exempt(criteria: Iterable[Any], kind: str) -> frozenset[str]:
    """Return what a version of the cahier des charges spares a type of structure: rules, and commitments by their answer.

    A rule that two criteria use is spared when both exempt the type; a commitment that the version no longer has is too.
    ``criteria`` are all those of the version.
    """
    spared: dict[str, bool] = {}
    for criterion in criteria:
        key = criterion.parameters["answer"] if criterion.rule == Rule.COMMITMENT else criterion.rule
        spared[key] = spared.get(key, True) and kind in criterion.exempt_kinds
    gone = {one.name for one in fields(Commitments)} - set(spared)
    return frozenset(key for key, spares in spared.items() if spares) | gone


def is_spared(step: str, spared: Collection[str]) -> bool:
    """Tell whether a task has nothing to ask of a structure."""
    return step in SPARED_STEPS and all(rule in spared for rule in SPARED_STEPS[step])
