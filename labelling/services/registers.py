"""Import of registers, and search in them.

A line of a register is what the State knows; nobody retypes it. Structures point to their line and keep their own data.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from francesante.lib.identifiers import clean_finess, clean_siret
from francesante.lib.text import sort_key
from labelling.choices import Register, StructureKind
from labelling.models import RegisterLine
from labelling.readers.finess import looks_like_national_extract, read_national_extract
from labelling.readers.register_list import read_register_list
from labelling.readers.register_rows import RefusedLine, RegisterFileError, RegisterRow
from territories.models import Commune, FormerCode

KIND_OF_CATEGORY = {
    "603": StructureKind.MSP,
    "124": StructureKind.CDS,
    "106": StructureKind.HOSPITAL,
    "355": StructureKind.HOSPITAL,
}
"""FINESS categories that the label aims at (DOMAIN §4.2). Lines of other categories are imported without a proposed
type: they can be found and claimed, and an agent is told. « Hôpital de proximité » is a list kept by the ARS, not a
category: 106 and 355 are the categories it is drawn from."""

MAX_RESULTS = 20
_LOCK = 0x7E221703
"""Advisory lock of imports."""
_KEPT_WHEN_UNSAID = ("siret", "phone", "email", "latitude", "longitude")
_FIELDS = (
    *("siret", "name", "sort_key", "category", "category_label", "kind", "address", "postal_code", "commune_id"),
    *("latitude", "longitude", "phone", "email", "as_of"),
)


@dataclass(frozen=True)
class ImportReport:
    """Outcome of an import. ``older``: lines that say less recent things than the one already there."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    refused: list[RefusedLine] = field(default_factory=list)


def import_register(
    *,
    path: Path,
    as_of: date | None = None,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _step: None,
) -> ImportReport:
    """Bring the lines of a register to the state of a file, in one transaction; importing twice changes nothing.

    The form of the file is recognised: the national extract, else the documented CSV. Lines that the file no longer
    has are kept: structures may point to them.

    Args:
        path: the file, gzipped or not.
        as_of: day of the situation, for a file that does not say.
        dry_run: count, then roll back.
        progress: told each step as it begins.

    Raises:
        RegisterFileError: the file is missing or damaged; nothing changed.
    """
    if not Commune.objects.exists():
        raise RegisterFileError("Aucune commune n’est chargée : lancez d’abord manage.py load_territories.")
    progress("lecture du fichier")
    read = read_national_extract if looks_like_national_extract(path) else read_register_list
    rows = list(read(path))
    if as_of is None and any(row.as_of is None for row in rows):
        raise RegisterFileError(
            "Ce fichier ne dit pas à quelle date il vaut : donnez-la par l’option --date AAAA-MM-JJ."
        )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        progress(f"contrôle de {len(rows)} lignes")
        refused: list[RefusedLine] = []
        found = list(_checked(rows, as_of, refused))
        progress("écriture")
        report = _merge(found, read=len(rows), refused=refused)
        if dry_run:
            transaction.set_rollback(True)
    return report


def _checked(rows: Iterable[RegisterRow], as_of: date | None, refused: list[RefusedLine]) -> Iterator[RegisterLine]:
    communes = _present_communes({row.commune for row in rows})
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        try:
            line = _line(row, communes, as_of)
        except ValueError as error:
            refused.append(RefusedLine(row.line, str(error)))
            continue
        key = (line.register, line.number)
        if key in seen:
            refused.append(RefusedLine(row.line, f"le numéro {line.number} est déjà à la ligne {seen[key]}."))
            continue
        seen[key] = row.line
        yield line


def _present_communes(codes: set[str]) -> dict[str, str]:
    """Return present commune codes by the codes of the file, present or former."""
    found = {code: code for code in Commune.objects.current().filter(code__in=codes).values_list("code", flat=True)}
    former = FormerCode.objects.filter(code__in=codes - found.keys()).values_list("code", "commune")
    return {**dict(former), **found}


def _line(row: RegisterRow, communes: dict[str, str], as_of: date | None) -> RegisterLine:
    if row.register not in Register.values:
        raise ValueError(f"le registre « {row.register} » est inconnu : écrivez finess ou list.")
    if row.kind and row.kind not in StructureKind.values:
        raise ValueError(f"le type « {row.kind} » est inconnu.")
    if not row.name or not row.number:
        raise ValueError("le numéro ou le nom est vide.")
    if row.commune not in communes:
        raise ValueError(f"la commune « {row.commune} » n’est pas connue du référentiel.")
    values: dict[str, Any] = {
        "register": row.register,
        "number": clean_finess(row.number) if row.register == Register.FINESS else row.number[:20],
        "siret": _siret(row.siret),
        "name": row.name[:200],
        "sort_key": sort_key(row.name)[:200],
        "category": row.category[:10],
        "category_label": row.category_label[:120],
        "kind": row.kind or KIND_OF_CATEGORY.get(row.category, ""),
        "address": row.address[:250],
        "postal_code": row.postal_code if re.fullmatch(r"\d{5}", row.postal_code) else "",
        "commune_id": communes[row.commune],
        "latitude": row.latitude,
        "longitude": row.longitude,
        "phone": row.phone[:20] if row.phone is not None else None,
        "email": _email(row.email),
        "as_of": row.as_of or as_of,
    }
    return RegisterLine(**values)


