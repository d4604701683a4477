"""The attestations of a label: due dates, one page criterion by criterion, reminders, and those that are late."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Attestation, Label
from labelling.services import attestations as service
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.worlds import make_label
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
DUE = date(2027, 11, 22)
OPENS = date(2027, 10, 23)


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@pytest.fixture
def owner(db):
    return make.membership()


@pytest.fixture
def label(owner):
    return make_label(owner.structure, owner=owner)


def nothing(label, **changed):
    return {**{row.code: "" for row in service.criteria_of(label)}, **changed}


def attest(label, owner, *, day=OPENS, due=DUE, statements=None):
    statements = nothing(label) if statements is None else statements
    return service.attest(label=label, membership=owner, statements=statements, due=due, at=at(day))


def refused(label, sentence, call):
    before = (Attestation.objects.count(), Event.objects.about(Subject.LABEL, label.pk).count())
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert (Attestation.objects.count(), Event.objects.about(Subject.LABEL, label.pk).count()) == before


def test_due_dates_are_within_the_label(label, settings):
    assert service.due_dates(label) == [date(2027, 11, 22), date(2028, 11, 22)]
    settings.ATTESTATION_MONTHS = 3
    assert len(service.due_dates(label)) == 11


def test_one_is_expected_from_its_opening_until_it_is_made(label, owner):
    day = timedelta(days=1)
    assert service.expected(label, on=OPENS - day) is None
    assert service.expected(label, on=OPENS) == service.expected(label, on=DUE + 9 * day) == DUE
    attest(label, owner)
    assert service.expected(label, on=DUE + day) is None
    assert service.next_due(label, on=OPENS) == date(2028, 11, 22)
    assert service.expected(label, on=date(2028, 11, 1)) == date(2028, 11, 22)


def test_what_changed_is_kept_and_what_did_not_is_empty(label, owner):
    code = service.criteria_of(label)[1].code
    attest(label, owner, statements=nothing(label, **{code: " Un infirmier est parti le 3 mai. "}))
    row = Attestation.objects.get()
    assert {key: text for key, text in row.statements.items() if text} == {code: "Un infirmier est parti le 3 mai."}
    event = Event.objects.about(Subject.LABEL, label.pk).last()
    assert (event.action, event.data["changed"], event.data["due"]) == ("attest", [code], DUE.isoformat())


def test_what_is_refused(label, owner):
    refused(label, "n’est pas encore ouverte", lambda: attest(label, owner, day=OPENS - timedelta(days=1)))
    refused(label, "déjà faite", lambda: attest(label, owner, due=date(2028, 11, 22)))
    refused(label, "chaque critère", lambda: attest(label, owner, statements={}))
    refused(label, "responsable", lambda: attest(label, make.membership()))
    editor = make.membership(owner.structure, role=MembershipRole.EDITOR)
    refused(label, "responsable", lambda: attest(label, editor))
    attest(label, owner)
    refused(label, "déjà faite", lambda: attest(label, owner))
    Label.objects.update(withdrawn_at=NOW)
    refused(label, "n’est pas en cours", lambda: attest(label, owner, day=date(2028, 11, 1), due=date(2028, 11, 22)))


def test_a_double_click_attests_once(committed_db):
    owner = make.membership()
    label = make_label(owner.structure, owner=owner)
    outcomes = at_once(lambda: attest(label, owner), lambda: attest(label, owner))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Attestation", "RefusedError"]


def test_the_database_keeps_them(label, owner):
    row = attest(label, owner)
    with pytest.raises(IntegrityError, match="attestation_once_per_due_date"), transaction.atomic():
        Attestation.objects.create(label=label, due_date=DUE, statements={}, attested_at=NOW, membership=owner)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        Attestation.objects.filter(pk=row.pk).update(statements={})


def test_reminders_at_the_opening_and_once_late(label, owner):
    days = [OPENS - timedelta(days=1), OPENS, DUE, DUE + timedelta(days=1), DUE + timedelta(days=5)]
    assert [service.remind_of_attestations(at=at(day)) for day in days] == [0, 1, 0, 1, 0]


def test_who_has_attested_is_not_reminded(label, owner):
    attest(label, owner)
    assert service.remind_of_attestations(at=at(DUE + timedelta(days=1))) == 0


def test_the_page_of_the_holder(label, owner, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at(OPENS))
    client, address = PortalClient(), reverse("label-attestation", args=[label.number])
    client.force_login(owner.user)
    assert address in client.get(label.get_absolute_url()).text
    assert "Attester pour le label" in client.get("/compte/").text
    page = client.get(address)
    assert page.text.count('class="fr-btn"') == 1
    codes = [row.code for row in service.criteria_of(label)]
    assert f"{service.criteria_of(label)[0].title} : depuis la dernière fois" in page.text
    same = {f"{code}-same": "yes" for code in codes}
    half = client.post(address, {"due": DUE.isoformat(), **same, f"{codes[0]}-same": ""})
    assert (half.status_code, "Répondez pour ce critère" in half.text) == (422, True)
    silent = client.post(address, {"due": DUE.isoformat(), **same, f"{codes[0]}-same": "no"})
    assert (silent.status_code, "Dites ce qui a changé" in silent.text) == (422, True)
    other = client.post(address, {"due": "2028-11-22", **same})
    assert (other.status_code, Attestation.objects.count()) == (409, 0)
    said = {**same, f"{codes[0]}-same": "no", f"{codes[0]}-change": "Le Dr Maquette est parti le 3 mai."}
    assert client.post(address, {"due": DUE.isoformat(), **said}).url == label.get_absolute_url()
    assert "Le Dr Maquette est parti" in client.get(label.get_absolute_url()).text
    assert "Rien à attester" in client.get(address).text
    deliver_mail()
    services = [message for message in mail.outbox if "changement déclaré" in message.subject]
    assert len(services) == 2
    assert "Maquette" not in services[0].body
    agent = PortalClient()
    agent.force_login(make.mandate(AuthorityKind.PREFECTURE).user)
    assert "Le Dr Maquette est parti" in agent.get(label.get_absolute_url()).text
    assert agent.get(address).status_code == 403
    outsider = PortalClient()
    outsider.force_login(make.mandate(AuthorityKind.CAISSE).user)
    assert "Le Dr Maquette est parti" not in outsider.get(label.get_absolute_url()).text


def test_the_late_ones_are_listed_for_the_agents(label, owner, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at(DUE + timedelta(days=1)))
    service.remind_of_attestations(at=at(DUE + timedelta(days=1)))
    deliver_mail()
    assert "est en retard" in [message for message in mail.outbox if message.to == [owner.user.email]][-1].subject
    client = PortalClient()
    client.force_login(make.mandate(AuthorityKind.ARS).user)
    page = client.get("/labels/attestations-en-retard/")
    assert "1 attestation en retard" in page.text.replace("\u00a0", " ")
    assert label.number in page.text
    elsewhere = PortalClient()
    elsewhere.force_login(make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2")).user)
    assert label.number not in elsewhere.get("/labels/attestations-en-retard/").text
    attest(label, owner, day=DUE + timedelta(days=1))
    assert label.number not in client.get("/labels/attestations-en-retard/").text


def test_the_list_asks_as_much_for_one_as_for_four(label, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at(DUE + timedelta(days=1)))
    client = PortalClient()
    client.force_login(make.mandate(AuthorityKind.NATIONAL).user)
    client.get("/labels/attestations-en-retard/")
    with django_assert_max_num_queries(30) as few:
        client.get("/labels/attestations-en-retard/")
    for _ in range(3):
        make_label(at=NOW)
    with django_assert_max_num_queries(len(few)):
        assert client.get("/labels/attestations-en-retard/").context["page"].paginator.count == 4
