"""The reference load: régions, départements, EPCI, communes, their former and postal codes, and the shapes of maps."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model

from francesante.lib.text import sort_key
from territories.models import (
    Commune,
    CommuneVintage,
    Departement,
    Epci,
    EpciVintage,
    FormerCode,
    PostalCode,
    ReferenceLoad,
    Region,
)
from territories.readers.reference import Reference, read_manifest_hash, read_reference
from territories.rules.outlines import epci_outlines, national_outlines

REFERENCE_FOLDER = Path(settings.BASE_DIR) / "fixtures" / "reference"

_LOCK = 0x7E221702
"""Advisory lock of the load: two at once would insert the same rows."""


@dataclass(frozen=True)
class TableCount:
    """What became of the rows of one table."""

    read: int
    inserted: int
    updated: int
    deleted: int

    @property
    def changed(self) -> int:
        """Rows that differ from before."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class LoadReport:
    """Outcome of a load; ``already_loaded`` means that there was nothing to do."""

    manifest_hash: str
    already_loaded: bool = False
    tables: dict[str, TableCount] = field(default_factory=dict)
    communes_ended: int = 0
    communes_without_point: list[str] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Rows that differ from before, over all tables."""
        return self.communes_ended + sum(count.changed for count in self.tables.values())


def load_reference(
    *,
    at: datetime,
    folder: Path = REFERENCE_FOLDER,
    dry_run: bool = False,
    if_needed: bool = False,
    progress: Callable[[str], None] = lambda _step: None,
) -> LoadReport:
    """Bring the places in the database to the state of the reference files, in one transaction.

    Places that the files do not know are left alone, but for a commune whose code became a former code: it ends on
    31 December before the last vintage, and names its successor.

    Args:
        at: instant written on the load.
        folder: where the files are.
        dry_run: count, then roll back.
        if_needed: do nothing when the last load read the same manifest.
        progress: told the name of each step as it begins.

    Raises:
        ReferenceDataError: a file is missing or damaged; nothing changed.
    """
    manifest_hash = read_manifest_hash(folder)
    last_hash = ReferenceLoad.objects.order_by("loaded_at").values_list("manifest_hash", flat=True).last()
    if if_needed and last_hash == manifest_hash:
        return LoadReport(manifest_hash, already_loaded=True)

    progress("lecture des fichiers")
    reference = read_reference(folder)
    progress("tracé des cartes")
    tables = _tables(reference)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        counts = {}
        for table in tables:
            progress(table.label)
            counts[table.label] = table.merge(cursor)
        report = LoadReport(
            manifest_hash,
            tables=counts,
            communes_ended=_end_communes(cursor, on=date(max(reference.years) - 1, 12, 31)),
            communes_without_point=[f"{row.name} ({row.code})" for row in reference.communes if row.latitude is None],
        )
        if report.changed:
            cursor.execute("ANALYZE " + ", ".join(_table_name(table.model) for table in tables))
        ReferenceLoad.objects.update_or_create(
            manifest_hash=manifest_hash, defaults={"loaded_at": at, "report": asdict(report)}
        )
        if dry_run:
            transaction.set_rollback(True)
    return report


# Merging ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    """The rows that a table must hold.

    Args:
        key: fields that tell a row; ``values``: the others. Rows give the key, then the values.
        owner: field of the place that a row belongs to: a row of a place in the files, and itself not in the files,
            is deleted. Without owner nothing is deleted.
    """

    label: str
    model: type[Model]
    key: tuple[str, ...]
    values: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    owner: str = ""

    def merge(self, cursor: Any) -> TableCount:
        """Write the differences only, so that a second load touches no row."""
        table, key, values = _table_name(self.model), self._columns(self.key), self._columns(self.values)
        columns = ", ".join(key + values)
        same_row = " AND ".join(f"stored.{column} = loaded.{column}" for column in key)
        cursor.execute(f"CREATE TEMPORARY TABLE loaded AS SELECT {columns} FROM {table} WITH NO DATA")  # noqa: S608
        cursor.copy_expert("COPY loaded FROM STDIN", StringIO("".join(map(_copy_line, self.rows))))
        cursor.execute("ANALYZE loaded")
        deleted = updated = 0
        if self.owner:
            (owner,) = self._columns((self.owner,))
            cursor.execute(
                f"DELETE FROM {table} stored WHERE {owner} IN (SELECT {owner} FROM loaded)"  # noqa: S608
                f" AND NOT EXISTS (SELECT FROM loaded WHERE {same_row})"
            )
            deleted = cursor.rowcount
        if values:
            stored, loaded = (", ".join(f"{name}.{column}" for column in values) for name in ("stored", "loaded"))
            cursor.execute(
                f"UPDATE {table} stored SET {', '.join(f'{column} = loaded.{column}' for column in values)}"  # noqa: S608
                f" FROM loaded WHERE {same_row} AND ROW({stored}) IS DISTINCT FROM ROW({loaded})"
            )
            updated = cursor.rowcount
        # Not an anti-join inside the INSERT: planned on an empty table, it rescans the rows it has just written.
        cursor.execute(f"DELETE FROM loaded USING {table} stored WHERE {same_row}")  # noqa: S608
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM loaded")  # noqa: S608
        inserted = cursor.rowcount
        cursor.execute("DROP TABLE loaded")
        return TableCount(read=len(self.rows), inserted=inserted, updated=updated, deleted=deleted)

    def _columns(self, names: Iterable[str]) -> list[str]:
        columns = {stored.name: str(stored.column) for stored in self.model._meta.concrete_fields}
        return [connection.ops.quote_name(columns[name]) for name in names]


def _table_name(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _copy_line(row: tuple[Any, ...]) -> str:
    """Return a line of COPY's text format."""
    return "\t".join("\\N" if value is None else _escaped(str(value)) for value in row) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _end_communes(cursor: Any, *, on: date) -> int:
    """End the communes whose code became a former code; return how many were changed."""
    cursor.execute(
        f"UPDATE {_table_name(Commune)} ended"  # noqa: S608
        " SET successor_id = former.commune_id, valid_until = coalesce(ended.valid_until, %s)"
        f" FROM {_table_name(FormerCode)} former WHERE former.code = ended.code"
        " AND (ended.valid_until IS NULL OR ended.successor_id IS DISTINCT FROM former.commune_id)",
        [on],
    )
    return int(cursor.rowcount)


