"""The portal's own form of a register: a CSV with a header, ``,`` or ``;``, UTF-8, gzipped or not.

=================  ============================================================================================
column             meaning
=================  ============================================================================================
finess_et          number; required
categorie_code     FINESS category; required (``categorie``: its label)
rs                 name; required (``rs_longue``: long name, preferred)
commune            INSEE code, former or present; required
adresse, cp        street and postal code
lat, lon           WGS 84, both or none
siret, telephone   as the register writes them
email              professional address: where the code of a claim is sent
registre           ``finess`` (default), or ``list`` for a place without FINESS number, numbered by its ARS
type               value of ``labelling.choices.StructureKind``, for a place that no category describes
millesime          ``AAAA``, ``AAAA-MM`` or ``AAAA-MM-JJ``: situation at the end of that period
=================  ============================================================================================

Other columns are passed over. A column that is absent leaves what an earlier import said.
"""

import csv
import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from labelling.readers.finess import read_text
from labelling.readers.register_rows import RegisterFileError, RegisterRow

REQUIRED = ("finess_et", "categorie_code", "rs", "commune")


def read_register_list(path: Path) -> Iterator[RegisterRow]:
    """Yield the rows of a documented CSV.

    Raises:
        RegisterFileError: a required column is absent, or a line is longer or shorter than the header.
    """
    lines = read_text(path).splitlines()
    rows = csv.DictReader(lines, delimiter=";" if ";" in lines[0] else ",")
    missing = [column for column in REQUIRED if column not in (rows.fieldnames or [])]
    if missing:
        raise RegisterFileError(
            f"Colonnes absentes de {path.name} : {', '.join(missing)}. La première ligne doit les nommer."
        )
    for row in rows:
        if None in row or None in row.values():
            raise RegisterFileError(
                f"Ligne {rows.line_num} de {path.name} : elle n’a pas le même nombre de champs que l’en-tête. Le fichier "
                "est abîmé, rien n’a été importé."
            )
        yield _row(rows.line_num, row)


def _row(line: int, row: Mapping[str, str]) -> RegisterRow:
    def said(column: str) -> str | None:
        return row[column].strip() if column in row else None

    latitude, longitude = _number(row.get("lat", "")), _number(row.get("lon", ""))
    whole = latitude is not None and longitude is not None
    return RegisterRow(
        line=line,
        register=said("registre") or "finess",
        number=row["finess_et"].strip(),
        name=said("rs_longue") or row["rs"].strip(),
        category=row["categorie_code"].strip(),
        category_label=said("categorie") or "",
        address=said("adresse") or "",
        postal_code=said("cp") or "",
        commune=row["commune"].strip(),
        siret=said("siret"),
        phone=said("telephone"),
        email=said("email"),
        latitude=latitude if whole else None,
        longitude=longitude if whole else None,
        kind=said("type"),
        as_of=_end_of(row.get("millesime", "")),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _end_of(period: str) -> date | None:
    found = re.match(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", period)
    if not found:
        return None
    year, month = int(found[1]), int(found[2] or 12)
    try:
        return date(year, month, int(found[3]) if found[3] else monthrange(year, month)[1])
    except ValueError:
        return None
