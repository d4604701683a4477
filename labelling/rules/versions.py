"""What differs between two versions of the cahier des charges, for people to read. Pure.

Criteria are matched by their code: it says that two texts are one criterion, and never changes its meaning.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from francesante.lib.french import typeset
from labelling.choices import StructureKind
from labelling.rules.parameters import in_words
from labelling.rules.textdiff import Segment, differs, text_diff

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that changed: its name, and the segments that lead from its old text to the new one."""

    label: str
    segments: list[Segment]


@dataclass(frozen=True, slots=True)
class CriterionChange:
    """One criterion that is new, gone, or different; ``criterion`` is the new one unless it is gone."""

    kind: Kind
    criterion: Any
    fields: list[FieldChange] = field(default_factory=list)
    to_assess: bool = False


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """What leads from a version to another. ``same`` counts the criteria that did not change."""

    fields: list[FieldChange]
    criteria: list[CriterionChange]
    same: int

    @property
    def is_empty(self) -> bool:
        """Whether both versions say the same."""
        return not self.fields and not self.criteria


def substance(criterion: Any) -> tuple[Any, ...]:
    """Return what a criterion asks: when it is the same in two versions, an assessment of one is worth for the other."""
    return (
        criterion.kind,
        criterion.title,
        criterion.text,
        criterion.rule,
        criterion.parameters,
        sorted(criterion.exempt_kinds),
    )


def compare(before: Any, after: Any, old: Iterable[Any], new: Iterable[Any]) -> VersionDiff:
    """Return what differs between two versions, whose criteria are given in their order."""
    known, now = {row.code: row for row in old}, {row.code: row for row in new}
    changes: list[CriterionChange] = []
    for code, criterion in now.items():
        if code not in known:
            changes.append(CriterionChange("added", criterion, _fields(None, criterion, _CRITERION), to_assess=True))
        elif fields := _fields(known[code], criterion, _CRITERION):
            again = substance(known[code]) != substance(criterion)
            changes.append(CriterionChange("changed", criterion, fields, to_assess=again))
    changes += [
        CriterionChange("removed", row, _fields(row, None, _CRITERION))
        for code, row in known.items()
        if code not in now
    ]
    same = len(now) - sum(change.kind != "removed" for change in changes)
    return VersionDiff(_fields(before, after, _VERSION), changes, same)


def silent_change(before: Any, after: Any) -> str:
    """Return, of a criterion of two versions, the parameters that changed while its words did not; else nothing.

    The words are its title, its text and its help: they may say an old number, or rightly say none.
    """
    if any(getattr(before, name) != getattr(after, name) for name in ("title", "text", "help_text")):
        return ""
    old, new = _text(before, "parameters"), _text(after, "parameters")
    return typeset(f"« {old} » devient « {new} »") if old != new else ""


def _fields(before: Any, after: Any, labels: dict[str, str]) -> list[FieldChange]:
    found = []
    for name, label in labels.items():
        segments = text_diff(_text(before, name), _text(after, name))
        if differs(segments):
            found.append(FieldChange(label, segments))
    return found


def _text(row: Any, name: str) -> str:
    if row is None:
        return ""
    match name:
        case "parameters":
            return " ; ".join(in_words(row.rule, row.parameters))
        case "exempt_kinds":
            return ", ".join(StructureKind(kind).label for kind in sorted(row.exempt_kinds))
        case "template":
            # A criterion without one raises, as an attribute that is missing.
            template = getattr(row, "template", None)
            return f"{template.name}, empreinte {template.sha256[:12]}" if template else ""
        case "kind" | "rule":
            return str(getattr(row, f"get_{name}_display")())
        case _:
            return str(getattr(row, name))


_VERSION = {
    "title": "Titre",
    "preamble": "Préambule",
    "legal_source": "Source",
    "transitional_clause": "Clause transitoire",
}
_CRITERION = {
    "position": "Rang",
    "kind": "Nature",
    "title": "Intitulé",
    "text": "Texte",
    "help_text": "Aide",
    "rule": "Constat automatique",
    "parameters": "Paramètres",
    "evidence_asked": "Pièces utiles",
    "template": "Modèle de pièce",
    "exempt_kinds": "Types dispensés",
    "legal_source": "Source",
}
