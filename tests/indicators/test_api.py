"""The open data API: catalogue, records, exports; the same rows everywhere, each of them once."""

import csv
import io
import json
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from indicators.services import editions
from indicators.services.datasets import CATALOGUE, INDICATORS, QUOTAS, STRUCTURES
from labelling.choices import StructureKind
from tests import factories as make
from tests.indicators.worlds import label

pytestmark = pytest.mark.django_db
RECORDS = "/api/v1/datasets/structures-labellisees/records/"
EXPORTS = "/api/v1/datasets/structures-labellisees/exports/"


@pytest.fixture
def places(now):
    """Seven labels in two départements: in force, ended, withdrawn, to come; one not notified, which nobody may see."""
    essonnie, valfictie = make.departement(), make.departement("99", "Valfictie")
    found = [label(essonnie, start=date(2026, 3, day)) for day in range(1, 4)]
    found.append(label(valfictie, start=date(2026, 1, 1), end=date(2026, 11, 22)))
    found.append(label(valfictie, start=date(2026, 1, 1), withdrawn_at=now))
    found.append(label(valfictie, start=date(2026, 12, 1), notified=date(2026, 11, 1)))
    found.append(label(essonnie, start=date(2026, 5, 1)))
    label(essonnie, start=date(2026, 6, 1), notified=False)
    return found


def get(client, address, **headers):
    return client.get(address, headers=headers)


def results(client, address):
    response = client.get(address)
    assert response.status_code == 200, response.content.decode()
    return response.json()["results"]


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def read(response):
    """Read a file to its end, which closes it, and return its response."""
    body(response)
    return response


def walk(client, address):
    """Follow « next » to the end; return the pages."""
    pages = []
    while address:
        answer = client.get(address).json()
        pages.append(answer["results"])
        address = answer["next"] and urlsplit(answer["next"])._replace(scheme="", netloc="").geturl()
        assert len(pages) < 100
    return pages


# Description -----------------------------------------------------------------------------------------------------


def test_the_catalogue_lists_what_exists_and_every_link_answers(client, places):
    listed = client.get("/api/v1/datasets/").json()["datasets"]
    assert [one["slug"] for one in listed] == list(CATALOGUE)
    for one in listed:
        for address in (one["url"], one["page"], one["records"], *one["exports"].values()):
            assert read(client.get(address)).status_code == 200, address
    assert client.get("/api/v1/").json()["datasets"].endswith("/api/v1/datasets/")


@pytest.mark.parametrize(("address", "headers"), [("?format=jsonld", {}), ("", {"Accept": "application/ld+json"})])
def test_the_catalogue_in_dcat(client, address, headers):
    response = client.get(f"/api/v1/datasets/{address}", headers=headers)
    assert response["Content-Type"] == "application/ld+json"
    catalogue = response.json()
    assert catalogue["@type"] == "dcat:Catalog"
    assert len(catalogue["dcat:dataset"]) == len(CATALOGUE)
    assert all(one["dcat:distribution"] for one in catalogue["dcat:dataset"])


@pytest.mark.parametrize("dataset", CATALOGUE.values(), ids=CATALOGUE)
def test_a_dataset_describes_every_column_of_its_files(client, places, dataset):
    about = client.get(f"/api/v1/datasets/{dataset.slug}/").json()
    fields = [field["name"] for field in about["schema"]["fields"]]
    header = body(client.get(about["exports"]["csv"])).decode().splitlines()[0]
    assert header == ",".join(fields)
    assert set(about["schema"]["primaryKey"]) <= set(fields)
    assert all(field["description"] and field["type"] for field in about["schema"]["fields"])


def test_the_openapi_description_names_the_datasets_and_the_console_answers(client):
    schema = client.get(reverse("api-schema"), headers={"Accept": "application/json"}).json()
    records = schema["paths"]["/api/v1/datasets/{slug}/records/"]["get"]
    assert next(one for one in records["parameters"] if one["name"] == "slug")["schema"]["enum"] == sorted(CATALOGUE)
    assert "400" in records["responses"]
    console = client.get(reverse("api-docs")).content.decode()
    assert "swagger-ui-bundle.js" in console
    script = client.get(f"{reverse('api-docs')}?script=")
    assert script["Content-Type"].startswith("application/javascript")


