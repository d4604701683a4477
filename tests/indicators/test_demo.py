"""The small demonstration, loaded once, then looked at from every side."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings
from django_otp.oath import totp

from funding.choices import GrantState
from funding.models import Envelope, Grant
from funding.services.envelopes import discrepancies
from indicators.models import Edition
from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.load import load_demo
from indicators.services.demo.people import cast
from labelling.choices import ApplicationState, FieldKind
from labelling.models import (
    AdversarialProcedure,
    Appeal,
    Application,
    Attestation,
    Baseline,
    Ending,
    FieldValue,
    InternalField,
    Label,
    Lifting,
    Quota,
    Structure,
    Suspension,
    Visit,
)
from labelling.notifications import CONSUMER
from labelling.services.label_alerts import declared_in
from labelling.services.visit_follow_up import corrections_due
from territories.models import Delivery, Event, Mandate, Signature, User
from territories.services.events import broken_link


@pytest.fixture(scope="module")
def demo(reference_rows, django_db_blocker):
    """A small load, in a transaction that the end of the module rolls back."""
    with django_db_blocker.unblock(), override_settings(DEMO=True), transaction.atomic():
        yield load_demo(data=None, processes=1)
        transaction.set_rollback(True)


# These come before the load: they do not ask for the places of France.
@pytest.mark.django_db
def test_it_is_refused_without_demo():
    for name in ("load_demo", "demo_accounts"):
        with pytest.raises(CommandError, match="DEMO=1"):
            call_command(name)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_it_is_refused_without_its_extract(settings, tmp_path):
    settings.DEMO = True
    with pytest.raises(CommandError, match="ne contient pas"):
        call_command("load_demo", data=tmp_path)
    assert not User.objects.exists()


def test_it_says_what_it_made(demo):
    assert demo.created
    assert demo.counts["lignes de registre"] == demo.counts["candidatures"] == 80
    assert demo.counts["labels"] == Label.objects.count() >= 50
    assert demo.counts["départements avec un label"] >= 15


def test_a_second_load_changes_nothing(demo):
    before = Event.objects.count(), User.objects.count()
    again = load_demo(data=None, processes=1)
    assert not again.created
    assert (Event.objects.count(), User.objects.count()) == before


def test_every_state_is_there_at_home(demo):
    states = set(Application.objects.filter(departement="34").values_list("state", flat=True))
    assert states == set(ApplicationState) - {ApplicationState.CLOSED}
    assert Application.objects.filter(waiting_since__isnull=False, state=ApplicationState.UNDER_REVIEW).exists()


def test_no_label_without_two_signatures(demo):
    for label in Label.objects.select_related("decision"):
        assert set(label.decision.signatures.values_list("capacity", flat=True)) == {"ars", "prefet"}
    for signature in Signature.objects.select_related("mandate__authority", "decision"):
        assert signature.mandate.capacity == signature.capacity
        assert signature.mandate.may_sign(signature.signed_at)
        assert signature.mandate.covers(signature.decision.departement)


def test_quotas_count_what_is_there(demo):
    for quota in Quota.objects.all():
        place = {"wave": quota.wave_id, "departement": quota.departement_id}
        assert quota.used == Label.objects.filter(**place).count()
        signing = Application.objects.filter(
            state=ApplicationState.AWAITING_SIGNATURES, decision__kind="label_granted", **place
        )
        assert quota.reserved == signing.count()
    assert Quota.objects.filter(ceiling__isnull=False).exists()


def test_money_reconciles_to_the_cent(demo):
    assert discrepancies(Envelope.objects.all()) == []
    states = set(Grant.objects.values_list("state", flat=True))
    assert {GrantState.COMMITTED, GrantState.AWAITING_SIGNATURES} <= states
    assert set(Envelope.objects.values_list("line__origin", flat=True)) == {"new", "reallocated"}
    for grant in Grant.objects.select_related("decision"):
        assert grant.paid == sum(grant.payments.values_list("amount", flat=True))
        if grant.state == GrantState.COMMITTED:
            assert grant.decision.state == "signed"


def test_nothing_unfavourable_happens_to_a_real_place(demo):
    invented = Structure.objects.filter(fictional=True)
    assert all(structure.name.endswith(("(fictive)", "(fictif)")) for structure in invented)
    assert not Application.objects.exclude(state=ApplicationState.LABELLED).exclude(structure__in=invented).exists()
    unfavourable = (Ending, Suspension, AdversarialProcedure, Visit, Attestation)
    for kind in unfavourable:
        assert kind.objects.exists()
        assert not kind.objects.exclude(label__structure__in=invented).exists()
    assert not Appeal.objects.exclude(application__structure__in=invented).exists()


def test_what_follows_a_label_is_shown(demo):
    today = STANDS_AT.date()
    assert Suspension.objects.filter(period__contains=today, label__departement="34").exists()
    assert Lifting.objects.filter(applied_at__isnull=False).exists()
    assert Ending.objects.filter(applied_at__isnull=False, label__valid__endswith__lte=today).exists()
    assert AdversarialProcedure.objects.filter(closed_at__isnull=True).exists()
    assert Appeal.objects.filter(application__departement="34").exists()
    assert corrections_due(Label.objects.all(), on=today).exists()
    assert set(Visit.objects.values_list("conclusion", flat=True)) == {"", "compliant", "to_correct"}
    assert declared_in(Label.objects.all(), on=today)
    assert Attestation.objects.count() > len(declared_in(Label.objects.all(), on=today))
    assert Baseline.objects.count() > 5
    shown = Label.objects.get(structure__memberships__user__email="lilian.modele@structure.invalid")
    assert shown.visits.get().conclusion == "compliant"


def test_people_are_invented_and_look_it(demo):
    assert all(email.endswith(".invalid") for email in User.objects.values_list("email", flat=True))
    signers = Mandate.objects.exclude(signing_as="")
    assert signers.filter(region__isnull=False).count() == 18
    assert signers.filter(departement__isnull=False).count() == 101


def test_every_chain_holds_and_nothing_happens_after_today(demo):
    for subject in Event.objects.order_by().values_list("subject_type", "subject_id").distinct():
        assert broken_link(*subject) is None
        dates = list(Event.objects.about(*subject).values_list("at", flat=True))
        assert dates == sorted(dates)
    assert Event.objects.order_by("at").last().at <= STANDS_AT
    assert Event.objects.order_by("at").first().at.date() >= date(2025, 11, 15)


def test_the_past_is_not_mailed(demo):
    told = Delivery.objects.filter(consumer=CONSUMER, delivered_at__isnull=False).values("event")
    assert not Event.objects.filter(subject_type="application").exclude(pk__in=told).exists()


def test_three_quarters_are_published(demo):
    rows = list(Edition.objects.order_by("quarter").values_list("quarter", "state"))
    assert rows == [("2026T1", "published"), ("2026T2", "published"), ("2026T3", "published")]


def test_the_files_were_received_in_their_wave(demo):
    for file in Application.objects.exclude(state=ApplicationState.DRAFT).select_related("wave"):
        assert file.submitted_at.date() in file.wave.period
        assert file.assessments.count() <= 5


def test_accounts_are_listed_and_sign_in(demo):
    out = StringIO()
    call_command("demo_accounts", "--json", stdout=out)
    accounts = json.loads(out.getvalue())
    assert [set(row) for row in accounts] == [
        {"email", "password", "totp_secret", "role", "authority", "territory", "can_sign"}
    ] * len(cast()["accounts"])
    assert [row["role"] for row in accounts if row["can_sign"]] == ["signatory_ars", "signatory_prefet"]
    assert {row["role"] for row in accounts if not row["totp_secret"]} == {"owner_draft", "owner_label"}
    two = next(row for row in accounts if row["role"] == "two_mandates")
    assert " ; " in two["territory"]
    for row in accounts:
        user = User.objects.get(email=row["email"])
        assert user.check_password(row["password"])
        if row["totp_secret"]:
            key = bytes.fromhex(user.totpdevice_set.get().key)
            assert user.totpdevice_set.get().verify_token(totp(key))


def test_owners_have_what_their_account_promises(demo):
    label = Label.objects.get(structure__memberships__user__email="lilian.modele@structure.invalid")
    assert label.departement_id == "34"
    assert label.notified_at
    assert Grant.objects.get(label=label).state == GrantState.COMMITTED
    draft = Application.objects.get(structure__memberships__user__email="flore.maquette@structure.invalid")
    assert draft.state == ApplicationState.DRAFT


def test_two_services_note_fields_of_every_kind(demo):
    """So that the columns, the filters and the panel are seen: joint ones and not, files with values and without."""
    fields = InternalField.objects.select_related("authority")
    assert {field.kind for field in fields} == set(FieldKind)
    assert {(field.authority.kind, field.joint) for field in fields} == {
        (kind, joint) for kind in ("ars", "prefecture") for joint in (True, False)
    }
    assert all(FieldValue.objects.filter(field=field).exists() for field in fields)
    assert Application.objects.exclude(pk__in=FieldValue.objects.values("application")).exists()
