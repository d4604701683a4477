"""What the registers say beside each criterion of a file: which one was looked at, when, and whether it agrees."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from francesante.lib.french import short_date, typeset
from labelling.choices import Rule
from labelling.models import Application, RegisterLine
from labelling.rules.answers import Answers, parse
from labelling.rules.register_facts import FACTS_OF_RULE, agrees, covers, fact_in_words, in_words, is_late
from labelling.services.register_search import lines_about
from labelling.services.registers import TRACKED

CHANGES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Said:
    """What one register says of one criterion."""

    source: str
    words: str
    agreement: str = ""
    before: str = ""


def registers_context(application: Application, today: date) -> dict[str, Any]:
    """Return what the page of a file shows of the registers: by criterion, and of the structure as a whole."""
    lines = lines_about(application.structure)
    answers = parse(application.answers)
    criteria = application.specification.criteria_in_order
    return {
        "said": {row.code: _said(row.rule, lines, answers, today) for row in criteria},
        "warnings": [sentence for line in lines if (sentence := _warning(line))],
        "changes": _changes(lines),
    }


def _said(rule: str, lines: list[RegisterLine], answers: Answers, today: date) -> list[Said]:
    closed = [line for line in lines if line.closed_on] if rule == Rule.OPEN_DAYS else []
    speaking = [line for line in lines if covers(rule, line.facts)]
    return [
        *(
            Said(_source(line, today), typeset(f"fermé depuis le {short_date(line.closed_on)}"), "diffère")
            for line in closed
        ),
        *(_one(rule, line, answers, today) for line in speaking),
    ]


def _one(rule: str, line: RegisterLine, answers: Answers, today: date) -> Said:
    same = agrees(rule, line.facts, answers)
    agreement = {True: "concorde", False: "diffère", None: ""}[same]
    return Said(_source(line, today), in_words(rule, line.facts), agreement, _before(rule, line))


def _source(line: RegisterLine, today: date) -> str:
    late = " (plus d’un an)" if is_late(line.as_of, today) else ""
    return f"{line.get_register_display()}, {short_date(line.as_of)}{late}"


def _before(rule: str, line: RegisterLine) -> str:
    """Say the last thing that the register said before, of the facts of a rule."""
    for change in line.changes.all():
        key = change.field.removeprefix("facts.")
        if key in FACTS_OF_RULE.get(rule, ()) and change.field.startswith("facts."):
            return typeset(f"{fact_in_words(key, change.old)} jusqu’au {short_date(change.old_as_of)}")
    return ""


def _changes(lines: list[RegisterLine]) -> list[str]:
    """Say what registers wrote otherwise before of the structure itself, the latest change first."""
    found = [(change.as_of, line, change) for line in lines for change in line.changes.all() if change.field in TRACKED]
    found.sort(key=lambda one: one[0], reverse=True)
    return [
        typeset(
            f"{line.get_register_display()} écrivait jusqu’au {short_date(change.old_as_of)} : {TRACKED[change.field]} "
            f"« {change.old or 'rien'} »."
        )
        for _, line, change in found[:CHANGES_SHOWN]
    ]


def _warning(line: RegisterLine) -> str:
    name = line.get_register_display()
    if line.closed_on:
        return f"{name} dit cette structure fermée depuis le {short_date(line.closed_on)}."
    if line.missing_since:
        return (
            f"{name} ne la connaît plus depuis le {short_date(line.missing_since)} (vue le {short_date(line.as_of)})."
        )
    return ""