# Records ---------------------------------------------------------------------------------------------------------


def test_only_notified_labels_are_published_with_their_status_of_the_day(client, places):
    rows = {row["code_label"]: row for row in results(client, RECORDS)}
    assert set(rows) == {one.number for one in places}
    assert [rows[one.number]["statut"] for one in places] == [
        *["en vigueur"] * 3, "terminé", "retiré", "à venir", "en vigueur",
    ]  # fmt: skip
    ended = rows[places[3].number]
    assert (ended["date_debut"], ended["date_fin"]) == ("2026-01-01", "2026-11-21")
    assert rows[places[0].number]["date_fin"] is None
    assert ended["type"] == "maison de santé"
    assert not {"email", "telephone"} & set(ended)


def test_hours_are_those_of_the_main_site(client, places):
    site = places[0].structure.sites.get(is_main=True)
    site.hours = {"mon": [["08:30", "12:30"], ["13:30", "18:30"]], "tue": []}
    site.save()
    row = results(client, f"{RECORDS}?code_label={places[0].number}")[0]
    assert row["h_lundi"] == "08:30-12:30 / 13:30-18:30"
    assert row["h_mardi"] is None
    assert row["h_dimanche"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("code_departement=99", [3, 4, 5]),
        ("code_departement__in=99,97", [3, 4, 5]),
        ("code_departement__in=99&code_departement__in=98", [0, 1, 2, 3, 4, 5, 6]),
        ("date_debut__gte=2026-03-02", [1, 2, 5, 6]),
        ("date_debut__gte=2026-03-02&date_debut__lte=2026-03-03", [1, 2]),
        ("statut=en vigueur&code_departement=98", [0, 1, 2, 6]),
        ("date_fin__lte=2026-12-31", [3]),
        ("latitude__gte=46.4&code_departement=99", [3, 4, 5]),
        ("latitude__gte=46.6", []),
        ("code_departement=2A", []),
    ],
)
def test_filters(client, places, query, expected):
    found = {row["code_label"] for row in results(client, f"{RECORDS}?{query}")}
    assert found == {places[index].number for index in expected}


def test_select_keeps_its_columns_in_its_order(client, places):
    rows = results(client, f"{RECORDS}?select=date_debut,code_label&page_size=1")
    assert list(rows[0]) == ["date_debut", "code_label"]


@pytest.mark.parametrize(
    "order", ["", "date_fin", "-date_fin", "-date_debut,nom", "statut,-latitude", "finess", "-code_label"]
)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_walking_the_pages_gives_each_row_once_in_the_order_of_the_export(client, places, order, size):
    query = f"order_by={order}" if order else ""
    pages = walk(client, f"{RECORDS}?{query}&page_size={size}")
    assert all(len(page) == size for page in pages[:-1])
    rows = [row for page in pages for row in page]
    assert len(rows) == len(places) == len({row["code_label"] for row in rows})
    exported = json.loads(body(client.get(f"{EXPORTS}json?{query}")))
    assert rows == exported


def test_rows_without_a_value_come_last_both_ways(client, places):
    for order in ("date_fin", "-date_fin"):
        rows = results(client, f"{RECORDS}?order_by={order}")
        assert rows[0]["date_fin"] == "2026-11-21"
        assert rows[-1]["date_fin"] is None


def test_a_cursor_survives_new_rows_without_repeating_any(client, places):
    first = client.get(f"{RECORDS}?page_size=3&order_by=date_debut").json()
    label(make.departement(), start=date(2025, 12, 1))  # sorts before the cursor
    rest = [row for page in walk(client, first["next"].removeprefix("http://testserver")) for row in page]
    assert {row["code_label"] for row in first["results"] + rest} == {one.number for one in places}


def test_the_next_page_is_in_the_body_and_in_the_link_header(client, places):
    response = client.get(f"{RECORDS}?page_size=3&code_departement=98")
    assert response["Link"] == f'<{response.json()["next"]}>; rel="next"'
    assert "code_departement=98" in response.json()["next"]
    assert "Link" not in client.get(RECORDS)


