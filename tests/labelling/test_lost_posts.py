"""What a person posted after their session had ended waits for them; addresses that only receive forms lead somewhere."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from labelling.models import CriterionAssessment, Membership, Message, Note
from territories.choices import AuthorityKind
from territories.services.lost_posts import ACCOUNT_COOKIE, LOST_POSTS, MOST_CHARACTERS, MOST_POSTS
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
REASON = "Le planning du mercredi manque."
WAITS = "Votre session avait pris fin"


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.NOW)


@pytest.fixture
def criterion(file):
    """A criterion that the page would not open by itself."""
    return file.specification.criteria.filter(kind="criterion").order_by("position")[2]


def act(file, action="apprecier"):
    return reverse("application-act", args=[file.number, action])


def verdict(file, mandate, criterion, **fields):
    said = {"criterion": criterion.code, "verdict": "not_met", "reason": REASON}
    return {"mandate": mandate.pk, "version": file.version, **said, **fields}


# Kept ---------------------------------------------------------------------------------------------------------------


def test_a_verdict_posted_without_session_is_in_its_form_again(client, file, ars, criterion):
    client.lose_session(ars.user)
    lost = client.post(act(file), verdict(file, ars, criterion))
    assert lost.url == f"/connexion/?next={act(file)}"
    client.force_login(ars.user)
    page = client.get(act(file), follow=True)
    assert page.redirect_chain == [(file.get_absolute_url(), 302)]
    assert WAITS in page.text
    assert f'name="criterion" value="{criterion.code}"' in page.text
    assert f"{REASON}</textarea>" in page.text
    assert 'value="not_met" checked' in page.text
    assert f'<blockquote class="fr-ml-0 fr-mb-2w fs-text">{REASON}</blockquote>' in page.text
    assert not CriterionAssessment.objects.exists()


def test_it_waits_until_the_form_is_accepted(client, file, ars, criterion):
    client.lose_session(ars.user)
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    refused = client.post(act(file), verdict(file, ars, criterion, verdict=""))
    assert refused.status_code == 422
    assert WAITS in client.get(file.get_absolute_url()).text
    client.post(act(file), verdict(file, ars, criterion))
    assert CriterionAssessment.objects.get().reason == REASON
    assert LOST_POSTS not in client.session
    assert WAITS not in client.get(file.get_absolute_url()).text


def test_another_criterion_asked_for_is_not_filled_with_it(client, file, ars, criterion):
    client.lose_session(ars.user)
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    other = file.specification.criteria.filter(kind="criterion").order_by("position")[0]
    page = client.get(f"{file.get_absolute_url()}?critere={other.code}")
    assert f'name="criterion" value="{other.code}"' in page.text
    assert f"{REASON}</textarea>" not in page.text
    assert WAITS in page.text


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("note", [], "text"),
        ("thread", [], "text"),
        ("application-questions", [], "question"),
        ("disagreement-act", ["consigner"], "cr-text"),
        ("appeal-act", ["repondre"], "repondre-answer"),
    ],
)
def test_what_was_written_in_any_form_of_a_file_is_shown_on_its_page(client, file, ars, name, arguments, field):
    client.lose_session(ars.user)
    client.post(reverse(name, args=[file.number, *arguments]), {"mandate": ars.pk, field: "Appeler\nla <structure>."})
    client.force_login(ars.user)
    page = client.get(file.get_absolute_url())
    assert "Appeler<br>la &lt;structure&gt;.</blockquote>" in page.text
    assert not Note.objects.exists()


def test_it_is_shown_on_the_pages_of_its_file_only(client, file, ars):
    client.lose_session(ars.user)
    client.post(reverse("note", args=[file.number]), {"mandate": ars.pk, "text": "Appeler la structure."})
    client.force_login(ars.user)
    assert WAITS in client.get(reverse("thread", args=[file.number])).text
    assert WAITS not in client.get("/dossiers/").text


def test_its_author_sets_it_aside(client, file, ars, criterion):
    client.lose_session(ars.user)
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    gone = client.post(reverse("lost-post-forget"), {"next": file.get_absolute_url()})
    assert gone.url == file.get_absolute_url()
    assert WAITS not in client.get(gone.url).text
    assert client.post(reverse("lost-post-forget"), {"next": "https://ailleurs.invalid/"}).url == reverse("account")


# For its author only ------------------------------------------------------------------------------------------------


def test_another_person_who_signs_in_erases_it(client, file, ars, criterion):
    client.lose_session(ars.user)
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(make.mandate(AuthorityKind.ARS, person=make.user("autre@ars.invalid")).user)
    page = client.get(file.get_absolute_url())
    assert page.status_code == 200
    assert REASON not in page.text
    assert LOST_POSTS not in client.session


def test_nobody_reads_it_before_the_second_factor(client, file, ars, criterion):
    client.lose_session(ars.user)
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user, verified=False)
    assert REASON not in client.get(file.get_absolute_url(), follow=True).text
    client.force_login(ars.user)
    assert REASON in client.get(file.get_absolute_url()).text


def test_signing_out_erases_it_and_whose_it_was(client, file, ars, criterion):
    client.lose_session(ars.user)
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    client.post(reverse("logout"))
    assert client.cookies[ACCOUNT_COOKIE].value == ""
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    assert WAITS not in client.get(file.get_absolute_url()).text


def test_the_cookie_of_another_account_cannot_be_made_up(client, file, ars, criterion):
    client.cookies[ACCOUNT_COOKIE] = str(ars.user.pk)
    client.post(act(file), verdict(file, ars, criterion))
    assert LOST_POSTS not in client.session


@pytest.mark.parametrize(
    "posted", [{"interest": "none"}, {"text": "un mot " * MOST_CHARACTERS}], ids=["nothing written", "too long"]
)
def test_what_is_not_kept(client, file, ars, posted):
    client.lose_session(ars.user)
    assert client.post(reverse("note", args=[file.number]), {"mandate": ars.pk, **posted}).status_code == 302
    assert LOST_POSTS not in client.session


def test_passwords_and_codes_are_never_kept(client, ars):
    client.lose_session(ars.user)
    client.post(
        reverse("password-change"), {"old_password": "quatre mots de passe", "new_password1": "cinq mots de passe ici"}
    )
    assert LOST_POSTS not in client.session
    client.post("/dossiers/x/notes/", {"text": "Deux mots.", "code": "123 456", "csrfmiddlewaretoken": "a b"})
    assert [row["data"] for row in client.session[LOST_POSTS]] == ["text=Deux+mots."]


def test_several_texts_wait_and_the_first_leave_first(client, file, ars):
    address = reverse("thread", args=[file.number])
    client.lose_session(ars.user)
    said = [f"Message numéro {rank}." for rank in range(MOST_POSTS + 1)]
    for text in (*said, said[-1]):
        client.post(address, {"mandate": ars.pk, "text": text})
    client.force_login(ars.user)
    page = client.get(file.get_absolute_url()).text
    assert [text in page for text in said] == [False, *[True] * MOST_POSTS]
    client.post(address, {"mandate": ars.pk, "text": said[3]})
    waiting = str(client.session[LOST_POSTS])
    assert [said[rank].replace(" ", "+").replace("é", "%C3%A9") in waiting for rank in (2, 3, 4)] == [True, False, True]


# A structure's --------------------------------------------------------------------------------------------------------


@pytest.fixture
def member(file):
    return make.membership(file.structure)


def test_a_message_is_in_its_form_again_and_its_file_is_asked_for(client, file, member):
    address = reverse("thread", args=[file.number])
    client.lose_session(member.user)
    piece = SimpleUploadedFile("planning.pdf", make.blank_pdf())
    lost = client.post(address, {"text": "Le planning est joint.", "document_date": "2026-11-10", "file": piece})
    assert "gardé" in client.get(lost.url).text
    client.force_login(member.user)
    page = client.get(address).text
    assert "Le planning est joint.</textarea>" in page
    assert "Votre saisie est de nouveau dans le formulaire" in page
    assert "joignez-le de nouveau" in page
    assert Message.objects.count() == 0
    client.post(address, {"text": "Le planning est joint, ici."})
    assert Message.objects.get().text == "Le planning est joint, ici."
    assert LOST_POSTS not in client.session


def test_it_is_kept_from_a_colleague_and_from_who_lost_access(client, file, member):
    address, text = reverse("thread", args=[file.number]), "Le planning est joint."
    client.lose_session(member.user)
    client.post(address, {"text": text})
    client.force_login(make.membership(file.structure, role="editor").user)
    assert text not in client.get(address).text
    assert LOST_POSTS not in client.session
    client.lose_session(member.user)
    client.post(address, {"text": text})
    Membership.objects.filter(pk=member.pk).update(ended_at=make.NOW)
    client.force_login(member.user)
    gone = client.get(address)
    assert (gone.status_code, text in gone.text) == (404, False)


def test_a_text_whose_form_is_no_longer_offered_is_shown_by_the_page(client, file, ars, member):
    address = reverse("appeal-act", args=[file.number, "former"])
    client.lose_session(member.user)
    client.post(address, {"former-text": "Nous contestons le critère 3."})
    client.force_login(member.user)
    page = client.get(address, follow=True)
    assert page.redirect_chain == [(reverse("appeals", args=[file.number]), 302)]
    assert "Nous contestons le critère 3." in page.text


# Addresses that only receive forms -----------------------------------------------------------------------------------


def test_opened_by_itself_an_address_of_a_form_leads_to_its_page(client, file, ars):
    client.force_login(ars.user)
    number = file.number
    for address, page in {
        act(file): "application",
        reverse("note", args=[number]): "application",
        reverse("interest", args=[number]): "application",
        reverse("thread-read", args=[number]): "thread",
        reverse("disagreement-act", args=[number, "consigner"]): "disagreement",
        reverse("appeal-act", args=[number, "repondre"]): "appeals",
    }.items():
        assert client.get(address).url == reverse(page, args=[number])
    assert client.get(reverse("label-act", args=["FS-98-0001", "clore"])).url == reverse("label", args=["FS-98-0001"])


def test_out_of_scope_it_leads_to_nothing(client, file):
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Ailleurs", "R2"))
    client.force_login(elsewhere.user)
    assert client.get(act(file), follow=True).status_code == 404


# The page of a refused method ----------------------------------------------------------------------------------------


def test_a_refused_method_has_a_page(client, file, ars):
    client.force_login(ars.user)
    refused = client.put(act(file))
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, POST")
    assert "Cette adresse ne s’ouvre pas" in refused.text
    assert f'href="{file.get_absolute_url()}">Ouvrir le dossier {file.number}</a>' in refused.text


def test_without_a_number_it_leads_home():
    refused = PortalClient().get(reverse("logout"))
    assert refused.status_code == 405
    assert "Revenir à l’accueil" in refused.text
    assert "Ouvrir" not in refused.text.partition("<main")[2].partition("</main>")[0]


def test_the_api_refuses_in_json(client):
    refused = client.post(reverse("api-datasets"))
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
