"""Prospects: what registers say for a place, which places are listed, set aside, put back, and who may."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from francesante.lib.text import readable
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState, DismissalReason, Register, StructureKind
from labelling.models import Dismissal, RegisterLine
from labelling.rules.prospects import Likelihood, weigh
from labelling.services.prospects import dismiss, dismissed, is_to_invite, lines_within, restore, to_invite
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests.worlds import build_world

TODAY = timezone.localdate()
GOOD = {"doctors": 2, "nurses": 1, "open_days": 5, "sector": "1", "sas": True}


@pytest.fixture
def agent(db):
    return make.mandate(AuthorityKind.ARS)


def ameli(line, **facts):
    return make.register_line(
        line.commune, register=Register.AMELI, number=line.number, kind="", category="", email="", facts=facts
    )


def listed(mandate, **filters):
    return [one.line for one in to_invite(lines_within(mandate), on=TODAY, **filters)]


# The rule --------------------------------------------------------------------------------------------------------


def weighed(said=(("Ameli", GOOD),), **more):
    return weigh(
        **{"name": "Maison du Lavoir", "category": "Maison de santé", "said": list(said), "has_address": True, **more}
    )


def test_three_facts_in_favour_and_none_against_make_a_place_likely():
    found = weighed()
    assert (found.likelihood, found.doubts, found.strength) == (Likelihood.LIKELY, (), 5)
    assert found.reasons == (
        "Maison de santé",
        "Ameli : 2 médecins, 1 infirmier, 5 jours par semaine, secteur 1, participe au SAS".replace(" :", "\u00a0:")
        .replace("2 m", "2\u00a0m")
        .replace("1 i", "1\u00a0i")
        .replace("5 j", "5\u00a0j"),
    )


def test_a_category_alone_makes_it_possible_and_says_so():
    found = weighed([("FINESS", {})], has_address=False)
    assert found.likelihood == Likelihood.POSSIBLE
    assert found.doubts == ("aucun registre ne dit rien des critères", "aucune adresse électronique connue")


def test_one_fact_against_makes_it_to_be_checked():
    found = weighed([("FINESS", {}), ("Ameli", {**GOOD, "sector": "2"})])
    assert found.likelihood == Likelihood.DOUBTFUL
    assert found.doubts == ("Ameli\u00a0: secteur 2",)
    assert "connue de 2 registres" in found.reasons


def test_one_of_pdsa_and_sas_is_enough():
    assert weighed([("Ameli", {"pdsa": False, "sas": True})]).doubts == ()
    assert weighed([("Ameli", {"pdsa": False, "sas": False})]).likelihood == Likelihood.DOUBTFUL


def test_a_name_that_speaks_of_one_kind_of_care_is_to_be_checked():
    found = weighed(name="CENTRE DE SANTE DENTAIRE DU LAVOIR")
    assert found.likelihood == Likelihood.DOUBTFUL
    assert found.doubts == ("son nom dit «\u00a0dentaire\u00a0»\u00a0: présence d’un médecin à vérifier",)


def test_siblings_and_a_former_invitation_are_told():
    found = weighed(labelled_siblings=2, former_invitation=True)
    assert "même entité juridique\u00a0: 2\u00a0sites labellisés" in found.reasons
    assert found.doubts == ("une invitation est restée sans réponse",)


# The list --------------------------------------------------------------------------------------------------------


def test_the_likely_come_first_with_what_other_registers_say(agent):
    alone, known, against = (make.register_line(name=name) for name in ("A", "B", "C"))
    ameli(known, **GOOD)
    ameli(against, sector="2")
    found = to_invite(lines_within(agent), on=TODAY)
    assert [(one.line, one.weighed.likelihood) for one in found] == [
        (known, Likelihood.LIKELY),
        (alone, Likelihood.POSSIBLE),
        (against, Likelihood.DOUBTFUL),
    ]


def test_another_register_may_know_a_place_by_its_siret(agent):
    line = make.register_line(siret="35600000000048")
    make.register_line(register=Register.AMELI, number="X1", siret="35600000000048", kind="", facts=GOOD)
    assert [(one.line, one.weighed.likelihood) for one in to_invite(lines_within(agent), on=TODAY)] == [
        (line, Likelihood.LIKELY)
    ]


def test_what_is_left_out(agent):
    kept = make.register_line()
    make.register_line(kind="", category="620")
    make.register_line(closed_on=date(2026, 10, 1))
    make.register_line(missing_since=date(2026, 11, 21))
    make.application(make.structure(), state=ApplicationState.DRAFT)
    make.application(make.structure(), state=ApplicationState.UNDER_REVIEW)
    make.register_line(make.commune("97001", "Ailleurs", make.departement("97", "Valfictie", region="R2")))
    refused = make.application(make.structure(), state=ApplicationState.CLOSED).structure.register_line
    aside = make.register_line()
    dismiss(line=aside, mandate=agent, reason=DismissalReason.GONE, note="", at=make.NOW)
    assert listed(agent) == [kept, refused]


def test_a_place_with_a_label_in_force_is_left_out_even_when_its_line_is_not_linked(db):
    people, arguments = build_world()
    labelled = RegisterLine.objects.get(structure__labels__number=arguments["place"]["number"])
    mandate = people["ars"].mandates.select_related("authority").get()
    assert labelled not in listed(mandate)
    structure = labelled.structure
    type(structure).objects.filter(pk=structure.pk).update(register_line=None)
    assert labelled not in listed(mandate)
    assert not is_to_invite(labelled, on=TODAY)


def test_a_place_of_a_single_kind_of_care_is_shown_on_demand_and_shared_doubts_are_said_once(client, agent):
    dental = make.register_line(name="CENTRE DE SANTE DENTAIRE DU LAVOIR")
    mixed = make.register_line(name="POLE MEDICAL ET OPHTALMOLOGIE")
    quiet = [make.register_line(name=name, email="") for name in ("MAISON A", "MAISON B")]
    client.force_login(agent.user)
    page = client.get(reverse("prospects"))
    assert readable(dental.name) not in page.text
    assert readable(mixed.name) in page.text
    assert page.text.count("aucune adresse électronique connue") == 1
    assert all(readable(line.name) in page.text for line in quiet)
    assert dental.name not in client.get(reverse("prospects"), {"export": "csv"}).text
    assert readable(dental.name) in client.get(reverse("prospects"), {"tous": "1"}).text


def test_filters(agent):
    msp = make.register_line(name="Maison de santé des Étangs (fictive)")
    cds = make.register_line(name="Centre du Lavoir (fictif)", kind=StructureKind.CDS)
    assert listed(agent, kind="cds") == [cds]
    assert listed(agent, text="etangs maison") == [msp]
    assert listed(agent, text="valfictif") == [cds, msp]
    assert listed(agent, text=msp.number[:9]) == [msp]
    assert listed(agent, departement="97") == []


@pytest.mark.parametrize("count", [2, 12])
def test_the_page_asks_as_many_queries_whatever_the_number(client, agent, count, django_assert_max_num_queries):
    for _ in range(count):
        ameli(make.register_line(), **GOOD)
    client.force_login(agent.user)
    with django_assert_max_num_queries(18):
        response = client.get(reverse("prospects"))
    assert f"{count} structures" in response.text


# Setting aside ---------------------------------------------------------------------------------------------------


def test_a_place_set_aside_is_put_back(agent):
    line = make.register_line()
    row = dismiss(line=line, mandate=agent, reason=DismissalReason.OTHER, note=" déménage ", at=make.NOW)
    assert (row.note, list(dismissed(lines_within(agent)))) == ("déménage", [row])
    assert listed(agent) == []
    restore(line=line, mandate=agent, at=make.NOW + timedelta(days=1))
    assert listed(agent) == [line]
    chain = Event.objects.about(Subject.REGISTER_LINE, line.pk)
    assert [event.action for event in chain] == ["dismiss", "restore"]
    with pytest.raises(RefusedError, match="n’est pas écartée"):
        restore(line=line, mandate=agent, at=make.NOW)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (AuthorityKind.CAISSE, {"role": Role.OBSERVER}, "ne permet pas d’inviter"),
        (AuthorityKind.NATIONAL, {}, "ne permet pas d’inviter"),
        (
            AuthorityKind.ARS,
            {"valid": make.DateRange(date(2025, 10, 1), date(2026, 11, 22))},
            "ne permet pas d’inviter",
        ),
    ],
)
def test_who_may_not_set_aside(db, kind, fields, words):
    line = make.register_line()
    with pytest.raises(RefusedError, match=words):
        dismiss(line=line, mandate=make.mandate(kind, **fields), reason=DismissalReason.GONE, note="", at=make.NOW)
    assert not Dismissal.objects.exists()


def test_another_territory_and_another_reason_without_words(agent):
    line = make.register_line()
    elsewhere = make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Valfictie", region="R2"))
    with pytest.raises(RefusedError, match="pas dans votre territoire"):
        dismiss(line=line, mandate=elsewhere, reason=DismissalReason.GONE, note="", at=make.NOW)
    with pytest.raises(RefusedError, match="demande une précision"):
        dismiss(line=line, mandate=agent, reason=DismissalReason.OTHER, note=" ", at=make.NOW)
    dismiss(line=line, mandate=agent, reason=DismissalReason.GONE, note="", at=make.NOW)
    with pytest.raises(RefusedError, match="déjà écartée"):
        dismiss(line=line, mandate=agent, reason=DismissalReason.GONE, note="", at=make.NOW)
    assert Dismissal.objects.count() == 1


def test_the_database_keeps_one_dismissal_and_its_explanation(agent):
    line = make.register_line()
    row = dismiss(line=line, mandate=agent, reason=DismissalReason.GONE, note="", at=make.NOW)
    with pytest.raises(IntegrityError, match="dismissal_one_standing"), transaction.atomic():
        Dismissal.objects.create(line=line, reason="gone", mandate=agent, dismissed_at=make.NOW)
    with pytest.raises(IntegrityError, match="dismissal_other_is_explained"), transaction.atomic():
        Dismissal.objects.filter(pk=row.pk).update(reason="other")
    with pytest.raises(IntegrityError, match="dismissal_reason_known"), transaction.atomic():
        Dismissal.objects.filter(pk=row.pk).update(reason="x")


# Pages -----------------------------------------------------------------------------------------------------------


def test_the_list_says_the_reasons_and_exports_them(client, agent):
    line = make.register_line(name="=Maison (fictive)")
    ameli(line, **GOOD)
    client.force_login(agent.user)
    page = client.get(reverse("prospects"))
    assert "Probable" in page.text
    assert "secteur 1" in page.text
    export = client.get(reverse("prospects"), {"export": "csv", "q": "maison"})
    header, row = export.text.splitlines()
    assert header.startswith("registre,numero,nom,type,code_commune")
    assert f"finess,{line.number},'=Maison (fictive),msp,98001,Valfictif,98" in row


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("a-inviter", "Aucune structure n’est à inviter"),
        ("invites", "Aucune invitation n’attend"),
        ("ecartees", "Aucune structure n’est écartée"),
    ],
)
def test_empty_views_teach(client, agent, view, words):
    client.force_login(agent.user)
    assert words in client.get(reverse("prospects"), {"vue": view}).text


def test_a_place_is_set_aside_from_its_page_then_put_back(client, agent):
    line = make.register_line()
    address = reverse("prospect", args=[line.pk])
    client.force_login(agent.user)
    assert "Inviter cette structure" in client.get(address).text
    refused = client.post(address, {"act": "dismiss", "reason": "", "mandate": agent.pk})
    assert (refused.status_code, Dismissal.objects.count()) == (422, 0)
    assert "Choisissez un motif" in refused.text
    client.post(address, {"act": "dismiss", "reason": "gone", "mandate": agent.pk})
    assert "N’exerce plus à cette adresse" in client.get(reverse("prospects"), {"vue": "ecartees"}).text
    assert "Remettre dans la liste" in client.get(address).text
    client.post(address, {"act": "restore", "mandate": agent.pk})
    assert "Inviter cette structure" in client.get(address).text
