"""Presence: who else has the file open, between insiders only, gone when their page is."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.services import presence
from labelling.services.presence import GONE_AFTER, WATCH, arrive
from territories.choices import AuthorityKind, Role
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    cache.clear()


@pytest.fixture
def file():
    return make.application(state=State.UNDER_REVIEW)


def names(application, mandate, at=NOW):
    return [(reader.name, reader.service) for reader in arrive(application=application, mandate=mandate, at=at)]


def client_of(mandate):
    client = PortalClient()
    client.force_login(mandate.user)
    return client


def test_each_sees_the_others_and_since_when(file):
    ars, prefecture = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.PREFECTURE)
    national = make.mandate(AuthorityKind.NATIONAL)
    assert names(file, ars) == []
    assert names(file, prefecture, NOW + timedelta(minutes=1)) == [(ars.user.full_name, "ARS")]
    arrive(application=file, mandate=ars, at=NOW + timedelta(minutes=2))
    seen = arrive(application=file, mandate=national, at=NOW + timedelta(minutes=2))
    assert [(reader.service, reader.since) for reader in seen] == [
        ("ARS", NOW),
        ("préfecture", NOW + timedelta(minutes=1)),
    ]
    assert names(file, ars)[1] == (national.user.full_name, "équipe nationale")
    assert names(make.application(state=State.UNDER_REVIEW), ars) == [], "another file is another room"


def test_the_others_neither_see_nor_are_seen(file):
    ars, partner = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER)
    names(file, ars)
    assert names(file, partner) == []
    assert names(file, ars) == []
    assert client_of(partner).get(reverse("presence", args=[file.number])).status_code == 403
    assert 'id="presence"' not in client_of(partner).get(file.get_absolute_url()).text


def test_who_is_gone_is_no_longer_named(file, monkeypatch):
    ars, prefecture = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.PREFECTURE)
    monkeypatch.setattr(presence, "GONE_AFTER", timedelta(0))
    names(file, ars)
    assert names(file, prefecture) == []
    assert timedelta(minutes=3) > GONE_AFTER


def test_the_page_says_it_and_goes_on_asking_for_a_while(file):
    ars, prefecture = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.PREFECTURE)
    client_of(ars).get(file.get_absolute_url())
    reader = client_of(prefecture)
    page = reader.get(file.get_absolute_url())
    assert f"{ars.user.full_name} (ARS) lit ce dossier depuis 10\u00a0h\u00a000." in page.text
    assert 'hx-trigger="every 60s"' in page.text
    beat = reader.get(reverse("presence", args=[file.number]), {"ouverte": int(NOW.timestamp())})
    assert ars.user.full_name in beat.text
    assert "every 60s" in beat.text
    old = reader.get(reverse("presence", args=[file.number]), {"ouverte": int((NOW - WATCH).timestamp())})
    assert "every" not in old.text, "a page left open does not keep its session alive for ever"
    for strange in ("", "demain", "9" * 30):
        assert reader.get(reverse("presence", args=[file.number]), {"ouverte": strange}).status_code == 200
