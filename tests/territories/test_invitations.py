"""Invitations: a single-use link, bound to its address, that promises no more than its author may give."""

import re
from datetime import date, timedelta

import pytest
from django.core import mail
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from francesante.lib.workflow import RefusedError
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event, Invitation, Mandate, User
from territories.services.accounts import Person, accept_invitation, invite, token_hash
from territories.services.mandates import invite_agent, may_invite
from tests import factories as make
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient
from tests.territories.test_accounts import text

NOW = make.NOW
ADDRESS = "olympe@exemple.invalid"
PASSWORD = "cinq-mots-sans-aucun-lien"
PERSON = Person(civility="Mme", first_name="Olympe", last_name="Témoin", password=PASSWORD)
FORM = {
    "civility": "Mme",
    "first_name": "Olympe",
    "last_name": "Témoin",
    "password": PASSWORD,
    "password_again": PASSWORD,
}


@pytest.fixture
def holder(db):
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


def promised(holder, at=None, email=ADDRESS, **fields):
    at = at or timezone.now()
    values = {
        "mandate": holder,
        "email": email,
        "authority": holder.authority,
        "role": Role.AGENT,
        "departement": None,
        "start_date": at.date(),
        "end_date": None,
        "at": at,
        **fields,
    }
    return invite_agent(**values)


# The promise -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mandate", "allowed"),
    [
        (lambda: make.mandate(AuthorityKind.NATIONAL), True),
        (lambda: make.mandate(AuthorityKind.ARS, signs=True), True),
        (lambda: make.mandate(AuthorityKind.ARS), False),
        (lambda: make.mandate(AuthorityKind.ARS, signs=True, signing_as="delegate"), False),
        (lambda: make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER), False),
        (
            lambda: make.mandate(AuthorityKind.ARS, signs=True, valid=DateRange(date(2025, 10, 1), date(2026, 11, 22))),
            False,
        ),
    ],
    ids=["national", "holder", "agent", "delegate", "partner", "holder whose mandate ended"],
)
def test_who_may_invite(mandate, allowed):
    row = mandate()
    assert may_invite(row, at=NOW) is allowed
    if allowed:
        invitation, token = promised(row, at=NOW, role=Role.NATIONAL if row.role == Role.NATIONAL else Role.AGENT)
        assert invitation.token_hash == token_hash(token)
        assert token not in str(vars(invitation))
        assert invitation.expires_at == NOW + timedelta(days=7)
    else:
        with pytest.raises(RefusedError, match="ne permet pas d’inviter"):
            promised(row, at=NOW)
        assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"authority": lambda: make.authority(AuthorityKind.ARS)}, "ne permet pas d’inviter"),
        ({"role": Role.NATIONAL}, "rôle de l’équipe nationale"),
        ({"departement": lambda: make.departement("99", "Valfictie", region="R2")}, "n’est pas dans le territoire"),
        ({"end_date": NOW.date()}, "doit venir après son début"),
    ],
    ids=["another authority", "national role", "another territory", "no period"],
)
def test_no_more_than_ones_own(holder, fields, sentence):
    fields = {name: value() if callable(value) else value for name, value in fields.items()}
    with pytest.raises(RefusedError, match=sentence):
        promised(holder, at=NOW, **fields)
    assert not Invitation.objects.exists()


@pytest.mark.django_db
def test_the_national_team_invites_everywhere_and_an_ars_in_its_region():
    national = make.mandate(AuthorityKind.NATIONAL)
    promised(national, authority=make.authority(AuthorityKind.CAISSE), role=Role.PARTNER)
    ars = make.mandate(AuthorityKind.ARS, signs=True)
    _, token = promised(ars, departement=make.departement())
    user = accept_invitation(token=token, at=timezone.now(), person=PERSON)
    given = user.mandates.get()
    assert (given.region_id, given.departement_id) == (None, "98")


@pytest.mark.django_db
def test_a_new_link_ends_the_former_one(holder):
    at = timezone.now()
    _, first = promised(holder, at=at)
    _, second = promised(holder, at=at)
    with pytest.raises(RefusedError, match="a expiré"):
        accept_invitation(token=first, at=at, person=PERSON)
    assert accept_invitation(token=second, at=at, person=PERSON).email == ADDRESS


