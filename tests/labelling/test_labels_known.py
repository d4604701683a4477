"""Who was labelled on a day, as it was known at an instant."""

import csv
from datetime import UTC, date, datetime, timedelta

import pytest

from labelling.models import Label
from labelling.services.labels import known_in_force
from territories.choices import AuthorityKind
from tests import factories as make
from tests.labelling.test_endings import END, LATER, NOW, World
from tests.labelling.worlds import make_label
from tests.plugins.signed_in import PortalClient

GRANTED = NOW - timedelta(days=60)
FAR = datetime(2028, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def world(db):
    return World()


def known(on, at):
    return [row.pk for row in known_in_force(Label.objects.all(), on=on, known_at=at)]


def test_a_label_is_known_from_its_publication(world):
    day = GRANTED.date()
    assert known(day, GRANTED - timedelta(seconds=1)) == []
    assert known(day, GRANTED) == [world.label.pk]
    assert known(day - timedelta(days=1), FAR) == []


def test_an_abrogation_is_known_from_its_notification_only(world):
    ending = world.sign(world.on_request(effect_date=END))
    told = LATER + timedelta(days=2)
    world.read(ending, at=told)
    before, after = told - timedelta(seconds=1), told
    last, first_without = END - timedelta(days=1), END
    assert [known(day, at) for day in (last, first_without) for at in (before, after)] == [
        [world.label.pk],
        [world.label.pk],
        [world.label.pk],
        [],
    ]
    row = known_in_force(Label.objects.all(), on=last, known_at=before).get()
    assert (row.known_valid.upper, row.valid.upper) == (date(2029, 9, 23), END)


def test_a_withdrawal_erases_the_past_from_the_day_it_is_known(world):
    ending = world.sign(world.propose(world.open("fraude", effect_date=None), effect_date=None))
    world.read(ending, at=LATER)
    day = GRANTED.date() + timedelta(days=10)
    assert known(day, LATER - timedelta(seconds=1)) == [world.label.pk]
    assert known(day, LATER) == []


def test_a_label_abrogated_then_withdrawn_is_known_at_each_step(world):
    first = world.sign(world.on_request(effect_date=END), at=LATER)
    world.read(first, at=LATER)
    again = LATER + timedelta(days=10)
    procedure = world.open(
        "fraude", effect_date=None, version=world.label.version, at=again, deadline=date(2027, 1, 30)
    )
    later = datetime(2027, 2, 1, 9, tzinfo=UTC)
    second = world.sign(world.propose(procedure, effect_date=None, at=later), at=later)
    world.read(second, at=later)
    day = date(2026, 12, 20)
    assert known(day, LATER - timedelta(seconds=1)) == known(day, again) == [world.label.pk]
    assert known(date(2027, 6, 1), LATER - timedelta(seconds=1)) == [world.label.pk]
    assert known(date(2027, 6, 1), again) == []
    assert known(day, later) == []


def test_the_page_and_its_csv(world, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    client = PortalClient()
    client.force_login(world.owner.user)
    assert client.get("/labels/").status_code == 403
    client.force_login(make.mandate(AuthorityKind.NATIONAL).user)
    page = client.get("/labels/", {"on": "2026-12-01", "known": "2026-12-02"})
    assert (
        "1 label en cours le 1er\u00a0décembre\u00a02026, tel qu’on le savait le 2\u00a0décembre\u00a02026" in page.text
    )
    assert world.label.number in page.text
    rows = list(csv.DictReader(client.get(f"/labels/{page.context['csv']}").text.splitlines()))
    assert [(row["code_label"], row["date_debut"], row["premier_jour_sans_label"]) for row in rows] == [
        (world.label.number, "2026-09-23", "2029-09-23")
    ]
    assert "Aucun label" in client.get("/labels/", {"on": "2026-12-01", "known": "2026-09-01"}).text
    assert "Indiquez une date" in client.get("/labels/", {"on": "hier"}).text
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    client.force_login(elsewhere.user)
    assert world.label.number not in client.get("/labels/").text


def test_the_list_asks_as_much_for_two_as_for_six(world, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: LATER)
    client = PortalClient()
    client.force_login(make.mandate(AuthorityKind.NATIONAL).user)
    make_label(at=NOW)
    client.get("/labels/")
    with django_assert_max_num_queries(30) as few:
        client.get("/labels/")
    for _ in range(4):
        make_label(at=NOW)
    with django_assert_max_num_queries(len(few)):
        assert client.get("/labels/").context["page"].paginator.count == 6
