"""The committed reference files: what they hold, and how damage is told."""

import gzip
import hashlib
import re
import shutil
from collections import defaultdict

import pytest
import shapely

from territories.readers.reference import COMMUNES, CONTOURS, EPCIS, MANIFEST, ReferenceDataError, read_reference
from territories.rules.outlines import (
    FRAMES,
    METROPOLE,
    PETITE_COURONNE,
    PETITE_COURONNE_DEPARTEMENTS,
    VIEW_BOX,
    epci_outlines,
    national_outlines,
)
from territories.services.places import REFERENCE_FOLDER

NBSP = "\u00a0"
ISLANDS = {"22016", "29083", "29155", "85113"}


@pytest.fixture(scope="module")
def files():
    return read_reference(REFERENCE_FOLDER)


@pytest.fixture
def folder(tmp_path, ain_and_loire):
    """A copy of a small reference, to damage."""
    shutil.copytree(ain_and_loire, tmp_path / "reference")
    return tmp_path / "reference"


def rewrite(folder, name, change):
    """Apply a change to the text of a file and sign the result, as a careless hand would."""
    path = folder / name
    packed = name.endswith(".gz")
    text = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()).decode()
    data = change(text).encode()
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = folder / MANIFEST
    manifest.write_text(re.sub(rf"\w{{64}}(?=  {re.escape(name)}$)", digest, manifest.read_text(), flags=re.MULTILINE))


# Content ---------------------------------------------------------------------------------------------------------


def test_counts(files):
    assert files.years == (2025, 2026)
    assert len(files.regions) == 18
    assert len(files.departements) == 101
    assert len(files.communes) == 34_875
    assert sum(epci.year == 2025 for epci in files.epcis) == 1_255
    assert sum(epci.year == 2026 for epci in files.epcis) == 1_253
    assert len(files.former_codes) == 4_285
    assert sum(len(commune.postal_codes) for commune in files.communes) == 35_359
    assert sum(commune.population for commune in files.communes) == 68_350_798
    assert len(files.departement_contours) == 101
    assert {year: len(contours) for year, contours in files.epci_contours.items()} == {2025: 1_255, 2026: 1_253}


def test_codes_are_text(files):
    assert [row.code for row in files.departements[:2]] == ["01", "02"]
    assert {row.departement for row in files.communes if row.code.startswith("2")} >= {"2A", "2B"}
    assert {row.departement for row in files.communes if row.code.startswith("97")} == {
        "971",
        "972",
        "973",
        "974",
        "976",
    }


def test_four_islands_have_no_epci(files):
    assert {row.code for row in files.communes if None in row.epcis.values()} == ISLANDS


def test_epcis_that_straddle_departements(files):
    departements = defaultdict(set)
    for row in files.communes:
        departements[row.epcis[2026]].add(row.departement)
    del departements[None]
    assert departements["200006682"] == {"21", "71"}
    assert sum(len(found) > 1 for found in departements.values()) == 89


def test_four_communes_of_the_cantal_have_no_point(files):
    assert {row.code for row in files.communes if row.latitude is None} == {"15031", "15035", "15047", "15171"}


def test_arrondissements_lead_to_their_commune(files):
    of_cities = defaultdict(set)
    for row in files.former_codes:
        if row.kind == "arrondissement-municipal":
            of_cities[row.commune].add(row.code)
    assert {commune: len(codes) for commune, codes in of_cities.items()} == {"75056": 20, "69123": 9, "13055": 16}
    assert "75101" in of_cities["75056"]


def test_populations_name_their_census(files):
    assert {row.code: row.census_year for row in files.departements if row.census_year != 2023} == {"976": 2017}


# Shapes ----------------------------------------------------------------------------------------------------------


def rings_of(path):
    """Return the rings of a path as lists of absolute whole points."""
    rings = []
    for ring in re.findall(r"M([^Mz]+)z", path):
        start, steps = ring.split("l")
        numbers = [int(number) for number in re.findall(r"-?\d+", steps)]
        points = [tuple(map(int, start.split()))]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            points.append((points[-1][0] + dx, points[-1][1] + dy))
        rings.append(points)
    return rings


