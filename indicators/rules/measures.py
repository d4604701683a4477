"""What a quarterly edition measures, from its frozen inputs alone: same bytes in, same bytes out. Pure.

Each input is a CSV file (UTF-8, comma, ISO dates, codes as text) frozen in the edition; :func:`measure` turns them
into observations and :func:`outputs` into the published files. No database, no clock.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from indicators.choices import Level, Status
from indicators.rules.quarters import quarter_end, quarter_start
from indicators.rules.shares import share_of_target

NATION = "FR"
SMALL = 5
"""Under this number of cases, a median would tell about single files: it is NS (statistical secrecy)."""

EDITION = "edition.csv"
INDICATORS = "indicateurs.csv"
TERRITORIES = "territoires.csv"
QUOTAS = "quotas.csv"
LABELS = "labels.csv"
FILES = "candidatures.csv"
GRANTS = "attributions.csv"

INPUTS: Mapping[str, tuple[str, ...]] = {
    EDITION: ("trimestre", "version", "date_observation"),
    INDICATORS: ("indicateur", "libelle", "unite", "source"),
    TERRITORIES: ("niveau", "code", "libelle", "code_region"),
    QUOTAS: ("vague", "code_departement", "plancher", "cible"),
    LABELS: ("code_label", "code_departement", "date_debut", "date_fin", "date_notification"),
    FILES: ("code_departement", "date_reception", "date_acte"),
    GRANTS: ("code_departement", "origine", "montant"),
}
"""Name and columns of each input. ``date_fin`` is the last day of validity; empty, the label has no end."""
PUBLIC_INPUTS = frozenset({EDITION, INDICATORS, TERRITORIES, QUOTAS, LABELS})
"""Inputs anyone may download. The others hold files that were refused and amounts under the publication threshold."""

OUTPUT_COLUMNS = (
    "trimestre",
    "version",
    "date_observation",
    "niveau",
    "code_territoire",
    "code_departement",
    "code_region",
    "libelle_territoire",
    "indicateur",
    "libelle_indicateur",
    "numerateur",
    "denominateur",
    "valeur",
    "unite",
    "statut",
    "source",
)
STATUS_WORDS = {
    Status.FINAL: "definitif",
    Status.PROVISIONAL: "provisoire",
    Status.SECRET: "NS",
    Status.MISSING: "ND",
    Status.NOT_COMPUTED: "non calculé",
}
"""What the published files say of a value. ``NS``, ``ND`` and ``non calculé`` leave the value empty; 0 is a value."""

_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Measure:
    """One number, or the reason why there is none."""

    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    status: Status = Status.FINAL


@dataclass(frozen=True, slots=True)
class Observed:
    """One indicator on one territory. ``territory`` is a code, ``FR`` for the nation."""

    indicator: str
    level: Level
    territory: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Facts:
    """The frozen rows that concern one territory, with the days that the edition is about."""

    start: date
    as_of: date
    quotas: Sequence[Mapping[str, str]]
    labels: Sequence[Mapping[str, str]]
    files: Sequence[Mapping[str, str]]
    grants: Sequence[Mapping[str, str]]


# Indicators ------------------------------------------------------------------------------------------------------


def _labels_in_force(facts: Facts) -> Measure:
    return _count(
        label
        for label in facts.labels
        if _day(label["date_debut"]) <= facts.as_of
        and (not label["date_fin"] or facts.as_of <= _day(label["date_fin"]))
    )


def _share_of_target(facts: Facts) -> Measure:
    labels = _labels_in_force(facts).value or Decimal(0)
    target = sum(int(quota["cible"]) for quota in facts.quotas)
    share = share_of_target(int(labels), target)
    if share is None:
        return Measure(None, labels, None, Status.MISSING)
    return Measure(_rounded(share), labels, Decimal(target))


def _labels_granted(facts: Facts) -> Measure:
    return _count(label for label in facts.labels if facts.start <= _day(label["date_notification"]) <= facts.as_of)


def _files_received(facts: Facts) -> Measure:
    return _count(file for file in facts.files if facts.start <= _day(file["date_reception"]) <= facts.as_of)


def _days_to_act(facts: Facts) -> Measure:
    days = [
        (_day(file["date_acte"]) - _day(file["date_reception"])).days
        for file in facts.files
        if file["date_acte"] and facts.start <= _day(file["date_acte"]) <= facts.as_of
    ]
    if not days:
        return Measure(None, status=Status.NOT_COMPUTED)
    if len(days) < SMALL:
        return Measure(None, status=Status.SECRET)
    return Measure(_rounded(Decimal(str(median(days)))), None, Decimal(len(days)))


def _committed(origin: str) -> Callable[[Facts], Measure]:
    def measure_of(facts: Facts) -> Measure:
        amounts = (Decimal(grant["montant"]) for grant in facts.grants if grant["origine"] == origin)
        return Measure(_rounded(sum(amounts, Decimal(0))))

    return measure_of


MEASURES: Mapping[str, Callable[[Facts], Measure]] = {
    "labels-en-vigueur": _labels_in_force,
    "part-de-la-cible": _share_of_target,
    "labels-accordes": _labels_granted,
    "candidatures-recues": _files_received,
    "delai-median-decision": _days_to_act,
    "credits-nouveaux-attribues": _committed("nouveaux"),
    "credits-reaffectes-attribues": _committed("réaffectés"),
}
"""The measure of each indicator, by its code. Names, units and definitions are rows of ``Indicator``."""

ADDITIVE = frozenset(
    {
        "labels-en-vigueur",
        "labels-accordes",
        "candidatures-recues",
        "credits-nouveaux-attribues",
        "credits-reaffectes-attribues",
    }
)
"""Indicators whose départements must add up to the nation: one of the checks of an edition."""


# An edition ------------------------------------------------------------------------------------------------------


def measure(inputs: Mapping[str, bytes]) -> list[Observed]:
    """Return every indicator on every territory, in the order of the published files."""
    rows = {name: read_csv(content) for name, content in inputs.items()}
    edition = rows[EDITION][0]
    as_of, quarter = _day(edition["date_observation"]), edition["trimestre"]
    whole = as_of == quarter_end(quarter)
    region_of = {row["code"]: row["code_region"] for row in rows[TERRITORIES] if row["niveau"] == Level.DEPARTEMENT}
    shared = {name: _by_territory(rows[name], region_of) for name in (QUOTAS, LABELS, FILES, GRANTS)}
    observed = []
    for indicator in rows[INDICATORS]:
        for territory in rows[TERRITORIES]:
            level, code = Level(territory["niveau"]), territory["code"]
            facts = Facts(quarter_start(quarter), as_of, *(shared[name].get((level, code), []) for name in shared))
            found = MEASURES[indicator["indicateur"]](facts)
            if found.status == Status.FINAL and not whole:
                found = Measure(found.value, found.numerator, found.denominator, Status.PROVISIONAL)
            observed.append(Observed(indicator["indicateur"], level, code, found))
    return observed


def outputs(inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the published files of an edition, CSV and JSON lines, by name."""
    edition = read_csv(inputs[EDITION])[0]
    indicators = {row["indicateur"]: row for row in read_csv(inputs[INDICATORS])}
    territories = {(row["niveau"], row["code"]): row for row in read_csv(inputs[TERRITORIES])}
    rows = []
    for one in measure(inputs):
        indicator, territory = indicators[one.indicator], territories[one.level, one.territory]
        found = one.measure
        rows.append(
            (
                *(edition[name] for name in ("trimestre", "version", "date_observation")),
                str(one.level.label),
                one.territory,
                one.territory if one.level == Level.DEPARTEMENT else None,
                territory["code_region"] or None,
                territory["libelle"],
                one.indicator,
                indicator["libelle"],
                *(_number(value) for value in (found.numerator, found.denominator, found.value)),
                indicator["unite"],
                STATUS_WORDS[found.status],
                indicator["source"],
            )
        )
    name = f"indicateurs-{edition['trimestre']}-v{edition['version']}"
    lines = "".join(
        json.dumps(dict(zip(OUTPUT_COLUMNS, row, strict=True)), ensure_ascii=False, separators=(",", ":")) + "\n"
        for row in rows
    )
    return {f"{name}.csv": write_csv(OUTPUT_COLUMNS, rows), f"{name}.jsonl": lines.encode()}


# Files -----------------------------------------------------------------------------------------------------------


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a CSV file (UTF-8, comma, LF); nothing is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()


def read_csv(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column name."""
    return list(csv.DictReader(io.StringIO(content.decode())))


def _by_territory(
    rows: Iterable[Mapping[str, str]], region_of: Mapping[str, str]
) -> dict[tuple[Level, str], list[Mapping[str, str]]]:
    """Hand each row of a département to that département, to its région and to the nation."""
    found: dict[tuple[Level, str], list[Mapping[str, str]]] = defaultdict(list)
    for row in rows:
        code = row["code_departement"]
        found[Level.DEPARTEMENT, code].append(row)
        found[Level.REGION, region_of[code]].append(row)
        found[Level.NATION, NATION].append(row)
    return found


def _count(rows: Iterable[object]) -> Measure:
    return Measure(Decimal(sum(1 for _ in rows)))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def _number(value: Decimal | None) -> int | float | None:
    """Return a JSON number: at most 4 decimals and 12 digits before them, which a float holds exactly as written."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
