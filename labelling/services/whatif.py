"""« Et si la version n s’appliquait ? »: the pure rules run again on files, and nothing is written.

Files are read in a stream and only what is shown is kept: the memory does not grow with their number.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from labelling.choices import CriterionKind, Finding
from labelling.models import Application, Criterion, Specification
from labelling.rules.answers import parse
from labelling.rules.criteria import Assessed, assess_all

CHUNK = 500
PAGE = 50
ABSENT = ""
"""The finding of a criterion that a version does not have."""


@dataclass(frozen=True, slots=True)
class Change:
    """One criterion of one file whose finding would not be the same. An absent criterion has no finding.

    Attributes:
        file: what names the file (number, structure, département, state).
        title: the criterion's title in the version tried, else in the file's own.
        before, after: findings (:class:`labelling.choices.Finding`), empty when a version has no such criterion.
        sentence: why, in the version tried; empty when it has no such criterion.
    """

    file: Mapping[str, Any]
    code: str
    title: str
    before: str
    after: str
    sentence: str

    @property
    def before_words(self) -> str:
        """The finding before, in French."""
        return words(self.before)

    @property
    def after_words(self) -> str:
        """The finding after, in French."""
        return words(self.after)


@dataclass(slots=True)
class Tally:
    """The findings of one criterion over all files, before and after."""

    code: str
    title: str
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    changed: int = 0

    @property
    def rows(self) -> list[tuple[str, int, int]]:
        """Each finding in words, with its numbers before and after; those that no file has are left out."""
        keys = [*Finding.values, ABSENT]
        return [(words(key), self.before[key], self.after[key]) for key in keys if self.before[key] or self.after[key]]


@dataclass(slots=True)
class Outcome:
    """What a trial says: how many files, the tally of each criterion, and one page of changes."""

    files: int = 0
    files_changed: int = 0
    changes: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    shown: list[Change] = field(default_factory=list)


def words(finding: str) -> str:
    """Return a finding in French; a criterion that a version does not have says so."""
    return str(Finding(finding).label) if finding else "critère absent de cette version"


def trial(files: QuerySet[Application], specification: Specification, *, page: int) -> Outcome:
    """Try a version on files, and return the counts with one page of the findings that change (1 is the first)."""
    outcome = Outcome()
    first = (page - 1) * PAGE
    for found in _compare(files, specification):
        outcome.files += 1
        changed = 0
        for change in found:
            tally = outcome.tallies.setdefault(change.code, Tally(change.code, change.title))
            tally.before[change.before] += 1
            tally.after[change.after] += 1
            if change.before == change.after:
                continue
            tally.changed += 1
            if first <= outcome.changes < first + PAGE:
                outcome.shown.append(change)
            outcome.changes += 1
            changed += 1
        outcome.files_changed += changed > 0
    return outcome


def changes(files: QuerySet[Application], specification: Specification) -> Iterator[Change]:
    """Yield every finding that a version would change, file by file."""
    for found in _compare(files, specification):
        yield from (change for change in found if change.before != change.after)


_NAMED = ("number", "structure__name", "departement", "state")
"""What names a file in a list."""


def _compare(files: QuerySet[Application], specification: Specification) -> Iterator[list[Change]]:
    """Yield, for each file, its findings under its own version and under the one tried."""
    versions: dict[int, list[Criterion]] = {}
    rows = files.order_by("departement__sort_key", "pk").values(*_NAMED, "structure__kind", "answers", "specification")
    for row in rows.iterator(chunk_size=CHUNK):
        answers, kind, file = parse(row["answers"]), row["structure__kind"], {name: row[name] for name in _NAMED}
        own, tried = (_findings(pk, versions, answers, kind) for pk in (row["specification"], specification.pk))
        yield [_change(file, code, own.get(code), tried.get(code)) for code in {**tried, **own}]


def _findings(pk: int, versions: dict[int, list[Criterion]], answers: Any, kind: str) -> dict[str, Assessed]:
    if pk not in versions:
        # Commitments are subscribed to, not found.
        asked = Criterion.objects.filter(specification=pk, kind=CriterionKind.CRITERION)
        versions[pk] = list(asked.order_by("position"))
    return {one.criterion.code: one for one in assess_all(versions[pk], answers, structure_kind=kind)}


def _change(file: Mapping[str, Any], code: str, own: Assessed | None, tried: Assessed | None) -> Change:
    shown = tried or own
    return Change(
        file=file,
        code=code,
        title=shown.criterion.title if shown else code,
        before=str(own.finding) if own else ABSENT,
        after=str(tried.finding) if tried else ABSENT,
        sentence=tried.sentence if tried else "",
    )
