"""FINESS+: read as a stream, with the liberties that the feed takes, and what is refused."""

import sys
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from labelling.choices import Register, RegisterForm, StructureKind
from labelling.models import RegisterChange, RegisterImport, RegisterLine
from labelling.readers.coordinates import point_of
from labelling.readers.finess_plus import MAX_BROKEN, read_finess_plus
from labelling.readers.register_file import form_of
from labelling.readers.register_rows import RegisterFileError
from labelling.services.register_search import search_register
from labelling.services.registers import import_register
from tests import factories
from tests.registers import document, entity, establishment, write_many, written

NUMBERS = [factories.luhn_finess(98_800_000 + rank) for rank in range(1, 40)]


@pytest.fixture
def commune(db):
    return factories.commune()


@pytest.fixture
def feed(tmp_path):
    def write(*entities, name="finess.json", encoding="utf-8", generated="2026-11-20T02:06:22Z"):
        return written(tmp_path / name, document(*entities, generated=generated), encoding=encoding)

    return write


def imported(path, **options):
    return import_register(path=path, at=factories.NOW, **options)


def rows(path):
    return list(read_finess_plus(path))


def test_an_establishment_is_read_and_imported(feed, commune):
    path = feed(entity(establishment(NUMBERS[0])))
    assert form_of(path) == RegisterForm.FINESS_PLUS
    report = imported(path)
    assert (report.form, report.read, report.created, report.refused) == (RegisterForm.FINESS_PLUS, 1, 1, [])
    line = RegisterLine.objects.get()
    assert (line.register, line.number, line.legal_number) == (
        Register.FINESS,
        NUMBERS[0],
        factories.luhn_finess(98_900_001),
    )
    assert (line.name, line.kind, line.category_label) == (
        "MAISON DE SANTÉ DES ÉTANGS (FICTIVE)",
        StructureKind.MSP,
        "Maison de santé (L.6223-3)",
    )
    assert (line.address, line.postal_code, line.commune_id) == ("2 PL DU LAVOIR, BP 3", "98001", "98001")
    assert (line.phone, line.email) == ("0199000001", "accueil@structure.invalid")
    assert (line.latitude, line.longitude) == (46.52, 2.51)
    assert (line.as_of, line.closed_on, line.missing_since) == (date(2026, 11, 20), None, None)
    assert imported(path).unchanged == 1


