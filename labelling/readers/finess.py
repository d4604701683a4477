"""The former national extract of FINESS (``etalab-cs1100502``), as published until May 2026.

No header; first line ``finess;etalab;…;AAAA-MM-JJ``; then ``structureet`` lines of 32 fields, ``;``, UTF-8 or latin-1. It
holds open establishments only.
The second section of the full file (``geolocalisation``, projected coordinates) is passed over. Source of the fields:
DOMAIN §4.3, read on real lines of 12 May 2026.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from labelling.readers.files import opened_text
from labelling.readers.register_rows import RegisterFileError, RegisterRow

FIELDS = 32
_OVERSEAS = {"9A", "9B", "9C", "9D", "9E", "9F"}
_POSTAL = re.compile(r"(\d{5}) ?(.*)")


def read_national_extract(path: Path) -> Iterator[RegisterRow]:
    """Yield the establishments of the extract.

    Raises:
        RegisterFileError: the first line does not date the file, or a line does not have its 32 fields.
    """
    with opened_text(path) as text:
        rows = csv.reader(text, delimiter=";")
        as_of = _date_of(next(rows), path)
        for line, fields in enumerate(rows, start=2):
            if not fields or fields[0] == "geolocalisation":
                continue
            if fields[0] != "structureet" or len(fields) != FIELDS:
                raise RegisterFileError(
                    f"Ligne {line} de {path.name} : {len(fields)} champs au lieu de {FIELDS}. Le fichier est abîmé, "
                    "rien n’a été importé."
                )
            yield _row(line, fields, as_of)


def _date_of(head: list[str], path: Path) -> date:
    try:
        return date.fromisoformat(head[3])
    except (IndexError, ValueError) as error:
        raise RegisterFileError(f"La première ligne de {path.name} ne donne pas la date de l’extraction.") from error


def _row(line: int, fields: list[str], as_of: date) -> RegisterRow:
    postal = _POSTAL.match(fields[15])
    street = " ".join(" ".join(fields[7:10]).split())
    return RegisterRow(
        line=line,
        register="finess",
        number=fields[1],
        name=fields[4].strip() or fields[3].strip(),
        category=fields[18],
        category_label=fields[19],
        address=", ".join(part for part in (street, fields[10].strip(), fields[11].strip()) if part),
        postal_code=postal[1] if postal else "",
        commune=insee_code(fields[13], fields[12]),
        legal_number=fields[2],
        siret=fields[22],
        phone=fields[16],
        closed=False,
        as_of=as_of,
    )


def insee_code(departement: str, commune: str) -> str:
    """Return the INSEE code of the two FINESS codes: ``01``, ``451`` → ``01451``; overseas ``9A``, ``120`` → ``97120``.

    The other overseas collectivities (``9J``…) are written ``98`` and three digits.
    """
    if departement in _OVERSEAS:
        return f"97{commune}"
    return f"98{commune}" if re.fullmatch("9[G-Z]", departement) else f"{departement}{commune}"
