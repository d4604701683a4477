"""The public places: only labels in force and notified, nearest first, and the page of each label."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelling.choices import ApplicationState as State
from labelling.choices import StructureKind
from labelling.models import Application, Label
from labelling.rules.answers import parse
from labelling.rules.distance import great_circle_km
from labelling.services.labels import open_sites
from territories.choices import AuthorityKind, DecisionKind, Subject
from territories.services.decisions import propose_decision, sign_decision
from tests import factories as make
from tests.labelling.worlds import withdraw

NOW = make.NOW
SATURDAY = {"mon": [["08:30", "12:30"], ["14:00", "18:00"]], "sat": [["09:00", "12:00"]]}
WEEK = {"mon": [["08:30", "12:30"]]}


@pytest.fixture(autouse=True)
def sunday(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def signatories(db):
    return make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)


@pytest.fixture
def label(signatories):
    """A function that makes a label by its real way: a decision signed by both."""

    def made(name="Centre du Lavoir (fictif)", *, point=(46.5, 2.5), hours=WEEK, notified=True, at=NOW, **fields):
        line = make.register_line(name=name, latitude=point[0], longitude=point[1], **fields)
        application = make.application(make.structure(line), state=State.UNDER_REVIEW, answers={"hours": hours})
        decision = propose_decision(
            kind=DecisionKind.LABEL_GRANTED,
            subject_type=Subject.APPLICATION,
            subject_id=application.pk,
            departement=application.departement,
            title="essai",
            content={"title": "essai"},
            mandate=None,
            at=at,
        )
        Application.objects.filter(pk=application.pk).update(state=State.AWAITING_SIGNATURES, decision=decision)
        for mandate in signatories:
            sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)
        row = Label.objects.get(application=application)
        Label.objects.filter(pk=row.pk).update(notified_at=at if notified else None)
        row.refresh_from_db()
        return row

    return made


def shown(response):
    return [row.label.structure.name for row in response.context["rows"]]


# Distances --------------------------------------------------------------------------------------------------------


def test_great_circle():
    paris, marseille, same = (48.8566, 2.3522), (43.2965, 5.3698), (48.8566, 2.3522)
    far, none = great_circle_km(paris, [marseille, same])
    assert far == pytest.approx(660.5, abs=1)
    assert none == 0
    assert great_circle_km(paris, []) == []
    # Across the antimeridian, the short way.
    assert great_circle_km((0, 179.5), [(0, -179.5)])[0] == pytest.approx(111.2, abs=0.1)


# The list ---------------------------------------------------------------------------------------------------------


def test_only_labels_in_force_and_notified(client, label, settings):
    settings.LABEL_YEARS = 1
    label("En cours (fictif)")
    label("Non notifié (fictif)", notified=False)
    label("Terminé (fictif)", at=NOW.replace(year=2025))
    withdrawn = label("Retiré (fictif)")
    withdraw(withdrawn, at=NOW)
    response = client.get("/lieux/")
    assert shown(response) == ["En cours (fictif)"]
    assert "1 lieu labellisé, par commune" in response.content.decode()


def test_nearest_first_as_the_crow_flies(client, label):
    make.commune()
    make.commune("98002", "Ébauche")
    label("Loin (fictif)", point=(46.9, 2.5))
    label("Près (fictif)", point=(46.563, 2.5))
    label("Ici (fictif)")
    response = client.get("/lieux/", {"q": "valfictif"})
    assert shown(response) == ["Ici (fictif)", "Près (fictif)", "Loin (fictif)"]
    assert [row.kilometres for row in response.context["rows"]] == ["sur place", "7\u00a0km", "44\u00a0km"]
    assert "à vol d’oiseau, 7\u00a0km" in response.content.decode()


def test_a_site_without_a_point_stands_at_its_commune(client, label):
    row = label("Sans point (fictif)")
    row.structure.sites.update(latitude=None, longitude=None)
    assert shown(client.get("/lieux/", {"q": "valfictif"})) == ["Sans point (fictif)"]


def test_a_structure_with_two_sites_is_listed_once_by_the_nearest(client, label):
    row = label("Deux sites (fictive)", point=(47.5, 2.5))
    row.structure.sites.create(
        name="Antenne",
        address="1 rue Près",
        postal_code="98001",
        commune=row.structure.commune,
        latitude=46.51,
        longitude=2.5,
    )
    response = client.get("/lieux/", {"q": "valfictif"})
    assert [found.site.name for found in response.context["rows"]] == ["Antenne"]


def test_filters_by_type_and_saturday(client, label):
    label("Maison (fictive)", hours=SATURDAY)
    label("Cabinet (fictif)", kind=StructureKind.CABINET)
    assert shown(client.get("/lieux/", {"type": "cabinet"})) == ["Cabinet (fictif)"]
    assert shown(client.get("/lieux/", {"samedi": "1"})) == ["Maison (fictive)"]
    response = client.get("/lieux/", {"samedi": "1", "type": "cabinet"})
    assert "Aucun lieu labellisé ne répond" in response.content.decode()


def test_several_communes_are_offered_and_one_can_be_chosen(client, label):
    make.commune("98001", "Saint-Exemple")
    other = make.commune("98002", "Saint-Exemple-le-Haut")
    label()
    response = client.get("/lieux/", {"q": "saint exemple"})
    assert response.context["commune"].name == "Saint-Exemple"
    assert "Saint-Exemple-le-Haut" in response.content.decode()
    assert client.get("/lieux/", {"q": "saint exemple", "commune": other.code}).context["commune"] == other


def test_a_commune_that_merged_leads_to_its_successor(client, label):
    new = make.commune("98002", "Nouvelle")
    old = make.commune("98003", "Ancienne")
    type(old).objects.filter(pk=old.pk).update(successor=new, valid_until=date(2026, 1, 1))
    assert client.get("/lieux/", {"commune": "98003"}).context["commune"] == new


def test_empty_pages_teach(client, db):
    assert "Aucun lieu n’est encore publié" in client.get("/lieux/").content.decode()
    assert "Ni commune ni adresse ne ressemble à" in client.get("/lieux/", {"q": "xyzxyz"}).content.decode()
    assert client.get("/lieux/", {"commune": "00000", "type": "x", "page": "-3"}).status_code == 200


def test_the_list_asks_as_much_for_two_as_for_ten(client, label):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/lieux/", {"q": "valfictif"}).status_code == 200
        return len(captured)

    label(), label()
    small = queries()
    for _ in range(8):
        label()
    assert queries() == small <= 12


# The page of a label -------------------------------------------------------------------------------------------------


def test_the_page_of_a_place(client, label):
    row = label(hours=SATURDAY)
    page = client.get(f"/lieux/{row.number}/").content.decode()
    assert "Labellisé France Santé" in page
    assert "8\u00a0h\u00a030\u00a0–\u00a012\u00a0h\u00a030, 14\u00a0h\u00a0–\u00a018\u00a0h" in page
    assert "fermé" in page
    assert "du 22\u00a0novembre\u00a02026 au 21\u00a0novembre\u00a02029 inclus" in page
    assert "version 1.0" in page
    assert row.structure.email not in page


def test_a_label_that_ended_says_so(client, label, settings):
    settings.LABEL_YEARS = 1
    ended = label(at=NOW.replace(year=2025))
    assert "Label terminé le 21\u00a0novembre\u00a02026" in client.get(f"/lieux/{ended.number}/").content.decode()
    withdrawn = label()
    withdraw(withdrawn, at=NOW - timedelta(hours=1))
    assert "Label retiré le 22\u00a0novembre\u00a02026" in client.get(f"/lieux/{withdrawn.number}/").content.decode()


def test_nobody_learns_of_a_label_before_its_notification(client, label):
    row = label(notified=False)
    assert client.get(f"/lieux/{row.number}/").status_code == 404
    assert client.get("/lieux/LFS-00-00000/").status_code == 404


def test_the_other_sites_and_the_rounds_are_read_with_their_rhythm(client, label):
    one = label()
    town = make.commune("98002", "Ébauche", one.departement)
    site = {"name": "Antenne", "address": "", "commune": town.pk, "commune_name": "Ébauche", "hours": WEEK}
    stop = {"place": "marché", "commune": town.pk, "day": "thu", "start": "14:00", "end": "17:00", "weeks": 2}
    answers = parse({"hours": WEEK, "sites": [site], "stops": [stop]})
    for _ in range(2):
        open_sites(structure=one.structure, answers=answers, at=NOW)
    rows = one.structure.sites.filter(is_main=False).order_by("pk")
    assert [(row.name, row.commune_id, row.weeks) for row in rows] == [
        ("Antenne", "98002", 1),
        ("Tournée : marché", "98002", 2),
    ]
    shown = client.get(f"/lieux/{one.number}/").text
    assert "Antenne" in shown
    assert "Passage une semaine sur deux" in shown
    one.structure.sites.exclude(weeks=2).delete()
    assert "Passage une semaine sur deux, le jeudi" in client.get("/lieux/").text