@pytest.mark.parametrize("name", ["finess.json", "finess.json.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_gzip_and_encodings(feed, commune, name, encoding):
    place = {"libelleVoie": "de l'Étang"}
    whole = establishment(NUMBERS[0], place=place)
    whole["adresse"] = whole["adresse"][1:]
    assert imported(feed(entity(whole), name=name, encoding=encoding)).created == 1
    assert RegisterLine.objects.get().address == "2 PL de l'Étang, BP 3"


def test_the_form_of_the_schema_is_read_as_well_as_that_of_the_feed(feed):
    whole = establishment(NUMBERS[0], etatObjet={"code": "I", "system": "https://mos.esante.gouv.fr"})
    whole["categorieEntiteGeographiqueExercice"] = {"code": "124", "system": "x"}
    del whole["categorieentiteGeographiqueExercice"]
    legal = entity(whole)
    legal["informationsGeneralesPmej"] = legal.pop("informationsGeneralesPMEJ")
    row = rows(feed(legal))[0]
    assert (row.category, row.closed, row.closed_on) == ("124", True, None)
    assert row.legal_number == factories.luhn_finess(98_900_001)


def test_absent_and_strange_values_stay_empty(feed):
    whole = establishment(
        NUMBERS[0],
        infos={"nomEgeLong": "  ", "nomEgeCourt": "MSP\u0000 L&#39;ÉTANG\r\n", "siret": None},
        contact=None,
        siret=None,
        etatObjet=[],
        place={"codePostal": "9800", "numeroVoie": None, "coordonneesGeographique": {"coordonneeX": "12 RUE"}},
    )
    row = rows(feed(entity(whole)))[0]
    assert (row.name, row.siret, row.phone, row.email) == ("MSP L'ÉTANG", "", None, None)
    assert (row.postal_code, row.latitude, row.closed) == ("", None, False)


def test_the_address_where_care_is_given_is_preferred_to_the_first(feed):
    assert rows(feed(entity(establishment(NUMBERS[0]))))[0].address == "2 PL DU LAVOIR, BP 3"
    alone = establishment(NUMBERS[0])
    alone["adresse"] = alone["adresse"][:1]
    assert rows(feed(entity(alone)))[0].address == "2 PL DE L’ACCUEIL, BP 3"


def test_several_sites_of_one_legal_entity_and_an_entity_without_any(feed, commune):
    path = feed(entity(establishment(NUMBERS[0]), establishment(NUMBERS[1])), entity(), entity(ege=None))
    assert imported(path).created == 2
    assert RegisterLine.objects.filter(legal_number=factories.luhn_finess(98_900_001)).count() == 2


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (establishment(NUMBERS[1], infos={"numFinessEge": ""}), "sans numéro FINESS"),
        (establishment(NUMBERS[1], adresse=[]), f"FINESS {NUMBERS[1]} : commune « » absente"),
        (establishment(NUMBERS[1], place={"cogCommune": "9800"}), f"FINESS {NUMBERS[1]} : commune « 9800 »"),
        (establishment(NUMBERS[1], informationsGeneralesEGE="x"), "sans numéro FINESS"),
        ("texte", "ce n’est pas un établissement"),
    ],
)
def test_a_broken_establishment_is_refused_with_its_rank_and_the_others_go_on(feed, commune, broken, words):
    report = imported(feed(entity(establishment(NUMBERS[0]), broken, establishment(NUMBERS[2]))))
    assert (report.read, report.created) == (3, 2)
    assert [refused.line for refused in report.refused] == [2]
    assert words in report.refused[0].reason.replace("«  »", "« »")


def test_too_many_broken_ones_and_nothing_is_imported(feed, commune):
    path = feed(entity(establishment(NUMBERS[0]), *["texte"] * (MAX_BROKEN + 1)))
    with pytest.raises(RegisterFileError, match="le format a sans doute changé"):
        imported(path)
    assert not RegisterLine.objects.exists()
    assert not RegisterImport.objects.exists()


def test_a_truncated_file_changes_nothing(tmp_path, commune):
    path = write_many(tmp_path / "finess.json", 3000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(CommandError, match=r"tronqué ou abîmé après \d+ établissements[^✗]*Rien n’a changé"):
        call_command("import_finess", path)
    assert not RegisterLine.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"foo": 1}', "aucun établissement"),
        ('{"generatedAt": "2026-11-20", "pmej": []}', "aucun établissement"),
        ("{pas du JSON", "abîmé dès le début"),
    ],
)
def test_another_json_is_refused(tmp_path, commune, content, words):
    path = tmp_path / "autre.json"
    path.write_text(content)
    with pytest.raises(RegisterFileError, match=words):
        imported(path)


def test_a_feed_without_date_asks_for_it(tmp_path, commune):
    whole = document(entity(establishment(NUMBERS[0])))
    del whole["generatedAt"]
    path = written(tmp_path / "finess.json", whole)
    with pytest.raises(RegisterFileError, match="--date"):
        imported(path)
    assert imported(path, as_of=date(2026, 11, 1)).created == 1


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(count):
        path = write_many(tmp_path / f"{count}.json", count)
        before, most = sys.getallocatedblocks(), 0
        for last in read_finess_plus(path):
            if last.line % 100 == 0:
                most = max(most, sys.getallocatedblocks() - before)
        assert last.line == count
        return most

    # Blocks of Python objects: as many with fifty thousand establishments as with ten thousand.
    assert peak(50_000) < peak(10_000) + 20_000


# Closings and disappearances -----------------------------------------------------------------------------------


