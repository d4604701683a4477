"""Mandates: what a person sees with them, and which one they act with."""

from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from territories.choices import AuthorityKind, Role
from territories.models.people import departements_of
from territories.services.mandates import signatories_beside
from tests import factories as make
from tests.plugins.signed_in import PortalClient
from tests.territories.test_accounts import text

pytestmark = pytest.mark.django_db
PAGE = "/compte/habilitations/"
TODAY = date(2026, 11, 22)


@pytest.fixture
def two():
    """One person, agent in Essonnie and observer in Valfictie."""
    person = make.user("prune@exemple.invalid")
    first = make.mandate(AuthorityKind.PREFECTURE, person=person)
    second = make.mandate(
        AuthorityKind.COLLECTIVITE,
        person=person,
        role=Role.OBSERVER,
        on=make.departement("99", "Valfictie", region="R2"),
    )
    return person, first, second


def test_the_first_mandate_acts_until_another_is_chosen(client, two):
    person, first, second = two
    client.force_login(person)
    assert client.get(PAGE).wsgi_request.mandate == first
    response = client.post(PAGE, {"mandate": second.pk, "suite": "/accessibilite/"})
    assert response.url == "/accessibilite/"
    page = client.get(PAGE)
    assert page.wsgi_request.mandate == second
    assert "Vous agissez pour : Conseil départemental de Valfictie" in text(page)


def test_a_form_acts_with_the_mandate_it_was_shown_with(client, two):
    person, first, second = two
    client.force_login(person)
    client.post(PAGE, {"mandate": second.pk})
    response = client.post("/compte/habilitations/inviter/", {"mandate": first.pk})
    assert response.wsgi_request.mandate == first


def test_nobody_acts_with_the_mandate_of_another(client, two):
    person, first, _ = two
    stranger = make.mandate(AuthorityKind.NATIONAL)
    client.force_login(person)
    refused = client.post(PAGE, {"mandate": stranger.pk}, follow=True)
    assert "n’est plus en vigueur" in text(refused)
    assert client.get(PAGE).wsgi_request.mandate == first


def test_choosing_goes_back_inside_the_portal_only(client, two):
    person, _, second = two
    client.force_login(person)
    assert client.post(PAGE, {"mandate": second.pk, "suite": "https://ailleurs.invalid/"}).url == "/compte/"


def test_an_ended_mandate_is_listed_and_does_not_act(client):
    person = make.user()
    make.mandate(person=person, valid=DateRange(date(2025, 10, 1), TODAY))
    client.force_login(person)
    page = client.get(PAGE)
    assert "Hors période" in text(page)
    assert page.wsgi_request.mandate is None


def test_without_mandate_the_page_says_what_to_expect(client):
    client.force_login(make.user())
    assert "Vous n’avez pas d’habilitation" in text(client.get(PAGE))


def test_the_page_asks_to_sign_in():
    assert PortalClient().get(PAGE).url == f"/connexion/?next={PAGE}"


# Territory -------------------------------------------------------------------------------------------------------


def test_territory_of_a_person():
    for code in ("97", "96"):
        make.departement(code, f"D{code}", region="R3")
    essonnie = make.departement()
    person = make.user()
    assert departements_of(person, TODAY) == frozenset()
    assert departements_of(AnonymousUser(), TODAY) == frozenset()
    make.mandate(AuthorityKind.PREFECTURE, person=person)
    assert departements_of(person, TODAY) == {"98"}
    make.mandate(AuthorityKind.ARS, person=person, on=make.departement("97", region="R3"))
    assert departements_of(person, TODAY) == {"96", "97", "98"}
    assert departements_of(person, date(2025, 9, 30)) == frozenset()
    make.mandate(AuthorityKind.NATIONAL, person=person)
    assert departements_of(person, TODAY) is None
    assert essonnie.pk == "98"


def test_hats():
    hats = {
        make.mandate(AuthorityKind.ARS).hat,
        make.mandate(AuthorityKind.PREFECTURE).hat,
        make.mandate(AuthorityKind.NATIONAL).hat,
        make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER).hat,
        make.mandate(AuthorityKind.ARS, role=Role.OBSERVER).hat,
    }
    assert hats == {"ars", "prefecture", "national", "partner", "observer"}


def test_a_period_runs_in_the_legal_time_of_its_territory():
    far = make.departement("97", "Île lointaine", region="R3")
    type(far).objects.filter(pk=far.pk).update(timezone="America/Martinique")
    far.refresh_from_db()
    mandate = make.mandate(AuthorityKind.PREFECTURE, on=far, valid=DateRange(date(2025, 10, 1), TODAY))
    # 2 h UTC on the 22nd is still the 21st there, and already the 22nd in Paris.
    assert mandate.is_active(make.NOW.replace(hour=2))
    assert not mandate.is_active(make.NOW.replace(hour=5))


@pytest.mark.parametrize(
    "fields",
    [
        {"signing_act": ""},
        {"signing_title": ""},
        {"signing_published_date": None},
        {"signing_act_date": None},
        {"role": Role.OBSERVER},
        {"signing_as": "autre"},
    ],
)
def test_the_right_to_sign_is_whole_or_absent(fields):
    with (
        pytest.raises(IntegrityError, match=r"mandate_right_to_sign_whole|mandate_signing_as_known"),
        transaction.atomic(),
    ):
        make.mandate(signs=True, **fields)


def test_one_mandate_at_a_time_for_an_authority_on_a_territory():
    person = make.user()
    make.mandate(person=person, valid=DateRange(date(2025, 10, 1), TODAY))
    make.mandate(person=person, valid=DateRange(TODAY, None))
    with pytest.raises(IntegrityError, match="mandate_no_overlap"), transaction.atomic():
        make.mandate(person=person, role=Role.OBSERVER, valid=DateRange(TODAY, None))


def test_delegations_beside_a_mandate():
    holder = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    delegate = make.mandate(AuthorityKind.PREFECTURE, signs=True, signing_as="delegate")
    make.mandate(AuthorityKind.PREFECTURE)
    make.mandate(AuthorityKind.PREFECTURE, signs=True, signing_published_date=date(2026, 11, 23))
    make.mandate(AuthorityKind.PREFECTURE, signs=True, valid=DateRange(date(2025, 10, 1), TODAY))
    make.mandate(AuthorityKind.ARS, signs=True)
    assert set(signatories_beside(holder, on=TODAY)) == {holder, delegate}
