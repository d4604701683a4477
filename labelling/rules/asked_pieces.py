"""The pieces that a criterion asks for: one a line of its text, with the age it accepts. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from francesante.lib.french import NBSP, plural, typeset

_NUMBERS = "un deux trois quatre cinq six sept huit neuf dix onze douze".split()
_AGE = re.compile(rf"moins de (\d{{1,2}}|{'|'.join(_NUMBERS)}) (mois|ans?)\b", re.IGNORECASE)
_NOTHING = re.compile(r"aucune?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AskedPiece:
    """One piece that is asked: its words, and its age in months at most, 0 when any will do."""

    text: str
    months: int = 0


def asked_pieces(text: str) -> list[AskedPiece]:
    """Return the pieces that a criterion asks for, in order; « Aucune » asks for none."""
    lines = [line.strip(" \t-•") for line in text.splitlines()]
    return [AskedPiece(line, _months(line)) for line in lines if line and not _NOTHING.match(line)]


def _months(line: str) -> int:
    found = _AGE.search(line)
    if found is None:
        return 0
    word = found[1].lower()
    count = int(word) if word.isdecimal() else _NUMBERS.index(word) + 1
    return count * 12 if found[2].lower().startswith("an") else count


def accepted_months(pieces: Sequence[AskedPiece]) -> int:
    """Return the age that a criterion accepts of its pieces: the largest, 0 when one of them may be of any age."""
    months = [piece.months for piece in pieces]
    return 0 if not months or 0 in months else max(months)


def is_stale(day: date, today: date, months: int) -> bool:
    """Tell whether a document is older than ``months``, de quantième à quantième."""
    passed = (today.year - day.year) * 12 + today.month - day.month - (today.day < day.day)
    return passed >= months


def too_old(months: int) -> str:
    """Return what is said of a document that is too old, « ancienne » when no age is asked."""
    if not months:
        return "ancienne"
    age = f"{months // 12}{NBSP}an{plural(months // 12)}" if months % 12 == 0 else f"{months}{NBSP}mois"
    return typeset(f"ancienne : il en faut une de moins de {age}")
