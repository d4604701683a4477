"""The parapheur through its pages: the text is read, a fresh code signs it, and only signatories enter."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.french import hash_groups, long_date
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Role
from territories.models import Decision, Signature
from territories.services import decisions
from territories.services.decisions import Summary, sign_decision
from tests import factories as make
from tests.territories.acts import countable_effects, effects, propose, signatories
from tests.territories.test_accounts import text
from tests.territories.test_second_factor import code_of, wrong_code

pytestmark = pytest.mark.django_db
LIST = "/compte/parapheur/"


@pytest.fixture(autouse=True)
def effects_that_count(monkeypatch):
    countable_effects(monkeypatch)


@pytest.fixture
def two(db):
    return signatories()


def entered(client, mandate):
    """Sign in, and return the person's authenticator, ready for a new code."""
    client.force_login(mandate.user)
    return TOTPDevice.objects.get(user=mandate.user, confirmed=True)


def page(decision):
    return f"{LIST}{decision.pk}/"


def sign(client, mandate, decision, device, **data):
    values = {"mandate": mandate.pk, "content_hash": decision.content_hash, "code": code_of(device), **data}
    return client.post(page(decision), values)


def test_the_list_says_what_waits_and_since_when(client, two):
    ars, prefet = two
    now = timezone.now()
    old = propose(subject_id=1, at=now - timedelta(days=11))
    propose(subject_id=2, kind=DecisionKind.LABEL_REFUSED)
    propose(subject_id=3, on=make.departement("99", "Valfictie", region="R2"))
    sign_decision(decision=old, mandate=ars, content_hash=old.content_hash, at=now)
    entered(client, prefet)
    shown = text(client.get(LIST))
    assert "2 à signer : 1 label, 1 refus ; la plus ancienne attend depuis 11 jours" in shown
    assert "Signée par Mme Prune Exemplaire" in shown
    assert "En attente : directeur général de l’ARS" in shown
    assert "une par une" in shown
    assert "Valfictie" not in shown
    entered(client, ars)
    shown = text(client.get(LIST))
    assert "1 à signer : 1 refus" in shown
    done = f"Maison de santé du Moulin bleu (fictive), {old.departement} : signée par vous le"
    assert done in shown
    assert "attend le préfet de département" in shown


def test_the_nearest_deadline_comes_first_and_each_column_sorts(client, two, monkeypatch):
    days = {1: None, 2: make.date(2027, 3, 1), 3: make.date(2027, 1, 1)}
    found = lambda rows, at: {row.pk: Summary(due=days[row.subject_id], about=f"n{row.subject_id}") for row in rows}  # noqa: E731
    monkeypatch.setitem(decisions._SUMMARIES, DecisionKind.LABEL_GRANTED, found)
    for subject in days:
        propose(subject_id=subject, at=timezone.now() - timedelta(days=10 - subject))
    entered(client, two[1])

    def order(sort=""):
        shown = text(client.get(f"{LIST}{sort}"))
        return sorted(days, key=lambda subject: shown.index(f"n{subject}"))

    assert order() == order("?tri=inconnu") == [3, 2, 1]
    assert order("?tri=-echeance") == [1, 2, 3]
    assert order("?tri=depuis") == [1, 2, 3]
    assert order("?tri=-depuis") == [3, 2, 1]
    page = client.get(f"{LIST}?tri=depuis").text
    assert 'aria-sort="ascending"><a href="?tri=-depuis"' in page


def test_a_signatory_whose_mandate_ended_with_the_page_open(client, two):
    ars, _ = two
    decision = propose()
    device = entered(client, ars)
    assert "instruction et signature" in text(client.get(page(decision)))
    today = timezone.localdate()
    type(ars).objects.filter(pk=ars.pk).update(valid=make.DateRange(today - timedelta(days=30), today))
    refused = sign(client, ars, decision, device)
    assert refused.status_code == 403
    shown = text(refused)
    said = f"a pris fin le {long_date(today - timedelta(days=1))}. La décision n’est pas signée."
    assert said.replace("\u00a0", " ") in shown.replace("\u00a0", " ")
    assert "l’administrateur de votre service peut l’enregistrer" in shown
    assert "rechargez" not in shown
    assert not Signature.objects.exists()


def test_an_empty_parapheur_teaches(client, two):
    entered(client, two[0])
    assert "Rien à signer aujourd’hui" in text(client.get(LIST))


