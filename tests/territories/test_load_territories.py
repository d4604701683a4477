"""`load_territories`: the reference in the database, loaded again, or damaged."""

import shutil
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count

from territories.management.commands import load_territories
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
from territories.readers.reference import COMMUNES, ReferenceDataError
from territories.services import places
from territories.services.places import load_reference
from tests import factories
from tests.plugins.committed import at_once

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def run(*options):
    out = StringIO()
    call_command("load_territories", *options, stdout=out)
    return out.getvalue()


def test_everything_is_there(reference):
    assert Region.objects.count() == 18
    assert Departement.objects.count() == 101
    assert Epci.objects.count() == 1_257
    assert EpciVintage.objects.filter(year=2025).count() == 1_255
    assert EpciVintage.objects.filter(year=2026).count() == 1_253
    assert Commune.objects.current().count() == 34_875
    assert CommuneVintage.objects.filter(year=2025).count() == 34_875
    assert CommuneVintage.objects.filter(year=2026).count() == 34_875
    assert PostalCode.objects.count() == 35_359
    assert FormerCode.objects.count() == 4_285


def test_departements_in_order_with_corsica_after_19(reference):
    codes = list(Departement.objects.in_order().values_list("code", flat=True))
    assert codes[:2] == ["01", "02"]
    assert codes[18:22] == ["19", "2A", "2B", "21"]
    assert codes[-6:] == ["95", "971", "972", "973", "974", "976"]
    assert Commune.objects.get(code="2A004").departement_id == "2A"


def test_names_are_official_in_the_data_and_typeset_when_they_are_shown(reference):
    rows = Departement.objects.filter(pk="21")
    assert rows.get().name == rows.defer("name").get().name == "Côte-d’Or"
    assert str(
        Commune.objects.select_related("departement__region").filter(departement="06").first().departement.region
    ) == ("Provence-Alpes-Côte d’Azur")
    assert rows.values_list("name", flat=True).get() == "Côte-d'Or"
    assert Departement.objects.filter(name="Côte-d'Or").exists()


def test_time_zones(reference):
    zones = dict(Departement.objects.exclude(timezone="Europe/Paris").values_list("code", "timezone"))
    assert zones == {
        "971": "America/Guadeloupe",
        "972": "America/Martinique",
        "973": "America/Cayenne",
        "974": "Indian/Reunion",
        "976": "Indian/Mayotte",
    }
    for zone in zones.values():
        assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone))


def test_places_know_one_another(reference):
    saint_etienne = Commune.objects.get(code="42218")
    assert saint_etienne.sort_key == "saint etienne"
    assert saint_etienne.departement.region.name == "Auvergne-Rhône-Alpes"
    vintage = saint_etienne.vintages.get(year=2026)
    assert (vintage.epci.name, vintage.population, vintage.population_year) == (
        "Saint-Etienne Métropole",
        173_136,
        2023,
    )
    assert FormerCode.objects.get(code="75101").commune_id == "75056"
    assert set(PostalCode.objects.filter(commune="42218").values_list("code", flat=True)) == {"42000", "42100", "42230"}


def test_an_epci_straddles_departements(reference):
    communes = CommuneVintage.objects.filter(year=2026, epci="200006682")
    assert set(communes.values_list("departement", flat=True)) == {"21", "71"}


def test_epcis_of_2025_that_merged_keep_their_vintage(reference):
    assert set(Epci.objects.annotate(years=Count("vintages")).filter(years=1).values_list("code", flat=True)) == {
        *("241200658", "241200765", "245701222", "245701362"),
        *("992367730", "994579670"),
    }
    assert not EpciVintage.objects.filter(epci="245701362", year=2026).exists()


def test_islands_without_epci(reference):
    without = CommuneVintage.objects.filter(year=2026, epci=None).values_list("commune", flat=True)
    assert set(without) == {"22016", "29083", "29155", "85113"}


def test_shapes_are_stored(reference):
    assert not Departement.objects.filter(outline="").exists()
    assert set(Departement.objects.exclude(inset_outline="").values_list("code", flat=True)) == {"75", "92", "93", "94"}
    assert not EpciVintage.objects.filter(outline="").exists()
    assert not EpciVintage.objects.exclude(bounds__regex=r"^\d+ \d+ \d+ \d+$").exists()


# Loading again ---------------------------------------------------------------------------------------------------


def test_a_second_load_changes_nothing(reference):
    report = load_reference(at=AT)
    assert report.changed == 0
    assert {label: count.read for label, count in report.tables.items()} == {
        "régions": 18,
        "départements": 101,
        "EPCI": 1_257,
        "millésimes d’EPCI": 2_508,
        "communes": 34_875,
        "millésimes de communes": 69_750,
        "codes postaux": 35_359,
        "anciens codes": 4_285,
    }
    assert ReferenceLoad.objects.get().loaded_at == AT


def test_a_load_repairs_what_it_owns_and_leaves_the_rest(reference, ain_and_loire):
    load_reference(at=AT, folder=ain_and_loire)
    invented = factories.commune()
    PostalCode.objects.create(code="98001", commune=invented)
    Commune.objects.filter(code="42218").update(name="Sainté", latitude=None, longitude=None)
    CommuneVintage.objects.filter(commune="42218", year=2026).delete()
    CommuneVintage.objects.filter(commune="42218", year=2025).update(epci=None)
    PostalCode.objects.filter(code="42100").delete()
    PostalCode.objects.create(code="42999", commune_id="42218")
    FormerCode.objects.create(code="42999", commune_id="42218", kind="ancien-code")
    EpciVintage.objects.create(epci_id="244200770", year=2027, name="CC inventée", kind="CC")

    tables = load_reference(at=AT, folder=ain_and_loire).tables

    changed = {label: (row.inserted, row.updated, row.deleted) for label, row in tables.items() if row.changed}
    assert changed == {
        "communes": (0, 1, 0),
        "millésimes de communes": (1, 1, 0),
        "codes postaux": (1, 0, 1),
        "anciens codes": (0, 0, 1),
        "millésimes d’EPCI": (0, 0, 1),
    }
    assert Commune.objects.get(code="42218").name == "Saint-Étienne"
    assert invented.postal_codes.get().code == "98001"
    assert Commune.objects.get(code="75056").name == "Paris"


