"""The table of quotas of a wave: a CSV with a header, ``,`` or ``;``, UTF-8.

================  ==============================================================================
column            meaning
================  ==============================================================================
code_departement  01, 2A, 971…; required
plancher          whole number; required
cible             whole number, not under the floor; required
plafond           whole number, or nothing: no ceiling
acte_plafond      the act that sets the ceiling; required with one
================  ==============================================================================

These are names of the open dataset ``vagues-et-quotas``: its other columns are passed over. A ceiling column that is
absent leaves the ceilings as they are.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO

from labelling.readers.register_rows import RefusedLine

REQUIRED = ("code_departement", "plancher", "cible")
HIGHEST = 32_767
"""Of a small integer of PostgreSQL."""


class QuotaTableError(Exception):
    """The file is not a table of quotas. ``str(error)`` is the French sentence to show."""


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """One line: what it asks for one département. ``keeps_ceiling`` when the table has no column for it."""

    line: int
    departement: str
    floor: int
    target: int
    ceiling: int | None = None
    ceiling_act: str = ""
    keeps_ceiling: bool = False


@dataclass(frozen=True, slots=True)
class QuotaTable:
    """What a file says, and the lines that cannot be read."""

    rows: list[QuotaRow]
    refused: list[RefusedLine]


def decode(content: bytes) -> str:
    """Return the text of an uploaded table.

    Raises:
        QuotaTableError: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise QuotaTableError(
            "Ce fichier n’est pas un texte en UTF-8. Dans votre tableur, enregistrez-le au format « CSV UTF-8 »."
        ) from error


def read_quota_table(text: str) -> QuotaTable:
    """Read a table of quotas; lines that cannot be read are returned with their numbers, and the others are read.

    Raises:
        QuotaTableError: empty, or a required column is absent.
    """
    header = text.partition("\n")[0]
    if not header.strip():
        raise QuotaTableError("Ce fichier est vide : il faut une ligne de titres, puis une ligne par département.")
    lines = csv.DictReader(StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    names = [name.strip() for name in lines.fieldnames or []]
    lines.fieldnames = names
    if missing := [name for name in REQUIRED if name not in names]:
        raise QuotaTableError(
            f"Colonnes absentes : {', '.join(missing)}. La première ligne doit les nommer ainsi, sans accent ni majuscule."
        )
    rows: list[QuotaRow] = []
    refused: list[RefusedLine] = []
    seen: dict[str, int] = {}
    for row in lines:
        line = lines.line_num
        if not any((value or "").strip() for value in row.values() if not isinstance(value, list)):
            continue
        try:
            read = _row(line, row, seen)
        except ValueError as error:
            refused.append(RefusedLine(line, str(error)))
            continue
        seen[read.departement] = line
        rows.append(read)
    return QuotaTable(rows, refused)


def _row(line: int, row: Mapping[str | None, str | None], seen: Mapping[str, int]) -> QuotaRow:
    if None in row or None in row.values():
        raise ValueError("elle n’a pas le même nombre de champs que la ligne de titres")

    def said(name: str) -> str:
        return (row.get(name) or "").strip()

    code = said("code_departement").upper().zfill(2)
    if not said("code_departement"):
        raise ValueError("le code du département manque")
    if code in seen:
        raise ValueError(f"le département {code} est déjà ligne {seen[code]}")
    floor, target = _number(said("plancher"), "plancher"), _number(said("cible"), "cible")
    if target < floor:
        raise ValueError(f"la cible ({target}) est inférieure au plancher ({floor})")
    if "plafond" not in row:
        return QuotaRow(line, code, floor, target, keeps_ceiling=True)
    ceiling = _number(said("plafond"), "plafond") if said("plafond") else None
    act = said("acte_plafond")
    if (ceiling is None) != (not act):
        raise ValueError("un plafond cite son acte (colonne acte_plafond), et un acte va avec un plafond")
    return QuotaRow(line, code, floor, target, ceiling, act[:250])


def _number(text: str, name: str) -> int:
    if not text.isdecimal() or int(text) > HIGHEST:
        raise ValueError(f"{name} : « {text} » n’est pas un nombre entier de 0 à {HIGHEST}")
    return int(text)
