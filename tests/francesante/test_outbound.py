"""The way out and its two clients, against real servers."""

import time
from datetime import date

import pytest

from francesante.lib import outbound
from francesante.lib.annuaire import find_establishment
from francesante.lib.geocoding import geocode
from francesante.lib.outbound import LARGEST, OutboundError, ask_json
from tests.services import SIRET, Service, body, establishment, feature, silent, slow, status


def ask(service):
    return ask_json(f"{service.url}/search", {"q": "été & co"}, budget=1)


def test_the_question_arrives_whole_and_the_answer_comes_back(service):
    assert ask(service)["results"] == []
    assert service.asked == [{"q": "été & co"}]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(500), "HTTP 500"),
        (status(503), "HTTP 503"),
        (body(b"<html>maintenance</html>"), "JSONDecodeError"),
        (body(b"\xff\xfe\x00"), "UnicodeDecodeError|JSONDecodeError"),
        (body(b"[" * 200_000), "RecursionError|JSONDecodeError"),
        (body(b'"' + b"x" * 10_000_000 + b'"'), f"more than {LARGEST} bytes"),
        (slow(3), "no answer in 1 s|too slow|TimeoutError"),
        (silent(3), "no answer in 1 s|TimeoutError"),
    ],
    ids=["500", "503", "html", "not text", "deep", "10 MB", "drop by drop", "silent"],
)
def test_a_failure_is_one_exception_in_time_and_the_service_is_then_left_alone(service, fault, said):
    service.fault = fault
    begun = time.monotonic()
    with pytest.raises(OutboundError, match=said):
        ask(service)
    assert time.monotonic() - begun < 1.5
    service.fault, asked = None, len(service.asked)
    with pytest.raises(OutboundError, match="left alone"):
        ask(service)
    assert len(service.asked) == asked


def test_after_its_pause_a_service_is_asked_again(service, monkeypatch):
    monkeypatch.setattr(outbound, "LONGEST_PAUSE", 1)
    service.fault = status(500)
    with pytest.raises(OutboundError):
        ask(service)
    service.fault = None
    time.sleep(1.1)
    assert ask(service)["results"] == []


def test_too_many_questions_wait_for_as_long_as_the_service_says(service):
    service.fault = status(429, Retry_After="7")
    with pytest.raises(OutboundError) as refused:
        ask(service)
    assert refused.value.pause == 7


def test_a_question_refused_is_not_a_failure_of_the_service(service):
    service.fault = status(400)
    with pytest.raises(OutboundError, match="HTTP 400"):
        ask(service)
    service.fault = None
    assert ask(service)["results"] == []


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_no_redirect_is_followed(service, code):
    elsewhere = Service()
    try:
        service.fault = status(code, Location=f"{elsewhere.url}/search?q=x")
        with pytest.raises(OutboundError, match=f"HTTP {code}"):
            ask(service)
        assert elsewhere.asked == []
    finally:
        elsewhere.close()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "https://"])
def test_only_http_leaves(service, address):
    with pytest.raises(OutboundError, match="not an http address"):
        ask_json(address, {})


def test_nobody_there_is_no_answer(service):
    with pytest.raises(OutboundError):
        ask_json("http://127.0.0.1:1/search", {})


# The Annuaire ----------------------------------------------------------------------------------------------------


def test_an_establishment_is_read_and_its_directors_are_not_asked_for(service):
    other = establishment("89012345800022", adresse="9 RUE NEUVE 98002 AUTREVILLE", est_siege=False)
    service.know(establishment(), other)
    found = find_establishment(service.url, SIRET)
    assert (found.name, found.address, found.postal_code, found.commune, found.activity) == (
        "CABINET MEDICAL DU LAVOIR",
        "4 RUE DU LAVOIR",
        "98001",
        "98001",
        "86.21Z",
    )
    assert (found.latitude, found.longitude, found.closed, found.shown) == (46.5021, 2.5034, False, True)
    assert service.asked[0]["include"] == "siege,matching_etablissements"


def test_the_name_of_the_unit_serves_when_the_establishment_has_none(service):
    service.know(establishment(liste_enseignes=None))
    assert find_establishment(service.url, SIRET).name == "SCM DES TROIS RUISSEAUX"


def test_an_address_without_its_postal_code_apart_is_read_from_its_end(service):
    row = establishment(adresse="BATIMENT 12000 4 RUE DU LAVOIR 98001 VALFICTIF SUR ORGE")
    del row["code_postal"]
    service.know(row)
    found = find_establishment(service.url, SIRET)
    assert (found.address, found.postal_code) == ("BATIMENT 12000 4 RUE DU LAVOIR", "98001")


def test_an_unknown_number_is_nothing_even_beside_another(service):
    service.units["89012345800022"] = {"siege": establishment(), "matching_etablissements": []}
    assert find_establishment(service.url, "89012345800022") is None
    assert find_establishment(service.url, SIRET) is None


def test_a_closed_establishment_says_since_when(service):
    service.know(establishment(etat_administratif="F", date_fermeture="2025-06-30"))
    found = find_establishment(service.url, SIRET)
    assert (found.closed, found.closed_on) == (True, date(2025, 6, 30))


@pytest.mark.parametrize(
    ("row", "of_the_unit"),
    [
        ({"statut_diffusion_etablissement": "P"}, {}),
        ({}, {"statut_diffusion": "P"}),
        ({}, {"statut_diffusion": "N"}),
        ({"adresse": "[NON-DIFFUSIBLE]"}, {}),
        ({"liste_enseignes": None}, {"nom_complet": "[NON-DIFFUSIBLE]"}),
    ],
)
def test_of_whoever_asked_not_to_be_shown_nothing_is_read(service, row, of_the_unit):
    service.know(establishment(**row), **of_the_unit)
    found = find_establishment(service.url, SIRET)
    assert not found.shown
    assert (found.name, found.address, found.commune, found.latitude) == ("", "", "", None)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"results": 3}', b"null"])
def test_another_form_of_answer_is_no_answer(service, content):
    service.fault = body(content)
    with pytest.raises(OutboundError, match="another form"):
        find_establishment(service.url, SIRET)


def test_fields_of_another_type_are_as_absent(service):
    service.know(establishment(adresse=12, latitude=None, liste_finess="x", code_postal=None, activite_principale=[]))
    found = find_establishment(service.url, SIRET)
    assert (found.address, found.postal_code, found.activity, found.latitude, found.finess) == ("", "", "", None, ())


# The geocoder ----------------------------------------------------------------------------------------------------


def test_an_address_is_found_with_its_score(service):
    service.features = [feature()]
    found = geocode(service.url, "4  rue du lavoir\nValfictif")
    assert (found.label, found.commune, found.latitude, found.longitude) == (
        "4 Rue du Lavoir 98001 Valfictif",
        "98001",
        46.5021,
        2.5034,
    )
    assert found.is_good
    assert service.asked[0]["q"] == "4 rue du lavoir Valfictif"


def test_no_feature_is_nothing_and_a_low_score_is_not_good(service):
    assert geocode(service.url, "nulle part") is None
    service.features = [feature(score=0.59)]
    assert not geocode(service.url, "4 rue").is_good


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {**feature(), "geometry": None},
        {**feature(), "properties": {}},
        feature(point=(2.5, 460)),
        feature(score=float("nan")),
    ],
)
def test_a_feature_of_another_form_is_no_answer(service, broken):
    service.features = [broken]
    with pytest.raises(OutboundError, match="geocoder"):
        geocode(service.url, "4 rue du lavoir")
