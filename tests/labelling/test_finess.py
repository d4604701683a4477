"""Import of registers: the national extract, the documented CSV, and what is refused."""

import gzip
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from labelling.choices import StructureKind
from labelling.models import RegisterLine
from labelling.readers.finess import insee_code, read_national_extract
from labelling.readers.register_rows import RegisterFileError
from labelling.services import registers
from labelling.services.register_search import search_register
from territories.models import FormerCode
from tests import factories
from tests.plugins.reference import reference, reference_rows  # noqa: F401

DATA = Path(settings.BASE_DIR).parent / "shared" / "data" / "test"
HEADER = "finess_et,categorie_code,categorie,rs,rs_longue,adresse,cp,commune,lat,lon,siret,telephone,email,type,registre,millesime"
NUMBER = factories.luhn_finess(98_700_001)
OTHER = factories.luhn_finess(98_700_002)


def line(number=NUMBER, **fields):
    values = {
        "categorie_code": "603",
        "categorie": "Maison de santé",
        "rs": "MSP des Étangs (fictive)",
        "rs_longue": "",
        "adresse": "2 place du Lavoir",
        "cp": "98001",
        "commune": "98001",
        "lat": "46.5",
        "lon": "2.5",
        "siret": "",
        "telephone": "0199000001",
        "email": "Accueil@structure.invalid",
        "type": "",
        "registre": "",
        "millesime": "2026-11",
    }
    return ",".join([number, *({**values, **fields}).values()])


@pytest.fixture
def file(tmp_path):
    def write(*lines, header=HEADER, name="registre.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes("\n".join([header, *lines]).encode(encoding))
        return path

    return write


@pytest.fixture
def commune(db):
    return factories.commune()


def import_register(**options):
    return registers.import_register(at=factories.NOW, **options)


def counts(report):
    return report.created, report.changed, report.unchanged, report.older, len(report.refused)


def test_a_line_is_imported_then_left_alone(file, commune):
    path = file(line())
    assert counts(import_register(path=path)) == (1, 0, 0, 0, 0)
    row = RegisterLine.objects.get()
    assert (row.number, row.name, row.kind, row.commune_id, row.email) == (
        NUMBER,
        "MSP des Étangs (fictive)",
        StructureKind.MSP,
        "98001",
        "accueil@structure.invalid",
    )
    assert (row.sort_key, row.as_of, row.latitude) == ("msp des etangs fictive", date(2026, 11, 30), 46.5)
    assert counts(import_register(path=path)) == (0, 0, 1, 0, 0)


def test_only_what_changed_is_written(file, commune):
    import_register(path=file(line(), line(OTHER)))
    report = import_register(path=file(line(rs="MSP du Lavoir (fictive)"), line(OTHER)))
    assert counts(report) == (0, 1, 1, 0, 0)
    assert RegisterLine.objects.get(number=NUMBER).name == "MSP du Lavoir (fictive)"


def test_an_absent_column_leaves_what_was_known(file, commune):
    import_register(path=file(line()))
    report = import_register(
        path=file(
            f"{NUMBER},603,MSP des Étangs (fictive),98001,2026-12",
            header="finess_et,categorie_code,rs,commune,millesime",
        )
    )
    assert counts(report) == (0, 1, 0, 0, 0)
    assert RegisterLine.objects.get().email == "accueil@structure.invalid"
    assert RegisterLine.objects.get().latitude == 46.5


def test_an_older_file_changes_nothing(file, commune):
    import_register(path=file(line()))
    assert counts(import_register(path=file(line(rs="Ancien nom", millesime="2023")))) == (0, 0, 0, 1, 0)
    assert RegisterLine.objects.get().name == "MSP des Étangs (fictive)"


def test_a_dry_run_counts_and_writes_nothing(file, commune):
    assert counts(import_register(path=file(line()), dry_run=True)) == (1, 0, 0, 0, 0)
    assert not RegisterLine.objects.exists()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (line(NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)), "clé de contrôle"),
        (line("12"), "n’est pas un numéro FINESS"),
        (line(commune="98999"), "la commune « 98999 »"),
        (line(rs=""), "le nom est vide"),
        (line(type="pharmacie"), "le type « pharmacie »"),
        (line(registre="rpps"), "le registre « rpps »"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number_and_the_others_go_on(file, commune, bad, words):
    report = import_register(path=file(line(OTHER), bad))
    assert counts(report) == (1, 0, 0, 0, 1)
    assert report.refused[0].line == 3
    assert words in report.refused[0].reason


def test_a_number_given_twice_is_refused_the_second_time(file, commune):
    report = import_register(path=file(line(), line(rs="Autre")))
    assert counts(report) == (1, 0, 0, 0, 1)
    assert "déjà à la ligne 2" in report.refused[0].reason


def test_a_former_commune_gives_the_present_one(file, commune):
    FormerCode.objects.create(code="98777", commune=commune, kind="commune-deleguee")
    import_register(path=file(line(commune="98777")))
    assert RegisterLine.objects.get().commune_id == "98001"


def test_a_wrong_siret_or_address_is_left_blank(file, commune):
    import_register(path=file(line(siret="12345678901234", email="pas une adresse")))
    row = RegisterLine.objects.get()
    assert (row.siret, row.email) == ("", "")


def test_categories_outside_the_label_have_no_proposed_type_but_a_given_one_counts(file, commune):
    import_register(
        path=file(line(categorie_code="620"), line("ARS-1", categorie_code="", type="mobile", registre="list"))
    )
    assert list(RegisterLine.objects.order_by("number").values_list("register", "kind")) == [
        ("finess", ""),
        ("list", "mobile"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "est vide"),
        (b"\x1f\x8b\x08\x00broken", "illisible ou incomplet"),
        (b"nom,commune\nA,98001", "Colonnes absentes"),
        (f"{HEADER}\n{line()}\n{OTHER},603".encode(), "Ligne 3"),
        (f"{HEADER}\n{line(millesime='')}".encode(), "--date"),
        (b"finess;etalab;111\nstructureet;1", "date de l’extraction"),
        (b"finess;etalab;111;2026-05-12\nstructureet;010000024;x", "3 champs au lieu de 32"),
    ],
)
def test_a_damaged_file_changes_nothing(tmp_path, commune, content, words):
    path = tmp_path / "abime.csv"
    path.write_bytes(content)
    with pytest.raises(RegisterFileError, match=words):
        import_register(path=path)
    assert not RegisterLine.objects.exists()
    with pytest.raises(CommandError, match="Rien n’a changé"):
        call_command("import_finess", path)