# Acceptance ------------------------------------------------------------------------------------------------------


def test_a_new_person_gets_an_account_and_the_mandate(holder):
    invitation, token = promised(holder, at=NOW)
    user = accept_invitation(token=token, at=NOW, person=PERSON)
    assert (user.email, user.full_name) == (ADDRESS, "Mme Olympe Témoin")
    assert user.check_password(PASSWORD)
    mandate = user.mandates.get()
    assert (mandate.authority, mandate.role, mandate.departement_id, mandate.can_sign) == (
        holder.authority,
        Role.AGENT,
        "98",
        False,
    )
    event = Event.objects.about(Subject.MANDATE, mandate.pk).get()
    assert (event.action, event.actor_id, event.data) == ("grant", holder.pk, {"invitation": invitation.pk})
    assert list(Invitation.objects.accepted_for(user)) == [invitation]


def test_a_known_person_gets_the_mandate_only(holder):
    person = make.user(ADDRESS)
    _, token = promised(holder, at=NOW)
    with pytest.raises(RefusedError, match="Un compte existe déjà"):
        accept_invitation(token=token, at=NOW, person=PERSON)
    accept_invitation(token=token, at=NOW, user=person)
    assert person.mandates.count() == 1
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    ("at", "sentence"),
    [(NOW + timedelta(days=7), "a expiré"), (NOW + timedelta(days=6, hours=23), None)],
    ids=["after seven days", "just before"],
)
def test_seven_days(holder, at, sentence):
    _, token = promised(holder, at=NOW)
    if sentence:
        with pytest.raises(RefusedError, match=sentence):
            accept_invitation(token=token, at=at, person=PERSON)
        assert not User.objects.filter(email=ADDRESS).exists()
    else:
        assert accept_invitation(token=token, at=at, person=PERSON)


def test_a_link_serves_once_and_for_its_address_only(holder):
    _, token = promised(holder, at=NOW)
    with pytest.raises(RefusedError, match="destinée à une autre adresse"):
        accept_invitation(token=token, at=NOW, user=make.user())
    user = accept_invitation(token=token, at=NOW, person=PERSON)
    with pytest.raises(RefusedError, match="déjà servi"):
        accept_invitation(token=token, at=NOW, user=user)
    with pytest.raises(RefusedError, match="n’existe pas"):
        accept_invitation(token=token[:-1], at=NOW, user=user)
    assert Mandate.objects.filter(user=user).count() == 1


def test_the_promise_falls_with_its_author(holder):
    _, token = promised(holder, at=NOW)
    Mandate.objects.filter(pk=holder.pk).update(valid=DateRange(date(2025, 10, 1), date(2026, 11, 23)))
    with pytest.raises(RefusedError, match="n’est plus en vigueur"):
        accept_invitation(token=token, at=NOW + timedelta(days=2), person=PERSON)
    assert not User.objects.filter(email=ADDRESS).exists()


def test_a_mandate_that_one_has_already(holder):
    person = make.user(ADDRESS)
    make.mandate(AuthorityKind.PREFECTURE, person=person)
    _, token = promised(holder, at=NOW)
    with pytest.raises(RefusedError, match="déjà une habilitation"):
        accept_invitation(token=token, at=NOW, user=person)
    assert Invitation.objects.get().accepted_at is None


def test_an_access_to_a_structure_is_left_to_labelling(db):
    _, token = invite(email="Flore@Structure.invalid", at=NOW, membership_fields={"structure": 1, "role": "editor"})
    user = accept_invitation(token=token, at=NOW, person=PERSON)
    assert user.email == "flore@structure.invalid"
    assert not user.mandates.exists()
    assert Invitation.objects.accepted_for(user).get().membership_fields == {"structure": 1, "role": "editor"}


