"""A file of a register, told by its content: FINESS+, the former national extract, or the documented CSV."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from labelling.choices import RegisterForm
from labelling.readers.files import opened_text
from labelling.readers.finess import read_national_extract
from labelling.readers.finess_plus import read_finess_plus
from labelling.readers.register_list import read_register_list
from labelling.readers.register_rows import RefusedLine, RegisterRow

WHOLE = frozenset({RegisterForm.FINESS_PLUS, RegisterForm.NATIONAL})
"""Forms that hold all of FINESS: what they no longer have has disappeared from it."""

HEAD = 200


def form_of(path: Path) -> RegisterForm:
    """Return the form of a file.

    Raises:
        RegisterFileError: it is missing, damaged or empty.
    """
    with opened_text(path) as text:
        head = text.read(HEAD).lstrip()
    if head.startswith("{"):
        return RegisterForm.FINESS_PLUS
    if head.startswith(("finess;etalab;", "finess;finess-plus;")):
        return RegisterForm.NATIONAL
    return RegisterForm.CSV


READERS: Mapping[RegisterForm, Callable[[Path], Iterator[RegisterRow | RefusedLine]]] = {
    RegisterForm.FINESS_PLUS: read_finess_plus,
    RegisterForm.NATIONAL: read_national_extract,
    RegisterForm.CSV: read_register_list,
}
"""How each form is read. What is read is said as it comes: a file may prove damaged at its end."""
