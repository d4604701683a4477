"""What the readers of registers give: rows as the file says them, and the lines they refuse."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


class RegisterFileError(Exception):
    """The file is missing, damaged or of another form. ``str(error)`` is the French sentence to show."""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One place of care as a register writes it.

    Attributes:
        line: number of the line in the file, from 1; in FINESS+, rank of the establishment.
        register: value of ``labelling.choices.Register``.
        commune: INSEE code as the file knows it, former or present.
        legal_number: FINESS number of the legal entity.
        siret, phone, email, latitude, longitude, kind, legal_number: ``None`` when the file does not say.
        closed: whether the place is closed, ``None`` when the file does not say; ``closed_on``: since when, if it says.
        facts: what the register says of the criteria, as ``labelling.rules.register_facts`` reads it; ``None`` when the
            file does not say.
        as_of: day of the situation described; ``None`` when the file does not say.
    """

    line: int
    register: str
    number: str
    name: str
    category: str
    category_label: str
    address: str
    postal_code: str
    commune: str
    legal_number: str | None = None
    siret: str | None = None
    phone: str | None = None
    email: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    kind: str | None = None
    closed: bool | None = None
    closed_on: date | None = None
    facts: Mapping[str, Any] | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not imported: its number in the file (as ``RegisterRow.line``), and why."""

    line: int
    reason: str
