"""Which questions are asked of whom, and what becomes of an answer whose question is no longer asked."""

from types import SimpleNamespace

import pytest
from django.urls import reverse

from labelling.choices import ApplicationState, Rule, StructureKind
from labelling.forms.steps import FORMS
from labelling.models import Application, Specification
from labelling.rules.answers import parse
from labelling.rules.conditions import applicable, exempt
from labelling.rules.steps import BY_SLUG, Status, status_of
from labelling.rules.words import SPARED, answers_in_words
from labelling.services.applications import latest_specification, submit_application
from tests import factories as make
from tests.labelling.test_apply_views import WHOLE, step, text, week
from tests.plugins.signed_in import PortalClient

MSP, MOBILE = StructureKind.MSP, StructureKind.MOBILE
STOP = {
    "place": "marché",
    "commune": "98001",
    "commune_name": "Valfictif",
    "day": "mon",
    "start": "09:00",
    "end": "12:00",
}


def doctor(sector=""):
    return {"profession": "doctor", "sector": sector, "minutes": 5}


def nurse(**said):
    return {"profession": "nurse", "sector": "1", "minutes": 6, **said}


@pytest.mark.parametrize(
    ("kind", "said", "read", "kept"),
    [
        (MSP, {"stops": [STOP], "mobile": False}, lambda a: len(a.stops), 0),
        (MSP, {"stops": [STOP], "mobile": True}, lambda a: len(a.stops), 1),
        (MSP, {"stops": [STOP]}, lambda a: len(a.stops), 1),
        (MOBILE, {"stops": [STOP], "mobile": False}, lambda a: len(a.stops), 1),
        (MSP, {"team": [nurse(on_site=False)]}, lambda a: a.team[0].minutes, 6),
        (MSP, {"team": [nurse(on_site=True)]}, lambda a: a.team[0].minutes, None),
        (MSP, {"team": [{**doctor(), "on_site": False}]}, lambda a: a.team[0].minutes, None),
        (MSP, {"team": [doctor("2")]}, lambda a: a.team[0].sector, "2"),
        (MSP, {"team": [nurse()]}, lambda a: a.team[0].sector, ""),
        (MSP, {"team": [doctor("optam")], "fees": {"details": "Charte."}}, lambda a: a.fees.details, "Charte."),
        (
            MSP,
            {"team": [doctor("1"), doctor("optam")], "fees": {"details": "Charte."}},
            lambda a: a.fees.details,
            "Charte.",
        ),
        (MSP, {"team": [doctor("1")], "fees": {"details": "Charte."}}, lambda a: a.fees.details, ""),
        (MSP, {"team": [nurse(sector="optam")], "fees": {"details": "Charte."}}, lambda a: a.fees.details, ""),
        (MSP, {"fees": {"sector": "optam", "details": "Charte."}}, lambda a: a.fees.details, "Charte."),
        (MSP, {"team": [doctor("1")], "fees": {"sector": "2"}}, lambda a: a.fees.sector, ""),
        (MSP, {"fees": {"sector": "2"}}, lambda a: a.fees.sector, "2"),
        (MSP, {"on_call": {"pdsa": False, "sas": False, "details": "Seul."}}, lambda a: a.on_call.details, "Seul."),
        (MSP, {"on_call": {"pdsa": False, "sas": True, "details": "Seul."}}, lambda a: a.on_call.details, ""),
        (MSP, {"on_call": {"pdsa": False, "details": "Seul."}}, lambda a: a.on_call.details, ""),
        (MSP, {"on_call": {"pdsa": True, "pdsa_sector": "Aval"}}, lambda a: a.on_call.pdsa_sector, "Aval"),
        (MSP, {"on_call": {"pdsa": False, "pdsa_sector": "Aval"}}, lambda a: a.on_call.pdsa_sector, ""),
        (MSP, {"identity": {"exact": False, "correction": "Rue."}}, lambda a: a.identity.correction, "Rue."),
        (MSP, {"identity": {"exact": True, "correction": "Rue."}}, lambda a: a.identity.correction, ""),
    ],
)
def test_what_counts_of_the_answers(kind, said, read, kept):
    assert read(applicable(parse(said), kind)) == kept


@pytest.mark.parametrize(
    ("slug", "kind", "said", "asked"),
    [
        ("horaires", MSP, {}, {"stops": ("mobile=oui", False)}),
        ("horaires", MSP, {"stops": [STOP]}, {"stops": ("mobile=oui", True)}),
        ("horaires", MOBILE, {}, {}),
        (
            "permanence",
            MSP,
            {"on_call": {"pdsa": False, "sas": False}},
            {"pdsa_sector": ("pdsa=oui", False), "details": ("pdsa=non sas=non", True)},
        ),
        (
            "permanence",
            MSP,
            {"on_call": {"pdsa": True}},
            {"pdsa_sector": ("pdsa=oui", True), "details": ("pdsa=non sas=non", False)},
        ),
        ("tarifs", MSP, {"team": [doctor("1"), doctor("optam")]}, {"details": ("sector=optam", True)}),
        ("tarifs", MSP, {"fees": {"sector": "1"}}, {"details": ("sector=optam", False)}),
        ("identite", MSP, {"identity": {"exact": False}}, {"correction": ("exact=non", True)}),
        (
            "equipe",
            MSP,
            {"team": [nurse(on_site=False)]},
            {
                "m0_sector": ("m0_profession=doctor", False),
                "m0_minutes": ("m0_profession=nurse m0_on_site=non", True),
            },
        ),
    ],
)
def test_the_form_asks_the_same(slug, kind, said, asked):
    form = FORMS[slug](None, answers=parse(said), kind=kind)
    assert {name: (one.when, one.now) for name, one in form.asked.items()} == asked


