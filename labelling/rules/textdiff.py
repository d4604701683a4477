"""What differs between two texts, word by word. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of words with the spaces around them: in both texts, only in the new one, or only in the old one."""

    kind: Kind
    text: str


def text_diff(before: str, after: str) -> list[Segment]:
    """Return the segments that lead from a text to another; what is removed comes before what takes its place.

    Joining the segments that are not ``added`` gives the first text back, those that are not ``removed`` the second.
    """
    old, new = _words(before), _words(after)
    segments: list[Segment] = []
    for operation, a1, a2, b1, b2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal":
            segments.append(Segment("same", "".join(old[a1:a2])))
            continue
        segments += _segment("removed", old[a1:a2])
        segments += _segment("added", new[b1:b2])
    return segments


def differs(segments: Sequence[Segment]) -> bool:
    """Tell whether segments hold a difference."""
    return any(segment.kind != "same" for segment in segments)


def _words(text: str) -> list[str]:
    """Cut a text in words, spaces and signs, so that a comma added does not make its word another."""
    return re.findall(r"\w+(?:[’'-]\w+)*[’']?|\s+|[^\w\s]", text)


def _segment(kind: Kind, words: list[str]) -> list[Segment]:
    return [Segment(kind, "".join(words))] if words else []