def test_number_of_queries_does_not_grow(client, two):
    ars, prefet = two
    entered(client, prefet)
    client.get(LIST)  # the number beside « Dossiers » is kept for a minute
    counts = []
    for subjects in (range(1, 2), range(2, 25)):
        for subject in subjects:
            decision = propose(subject_id=subject)
            sign_decision(decision=decision, mandate=ars, content_hash=decision.content_hash, at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_reading_then_signing_with_a_fresh_code(client, two):
    ars, prefet = two
    decision = propose()
    device = entered(client, ars)
    shown = client.get(page(decision)).content.decode()
    assert shown.index("Vu le code de la santé publique") < shown.index('name="code"')
    assert hash_groups(decision.content_hash) in shown
    assert "Rempli" in shown
    assert f'name="content_hash" value="{decision.content_hash}"' in shown
    done = sign(client, ars, decision, device)
    assert done.url == LIST
    assert "attend encore l’autre signature" in text(client.get(LIST))
    device = entered(client, prefet)
    assert "Identique à celle qui est déjà signée" in text(client.get(page(decision)))
    assert sign(client, prefet, decision, device).url == LIST
    decision.refresh_from_db()
    assert decision.state == DecisionState.SIGNED
    assert effects() == ["effect"]
    after = text(client.get(page(decision)))
    assert "Signée par toutes les autorités" in after
    assert "Code de sécurité" not in after


def test_nothing_is_signed_without_the_right_code(client, two):
    ars, _ = two
    decision = propose()
    device = entered(client, ars)
    refused = sign(client, ars, decision, device, code=wrong_code(device))
    assert "Ce code n’est pas le bon" in text(refused)
    assert "Saisissez le code" in text(sign(client, ars, decision, device, code=""))
    assert not Signature.objects.exists()


def test_one_code_signs_one_decision(client, two):
    ars, _ = two
    first, second = propose(subject_id=1), propose(subject_id=2)
    device = entered(client, ars)
    code = code_of(device)
    assert sign(client, ars, first, device, code=code).status_code == 302
    assert "a déjà servi" in text(sign(client, ars, second, device, code=code))
    assert Signature.objects.count() == 1


def test_a_stale_page_signs_nothing_and_spares_the_code(client, two):
    ars, _ = two
    former = propose()
    device = entered(client, ars)
    corrected = propose(replaces=former, content={"title": "Arrêté corrigé"})
    refused = client.get(sign(client, ars, former, device).url)
    assert "remplacée par une version corrigée" in text(refused)
    assert f'href="{page(corrected)}"' in refused.content.decode()
    altered = sign(client, ars, corrected, device, content_hash="0" * 64)
    assert "n’est pas celui qui vous a été présenté" in text(client.get(altered.url))
    assert not Signature.objects.exists()
    assert sign(client, ars, corrected, device).url == LIST
    again = client.get(sign(client, ars, corrected, device).url)
    assert "déjà signée en qualité de" in text(again)
    assert "Code de sécurité" not in text(again), "nothing is left to sign here"


def test_not_signing_asks_for_a_reason(client, two):
    ars, prefet = two
    decision = propose()
    entered(client, prefet)
    form = f"{page(decision)}ne-pas-signer/"
    assert "Indiquez le motif" in text(client.post(form, {"mandate": prefet.pk, "reason": ""}))
    done = client.post(form, {"mandate": prefet.pk, "reason": "L’ouverture du mercredi n’est pas établie."})
    assert done.url == LIST
    decision.refresh_from_db()
    assert decision.state == DecisionState.DECLINED
    entered(client, ars)
    shown = text(client.get(page(decision)))
    assert "La préfecture de Essonnie n’a pas signé" in shown
    assert "L’ouverture du mercredi n’est pas établie." in shown
    assert "il n’y a rien à refuser" in text(client.get(form))


# Who enters ------------------------------------------------------------------------------------------------------

ROLES = {
    "signatory": lambda: make.mandate(AuthorityKind.ARS, signs=True),
    "agent": lambda: make.mandate(AuthorityKind.ARS),
    "observer": lambda: make.mandate(AuthorityKind.PREFECTURE, role=Role.OBSERVER),
    "national": lambda: make.mandate(AuthorityKind.NATIONAL),
    "elsewhere": lambda: make.mandate(
        AuthorityKind.PREFECTURE, signs=True, on=make.departement("99", "Valfictie", region="R2")
    ),
}
STATUS = {
    # page: signatory, agent, observer, national, signatory elsewhere, structure account, anonymous
    "": [200, 403, 403, 403, 200, 404, 302],
    "{pk}/": [200, 403, 403, 403, 404, 404, 302],
    "{pk}/ne-pas-signer/": [200, 403, 403, 403, 404, 404, 302],
    "selection/": [200, 403, 403, 403, 200, 404, 302],
    "{pk}/acte.pdf": [200, 200, 200, 200, 404, 404, 302],
}


@pytest.mark.parametrize("path", STATUS)
def test_who_enters(client, path):
    decision = propose()
    Decision.objects.filter(pk=decision.pk).update(pdf=b"%PDF-1.7", pdf_hash="0" * 64)
    address = LIST + path.format(pk=decision.pk)
    found = []
    for role in ROLES.values():
        client.force_login(role().user)
        found.append(client.get(address).status_code)
    client.force_login(make.user())
    found.append(client.get(address).status_code)
    client.logout()
    found.append(client.get(address).status_code)
    assert found == STATUS[path]


def test_the_refusal_says_why(client):
    decision = propose()
    client.force_login(ROLES["agent"]().user)
    assert "réservé aux signataires" in text(client.get(page(decision)))


def test_a_decision_that_does_not_exist_reads_as_one_out_of_scope(client, two):
    entered(client, two[0])
    assert "ou vos habilitations n’y donnent pas accès" in text(client.get(f"{LIST}999999/"))


def test_a_right_not_yet_published_reads_and_does_not_sign(client):
    tomorrow = timezone.localdate() + timedelta(days=1)
    mandate = make.mandate(AuthorityKind.ARS, signs=True, signing_published_date=tomorrow)
    decision = propose()
    device = entered(client, mandate)
    assert "n’est pas en vigueur aujourd’hui" in text(client.get(LIST))
    assert 'name="code"' not in client.get(page(decision)).content.decode()
    sign(client, mandate, decision, device)
    assert not Signature.objects.exists()
