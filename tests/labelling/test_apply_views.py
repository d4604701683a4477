"""The structure's pages, by HTTP."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from francesante.lib.french import long_date
from labelling.choices import ApplicationState, ClaimState, MembershipRole
from labelling.models import Application, Claim, Membership, Structure
from labelling.rules.clock import appeal_deadline
from labelling.services.access import invite_editor
from labelling.services.applications import start_application
from labelling.tasks import render_documents
from territories.choices import AuthorityKind, Role
from territories.models import Event, Invitation, User
from tests import factories, samples
from tests.labelling.test_answers import WHOLE
from tests.plugins.signed_in import PortalClient, signed_in


@pytest.fixture(autouse=True)
def clean_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def owner(db):
    return factories.membership()


@pytest.fixture
def page(owner):
    return signed_in(owner.user)


@pytest.fixture
def draft(owner):
    return start_application(membership=owner, at=timezone.now())


@pytest.fixture
def ready(draft):
    Application.objects.filter(pk=draft.pk).update(answers=WHOLE)
    draft.refresh_from_db()
    factories.authority(AuthorityKind.ARS)
    factories.authority(AuthorityKind.PREFECTURE)
    factories.wave()
    return draft


def focused(html):
    """What takes the focus when the page opens: the names of fields, the words of headings."""
    tags = re.findall(r"<[^>]*\bautofocus\b[^>]*>[^<]*", html)
    return [re.search(r'name="([^"]+)"|>([^<]+)', tag).group(1) or tag.partition(">")[2].strip() for tag in tags]


def step(application, slug):
    return reverse("application-step", args=[application.number, slug])


def text(response):
    return re.sub(r"\s+", " ", response.content.decode().replace("\u00a0", " ").replace("&nbsp;", " "))


def primary_buttons(response):
    found = re.findall(r'class="(fr-btn(?: [^"]*)?)"', main_of(response))
    return [classes for classes in found if "secondary" not in classes and "tertiary" not in classes]


def main_of(response):
    return re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)[0]


# Before an account -----------------------------------------------------------------------------------------------


def test_three_questions_give_one_sentence_by_criterion(db, client):
    response = client.get("/candidater/")
    assert response.status_code == 200
    assert "semble respecté" not in text(response)
    assert len(primary_buttons(response)) == 1
    response = client.get("/candidater/", {"kind": "msp", "days": ["mon", "tue", "thu", "fri"], "sector": "optam"})
    words = text(response)
    assert "Ouverture cinq jours sur sept : semble non respecté." in words
    assert "Vous indiquez 4 jours (fermé le mercredi, le samedi et le dimanche) ; il en faut 5." in words
    assert "à vérifier par un agent" in words
    assert "Créer mon compte" in words
    assert len(primary_buttons(response)) == 1


@pytest.mark.parametrize("query", [{"kind": "pilote"}, {"kind": "msp", "days": "xyz"}, {"kind": ""}])
def test_a_wrong_question_is_said(db, client, query):
    response = client.get("/candidater/", query)
    assert response.status_code == 200
    assert "à corriger" in text(response)


REGISTRATION = {
    "civility": "Dr",
    "first_name": "Flore",
    "last_name": "Maquette",
    "email": "Flore@exemple.invalid",
    "password": "quatre mots sans lien",
}


def link_in_mail():
    return re.search(r"http://testserver(\S+)", mail.outbox[-1].body)[1]


def test_an_account_opens_by_its_link_and_its_password(db, client):
    response = client.post("/candidater/compte/", REGISTRATION)
    assert "flore@exemple.invalid" in text(response).lower()
    assert not User.objects.exists()
    link = link_in_mail()
    assert client.get(link).status_code == 200
    assert "Ce n’est pas le mot de passe" in text(client.post(link, {"password": "un autre"}))
    response = client.post(link, {"password": REGISTRATION["password"]})
    assert response.url == reverse("claim-search")
    user = User.objects.get()
    assert (user.email, user.full_name) == ("flore@exemple.invalid", "Dr Flore Maquette")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.get(link).status_code == 410


def test_five_wrong_passwords_end_the_link(db, client):
    client.post("/candidater/compte/", REGISTRATION)
    link = link_in_mail()
    for _ in range(5):
        response = client.post(link, {"password": "un autre"})
    assert "Cinq mots de passe faux" in text(response)
    assert client.post(link, {"password": REGISTRATION["password"]}).status_code == 410


def test_a_known_address_is_not_told_to_a_stranger(db, client):
    factories.user("flore@exemple.invalid")
    unknown = main_of(client.post("/candidater/compte/", {**REGISTRATION, "email": "autre@exemple.invalid"}))
    known = main_of(client.post("/candidater/compte/", REGISTRATION))
    assert known.lower().replace("flore@", "autre@") == unknown.lower()
    assert "vous avez déjà un compte" in mail.outbox[-1].subject
    assert User.objects.count() == 1


def test_three_links_an_hour(db, client):
    for _ in range(3):
        client.post("/candidater/compte/", REGISTRATION)
    assert "Trois liens" in text(client.post("/candidater/compte/", REGISTRATION))
    assert len(mail.outbox) == 3


def test_a_weak_password_is_refused(db, client):
    response = client.post("/candidater/compte/", {**REGISTRATION, "password": "maquette"})
    assert "à corriger" in text(response)
    assert mail.outbox == []


# Claim -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def line(db):
    return factories.register_line()


@pytest.fixture
def newcomer(db):
    return signed_in(factories.user())


@pytest.mark.parametrize(
    ("number", "words"),
    [("980000001", "clé de contrôle"), (factories.luhn_finess(98_999_999), "ne figure pas dans le registre")],
)
def test_a_wrong_and_an_unknown_number_have_their_own_sentences(line, client, number, words):
    assert words in text(client.get("/candidater/structure/", {"q": number}))


def test_a_structure_is_found_claimed_and_confirmed(line, newcomer):
    assert line.name in text(newcomer.get("/candidater/structure/", {"q": "trois etangs", "commune": "valfictif"}))
    address = reverse("claim", args=[line.pk])
    shown = text(newcomer.get(address))
    assert "situation au 20/11/2026" in shown
    assert "a•••@structure.invalid" in shown
    assert line.email not in shown
    assert not Claim.objects.exists()
    response = newcomer.post(address)
    assert response.url == reverse("claim-code", args=[line.pk])
    assert mail.outbox[0].to == [line.email]
    code = re.search(r"\d{3} \d{3}", mail.outbox[0].body)[0]
    assert len(primary_buttons(newcomer.get(response.url))) == 1
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06}"
    assert "Il vous reste 4 essais" in text(newcomer.post(response.url, {"code": wrong}))
    done = newcomer.post(response.url, {"code": code}, follow=True)
    assert "Commencer une candidature" in text(done)
    assert Membership.objects.get().role == MembershipRole.OWNER


def test_a_code_expired_and_five_wrong_codes(line, newcomer):
    address = reverse("claim-code", args=[line.pk])
    newcomer.post(reverse("claim", args=[line.pk]))
    code = re.search(r"\d{3} \d{3}", mail.outbox[0].body)[0]
    Claim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "a expiré" in text(newcomer.post(address, {"code": code}))
    newcomer.post(reverse("claim", args=[line.pk]))
    code = re.search(r"\d{3} \d{3}", mail.outbox[1].body)[0]
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06}"
    for _ in range(5):
        response = newcomer.post(address, {"code": wrong})
    assert "Cinq codes faux" in text(response)
    assert "Cinq codes faux" in text(newcomer.post(address, {"code": code}))
    assert not Structure.objects.exists()


def test_without_access_to_the_address_an_agent_of_the_territory_confirms(line, newcomer):
    newcomer.post(reverse("claim", args=[line.pk]), {"sans_code": "1"})
    claim = Claim.objects.get()
    assert claim.state == ClaimState.WAITING_AGENT
    assert mail.outbox == []
    assert "attend une confirmation" in text(newcomer.get("/dossiers/"))
    assert newcomer.get("/dossiers/revendications/").status_code == 404
    elsewhere = factories.mandate(AuthorityKind.PREFECTURE, on=factories.departement("97", "Ailleurs", region="R2"))
    agent = factories.mandate(AuthorityKind.PREFECTURE)
    post = {"claim": claim.pk, "decision": "confirmer", "verifie": "call"}
    assert (
        signed_in(elsewhere.user).post("/dossiers/revendications/", {**post, "mandate": elsewhere.pk}).status_code
        == 404
    )
    assert line.name in text(signed_in(agent.user).get("/dossiers/revendications/"))
    done = signed_in(agent.user).post("/dossiers/revendications/", {**post, "mandate": agent.pk}, follow=True)
    assert "Accès confirmé" in text(done)
    assert Membership.objects.get().role == MembershipRole.OWNER


def test_an_observer_settles_nothing(line, newcomer):
    newcomer.post(reverse("claim", args=[line.pk]), {"sans_code": "1"})
    observer = factories.mandate(role=Role.OBSERVER)
    response = signed_in(observer.user).post(
        "/dossiers/revendications/", {"claim": Claim.objects.get().pk, "decision": "confirmer", "mandate": observer.pk}
    )
    assert response.status_code == 403
    assert not Membership.objects.exists()


def test_a_mail_that_does_not_leave_is_said(line, newcomer, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", broken)
    response = newcomer.post(reverse("claim", args=[line.pk]), follow=True)
    assert "n’a pas pu partir" in text(response)


# List and draft --------------------------------------------------------------------------------------------------


def test_an_account_without_structure_is_shown_the_way(newcomer):
    response = newcomer.get("/dossiers/")
    assert "Chercher ma structure" in text(response)
    assert len(primary_buttons(response)) == 1


def test_a_draft_begins_once(page, owner):
    address = reverse("application-start", args=[owner.structure_id])
    response = page.post(address)
    application = Application.objects.get()
    assert response.url == application.get_absolute_url()
    assert "déjà une candidature en cours" in text(page.post(address, follow=True))
    assert signed_in(factories.user()).post(address).status_code == 404
    assert page.get(address).status_code == 405
    assert Application.objects.count() == 1


def test_the_hub_lists_seven_tasks(page, draft):
    response = page.get(draft.get_absolute_url())
    words = text(response)
    assert words.count("Pas commencé") == 6
    assert "Continuer : Identité" in words
    assert len(primary_buttons(response)) == 1


def test_who_sees_a_draft(draft):
    assert Client().get(draft.get_absolute_url()).status_code == 302
    for person in (factories.user(), factories.membership().user, factories.mandate().user):
        client = signed_in(person)
        assert client.get(draft.get_absolute_url()).status_code == 404
        assert client.get(step(draft, "horaires")).status_code == 404
        assert client.post(step(draft, "horaires"), {"version": 1}).status_code == 404


@pytest.mark.parametrize("slug", ["identite", "horaires", "equipe", "tarifs", "permanence", "engagements", "relire"])
@pytest.mark.parametrize("full", [False, True])
def test_each_task_shows_itself(page, draft, slug, full):
    if full:
        Application.objects.update(answers=WHOLE)
    response = page.get(step(draft, slug))
    assert response.status_code == 200
    assert len(primary_buttons(response)) == 1
    assert response.content.count(b"<h1") == 1
    draft.refresh_from_db()
    assert draft.version == 1


def test_an_unknown_task(page, draft):
    assert page.get(step(draft, "autre")).status_code == 404


# Tasks -----------------------------------------------------------------------------------------------------------


def week(**fields):
    values = {"version": "1", "closures_count": "0"}
    for day in ("mon", "tue", "thu", "fri"):
        values |= {f"{day}_0_start": "8h30", f"{day}_0_end": "1230", f"{day}_1_start": "13:30", f"{day}_1_end": "18h"}
    return {**values, **fields}


def test_hours_are_kept_in_any_form_of_writing(page, draft):
    response = page.post(
        step(draft, "horaires"),
        week(closures_count="1", closure_0_start="2027-08-01", closure_0_end="2027-08-15", closure_0_replaced="on"),
    )
    assert response.url == step(draft, "equipe")
    draft.refresh_from_db()
    assert draft.answers["hours"]["mon"] == [["08:30", "12:30"], ["13:30", "18:00"]]
    assert set(draft.answers["hours"]) == {"mon", "tue", "thu", "fri"}
    assert draft.answers["closures"] == [{"start": "2027-08-01", "end": "2027-08-15", "replaced": True}]
    words = text(page.get(step(draft, "horaires")))
    assert 'value="08:30"' in words
    assert "fermé le mercredi, le samedi et le dimanche) ; il en faut 5." in words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mon_0_start": "midi"}, "n’est pas une heure"),
        ({"mon_0_end": ""}, "Il manque cette heure"),
        ({"mon_0_start": "13h"}, "n’est pas après l’ouverture"),
        ({"mon_1_start": "11h"}, "se chevauchent"),
        ({"closures_count": "1", "closure_0_start": "2027-08-15", "closure_0_end": "2027-08-01"}, "précède le premier"),
        ({"closures_count": "1", "closure_0_start": "2027-08-15"}, "premier et le dernier jour"),
    ],
)
def test_wrong_hours_are_said_and_kept_on_the_page(page, draft, fields, words):
    response = page.post(step(draft, "horaires"), week(**fields))
    assert response.status_code == 422
    assert words in text(response)
    assert 'value="18h' in text(response)
    draft.refresh_from_db()
    assert (draft.version, draft.answers["hours"]) == (1, {})


def test_monday_is_copied_without_javascript_and_without_being_kept(page, draft):
    response = page.post(
        step(draft, "horaires"),
        {
            "version": "1",
            "closures_count": "0",
            "mon_0_start": "9h",
            "mon_0_end": "12h",
            "sat_0_start": "10h",
            "act": "copy-",
        },
    )
    words = text(response)
    assert "Horaires du lundi recopiés du mardi au vendredi" in words
    assert words.count('value="9h"') == 5
    assert 'value="10h"' in words
    draft.refresh_from_db()
    assert draft.version == 1


def test_a_closed_day_counts_as_closed(page, draft):
    page.post(step(draft, "horaires"), week(fri_closed="on"))
    draft.refresh_from_db()
    assert set(draft.answers["hours"]) == {"mon", "tue", "thu"}


def test_times_typed_beside_a_box_already_ticked_open_the_day(page, draft):
    page.post(step(draft, "horaires"), week())
    assert 'name="sat_closed" checked' in re.sub(
        r' (class|id|aria-\w+)="[^"]*"', "", text(page.get(step(draft, "horaires")))
    )
    page.post(step(draft, "horaires"), week(version="2", sat_closed="on", sat_0_start="9h", sat_0_end="12h"))
    draft.refresh_from_db()
    assert draft.answers["hours"]["sat"] == [["09:00", "12:00"]]


def test_rows_of_the_team_are_added_and_removed_without_being_kept(page, draft):
    address = step(draft, "equipe")
    data = {
        "version": "1",
        "team_count": "2",
        "m0_profession": "doctor",
        "m0_name": "Dr Maquette",
        "m0_h0": "on",
        "m1_profession": "nurse",
        "m1_name": "Mme Exemplaire",
        "m1_h3": "on",
    }
    added = text(page.post(address, {**data, "act": "add-team"}))
    assert 'name="m2_profession"' in added
    assert "Dr Maquette" in added
    removed = text(page.post(address, {**data, "act": "remove-team-0"}))
    assert 'name="m1_profession"' not in removed
    assert "Mme Exemplaire" in removed
    assert "Dr Maquette" not in removed
    assert focused(added) == ["m2_profession"]
    assert focused(removed) == ["Professionnels"]
    draft.refresh_from_db()
    assert draft.version == 1


def test_a_team_is_kept_and_its_sectors_are_asked_once(page, draft):
    data = {
        "version": "1",
        "team_count": "3",
        "m0_profession": "doctor",
        "m0_name": "Dr Maquette",
        "m0_sector": "1",
        "m0_h0": "on",
        "m0_h10": "on",
        "m0_on_site": "oui",
        "m1_profession": "nurse",
        "m1_on_site": "non",
        "m1_minutes": "6",
    }
    assert page.post(step(draft, "equipe"), data).url == step(draft, "tarifs")
    draft.refresh_from_db()
    assert [(row["profession"], row["half_days"], row["minutes"]) for row in draft.answers["team"]] == [
        ("doctor", [0, 10], None),
        ("nurse", [], 6),
    ]
    assert "Samedi matin" in text(page.get(step(draft, "equipe")))
    shown = text(page.get(step(draft, "tarifs")))
    assert "Secteur : Dr Maquette" in shown
    page.post(step(draft, "tarifs"), {"version": "2", "sector_0": "optam", "overrun": "non", "third_party": "oui"})
    draft.refresh_from_db()
    assert draft.answers["team"][0]["sector"] == "optam"
    assert draft.answers["fees"]["overrun"] is False


@pytest.mark.parametrize(
    ("slug", "data", "words"),
    [
        ("equipe", {"team_count": "1", "m0_name": "Quelqu’un"}, "Choisissez la profession"),
        ("identite", {"exact": "non", "name": "A", "email": "a@exemple.invalid"}, "Dites ce qui a changé"),
        ("identite", {"exact": "oui", "name": "", "email": "a@exemple.invalid"}, "à corriger"),
    ],
)
def test_wrong_answers_are_said(page, draft, slug, data, words):
    response = page.post(step(draft, slug), {"version": "1", **data})
    assert response.status_code == 422
    assert words in text(response)
    draft.refresh_from_db()
    assert draft.version == 1


def test_a_stale_page_keeps_the_input_and_can_be_taken_up(page, draft):
    page.post(step(draft, "permanence"), {"version": "1", "sas": "oui"})
    response = page.post(step(draft, "horaires"), week())
    assert response.status_code == 409
    words = text(response)
    assert "Reprendre ma saisie" in words
    assert 'value="8h30"' in words
    assert 'name="version" value="2"' in words
    assert "Ce qui est enregistré" in words
    draft.refresh_from_db()
    assert draft.answers["hours"] == {}
    page.post(step(draft, "horaires"), week(version="2"))
    draft.refresh_from_db()
    assert len(draft.answers["hours"]) == 4


def test_input_posted_after_the_session_ended_waits_for_the_person(draft, owner):
    client = PortalClient()
    client.lose_session(owner.user)
    response = client.post(step(draft, "horaires"), week())
    assert response.status_code == 302
    assert response.url.startswith("/connexion/?next=/dossiers/")
    client.force_login(owner.user)
    words = text(client.get(step(draft, "horaires")))
    assert "Votre session avait pris fin" in words
    assert 'value="8h30"' in words
    client.post(step(draft, "horaires"), week())
    draft.refresh_from_db()
    assert len(draft.answers["hours"]) == 4
    assert "Votre session" not in text(client.get(step(draft, "horaires")))


def test_what_was_kept_as_it_was_typed_afterwards_is_not_hidden_by_it(draft, owner):
    client = PortalClient()
    client.lose_session(owner.user)
    client.post(step(draft, "horaires"), week())
    client.force_login(owner.user)
    client.post(reverse("application-autosave", args=[draft.number, "horaires"]), week(mon_0_start="7h15"))
    words = text(client.get(step(draft, "horaires")))
    assert "Votre session" not in words
    assert 'value="07:15"' in words


def test_a_task_is_kept_as_it_is_typed_and_nothing_is_said_twice(page, draft):
    address = reverse("application-autosave", args=[draft.number, "horaires"])
    response = page.post(address, week())
    draft.refresh_from_db()
    words = text(response)
    assert "il en faut 5" in words
    assert "Enregistré le" in words
    assert (draft.version, len(draft.answers["hours"]), response["HX-Trigger"]) == (2, 4, "kept")
    assert 'name="version" value="2"' in response.content.decode()
    shown = re.search(r'name="shown" value="([^"]*)"', response.content.decode())[1]
    same = page.post(address, week(shown=shown, version=2))
    draft.refresh_from_db()
    assert (same["HX-Reswap"], draft.version) == ("none", 2)
    more = page.post(address, week(shown=shown, version=2, wed_0_start="9h", wed_0_end="12h"))
    assert "5 jours" in text(more)
    assert "HX-Reswap" not in more


def test_what_is_not_right_yet_is_not_kept(page, draft):
    address = reverse("application-autosave", args=[draft.number, "horaires"])
    response = page.post(address, week(wed_0_start="9h3", wed_0_end="x"))
    draft.refresh_from_db()
    assert "une réponse reste à corriger" in text(response)
    assert "il en faut 5" in text(response)
    assert (draft.version, draft.answers["hours"], "HX-Trigger" in response) == (1, {}, False)


def test_patient_data_is_not_kept_as_it_is_typed(page, draft):
    address = reverse("application-autosave", args=[draft.number, "tarifs"])
    response = page.post(address, {"version": 1, "details": f"Mme Exemplaire, {samples.NIR}"})
    draft.refresh_from_db()
    assert "Pas encore enregistré" in text(response)
    assert "Ce texte semble contenir un numéro de sécurité sociale" in text(response)
    assert (draft.version, draft.answers["fees"]["details"], "HX-Trigger" in response) == (1, "", False)


def test_an_autosave_never_overwrites_a_colleague(page, draft):
    address = reverse("application-autosave", args=[draft.number, "horaires"])
    page.post(address, week())
    stale = page.post(address, week(version=1, mon_0_start="10h"))
    draft.refresh_from_db()
    assert "Votre saisie n’est pas enregistrée" in text(stale)
    assert (draft.version, "HX-Trigger" in stale) == (2, False)
    assert 'name="version" value="1"' in stale.content.decode(), "the page still answers for what it showed"
    assert page.post(step(draft, "horaires"), week(version=1, mon_0_start="10h")).status_code == 409
    assert draft.answers["hours"]["mon"][0][0] == "08:30"


def test_an_autosave_without_session_says_so_to_the_browser(client, page, draft):
    address = reverse("application-autosave", args=[draft.number, "horaires"])
    client.logout()
    assert client.post(address, week()).status_code == 401
    assert page.get(address).status_code == 405
    assert signed_in(factories.user()).post(address, week()).status_code == 404


def test_what_the_browser_kept_is_shown_again(page, draft):
    response = page.post(step(draft, "horaires"), week(act="restore"))
    draft.refresh_from_db()
    assert "Votre saisie est reprise" in text(response)
    assert 'value="8h30"' in text(response)
    assert (draft.version, draft.answers["hours"]) == (1, {})


def test_signing_out_has_the_browser_forget(page):
    assert page.post(reverse("logout"))["Clear-Site-Data"] == '"storage"'


def test_an_editor_fills_in_but_does_not_submit(ready):
    editor = factories.membership(ready.structure, role=MembershipRole.EDITOR)
    client = signed_in(editor.user)
    assert client.post(step(ready, "permanence"), {"version": ready.version, "pdsa": "oui"}).status_code == 302
    response = client.get(step(ready, "relire"))
    assert "Seul le responsable" in text(response)
    assert client.post(step(ready, "relire"), {"version": ready.version + 1, "consent": "on"}).status_code == 403
    assert client.post(reverse("application-abandon", args=[ready.number]), {"version": 2}).status_code == 403
    ready.refresh_from_db()
    assert ready.state == ApplicationState.DRAFT


# Submission and page ---------------------------------------------------------------------------------------------


def submission(application):
    return {"version": application.version, "specification": application.specification_id, "consent": "on"}


def test_an_unfinished_file_shows_what_is_left_and_is_not_submitted(page, draft):
    response = page.get(step(draft, "relire"))
    assert "il reste à terminer" in text(response)
    assert "Déposer ma candidature" not in text(response)
    response = page.post(step(draft, "relire"), submission(draft))
    assert response.status_code == 422
    assert "Il reste à terminer" in text(response)


def test_a_file_is_submitted_once_and_its_page_says_the_delays(page, ready):
    assert "Déposer ma candidature" in text(page.get(step(ready, "relire")))
    post = submission(ready)
    response = page.post(step(ready, "relire"), post)
    assert response.url == ready.get_absolute_url()
    again = page.post(step(ready, "relire"), post, follow=True)
    assert "déjà" in text(again) or "est déposée" in text(again)
    ready.refresh_from_db()
    assert (ready.state, ready.version) == (ApplicationState.SUBMITTED, 2)
    assert Event.objects.filter(subject_type="application", action="submit").count() == 1
    words = text(page.get(ready.get_absolute_url()))
    assert "Déposé" in words
    assert "rejet implicite le" in words
    assert "service de l’accès aux soins" in words
    assert "Candidature déposée, accusé de réception envoyé" in words
    assert "Se désister" in words
    assert page.get(step(ready, "horaires")).url == ready.get_absolute_url()
    assert page.post(step(ready, "horaires"), week()).status_code == 302


def test_a_stale_review_is_said_and_keeps_the_consent(page, ready):
    response = page.post(step(ready, "relire"), {**submission(ready), "version": "7", "consent": ""})
    assert response.status_code == 409
    assert "checked" not in text(response)
    ready.refresh_from_db()
    assert ready.state == ApplicationState.DRAFT


def test_the_receipt_is_read_by_both_sides_only(page, ready):
    address = reverse("application-receipt", args=[ready.number])
    assert page.get(address).status_code == 404
    page.post(step(ready, "relire"), submission(ready))
    assert page.get(address).status_code == 202
    render_documents()
    response = page.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response.content.startswith(b"%PDF")
    assert signed_in(factories.mandate().user).get(address).status_code == 200
    assert signed_in(factories.user()).get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_an_agent_has_no_business_in_the_structure_s_pages(page, ready):
    page.post(step(ready, "relire"), submission(ready))
    agent = signed_in(factories.mandate().user)
    assert agent.get(step(ready, "horaires")).status_code == 403
    assert agent.get(reverse("application-abandon", args=[ready.number])).status_code == 403
    assert agent.get(reverse("structure-access", args=[ready.structure_id])).status_code == 403


@pytest.mark.parametrize(
    "state",
    [state for state in ApplicationState if state not in {"draft", "awaiting_signatures", "labelled", "refused"}],
)
def test_the_page_shows_every_state_without_decision(page, owner, state):
    application = factories.application(owner.structure, state=state, answers=WHOLE)
    response = page.get(application.get_absolute_url())
    assert response.status_code == 200
    assert "Lire la décision" not in text(response)
    assert page.get("/dossiers/").status_code == 200


def test_silence_is_told_with_its_remedies(page, owner):
    silence = timezone.localdate() - timedelta(days=10)
    application = factories.application(owner.structure, state=ApplicationState.UNDER_REVIEW, silence_date=silence)
    words = text(page.get(application.get_absolute_url()))
    assert "Rejet implicite" in words
    assert "réputée rejetée" in words
    assert long_date(appeal_deadline(silence)).replace("\u00a0", " ") in words


def test_a_desistement_has_its_page(page, ready):
    page.post(step(ready, "relire"), submission(ready))
    address = reverse("application-abandon", args=[ready.number])
    assert "ne se reprend pas" in text(page.get(address))
    ready.refresh_from_db()
    assert "Ce dossier a changé" in text(page.post(address, {"version": "1"}, follow=True))
    page.post(address, {"version": ready.version})
    ready.refresh_from_db()
    assert ready.state == ApplicationState.ABANDONED
    assert "Désistement" in text(page.get("/dossiers/"))


def test_a_draft_is_deleted_from_its_page(page, draft):
    address = reverse("application-abandon", args=[draft.number])
    assert "Vos réponses seront effacées" in text(page.get(address))
    page.post(address, {"version": "1"})
    assert not Application.objects.exists()


# Access ----------------------------------------------------------------------------------------------------------


def test_an_owner_invites_and_ends_an_access(page, owner):
    address = reverse("structure-access", args=[owner.structure_id])
    editor = factories.membership(owner.structure, role=MembershipRole.EDITOR)
    response = page.get(address)
    assert editor.user.email in text(response)
    assert len(primary_buttons(response)) == 1
    assert "a déjà accès" in text(page.post(address, {"act": "invite", "email": editor.user.email}))
    page.post(address, {"act": "invite", "email": "guest@exemple.invalid"})
    assert mail.outbox[-1].to == ["guest@exemple.invalid"]
    page.post(address, {"act": "end", "membership": editor.pk})
    editor.refresh_from_db()
    assert editor.ended_at is not None
    assert signed_in(editor.user).get(address).status_code == 404
    assert Invitation.objects.count() == 1


def test_pending_invitations_are_listed_renewed_and_cancelled(page, owner):
    address = reverse("structure-access", args=[owner.structure_id])
    invite = {"act": "invite", "email": "gest@exemple.invalid"}
    listed = text(page.post(address, invite, follow=True))
    row = Invitation.objects.get()
    sent, until = (long_date(day).replace("\u00a0", " ") for day in (row.created_at, row.expires_at))
    assert f"<strong>gest@exemple.invalid</strong>, invitation envoyée le {sent}, valable jusqu’au {until}." in listed
    assert "elle est renouvelée. Seul le nouveau lien sert." in text(page.post(address, invite, follow=True))
    link = re.search(r"http://testserver(/\S+)", mail.outbox[-1].body)[1]
    assert text(page.get(address)).count("Annuler l’invitation") == 1
    last = Invitation.objects.latest("pk")
    after = page.post(address, {"act": "cancel", "invitation": last.pk}, follow=True)
    assert "L’invitation de gest@exemple.invalid est annulée" in text(after)
    assert "Invitations en attente" not in text(after)
    assert "Cette invitation a été annulée" in text(Client().get(link))
    elsewhere = factories.membership()
    other = invite_editor(membership=elsewhere, email="autre@exemple.invalid", at=timezone.now()).invitation
    assert page.post(address, {"act": "cancel", "invitation": other.pk}).status_code == 404
    assert list(Invitation.objects.pending(timezone.now())) == [other]


def test_an_invitation_that_could_not_leave_is_not_pending(page, owner, monkeypatch):
    def broken(*_args, **_kwargs):
        raise OSError

    monkeypatch.setattr("labelling.views.claims.send_invitation", broken)
    address = reverse("structure-access", args=[owner.structure_id])
    shown = text(page.post(address, {"act": "invite", "email": "guest@exemple.invalid"}))
    assert "n’a pas pu partir" in shown
    assert "Invitations en attente" not in shown


def test_an_editor_and_strangers_change_no_access(owner):
    address = reverse("structure-access", args=[owner.structure_id])
    editor = factories.membership(owner.structure, role=MembershipRole.EDITOR)
    assert signed_in(editor.user).get(address).status_code == 200
    assert signed_in(editor.user).post(address, {"act": "end", "membership": owner.pk}).status_code == 403
    assert signed_in(factories.user()).get(address).status_code == 404
    assert signed_in(factories.mandate().user).get(address).status_code == 403


def test_an_invited_colleague_reads_the_structure_s_name_and_enters_at_once(page, owner, mailoutbox):
    page.post(
        reverse("structure-access", args=[owner.structure_id]), {"act": "invite", "email": "guest@exemple.invalid"}
    )
    (mail,) = mailoutbox
    link = re.search(r"/invitation/\S+", mail.body)[0]
    client = signed_in(factories.user("guest@exemple.invalid"))
    for said in (mail.body, text(client.get(link))):
        assert f"les dossiers de {owner.structure.name} ({owner.structure.commune.name})" in said
    home = text(client.post(link, follow=True))
    assert owner.structure.name in home
    assert "relié à aucune structure" not in home
    assert Membership.objects.get(user__email="guest@exemple.invalid").role == MembershipRole.EDITOR


def test_an_owner_settles_a_claim(page, owner):
    line = owner.structure.register_line
    person = factories.user()
    newcomer = signed_in(person)
    newcomer.post(reverse("claim", args=[line.pk]))
    claim = Claim.objects.get()
    address = reverse("structure-access", args=[owner.structure_id])
    assert person.email in text(page.get(address))
    page.post(address, {"act": "settle", "claim": claim.pk, "decision": "confirmer"})
    assert Membership.objects.get(user=person).role == MembershipRole.EDITOR


@pytest.mark.parametrize("number", ["abc", "²", "", "-1", "99999999999999999999"])
def test_a_wrong_hidden_number_is_no_server_error(page, owner, draft, number):
    access = reverse("structure-access", args=[owner.structure_id])
    assert page.post(access, {"act": "end", "membership": number}).status_code == 404
    assert page.post(access, {"act": "settle", "claim": number}).status_code == 404
    assert page.post(step(draft, "permanence"), {"version": number, "sas": "oui"}).status_code == 409
    assert page.post(step(draft, "relire"), {"version": number, "specification": number}).status_code in {409, 422}
    assert page.post(step(draft, "equipe"), {"team_count": number, "act": "add-team"}).status_code == 200
    assert page.post(step(draft, "horaires"), {"closures_count": number, "act": "add-closures"}).status_code == 200


def test_what_is_wrong_in_a_row_names_its_professional_and_keeps_the_input(page, draft):
    row = {"m1_profession": "nurse", "m1_name": "Mme Exemple", "m1_on_site": "non", "m1_minutes": "-5"}
    refused = page.post(step(draft, "equipe"), {"version": "1", "team_count": "2", "m0_profession": "doctor", **row})
    assert refused.status_code == 422
    words = text(refused)
    assert "Professionnel 2 (Mme Exemple), Trajet en minutes, si à proximité : Écrivez un nombre de minutes" in words
    assert 'value="-5"' in refused.text
    draft.refresh_from_db()
    assert not draft.answers.get("team")


def test_a_text_that_is_too_long_is_refused_whole_and_never_cut(page, draft):
    long = "x" * 1501
    refused = page.post(step(draft, "permanence"), {"version": "1", "pdsa": "non", "sas": "non", "details": long})
    assert refused.status_code == 422
    assert "Ce texte compte 1501 caractères, pour 1500 au plus" in text(refused)
    assert long in refused.text
    area = refused.text.partition('name="details"')[2].partition(">")[0]
    assert 'data-limit="1500"' in area
    assert "maxlength" not in area, "the browser would cut"
    lines = "\r\n".join(["x" * 149] * 10)
    kept = page.post(step(draft, "permanence"), {"version": "1", "pdsa": "non", "sas": "non", "details": lines})
    assert kept.status_code == 302, "a line break is one character"


def test_a_task_whose_criterion_asks_for_no_piece_shows_no_block(page, draft):
    assert "Pièces utiles" not in text(page.get(step(draft, "tarifs")))
    assert "Pièces utiles" in text(page.get(step(draft, "equipe")))
