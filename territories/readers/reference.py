"""The committed reference files: régions, départements, EPCI, communes, former codes and contours.

Their origin and columns are described in ``fixtures/reference/SOURCES.md``.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon

MANIFEST = "SHA256SUMS"
REGIONS = "regions.csv"
DEPARTEMENTS = "departements.csv"
EPCIS = "epci.csv"
COMMUNES = "communes.csv.gz"
FORMER_CODES = "codes_anciens.csv"
CONTOURS = "contours.topojson.gz"

_COMMUNE_CODE = re.compile(r"(?:\d\d|2[AB])\d{3}")
_SIREN = re.compile(r"\d{9}")
_WHOLE_NUMBER = re.compile(r"\d+")
_DEGREES = re.compile(r"-?\d+(\.\d+)?")
_POSTAL_CODES = re.compile(r"\d{5}(?:\|\d{5})*")
_TIMEZONE = re.compile(r"\w+/\w+")
_LATITUDES = (-22.0, 52.0)
_LONGITUDES = (-62.0, 56.0)

Row = TypeVar("Row")
Contours = dict[str, MultiPolygon]
"""Shapes in WGS 84 degrees, longitude first, by official code."""


class ReferenceDataError(Exception):
    """A reference file is missing or damaged; the sentence names the file, and the line when there is one."""


class RegionRow(NamedTuple):
    code: str
    name: str


class DepartementRow(NamedTuple):
    """A département; ``census_year`` is that of the populations of its communes."""

    code: str
    name: str
    region: str
    timezone: str
    census_year: int


class EpciRow(NamedTuple):
    """An EPCI on 1 January of a year."""

    code: str
    year: int
    name: str
    kind: str


class CommuneRow(NamedTuple):
    """A commune; ``epcis`` gives its EPCI by year, None on the islands that have none."""

    code: str
    name: str
    departement: str
    latitude: float | None
    longitude: float | None
    population: int
    postal_codes: tuple[str, ...]
    epcis: dict[int, str | None]


class FormerCodeRow(NamedTuple):
    """A code that no longer stands alone, and the commune that it is now in."""

    code: str
    commune: str
    kind: str


@dataclass(frozen=True)
class Reference:
    """All the reference files, read and found consistent with one another."""

    manifest_hash: str
    years: tuple[int, ...]
    regions: list[RegionRow]
    departements: list[DepartementRow]
    epcis: list[EpciRow]
    communes: list[CommuneRow]
    former_codes: list[FormerCodeRow]
    departement_contours: Contours
    epci_contours: dict[int, Contours]


def read_manifest_hash(folder: Path) -> str:
    """Return the SHA-256 of the manifest of ``folder``: it changes when any file does.

    Raises:
        ReferenceDataError: there is no manifest.
    """
    return hashlib.sha256(_content(folder, MANIFEST)).hexdigest()


def read_reference(folder: Path) -> Reference:
    """Read and check every file of ``folder``.

    Raises:
        ReferenceDataError: a file is missing, damaged, or contradicts another.
    """
    sums = _manifest(folder)
    contents = {name: _content(folder, name) for name in sums}

    regions = _rows(contents, REGIONS, ("code", "nom"), _region)
    region_codes = {row.code for row in regions}
    departements = _rows(
        contents, DEPARTEMENTS, ("code", "nom", "region", "fuseau", "recensement"), partial(_departement, region_codes)
    )
    epcis = _rows(contents, EPCIS, ("code", "annee", "nom", "nature"), _epci, key_length=2)
    codes_by_year: dict[int, set[str]] = {}
    for epci in epcis:
        codes_by_year.setdefault(epci.year, set()).add(epci.code)
    departement_codes = {row.code for row in departements}
    communes = _rows(
        contents,
        COMMUNES,
        (
            *("code", "nom", "departement", "latitude", "longitude", "population", "codes_postaux"),
            *(f"epci_{year}" for year in sorted(codes_by_year)),
        ),
        partial(_commune, departement_codes, codes_by_year),
    )
    _check_same_codes("départements", departement_codes, {row.departement for row in communes}, COMMUNES)
    for year, codes in codes_by_year.items():
        _check_same_codes(f"EPCI de {year}", codes, {row.epcis[year] for row in communes} - {None}, COMMUNES)
    former_codes = _rows(
        contents,
        FORMER_CODES,
        ("code", "commune", "nature"),
        partial(_former_code, {row.code for row in communes}),
    )
    layers = _layers(contents, CONTOURS)
    _check_same_codes("départements", departement_codes, layers.get("departements", {}).keys(), CONTOURS)
    for year, codes in codes_by_year.items():
        _check_same_codes(f"EPCI de {year}", codes, layers.get(f"epci_{year}", {}).keys(), CONTOURS)
    # Last, because the messages above tell the line: this one catches a change that still makes sense.
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != sums[name]:
            raise ReferenceDataError(
                f"{name} : l’empreinte SHA-256 n’est pas celle de {MANIFEST}, le fichier est abîmé ou a été modifié."
            )
    return Reference(
        manifest_hash=read_manifest_hash(folder),
        years=tuple(sorted(codes_by_year)),
        regions=regions,
        departements=departements,
        epcis=epcis,
        communes=communes,
        former_codes=former_codes,
        departement_contours=layers["departements"],
        epci_contours={year: layers[f"epci_{year}"] for year in codes_by_year},
    )


# Files -----------------------------------------------------------------------------------------------------------


def _content(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ReferenceDataError(f"{name} : fichier absent ou illisible.") from error


def _manifest(folder: Path) -> dict[str, str]:
    """Return the expected SHA-256 of each file."""
    lines = _content(folder, MANIFEST).decode("ascii", errors="replace").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in (REGIONS, DEPARTEMENTS, EPCIS, COMMUNES, FORMER_CODES, CONTOURS):
        if name not in sums:
            raise ReferenceDataError(f"{MANIFEST} : « {name} » n’y figure pas.")
    return sums


def _lines(contents: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text file, compressed or not."""
    file: Any = io.BytesIO(contents[name])
    number = 0
    try:
        for line in io.TextIOWrapper(gzip.GzipFile(fileobj=file) if name.endswith(".gz") else file, "utf-8"):
            number += 1
            yield line
    except (OSError, EOFError, zlib.error) as error:
        raise ReferenceDataError(f"{name}, ligne {number + 1} : fichier compressé abîmé ou tronqué.") from error
    except UnicodeDecodeError as error:
        raise ReferenceDataError(f"{name}, ligne {number + 1} : caractère illisible (UTF-8 attendu).") from error


