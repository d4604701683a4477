"""Import of registers: what the State knows of places of care, which nobody retypes.

A file is read as a stream, a thousand lines at a time, in one transaction: damaged at its end, it leaves nothing.
Structures point to their line and keep their own data.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from datetime import date, datetime
from itertools import islice
from math import cos, hypot, radians
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.french import grouped, typeset
from francesante.lib.identifiers import clean_finess, clean_siret
from francesante.lib.text import sort_key
from labelling.choices import Register, RegisterForm, StructureKind
from labelling.models import RegisterChange, RegisterImport, RegisterLine
from labelling.readers.files import file_hash
from labelling.readers.register_file import READERS, WHOLE, form_of
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
LABEL_OF_CATEGORY = {
    "603": "Maison de santé (L.6223-3)",
    "124": "Centre de santé",
    "106": "Centre hospitalier, ex hôpital local",
    "355": "Centre hospitalier (C.H.)",
}
"""Labels of those categories, for a file that gives codes only."""

BATCH = 1000
MAX_VANISHED = 0.1
"""Share of the known lines that a whole file may be without; beyond, it is held to be a part of the register."""
MAX_KM = 60
"""Distance from the town hall beyond which a register's point is held to be wrong, and left out."""
_KM_PER_DEGREE = 111.2
_LOCK = 0x7E221703
"""Advisory lock of imports."""
_KEPT_WHEN_UNSAID = ("siret", "phone", "email", "latitude", "longitude", "legal_number", "facts", "category_label")
_ABSENT: Mapping[str, Any] = {"latitude": None, "longitude": None}
_FIELDS = (
    *("siret", "name", "sort_key", "category", "category_label", "kind", "address", "postal_code", "commune_id"),
    *("latitude", "longitude", "phone", "email", "legal_number", "facts", "closed_on"),
)
TRACKED = {
    "name": "nom",
    "category": "catégorie",
    "address": "adresse",
    "commune_id": "commune",
    "siret": "SIRET",
    "legal_number": "entité juridique",
    "closed_on": "fermeture",
}
"""Fields whose former value is kept when a register changes its mind; facts are, one by one."""

Key = tuple[str, str]


@dataclass
class ImportReport:
    """Outcome of an import.

    Attributes:
        older: lines that say less recent things than the one already there.
        disappeared: known lines that a whole file no longer has.
    """

    form: RegisterForm
    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    disappeared: int = 0
    refused: list[RefusedLine] = field(default_factory=list)


def import_register(
    *,
    path: Path,
    at: datetime,
    as_of: date | None = None,
    partial: bool = False,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda _step: None,
) -> ImportReport:
    """Bring the lines of a register to the state of a file, in one transaction; importing twice changes nothing.

    The form of the file is recognised. Lines that a whole file no longer has are kept, and marked: structures may
    point to them.

    Args:
        path: the file, gzipped or not.
        at: instant of the import.
        as_of: day of the situation, for a file that does not say.
        partial: the file is a part of its register; what it does not have has not disappeared.
        dry_run: count, then roll back.
        progress: told each step as it begins.

    Raises:
        RegisterFileError: the file is missing, damaged, or looks partial without being said so; nothing changed.
    """
    if not Commune.objects.exists():
        raise RegisterFileError("Aucune commune n’est chargée : lancez d’abord manage.py load_territories.")
    progress("reconnaissance du fichier")
    form = form_of(path)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        digest, is_part = file_hash(path), partial or form not in WHOLE
        run = _Run(form, as_of, digest, partial=is_part, at=at, communes=_communes())
        for rows in _batches(READERS[form](path)):
            run.take(rows)
            progress(f"{grouped(run.report.read)} lignes lues")
        run.finish()
        if dry_run:
            transaction.set_rollback(True)
    return run.report


@transaction.atomic
def keep_answer(row: RegisterRow, *, at: datetime) -> RegisterLine:
    """Bring one line to what a service answered of it; what the line said before is kept, as by an import.

    Raises:
        RegisterFileError: the row names no place.
    """
    digest = sha256_hex(canonical_json([str(value) for value in astuple(row)]))
    run = _Run(RegisterForm.ANSWER, row.as_of, digest, partial=True, at=at, communes=_communes([row.commune]))
    run.take([row])
    run.finish()
    if run.report.refused:
        raise RegisterFileError(run.report.refused[0].reason)
    return RegisterLine.objects.select_related("commune__departement").get(register=row.register, number=row.number)


def line_of(row: RegisterRow) -> RegisterLine:
    """Return the line that a dated row makes, without saving it.

    Raises:
        ValueError: the row names no place, in a French sentence.
    """
    line = _line(row, _communes([row.commune]), row.as_of or date.min)
    _complete(line, None, closed=row.closed)
    return line