def test_a_closed_place_is_dated_and_not_offered(feed, commune):
    imported(feed(entity(establishment(NUMBERS[0]))))
    report = imported(
        feed(entity(establishment(NUMBERS[0], infos={"dateFermeture": "2026-10-31"})), generated="2026-11-21T02:00:00Z")
    )
    line = RegisterLine.objects.get()
    assert (report.changed, line.closed_on) == (1, date(2026, 10, 31))
    found = search_register(text=NUMBERS[0])
    assert found.lines == []
    assert "fermée depuis le 31\u00a0octobre\u00a02026, selon FINESS au 21\u00a0novembre\u00a02026" in found.sentence
    assert search_register(text="maison de sante des etangs").lines == []


def test_a_closing_to_come_is_not_a_closing_yet(feed, commune):
    imported(feed(entity(establishment(NUMBERS[0], infos={"dateFermeture": "2027-01-31"}))))
    assert RegisterLine.objects.get().closed_on is None


def test_inactive_without_a_date_is_closed_since_the_file_that_first_said_so(feed, commune):
    def at(day, state):
        imported(feed(entity(establishment(NUMBERS[0], etatObjet=state)), generated=f"{day}T02:00:00Z"))
        return RegisterLine.objects.get().closed_on

    assert at("2026-11-20", "A") is None
    assert at("2026-11-21", "I") == date(2026, 11, 21)
    assert at("2026-11-22", "I") == date(2026, 11, 21)
    assert at("2026-11-23", "A") is None


def test_what_a_whole_file_no_longer_has_is_kept_and_marked_then_found_again(feed, commune):
    everyone = [establishment(number) for number in NUMBERS[:20]]
    imported(feed(entity(*everyone)))
    report = imported(feed(entity(*everyone[1:]), generated="2026-11-21T02:00:00Z"))
    gone = RegisterLine.objects.get(number=NUMBERS[0])
    assert (report.disappeared, report.unchanged) == (1, 19)
    assert (gone.as_of, gone.missing_since) == (date(2026, 11, 20), date(2026, 11, 21))
    assert RegisterLine.objects.standing().count() == 19
    change = gone.changes.get()
    assert (change.field, change.old, change.new, change.old_as_of) == (
        "missing_since",
        None,
        "2026-11-21",
        date(2026, 11, 20),
    )
    again = imported(feed(entity(*everyone[1:]), generated="2026-11-22T02:00:00Z"))
    assert (again.disappeared, RegisterChange.objects.count()) == (0, 1)
    imported(feed(entity(*everyone), generated="2026-11-23T02:00:00Z"))
    gone.refresh_from_db()
    assert (gone.as_of, gone.missing_since) == (date(2026, 11, 23), None)


def test_a_file_that_lacks_a_tenth_of_the_lines_is_held_to_be_partial(feed, commune):
    everyone = [establishment(number) for number in NUMBERS[:20]]
    imported(feed(entity(*everyone)))
    part = feed(entity(*everyone[3:]), generated="2026-11-21T02:00:00Z")
    with pytest.raises(RegisterFileError, match="n’a pas 3 des 20 lignes FINESS"):
        imported(part)
    assert not RegisterLine.objects.filter(as_of=date(2026, 11, 21)).exists()
    report = imported(part, partial=True)
    assert (report.disappeared, report.unchanged) == (0, 17)


def test_a_line_that_is_refused_today_has_not_disappeared(feed, commune):
    everyone = [establishment(number) for number in NUMBERS[:20]]
    imported(feed(entity(*everyone)))
    everyone[0] = establishment(NUMBERS[0], place={"cogCommune": "98999"})
    report = imported(feed(entity(*everyone), generated="2026-11-21T02:00:00Z"))
    assert (report.disappeared, len(report.refused)) == (0, 1)


# What an import did --------------------------------------------------------------------------------------------


def test_what_an_import_did_is_kept_and_a_trial_leaves_nothing(feed, commune):
    path = feed(entity(establishment(NUMBERS[0]), "texte"))
    assert imported(path, dry_run=True).created == 1
    assert not RegisterImport.objects.exists()
    imported(path)
    done = RegisterImport.objects.get()
    assert (done.form, done.as_of, done.partial, done.imported_at) == (
        RegisterForm.FINESS_PLUS,
        date(2026, 11, 20),
        False,
        factories.NOW,
    )
    assert (done.read, done.created, done.refused) == (2, 1, 1)
    assert len(done.file_hash) == 64