def _rows(
    contents: Mapping[str, bytes],
    name: str,
    header: tuple[str, ...],
    parse: Callable[[dict[str, str]], Row],
    *,
    key_length: int = 1,
) -> list[Row]:
    """Return the rows of a CSV file; ``parse`` raises ValueError, with the reason, to refuse one.

    The first ``key_length`` columns are unique.
    """
    reader = csv.reader(_lines(contents, name), strict=True)
    try:
        return list(_parsed(reader, header, parse, key_length))
    except ValueError as error:
        raise ReferenceDataError(f"{name}, ligne {max(reader.line_num, 1)} : {error}.") from error
    except csv.Error as error:
        raise ReferenceDataError(f"{name}, ligne {reader.line_num} : guillemets mal fermés.") from error


def _parsed(
    reader: Iterator[list[str]], header: tuple[str, ...], parse: Callable[[dict[str, str]], Row], key_length: int
) -> Iterator[Row]:
    if (found := tuple(next(reader, ()))) != header:
        raise ValueError(f"colonnes « {','.join(header)} » attendues, « {','.join(found)} » trouvées")
    keys: set[tuple[str, ...]] = set()
    for values in reader:
        if len(values) != len(header):
            raise ValueError(f"{len(header)} colonnes attendues, {len(values)} trouvées")
        if (key := tuple(values[:key_length])) in keys:
            raise ValueError(f"« {' '.join(key)} » figure deux fois")
        keys.add(key)
        yield parse(dict(zip(header, values, strict=True)))