@pytest.mark.parametrize(
    ("address", "parameter", "word"),
    [
        (f"{RECORDS}?departement=99", "departement", "code_departement"),
        (f"{RECORDS}?nom__contient=a", "nom__contient", "gte"),
        (f"{RECORDS}?select=nom,mail", "select", "mail"),
        (f"{RECORDS}?order_by=-prix", "order_by", "prix"),
        (f"{RECORDS}?date_debut__gte=hier", "date_debut__gte", "hier"),
        (f"{RECORDS}?latitude__gte=NaN", "latitude__gte", "NaN"),
        (f"{RECORDS}?nom=a&nom=b", "nom", "nom__in"),
        (f"{RECORDS}?nom=%00", "nom", "caractère"),
        (f"{RECORDS}?page_size=0", "page_size", "1000"),
        (f"{RECORDS}?page_size=1001", "page_size", "1000"),
        (f"{RECORDS}?page_size=dix", "page_size", "1000"),
        (f"{RECORDS}?cursor=n-importe-quoi", "cursor", "curseur"),
        (f"{RECORDS}?cursor=W10", "cursor", "curseur"),
        (f"{RECORDS}?cursor=é", "cursor", "curseur"),
        (f"{EXPORTS}csv?page_size=3", "page_size", "export"),
        (f"{EXPORTS}csv?dialecte=word", "dialecte", "excel"),
        (f"{EXPORTS}json?dialecte=excel", "dialecte", "CSV"),
        (f"{EXPORTS}csv?champ=1", "champ", "n’existe pas"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_reason(client, places, address, parameter, word):
    response = client.get(address)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["parameter"]) == (400, parameter)
    assert word in problem["detail"]


def test_a_cursor_of_another_question_is_refused(client, places):
    cursor = client.get(f"{RECORDS}?page_size=3").json()["next"].split("cursor=")[1]
    assert client.get(f"{RECORDS}?page_size=5&select=nom&cursor={cursor}").status_code == 200
    assert client.get(f"{RECORDS}?order_by=nom&cursor={cursor}").status_code == 400
    assert client.get(f"{RECORDS}?code_departement=98&cursor={cursor}").status_code == 400
    assert client.get(f"/api/v1/datasets/vagues-et-quotas/records/?cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    "address", ["/api/v1/datasets/inconnu/", "/api/v1/datasets/inconnu/records/", f"{EXPORTS}parquet", f"{EXPORTS}doc"]
)
def test_what_does_not_exist_is_404_with_problem_details(client, address):
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


# HTTP ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["/api/v1/datasets/", RECORDS, f"{EXPORTS}csv", f"{EXPORTS}xlsx", f"{EXPORTS}geojson"]
)
def test_conditional_requests(client, places, address):
    response = client.get(address)
    content, etag = body(response), response["ETag"]
    assert etag.startswith('"')
    assert response["Last-Modified"]
    assert response["Access-Control-Allow-Origin"] == "*"
    again = get(client, address, If_None_Match=etag)
    assert (again.status_code, body(again)) == (304, b"")
    assert again["ETag"] == etag
    assert again["Access-Control-Allow-Origin"] == "*"
    assert get(client, address, If_Modified_Since=response["Last-Modified"]).status_code == 304
    other = get(client, address, If_None_Match='"autre"')
    assert (other.status_code, body(other)) == (200, content)
    head = client.head(address)
    assert (head.status_code, body(head), head["ETag"]) == (200, b"", etag)
    assert int(head["Content-Length"]) == len(content)


def test_a_change_changes_the_etag_and_the_date(client, places, monkeypatch, now):
    first = read(client.get(f"{EXPORTS}csv"))
    later = now + timedelta(minutes=5)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert read(client.get(f"{EXPORTS}csv"))["Last-Modified"] == first["Last-Modified"]
    label(make.departement(), start=date(2026, 6, 2))
    changed = read(get(client, f"{EXPORTS}csv", If_Modified_Since=first["Last-Modified"]))
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]
    assert changed["Last-Modified"] > first["Last-Modified"]


