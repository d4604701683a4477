"""The national team edits a draft, publishes it, and the public compares two versions."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import CriterionKind, Finding, Rule
from labelling.models import Criterion, Specification
from labelling.rules.answers import parse
from labelling.rules.criteria import assess
from labelling.rules.parameters import defaults, in_words, problems_of
from labelling.rules.textdiff import text_diff
from labelling.services import specifications as service
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from territories.services.events import broken_link
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
CRITERION = {
    "kind": CriterionKind.CRITERION,
    "code": "accueil",
    "title": "Accueil",
    "text": "Une personne accueille le public.",
    "help_text": "",
    "evidence_asked": "",
    "exempt_kinds": [],
    "legal_source": "essai",
    "rule": Rule.PERSON,
    "parameters": {},
}


@pytest.fixture
def team():
    return make.mandate(AuthorityKind.NATIONAL)


@pytest.fixture
def draft(team):
    return service.prepare_version(mandate=team, at=NOW)


def by(team, draft, revision=None):
    return {"specification": draft, "mandate": team, "revision": revision or draft.revision, "at": NOW}


def general(draft, **changes):
    names = "version title preamble legal_source applies_from applies_to_pending transitional_clause".split()
    return {name: getattr(draft, name) for name in names} | changes


def rows(specification):
    left_out = {"id", "specification_id"}
    return [
        {key: value for key, value in row.items() if key not in left_out}
        for row in Criterion.objects.filter(specification=specification).order_by("position").values()
    ]


def actions(draft):
    return list(Event.objects.about(Subject.SPECIFICATION, draft.pk).values_list("action", flat=True))


def test_a_draft_is_a_copy_of_the_last_version(draft):
    assert (draft.version, draft.published_at) == ("1.1", None)
    assert rows(draft) == rows(make.specification())
    assert actions(draft) == ["prepare"]


def test_one_draft_at_a_time(team, draft):
    with pytest.raises(RefusedError, match="déjà ouvert"):
        service.prepare_version(mandate=team, at=NOW)
    assert Specification.objects.count() == 2
    with pytest.raises(IntegrityError, match="specification_one_draft"), transaction.atomic():
        Specification.objects.create(version="1.2", title="essai", legal_source="essai")


def test_only_the_national_team_writes(draft):
    for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE):
        other = make.mandate(kind)
        for act in (
            lambda other=other: service.prepare_version(mandate=other, at=NOW),
            lambda other=other: service.save_draft(fields=general(draft), **by(other, draft)),
            lambda other=other: service.save_criterion(code="", fields=CRITERION, **by(other, draft)),
            lambda other=other: service.publish_version(**by(other, draft)),
            lambda other=other: service.discard_version(**by(other, draft)),
        ):
            with pytest.raises(RefusedError, match="équipe nationale"):
                act()
    draft.refresh_from_db()
    assert (draft.revision, actions(draft)) == (1, ["prepare"])


def test_criteria_are_added_changed_moved_and_removed(team, draft):
    service.save_criterion(code="", fields=CRITERION, **by(team, draft))
    draft.refresh_from_db()
    assert [row.code for row in service.criteria_of(draft)][-1] == "accueil"
    draft = service.move_criterion(code="accueil", step=-1, **by(team, draft))
    assert [row.code for row in service.criteria_of(draft)][-2:] == ["accueil", "accompagnement"]
    service.save_criterion(code="accueil", fields={**CRITERION, "title": "Accueil du public"}, **by(team, draft))
    draft.refresh_from_db()
    draft = service.remove_criterion(code="presence-medicale", **by(team, draft))
    found = service.criteria_of(draft)
    assert [row.position for row in found] == list(range(1, 8))
    assert "Accueil du public" in [row.title for row in found]
    assert service.move_criterion(code=found[0].code, step=-1, **by(team, draft)) == draft, "the first stays first"
    assert actions(draft) == ["prepare", "edit", "edit", "edit", "edit"]
    assert broken_link(Subject.SPECIFICATION, draft.pk) is None
    assert rows(make.specification())[0]["code"] == "presence-medicale", "the published version did not move"


def test_the_second_of_two_editors_loses_nothing_silently(team, draft):
    service.save_draft(fields=general(draft, title="Premier"), **by(team, draft))
    for act in (
        lambda: service.save_draft(fields=general(draft, title="Second"), **by(team, draft, revision=1)),
        lambda: service.save_criterion(code="", fields=CRITERION, **by(team, draft, revision=1)),
        lambda: service.publish_version(**by(team, draft, revision=1)),
        lambda: service.discard_version(**by(team, draft, revision=1)),
    ):
        with pytest.raises(StaleError):
            act()
    draft.refresh_from_db()
    assert (draft.title, draft.revision, draft.published_at) == ("Premier", 2, None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"code": "presence-medicale"}, "déjà celui d’un autre"),
        ({"rule": Rule.OPEN_DAYS, "parameters": {"min_days": 9}}, "de 1 à 7"),
        ({"rule": Rule.OPEN_DAYS, "parameters": {"min_days": True}}, "de 1 à 7"),
        ({"rule": Rule.OPEN_DAYS, "parameters": {}}, "de 1 à 7"),
        ({"rule": Rule.ON_CALL, "parameters": {"ways": []}}, "façon de satisfaire"),
        ({"rule": Rule.ON_CALL, "parameters": {"ways": ["magie"]}}, "façon de satisfaire"),
        ({"rule": Rule.PERSON, "parameters": {"ways": ["sas"]}}, "façon de satisfaire"),
        ({"rule": Rule.PERSON, "parameters": {"autre": 1}}, "inconnus"),
        ({"rule": Rule.COMMITMENT, "parameters": {"answer": "support"}}, "un engagement a la règle"),
    ],
)
def test_a_rule_refuses_parameters_that_it_cannot_read(team, draft, changes, sentence):
    with pytest.raises(RefusedError, match=sentence):
        service.save_criterion(code="", fields={**CRITERION, **changes}, **by(team, draft))
    draft.refresh_from_db()
    assert (draft.revision, draft.criteria.count()) == (1, 7)


def test_the_shipped_rules_have_valid_parameters():
    for row in make.specification().criteria.all():
        assert problems_of(row.rule, row.parameters, kind=row.kind) == []
    for rule in Rule:
        kind = CriterionKind.COMMITMENT if rule == Rule.COMMITMENT else CriterionKind.CRITERION
        assert problems_of(rule, defaults(rule), kind=kind) == []
        assert all(sentence.strip() for sentence in in_words(rule, defaults(rule)))


NEARBY = {"team": [{"profession": "nurse", "on_site": False, "minutes": 6}]}
OPTAM = {"fees": {"overrun": False, "sector": "optam"}}
ONLY_SAS = {"on_call": {"pdsa": False, "sas": True}}


@pytest.mark.parametrize(
    ("rule", "parameters", "answers", "finding", "part"),
    [
        (Rule.NURSE, {"max_minutes": 15}, NEARBY, Finding.SEEMS_MET, "à proximité"),
        (Rule.NURSE, {"max_minutes": 15, "ways": ["on_site"]}, NEARBY, Finding.SEEMS_NOT_MET, "ne suffit pas"),
        (Rule.NO_OVERRUN, {}, OPTAM, Finding.TO_CHECK, "appréciation motivée"),
        (Rule.NO_OVERRUN, {"ways": ["sector_1"]}, OPTAM, Finding.SEEMS_NOT_MET, "l’OPTAM ne suffit pas"),
        (Rule.ON_CALL, {}, ONLY_SAS, Finding.SEEMS_MET, "L’une des deux"),
        (Rule.ON_CALL, {"ways": ["sas"]}, ONLY_SAS, Finding.SEEMS_MET, "Vous participez au SAS."),
        (Rule.ON_CALL, {"ways": ["pdsa"]}, ONLY_SAS, Finding.SEEMS_NOT_MET, "il faut participer à la PDSA"),
        (
            Rule.ON_CALL,
            {"ways": ["pdsa"]},
            {"on_call": {"pdsa": False, "sas": False}},
            Finding.SEEMS_NOT_MET,
            "il faut participer à la PDSA",
        ),
        (Rule.PERSON, {}, {}, Finding.TO_CHECK, "un agent"),
    ],
)
def test_a_rule_admits_the_ways_of_its_version(rule, parameters, answers, finding, part):
    found, sentence = assess(rule, parameters, parse(answers))
    assert (found, part in sentence) == (finding, True), sentence


def test_the_database_wants_the_text_of_the_clause(draft):
    draft.applies_to_pending = True
    with pytest.raises(IntegrityError, match="specification_clause_has_text"), transaction.atomic():
        draft.save()


# Publication -----------------------------------------------------------------------------------------------------


def test_publication_is_refused_until_every_check_holds(team, draft):
    with pytest.raises(RefusedError, match="rien n’a changé"):
        service.publish_version(**by(team, draft))
    draft.criteria.filter(code="presence-medicale").update(text="", parameters={"min_half_days": 0})
    Specification.objects.filter(pk=draft.pk).update(applies_from=make.date(2026, 11, 1))
    draft.refresh_from_db()
    with pytest.raises(RefusedError) as refused:
        service.publish_version(**by(team, draft))
    for part in ("il en manque à : Présence médicale", "de 1 à 70", "le 01/11/2026 est passé"):
        assert part.replace(" :", "\u00a0:") in str(refused.value)
    draft.refresh_from_db()
    assert draft.published_at is None
    assert "publish" not in actions(draft)


def test_a_published_version_is_frozen_in_all_its_columns(team, draft):
    draft = service.save_draft(fields=general(draft, title="Suite"), **by(team, draft))
    published = service.publish_version(**by(team, draft))
    assert published.published_at == NOW
    assert actions(draft)[-1] == "publish"
    for field, value in (
        ("applies_from", make.date(2027, 1, 1)),
        ("applies_to_pending", True),
        ("transitional_clause", "autre"),
        ("revision", 9),
    ):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            Specification.objects.filter(pk=published.pk).update(**{field: value})
    for act in (
        lambda: service.save_criterion(code="", fields=CRITERION, **by(team, published)),
        lambda: service.discard_version(**by(team, published)),
        lambda: service.publish_version(**by(team, published)),
    ):
        with pytest.raises(RefusedError, match="ne change plus"):
            act()


def test_a_version_to_come_is_not_in_force_yet(client, team, draft):
    tomorrow = timezone.localdate() + timedelta(days=1)
    draft = service.save_draft(fields=general(draft, applies_from=tomorrow), **by(team, draft))
    service.save_criterion(code="", fields=CRITERION, **by(team, draft))
    draft.refresh_from_db()
    service.publish_version(**by(team, draft))
    assert service.in_force(timezone.localdate()).version == "1.0"
    assert service.in_force(tomorrow).version == "1.1"
    assert "C’est la version en vigueur" in client.get(reverse("specification")).text
    page = client.get(reverse("specification-version", args=["1.1"])).text
    assert "Elle s’appliquera à partir du" in page
    assert "Accueil" in page


# Differences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cinq jours par semaine", "quatre jours par semaine"),
        ("", "Un texte neuf."),
        ("L’infirmier exerce sur place, ou non.", "L’infirmier exerce sur place ou à proximité."),
        ("a\nb", "a\n\nb c"),
    ],
)
def test_segments_give_both_texts_back(before, after):
    segments = text_diff(before, after)
    assert "".join(one.text for one in segments if one.kind != "added") == before
    assert "".join(one.text for one in segments if one.kind != "removed") == after
    assert all(one.text for one in segments)


def test_only_the_words_that_change_are_marked():
    segments = text_diff("ouverte au moins cinq jours par semaine", "ouverte au moins quatre jours par semaine")
    assert [(one.kind, one.text) for one in segments if one.kind != "same"] == [
        ("removed", "cinq"),
        ("added", "quatre"),
    ]


def test_the_public_compares_two_versions(client, team, draft):
    row = draft.criteria.get(code="cinq-jours-sur-sept")
    row.text, row.parameters = row.text.replace("cinq", "quatre"), {"min_days": 4}
    row.save()
    draft.criteria.get(code="accompagnement").delete()
    service.save_criterion(code="", fields=CRITERION, **by(team, draft))
    draft.refresh_from_db()
    assert client.get("/cahier-des-charges/1.0...1.1/").status_code == 404, "a draft is not public"
    service.publish_version(**by(team, draft))
    page = client.get("/cahier-des-charges/1.0...1.1/").text
    assert re.search(r"<del[^>]*><span class=\"fr-sr-only\">\[retiré&nbsp;: </span>cinq<", page)
    assert re.search(r"<ins[^>]*><span class=\"fr-sr-only\">\[ajouté&nbsp;: </span>quatre<", page)
    assert "critère ajouté" in page
    assert "engagement retiré" in page
    assert "5 critères ou engagements sans changement" in page
    assert "Les deux versions disent la même chose" in client.get("/cahier-des-charges/1.0...1.0/").text
    assert "/cahier-des-charges/1.0...1.1/" in client.get("/cahier-des-charges/").text
    third = service.prepare_version(mandate=team, at=NOW + timedelta(minutes=1))
    service.save_criterion(code="", fields={**CRITERION, "code": "autre"}, **by(team, third))
    service.publish_version(**(by(team, third, revision=2) | {"at": NOW + timedelta(minutes=2)}))
    assert "/cahier-des-charges/1.0...1.2/" in client.get("/cahier-des-charges/1.1...1.2/").text


# Pages -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def signed_in(client, team):
    client.force_login(team.user)
    return client


def post(client, team, name, draft, *args, **data):
    hidden = {"mandate": team.pk, "revision": draft.revision}
    return client.post(reverse(name, args=[draft.pk, *args]), {**hidden, **data})


def test_the_whole_way_through_the_pages(signed_in, team):
    opened = signed_in.post(reverse("specifications"), {"mandate": team.pk})
    draft = service.draft()
    assert opened.url == reverse("specification-edit", args=[draft.pk])
    assert signed_in.get(opened.url).status_code == 200

    asked = {**CRITERION, "rule": Rule.NURSE, "code": "infirmier-bis", "shown_rule": Rule.PERSON}
    del asked["parameters"]
    chosen = post(signed_in, team, "criterion-edit", draft, "nouveau", **asked)
    assert chosen.status_code == 200
    assert "Temps de trajet" in chosen.text
    assert draft.criteria.count() == 7, "nothing is kept before the parameters are read"

    asked |= {"shown_rule": Rule.NURSE, "p_max_minutes": 20, "p_ways": ["on_site"]}
    saved = post(signed_in, team, "criterion-edit", draft, "nouveau", **asked)
    assert saved.status_code == 302
    assert draft.criteria.get(code="infirmier-bis").parameters == {"max_minutes": 20, "ways": ["on_site"]}
    draft.refresh_from_db()

    post(signed_in, team, "specification-edit", draft, action="up:infirmier-bis")
    draft.refresh_from_db()
    post(signed_in, team, "specification-edit", draft, action="remove:infirmier-bis")
    draft.refresh_from_db()
    clause = {"applies_to_pending": "on", "transitional_clause": "Les dossiers en cours suivent.\r\nTous."}
    texts = {"version": "2.0", "title": "Suite", "preamble": "", "legal_source": "essai", "applies_from": ""}
    assert post(signed_in, team, "specification-edit", draft, action="save", **texts, **clause).status_code == 302
    draft.refresh_from_db()
    assert (draft.version, draft.transitional_clause) == ("2.0", "Les dossiers en cours suivent.\nTous.")

    assert "Publier la version 2.0" in signed_in.get(reverse("specification-publish", args=[draft.pk])).text
    assert post(signed_in, team, "specification-publish", draft).status_code == 302
    assert Specification.objects.get(version="2.0").published_at is not None
    assert signed_in.get(reverse("specification-edit", args=[draft.pk])).url == reverse(
        "specification-version", args=["2.0"]
    )
    assert "Ce qui change depuis 1.0" in signed_in.get(reverse("specifications")).text


def test_an_unchanged_criterion_stays_the_same_through_its_form(signed_in, team, draft):
    """Opening and saving each criterion writes what was there: no difference is born of the form."""
    for row in service.criteria_of(draft):
        page = signed_in.get(reverse("criterion-edit", args=[draft.pk, row.code]))
        form = page.context["form"]
        data = {name: form[name].value() for name in form.fields}
        draft.refresh_from_db()
        answer = post(signed_in, team, "criterion-edit", draft, row.code, **data, shown_rule=form.asked_rule)
        assert answer.status_code == 302, answer.context and answer.context["form"].errors
    assert service.differences(make.specification(), draft).is_empty


def test_a_draft_tells_who_changed_it(signed_in, team, draft):
    service.save_draft(fields=general(draft, title="Suite"), **by(team, draft))
    service.save_criterion(code="", fields=CRITERION, **by(team, draft, revision=2))
    service.move_criterion(code="accueil", step=-1, **by(team, draft, revision=3))
    service.remove_criterion(code="accompagnement", **by(team, draft, revision=4))
    page = signed_in.get(reverse("specification-edit", args=[draft.pk])).text
    for part in (
        "Brouillon ouvert",
        "enregistré\u00a0: titre",
        "Accueil\u00a0» déplacé",
        "» retiré",
        team.user.full_name,
    ):
        assert part in page


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"version": "deux"}, "deux nombres"),
        ({"title": ""}, "Donnez un titre"),
        ({"applies_to_pending": "on", "transitional_clause": " "}, "Écrivez la clause"),
    ],
)
def test_a_wrong_field_is_said_at_its_place(signed_in, team, draft, data, sentence):
    texts = {"version": "1.1", "title": "Suite", "preamble": "", "legal_source": "essai"}
    answer = post(signed_in, team, "specification-edit", draft, action="save", **(texts | data))
    assert answer.status_code == 422
    assert sentence in answer.text
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_stale_page_keeps_what_was_typed(signed_in, team, draft):
    service.save_draft(fields=general(draft, preamble="D’abord"), **by(team, draft))
    texts = {"version": "1.1", "title": "Mon titre gardé", "preamble": "", "legal_source": "essai", "action": "save"}
    answer = post(signed_in, team, "specification-edit", draft, **texts)
    assert answer.status_code == 409
    assert "Mon titre gardé" in answer.text
    assert 'name="revision" value="2"' in answer.text
    again = signed_in.post(reverse("specification-edit", args=[draft.pk]), {"mandate": team.pk, "revision": 2, **texts})
    assert again.status_code == 302


def test_a_criterion_removed_meanwhile_keeps_what_was_typed(signed_in, team, draft):
    service.remove_criterion(code="permanence-ou-sas", **by(team, draft))
    asked = {**CRITERION, "shown_rule": Rule.PERSON, "title": "Texte gardé"}
    del asked["parameters"]
    answer = post(signed_in, team, "criterion-edit", draft, "permanence-ou-sas", **asked)
    assert answer.status_code == 409
    assert "Texte gardé" in answer.text
    assert reverse("criterion-edit", args=[draft.pk, "nouveau"]) in answer.text
    assert not draft.criteria.filter(code="permanence-ou-sas").exists()
    assert signed_in.get(reverse("criterion-edit", args=[draft.pk, "permanence-ou-sas"])).status_code == 404


def test_a_version_published_meanwhile_keeps_what_was_typed(signed_in, team, draft):
    service.save_draft(fields=general(draft, preamble="D’abord"), **by(team, draft))
    service.publish_version(**by(team, draft, revision=2))
    asked = {**CRITERION, "shown_rule": Rule.PERSON, "title": "Texte gardé"}
    del asked["parameters"]
    answer = post(signed_in, team, "criterion-edit", draft, "permanence-ou-sas", **asked)
    assert answer.status_code == 409
    assert "a été publiée pendant que vous y travailliez" in answer.text
    assert "Texte gardé" in answer.text
    assert reverse("specifications") in answer.text
    following = service.prepare_version(mandate=team, at=NOW)
    answer = post(signed_in, team, "criterion-edit", draft, "permanence-ou-sas", **asked)
    assert reverse("criterion-edit", args=[following.pk, "permanence-ou-sas"]) in answer.text
    texts = {"version": "1.1", "title": "Mon titre gardé", "action": "save"}
    assert "Mon titre gardé" in post(signed_in, team, "specification-edit", draft, **texts).text
    public = signed_in.get(reverse("criterion-edit", args=[draft.pk, "permanence-ou-sas"]))
    assert public.url == reverse("specification-version", args=[draft.version])


def test_a_number_that_changes_without_its_words_is_hinted_and_blocks_nothing(signed_in, team, draft):
    row = draft.criteria.get(rule=Rule.OPEN_DAYS)
    names = "kind code title text help_text evidence_asked exempt_kinds legal_source rule".split()
    fields = {name: getattr(row, name) for name in names} | {"parameters": {"min_days": 6}}
    pages = [
        reverse("specification-edit", args=[draft.pk]),
        reverse("criterion-edit", args=[draft.pk, row.code]),
        reverse("specification-publish", args=[draft.pk]),
    ]

    def hinted():
        draft.refresh_from_db()
        return [re.search(r"« [^»]*5[^»]* » devient « [^»]*6[^»]* »", text_of(signed_in.get(url))) for url in pages]

    assert not any(hinted())
    service.save_criterion(code=row.code, fields=fields, **by(team, draft))
    assert all(hinted())
    assert signed_in.get(pages[-1]).context["ready"]
    service.save_criterion(code=row.code, fields=fields | {"text": "Six jours sur sept."}, **by(team, draft))
    assert not any(hinted())


def text_of(answer):
    return answer.text.replace("\u00a0", " ")


def test_a_code_names_a_criterion(signed_in, team, draft):
    asked = {**CRITERION, "shown_rule": Rule.PERSON}
    del asked["parameters"]
    for code in ("nouveau", "Nouveau", "présence", ""):
        answer = post(signed_in, team, "criterion-edit", draft, "nouveau", **(asked | {"code": code}))
        assert answer.status_code == 422
        assert "code" in answer.context["form"].errors
    draft.refresh_from_db()
    assert (draft.revision, draft.criteria.count()) == (1, 7)


def test_an_act_that_does_not_exist_and_another_mandate(signed_in, team, draft):
    assert post(signed_in, team, "specification-edit", draft, action="explode").status_code == 400
    assert post(signed_in, team, "specification-edit", draft, action="up:inconnu").status_code == 404
    other = signed_in.post(reverse("specification-edit", args=[draft.pk]), {"action": "discard", "revision": 1})
    assert other.status_code == 403
    assert Specification.objects.filter(pk=draft.pk).exists()


def test_a_draft_can_be_deleted_and_its_events_stay(signed_in, team, draft):
    assert post(signed_in, team, "specification-edit", draft, action="discard").status_code == 302
    assert not Specification.objects.filter(pk=draft.pk).exists()
    assert actions(draft) == ["prepare", "discard"]
    again = post(signed_in, team, "specification-edit", draft, action="discard")
    assert again.status_code == 409
    assert "Ce brouillon a été supprimé" in again.text
