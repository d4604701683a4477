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
registre           ``finess`` (default), ``list`` for a place without FINESS number, numbered by its ARS, or ``ameli``
                   for what the Assurance maladie says of it, under its FINESS number or with its SIRET
type               value of ``labelling.choices.StructureKind``, for a place that no category describes
fermeture          day of closing, ``AAAA-MM-JJ``; empty: open
medecins           number of doctors; likewise ``infirmiers``
jours_ouverture    open days per week, 0 to 7
secteur            ``1``, ``optam`` or ``2``
pdsa, sas          ``oui`` or ``non``
millesime          ``AAAA``, ``AAAA-MM`` or ``AAAA-MM-JJ``: situation at the end of that period
=================  ============================================================================================

Other columns are passed over. A column that is absent leaves what an earlier import said; an empty or unreadable fact is
not said.
"""

import csv
import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from labelling.readers.files import opened_text
from labelling.readers.register_rows import RegisterFileError, RegisterRow

REQUIRED = ("finess_et", "categorie_code", "rs", "commune")
DAYS_OF_A_WEEK = 7


def read_register_list(path: Path) -> Iterator[RegisterRow]:
    """Yield the rows of a documented CSV.

    Raises:
        RegisterFileError: a required column is absent, or a line is longer or shorter than the header.
    """
    with opened_text(path) as text:
        first = text.readline()
        rows = csv.DictReader(chain([first], text), delimiter=";" if ";" in first else ",")
        missing = [column for column in REQUIRED if column not in (rows.fieldnames or [])]
        if missing:
            raise RegisterFileError(
                f"Colonnes absentes de {path.name} : {', '.join(missing)}. La première ligne doit les nommer."
            )
        for row in rows:
            if None in row or None in row.values():
                raise RegisterFileError(
                    f"Ligne {rows.line_num} de {path.name} : elle n’a pas le même nombre de champs que l’en-tête. Le "
                    "fichier est abîmé, rien n’a été importé."
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
        closed=bool(said("fermeture")) if "fermeture" in row else None,
        closed_on=_day(row.get("fermeture", "")),
        facts=_facts(row),
        as_of=_end_of(row.get("millesime", "")),
    )


def _facts(row: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what the columns of facts say; ``None`` when the file has none of them."""
    columns = [column for column in FACTS if column in row]
    if not columns:
        return None
    said = ((FACTS[column], row[column].strip().lower()) for column in columns)
    return {key: value for (key, read), text in said if (value := read(text)) is not None}


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _days(text: str) -> int | None:
    count = _count(text)
    return count if count is not None and count <= DAYS_OF_A_WEEK else None


def _yes_or_no(text: str) -> bool | None:
    return {"oui": True, "non": False}.get(text)


def _sector(text: str) -> str | None:
    return text if text in {"1", "optam", "2"} else None


FACTS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "medecins": ("doctors", _count),
    "infirmiers": ("nurses", _count),
    "jours_ouverture": ("open_days", _days),
    "secteur": ("sector", _sector),
    "pdsa": ("pdsa", _yes_or_no),
    "sas": ("sas", _yes_or_no),
}
"""Columns that say something of a criterion: the fact, and how it is read."""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


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
