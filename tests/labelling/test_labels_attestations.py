"""The attestations of a label: due dates, one page criterion by criterion, reminders, and those that are late."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import AlertSettlement, Attestation, Label
from labelling.services import attestations as service
from labelling.services import label_alerts
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
DUE = date(2027, 11, 22)
OPENS = date(2027, 10, 23)
SUPPLY = {"hours": Decimal(40), "doctor": Decimal(8), "nurse": None, "other": Decimal(0)}


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@pytest.fixture
def label(owner):
    return make_label(owner.structure, owner=owner)


def nothing(label, **changed):
    return {**{row.code: "" for row in service.criteria_of(label)}, **changed}


def attest(label, owner, *, day=OPENS, due=DUE, statements=None, supply=SUPPLY):
    statements = nothing(label) if statements is None else statements
    return service.attest(label=label, membership=owner, statements=statements, supply=supply, due=due, at=at(day))


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
    withdraw()
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
    assert re.findall(r'data-asked-if="([\w-]+)-same=no"', page.text) == [
        row.code for row in service.criteria_of(label)
    ]
    assert page.text.count('class="fr-btn"') == 1
    codes = [row.code for row in service.criteria_of(label)]
    said_since = f"Rien n’a changé depuis le {service.since_when(label)}"
    assert page.text.count(said_since) == len(codes)
    same = {f"{code}-same": "yes" for code in codes} | {f"offre-{key}_how": "unknown" for key in SUPPLY}
    figure = client.post(address, {"due": DUE.isoformat(), **same, "offre-hours_how": "other"})
    assert (figure.status_code, "Indiquez cette valeur" in figure.text) == (422, True)
    half = client.post(address, {"due": DUE.isoformat(), **same, f"{codes[0]}-same": ""})
    assert (half.status_code, "Répondez pour ce critère" in half.text) == (422, True)
    silent = client.post(address, {"due": DUE.isoformat(), **same, f"{codes[0]}-same": "no"})
    assert (silent.status_code, "Dites ce qui a changé" in silent.text) == (422, True)
    other = client.post(address, {"due": "2028-11-22", **same})
    assert (other.status_code, Attestation.objects.count()) == (409, 0)
    said = {**same, f"{codes[0]}-same": "no", f"{codes[0]}-change": "Le Dr Maquette est parti le 3 mai."}
    said |= {"offre-hours_how": "other", "offre-hours_value": "37,5"}
    assert client.post(address, {"due": DUE.isoformat(), **said}).url == label.get_absolute_url()
    row = Attestation.objects.get()
    assert (row.hours, row.doctor) == (Decimal("37.5"), None)
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


# What is declared, for the agents -----------------------------------------------------------------------------------


def changes(label, day=OPENS):
    return label_alerts.declared_in(Label.objects.filter(pk=label.pk), on=day)


def settle(label, key, mandate, **changed):
    values = {"outcome": "contacted", "note": "Appelée.", "mandate": mandate, "at": at(OPENS)}
    return label_alerts.settle(label=label, key=key, **{**values, **changed})


def test_a_declared_change_is_an_alert_until_an_agent_settles_it(label, owner):
    agent = make.mandate(AuthorityKind.PREFECTURE)
    codes = [row.code for row in service.criteria_of(label)]
    attest(
        label, owner, statements=nothing(label, **{codes[0]: "Le Dr Maquette est parti.", codes[2]: "Fermé le lundi."})
    )
    found = changes(label)
    assert [one.criterion.code for one in found] == [codes[0], codes[2]]
    assert "Le Dr Maquette est parti." in found[0].sentence
    for changed, sentence in (
        ({"note": " "}, "Écrivez une note"),
        ({"outcome": "x"}, "Dites ce qui a été fait"),
        ({"mandate": make.mandate(AuthorityKind.NATIONAL)}, "de lire ce dossier"),
    ):
        refused(label, sentence, lambda changed=changed: settle(label, found[0].key, **{"mandate": agent, **changed}))
    refused(label, "n’a pas été déclaré", lambda: settle(label, "a0-0", agent))
    refused(label, "n’a pas été déclaré", lambda: settle(make_label(), found[0].key, agent))
    row = settle(label, found[0].key, agent)
    assert (row.said, row.line) == ({"change": "Le Dr Maquette est parti."}, None)
    assert Event.objects.about(Subject.LABEL, label.pk).last().action == "settle_alert"
    assert [one.criterion.code for one in changes(label)] == [codes[2]]
    refused(label, "déjà réglé", lambda: settle(label, found[0].key, agent))
    for name, fields in (
        ("alert_settlement_of_a_register_or_an_attestation", {"attestation": None}),
        ("alert_settlement_once_per_declared_change", {}),
    ):
        copy = {field.name: getattr(row, field.name) for field in AlertSettlement._meta.fields if field.name != "id"}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            AlertSettlement.objects.create(**{**copy, **fields})


def test_nothing_declared_is_no_alert_and_many_cost_no_more(label, owner, django_assert_num_queries):
    attest(label, owner)
    assert changes(label) == []
    everyone = Label.objects.all()
    for many in (1, 3):
        for _ in range(many):
            other = make.membership()
            there = make_label(other.structure, owner=other)
            codes = [row.code for row in service.criteria_of(there)]
            attest(there, other, statements=nothing(there, **{codes[0]: "Un départ."}))
        with django_assert_num_queries(3):
            label_alerts.declared_in(everyone, on=OPENS)


def test_the_agents_see_and_settle_it_on_the_page_of_alerts(label, owner, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at(OPENS))
    codes = [row.code for row in service.criteria_of(label)]
    attest(label, owner, statements=nothing(label, **{codes[0]: "Le Dr Maquette est parti."}))
    agent = make.mandate(AuthorityKind.ARS)
    client = PortalClient()
    client.force_login(agent.user)
    assert "1 alerte" in client.get(reverse("register-alerts")).text
    assert "Le Dr Maquette est parti." in client.get(label.get_absolute_url()).text
    assert ",declaration,2027-10-23," in client.get(reverse("register-alerts"), {"format": "csv"}).text
    assert "Alertes sur des labels\u00a0: 1" in client.get("/compte/").text.replace("&nbsp;", "\u00a0")
    (change,) = changes(label)
    address = reverse("label-alerts", args=[label.number])
    posted = {"mandate": agent.pk, "version": label.version, "alert": change.key}
    assert client.post(address, posted).status_code == 422
    done = {**posted, f"{change.key}-outcome": "taken_up", f"{change.key}-note": "Une visite est prévue."}
    assert client.post(address, done).status_code == 302
    assert changes(label) == []
    assert "Une visite est prévue." in client.get(address).text
