"""Finding a commune: `Commune.objects.search` and its public address."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from territories.models import Commune
from territories.models.search import EXACT, SIMILAR, STARTS, WORDS


def names(text, limit=10):
    return [commune.name for commune in Commune.objects.search(text, limit)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Saint-Étienne", "42218"),
        ("saint etienne", "42218"),
        ("st etienne", "42218"),
        ("ST-ETIENNE", "42218"),
        ("sainte foy les lyon", "69202"),
        ("ste foy les lyon", "69202"),
        ("L’Haÿ", "94038"),
        ("hay les roses", "94038"),
        ("bourg bresse", "01053"),
        ("oeuilly", "51410"),
        ("Montreuil", "93048"),
        ("y", "80829"),
        ("42218", "42218"),
        ("2a004", "2A004"),
        ("2A", "2A004"),
        ("75101", "75056"),
        ("69381", "69123"),
        ("13201", "13055"),
        ("01003", "01165"),
        ("42100", "42218"),
        ("75 001", "75056"),
        ("97400", "97411"),
        ("Saint-Denis", "97411"),
        ("Saint-Denis 93", "93066"),
        ("93200 saint denis", "93066"),
        ("Saint-Denis (93066)", "93066"),
        ("marseille 13008", "13055"),
        ("paris 15", "75056"),
        ("paris 15e", "75056"),
        ("29155", "29155"),
        # Typing mistakes.
        ("ouesant", "29155"),
        ("sant etiene", "42218"),
        ("clermon ferand", "63113"),
        ("monpellier", "34172"),
        ("marsielle", "13055"),
        ("boudreaux", "33063"),
    ],
)
def test_first_answer(reference, text, code):
    assert Commune.objects.search(text)[0].code == code


def test_whole_names_then_starts_then_words_inside(reference):
    found = list(Commune.objects.search("paris", 50))
    assert [row.rank for row in found] == sorted(row.rank for row in found)
    assert {row.rank for row in found} == {EXACT, STARTS, WORDS}
    assert found[0].name == "Paris"
    assert {row.name for row in found if row.rank == WORDS} >= {"Le Touquet-Paris-Plage", "Cormeilles-en-Parisis"}


def test_the_most_populated_comes_first_within_a_rank(reference):
    for text in ("saint etienne", "villeneuve", "42"):
        found = list(Commune.objects.search(text, 50))
        assert found == sorted(found, key=lambda row: (row.rank, -row.population, row.code)), text


def test_resemblance_is_the_last_resort(reference):
    assert {row.rank for row in Commune.objects.search("lyon")} == {EXACT, STARTS, WORDS}
    assert {row.rank for row in Commune.objects.search("monpellier")} == {SIMILAR}
    assert names("xyzzyq") == []


@pytest.mark.parametrize("text", ["", "  ", "–", "'", "%", "_"])
def test_no_text_finds_nothing(reference, text):
    assert names(text) == []


def test_a_limit_is_kept(reference):
    assert len(names("saint")) == 10
    assert len(names("saint", 3)) == 3


def test_a_pasted_page_is_cut(reference):
    assert names("saint etienne " * 1000)[0] == "Saint-Étienne"


def test_former_codes_are_told(reference):
    (paris,) = Commune.objects.search("75101")
    assert (paris.former_code, paris.former_kind) == ("75101", "arrondissement-municipal")
    assert Commune.objects.search("75056")[0].former_code is None
    assert Commune.objects.search("paris")[0].former_code is None


def test_a_postal_code_beats_a_small_former_commune(reference):
    # 20090 is a postal code of Ajaccio, and was the INSEE code of Coggia.
    assert names("20090")[:2] == ["Ajaccio", "Coggia"]


def test_merged_communes_are_not_offered(reference):
    Commune.objects.create(
        code="01003",
        name="Amareins",
        sort_key="amareins",
        departement_id="01",
        successor_id="01165",
        valid_until="2025-12-31",
    )
    assert "Amareins" not in names("amareins")
    assert names("01003") == ["Francheleins"]


def test_html_for_a_visitor(reference, client):
    response = client.get(reverse("commune-search"), {"q": "st etienne"})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Accept" in response.headers["Vary"]
    page = response.content.decode()
    assert page.count('name="commune"') == 10
    assert page.index('value="42218"') < page.index('value="76575"')
    assert "Loire (42), 42000, 42100, 42230" in page
    assert "Il y en a d’autres" in page


def test_html_explains_a_former_code(reference, client):
    page = client.get(reverse("commune-search"), {"q": "75101"}).content.decode()
    assert "75101\u00a0: arrondissement municipal" in page
    assert "Il y en a d’autres" not in page


def test_html_when_nothing_is_found(reference, client):
    page = client.get(reverse("commune-search"), {"q": "<xyzzyq>"}).content.decode()
    assert "Aucune commune ne ressemble à «\u00a0&lt;xyzzyq&gt;\u00a0»." in page
    assert client.get(reverse("commune-search")).content.decode().strip() == ""


def test_json_on_request(reference, client):
    response = client.get(reverse("commune-search"), {"q": "75101"}, headers={"Accept": "application/json"})
    (paris,) = response.json()["communes"]
    assert len(paris.pop("codes_postaux")) == 21
    assert paris == {
        "code": "75056",
        "nom": "Paris",
        "departement": {"code": "75", "nom": "Paris"},
        "ancien_code": {"code": "75101", "nature": "arrondissement municipal"},
    }


def test_only_reading_is_allowed(reference, client):
    assert client.post(reverse("commune-search"), {"q": "paris"}).status_code == 405


@pytest.mark.parametrize(("one", "ten"), [("ouessant", "saint"), ("29242", "42")])
def test_ten_answers_take_as_many_queries_as_one(reference, client, one, ten):
    counts = []
    for text in (one, ten):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("commune-search"), {"q": text})
        counts.append(len(queries))
    assert counts[0] == counts[1]
