"""The work list as files: all its rows, the columns shown, under names that do not change."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from francesante.lib.spreadsheets import harmless
from labelling.models import InternalField
from labelling.rules.fields import written
from labelling.views.worklist_address import Address
from labelling.views.worklist_rows import Row
from territories.choices import Capacity

EXCEL = "excel"
"""The dialect of CSV that a French spreadsheet opens by itself: semicolons, and a mark of UTF-8."""

Value = str | int | Decimal | date | None
EXPORTED: Mapping[str, Sequence[tuple[str, Callable[[Row], Value]]]] = {
    "dossier": [("numero", lambda row: row.application.number)],
    "structure": [
        ("structure", lambda row: row.application.structure.name),
        ("commune", lambda row: row.application.structure.commune.name),
        ("code_commune", lambda row: row.application.structure.commune_id),
    ],
    "finess": [("finess", lambda row: row.application.structure.finess)],
    "departement": [("code_departement", lambda row: row.application.departement_id)],
    "epci": [("epci", lambda row: row.application.epci)],  # type: ignore[attr-defined]  # with_epci
    "type": [("type", lambda row: row.kind_name)],
    "etat": [("etat", lambda row: row.badge.label)],
    "suite": [("suite", lambda row: row.badge.next_step)],
    "ars": [("ars", lambda row: row.ars)],
    "prefecture": [("prefecture", lambda row: row.prefecture)],
    "avis": [
        ("avis_demandes", lambda row: getattr(row.application, "opinions_asked", None)),
        ("avis_rendus", lambda row: getattr(row.application, "opinions_given", None)),
    ],
    "etiquettes": [("etiquettes", lambda row: " ; ".join(tag.name for tag in row.tags))],
    "vague": [("vague", lambda row: row.application.wave.number if row.application.wave else None)],
    "recu": [("recu_le", lambda row: _day(row.application.submitted_at))],
    "echeance": [
        ("rejet_implicite_le", lambda row: row.application.silence_date if row.clock else None),
        ("jours_restants", lambda row: row.left),
    ],
    # « instruit_par », older than the two others, is who instructs for one's own authority.
    "instruit": [
        ("instruit_par", lambda row: row.own_reviewer),
        ("instruit_ars", lambda row: row.reviewers[Capacity.ARS]),
        ("instruit_prefecture", lambda row: row.reviewers[Capacity.PREFET]),
    ],
}


def _day(instant: Any) -> date | None:
    return timezone.localdate(instant) if instant else None


def export_csv(rows: Iterable[Row], address: Address, *, on: date, dialect: str) -> HttpResponse:
    """Return the rows as CSV: UTF-8, ISO dates, codes as text."""
    names, readers = _columns(address)
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=_attached(on, "csv"))
    if dialect == EXCEL:
        response.write("\ufeff")
    writer = csv.writer(response, delimiter=";" if dialect == EXCEL else ",")
    writer.writerow(names)
    comma = dialect == EXCEL
    writer.writerows([_text(_cell(read(row)), comma=comma) for read in readers] for row in rows)
    return response


def export_xlsx(rows: Iterable[Row], address: Address, *, on: date) -> HttpResponse:
    """Return the rows as an XLSX sheet, whose dates are dates."""
    names, readers = _columns(address)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Dossiers")
    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, name) for name in names]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in rows:
        sheet.append([_cell(read(row)) for read in readers])
    file = io.BytesIO()
    book.save(file)
    return HttpResponse(
        file.getvalue(),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers=_attached(on, "xlsx"),
    )


def _columns(address: Address) -> tuple[list[str], list[Callable[[Row], Value]]]:
    """Return the names of the columns of an address and what reads each; a field's name holds its key, and never changes."""
    pairs = [pair for column in address.columns for pair in EXPORTED.get(column, ())]
    pairs += [(field.key, partial(_value, field)) for field in address.chosen]
    return [name for name, _ in pairs], [read for _, read in pairs]


def _value(field: InternalField, row: Row) -> Value:
    value = row.value(field)
    return written(value) if isinstance(value, bool) else value


def _cell(value: Value) -> Value:
    """Return a value as a spreadsheet may have it: a text never runs, and the dash of an empty cell is nothing."""
    if isinstance(value, str):
        return "" if value == "–" else harmless(value)
    return value


def _text(value: Value, *, comma: bool) -> Value:
    """Return a value as CSV writes it; a French spreadsheet reads decimals after a comma."""
    if not isinstance(value, Decimal):
        return value
    return written(value).replace(".", ",") if comma else written(value)


def _attached(on: date, extension: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="dossiers-{on.isoformat()}.{extension}"'}