def test_the_former_value_is_kept_when_a_line_changes(feed, commune):
    imported(feed(entity(establishment(NUMBERS[0]))))
    moved = establishment(NUMBERS[0], place={"libelleVoie": "NEUVE"}, infos={"nomEgeLong": "MSP NEUVE (FICTIVE)"})
    report = imported(feed(entity(moved), generated="2026-11-21T02:00:00Z"))
    assert report.changed == 1
    kept = {row.field: (row.old, row.new) for row in RegisterChange.objects.all()}
    assert kept == {
        "name": ("MAISON DE SANTÉ DES ÉTANGS (FICTIVE)", "MSP NEUVE (FICTIVE)"),
        "address": ("2 PL DU LAVOIR, BP 3", "2 PL NEUVE, BP 3"),
    }


def test_a_change_is_never_rewritten(feed, commune):
    imported(feed(entity(establishment(NUMBERS[0]))))
    imported(feed(entity(establishment(NUMBERS[0], infos={"nomEgeLong": "B"})), generated="2026-11-21T02:00:00Z"))
    change = RegisterChange.objects.get()
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        RegisterChange.objects.filter(pk=change.pk).update(old="C")
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        change.delete()


def test_a_line_missing_since_before_it_was_seen_is_refused_by_the_database(commune):
    line = factories.register_line()
    with pytest.raises(IntegrityError, match="register_line_missing_after_seen"), transaction.atomic():
        RegisterLine.objects.filter(pk=line.pk).update(missing_since=line.as_of)


def test_an_import_asks_the_database_by_batch_not_by_line(tmp_path, commune, django_assert_max_num_queries):
    path = write_many(tmp_path / "finess.json", 900)
    with django_assert_max_num_queries(20):
        imported(path)
    with django_assert_max_num_queries(16):
        assert imported(path).unchanged == 900


def test_the_command_names_the_form_and_the_broken_ones(feed, commune):
    out, err = StringIO(), StringIO()
    call_command("import_finess", feed(entity(establishment(NUMBERS[0]), "texte")), stdout=out, stderr=err)
    assert "Import terminé (FINESS+ (JSON quotidien)) : 2 lignes lues, 1 créées" in out.getvalue()
    assert "Établissement n° 2 refusé : ce n’est pas un établissement" in err.getvalue()


# Coordinates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "commune", "expected"),
    [
        (("5.254203", "46.211257"), ("873766.07", "6570414.61"), "01053", (46.2113, 5.2542)),
        (("824475.06", "6969000"), ("4.7200", "49.7700"), "08105", (49.77, 4.72)),
        (("46.211257", "5.254203"), (None, None), "01053", (46.2113, 5.2542)),
        (("873766.07", "6570414.61"), ("", ""), "01053", (46.2113, 5.2542)),
        (("6570414.61", "873766.07"), (None, None), "01053", (46.2113, 5.2542)),
        (("5,254203", "46,211257"), (None, None), "01053", (46.2113, 5.2542)),
        (("338622.0", "7655170.0"), (None, None), "97411", (-21.196, 55.446)),
        (("55.45", "-20.88"), ("338622.0", "7655170.0"), "97411", (-20.88, 55.45)),
        (("0", "0"), ("0", "0"), "01053", None),
        (("12 RUE", "46.2"), (None, None), "01053", None),
        (("2.5", "46.5"), (None, None), "97411", None),
    ],
)
def test_the_point_is_told_whatever_the_order_and_the_projection(first, second, commune, expected):
    found = point_of([first, second], commune)
    assert found is None if expected is None else found == pytest.approx(expected, abs=0.002)


def test_a_point_far_from_its_commune_is_left_out(feed, commune):
    far = {"coordonneesGeographique": {"coordonneeX": "5.25", "coordonneeY": "46.21"}}
    imported(feed(entity(establishment(NUMBERS[0], place=far))))
    line = RegisterLine.objects.get()
    assert (line.latitude, line.longitude) == (None, None)
