"""The second factor: nobody acts for an authority without it, and it is confirmed again to sign."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.workflow import RefusedError
from territories.choices import AuthorityKind, Role
from territories.services.accounts import confirm_code, renew_recovery_codes
from tests import factories as make
from tests.territories.test_accounts import sign_in, text

pytestmark = pytest.mark.django_db

CODE, SETUP = "/connexion/code/", "/compte/second-facteur/"


def device(person):
    return TOTPDevice.objects.create(user=person, name="essai", confirmed=True)


def code_of(row, steps=0):
    """The code that the authenticator shows, ``steps`` half-minutes away."""
    totp = TOTP(row.bin_key)
    totp.time = timezone.now().timestamp() + 30 * steps
    return f"{totp.token():06}"


def wrong_code(row):
    return f"{(int(code_of(row)) + 111_111) % 1_000_000:06}"


@pytest.fixture
def agent():
    person = make.user("prune@exemple.invalid")
    make.mandate(person=person)
    return person


def test_an_agent_without_a_device_must_enrol_before_anything(client, agent):
    sign_in(client)
    for page in ("/", "/compte/", "/compte/habilitations/", "/accessibilite/"):
        response = client.get(page)
        assert response.status_code == 302
        assert response.url.startswith(f"{SETUP}?next=")
    assert client.post("/compte/habilitations/").url == SETUP
    assert client.get("/compte/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == SETUP


def test_enrolment_from_the_start_to_the_recovery_codes(client, agent):
    sign_in(client)
    intro = client.get(SETUP)
    assert "un second facteur est demandé" in text(intro)
    assert not TOTPDevice.objects.exists()
    assert client.post(SETUP, {"action": "begin", "next": "/dossiers/"}).url == f"{SETUP}?next=%2Fdossiers%2F"
    page = client.get(f"{SETUP}?next=/dossiers/").content.decode()
    row = TOTPDevice.objects.get()
    assert not row.confirmed
    assert 'src="data:image/svg+xml' in page
    refused = client.post(SETUP, {"action": "confirm", "code": wrong_code(row)})
    assert "n’est pas celui que votre application devrait afficher" in text(refused)
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    done = client.post(SETUP, {"action": "confirm", "code": code_of(row), "next": "/dossiers/"})
    codes = re.findall(r'<li class="fs-hash">([a-z2-7 ]+)</li>', done.content.decode())
    assert len(codes) == 10
    assert {code.replace(" ", "") for code in codes} == set(StaticToken.objects.values_list("token", flat=True))
    assert 'href="/dossiers/"' in done.content.decode()
    assert client.get("/compte/habilitations/").status_code == 200
    assert "Codes de secours" not in text(client.get(SETUP))


def test_with_a_device_the_code_is_asked_at_each_sign_in(client, agent):
    row = device(agent)
    sign_in(client)
    response = client.get("/compte/habilitations/")
    assert response.url == f"{CODE}?next=%2Fcompte%2Fhabilitations%2F"
    assert client.get(SETUP).url.startswith(CODE)
    done = client.post(CODE, {"code": f" {code_of(row)[:3]} {code_of(row)[3:]}", "next": "/compte/habilitations/"})
    assert done.url == "/compte/habilitations/"
    assert client.get("/compte/habilitations/").status_code == 200


def test_until_then_no_mandate_acts(rf, client, agent):
    device(agent)
    sign_in(client)
    page = client.get(CODE)
    assert page.wsgi_request.mandate is None
    assert page.wsgi_request.mandates == []
    assert "Vous agissez pour" not in text(page)


def test_a_used_code_does_not_serve_twice(client, agent):
    row = device(agent)
    code = code_of(row)
    assert confirm_code(user=agent, code=code) == row
    with pytest.raises(RefusedError, match="a déjà servi"):
        confirm_code(user=agent, code=code)


def test_wrong_codes_wait_longer_and_say_so(client, agent):
    row = device(agent)
    sign_in(client)
    assert "Ce code n’est pas le bon" in text(client.post(CODE, {"code": wrong_code(row)}))
    waiting = text(client.post(CODE, {"code": code_of(row)}))
    assert "Un code faux vient d’être saisi : attendez 1 seconde avant d’en saisir un autre." in waiting
    TOTPDevice.objects.update(throttling_failure_count=9, throttling_failure_timestamp=timezone.now())
    assert re.search(
        r"9 codes faux de suite viennent d’être saisis : attendez [45] minutes avant",
        text(client.post(CODE, {"code": code_of(row)})),
    )
    assert client.get("/compte/").url.startswith(CODE)


def test_a_recovery_code_serves_once(client, agent):
    device(agent)
    codes = renew_recovery_codes(user=agent)
    sign_in(client)
    done = client.post(CODE, {"code": codes[0].upper(), "next": SETUP}, follow=True)
    assert "il vous en reste 9" in text(done)
    client.post("/deconnexion/")
    sign_in(client)
    assert "Ce code n’est pas le bon" in text(client.post(CODE, {"code": codes[0]}))


def test_a_recovery_code_does_not_sign(agent):
    device(agent)
    codes = renew_recovery_codes(user=agent)
    with pytest.raises(RefusedError):
        confirm_code(user=agent, code=codes[0])


def test_another_persons_code_is_refused(agent):
    device(agent)
    stranger = make.user()
    with pytest.raises(RefusedError):
        confirm_code(user=agent, code=code_of(device(stranger)))


def test_a_structure_account_is_free_to_have_none(client):
    person = make.user("prune@exemple.invalid")
    sign_in(client)
    assert client.get(reverse("mandates")).status_code == 200
    assert "Facultatif pour votre compte" in text(client.get(SETUP))
    client.post(SETUP, {"action": "begin"})
    row = TOTPDevice.objects.get()
    client.post(SETUP, {"action": "confirm", "code": code_of(row)})
    client.post("/deconnexion/")
    sign_in(client)
    assert client.get(reverse("mandates")).url.startswith(CODE)
    TOTPDevice.objects.update(last_t=-1)
    client.post(CODE, {"code": code_of(row)})
    TOTPDevice.objects.update(last_t=-1)
    gone = client.post(SETUP, {"action": "remove", "code": code_of(row)}, follow=True)
    assert "Le second facteur est retiré" in text(gone)
    assert not TOTPDevice.objects.filter(user=person).exists()


def test_an_agent_may_change_the_device_and_not_give_it_up(client, agent):
    row = device(agent)
    client.force_login(agent)
    refused = client.post(SETUP, {"action": "remove", "code": code_of(row)})
    assert "obligatoire pour agir au nom d’une autorité" in text(refused)
    client.post(SETUP, {"action": "begin"})
    assert set(TOTPDevice.objects.values_list("confirmed", flat=True)) == {True, False}
    pending = TOTPDevice.objects.get(confirmed=False)
    client.post(SETUP, {"action": "confirm", "code": code_of(pending)})
    assert TOTPDevice.objects.get() == pending
    assert client.get(reverse("mandates")).status_code == 200


def test_an_observer_and_a_new_agent_owe_it_too(client):
    person = make.user("prune@exemple.invalid")
    sign_in(client)
    assert client.get(reverse("mandates")).status_code == 200
    make.mandate(AuthorityKind.COLLECTIVITE, person=person, role=Role.OBSERVER)
    assert client.get(reverse("mandates")).url.startswith(SETUP)


def test_the_administration_asks_for_it(client):
    boss = make.user("prune@exemple.invalid", is_staff=True, is_superuser=True)
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0] == "/connexion/?next=/admin/"
    sign_in(client)
    assert client.get("/admin/").url.startswith(SETUP)
    client.force_login(boss)
    assert client.get("/admin/").status_code == 200
    assert (
        client.get(reverse("admin:otp_totp_totpdevice_change", args=[TOTPDevice.objects.get().pk])).status_code == 200
    )


def test_the_administration_refuses_agents(client, agent):
    client.force_login(agent)
    assert client.get("/admin/", follow=True).status_code == 403
