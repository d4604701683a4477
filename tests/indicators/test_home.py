"""The public home and the portraits of territories."""

import gzip
import re
from datetime import date

import pytest
from django.urls import reverse

from indicators.services import editions
from indicators.services.network import network_key, network_on
from labelling.models import Quota
from territories.models import CommuneVintage, Departement, Epci, EpciVintage, FormerCode, PostalCode
from tests import factories as make
from tests.indicators.worlds import label

TODAY = date(2026, 11, 22)


# The real map ----------------------------------------------------------------------------------------------------


@pytest.fixture
def france(reference, now):
    """Every class of the map: no target, 0, 1–49, 50–79, 80–99, 100 % and more."""
    codes = {"01": (2, 0), "02": (10, 1), "2A": (2, 1), "13": (5, 4), "75": (1, 1), "971": (1, 2)}
    for code, (target, labels) in codes.items():
        departement = Departement.objects.get(code=code)
        make.quota(departement, floor=1, target=target)
        place = departement.communes.current().filter(latitude__isnull=False).order_by("code").first()
        for _ in range(labels):
            label(departement, place=make.structure(make.register_line(place)))
    return codes


def shapes(html):
    """Return (code, class, title) of each shape of the map."""
    return re.findall(
        r'<a href="/territoires/(\w+)/" tabindex="-1"><path class="fs-a fs-o(\w+)" d="M[^"]+"><title>([^<]+)', html
    )


@pytest.mark.django_db
def test_the_map_has_101_shapes_and_the_figures_of_the_table(client, france):
    html = client.get("/").content.decode()
    found = shapes(html)
    assert len(found) == 101 + 4  # the magnifier repeats Paris and its neighbours
    assert len({code for code, _, _ in found}) == 101
    classes = {code: key for code, key, _ in found}
    assert {code: classes[code] for code in france} == {
        "01": "0", "02": "1", "2A": "2", "13": "3", "75": "4", "971": "4",
    }  # fmt: skip
    assert {classes[code] for code in classes if code not in france} == {"nd"}
    rows = re.findall(
        r'<tr><td>(\w+)</td><th scope="row"><a href="/territoires/\w+/">.*?</a></th><td>.*?</td>'
        r'<td class="fs-number">(\d+)</td><td class="fs-number">(\w+)</td><td class="fs-number">(\w+)</td>',
        html,
    )
    assert len(rows) == 101
    assert [code for code, *_ in rows][18:21] == ["19", "2A", "2B"]
    for code, labels, _floor, target in rows:
        title = next(title for shape, _, title in found if shape == code)
        assert f": {labels} lieu" in title.replace("&nbsp;", " ").replace("\u00a0", " ").replace(" :", ":")
        assert (target == "ND") == ("cible" not in title)
    legend = dict(re.findall(r"fs-o(\w+)\" x=\"1\".*?fs-legend__count\">(\d+)", html))
    assert legend == {"0": "1", "1": "1", "2": "1", "3": "1", "4": "2", "nd": "95"}
    assert "2 départements sur 101 ont atteint leur cible" in html


@pytest.mark.django_db
def test_the_home_page_is_light(client, france):
    content = client.get("/").content
    assert len(gzip.compress(content, 6)) <= 40 * 1024


@pytest.mark.django_db
def test_the_map_is_drawn_once_until_a_figure_changes(client, france, django_assert_max_num_queries):
    client.get("/")
    with django_assert_max_num_queries(7) as queries:
        client.get("/")
    assert not any("outline" in query["sql"] for query in queries.captured_queries)
    Quota.objects.filter(departement="01").update(target=0, floor=0)
    classes = {code: key for code, key, _ in shapes(client.get("/").content.decode())}
    assert classes["01"] == "nd"


@pytest.mark.django_db
def test_real_portraits_answer(client, france):
    for code in ("01", "2A", "971", "75", "region-11", "region-01", "75056", "15031", "200069193"):
        assert client.get(f"/territoires/{code}/").status_code == 200, code
    assert "non calculé" in client.get("/territoires/15031/").content.decode().lower()
    cantal = client.get("/territoires/15/").content.decode()
    assert "Celles" in cantal
    assert "non calculées" in cantal
    assert client.get("/territoires/75101/")["Location"] == "/territoires/75056/"
    ain = client.get("/territoires/01/")
    assert ain.content.decode().count("<path") == len(ain.context["portrait"].epcis)
    guadeloupe = client.get("/territoires/971/").content.decode()
    assert guadeloupe.count("<circle") == 2 + 1  # two places, one in the legend


# A small world ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_home_says_where_the_network_stands(client, now):
    here = make.departement("99", "Valfictie")
    label(here)
    label(here, notified=False)
    html = client.get("/").content.decode()
    assert "Aucune édition trimestrielle" in html
    assert "Urgence vitale\u00a0: appelez le 15 ou le 112." in html.replace("&nbsp;", "\u00a0")
    assert "L’absence du label ne dit rien de la qualité des soins d’un lieu." in html
    edition = editions.compute_edition(quarter="2026T3", at=now).edition
    editions.check_edition(edition=edition, at=now)
    editions.publish_edition(edition=edition, at=now)
    label(here, start=date(2026, 11, 2))
    response = client.get("/")
    assert response.context["published"].value == 1
    assert response.context["network"].labels == 2
    assert "30\u00a0septembre\u00a02026" in response.content.decode()
    assert "22\u00a0novembre\u00a02026" in response.content.decode()
    assert response.content.decode().count('class="fr-btn fr-icon-search-line') == 1


