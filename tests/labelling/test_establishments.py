"""A structure found by its SIRET: in the Annuaire des entreprises, or described while it is silent, then completed."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from labelling.choices import AnnuaireAnswer, ClaimState, MembershipRole, Register, StructureKind
from labelling.models import Claim, Completion, Membership, RegisterChange, RegisterLine, Site, Structure
from labelling.services import completions
from labelling.services.claims import claims_of_structure, settle_claim
from labelling.services.completions import complete_waiting, refresh_known
from labelling.services.register_search import lines_about, search_register
from labelling.tasks import complete_structures
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.test_apply_views import primary_buttons, text
from tests.plugins.signed_in import signed_in
from tests.services import SIRET, establishment, silent, status

OTHER = "89012345800022"
URL = f"/candidater/siret/{SIRET}/"
DESCRIBED = {"name": "Cabinet du Lavoir", "kind": "cabinet", "address": "", "commune": "Valfictif"}


@pytest.fixture(autouse=True)
def place(db):
    cache.clear()
    return make.commune()


@pytest.fixture
def person():
    return make.user()


@pytest.fixture
def as_person(person):
    return signed_in(person)


@pytest.fixture
def agent():
    return make.mandate(AuthorityKind.ARS)


def found_by(client, siret=SIRET):
    return text(client.get("/candidater/structure/", {"q": siret}))


def nothing_moved():
    return not (RegisterLine.objects.exists() or Claim.objects.exists() or Completion.objects.exists())


def described(person, *, name="Cabinet du Lavoir"):
    assert signed_in(person).post(URL, {**DESCRIBED, "name": name}).status_code == 302
    return Claim.objects.get(user=person)


# Found -----------------------------------------------------------------------------------------------------------


def test_a_visitor_finds_an_establishment_and_nothing_is_written(client, annuaire):
    annuaire.know(establishment())
    words = found_by(client, "890 123 458 00014")
    assert "1 établissement trouvé" in words
    assert "CABINET MEDICAL DU LAVOIR" in words
    assert "Activité des médecins généralistes · 4 RUE DU LAVOIR, 98001 Valfictif (98)" in words
    assert f"Annuaire des entreprises, {timezone.localdate():%d/%m/%Y}" in words
    assert nothing_moved()
    assert client.get(URL).url.startswith("/connexion/")


def test_the_person_claims_it_and_an_agent_confirms(as_person, person, annuaire, agent):
    annuaire.know(establishment())
    page = as_person.get(URL)
    words = text(page)
    assert "4 rue du Lavoir, 98001 Valfictif" in words
    assert "Source : Annuaire des entreprises" in words
    assert len(primary_buttons(page)) == 1
    assert as_person.post(URL, {"kind": "mobile"}).url == reverse("applications")
    claim = Claim.objects.get()
    assert (claim.state, claim.code_hash, claim.line.register, claim.line.number) == (
        ClaimState.WAITING_AGENT,
        "",
        Register.ANNUAIRE,
        SIRET,
    )
    assert not Membership.objects.exists()
    membership = settle_claim(claim=claim, by=agent, accept=True, checked="call", at=timezone.now())
    structure = membership.structure
    assert (structure.kind, structure.name, structure.siret, structure.finess, structure.address) == (
        StructureKind.MOBILE,
        "Cabinet médical du Lavoir",
        SIRET,
        None,
        "4 rue du Lavoir",
    )
    assert Site.objects.get(structure=structure).latitude == 46.5021
    assert [line.register for line in lines_about(structure)] == [Register.ANNUAIRE]


def test_an_answer_serves_everybody_for_a_while(client, as_person, annuaire):
    annuaire.know(establishment())
    for _ in range(3):
        found_by(client)
    as_person.get(URL)
    as_person.post(URL, {"kind": "cabinet"})
    assert len(annuaire.asked) == 1


def test_imported_registers_come_first_and_the_annuaire_is_not_asked(client, as_person, annuaire):
    line = make.register_line(siret=SIRET)
    assert line.name in found_by(client)
    assert as_person.get(URL).url == reverse("claim", args=[line.pk])
    assert annuaire.asked == []


def test_the_finess_number_of_an_establishment_leads_to_its_own_register(client, as_person, annuaire):
    line = make.register_line(siret="")
    annuaire.know(establishment(liste_finess=[line.number]))
    assert line.name in found_by(client)
    assert as_person.get(URL).url == reverse("claim", args=[line.pk])


@pytest.mark.parametrize("number", ["89012345800015", "1234", "35600000049838"])
def test_a_wrong_number_is_never_asked(client, as_person, annuaire, number):
    found_by(client, number)
    assert as_person.get(f"/candidater/siret/{number}/").status_code == 302
    assert annuaire.asked == []


def test_the_exception_of_la_poste_is_asked(client, annuaire):
    annuaire.know(establishment("35600000049837"))
    assert "CABINET MEDICAL DU LAVOIR" in found_by(client, "35600000049837")


def test_a_closed_establishment_is_said_closed_and_is_not_claimed(client, as_person, annuaire):
    annuaire.know(establishment(etat_administratif="F", date_fermeture="2025-06-30"))
    sentence = "CABINET MEDICAL DU LAVOIR est fermé depuis le 30 juin 2025, selon l’Annuaire des entreprises"
    assert sentence in found_by(client)
    assert sentence in text(as_person.get(URL))
    for data in ({"kind": "cabinet"}, DESCRIBED):
        response = as_person.post(URL, data)
        assert sentence in text(response)
        assert "Demander l’accès" not in text(response)
    assert nothing_moved()


def test_who_is_not_shown_is_neither_shown_nor_kept(client, as_person, annuaire):
    annuaire.know(establishment(statut_diffusion_etablissement="P"), nom_complet="PRUNE EXEMPLAIRE")
    words = found_by(client)
    assert "a demandé que son nom et son adresse n’y paraissent pas" in words
    assert "LAVOIR" not in words
    as_person.post(URL, DESCRIBED)
    assert Claim.objects.get().line.name == "Cabinet du Lavoir"
    assert not Completion.objects.exists()


def test_nobody_makes_the_portal_ask_without_end(client, as_person, annuaire, settings):
    settings.ANNUAIRE_PER_HOUR = 2
    numbers = [SIRET, OTHER, "35600000049837"]
    words = [found_by(client, number) for number in numbers]
    assert len(annuaire.asked) == 2
    assert "n’est plus interrogé pour vous pendant une heure" in words[-1]
    # Another person still is answered.
    assert "ni les registres importés ni l’Annuaire" in text(as_person.get("/candidater/siret/35600000049837/"))


def test_an_establishment_out_of_the_communes_of_france_is_unknown(client, annuaire):
    annuaire.know(establishment(commune=None))
    assert "ni les registres importés ni l’Annuaire" in found_by(client)


# One structure by SIRET --------------------------------------------------------------------------------------------


def test_two_people_with_one_siret_answer_for_one_structure(annuaire, person, agent):
    annuaire.fault = status(500)
    first, second = described(person), described(make.user(), name="Cabinet volé")
    assert first.line != second.line
    owner = settle_claim(claim=first, by=agent, accept=True, checked="call", at=timezone.now())
    assert list(claims_of_structure(owner.structure)) == [second]
    editor = settle_claim(claim=second, by=owner, accept=True, at=timezone.now())
    assert (editor.structure, editor.role) == (owner.structure, MembershipRole.EDITOR)
    assert owner.structure.name == "Cabinet du Lavoir"
    assert search_register(text=SIRET).lines == [first.line]


def test_what_one_person_describes_is_not_shown_to_another(annuaire, person, client):
    annuaire.fault = status(500)
    claim = described(person)
    url = reverse("claim", args=[claim.line_id])
    assert signed_in(person).get(url).status_code == 200
    assert signed_in(make.user()).get(url).status_code == 404
    assert signed_in(make.user()).post(url).status_code == 404
    assert "Cabinet du Lavoir" not in found_by(client)
    assert "Cabinet du Lavoir" not in found_by(client, "Lavoir")


def test_a_structure_of_the_annuaire_is_met_again_by_its_finess_line(annuaire, as_person, agent):
    annuaire.know(establishment())
    as_person.post(URL, {"kind": "cabinet"})
    membership = settle_claim(claim=Claim.objects.get(), by=agent, accept=True, checked="call", at=timezone.now())
    line = make.register_line(siret=SIRET)
    signed_in(make.user()).post(reverse("claim", args=[line.pk]))
    claim = Claim.objects.get(line=line)
    assert claim.state == ClaimState.WAITING_AGENT
    assert list(claims_of_structure(membership.structure)) == [claim]
    assert (
        settle_claim(claim=claim, by=agent, accept=True, checked="call", at=timezone.now()).structure
        == membership.structure
    )


def test_places_that_share_a_siret_stay_apart(annuaire):
    mine, sister = make.register_line(siret=SIRET), make.register_line(siret=SIRET)
    make.membership(make.structure(mine, siret=SIRET))
    page = text(signed_in(make.user()).get(reverse("claim", args=[sister.pk])))
    assert "Une personne répond déjà" not in page


# Silent, then completed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [status(500), status(429, Retry_After="3"), silent(4)], ids=["500", "429", "slow"])
def test_a_silent_annuaire_stops_nobody(client, as_person, person, annuaire, fault):
    annuaire.fault = fault
    begun = timezone.now()
    words = found_by(client)
    assert timezone.now() - begun < timedelta(seconds=3.5)
    assert "L’Annuaire des entreprises n’est pas joignable en ce moment" in words
    page = as_person.get(URL)
    assert "sans toucher à ce que vous aurez écrit" in text(page)
    assert len(primary_buttons(page)) == 1
    assert len(annuaire.asked) == 1
    assert as_person.post(URL, DESCRIBED).url == reverse("applications")
    claim = Claim.objects.get()
    assert (claim.line.register, claim.line.siret, claim.line.commune_id) == (Register.DECLARED, SIRET, "98001")
    assert str(claim.line) == f"déclaration du demandeur, SIRET {SIRET}"
    assert (claim.state, claim.kind, claim.user) == (ClaimState.WAITING_AGENT, StructureKind.CABINET, person)
    assert claim.line.completion.next_at is not None
    assert [event.action for event in Event.objects.about(Subject.REGISTER_LINE, claim.line_id)] == ["describe"]


def test_without_annuaire_one_describes_too(as_person):
    assert "n’est pas joignable" in text(as_person.get(URL))
    as_person.post(URL, DESCRIBED)
    assert Claim.objects.count() == 1
    assert complete_waiting(at=timezone.now() + timedelta(days=1)) == 0


@pytest.mark.parametrize("field", ["name", "kind", "commune"])
@pytest.mark.parametrize("value", ["", "  ", "???"])
def test_a_description_without_its_essentials_is_asked_again(as_person, field, value):
    response = as_person.post(URL, {**DESCRIBED, field: value})
    assert response.status_code == 200
    assert "à corriger" in text(response)
    assert nothing_moved()


def test_one_person_waits_once_by_siret_and_describes_few_in_a_day(as_person):
    as_person.post(URL, DESCRIBED)
    assert "attend déjà une confirmation" in text(as_person.post(URL, DESCRIBED))
    Claim.objects.update(state=ClaimState.REJECTED)
    for _ in range(4):
        as_person.post(URL, DESCRIBED)
        Claim.objects.update(state=ClaimState.REJECTED)
    assert "c’est le maximum" in text(as_person.post(URL, DESCRIBED))
    assert Claim.objects.count() == 5


def test_the_answer_completes_a_structure_without_replacing_anything(person, annuaire, agent):
    annuaire.fault = status(500)
    claim = described(person)
    structure = settle_claim(claim=claim, by=agent, accept=True, checked="call", at=timezone.now()).structure
    annuaire.fault = None
    cache.clear()
    annuaire.know(establishment())
    at = timezone.now() + timedelta(minutes=2)
    assert complete_waiting(at=at) == 1
    structure.refresh_from_db()
    site = structure.sites.get()
    assert (structure.name, structure.kind) == ("Cabinet du Lavoir", StructureKind.CABINET)
    assert (structure.address, structure.postal_code, site.address) == ("4 rue du Lavoir", "98001", "4 rue du Lavoir")
    completion = Completion.objects.get()
    assert (completion.outcome, completion.answer.register, completion.tries) == ("found", Register.ANNUAIRE, 1)
    event = Event.objects.about(Subject.REGISTER_LINE, claim.line_id).last()
    assert (event.action, event.data) == (
        "complete",
        {"answer": "found", "line": completion.answer_id, "fields": ["address", "postal_code"]},
    )
    claim.line.refresh_from_db()
    assert (claim.line.name, claim.line.address) == ("Cabinet du Lavoir", "")
    assert [line.register for line in lines_about(structure)] == [Register.DECLARED, Register.ANNUAIRE]
    assert complete_waiting(at=at + timedelta(days=2)) == 0


@pytest.mark.parametrize("typed", [{"address": "9 rue Neuve"}, {"commune": "Autreville"}])
def test_what_the_person_wrote_is_not_mixed_with_the_answer(person, annuaire, agent, typed):
    make.commune("98002", "Autreville")
    annuaire.fault = status(500)
    signed_in(person).post(URL, {**DESCRIBED, **typed})
    annuaire.fault = None
    cache.clear()
    annuaire.know(establishment())
    complete_waiting(at=timezone.now() + timedelta(minutes=2))
    structure = settle_claim(
        claim=Claim.objects.get(), by=agent, accept=True, checked="call", at=timezone.now()
    ).structure
    assert (structure.address, structure.postal_code) == (typed.get("address", ""), "")


def test_an_answer_before_the_agent_completes_the_structure_to_come(person, annuaire, agent):
    annuaire.fault = status(500)
    claim = described(person)
    annuaire.fault = None
    cache.clear()
    annuaire.know(establishment())
    complete_structures()
    assert Completion.objects.get().outcome == ""
    Completion.objects.update(next_at=timezone.now())
    complete_structures()
    agent_page = text(signed_in(agent.user).get(reverse("claims")))
    assert "CABINET MEDICAL DU LAVOIR, 4 RUE DU LAVOIR 98001" in agent_page
    structure = settle_claim(claim=claim, by=agent, accept=True, checked="call", at=timezone.now()).structure
    assert (structure.name, structure.address) == ("Cabinet du Lavoir", "4 rue du Lavoir")


def test_a_service_still_silent_is_asked_later_and_later(person, annuaire):
    annuaire.fault = status(500)
    described(person)
    at, waits = timezone.now() + timedelta(minutes=2), []
    for _ in range(4):
        cache.clear()
        assert complete_waiting(at=at) == 0
        waits.append(Completion.objects.get().next_at - at)
        at = Completion.objects.get().next_at
    assert waits == [timedelta(minutes=minutes) for minutes in (5, 10, 20, 40)]


def test_a_number_that_stays_unknown_is_settled_so(person, annuaire, agent, monkeypatch):
    monkeypatch.setattr(completions, "UNKNOWN_TRIES", 2)
    described(person)
    for days, expected in ((1, 0), (2, 1)):
        cache.clear()
        assert complete_waiting(at=timezone.now() + timedelta(days=days)) == expected
    assert Completion.objects.get().outcome == AnnuaireAnswer.UNKNOWN
    assert "inconnu de l’Annuaire des entreprises" in text(signed_in(agent.user).get(reverse("claims")))


def test_a_closing_learnt_later_is_told_to_the_agent_and_fills_nothing(person, annuaire, agent):
    annuaire.fault = status(500)
    claim = described(person)
    annuaire.fault = None
    cache.clear()
    annuaire.know(establishment(etat_administratif="F", date_fermeture="2026-01-31"))
    complete_waiting(at=timezone.now() + timedelta(minutes=2))
    assert "fermé depuis le 31/01/2026" in text(signed_in(agent.user).get(reverse("claims")))
    assert settle_claim(claim=claim, by=agent, accept=True, checked="call", at=timezone.now()).structure.address == ""


def test_the_structures_of_the_annuaire_are_asked_again_after_a_month(as_person, annuaire, agent):
    annuaire.know(establishment())
    as_person.post(URL, {"kind": "cabinet"})
    settle_claim(claim=Claim.objects.get(), by=agent, accept=True, checked="call", at=timezone.now())
    assert refresh_known(at=timezone.now()) == 0
    annuaire.know(establishment(etat_administratif="F", date_fermeture="2027-01-15"))
    cache.clear()
    assert refresh_known(at=timezone.now() + timedelta(days=40)) == 1
    line = RegisterLine.objects.get()
    assert line.closed_on == date(2027, 1, 15)
    assert [change.field for change in RegisterChange.objects.all()] == ["closed_on"]
    assert Structure.objects.get().name == "Cabinet médical du Lavoir"


@pytest.mark.parametrize(
    "wrong",
    [{"outcome": "found"}, {"outcome": "silent"}, {"next_at": None}, {"settled_at": "now"}],
    ids=["no answer", "no answer at all", "nothing to come", "settled without outcome"],
)
def test_a_completion_waits_or_is_settled_whole(as_person, wrong):
    as_person.post(URL, DESCRIBED)
    values = {key: timezone.now() if value == "now" else value for key, value in wrong.items()}
    with pytest.raises(IntegrityError, match="completion_settled_whole"), transaction.atomic():
        Completion.objects.update(**values)


def test_a_claim_names_a_known_type(as_person):
    as_person.post(URL, DESCRIBED)
    with pytest.raises(IntegrityError, match="claim_kind_known"), transaction.atomic():
        Claim.objects.update(kind="pilote")