def _layers(contents: Mapping[str, bytes], name: str) -> dict[str, Contours]:
    """Return the layers of a quantised TopoJSON file, made of multi-polygons."""
    try:
        topology = json.loads("".join(_lines(contents, name)))
    except json.JSONDecodeError as error:
        raise ReferenceDataError(f"{name}, ligne {error.lineno} : JSON illisible.") from error
    try:
        transform = topology["transform"]
        arcs = [np.cumsum(arc, axis=0) * transform["scale"] + transform["translate"] for arc in topology["arcs"]]
        return {
            layer: {shape["id"]: _shape(shape["arcs"], arcs) for shape in collection["geometries"]}
            for layer, collection in topology["objects"].items()
        }
    except (KeyError, IndexError, TypeError, ValueError, ShapelyError) as error:
        raise ReferenceDataError(f"{name} : structure TopoJSON inattendue ({error}).") from error


def _shape(polygons: list[list[list[int]]], arcs: list[np.ndarray]) -> MultiPolygon:
    """Join arcs into rings; ``~n`` stands for arc ``n`` walked backwards."""

    def ring(numbers: list[int]) -> np.ndarray:
        return np.concatenate([arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers])

    return MultiPolygon([Polygon(ring(shell), [ring(hole) for hole in holes]) for shell, *holes in polygons])


def _check_same_codes(what: str, expected: set[str], found: Any, name: str) -> None:
    if difference := sorted(expected ^ set(found)):
        raise ReferenceDataError(f"{name} : {what} en trop ou manquants ({', '.join(difference[:5])}).")


# Rows ------------------------------------------------------------------------------------------------------------


def _checked(values: Mapping[str, str], column: str, condition: object) -> str:
    if not condition:
        raise ValueError(f"{column} « {values[column]} » inattendu")
    return values[column]


def _name(values: Mapping[str, str]) -> str:
    return _checked(values, "nom", values["nom"].strip())


def _number(values: Mapping[str, str], column: str) -> int:
    return int(_checked(values, column, _WHOLE_NUMBER.fullmatch(values[column])))


def _degrees(values: Mapping[str, str], column: str, limits: tuple[float, float]) -> float:
    degrees = float(_checked(values, column, _DEGREES.fullmatch(values[column])))
    _checked(values, column, limits[0] <= degrees <= limits[1])
    return degrees


def _region(values: dict[str, str]) -> RegionRow:
    return RegionRow(_checked(values, "code", _WHOLE_NUMBER.fullmatch(values["code"])), _name(values))


def _departement(regions: set[str], values: dict[str, str]) -> DepartementRow:
    return DepartementRow(
        values["code"],
        _name(values),
        _checked(values, "region", values["region"] in regions),
        _checked(values, "fuseau", _TIMEZONE.fullmatch(values["fuseau"])),
        _number(values, "recensement"),
    )


def _epci(values: dict[str, str]) -> EpciRow:
    return EpciRow(
        _checked(values, "code", _SIREN.fullmatch(values["code"])),
        _number(values, "annee"),
        _name(values),
        values["nature"],
    )


def _commune(departements: set[str], epcis: Mapping[int, set[str]], values: dict[str, str]) -> CommuneRow:
    code = _checked(values, "code", _COMMUNE_CODE.fullmatch(values["code"]))
    has_point = bool(values["latitude"] or values["longitude"])
    departement = values["departement"]
    return CommuneRow(
        code,
        _name(values),
        _checked(values, "departement", departement in departements and code.startswith(departement)),
        _degrees(values, "latitude", _LATITUDES) if has_point else None,
        _degrees(values, "longitude", _LONGITUDES) if has_point else None,
        _number(values, "population"),
        tuple(_checked(values, "codes_postaux", _POSTAL_CODES.fullmatch(values["codes_postaux"])).split("|")),
        {year: _epci_in(codes, values, f"epci_{year}") for year, codes in epcis.items()},
    )


def _epci_in(codes: set[str], values: Mapping[str, str], column: str) -> str | None:
    return _checked(values, column, not values[column] or values[column] in codes) or None


def _former_code(communes: set[str], values: dict[str, str]) -> FormerCodeRow:
    return FormerCodeRow(
        _checked(values, "code", _COMMUNE_CODE.fullmatch(values["code"]) and values["code"] not in communes),
        _checked(values, "commune", values["commune"] in communes),
        values["nature"],
    )