def _siret(text: str | None) -> str | None:
    """Return a SIRET that holds; a wrong one is worth none, and does not refuse the line."""
    if not text:
        return text
    try:
        return clean_siret(text)
    except ValueError:
        return ""


def _email(text: str | None) -> str | None:
    if not text:
        return text
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return text.lower()


def _merge(lines: list[RegisterLine], *, read: int, refused: list[RefusedLine]) -> ImportReport:
    stored = {
        (row.register, row.number): row
        for row in RegisterLine.objects.filter(number__in=[line.number for line in lines])
    }
    created, changed, unchanged, older = [], [], 0, 0
    for line in lines:
        known = stored.get((line.register, line.number))
        if known is None:
            created.append(_completed(line, None))
        elif known.as_of > line.as_of:
            older += 1
        elif _differs(known, _completed(line, known)):
            line.pk = known.pk
            changed.append(line)
        else:
            unchanged += 1
    RegisterLine.objects.bulk_create(created, batch_size=1000)
    RegisterLine.objects.bulk_update(changed, _FIELDS, batch_size=500)
    return ImportReport(read, len(created), len(changed), unchanged, older, refused)


def _completed(line: RegisterLine, known: RegisterLine | None) -> RegisterLine:
    """Keep what an earlier import said where this file says nothing."""
    for name in _KEPT_WHEN_UNSAID:
        if getattr(line, name) is None:
            absent = None if name in {"latitude", "longitude"} else ""
            setattr(line, name, getattr(known, name) if known else absent)
    return line


def _differs(known: RegisterLine, line: RegisterLine) -> bool:
    return any(getattr(known, name) != getattr(line, name) for name in _FIELDS)


# Search ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """Lines found, and the sentence to show when a number is wrong or unknown."""

    lines: list[RegisterLine]
    sentence: str = ""


def search_register(*, text: str, commune: str = "") -> Search:
    """Find lines by FINESS, SIRET, or name with an optional commune (name or INSEE code), accents aside."""
    digits = re.sub(r"[\s.-]", "", text)
    if re.fullmatch(r"\d[0-9ABab]\d{7}", digits) or re.fullmatch(r"\d{9}", digits):
        return _by_finess(text)
    if re.fullmatch(r"\d{14}", digits):
        return _by_siret(text)
    if digits.isdigit():
        return Search([], _wrong_length(len(digits)))
    return _by_name(text, commune)


def _wrong_length(length: int) -> str:
    return (
        f"Ce numéro compte {length} chiffres : un FINESS en a 9, un SIRET en a 14. Vérifiez-le, ou cherchez par le nom "
        "et la commune."
    )


def _by_finess(text: str) -> Search:
    try:
        number = clean_finess(text)
    except ValueError as error:
        return Search([], str(error))
    lines = list(_lines().filter(number=number))
    return Search(lines, "" if lines else _unknown(f"Le numéro FINESS {number}"))


def _by_siret(text: str) -> Search:
    try:
        number = clean_siret(text)
    except ValueError as error:
        return Search([], str(error))
    lines = list(_lines().filter(siret=number).order_by("sort_key", "pk")[:MAX_RESULTS])
    return Search(lines, "" if lines else _unknown(f"Le SIRET {number}"))


def _unknown(subject: str) -> str:
    return (
        f"{subject} est bien formé, mais il ne figure pas dans le registre importé. S’il est récent, il y sera à la "
        "prochaine mise à jour ; sinon, cherchez par le nom et la commune."
    )


def _by_name(text: str, commune: str) -> Search:
    key = sort_key(text)
    if not key:
        return Search([], "Indiquez un numéro FINESS, un SIRET, ou le nom de la structure.")
    lines = (
        _lines()
        .annotate(similarity=TrigramWordSimilarity(key, "sort_key"))
        .filter(Q(sort_key__contains=key) | Q(sort_key__trigram_word_similar=key) | Q(number=text.strip()))
    )
    if place := sort_key(commune):
        lines = lines.filter(
            Q(commune__sort_key__contains=place) | Q(commune=commune.strip().upper()) | Q(postal_code=commune.strip())
        )
    found = list(lines.order_by(F("similarity").desc(), "sort_key", "pk")[:MAX_RESULTS])
    if found:
        return Search(found)
    where = f" à « {commune.strip()} »" if commune.strip() else ""
    return Search(
        [],
        f"Aucune structure ne ressemble à « {text.strip()} »{where} dans le registre. Essayez un mot du nom sans la "
        "commune, ou le numéro FINESS.",
    )


def _lines() -> QuerySet[Any]:
    return RegisterLine.objects.select_related("commune__departement", "structure")
