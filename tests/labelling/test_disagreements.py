"""One authority declines: the reason, the concertation, the advice, and the three ends of a disagreement."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import ConcertationOutcome, Verdict
from labelling.models import Concertation, NationalAdvice
from labelling.notifications import messages_of
from labelling.rules.clock import concertation_deadline
from labelling.services import disagreements, reviews
from labelling.views.journal import journal
from territories.choices import AuthorityKind, Capacity, DecisionKind, DecisionState, Role, Subject
from territories.models import Decision, Event
from territories.services.decisions import decline_decision, sign_decision
from tests import factories as make
from tests.labelling.test_decisions import actions, propose, ready, refused, sign
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
TODAY = date(2026, 11, 22)
REASON = "L’ouverture du mercredi n’est pas établie."


@pytest.fixture
def ars(db):
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet(db):
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


@pytest.fixture
def national(db):
    return make.mandate(AuthorityKind.NATIONAL)


def disagreed(ars, prefet, **fields):
    """A file whose label the ARS signed and the préfet declined."""
    application = ready(ars, **fields)
    decision = propose(application, ars).decision
    sign(decision, ars)
    decline_decision(decision=decision, mandate=prefet, reason=REASON, at=NOW)
    application.refresh_from_db()
    return application


@pytest.fixture
def file(ars, prefet):
    return disagreed(ars, prefet)


def record(file, mandate, outcome=ConcertationOutcome.AGREEMENT, **fields):
    values = {
        "held_date": TODAY,
        "participants": "ARS, délégation départementale ; préfecture, bureau des politiques publiques",
        "text": "La structure produira son planning.",
        "version": file.version,
        "at": NOW + timedelta(hours=1),
        **fields,
    }
    return disagreements.record_concertation(application=file, mandate=mandate, outcome=outcome, **values)


def confirm(file, row, mandate, **fields):
    values = {"version": file.version, "at": NOW + timedelta(hours=2), **fields}
    return disagreements.confirm_concertation(application=file, concertation=row.pk, mandate=mandate, **values)


def concerted(file, ars, prefet, outcome):
    return confirm(file, record(file, ars, outcome), prefet)


def resume(file, mandate):
    return disagreements.resume(application=file, mandate=mandate, version=file.version, at=NOW)


def refuse(file, mandate):
    return disagreements.propose_express_refusal(application=file, mandate=mandate, version=file.version, at=NOW)


def differ(file, prefet, verdict=Verdict.NOT_MET, reason="Fermé le mercredi."):
    criterion = file.specification.criteria.get(position=3)
    reviews.assess(
        application=file,
        criterion=criterion,
        verdict=verdict,
        reason=reason,
        mandate=prefet,
        version=file.version,
        at=NOW,
    )


# The concertation -------------------------------------------------------------------------------------------------


def test_one_authority_records_and_the_other_confirms(file, ars, prefet):
    row = record(file, ars)
    assert (row.recorded_capacity, row.confirmed_at) == (Capacity.ARS, None)
    refused(lambda: confirm(file, row, ars), "c’est à l’autre de le confirmer", file)
    refused(lambda: resume(file, ars), "après un accord", file)
    confirm(file, row, prefet)
    row.refresh_from_db()
    assert (row.confirmed_by, row.confirmed_capacity) == (prefet, Capacity.PREFET)
    resume(file, prefet)
    assert (file.state, file.endorsed_at) == (State.UNDER_REVIEW, None)
    assert actions(file)[-3:] == ["record_concertation", "confirm_concertation", "resume"]
    events = Event.objects.about(Subject.APPLICATION, file.pk)
    assert not any("planning" in json.dumps(event.data) for event in events), "events hold ids, never texts"


def test_the_other_authority_may_write_its_own_record(file, ars, prefet):
    first = record(file, ars)
    second = record(file, prefet, ConcertationOutcome.NO_AGREEMENT)
    first.refresh_from_db()
    assert first.set_aside_at is not None
    with pytest.raises(StaleError, match="n’est plus celui"):
        confirm(file, first, prefet)
    confirm(file, second, ars)
    assert [row.pk for row in disagreements.records_of(second.decision)] == [second.pk]
    refused(lambda: resume(file, ars), "après un accord", file)
    again = record(file, ars)
    confirm(file, again, prefet)
    resume(file, ars)
    assert file.state == State.UNDER_REVIEW


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"held_date": TODAY - timedelta(days=1)}, "après le refus de signer"),
        ({"held_date": TODAY + timedelta(days=1)}, "une fois tenue"),
        ({"text": "  "}, "qui était présent"),
        ({"participants": ""}, "qui était présent"),
    ],
)
def test_a_record_says_who_when_and_what(file, ars, fields, sentence):
    refused(lambda: record(file, ars, **fields), sentence, file)
    assert not Concertation.objects.exists()


def test_only_the_two_authorities_record(file, national):
    other = make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Ailleurs", region="R2"))
    for mandate in (national, make.mandate(AuthorityKind.ARS, role=Role.OBSERVER), other):
        refused(lambda mandate=mandate: record(file, mandate), r"\w", file)


def test_a_stale_page_records_and_confirms_nothing(file, ars, prefet):
    with pytest.raises(StaleError):
        record(file, ars, version=file.version - 1)
    row = record(file, ars)
    with pytest.raises(StaleError):
        confirm(file, row, prefet, version=file.version - 1)
    assert Concertation.objects.get().confirmed_at is None


def test_nothing_is_recorded_without_a_disagreement(ars, prefet):
    application = ready(ars)
    refused(lambda: record(application, ars), "pendant un désaccord", application)
    artificial = make.application(state=State.DISAGREEMENT)
    refused(lambda: record(artificial, ars), "il n’y a pas de désaccord", artificial)


def test_the_database_keeps_records_as_written(file, ars, prefet):
    row = record(file, ars)
    rows = Concertation.objects.filter(pk=row.pk)
    for change, name in [
        ({"text": "autre"}, "stays as it was written"),
        (
            {"confirmed_by": ars, "confirmed_capacity": "ars", "confirmed_at": NOW},
            "concertation_confirmed_by_the_other",
        ),
        ({"confirmed_by": prefet}, "concertation_confirmed_by_someone"),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            rows.update(**change)
    with pytest.raises(IntegrityError, match="stays as it was written"), transaction.atomic():
        rows.delete()
    twin = {name: getattr(row, name) for name in ("application", "decision", "held_date", "outcome", "recorded_by")}
    twin |= {"participants": "x", "text": "x", "recorded_capacity": "ars", "recorded_at": NOW}
    for change, name in [
        ({}, "concertation_one_pending_per_decision"),
        ({"text": ""}, "concertation_says_something"),
        ({"outcome": "x"}, "concertation_outcome_known"),
        ({"recorded_capacity": "x"}, "concertation_recorded_capacity_known"),
        (
            {"set_aside_at": NOW, "confirmed_by": prefet, "confirmed_capacity": "prefet", "confirmed_at": NOW},
            "concertation_confirmed_stays",
        ),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Concertation.objects.create(**{**twin, **change})
    confirm(file, row, prefet)
    with pytest.raises(IntegrityError, match="stays as it was written"), transaction.atomic():
        rows.update(confirmed_at=NOW + timedelta(days=3))


def test_both_record_and_confirm_at_the_same_instant(committed_db):
    ars, prefet = make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)
    file = disagreed(ars, prefet)
    results = at_once(lambda: record(file, ars), lambda: record(type(file).objects.get(pk=file.pk), prefet))
    assert sorted(type(result).__name__ for result in results) == ["Concertation", "StaleError"]
    assert Concertation.objects.count() == 1


# The advice -------------------------------------------------------------------------------------------------------


def test_the_national_team_advises_and_decides_nothing(file, ars, national):
    refused(
        lambda: disagreements.advise(application=file, mandate=national, text=" ", version=file.version, at=NOW),
        "Écrivez l’avis",
        file,
    )
    refused(
        lambda: disagreements.advise(application=file, mandate=ars, text="x", version=file.version, at=NOW),
        "elle ne décide pas",
        file,
    )
    advice = disagreements.advise(
        application=file, mandate=national, text="Deux jours suffisent à le vérifier.", version=file.version, at=NOW
    )
    assert (file.state, actions(file)[-1]) == (State.DISAGREEMENT, "advise")
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        NationalAdvice.objects.filter(pk=advice.pk).update(text="autre")
    with pytest.raises(IntegrityError, match="national_advice_says_something"), transaction.atomic():
        NationalAdvice.objects.create(
            application=file, decision=advice.decision, text="", mandate=national, given_at=NOW
        )


# The express refusal ----------------------------------------------------------------------------------------------


def test_the_authority_that_declined_refuses_alone_after_the_concertation(file, ars, prefet):
    quota = make.quota(reserved=0)
    refused(lambda: refuse(file, prefet), "suppose une concertation sans accord", file)
    concerted(file, ars, prefet, ConcertationOutcome.NO_AGREEMENT)
    refused(lambda: refuse(file, prefet), "Un refus demande un motif", file)
    differ(file, prefet)
    refused(lambda: refuse(file, ars), "l’autorité qui n’a pas signé", file)
    decision = refuse(file, prefet)
    assert (file.state, file.decision) == (State.AWAITING_SIGNATURES, decision)
    assert decision.required == ["prefet"]
    content = json.loads(decision.content)
    assert content["title"].startswith("Arrêté portant refus")
    assert [row["capacity"] for row in content["authorities"]] == ["prefet"]
    assert any("Vu la concertation tenue le 22" in visa for visa in content["visas"])
    assert any("Fermé le mercredi" in reason for reason in content["reasons"])
    assert any("recours gracieux adressé au signataire" in article for article in content["articles"])
    with pytest.raises(RefusedError, match="ne donne pas le droit"):
        sign(decision, ars)
    sign(decision, prefet)
    file.refresh_from_db()
    quota.refresh_from_db()
    assert (file.state, quota.reserved, quota.used) == (State.REFUSED, 0, 0)


def test_the_place_of_the_declined_label_is_freed_once(ars, prefet):
    quota = make.quota(reserved=1)
    file = disagreed(ars, prefet)
    concerted(file, ars, prefet, ConcertationOutcome.NO_AGREEMENT)
    differ(file, prefet)
    sign(refuse(file, prefet), prefet)
    quota.refresh_from_db()
    assert quota.reserved == 1, "the place of another file is not touched"


def test_the_setting_closes_the_express_refusal(file, ars, prefet, settings):
    settings.EXPRESS_REFUSAL_BY_ONE = False
    concerted(file, ars, prefet, ConcertationOutcome.NO_AGREEMENT)
    differ(file, prefet)
    refused(lambda: refuse(file, prefet), "n’est pas ouvert", file)


def test_an_unclear_point_forbids_the_express_refusal(file, ars, prefet):
    concerted(file, ars, prefet, ConcertationOutcome.NO_AGREEMENT)
    differ(file, prefet, Verdict.TO_CLARIFY, "")
    refused(lambda: refuse(file, prefet), "rester à préciser", file)


def test_after_an_agreement_a_refusal_goes_by_the_common_way(file, ars, prefet):
    concerted(file, ars, prefet, ConcertationOutcome.AGREEMENT)
    differ(file, prefet)
    refused(lambda: refuse(file, prefet), "sans accord", file)


def test_who_declines_its_own_express_refusal_is_back_in_the_disagreement(file, ars, prefet):
    concerted(file, ars, prefet, ConcertationOutcome.NO_AGREEMENT)
    differ(file, prefet)
    decision = refuse(file, prefet)
    decline_decision(decision=decision, mandate=prefet, reason="Réflexion faite.", at=NOW)
    file.refresh_from_db()
    assert (file.state, file.decision) == (State.DISAGREEMENT, None)
    assert disagreements.declined_decision(file).required == ["ars", "prefet"]


# Delays, mails, pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declined", "silence", "expected"),
    [
        (date(2026, 11, 22), date(2027, 1, 12), date(2026, 12, 7)),
        (date(2026, 11, 22), date(2026, 12, 1), date(2026, 12, 1)),
        (date(2026, 11, 22), date(2026, 11, 22), date(2026, 11, 22)),
        (date(2026, 11, 22), date(2026, 11, 1), date(2026, 12, 7)),
        (date(2026, 11, 22), None, date(2026, 12, 7)),
    ],
)
def test_the_concertation_is_recorded_before_silence_decides(declined, silence, expected):
    assert concertation_deadline(declined, days=15, silence=silence) == expected


def mails_of(file, action, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=3))
    return messages_of(Event.objects.about(Subject.APPLICATION, file.pk).filter(action=action).last())


def test_the_other_authority_is_told(file, ars, prefet, monkeypatch):
    prefet.authority.email = "prefecture@exemple.invalid"
    prefet.authority.save()
    record(file, ars)
    (mail,) = mails_of(file, "record_concertation", monkeypatch)
    assert mail.to == ["prefecture@exemple.invalid"]
    assert "attend votre confirmation" in mail.body
    assert "planning" not in mail.body


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=3))

    def opened(mandate):
        client = PortalClient()
        client.force_login(mandate.user)
        return client

    return opened


def test_the_reason_is_on_the_file_for_both_authorities(file, ars, prefet, national, page):
    owner = make.membership(file.structure)
    for mandate in (ars, prefet, national):
        shown = page(mandate).get(file.get_absolute_url()).content.decode()
        assert REASON in shown
        assert "à consigner avant le 7\u00a0décembre\u00a02026" in shown
        assert "elle ne décide pas" in shown
        assert REASON in page(mandate).get(reverse("disagreement", args=[file.number])).content.decode()
    for reader in (owner, make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER)):
        shown = page(reader).get(file.get_absolute_url()).content.decode()
        assert REASON not in shown
        assert page(reader).get(reverse("disagreement", args=[file.number])).status_code == 403


def post(client, file, action, mandate, **data):
    data = {"mandate": mandate.pk, "version": file.version, **data}
    return client.post(reverse("disagreement-act", args=[file.number, action]), data)


def test_the_whole_way_through_the_pages(file, ars, prefet, national, page):
    lead, other, team = page(ars), page(prefet), page(national)
    form = {
        "cr-held_date": "2026-11-22",
        "cr-participants": "ARS ; préfecture",
        "cr-text": "Chacun maintient sa lecture.",
        "cr-outcome": "no_agreement",
    }
    missing = post(lead, file, "consigner", ars, **{**form, "cr-text": ""})
    assert missing.status_code == 422
    assert "Écrivez le compte rendu" in missing.content.decode()
    assert post(lead, file, "conseiller", ars, **{"avis-text": "x"}).status_code == 403
    assert post(team, file, "consigner", national, **form).status_code == 403
    assert post(team, file, "conseiller", national, **{"avis-text": "Vérifiez sur place."}).status_code == 302
    file.refresh_from_db()
    assert post(lead, file, "consigner", ars, **form).status_code == 302
    stale = post(other, file, "confirmer", prefet, concertation=Concertation.objects.get().pk)
    assert stale.status_code == 409
    file.refresh_from_db()
    shown = other.get(reverse("disagreement", args=[file.number])).content.decode()
    assert "Vérifiez sur place." in shown
    assert shown.count('class="fr-btn"') == 1, "one primary action"
    assert post(other, file, "confirmer", prefet, concertation=Concertation.objects.get().pk).status_code == 302
    file.refresh_from_db()
    assert "Un refus demande un motif" in other.get(reverse("disagreement", args=[file.number])).content.decode()
    assert post(other, file, "refuser", prefet).status_code == 409
    differ(file, prefet)
    assert post(other, file, "refuser", prefet).status_code == 302
    decision = Decision.objects.get(state=DecisionState.PROPOSED)
    assert (decision.kind, decision.required) == (DecisionKind.LABEL_REFUSED, ["prefet"])
    sentences = [entry.sentence for entry in journal(file)]
    assert "Concertation consignée" in sentences
    assert "Avis de l’équipe nationale" in sentences
    sign_decision(decision=decision, mandate=prefet, content_hash=decision.content_hash, at=NOW)
    shown = lead.get(reverse("decision-letter", args=[file.number])).content.decode()
    assert "n’a pas accordé le label" in shown
    assert "recours gracieux adressé au signataire" in shown


def test_no_disagreement_no_page(ars, page):
    application = ready(ars)
    client = page(ars)
    assert client.get(reverse("disagreement", args=[application.number])).status_code == 404
    assert post(client, application, "inconnu", ars).status_code == 404


def test_the_list_says_what_a_disagreement_waits_for(file, ars, prefet, page):
    def said():
        return page(ars).get("/dossiers/", {"vue": "tous", "col": "suite"}).content.decode()

    assert "Concertation à consigner avant le 07/12/2026." in said()
    record(file, ars)
    assert "Concertation à consigner" in said()
    confirm(file, Concertation.objects.get(), prefet)
    assert "Concertation consignée" in said()


def test_a_late_concertation_is_said_late(file, ars, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(days=20))
    client = PortalClient()
    client.force_login(ars.user)
    shown = client.get(file.get_absolute_url()).content.decode()
    assert "elle devait être consignée avant le 7\u00a0décembre\u00a02026" in shown
    assert "(échéance passée)" in shown
