"""A small reference to load and to damage."""

import csv
import gzip
import hashlib
import io
import json
import shutil

import pytest

from territories.readers.reference import COMMUNES, CONTOURS, DEPARTEMENTS, EPCIS, FORMER_CODES, MANIFEST
from territories.services.places import REFERENCE_FOLDER


@pytest.fixture(scope="session")
def ain_and_loire(tmp_path_factory):
    """A folder with two départements of the reference, quick to read, and to load over the whole; not to be changed."""
    folder = tmp_path_factory.mktemp("places") / "reference"
    shutil.copytree(REFERENCE_FOLDER, folder)
    keep_rows(folder / DEPARTEMENTS, lambda row: row["code"] in {"01", "42"})
    communes = keep_rows(folder / COMMUNES, lambda row: row["departement"] in {"01", "42"})
    codes = {row["code"] for row in communes}
    epcis = {year: {row[f"epci_{year}"] for row in communes} for year in ("2025", "2026")}
    keep_rows(folder / EPCIS, lambda row: row["code"] in epcis[row["annee"]])
    keep_rows(folder / FORMER_CODES, lambda row: row["commune"] in codes)
    keep_shapes(
        folder / CONTOURS, {"departements": {"01", "42"}, "epci_2025": epcis["2025"], "epci_2026": epcis["2026"]}
    )
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".csv", ".gz"})
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (folder / MANIFEST).write_text("".join(lines))
    return folder


def keep_rows(path, accept):
    """Keep the header of a CSV file and the rows that are accepted; return these."""
    packed = path.suffix == ".gz"
    data = path.read_bytes()
    rows = list(csv.DictReader(io.StringIO((gzip.decompress(data) if packed else data).decode())))
    kept = [row for row in rows if accept(row)]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept)
    data = out.getvalue().encode()
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    return kept


def keep_shapes(path, codes_by_layer):
    """Keep some shapes of a TopoJSON file; the arcs of the others shrink to a point, and numbers stay."""
    topology = json.loads(gzip.decompress(path.read_bytes()))
    used = set()
    for layer, codes in codes_by_layer.items():
        shapes = topology["objects"][layer]
        shapes["geometries"] = [shape for shape in shapes["geometries"] if shape["id"] in codes]
        for shape in shapes["geometries"]:
            used |= {arc if arc >= 0 else ~arc for polygon in shape["arcs"] for ring in polygon for arc in ring}
    topology["arcs"] = [arc if number in used else [[0, 0]] for number, arc in enumerate(topology["arcs"])]
    path.write_bytes(gzip.compress(json.dumps(topology, separators=(",", ":")).encode(), 1))
