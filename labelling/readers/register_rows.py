"""What the readers of registers give: rows as the file says them, and the lines they refuse."""

from dataclasses import dataclass
from datetime import date


class RegisterFileError(Exception):
    """The file is missing, damaged or of another form. ``str(error)`` is the French sentence to show."""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One place of care as a register writes it.

    Attributes:
        line: number of the line in the file, from 1.
        register: ``finess`` or ``list`` (``labelling.choices.Register``).
        commune: INSEE code as the file knows it, former or present.
        siret, phone, email, latitude, longitude, kind: ``None`` when the file does not say.
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
    siret: str | None = None
    phone: str | None = None
    email: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    kind: str | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not imported: its number in the file, and why."""

    line: int
    reason: str