@pytest.mark.django_db
def test_going_to_a_departement_without_a_map(client, now):
    make.departement("99", "Valfictie")
    assert client.get("/?departement=99")["Location"] == "/territoires/99/"


@pytest.mark.django_db
def test_the_key_of_the_map_is_all_it_shows(now):
    here = make.departement("99", "Valfictie")
    one = make.quota(here, floor=1, target=3)
    keys = [network_key(network_on(TODAY))]
    label(here, notified=False)
    assert network_key(network_on(TODAY)) == keys[0]
    label(here)
    keys.append(network_key(network_on(TODAY)))
    Quota.objects.filter(pk=one.pk).update(target=4)
    keys.append(network_key(network_on(TODAY)))
    assert len(set(keys)) == 3


@pytest.fixture
def valfictie(db, now):
    """Valfictie (99): two communes in an EPCI that straddles Essonnie (98), one place labelled."""
    here, other = make.departement("99", "Valfictie"), make.departement("98", "Essonnie")
    epci = Epci.objects.create(code="999000001", name="CC du Pays fictif", kind="CC", sort_key="cc du pays fictif")
    EpciVintage.objects.create(
        epci=epci, year=2026, name=epci.name, kind="CC", outline="M0 0l9 0 0 9z", bounds="0 0 9 9"
    )
    communes = [make.commune("99001", "Saint-Étang", in_=here), make.commune("99002", "Ébauche", in_=here)]
    communes.append(make.commune("98001", "Valfictif", in_=other))
    CommuneVintage.objects.update(epci=epci)
    PostalCode.objects.create(code="99010", commune=communes[0])
    FormerCode.objects.create(code="99003", commune=communes[0], kind="commune déléguée")
    place = label(here, place=make.structure(make.register_line(communes[0])))
    make.quota(here, floor=1, target=2)
    return here, epci, communes, place


def test_the_portrait_of_a_departement(client, valfictie):
    _here, epci, _communes, place = valfictie
    response = client.get("/territoires/99/")
    portrait, html = response.context["portrait"], response.content.decode()
    assert (portrait.figures.labels, portrait.figures.target, portrait.figures.floor) == (1, 2, 1)
    assert (portrait.population, portrait.communes) == (4800, 2)
    assert [(row.vintage.epci, row.communes, row.population, row.labels) for row in portrait.epcis] == [
        (epci, 2, 4800, 1)
    ]
    assert place.structure.name in html
    assert reverse("place", args=[place.number]) in html
    assert "code_departement=99" in html


def test_the_portrait_of_an_epci_names_its_departements(client, valfictie):
    html = client.get("/territoires/999000001/").content.decode()
    assert "Valfictie (99)" in html
    assert "Essonnie (98)" in html
    assert "7\u00a0200" in html


def test_the_portrait_of_a_commune_gives_the_nearest_places(client, valfictie):
    response = client.get("/territoires/98001/")
    (nearest,) = response.context["nearest"]
    assert nearest.label == valfictie[3]
    assert nearest.km == 0


def test_a_code_that_is_no_longer_leads_to_the_commune(client, valfictie):
    assert client.get("/territoires/99003/")["Location"] == "/territoires/99001/"


@pytest.mark.parametrize("code", ["00", "9", "99999", "123456789", "region-00", "ab", "2c", "99001x"])
def test_an_unknown_territory_is_404(client, valfictie, code):
    assert client.get(f"/territoires/{code}/").status_code == 404


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("saint etang", "Saint-Étang"),
        ("EBAUCHE", "Ébauche"),
        ("99010", "Saint-Étang"),
        ("99003", "Saint-Étang"),
        ("valfictie", "Valfictie"),
        ("pays fictif", "CC du Pays fictif"),
    ],
)
def test_territories_are_found_by_name_code_and_postal_code(client, valfictie, text, name):
    html = client.get("/territoires/", {"q": text}).content.decode()
    assert f">{name}" in html.split("Les départements, par région")[0]


def test_nothing_found_says_what_to_try(client, valfictie):
    assert "Aucun territoire" in client.get("/territoires/", {"q": "zzz"}).content.decode()
    assert "Aucun territoire" in client.get("/territoires/", {"q": "--"}).content.decode()


def test_a_place_not_notified_is_on_no_public_page(client, valfictie):
    here, _, communes, _ = valfictie
    hidden = label(here, place=make.structure(make.register_line(communes[1])), notified=False)
    for code in ("99", "999000001", "99002", "98001"):
        assert hidden.structure.name not in client.get(f"/territoires/{code}/").content.decode()
