"""A decision at the signature that nobody signed yet: its service takes it back, corrects it and presents it again."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import Verdict
from labelling.models import Application, Label, Quota
from labelling.services import decisions
from labelling.services.evidence import SentFile, add_evidence
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, DecisionKind, DecisionState, Subject
from territories.models import Decision, Event, Signature
from territories.services.decisions import sign_decision
from tests import factories as make
from tests import samples
from tests.labelling.test_decisions import actions, propose, ready, refused, sign
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

NOW = make.NOW


@pytest.fixture
def ars(db):
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet(db):
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


def take_back(application, mandate, version=None, at=NOW):
    return decisions.take_back(application=application, mandate=mandate, version=version or application.version, at=at)


def test_the_lead_takes_it_back_and_presents_it_again(ars, prefet):
    make.quota(ceiling=15, ceiling_act="arrêté d’essai")
    application = ready(ars)
    first = propose(application, ars).decision
    assert Quota.objects.get().reserved == 1
    take_back(application, ars)
    first.refresh_from_db()
    assert (application.state, application.decision, first.state) == (
        State.UNDER_REVIEW,
        None,
        DecisionState.TAKEN_BACK,
    )
    assert Quota.objects.get().reserved == 0
    assert actions(application) == ["propose", "take_back"]
    assert not Decision.objects.awaiting(prefet).exists()
    with pytest.raises(StaleError, match="l’a repris avant toute signature"):
        sign(first, prefet)
    second = propose(application, ars).decision
    assert Quota.objects.get().reserved == 1
    for mandate in (ars, prefet):
        sign(second, mandate)
    assert (Label.objects.get().decision, Quota.objects.get().reserved) == (second, 0)


def test_never_once_somebody_signed_nor_by_the_other_authority(ars, prefet):
    application = ready(ars)
    decision = propose(application, ars).decision
    refused(lambda: take_back(application, prefet), "l’autorité qui l’a présenté", application)
    sign(decision, prefet)
    refused(lambda: take_back(application, ars), "déjà donnée", application)
    with pytest.raises(IntegrityError, match="nobody signed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE territories_decision SET state = 'taken_back' WHERE id = %s", [decision.pk])
    with pytest.raises(StaleError):
        take_back(application, ars, version=99)


def test_not_while_an_original_signed_by_hand_waits(ars, prefet):
    application = ready(ars)
    make.paper_original(propose(application, ars).decision, make.mandate(AuthorityKind.PREFECTURE), prefet)
    refused(lambda: take_back(application, ars), "signé à la main", application)


def test_what_was_taken_back_stays_so(ars):
    application = ready(ars)
    decision = propose(application, ars).decision
    take_back(application, ars)
    for state in ("proposed", "declined", "replaced"):
        with pytest.raises(IntegrityError, match="stays so"), transaction.atomic():
            Decision.objects.filter(pk=decision.pk).update(state=state)


def test_the_page_of_the_file_and_the_open_page_of_a_signatory(ars, prefet, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    application = ready(ars, [Verdict.NOT_MET])
    decision = propose(application, ars, DecisionKind.LABEL_REFUSED).decision
    lead, signatory = PortalClient(), PortalClient()
    lead.force_login(ars.user)
    signatory.force_login(prefet.user)
    address = reverse("application-act", args=[application.number, "reprendre"])
    assert address in lead.get(application.get_absolute_url()).text
    assert address not in signatory.get(application.get_absolute_url()).text
    posted = {"mandate": ars.pk, "version": application.version}
    assert lead.post(address, posted).status_code == 302
    shown = lead.get(application.get_absolute_url()).text
    assert "Projet de décision repris avant toute signature" in shown
    assert address not in shown
    page = reverse("decision", args=[decision.pk])
    posted = {"mandate": prefet.pk, "content_hash": decision.content_hash, "code": "000000"}
    stale = signatory.post(page, posted, follow=True).text
    assert "Le service a repris ce projet avant toute signature" in stale
    assert "version corrigée" not in stale
    assert not Signature.objects.exists()


def test_a_signatory_opens_the_file_and_its_pieces_beside_the_text(ars, prefet, monkeypatch, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    application = ready(ars)
    sent = SentFile("planning.pdf", samples.pdf(), NOW.date())
    piece = add_evidence(application=application, author=ars, criterion=None, sent=sent, at=NOW)
    application.refresh_from_db()
    decision = propose(application, ars).decision
    signatory = PortalClient()
    signatory.force_login(prefet.user)
    page = signatory.get(reverse("decision", args=[decision.pk])).text
    for address in (
        application.get_absolute_url(),
        f"{application.get_absolute_url()}#reponses",
        reverse("evidence-file", args=[application.number, piece.pk]),
    ):
        assert f'href="{address}"' in page
        opened = signatory.get(address.partition("#")[0])
        assert opened.status_code == 200
        assert b"".join(opened) if opened.streaming else opened.content
    assert 'id="reponses"' in signatory.get(application.get_absolute_url()).text


def test_the_signatories_are_told_if_they_had_been(ars, prefet, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    application = ready(ars)
    propose(application, ars)
    deliver_mail()
    mail.outbox.clear()
    take_back(application, ars, at=NOW + timedelta(minutes=1))
    deliver_mail()
    told = [letter for letter in mail.outbox if "repris" in letter.subject]
    assert {letter.to[0] for letter in told} == {ars.user.email, prefet.user.email}
    propose(application, ars)
    take_back(application, ars)
    mail.outbox.clear()
    deliver_mail()
    assert mail.outbox == [], "what nobody was told needs no second mail"


def test_taking_back_against_a_signature_at_the_same_instant(committed_db):
    make.quota(ceiling=15, ceiling_act="arrêté d’essai")
    ars, prefet = make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)
    for _ in range(4):
        application = ready(ars)
        decision = propose(application, ars).decision
        pk, version = application.pk, application.version

        def back(pk=pk, version=version):
            return take_back(Application.objects.get(pk=pk), ars, version)

        def signs(decision=decision):
            return sign_decision(decision=decision, mandate=prefet, content_hash=decision.content_hash, at=NOW)

        results = at_once(back, signs)
        assert sorted(isinstance(result, RefusedError) for result in results) == [False, True], results
        decision.refresh_from_db()
        application.refresh_from_db()
        signed = decision.signatures.exists()
        assert decision.state == (DecisionState.PROPOSED if signed else DecisionState.TAKEN_BACK)
        assert application.state == (State.AWAITING_SIGNATURES if signed else State.UNDER_REVIEW)
        chain = list(Event.objects.about(Subject.DECISION, decision.pk).values_list("action", flat=True))
        assert chain == ["propose", "sign" if signed else "take_back"]
    assert Quota.objects.get().reserved == Application.objects.filter(state=State.AWAITING_SIGNATURES).count()
