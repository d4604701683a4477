"""The public places: only labels in force and notified, nearest first, and the page of each label."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelling.choices import ApplicationState as State
from labelling.choices import StructureKind
from labelling.models import Application, Label
from labelling.rules.answers import parse
from labelling.rules.distance import great_circle_km
from labelling.rules.openings import opening
from labelling.services.labels import open_sites
from territories.choices import AuthorityKind, DecisionKind, Subject
from territories.models import Departement
from territories.services.decisions import propose_decision, sign_decision
from tests import factories as make
from tests.labelling.worlds import withdraw

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
SATURDAY = {"mon": [["08:30", "12:30"], ["14:00", "18:00"]], "sat": [["09:00", "12:00"]]}
MONDAY = {"mon": [["08:00", "12:00"], ["13:30", "19:00"]]}
WEEK = {"mon": [["08:30", "12:30"]]}


@pytest.fixture
def signatories(db):
    return make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)


@pytest.fixture
def label(signatories):
    """A function that makes a label by its real way: a decision signed by both."""

    def made(
        name="Centre du Lavoir (fictif)",
        *,
        point=(46.5, 2.5),
        hours=WEEK,
        notified=True,
        at=NOW,
        fees=None,
        closures=(),
        **fields,
    ):
        line = make.register_line(name=name, latitude=point[0], longitude=point[1], **fields)
        answers = {"hours": hours, "fees": fees or {}, "closures": list(closures)}
        application = make.application(make.structure(line), state=State.UNDER_REVIEW, answers=answers)
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


def test_a_search_lists_what_is_within_100_km_else_one_page_of_the_nearest(client, label, monkeypatch):
    make.commune()
    monkeypatch.setattr("labelling.views.places.PAGE", 2)
    for name, latitude in [("D", 51.0), ("C", 50.0), ("B", 49.0)]:
        label(f"{name} (fictif)", point=(latitude, 2.5))
    far = client.get("/lieux/", {"q": "valfictif"})
    assert shown(far) == ["B (fictif)", "C (fictif)"]
    assert far.context["page"].paginator.num_pages == 1
    assert "Aucun n’est à moins de 100\u00a0km." in far.text.replace("&nbsp;", "\u00a0")
    label("Près (fictif)", point=(46.6, 2.5))
    near = client.get("/lieux/", {"q": "valfictif"})
    assert shown(near) == ["Près (fictif)"]
    assert "1 lieu labellisé, à moins de 100\u00a0km de Valfictif" in near.text.replace("&nbsp;", "\u00a0")


def test_the_map_shows_the_places_of_the_page_with_their_rank(client, label):
    make.commune()
    label("Loin (fictif)", point=(46.9, 2.5))
    label("Près (fictif)", point=(46.563, 2.5))
    label("Ici (fictif)")
    label("Outre-mer (fictif)", point=(-21.1, 55.5))
    drawn = client.get("/lieux/", {"q": "valfictif"}).context["map"]
    centre = (drawn.centre.x, drawn.centre.y)
    assert [rank for rank, _ in drawn.dots] == [1, 2], "one is beyond the map"
    assert [(dot.x, dot.y) == centre for _, dot in drawn.dots] == [True, False]
    assert client.get("/lieux/").context["map"] is None


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
    assert shown(client.get("/lieux/", {"ouvert": "samedi"})) == ["Maison (fictive)"]
    response = client.get("/lieux/", {"ouvert": "samedi", "type": "cabinet"})
    assert "Aucun lieu labellisé ne répond" in response.content.decode()


@pytest.mark.parametrize(
    ("moment", "now", "today"),
    [
        # Monday: the morning in Métropole, the lunch break in La Réunion, the night before opening in Martinique.
        ("2026-11-23T10:00+01:00", {"Métropole"}, {"Métropole", "La Réunion", "Martinique"}),
        ("2026-11-23T13:15+01:00", {"La Réunion", "Martinique"}, {"Métropole", "La Réunion", "Martinique"}),
        # Monday evening, already Tuesday in La Réunion.
        ("2026-11-23T22:00+01:00", {"Martinique"}, {"Métropole", "Martinique"}),
        # Tuesday morning, still Monday evening in Martinique: nobody receives now.
        ("2026-11-24T03:00+01:00", set(), {"Martinique"}),
    ],
)
def test_open_now_and_today_are_those_of_each_place(client, label, monkeypatch, moment, now, today):
    zones = {"974": ("La Réunion", "Indian/Reunion"), "972": ("Martinique", "America/Martinique")}
    label("Métropole", hours=MONDAY)
    for code, (name, zone) in zones.items():
        there = make.commune(f"{code}01", name, make.departement(code, name))
        Departement.objects.filter(pk=code).update(timezone=zone)
        label(name, hours=MONDAY).structure.sites.update(commune=there)
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat(moment))
    assert set(shown(client.get("/lieux/", {"ouvert": "maintenant"}))) == now
    assert set(shown(client.get("/lieux/", {"ouvert": "aujourdhui"}))) == today


def test_a_place_that_announced_a_closure_is_not_open(client, label, monkeypatch):
    closed, replaced = "2026-11-20", "2026-11-23"
    row = label(hours=MONDAY, closures=[{"start": closed, "end": replaced, "replaced": True}])
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat("2026-11-23T10:00+01:00"))
    assert shown(client.get("/lieux/", {"ouvert": "aujourdhui"})) == []
    assert "Fermé jusqu’au 23\u00a0novembre\u00a02026 inclus" in client.get("/lieux/").text
    assert "un remplaçant est désigné" in client.get(f"/lieux/{row.number}/").text
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromisoformat("2026-11-30T10:00+01:00"))
    assert shown(client.get("/lieux/", {"ouvert": "maintenant"})) == [row.structure.name]
    assert "Fermetures annoncées" not in client.get(f"/lieux/{row.number}/").text


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-23T08:29", "fermé à cette heure, aujourd’hui 8 h 30 – 12 h 30, 14 h – 18 h"),
        ("2026-11-23T08:30", "ouvert jusqu’à 12 h 30, puis 14 h – 18 h"),
        ("2026-11-23T12:30", "fermé à cette heure, aujourd’hui 14 h – 18 h"),
        ("2026-11-23T17:59", "ouvert jusqu’à 18 h"),
        ("2026-11-23T18:00", "fermé à cette heure, ouvre samedi à 9 h"),
        ("2026-11-27T10:00", "fermé aujourd’hui, ouvre demain à 9 h"),
    ],
)
def test_what_is_said_of_a_week(moment, words):
    hours = parse({"hours": SATURDAY}).hours
    assert opening(hours, datetime.fromisoformat(moment)).words.replace("\u00a0", " ") == words
    rounds = opening(hours, datetime.fromisoformat(moment), weeks=2)
    assert not rounds.now
    assert not rounds.today


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


def test_the_page_of_a_place_says_what_it_costs_how_old_that_is_and_whom_to_tell(client, label, monkeypatch):
    row = label(fees={"overrun": False, "sector": "1", "third_party": True})
    address = f"/lieux/{row.number}/"
    page = client.get(address).text
    assert "Consultations sans dépassement d’honoraires (médecins en secteur 1)." in page
    assert "Tiers payant pratiqué." in page
    assert "déclarés par la structure le 12\u00a0novembre\u00a02026" in page
    assert (
        f"mailto:service@exemple.invalid?subject=Erreur%20signal%C3%A9e%20sur%20un%20lieu%20France%20Sant%C3%A9%2C%20label%20{row.number}"
        in page
    )
    assert "téléphonez avant de venir" not in page
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=400))
    assert "devait confirmer ces informations avant le 22\u00a0novembre\u00a02027" in client.get(address).text
    silent = label("Sans tarif (fictif)")
    assert "Tarifs non renseignés" in client.get(f"/lieux/{silent.number}/").text
    dear = label("Avec dépassements (fictif)", fees={"overrun": True, "third_party": False})
    assert "Des dépassements d’honoraires sont possibles" in client.get(f"/lieux/{dear.number}/").text


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
