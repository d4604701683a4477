"""Sign-in, lock-out, passwords: clear messages, no enumeration, no open redirection."""

import re

import pytest
from axes.models import AccessAttempt
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return make.user("prune@exemple.invalid")


def sign_in(client, email="prune@exemple.invalid", password=make.PASSWORD, **data):
    return client.post("/connexion/", {"username": email, "password": password, **data})


def text(response):
    """What a page says, without its tags, with plain spaces."""
    body = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", body.replace("&nbsp;", " "))


def anonymised(response):
    return re.sub(r'csrfmiddlewaretoken" value="[^"]+|nonce="[^"]+|prune2?@', "", response.content.decode())


def test_right_password(client, person):
    response = sign_in(client, email="Prune@Exemple.invalid")
    assert response.status_code == 302
    assert response.url == "/compte/"
    assert client.session["_auth_user_id"] == str(person.pk)


def test_wrong_password_and_unknown_address_read_the_same(client, person):
    wrong = sign_in(client, password="pas-celui-ci")
    unknown = sign_in(client, email="prune2@exemple.invalid")
    assert wrong.status_code == unknown.status_code == 200
    assert anonymised(wrong) == anonymised(unknown)
    assert "ne vont pas ensemble" in text(wrong)
    assert 'value="prune@exemple.invalid"' in wrong.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_closed_account_does_not_sign_in(client, person):
    type(person).objects.update(is_active=False)
    assert "ne vont pas ensemble" in text(sign_in(client))


def test_an_incomplete_address_says_so(client):
    assert "Cette adresse est incomplète" in text(sign_in(client, email="prune"))
    assert "Saisissez votre mot de passe" in text(sign_in(client, password=""))


def test_five_failures_stop_the_account_and_not_the_others(client, person):
    other = make.user("autre@exemple.invalid")
    for _ in range(4):
        assert sign_in(client, password="non").status_code == 200
    locked = sign_in(client, password="non")
    assert locked.status_code == 429
    assert "Connexion arrêtée pour 15 minutes" in text(locked)
    assert "Choisissez-en un nouveau" in text(locked)
    assert sign_in(client).status_code == 429
    assert sign_in(PortalClient(), email=other.email).status_code == 302
    AccessAttempt.objects.update(attempt_time=timezone.now() - timezone.timedelta(minutes=15, seconds=1))
    assert sign_in(client).status_code == 302


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ("/lieux/?q=a", "/lieux/?q=a"),
        ("https://ailleurs.invalid/", "/compte/"),
        ("//ailleurs.invalid/", "/compte/"),
        ("/\\ailleurs.invalid", "/compte/"),
        ("javascript:alert(1)", "/compte/"),
        ("http:///ailleurs.invalid", "/compte/"),
        ("", "/compte/"),
    ],
)
def test_one_comes_back_inside_the_portal_only(client, person, asked, target):
    assert sign_in(client, next=asked).url == target
    assert client.get("/connexion/", {"next": asked}).url == target


def test_a_page_asks_to_sign_in_and_is_found_again(client, person):
    response = client.get("/compte/habilitations/?suite=/dossiers/")
    assert response.url == "/connexion/?next=/compte/habilitations/%3Fsuite%3D/dossiers/"
    page = client.get(response.url).content.decode()
    assert 'name="next" value="/compte/habilitations/?suite=/dossiers/"' in page


def test_signing_out_takes_a_post(client, person):
    client.force_login(person)
    assert client.get("/deconnexion/").status_code == 405
    assert client.post("/deconnexion/").url == "/"
    assert "_auth_user_id" not in client.session


def test_without_its_token_a_form_is_refused_kindly(person):
    client = PortalClient(enforce_csrf_checks=True)
    response = sign_in(client)
    assert response.status_code == 403
    assert "Votre envoi n’est pas passé" in text(response)
    assert "rien n’est perdu" in text(response)


# Passwords -------------------------------------------------------------------------------------------------------

NEW = "cinq-mots-sans-aucun-lien"


def ask_for_link(client, email="prune@exemple.invalid"):
    response = client.post(reverse("password-reset"), {"email": email})
    assert response.url == reverse("password-reset-sent")
    return client.get(response.url)


def link_in_mail():
    (message,) = mail.outbox
    return re.search(r"http://testserver(/\S+)", message.body)[1]


def test_a_forgotten_password(client, person):
    ask_for_link(client, "PRUNE@exemple.invalid")
    assert mail.outbox[0].to == ["prune@exemple.invalid"]
    assert mail.outbox[0].subject == "Choisir un nouveau mot de passe sur le portail France Santé"
    link = link_in_mail()
    form = client.get(link, follow=True)
    assert "Nouveau mot de passe" in text(form)
    done = client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW}, follow=True)
    assert "Votre mot de passe est changé" in text(done)
    assert sign_in(client).status_code == 200
    assert sign_in(client, password=NEW).status_code == 302
    again = PortalClient().get(link, follow=True)
    assert "Ce lien ne sert plus" in text(again)
    assert "Votre mot de passe n’a pas changé" in text(again)


def test_an_unknown_address_is_not_told_apart(client, person):
    known = ask_for_link(client)
    unknown = ask_for_link(client, "inconnue@exemple.invalid")
    assert text(known) == text(unknown)
    assert [message.to for message in mail.outbox] == [["prune@exemple.invalid"]]


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("court", "court", "au minimum 12 caractères"),
        (NEW, f"{NEW}x", "ne correspondent pas"),
        ("123456789012345", "123456789012345", "entièrement numérique"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(client, person, first, second, sentence):
    client.force_login(person)
    data = {"old_password": make.PASSWORD, "new_password1": first, "new_password2": second}
    response = client.post(reverse("password-change"), data)
    assert response.status_code == 200
    assert sentence in text(response)


def test_changing_the_password_keeps_this_session_and_ends_the_others(client, person):
    other = PortalClient()
    for session in (client, other):
        session.force_login(person)
    data = {"old_password": make.PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post(reverse("password-change"), data).url == "/compte/"
    assert client.get(reverse("mandates")).status_code == 200
    assert other.get(reverse("mandates")).status_code == 302
