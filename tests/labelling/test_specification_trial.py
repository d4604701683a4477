"""« Et si la version n s’appliquait ? »: counts, changed files and export, without writing anything."""

import csv

import pytest
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.choices import Finding
from labelling.models import Application
from labelling.services import specifications, whatif
from territories.choices import AuthorityKind
from territories.models import Event
from tests import factories as make

pytestmark = pytest.mark.django_db
CODE = "cinq-jours-sur-sept"
OPEN = [["08:30", "12:30"]]


def answers(days):
    return {"hours": dict.fromkeys("mon tue wed thu fri sat sun".split()[:days], OPEN)}


@pytest.fixture
def team():
    return make.mandate(AuthorityKind.NATIONAL)


@pytest.fixture
def draft(team):
    made = specifications.prepare_version(mandate=team, at=make.NOW)
    made.criteria.filter(code=CODE).update(parameters={"min_days": 6})
    made.criteria.filter(code="permanence-ou-sas").delete()
    return made


def files():
    return Application.objects.exclude(state=State.DRAFT)


def test_findings_before_and_after(draft):
    five = make.application(state=State.SUBMITTED, answers=answers(5))
    six = make.application(state=State.UNDER_REVIEW, answers=answers(6))
    make.application(answers=answers(5))
    before = list(Application.objects.order_by("pk").values()), Event.objects.count()
    outcome = whatif.trial(files(), draft, page=1)
    assert (list(Application.objects.order_by("pk").values()), Event.objects.count()) == before
    assert (outcome.files, outcome.files_changed, outcome.changes) == (2, 2, 3)
    tally = outcome.tallies[CODE]
    assert dict(tally.before) == {Finding.SEEMS_MET: 2}
    assert dict(tally.after) == {Finding.SEEMS_NOT_MET: 1, Finding.SEEMS_MET: 1}
    assert tally.changed == 1
    assert outcome.tallies["permanence-ou-sas"].after[whatif.ABSENT] == 2
    change = next(one for one in outcome.shown if one.code == CODE)
    assert change.file["number"] == five.number
    assert "il en faut 6" in change.sentence
    assert {one.file["number"] for one in outcome.shown if one.code != CODE} == {five.number, six.number}


@pytest.mark.parametrize("many", [2, 8])
def test_the_number_of_queries_is_constant(draft, many, django_assert_num_queries):
    for _ in range(many):
        make.application(state=State.SUBMITTED, answers=answers(5))
    with django_assert_num_queries(3):
        assert whatif.trial(files(), draft, page=1).files == many


def test_only_one_page_of_changes_is_kept(draft, monkeypatch):
    monkeypatch.setattr(whatif, "PAGE", 2)
    for _ in range(3):
        make.application(state=State.SUBMITTED, answers=answers(5))
    pages = [whatif.trial(files(), draft, page=page).shown for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 2, 0]
    seen = [(one.file["number"], one.code) for page in pages for one in page]
    assert len(set(seen)) == 6


def test_the_page_its_filters_and_its_export(client, team, draft):
    here = make.application(state=State.SUBMITTED, answers=answers(5))
    elsewhere = make.departement("97", "Valfictie", region="R2")
    there = make.application(
        make.structure(make.register_line(make.commune("97001", "Ailleurs", in_=elsewhere))),
        state=State.CLOSED,
        answers=answers(5),
    )
    client.force_login(team.user)
    address = reverse("specification-trial", args=[draft.pk])
    page = client.get(address).text
    assert here.number in page
    assert there.number not in page, "closed: not among the files in progress"
    assert there.number in client.get(address, {"state": "tous", "territory": "97"}).text
    only = client.get(address, {"state": "tous", "territory": "rR2"}).text
    assert there.number in only
    assert here.number not in only
    assert "Aucun dossier ne répond" in client.get(address, {"state": "refused"}).text
    export = client.get(address, {"export": "csv"})
    rows = list(csv.reader(b"".join(export.streaming_content).decode("utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0][0] == "Dossier"
    assert len(rows) == 3
    assert {row[0] for row in rows[1:]} == {here.number}
    assert ["semble respecté", "semble non respecté"] in [row[5:7] for row in rows]