def borders_of(path):
    """Return the segments of a path, each once whatever its direction."""
    segments = defaultdict(int)
    for ring in rings_of(path):
        for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
            segments[min(here, there), max(here, there)] += 1
    return segments


def test_national_map(files):
    outlines, magnified = national_outlines(files.departement_contours)
    assert set(outlines) == {row.code for row in files.departements}
    assert set(magnified) == PETITE_COURONNE_DEPARTEMENTS
    text = "".join(outlines.values()) + "".join(magnified.values())
    assert re.fullmatch(r"[Mlz\d -]+", text)
    assert len(text) < 120_000
    assert len(gzip.compress(text.encode())) < 40_000


def test_shapes_stay_in_their_frames(files):
    outlines, magnified = national_outlines(files.departement_contours)
    _, _, width, height = map(int, VIEW_BOX.split())
    for frame in FRAMES.values():
        assert 0 <= frame.x < frame.x + frame.width <= width
        assert 0 <= frame.y < frame.y + frame.height <= height
    for code, path in [*outlines.items(), *magnified.items()]:
        name = PETITE_COURONNE if path in magnified.values() else code if code in FRAMES else METROPOLE
        frame = FRAMES[name]
        points = [point for ring in rings_of(path) for point in ring]
        assert all(frame.x <= x <= frame.x + frame.width for x, _ in points)
        assert all(frame.y + frame.caption_height <= y <= frame.y + frame.height for _, y in points)


def test_frames_do_not_cover_metropole(files):
    outlines, _ = national_outlines(files.departement_contours)
    metropole = [
        point for code, path in outlines.items() if code not in FRAMES for ring in rings_of(path) for point in ring
    ]
    for name in FRAMES.keys() - {METROPOLE}:
        frame = FRAMES[name]
        inside = [
            (x, y)
            for x, y in metropole
            if frame.x <= x <= frame.x + frame.width and frame.y <= y <= frame.y + frame.height
        ]
        assert inside == [], name


def test_neighbours_share_their_border_after_simplification(files):
    outlines, _ = national_outlines(files.departement_contours)
    uses = defaultdict(int)
    for code in outlines.keys() - FRAMES.keys():
        for segment, count in borders_of(outlines[code]).items():
            uses[segment] += count
    # Landlocked départements: each of their segments belongs to a neighbour too.
    for code in ("03", "15", "18", "23", "36", "45", "63", "75", "77", "87", "92"):
        assert {segment for segment in borders_of(outlines[code]) if uses[segment] < 2} == set(), code


def test_no_hole_is_left_in_the_map_but_llivia(files):
    france = shapely.union_all(list(files.departement_contours.values()))
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(france) for ring in part.interiors]
    # In square degrees: about 1 km².
    large = [hole for hole in holes if hole.area > 1e-4]
    assert len(large) == 1
    assert large[0].contains(shapely.Point(1.981, 42.467))


def test_epci_outlines_share_a_grid(files):
    departement_of = {row.epcis[2026]: row.departement for row in files.communes}
    outlines = epci_outlines(files.epci_contours[2026], departement_of)
    assert len(outlines) == 1_253
    assert sum(len(outline.path) for outline in outlines.values()) < 600_000
    for code, outline in outlines.items():
        points = [point for ring in rings_of(outline.path) for point in ring]
        bounds = [
            min(x for x, _ in points),
            min(y for _, y in points),
            max(x for x, _ in points),
            max(y for _, y in points),
        ]
        assert min(bounds) >= 0, code
        assert [
            abs(found - told) <= 1 for found, told in zip(bounds, map(int, outline.bounds.split()), strict=True)
        ] == [True] * 4
    # Rennes Métropole is about 45 km wide: 100 m a unit.
    min_x, _, max_x, _ = map(int, outlines["243500139"].bounds.split())
    assert 350 < max_x - min_x < 550


# Damage ----------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named(folder):
    (folder / EPCIS).unlink()
    with pytest.raises(ReferenceDataError, match=r"^epci\.csv.: fichier absent ou illisible\.$"):
        read_reference(folder)