def _batches(rows: Iterator[RegisterRow | RefusedLine]) -> Iterator[list[RegisterRow | RefusedLine]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


class _Run:
    """One import in progress, inside its transaction."""

    def __init__(
        self,
        form: RegisterForm,
        as_of: date | None,
        digest: str,
        *,
        partial: bool,
        at: datetime,
        communes: Mapping[str, "_Place"],
    ) -> None:
        self.report = ImportReport(form)
        self._given = as_of
        self._latest: date | None = None
        self._partial = partial
        self._seen: dict[Key, int] = {}
        self._refused: set[str] = set()
        self._communes = communes
        self._source = RegisterImport.objects.create(
            form=form,
            file_hash=digest,
            as_of=as_of or at.date(),
            partial=partial,
            imported_at=at,
            **dict.fromkeys(_COUNTS, 0),
        )

    def take(self, rows: list[RegisterRow | RefusedLine]) -> None:
        """Write the lines of one batch."""
        self.report.read += len(rows)
        lines = []
        for row in rows:
            if isinstance(row, RefusedLine):
                self.report.refused.append(row)
            elif (line := self._checked(row)) is not None:
                lines.append((line, row.closed))
        self._merge(lines)

    def _checked(self, row: RegisterRow) -> RegisterLine | None:
        as_of = row.as_of or self._given
        if as_of is None:
            raise RegisterFileError(
                "Ce fichier ne dit pas à quelle date il vaut : donnez-la par l’option --date AAAA-MM-JJ."
            )
        self._latest = max(self._latest or as_of, as_of)
        try:
            line = _line(row, self._communes, as_of)
        except ValueError as error:
            self._refuse(row, str(error))
            return None
        if before := self._seen.get(_key(line)):
            self._refuse(row, f"le numéro {line.number} est déjà à la ligne {before}.")
            return None
        self._seen[_key(line)] = row.line
        return line

    def _refuse(self, row: RegisterRow, reason: str) -> None:
        self._refused.add(row.number.strip())
        self.report.refused.append(RefusedLine(row.line, reason))

    def _merge(self, lines: list[tuple[RegisterLine, bool | None]]) -> None:
        numbers = [line.number for line, _ in lines]
        stored = {_key(row): row for row in RegisterLine.objects.filter(number__in=numbers)}
        written, changes, again = [], [], dict[date, list[int]]()
        for line, closed in lines:
            known = stored.get(_key(line))
            if known is not None and known.as_of > line.as_of:
                self.report.older += 1
                continue
            _complete(line, known, closed=closed)
            if known is None:
                self.report.created += 1
                written.append(line)
            elif _differs(known, line):
                self.report.changed += 1
                written.append(line)
                changes += self._changes(known, line)
            else:
                self.report.unchanged += 1
                if known.as_of < line.as_of or known.missing_since:
                    again.setdefault(line.as_of, []).append(known.pk)
        RegisterLine.objects.bulk_create(
            written,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["register", "number"],
            update_fields=[*(name.removesuffix("_id") for name in _FIELDS), "as_of", "missing_since"],
        )
        for day, keys in again.items():
            RegisterLine.objects.filter(pk__in=keys).update(as_of=day, missing_since=None)
        RegisterChange.objects.bulk_create(changes, batch_size=BATCH)

    def _changes(self, known: RegisterLine, line: RegisterLine) -> Iterator[RegisterChange]:
        pairs = {name: (_plain(getattr(known, name)), _plain(getattr(line, name))) for name in TRACKED}
        pairs |= {f"facts.{key}": (known.facts.get(key), line.facts.get(key)) for key in {**known.facts, **line.facts}}
        for name, (old, new) in pairs.items():
            if old != new:
                yield self._change(known, name, old, new, since=line.as_of)

    def _change(self, line: RegisterLine, name: str, old: Any, new: Any, *, since: date) -> RegisterChange:
        return RegisterChange(
            line_id=line.pk, source=self._source, field=name, old=old, new=new, old_as_of=line.as_of, as_of=since
        )

    def finish(self) -> None:
        """Mark what a whole file no longer has, and keep what the import did."""
        if not self._partial and self._latest is not None:
            self._mark_missing(self._latest)
        counts = {name: getattr(self.report, name) for name in _COUNTS if name != "refused"}
        RegisterImport.objects.filter(pk=self._source.pk).update(
            as_of=self._latest or self._source.as_of, refused=len(self.report.refused), **counts
        )

    def _mark_missing(self, day: date) -> None:
        """A line that this file has was seen on its day: those last seen before it are absent, unless refused."""
        known = RegisterLine.objects.filter(register=Register.FINESS, missing_since__isnull=True)
        absent = [
            line for line in known.filter(as_of__lt=day).only("number", "as_of") if line.number not in self._refused
        ]
        total = known.count()
        if len(absent) > MAX_VANISHED * total:
            raise RegisterFileError(
                typeset(
                    f"Ce fichier n’a pas {grouped(len(absent))} des {grouped(total)} lignes FINESS déjà connues : il "
                    "semble partiel. S’il l’est, ajoutez --partial : les lignes absentes resteront telles quelles."
                )
            )
        RegisterLine.objects.filter(pk__in=[line.pk for line in absent]).update(missing_since=day)
        RegisterChange.objects.bulk_create(
            [self._change(line, "missing_since", None, day.isoformat(), since=day) for line in absent], batch_size=BATCH
        )
        self.report.disappeared = len(absent)


_COUNTS = ("read", "created", "changed", "unchanged", "older", "disappeared", "refused")


@dataclass(frozen=True, slots=True)
class _Place:
    """A present commune, and the point of its town hall."""

    code: str
    latitude: float | None
    longitude: float | None

    def is_near(self, latitude: float, longitude: float) -> bool:
        """Tell whether a point may be in the commune."""
        if self.latitude is None or self.longitude is None:
            return True
        north = latitude - self.latitude
        east = (longitude - self.longitude) * cos(radians(self.latitude))
        return hypot(north, east) * _KM_PER_DEGREE <= MAX_KM


def _communes(codes: Collection[str] | None = None) -> dict[str, _Place]:
    """Return the present communes by their code and by their former codes: all, or those that some codes mean."""
    former = FormerCode.objects.values_list("code", "commune")
    communes = Commune.objects.current()
    if codes is not None:
        former = former.filter(code__in=codes)
        communes = communes.filter(pk__in=[*codes, *(now for _, now in former)])
    present = {
        code: _Place(code, latitude, longitude)
        for code, latitude, longitude in communes.values_list("code", "latitude", "longitude")
    }
    return {**{code: present[now] for code, now in former if now in present}, **present}


def _key(line: RegisterLine) -> Key:
    return str(line.register), line.number


def _line(row: RegisterRow, communes: Mapping[str, _Place], as_of: date) -> RegisterLine:
    if row.register not in Register.values:
        raise ValueError(f"le registre « {row.register} » est inconnu : écrivez finess, list ou ameli.")
    if row.kind and row.kind not in StructureKind.values:
        raise ValueError(f"le type « {row.kind} » est inconnu.")
    if not row.name or not row.number:
        raise ValueError("le numéro ou le nom est vide.")
    place = communes.get(row.commune)
    if place is None:
        raise ValueError(f"la commune « {row.commune} » n’est pas connue du référentiel.")
    located = row.latitude is not None and row.longitude is not None and place.is_near(row.latitude, row.longitude)
    values: dict[str, Any] = {
        "register": row.register,
        "number": clean_finess(row.number) if row.register == Register.FINESS else row.number[:20],
        "legal_number": row.legal_number[:9] if row.legal_number is not None else None,
        "siret": _siret(row.siret),
        "name": row.name[:200],
        "sort_key": sort_key(row.name)[:200],
        "category": row.category[:10],
        "category_label": row.category_label[:120] or None,
        "kind": row.kind or KIND_OF_CATEGORY.get(row.category, ""),
        "address": row.address[:250],
        "postal_code": row.postal_code if re.fullmatch(r"\d{5}", row.postal_code) else "",
        "commune_id": place.code,
        "latitude": row.latitude if located else None,
        "longitude": row.longitude if located else None,
        "phone": row.phone[:20] if row.phone is not None else None,
        "email": _email(row.email),
        "facts": dict(row.facts) if row.facts is not None else None,
        "closed_on": (row.closed_on or as_of) if row.closed else None,
        "as_of": as_of,
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


def _complete(line: RegisterLine, known: RegisterLine | None, *, closed: bool | None) -> None:
    """Keep what an earlier import said where this file says nothing; ``closed`` is what it says of the place."""
    for name in _KEPT_WHEN_UNSAID:
        if getattr(line, name) is None:
            absent = {} if name == "facts" else _ABSENT.get(name, "")
            setattr(line, name, getattr(known, name) if known else absent)
    if known and known.category != line.category and line.category_label == known.category_label:
        line.category_label = ""
    line.category_label = line.category_label or LABEL_OF_CATEGORY.get(line.category, "")
    if known and (closed is None or (closed and known.closed_on and line.closed_on == line.as_of)):
        # Not said, or said again without a date: closed since the file that said so first.
        line.closed_on = known.closed_on


def _differs(known: RegisterLine, line: RegisterLine) -> bool:
    return any(getattr(known, name) != getattr(line, name) for name in _FIELDS)


def _plain(value: Any) -> Any:
    """Return a value as a change keeps it: what is empty was not said."""
    return value.isoformat() if isinstance(value, date) else value or None