def test_from_nothing(db, ain_and_loire):
    """On tables that the planner believes empty."""
    report = load_reference(at=AT, folder=ain_and_loire)
    assert all(count.read == count.inserted for count in report.tables.values())
    assert Commune.objects.filter(departement__in=["01", "42"]).count() == report.tables["communes"].read
    assert load_reference(at=AT, folder=ain_and_loire).changed == 0


def test_two_loads_at_once(committed_db, ain_and_loire):
    def load():
        return load_reference(at=AT, folder=ain_and_loire)

    first, second = sorted(at_once(load, load), key=lambda report: report.changed)
    assert first.changed == 0
    assert second.changed == sum(count.read for count in second.tables.values())


def test_a_commune_that_merged_names_its_successor(reference, ain_and_loire):
    # 01003 became a former code of 01165.
    Commune.objects.create(code="01003", name="Amareins", sort_key="amareins", departement_id="01")
    assert load_reference(at=AT, folder=ain_and_loire).communes_ended == 1
    merged = Commune.objects.get(code="01003")
    assert (merged.valid_until, merged.successor_id) == (date(2025, 12, 31), "01165")
    assert load_reference(at=AT, folder=ain_and_loire).communes_ended == 0


def test_a_dry_run_counts_and_writes_nothing(reference, ain_and_loire):
    Commune.objects.filter(code="42218").update(name="Sainté")
    loads = list(ReferenceLoad.objects.values())
    report = load_reference(at=AT, folder=ain_and_loire, dry_run=True)
    assert report.tables["communes"].updated == 1
    assert Commune.objects.get(code="42218").name == "Sainté"
    assert list(ReferenceLoad.objects.values()) == loads


def test_if_needed_reads_nothing_twice(reference, monkeypatch):
    monkeypatch.setattr(places, "read_reference", None)
    assert load_reference(at=AT, if_needed=True).already_loaded
    assert run("--if-needed") == "Référentiel des territoires déjà à jour.\n"


def test_if_needed_loads_other_files_even_older(reference, ain_and_loire):
    first = load_reference(at=AT, folder=ain_and_loire, if_needed=True)
    assert not first.already_loaded
    assert ReferenceLoad.objects.latest("loaded_at").manifest_hash == first.manifest_hash
    assert load_reference(at=AT, folder=ain_and_loire, if_needed=True).already_loaded
    ReferenceLoad.objects.exclude(manifest_hash=first.manifest_hash).update(loaded_at=AT + timedelta(days=1))
    assert not load_reference(at=AT, folder=ain_and_loire, if_needed=True).already_loaded


# Damage ----------------------------------------------------------------------------------------------------------


def test_damage_changes_nothing(reference, ain_and_loire, tmp_path):
    folder = tmp_path / "reference"
    shutil.copytree(ain_and_loire, folder)
    Commune.objects.filter(code="42218").update(name="Sainté")
    (folder / COMMUNES).write_bytes((folder / COMMUNES).read_bytes()[:-1000])
    with pytest.raises(ReferenceDataError, match=r"^communes\.csv\.gz, ligne \d+"):
        load_reference(at=AT, folder=folder)
    assert Commune.objects.get(code="42218").name == "Sainté"


def test_a_failure_half_way_changes_nothing(reference, ain_and_loire, monkeypatch):
    def fail(*_facts, **_options):
        raise RuntimeError("panne")

    Commune.objects.filter(code="42218").update(name="Sainté")
    monkeypatch.setattr(places, "_end_communes", fail)
    with pytest.raises(RuntimeError, match="panne"):
        load_reference(at=AT, folder=ain_and_loire)
    assert Commune.objects.get(code="42218").name == "Sainté"


# Command ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def command_reads(monkeypatch):
    """A function that gives the command another folder."""

    def read(folder):
        monkeypatch.setattr(load_territories, "load_reference", partial(load_reference, folder=folder))

    return read


def test_the_command_fails_on_damage(db, command_reads, tmp_path):
    command_reads(tmp_path)
    with pytest.raises(CommandError, match=r"^SHA256SUMS.: fichier absent ou illisible\. Rien n’a été modifié\.$"):
        run()


def test_the_command_reports(reference, command_reads, ain_and_loire):
    command_reads(ain_and_loire)
    Commune.objects.filter(code="42218").update(name="Sainté")
    lines = run("--dry-run").splitlines()
    assert "communes\u00a0: 711 lignes, 0 ajoutées, 1 modifiées, 0 supprimées" in lines
    assert "communes disparues\u00a0: 0" in lines
    assert "communes sans position\u00a0: 0" in lines
    # The commune, and two départements that are drawn larger for being alone.
    assert lines[-1].startswith("Essai sans écriture\u00a0: 3 lignes changées en ")


def test_the_load_names_the_communes_without_point(reference):
    assert ReferenceLoad.objects.get().report["communes_without_point"] == [
        "Celles (15031)",
        "Chalinargues (15035)",
        "Chavagnac (15047)",
        "Sainte-Anastasie (15171)",
    ]