def test_a_missing_file(tmp_path, commune):
    with pytest.raises(CommandError, match="n’existe pas"):
        call_command("import_finess", tmp_path / "absent.csv")


def national(number=NUMBER, commune="001", departement="98", name="MSP DES ÉTANGS (FICTIVE)"):
    fields = [
        "structureet",
        number,
        OTHER,
        "MSP ETANGS",
        name,
        "",
        "",
        "2",
        "PL",
        "DU LAVOIR",
        "",
        "BP 3",
        commune,
        departement,
        "ESSONNIE",
        "98001 VALFICTIF CEDEX",
        "0199000001",
        "",
        "603",
        "Maison de santé (L.6223-3)",
        "1110",
        "Maisons de santé",
        "",
        "",
        "",
        "",
        "",
        "",
        "2020-01-01",
        "2020-01-01",
        "2026-01-01",
        "",
    ]
    return ";".join(fields)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_national_extract_is_recognised(file, commune, encoding):
    path = file(national(), "geolocalisation;1;2;3;4;5", header="finess;etalab;111;2026-05-12", encoding=encoding)
    report = import_register(path=path)
    assert counts(report) == (1, 0, 0, 0, 0)
    row = RegisterLine.objects.get()
    assert (row.name, row.address, row.postal_code, row.as_of) == (
        "MSP DES ÉTANGS (FICTIVE)",
        "2 PL DU LAVOIR, BP 3",
        "98001",
        date(2026, 5, 12),
    )