def test_a_truncated_file_is_named_with_its_line(folder):
    data = (folder / COMMUNES).read_bytes()
    (folder / COMMUNES).write_bytes(data[: len(data) // 2])
    with pytest.raises(
        ReferenceDataError, match=r"^communes\.csv\.gz, ligne \d+.: fichier compressé abîmé ou tronqué\.$"
    ):
        read_reference(folder)


def test_a_change_that_still_makes_sense_is_told_by_the_hash(folder):
    path = folder / EPCIS
    path.write_text(path.read_text().replace("Saint-Etienne Métropole", "Saint-Étienne Métropole"))
    with pytest.raises(ReferenceDataError, match=r"^epci\.csv.: l’empreinte SHA-256 n’est pas celle de SHA256SUMS"):
        read_reference(folder)


AMBERIEU = "01004,Ambérieu-en-Bugey,01,45.95814,5.35893,15934,01500,240100883,240100883"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (AMBERIEU.replace(",01,", ",02,"), f"departement «{NBSP}02{NBSP}» inattendu"),
        (AMBERIEU.replace("45.95814", "145.9"), f"latitude «{NBSP}145.9{NBSP}» inattendu"),
        (AMBERIEU.replace("45.95814", ""), f"latitude «{NBSP}{NBSP}» inattendu"),
        (AMBERIEU.replace("15934", "quinze mille"), f"population «{NBSP}quinze mille{NBSP}» inattendu"),
        (AMBERIEU.replace("01500", "1500"), f"codes_postaux «{NBSP}1500{NBSP}» inattendu"),
        (
            AMBERIEU.replace("240100883,240100883", "240100883,999999999"),
            f"epci_2026 «{NBSP}999999999{NBSP}» inattendu",
        ),
        (AMBERIEU.replace("Ambérieu-en-Bugey", " "), f"nom «{NBSP} {NBSP}» inattendu"),
        (AMBERIEU.replace("01004", "1004"), f"code «{NBSP}1004{NBSP}» inattendu"),
        (AMBERIEU.replace("01004", "01001"), f"«{NBSP}01001{NBSP}» figure deux fois"),
        (AMBERIEU.replace("15934,", ""), "9 colonnes attendues, 8 trouvées"),
        (AMBERIEU.replace("Ambérieu-en-Bugey", '"Ambérieu" en Bugey'), "guillemets mal fermés"),
    ],
)
def test_a_bad_line_is_told_by_file_and_line(folder, line, reason):
    rewrite(folder, COMMUNES, lambda text: text.replace(AMBERIEU, line))
    with pytest.raises(ReferenceDataError) as error:
        read_reference(folder)
    assert str(error.value) == f"communes.csv.gz, ligne 4{NBSP}: {reason}."


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            COMMUNES,
            lambda text: text.replace("epci_2026", "epci_2027", 1),
            r"^communes\.csv\.gz, ligne 1.: colonnes .* attendues",
        ),
        (
            COMMUNES,
            lambda text: "\n".join(text.split("\n")[:300]),
            r"^communes\.csv\.gz.: départements en trop ou manquants",
        ),
        (
            EPCIS,
            lambda text: text + "200000172;2026\n",
            r"^epci\.csv, ligne \d+.: 4 colonnes attendues, 1 trouvées\.$",
        ),
        (
            EPCIS,
            lambda text: text + "100000000,2026,CC fictive,CC\n",
            r"^communes\.csv\.gz.: EPCI de 2026 en trop ou manquants \(100000000\)\.$",
        ),
        (CONTOURS, lambda text: text[: len(text) // 2], r"^contours\.topojson\.gz, ligne \d+.: JSON illisible\.$"),
        (
            CONTOURS,
            lambda text: text.replace('"transform"', '"transformation"'),
            r"^contours\.topojson\.gz.: structure TopoJSON inattendue",
        ),
    ],
)
def test_structural_damage_is_told(folder, name, change, message):
    rewrite(folder, name, change)
    with pytest.raises(ReferenceDataError, match=message):
        read_reference(folder)