def criterion(rule, *kinds, **parameters):
    return SimpleNamespace(rule=rule, exempt_kinds=list(kinds), parameters=parameters)


def test_what_a_version_spares_a_type():
    criteria = [
        criterion(Rule.ON_CALL, MOBILE),
        criterion(Rule.NURSE, MOBILE),
        criterion(Rule.PERSON, MOBILE),
        criterion(Rule.PERSON),
        criterion(Rule.COMMITMENT, MOBILE, answer="support"),
        criterion(Rule.COMMITMENT, answer="appointment_48h"),
    ]
    spared = exempt(criteria, MOBILE)
    assert spared == {Rule.ON_CALL, Rule.NURSE, "support"}
    assert exempt(criteria, MSP) == frozenset()
    assert exempt(criteria[:-1], MSP) == {"appointment_48h"}, "a commitment that the version no longer has"
    team = [{"profession": "doctor", "half_days": [1]}, {"profession": "nurse", "on_site": False}]
    said = parse({"team": team, "commitments": {"appointment_48h": True}})
    for slug, status in {
        "permanence": Status.DONE,
        "equipe": Status.DONE,
        "engagements": Status.DONE,
        "tarifs": Status.NOT_STARTED,
    }.items():
        assert status_of(BY_SLUG[slug], said, spared) == status, slug
    assert status_of(BY_SLUG["equipe"], said) == Status.TO_FINISH
    assert answers_in_words(BY_SLUG["permanence"], said, spared)[0][1].replace("\u00a0", " ") == SPARED


# A draft --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(db):
    make.specification()
    make.wave()
    return make.application(answers=WHOLE)


@pytest.fixture
def page(draft):
    client = PortalClient()
    client.force_login(make.membership(draft.structure).user)
    return client


def kept(draft):
    draft.refresh_from_db()
    return draft.answers


def test_an_answer_that_is_no_longer_asked_waits_in_the_draft_and_is_not_sent(page, draft):
    neither = {"version": draft.version, "pdsa": "non", "sas": "non", "details": "Un seul médecin."}
    page.post(step(draft, "permanence"), neither)
    assert kept(draft)["on_call"]["details"] == "Un seul médecin."
    assert "Un seul médecin." in text(page.get(step(draft, "relire")))
    page.post(step(draft, "permanence"), {**neither, "version": draft.version, "sas": "oui"})
    assert kept(draft)["on_call"]["details"] == "Un seul médecin."
    assert "Un seul médecin." not in text(page.get(step(draft, "relire")))
    shown = page.get(step(draft, "permanence")).text
    assert '<div data-asked-if="pdsa=non sas=non" hidden>' in shown
    assert "Un seul médecin." in shown
    done = submit_application(
        application=draft,
        membership=draft.structure.memberships.get(),
        specification=latest_specification(),
        consent=True,
        version=draft.version,
        at=make.NOW,
    )
    assert done.state == ApplicationState.SUBMITTED
    assert kept(draft)["on_call"]["details"] == ""


def test_without_a_script_a_question_that_appears_is_asked_before_going_on(page, draft):
    answers = {"version": draft.version, "pdsa": "non", "sas": "non"}
    again = page.post(step(draft, "permanence"), answers, follow=True)
    assert again.redirect_chain == [(step(draft, "permanence"), 302)]
    assert "Une question s’ajoute ci-dessous" in text(again)
    assert '<div data-asked-if="pdsa=non sas=non">' in again.text
    draft.refresh_from_db()
    on = page.post(step(draft, "permanence"), {**answers, "version": draft.version})
    assert on.url == step(draft, "engagements")


def test_a_mistake_is_shown_even_where_nothing_is_asked(page, draft):
    data = {"version": draft.version, "team_count": "1", "m0_profession": "doctor", "m0_minutes": "six"}
    wrong = page.post(step(draft, "equipe"), data)
    assert wrong.status_code == 422
    assert '<div data-asked-if="m0_profession=nurse m0_on_site=non">' in wrong.text


def test_a_medicobus_is_not_asked_whether_it_moves_others_are(page, draft):
    assert 'name="mobile"' in page.get(step(draft, "horaires")).text
    page.post(step(draft, "horaires"), week(version=draft.version, mobile="non"))
    assert kept(draft)["mobile"] is False
    draft.structure.kind = MOBILE
    draft.structure.save(update_fields=["kind"])
    shown = page.get(step(draft, "horaires")).text
    assert 'name="mobile"' not in shown
    assert "data-asked-if" not in shown


@pytest.fixture
def sparing(draft):
    """The draft, on a version of the cahier des charges that spares its type everything."""
    version = Specification.objects.create(version="1.1", title="Socle", legal_source="Lettre")
    for row in draft.specification.criteria.all():
        row.pk, row.specification, row.exempt_kinds = None, version, [draft.structure.kind]
        row.save(force_insert=True)
    Specification.objects.filter(pk=version.pk).update(published_at=make.NOW)
    Application.objects.filter(pk=draft.pk).update(specification=version, answers={})
    draft.refresh_from_db()
    return draft


def test_a_type_that_is_exempt_is_told_so_instead_of_asked(page, sparing):
    shown = page.get(step(sparing, "permanence")).text
    assert "n’en demande rien à votre type de structure" in shown
    assert 'name="pdsa"' not in shown
    assert "Vous en êtes dispensé" in page.get(step(sparing, "engagements")).text
    assert text(page.get(step(sparing, "relire"))).count(SPARED) == 3
    assert page.get(reverse("application", args=[sparing.number])).text.count("fs-task-status--done") == 4