# Rows ------------------------------------------------------------------------------------------------------------


def _tables(reference: Reference) -> list[_Table]:
    """Return what each table must hold, parents first."""
    outlines, inset_outlines = national_outlines(reference.departement_contours)
    census_years = {row.code: row.census_year for row in reference.departements}
    # By year, hence the last name and kind win.
    epcis = {row.code: row for row in sorted(reference.epcis, key=lambda row: row.year)}
    shapes = {
        year: epci_outlines(
            reference.epci_contours[year],
            {epci: row.departement for row in reference.communes if (epci := row.epcis[year])},
        )
        for year in reference.years
    }
    return [
        _Table(
            "régions",
            Region,
            key=("code",),
            values=("name", "sort_key"),
            rows=[(row.code, row.name, sort_key(row.name)) for row in reference.regions],
        ),
        _Table(
            "départements",
            Departement,
            key=("code",),
            values=("name", "region", "timezone", "sort_key", "outline", "inset_outline"),
            rows=[
                (
                    *(row.code, row.name, row.region, row.timezone, _departement_sort_key(row.code)),
                    *(outlines[row.code], inset_outlines.get(row.code, "")),
                )
                for row in reference.departements
            ],
        ),
        _Table(
            "EPCI",
            Epci,
            key=("code",),
            values=("name", "kind", "sort_key"),
            rows=[(row.code, row.name, row.kind, sort_key(row.name)) for row in epcis.values()],
        ),
        _Table(
            "millésimes d’EPCI",
            EpciVintage,
            key=("epci", "year"),
            values=("name", "kind", "outline", "bounds"),
            rows=[
                (
                    row.code,
                    row.year,
                    row.name,
                    row.kind,
                    shapes[row.year][row.code].path,
                    shapes[row.year][row.code].bounds,
                )
                for row in reference.epcis
            ],
            owner="epci",
        ),
        _Table(
            "communes",
            Commune,
            key=("code",),
            values=("name", "sort_key", "departement", "latitude", "longitude", "valid_until", "successor"),
            rows=[
                (row.code, row.name, sort_key(row.name), row.departement, row.latitude, row.longitude, None, None)
                for row in reference.communes
            ],
        ),
        _Table(
            "millésimes de communes",
            CommuneVintage,
            key=("commune", "year"),
            values=("departement", "epci", "population", "population_year"),
            rows=[
                (row.code, year, row.departement, epci, row.population, census_years[row.departement])
                for row in reference.communes
                for year, epci in row.epcis.items()
            ],
        ),
        _Table(
            "codes postaux",
            PostalCode,
            key=("code", "commune"),
            values=(),
            rows=[(postal_code, row.code) for row in reference.communes for postal_code in row.postal_codes],
            owner="commune",
        ),
        _Table(
            "anciens codes",
            FormerCode,
            key=("code",),
            values=("commune", "kind"),
            rows=[(row.code, row.commune, row.kind) for row in reference.former_codes],
            owner="commune",
        ),
    ]


def _departement_sort_key(code: str) -> str:
    """Put Corsica (2A, 2B) after 19, where its former code 20 stood."""
    return code.lower().replace("2a", "20a").replace("2b", "20b")
