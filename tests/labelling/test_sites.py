"""Several sites and rounds: told in the file, counted by the machine, and read by the public once labelled."""

import pytest
from django.urls import reverse
from django.utils import timezone

from labelling.choices import Finding, Rule
from labelling.rules.answers import parse
from labelling.rules.criteria import answer_in_words, assess
from labelling.services.applications import start_application
from tests import factories as make
from tests.labelling.test_apply_views import focused

FIVE = {"min_days": 5}
SLOT = [["09:00", "12:00"]]


def week(*days):
    return dict.fromkeys(days, SLOT)


def site(*days):
    return {"name": "Antenne", "address": "", "commune": "99002", "commune_name": "Ébauche", "hours": week(*days)}


def stop(day, weeks=1):
    return {
        "place": "marché",
        "commune": "99003",
        "commune_name": "Essai",
        "day": day,
        "start": "14:00",
        "end": "17:00",
        "weeks": weeks,
    }


# The machine ------------------------------------------------------------------------------------------------------


def test_the_days_of_another_site_are_counted_and_left_to_a_person():
    answers = parse({"hours": week("mon", "tue", "wed"), "sites": [site("thu")], "stops": [stop("fri")]})
    finding, sentence = assess(Rule.OPEN_DAYS, FIVE, answers)
    assert finding == Finding.TO_CHECK
    assert "5\u00a0jours, tous lieux comptés" in sentence
    assert "Le site principal ouvre 3\u00a0jours" in sentence
    assert answer_in_words(Rule.OPEN_DAYS, FIVE, answers) == "5\u00a0jours par semaine, 3\u00a0lieux"


def test_a_main_site_open_five_days_needs_no_other():
    answers = parse({"hours": week("mon", "tue", "wed", "thu", "fri"), "sites": [site("sat")]})
    assert assess(Rule.OPEN_DAYS, FIVE, answers)[0] == Finding.SEEMS_MET


def test_a_medicobus_is_open_where_its_round_stops():
    five = parse({"stops": [stop(day) for day in ("mon", "tue", "wed", "thu", "fri")]})
    four = parse({"stops": [stop(day) for day in ("mon", "tue", "wed", "thu")]})
    assert assess(Rule.OPEN_DAYS, FIVE, five)[0] == Finding.SEEMS_MET
    assert assess(Rule.OPEN_DAYS, FIVE, four)[0] == Finding.SEEMS_NOT_MET


def test_a_round_that_does_not_pass_each_week_is_left_to_a_person():
    finding, sentence = assess(Rule.OPEN_DAYS, FIVE, parse({"stops": [stop("mon", weeks=2)]}))
    assert finding == Finding.TO_CHECK
    assert "ne passent pas chaque semaine" in sentence


# The page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def towns(db):
    place = make.departement("99", "Valfictie")
    return make.commune("99002", "Ébauche", place), make.commune("99003", "Essai", place)


@pytest.fixture
def draft(towns):
    make.specification()
    return start_application(membership=make.membership(), at=timezone.now())


@pytest.fixture
def page(client, draft):
    client.force_login(draft.created_by)
    return client


def address(draft):
    return reverse("application-step", args=[draft.number, "horaires"])


def posted(**fields):
    return {"version": "1", "closures_count": "0", "sites_count": "0", "stops_count": "0", **fields}


def test_a_site_and_a_stop_are_kept_with_the_codes_of_their_communes(page, draft):
    response = page.post(
        address(draft),
        posted(
            sites_count="1",
            site_0_name="Antenne",
            site_0_commune="ebauche",
            site_0_wed_0_start="9h",
            site_0_wed_0_end="12h",
            stops_count="1",
            stop_0_day="thu",
            stop_0_start="14h",
            stop_0_end="17h",
            stop_0_weeks="2",
            stop_0_place="place du Marché",
            stop_0_commune="Essai (99003)",
        ),
    )
    assert response.status_code == 302
    draft.refresh_from_db()
    kept = parse(draft.answers)
    assert [(one.name, one.commune, dict(one.hours)) for one in kept.sites] == [
        ("Antenne", "99002", {"wed": (("09:00", "12:00"),)})
    ]
    assert [(one.commune, one.day, one.weeks) for one in kept.stops] == [("99003", "thu", 2)]
    shown = page.get(address(draft)).text
    assert "Ébauche (99002)" in shown
    review = page.get(reverse("application-step", args=[draft.number, "relire"])).text
    assert "une semaine sur deux" in review


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sites_count": "1", "site_0_name": "Antenne"}, "Indiquez la commune"),
        ({"sites_count": "1", "site_0_name": "Antenne", "site_0_commune": "Zzzz"}, "Aucune commune ne répond"),
        ({"stops_count": "1", "stop_0_place": "marché"}, "Choisissez le jour du passage"),
        ({"stops_count": "1", "stop_0_day": "mon", "stop_0_commune": "Essai"}, "l’heure d’arrivée"),
        ({"stops_count": "1", "stop_0_day": "mon", "stop_0_start": "15h", "stop_0_end": "14h"}, "n’est pas après"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_kept(page, draft, fields, sentence):
    response = page.post(address(draft), posted(**fields))
    assert response.status_code == 422
    assert sentence in response.text
    draft.refresh_from_db()
    assert (draft.version, draft.answers["sites"], draft.answers["stops"]) == (1, [], [])


def test_a_name_that_several_communes_bear_asks_which(page, draft):
    other = make.departement("98", "Essonnie")
    make.commune("98003", "Essai", other)
    response = page.post(address(draft), posted(sites_count="1", site_0_commune="Essai"))
    assert "Plusieurs communes répondent" in response.text
    assert "Essai (98)" in response.text


def test_rows_are_added_and_removed_without_being_kept(page, draft):
    added = page.post(address(draft), posted(act="add-sites")).text
    assert 'name="site_0_commune"' in added
    data = posted(stops_count="2", stop_0_place="place A", stop_1_place="place B", act="remove-stops-0")
    removed = page.post(address(draft), data).text
    assert "place B" in removed
    assert "place A" not in removed
    for kind, first in (("sites", "site_0_name"), ("stops", "stop_0_day"), ("closures", "closure_0_start")):
        assert focused(page.post(address(draft), posted(act=f"add-{kind}")).text) == [first]
    assert focused(removed) == ["Tournées"]
    copied = posted(sites_count="1", site_0_mon_0_start="8h", site_0_mon_0_end="12h", act="copy-site_0_")
    assert page.post(address(draft), copied).text.count('value="8h"') == 5
    draft.refresh_from_db()
    assert draft.version == 1