def test_gzip(tmp_path, commune):
    path = tmp_path / "registre.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{line()}".encode()))
    assert import_register(path=path).created == 1


@pytest.mark.parametrize(
    ("departement", "commune", "code"),
    [
        ("01", "451", "01451"),
        ("9A", "120", "97120"),
        ("9D", "411", "97411"),
        ("9F", "610", "97610"),
        ("2A", "004", "2A004"),
        ("9J", "613", "98613"),
    ],
)
def test_codes_of_communes(departement, commune, code):
    assert insee_code(departement, commune) == code


def test_the_command_counts_and_names_refused_lines(file, commune):
    out, err = StringIO(), StringIO()
    call_command("import_finess", file(line(), line("123")), stdout=out, stderr=err)
    assert "2 lignes lues, 1 créées" in out.getvalue()
    assert "Ligne 3 refusée" in err.getvalue()


# Search ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines(commune):
    elsewhere = factories.commune("98002", "Saint-Étienne-d’Essai")
    return [
        factories.register_line(name="Maison de santé des Trois Étangs (fictive)", siret="35600000000048"),
        factories.register_line(elsewhere, name="Centre de santé du Lavoir (fictif)"),
    ]


@pytest.mark.parametrize(
    "text", ["maison de sante des trois etangs", "TROIS ÉTANGS", "trois etang", "trois-étangs", "troi etangs"]
)
def test_a_name_is_found_without_accents_and_with_a_slip(lines, text):
    assert search_register(text=text).lines[0] == lines[0]


def test_a_name_with_a_commune(lines):
    assert search_register(text="sante", commune="saint etienne").lines == [lines[1]]
    assert search_register(text="lavoir", commune="98002").lines == [lines[1]]
    nothing = search_register(text="lavoir", commune="Valfictif")
    assert nothing.lines == []
    assert "Valfictif" in nothing.sentence


@pytest.mark.parametrize(
    "text", ["centre de sante saint etienne d essai", "lavoir Saint-Étienne-d’Essai", "CDS Saint-Étienne d’Essai"]
)
def test_a_commune_and_a_type_may_be_written_with_the_name(lines, text):
    there = lines[1].commune
    meant = factories.register_line(there, name="Pôle du Lavoir (fictif)", kind=StructureKind.CDS)
    other = factories.register_line(there, name="Laboratoire du Canal (fictif)", kind="")
    found = search_register(text=text).lines
    assert meant in found
    assert other not in found
    assert other in search_register(text="Saint-Étienne-d’Essai").lines


def test_a_number_is_found_with_its_spaces(lines):
    number = lines[0].number
    assert search_register(text=f"{number[:3]} {number[3:6]} {number[6:]}").lines == [lines[0]]
    assert search_register(text="356 000 000 00048").lines == [lines[0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("980000001", "clé de contrôle"),
        (factories.luhn_finess(98_999_999), "ne figure pas dans le registre"),
        ("12345678901234", "erreur de frappe"),
        ("1234567", "compte 7 chiffres"),
        ("zzzz qqqq", "Aucune structure ne ressemble"),
        ("   ", "Indiquez un numéro FINESS"),
    ],
)
def test_each_wrong_search_has_its_sentence(lines, text, words):
    found = search_register(text=text)
    assert found.lines == []
    assert words in found.sentence


# Real data, read beside the project ------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.is_dir(), reason=f"pas de données réelles dans {DATA}")
def test_the_real_files(reference):  # noqa: F811
    report = import_register(path=DATA / "structures_finess.csv.gz")
    assert report.read == 6820
    assert report.created + len(report.refused) == 6820
    assert len(report.refused) < 20
    assert RegisterLine.objects.filter(kind=StructureKind.MSP).count() == 372
    assert counts(import_register(path=DATA / "structures_finess.csv.gz"))[:3] == (0, 0, report.created)
    extract = DATA / "finess_cs1100502_extrait_brut.csv"
    assert len(list(read_national_extract(extract))) == 10
    national_report = import_register(path=extract, partial=True)
    assert [row.line for row in national_report.refused] == [3, 4, 10]
