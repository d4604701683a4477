"""Where addresses stand: those of sites, located in the background, and the one that a visitor searches from."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone

from francesante.lib.geocoding import geocode
from labelling.choices import PointSource
from labelling.models import Site
from labelling.rules.answers import parse
from labelling.services.claims import structure_of
from labelling.services.labels import open_sites
from labelling.services.points import locate_waiting, looks_like_address
from labelling.tasks import locate_sites
from tests import factories as make
from tests.labelling.test_apply_views import text
from tests.labelling.test_places import label, shown, signatories  # noqa: F401
from tests.services import feature, silent, status

HOURS = {"mon": [["08:30", "12:30"]]}


@pytest.fixture(autouse=True)
def place(db):
    cache.clear()
    return make.commune()


@pytest.fixture
def site(place):
    """The main site of a structure whose register gives an address and no point."""
    line = make.register_line(latitude=None, longitude=None, address="4 rue du Lavoir")
    return structure_of(line, at=timezone.now()).sites.get()


def locate():
    return locate_waiting(at=timezone.now() + timedelta(hours=1))


def point(site):
    site.refresh_from_db()
    return site.latitude, site.longitude, site.point_source


# Sites -----------------------------------------------------------------------------------------------------------


def test_an_address_gives_its_point_once(site, geocoder):
    assert point(site) == (46.5, 2.5, PointSource.COMMUNE)
    geocoder.features = [feature(score=0.93)]
    locate_sites()
    assert point(site) == (46.5021, 2.5034, PointSource.ADDRESS)
    assert (site.point_score, site.locate_at) == (0.93, None)
    assert geocoder.asked[0]["q"] == "4 rue du Lavoir, 98001 Valfictif"
    assert locate() == 0
    assert len(geocoder.asked) == 1


@pytest.mark.parametrize(
    ("features", "score"),
    [
        ([feature(score=0.59)], 0.59),
        ([feature(citycode="98002")], 0.93),
        ([feature(type="municipality")], 0.93),
        ([], None),
    ],
    ids=["unsure", "elsewhere", "a commune only", "nothing"],
)
def test_an_address_that_is_not_sure_leaves_the_commune(site, geocoder, features, score):
    make.commune("98002", "Autreville")
    geocoder.features = features
    assert locate() == 1
    assert point(site) == (46.5, 2.5, PointSource.COMMUNE)
    assert (site.point_score, site.locate_at) == (score, None)


def test_the_point_of_a_register_is_kept(geocoder):
    site = structure_of(make.register_line(latitude=46.51, longitude=2.51), at=timezone.now()).sites.get()
    assert locate() == 0
    assert point(site) == (46.51, 2.51, PointSource.REGISTER)


@pytest.mark.parametrize("fault", [status(500), status(429, Retry_After="5"), silent(4)], ids=["500", "429", "slow"])
def test_a_silent_geocoder_is_asked_later(site, geocoder, fault):
    geocoder.fault = fault
    assert locate() == 0
    assert point(site) == (46.5, 2.5, PointSource.COMMUNE)
    assert site.locate_at > timezone.now() + timedelta(hours=1)
    geocoder.fault, geocoder.features = None, [feature()]
    cache.clear()
    assert locate_waiting(at=site.locate_at) == 1
    assert point(site)[2] == PointSource.ADDRESS


def test_a_question_refused_is_not_asked_again_and_stops_nobody(site, geocoder):
    geocoder.fault = status(400)
    assert locate() == 1
    assert locate() == 0


def test_without_geocoder_nothing_is_asked(site):
    assert locate() == 0
    assert point(site) == (46.5, 2.5, PointSource.COMMUNE)


def test_a_site_that_moved_meanwhile_is_not_put_at_its_former_address(site, geocoder, monkeypatch):
    geocoder.features = [feature()]

    def moves(*arguments):
        Site.objects.filter(pk=site.pk).update(address="9 rue Neuve")
        return geocode(*arguments)

    monkeypatch.setattr("labelling.services.points.geocode", moves)
    assert locate() == 0
    assert point(site) == (46.5, 2.5, PointSource.COMMUNE)
    assert site.locate_at is not None


def test_the_sites_and_stops_of_a_label_are_located(site, geocoder, place):
    other = {"name": "Antenne", "address": "4 rue du Lavoir", "commune": place.pk, "commune_name": "", "hours": HOURS}
    stop = {"place": "place du Marché", "commune": place.pk, "day": "thu", "start": "14:00", "end": "17:00", "weeks": 2}
    open_sites(structure=site.structure, answers=parse({"sites": [other], "stops": [stop]}), at=timezone.now())
    geocoder.features = [feature()]
    assert locate() == 3
    assert {question["q"] for question in geocoder.asked} == {
        "4 rue du Lavoir, 98001 Valfictif",
        "4 rue du Lavoir, Valfictif",
        "place du Marché, Valfictif",
    }
    assert {row.point_source for row in Site.objects.all()} == {PointSource.ADDRESS}


def test_a_point_of_an_address_has_a_good_score(site):
    for wrong in (
        {"point_score": 0.5},
        {"point_score": None},
        {"point_score": 0.9, "latitude": None, "longitude": None},
    ):
        with pytest.raises(IntegrityError, match="site_point_is_good"), transaction.atomic():
            Site.objects.update(point_source=PointSource.ADDRESS, **wrong)
    with pytest.raises(IntegrityError, match="site_point_is_good"), transaction.atomic():
        Site.objects.update(point_source="ailleurs")


# A visitor's search ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["4 rue du lavoir Valfictif", "Rue du Lavoir, 98001 Valfictif", "12bis chemin vert"])
def test_what_is_an_address(typed):
    assert looks_like_address(typed)


@pytest.mark.parametrize("typed", ["Valfictif", "98001", "saint etienne du bois", "", "rue"])
def test_what_is_not(typed):
    assert not looks_like_address(typed)


@pytest.fixture
def near_and_far(label):  # noqa: F811
    # Nearer to the town hall (46.5, 2.5), and nearer to the address that is searched.
    return label("Maison du Bourg (fictive)", point=(46.501, 2.501)), label(
        "Centre du Hameau (fictif)", point=(46.6, 2.6)
    )


def test_places_are_sorted_from_an_address(client, geocoder, near_and_far):
    geocoder.features = [feature("4 Chemin du Hameau 98001 Valfictif", point=(2.6, 46.6))]
    response = client.get("/lieux/", {"q": "4 chemin du hameau valfictif"})
    assert shown(response) == ["Centre du Hameau (fictif)", "Maison du Bourg (fictive)"]
    words = text(response)
    assert "4 Chemin du Hameau 98001 Valfictif" in words
    assert "située par la Base Adresse Nationale" in words
    client.get("/lieux/", {"q": "4 chemin du hameau Valfictif", "type": "msp"})
    assert len(geocoder.asked) == 1


@pytest.mark.parametrize("fault", [status(500), silent(4), None], ids=["500", "slow", "nothing found"])
def test_an_address_that_nobody_locates_leads_to_its_commune(client, geocoder, near_and_far, fault):
    geocoder.fault = fault
    begun = timezone.now()
    for typed in ("4 chemin du hameau, Valfictif", "4 chemin du hameau 98001 Valfictif"):
        response = client.get("/lieux/", {"q": typed})
        assert shown(response) == ["Maison du Bourg (fictive)", "Centre du Hameau (fictif)"]
        assert "Cette adresse n’a pas pu être située. Les lieux sont cherchés depuis le centre de Valfictif" in text(
            response
        )
    assert timezone.now() - begun < timedelta(seconds=5)


def test_a_commune_is_never_asked_of_the_geocoder(client, geocoder, near_and_far):
    for typed in ("Valfictif", "Valfctif", "98001", "98001 Valfictif"):
        client.get("/lieux/", {"q": typed})
    client.get("/lieux/", {"q": "4 chemin du hameau", "commune": "98001"})
    assert geocoder.asked == []


def test_an_address_that_is_a_commune_is_searched_as_one(client, geocoder, near_and_far):
    geocoder.features = [feature("Valfictif", type="municipality")]
    response = client.get("/lieux/", {"q": "place de valfictiff"})
    assert shown(response) == ["Maison du Bourg (fictive)", "Centre du Hameau (fictif)"]
    assert "n’a pas pu être située" not in text(response)


def test_one_visitor_does_not_make_the_portal_ask_without_end(client, geocoder, near_and_far, settings):
    settings.GEOCODING_PER_HOUR = 2
    for number in range(4):
        client.get("/lieux/", {"q": f"{number + 1} chemin du hameau Valfictif"})
    assert len(geocoder.asked) == 2


def test_nothing_at_all_is_said_so(client, geocoder):
    assert "Ni commune ni adresse ne ressemble à" in text(client.get("/lieux/", {"q": "4 rue xyzxyz"}))
