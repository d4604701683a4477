"""The map of a file: labelled places and files around a structure, within what the reader may see."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.models import Application, Site
from labelling.services.surroundings import MAP_KM, nearest_places, surroundings_of
from territories.choices import AuthorityKind
from territories.models import CommuneVintage, Epci, EpciVintage
from tests import factories as make
from tests.labelling.worlds import make_label

TODAY = make.NOW.date()
KM = 1 / 111.2
"""Degrees of latitude in one kilometre."""


def file_at(km, *, here=None, state=State.UNDER_REVIEW):
    here = here or make.departement()
    commune = make.commune(f"{here.code}001", f"Valfictif {here.code}", in_=here)
    structure = make.structure(make.register_line(commune, latitude=46.5 + km * KM, longitude=2.5))
    return make.application(structure, state=state)


def place_at(km):
    return make_label(make.structure(make.register_line(latitude=46.5 + km * KM, longitude=2.5)))


@pytest.fixture
def reader(db):
    return make.mandate(AuthorityKind.ARS).user


def test_what_is_near_is_given_nearest_first(reader):
    application = file_at(0)
    far, near, out = place_at(20), place_at(3), place_at(MAP_KM + 5)
    other = file_at(7)
    found = surroundings_of(application, reader, on=TODAY)
    assert [place.label for place in found.places] == [near, far]
    assert [round(place.km) for place in found.places] == [3, 20]
    assert [file.application for file in found.files] == [other]
    assert out in [place.label for place in nearest_places(46.5, 2.5, on=TODAY)]


def test_every_dot_falls_in_the_window_at_its_distance(reader):
    application = file_at(0)
    place_at(20)
    found = surroundings_of(application, reader, on=TODAY)
    (dot,) = found.place_dots
    assert dot.x in found.window.columns
    assert dot.y in found.window.rows
    assert found.centre.y - dot.y == pytest.approx(200, abs=4)
    assert [ring.radius for ring in found.rings] == [100, 200]


def test_a_file_out_of_scope_a_draft_and_a_closed_one_are_not_shown(reader):
    application = file_at(0)
    file_at(5, here=make.departement("97", "Ailleurs", region="R2"))
    file_at(6, state=State.DRAFT)
    closed = file_at(7)
    Application.objects.filter(pk=closed.pk).update(state=State.CLOSED)
    assert surroundings_of(application, reader, on=TODAY).files == []


def test_an_unpublished_or_ended_label_is_not_shown(reader):
    application = file_at(0)
    hidden = place_at(2)
    type(hidden).objects.filter(pk=hidden.pk).update(notified_at=None)
    assert surroundings_of(application, reader, on=TODAY).places == []
    shown = place_at(4)
    assert surroundings_of(application, reader, on=shown.valid.upper - timedelta(days=1)).places
    assert surroundings_of(application, reader, on=shown.valid.upper).places == []


def test_without_a_position_it_stands_at_the_centre_of_its_commune(reader):
    application = file_at(3)
    Site.objects.update(latitude=None, longitude=None)
    found = surroundings_of(application, reader, on=TODAY)
    assert not found.exact
    assert found.window.view_box
    type(application.structure.commune).objects.update(latitude=None, longitude=None)
    application.structure.commune.refresh_from_db()
    assert surroundings_of(application, reader, on=TODAY) is None


def test_the_epcis_around_are_drawn(reader):
    application = file_at(0)
    epci = Epci.objects.create(code="999000001", name="CC du Pays fictif", kind="CC", sort_key="cc du pays fictif")
    drawn = EpciVintage.objects.create(
        epci=epci, year=2026, name=epci.name, kind="CC", outline="M0 0l9 0 0 9z", bounds="0 0 9 9"
    )
    assert surroundings_of(application, reader, on=TODAY).epcis == []
    CommuneVintage.objects.update(epci=epci)
    assert surroundings_of(application, reader, on=TODAY).epcis == [drawn]


def test_the_number_of_queries_is_constant(reader):
    application = file_at(0)
    place_at(2)
    file_at(3)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            surroundings_of(application, reader, on=TODAY)
        return len(captured)

    few = queries()
    for km in range(4, 9):
        place_at(km)
        file_at(km)
    assert queries() == few


def test_the_page_gives_the_map_and_its_list(client, db):
    mandate = make.mandate(AuthorityKind.ARS)
    application = file_at(0)
    near = place_at(3)
    client.force_login(mandate.user)
    address = reverse("surroundings", args=[application.number])
    assert f'hx-get="{address}"' in client.get(application.get_absolute_url()).text, "it comes after the page"
    page, part = client.get(address).text, client.get(address, headers={"HX-Request": "true"}).text
    for html in (page, part):
        assert 'id="alentours"' in html
        assert f"{near.structure.name}</a>" in html
        assert "3,0&nbsp;km" in html
    assert "<h1" in page
    assert "<h1" not in part
