"""Which answers each criterion reads: to unlock those alone, and to tell whether they changed. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from labelling.choices import Rule
from labelling.rules.answers import Answers
from labelling.rules.steps import TO_FILL, Step

PROFESSION_READ = {Rule.DOCTOR: "doctor", Rule.NURSE: "nurse"}
"""The professionals that a criterion of presence looks at; the others of the team stay locked."""

ORDER = (Rule.DOCTOR, Rule.NURSE, Rule.OPEN_DAYS, Rule.NO_OVERRUN, Rule.ON_CALL, Rule.COMMITMENT)
"""People before their tariffs: a doctor who arrives comes with a sector."""


def step_of(rule: str) -> Step | None:
    """Return the task whose form holds what a rule reads; nothing for a rule that reads no answer."""
    return next((step for step in TO_FILL if rule in step.rules), None)


def read_by(rule: str, answers: Answers) -> Any:
    """Return what a rule reads of the answers, to be compared."""
    match rule:
        case Rule.DOCTOR:
            return [replace(member, sector="") for member in answers.of("doctor")]
        case Rule.NURSE:
            return answers.of("nurse")
        case Rule.OPEN_DAYS:
            return (answers.hours, answers.sites, answers.stops, answers.closures)
        case Rule.NO_OVERRUN:
            return (answers.fees, [(member.name, member.sector) for member in answers.of("doctor")])
        case Rule.ON_CALL:
            return answers.on_call
        case _:
            return answers.commitments if rule == Rule.COMMITMENT else None


def taken_over(rules: Iterable[str], answers: Answers, changed: Answers) -> Answers:
    """Return ``answers`` with what some rules read of ``changed``; everything else stays as it was."""
    asked = set(rules)
    for rule in ORDER:
        if rule in asked:
            answers = _taken_over(rule, answers, changed)
    return answers


def only_read(rule: str, answers: Answers) -> Answers:
    """Return the answers as the form of a question shows them: of the team, the professionals it is about."""
    if rule in PROFESSION_READ:
        return replace(answers, team=tuple(answers.of(PROFESSION_READ[Rule(rule)])))
    return answers


def _taken_over(rule: Rule, answers: Answers, changed: Answers) -> Answers:
    match rule:
        case Rule.DOCTOR | Rule.NURSE:
            profession = PROFESSION_READ[rule]
            if changed.of(profession) == answers.of(profession):
                return answers
            place = next(
                (rank for rank, member in enumerate(answers.team) if member.profession == profession),
                len(answers.team),
            )
            others = [member for member in answers.team[place:] if member.profession != profession]
            return replace(answers, team=(*answers.team[:place], *changed.of(profession), *others))
        case Rule.OPEN_DAYS:
            return replace(
                answers,
                hours=changed.hours,
                sites=changed.sites,
                mobile=changed.mobile,
                stops=changed.stops,
                closures=changed.closures,
            )
        case Rule.NO_OVERRUN:
            return replace(answers, fees=changed.fees, team=_with_sectors(answers, changed))
        case Rule.ON_CALL:
            return replace(answers, on_call=changed.on_call)
        case _:
            return replace(answers, commitments=changed.commitments)


def _with_sectors(answers: Answers, changed: Answers) -> tuple[Any, ...]:
    """The team with the sectors of the changed doctors, in their order; one more doctor than before keeps its own."""
    sectors = iter([member.sector for member in changed.of("doctor")])
    return tuple(
        replace(member, sector=next(sectors, member.sector)) if member.profession == "doctor" else member
        for member in answers.team
    )