def test_ten_clicks_at_once_accept_once(committed_db):
    holder = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    _, token = promised(holder, at=NOW)
    results = at_once(*[lambda: accept_invitation(token=token, at=NOW, person=PERSON)] * 10)
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, RefusedError) for result in results) == 9
    assert Mandate.objects.filter(user__email=ADDRESS).count() == 1


def test_two_links_at_once_for_one_address_open_one_account(committed_db):
    holder = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    _, first = promised(holder, at=NOW)
    _, second = promised(holder, at=NOW, role=Role.OBSERVER)
    results = at_once(
        *[lambda token=token: accept_invitation(token=token, at=NOW, person=PERSON) for token in (first, second)]
    )
    assert sorted(isinstance(result, RefusedError) for result in results) == [False, True]
    assert User.objects.filter(email=ADDRESS).count() == 1


# Pages -----------------------------------------------------------------------------------------------------------


def invited_by_page(client, holder, **data):
    client.force_login(holder.user)
    values = {
        "mandate": holder.pk,
        "email": ADDRESS,
        "authority": holder.authority_id,
        "role": "agent",
        "start_date": timezone.localdate().isoformat(),
        **data,
    }
    return client.post("/compte/habilitations/inviter/", values)


def test_from_the_mail_to_the_second_factor(client, holder):
    assert invited_by_page(client, holder).url == "/compte/habilitations/"
    (message,) = mail.outbox
    assert message.to == [ADDRESS]
    assert "Mme Prune Exemplaire" in message.body
    assert "« Préfecture de Essonnie »" in message.body
    link = re.search(r"http://testserver(/invitation/\S+)", message.body)[1]
    visitor = PortalClient()
    assert f"réservée à l’adresse {ADDRESS}" in text(visitor.get(link))
    different = visitor.post(link, {**FORM, "password_again": "autre"})
    assert "Les deux mots de passe ne sont pas les mêmes" in text(different)
    assert 'value="Olympe"' in different.content.decode()
    assert visitor.post(link, FORM).url == "/compte/"
    assert visitor.get("/compte/habilitations/").url.startswith("/compte/second-facteur/")
    used = PortalClient().get(link)
    assert (used.status_code, "a déjà servi" in text(used)) == (410, True)


def test_links_that_do_not_open(client, holder):
    at = timezone.now()
    unknown = client.get("/invitation/nimporte-quoi/")
    assert (unknown.status_code, "n’existe pas" in text(unknown)) == (404, True)
    _, token = promised(holder, at=at - timedelta(days=8))
    expired = client.get(f"/invitation/{token}/")
    assert (expired.status_code, "a expiré" in text(expired)) == (410, True)
    _, token = promised(holder, at=at, role=Role.OBSERVER)
    client.force_login(make.user("autre@exemple.invalid"))
    other = client.get(f"/invitation/{token}/")
    assert (other.status_code, "destinée à une autre adresse" in text(other)) == (403, True)
    assert client.post(f"/invitation/{token}/").status_code == 403


def test_a_known_person_signs_in_then_accepts(client, holder):
    person = make.user(ADDRESS)
    _, token = promised(holder)
    link = f"/invitation/{token}/"
    page = client.get(link)
    assert f"/connexion/?next=%2Finvitation%2F{token}%2F" in page.content.decode()
    assert client.post(link, FORM).status_code == 200
    assert not person.mandates.exists()
    client.force_login(person)
    assert "Accepter l’invitation" in text(client.get(link))
    assert client.post(link).url == "/compte/"
    assert person.mandates.count() == 1


def test_a_mail_that_does_not_leave_is_said(client, holder, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    response = invited_by_page(client, holder)
    page = client.get(response.url)
    assert "le courriel n’a pas pu partir" in text(page)


def test_the_invite_page_is_for_those_who_may(client, holder):
    make.mandate(AuthorityKind.ARS, person=(agent := make.user()))
    client.force_login(agent)
    refused = client.get("/compte/habilitations/inviter/")
    assert (refused.status_code, "peuvent inviter" in text(refused)) == (403, True)
    client.force_login(make.user())
    assert client.get("/compte/habilitations/inviter/").status_code == 404
    assert "Seule" not in text(invited_by_page(client, holder, role="national"))
    assert not mail.outbox
