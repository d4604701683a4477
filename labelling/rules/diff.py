"""What changed between two versions of the answers, in words, field by field. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from labelling.rules.answers import HALF_DAYS, Answers
from labelling.rules.reads import read_by
from labelling.rules.steps import TO_FILL, Step
from labelling.rules.words import answers_in_words, who_is

ABSENT = "–"


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that is not the same: before and after, :data:`ABSENT` where there was or is none."""

    step: Step
    label: str
    before: str
    after: str


def changes(before: Answers, after: Answers) -> list[Change]:
    """Return the answers that differ, in the order of the tasks."""
    found = []
    for step in TO_FILL:
        old, new = dict(_lines(step, before)), dict(_lines(step, after))
        for key in [*old, *(key for key in new if key not in old)]:
            was, now = old.get(key, ABSENT), new.get(key, ABSENT)
            if was != now:
                found.append(Change(step, key[0], was, now))
    return found


def has_changed(rule: str, before: Answers, after: Answers) -> bool:
    """Tell whether what a criterion's rule reads is not the same."""
    return bool(read_by(rule, before) != read_by(rule, after))


def _lines(step: Step, answers: Answers) -> Iterator[tuple[tuple[str, int], str]]:
    """Give the lines of a task by label and rank: two professionals may have the same name."""
    seen: Counter[str] = Counter()
    details = _team_details(answers) if step.slug == "equipe" else []
    for label, text in [*answers_in_words(step, answers), *details]:
        seen[label] += 1
        yield (label, seen[label]), text


def _team_details(answers: Answers) -> list[tuple[str, str]]:
    """What the words of a team leave out when nothing is compared: which half-days, and the end of the RPPS."""
    details = []
    for member in answers.team:
        name, _ = who_is(member)
        if member.half_days:
            halves = ", ".join(HALF_DAYS[half] for half in sorted(member.half_days))
            details.append((f"{name}, demi-journées", halves))
        if member.rpps:
            details.append((f"{name}, RPPS", f"finit par {member.rpps[-4:]}"))
    return details
