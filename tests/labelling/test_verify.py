"""Anyone verifies a label: what is told, when, and to how many."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelling.models import Label
from labelling.views.verify import as_number
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw

NOW = make.NOW


@pytest.fixture(autouse=True)
def sunday(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    cache.clear()


@pytest.fixture
def label(db):
    return make_label()


def text(response):
    return response.text.replace("\u00a0", " ").replace("&nbsp;", " ")


@pytest.mark.parametrize(
    ("typed", "number"),
    [(" lfs 98 00001 ", "LFS-98-00001"), ("LFS–98–00001", "LFS-98-00001"), ("lfs-2a-00012", "LFS-2A-00012"), (" ", "")],
)
def test_a_number_is_read_as_people_type_it(typed, number):
    assert as_number(typed) == number


def test_a_number_leads_to_the_page_of_its_label(client, label):
    response = client.get("/verifier/", {"numero": f" {label.number.lower()} "}, follow=True)
    assert response.redirect_chain == [(f"/verifier/{label.number}/", 302)]
    page = text(response)
    for sentence in (
        "Labellisé France Santé",
        label.structure.name,
        "22 novembre 2026",
        "21 novembre 2029",
        "version 1.0",
        "L’absence du label ne dit rien de la qualité des soins.",
    ):
        assert sentence in page
    assert label.structure.email not in page


def test_nothing_typed_is_said(client, db):
    assert client.get("/verifier/").status_code == 200
    assert "Écrivez le numéro" in client.get("/verifier/", {"numero": " "}).text


def test_a_label_that_ended_says_how(client, label, settings):
    settings.LABEL_YEARS = 1
    ended = make_label(at=NOW.replace(year=2025))
    withdraw(label, at=NOW - timedelta(hours=1))
    for row, sentence in ((ended, "Label terminé le 21 novembre 2026"), (label, "Label retiré le 22 novembre 2026")):
        page = text(client.get(f"/verifier/{row.number}/"))
        assert sentence in page
        assert "Labellisé France Santé" not in page
        assert f"/lieux/{row.number}/" not in page


def test_unknown_and_not_notified_look_the_same(client, label):
    Label.objects.filter(pk=label.pk).update(notified_at=None)
    hidden, absent = client.get(f"/verifier/{label.number}/"), client.get("/verifier/LFS-98-99999/")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert "Aucun label publié ne porte le numéro LFS-98-99999" in absent.text
    assert len(hidden.content) == len(absent.content)


def test_a_machine_that_tries_them_all_is_slowed_down(client, label, settings):
    settings.TRUSTED_PROXIES = 1
    address = f"/verifier/{label.number}/"
    for _ in range(60):
        assert client.get(address, HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 200
    refused = client.get(address, HTTP_X_FORWARDED_FOR="192.0.2.1")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert label.structure.name not in refused.text
    assert client.get(address, HTTP_X_FORWARDED_FOR="192.0.2.2").status_code == 200


def test_verifying_costs_one_query_beside_the_shell(client, label):
    client.get(f"/verifier/{label.number}/")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/verifier/{label.number}/").status_code == 200
    assert len(captured) <= 3