def test_no_account_no_cookie_any_origin(client, places):
    response = get(client, RECORDS, Origin="https://ailleurs.example")
    assert response.status_code == 200
    assert not response.cookies
    preflight = client.options(RECORDS, headers={"Origin": "https://ailleurs.example"})
    assert preflight["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert client.post(RECORDS).status_code == 405


def test_any_accept_header_gets_the_file(client, places):
    assert read(get(client, f"{EXPORTS}csv", Accept="text/csv")).status_code == 200
    assert get(client, RECORDS, Accept="text/html").json()


def test_the_number_of_queries_of_a_page_is_constant(client, places, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        client.get(f"{RECORDS}?page_size=3")
    for day in range(1, 6):
        label(make.departement(), start=date(2026, 7, day))
    with django_assert_max_num_queries(2):
        client.get(f"{RECORDS}?page_size=1000")


# Files -----------------------------------------------------------------------------------------------------------


def as_text(row):
    return {name: "" if value is None else str(value) for name, value in row.items()}


@pytest.mark.parametrize("query", ["", "?code_departement=98&order_by=-date_debut", "?select=latitude,nom"])
def test_every_format_holds_the_rows_of_the_records(client, places, query):
    rows = results(client, RECORDS + query)
    assert json.loads(body(client.get(f"{EXPORTS}json{query}"))) == rows
    assert [json.loads(line) for line in body(client.get(f"{EXPORTS}jsonl{query}")).splitlines()] == rows
    text = body(client.get(f"{EXPORTS}csv{query}")).decode()
    assert list(csv.DictReader(io.StringIO(text))) == [as_text(row) for row in rows]
    features = json.loads(body(client.get(f"{EXPORTS}geojson{query}")))["features"]
    assert [feature["properties"] for feature in features] == rows
    sheet = load_workbook(io.BytesIO(body(client.get(f"{EXPORTS}xlsx{query}"))))["Données"]
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    assert lines[0] == list(rows[0])
    assert len(lines) == len(rows) + 1


def test_an_export_without_rows_keeps_its_header(client, now):
    header = ",".join(STRUCTURES.names)
    assert body(client.get(f"{EXPORTS}csv")).decode() == f"{header}\n"
    assert json.loads(body(client.get(f"{EXPORTS}json"))) == []
    assert json.loads(body(client.get(f"{EXPORTS}geojson"))) == {"type": "FeatureCollection", "features": []}
    assert body(client.get(f"{EXPORTS}jsonl")) == b""


def test_csv_is_utf8_comma_iso_dates_and_codes_as_text(client, now):
    ain = make.departement("01", "Ain")
    place = make.structure(
        make.register_line(make.commune("01004", "Ambérieu-en-Bugey", in_=ain), name='Le "Lavoir", =SOMME(1)'),
        address="",
    )
    label(ain, place=place)
    response = client.get(f"{EXPORTS}csv")
    assert response["Content-Disposition"] == 'attachment; filename="structures-labellisees.csv"'
    raw = body(response)
    assert not raw.startswith(b"\xef\xbb\xbf")
    row = next(csv.DictReader(io.StringIO(raw.decode())))
    assert row["nom"] == 'Le "Lavoir", =SOMME(1)'
    assert (row["code_departement"], row["code_commune"], row["libelle_commune"]) == (
        "01",
        "01004",
        "Ambérieu-en-Bugey",
    )
    assert (row["date_debut"], row["adresse"], row["latitude"]) == ("2026-09-01", "", "46.5")
    assert results(client, RECORDS)[0]["adresse"] is None


@pytest.mark.parametrize("name", ["=SOMME(1)", "+33 1", "-2", "@moi", "\tx"])
def test_formulas_are_harmless_in_spreadsheets_only(client, now, name):
    place = make.structure(make.register_line(name=name))
    label(make.departement(), place=place)
    assert results(client, RECORDS)[0]["nom"] == name
    plain = body(client.get(f"{EXPORTS}csv")).decode()
    assert next(csv.DictReader(io.StringIO(plain, newline="")))["nom"] == name
    excel = body(client.get(f"{EXPORTS}csv?dialecte=excel"))
    assert excel.startswith(b"\xef\xbb\xbf")
    row = next(csv.DictReader(io.StringIO(excel.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert row["nom"] == f"'{name}"
    assert row["latitude"] == "46,5"
    sheet = load_workbook(io.BytesIO(body(client.get(f"{EXPORTS}xlsx"))))["Données"]
    assert sheet["B2"].value == f"'{name}"
    assert sheet["B2"].data_type == "s"


def test_geojson_keeps_rows_without_a_point(client, places):
    places[0].structure.sites.update(latitude=None, longitude=None)
    collection = json.loads(body(client.get(f"{EXPORTS}geojson?select=code_label")))
    assert collection["type"] == "FeatureCollection"
    by_code = {feature["properties"]["code_label"]: feature["geometry"] for feature in collection["features"]}
    assert len(by_code) == len(places)
    assert by_code[places[0].number] is None
    assert by_code[places[1].number] == {"type": "Point", "coordinates": [2.5, 46.5]}


def test_xlsx_has_real_dates_and_a_dictionary(client, places):
    book = load_workbook(io.BytesIO(body(client.get(f"{EXPORTS}xlsx"))))
    header = [cell.value for cell in book["Données"][1]]
    start = book["Données"].cell(2, header.index("date_debut") + 1)
    assert start.is_date
    assert [line[0].value for line in book["Dictionnaire"].iter_rows(2, 1 + len(header))] == header


# The other datasets ----------------------------------------------------------------------------------------------


def test_quotas_count_notified_labels_of_the_wave(client, places):
    make.quota(make.departement("99", "Valfictie"), ceiling=20, ceiling_act="arrêté du 1er septembre 2026")
    make.quota(make.departement(), floor=1, target=4)
    rows = results(client, f"/api/v1/datasets/{QUOTAS.slug}/records/")
    assert [(row["code_departement"], row["cible"], row["plafond"], row["labels_notifies"]) for row in rows] == [
        ("98", 4, None, 4),
        ("99", 15, 20, 2),
    ]
    assert (rows[0]["date_debut"], rows[0]["date_fin"]) == ("2026-09-01", "2026-12-31")
    assert "reserved" not in rows[0]


def test_indicators_are_those_of_published_editions(client, places, now):
    address = f"/api/v1/datasets/{INDICATORS.slug}/records/"
    edition = editions.compute_edition(quarter="2026T3", at=now).edition
    assert results(client, address) == []
    editions.check_edition(edition=edition, at=now)
    editions.publish_edition(edition=edition, at=now)
    rows = results(client, f"{address}?page_size=1000")
    assert len(rows) == edition.observations.count()
    found = {(row["indicateur"], row["niveau"], row["code_territoire"]): row for row in rows}
    assert found["labels-en-vigueur", "département", "98"]["valeur"] == 4
    assert found["labels-en-vigueur", "département", "98"]["code_region"] == "R1"
    assert found["labels-en-vigueur", "France", "FR"]["libelle_territoire"] == "France"
    assert found["part-de-la-cible", "France", "FR"]["valeur"] is None
    assert found["part-de-la-cible", "France", "FR"]["statut"] == "ND"
    assert found["candidatures-recues", "région", "R1"]["statut"] == "definitif"
    published = csv.DictReader(io.StringIO(bytes(edition.files.get(name="indicateurs-2026T3-v1.csv").content).decode()))
    same = ("trimestre", "indicateur", "code_territoire", "valeur", "statut", "code_region", "libelle_territoire")
    assert sorted(tuple(row[name] for name in same) for row in published) == sorted(
        tuple(as_text(row)[name] for name in same) for row in rows
    )


def test_the_kinds_of_structures_are_all_in_the_dictionary():
    assert set(STRUCTURES.column("type").values) == {str(label) for label in StructureKind.labels}


# Pages -----------------------------------------------------------------------------------------------------------


def test_the_pages_of_the_catalogue(client, places):
    page = client.get(reverse("datasets")).content.decode()
    assert all(dataset.title in page for dataset in CATALOGUE.values())
    for slug, dataset in CATALOGUE.items():
        content = client.get(reverse("dataset", args=[slug])).content.decode()
        assert all(column.meaning.split("’")[0] in content for column in dataset.columns)
    assert client.get(reverse("dataset", args=["inconnu"])).status_code == 404


def test_filters_of_the_page_go_to_its_preview_and_its_links(client, places):
    response = client.get(f"{reverse('dataset', args=[STRUCTURES.slug])}?code_departement=99")
    assert len(response.context["rows"]) == 3
    assert all("code_departement=99" in url for _, url in response.context["exports"])
    refused = client.get(f"{reverse('dataset', args=[STRUCTURES.slug])}?ville=99")
    assert refused.status_code == 200
    assert "n’existe pas" in refused.content.decode()
