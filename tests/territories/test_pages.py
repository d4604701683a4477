"""Standing pages, error pages, and the administration."""

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.test import override_settings
from django.urls import include, path, reverse

from territories.choices import AuthorityKind, Subject
from territories.models import Event, Mandate
from tests import factories as make
from tests.plugins.signed_in import PortalClient
from tests.territories.acts import propose
from tests.territories.test_accounts import text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/accessibilite/", "Le portail n’est pas conforme"),
        ("/accessibilite/", "Défenseur des droits"),
        ("/mentions-legales/", "AGPL-3.0-or-later"),
        ("/donnees-personnelles/", "aucune donnée de patient"),
        ("/connexion/", "Se connecter"),
        ("/mot-de-passe/oubli/", "Envoyer le lien"),
    ],
)
def test_open_to_everybody(client, address, sentence):
    response = client.get(address)
    assert response.status_code == 200
    assert sentence in text(response)
    assert client.head(address).status_code == 200


def test_404_reveals_nothing(client):
    response = client.get("/nulle-part/")
    assert response.status_code == 404
    assert "Cette page n’existe pas, ou vos habilitations n’y donnent pas accès." in text(response)


def test_403_offers_another_mandate(client):
    person = make.user()
    make.mandate(AuthorityKind.ARS, person=person)
    client.force_login(person)
    assert "Changer d’habilitation" not in text(client.get("/compte/parapheur/"))
    make.mandate(AuthorityKind.PREFECTURE, person=person, signs=True)
    response = client.get("/compte/parapheur/")
    assert response.status_code == 403
    assert 'href="/compte/habilitations/?suite=/compte/parapheur/"' in response.content.decode()


def _breaks(request):
    raise RuntimeError


def _suspicious(request):
    raise SuspiciousOperation


urlpatterns = [path("panne/", _breaks), path("douteux/", _suspicious), path("", include(settings.ROOT_URLCONF))]


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [("/panne/", 500, "Ce qui était déjà enregistré est intact"), ("/douteux/", 400, "Rien n’a été enregistré")],
)
def test_errors_stand_alone(address, status, sentence, caplog):
    response = PortalClient(raise_request_exception=False).get(address)
    assert response.status_code == status
    assert sentence in text(response)


def test_another_host_is_refused(client):
    response = client.get("/", headers={"host": "ailleurs.invalid"})
    assert (response.status_code, "Rien n’a été enregistré" in text(response)) == (400, True)


# Administration --------------------------------------------------------------------------------------------------


@pytest.fixture
def boss(client):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


OURS = [model for model in admin.site._registry if model._meta.app_label == "territories"]
READ_ONLY = {
    "decision",
    "delivery",
    "event",
    "eventseal",
    "invitation",
    "notification",
    "signature",
    "signaturerefusal",
    "signingrule",
}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_lists_open_and_nothing_is_deleted(boss, model):
    name = model._meta.model_name
    make.mandate(signs=True)
    propose()
    assert boss.get(reverse(f"admin:territories_{name}_changelist")).status_code == 200
    row = model.objects.first()
    if row is not None:
        assert boss.get(reverse(f"admin:territories_{name}_change", args=[row.pk])).status_code == 200
        assert boss.post(reverse(f"admin:territories_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    if name in READ_ONLY:
        assert boss.get(reverse(f"admin:territories_{name}_add")).status_code == 403


def test_ending_a_mandate_leaves_an_event(boss):
    mandate = make.mandate(AuthorityKind.ARS)
    address = reverse("admin:territories_mandate_change", args=[mandate.pk])
    data = {"valid_0": "2025-10-01", "valid_1": "2026-11-20", "signing_as": "", "role": "national"}
    assert boss.post(address, data).status_code == 302
    mandate = Mandate.objects.get()
    assert (str(mandate.valid.upper), mandate.role) == ("2026-11-20", "agent")
    event = Event.objects.about(Subject.MANDATE, mandate.pk).get()
    assert (event.action, event.data["changed"]) == ("administer", ["valid"])
