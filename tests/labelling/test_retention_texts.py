"""What a file says of people, table by table: all declared, all erased, and nothing but the erasure goes through."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, models, transaction

from labelling.choices import ClaimState, Register, Retained
from labelling.models import (
    AdversarialProcedure,
    AlertSettlement,
    Amendment,
    AnswerRevision,
    Appeal,
    Application,
    Attestation,
    Claim,
    Closing,
    Concertation,
    CriterionAssessment,
    DraftAddition,
    Evidence,
    InformationRequest,
    Message,
    NationalAdvice,
    Note,
    Opinion,
    OpinionAnswer,
    ReasonsRequest,
    RegisterLine,
    SupportMessage,
    SupportRequest,
    Suspension,
    Visit,
    VisitFinding,
)
from labelling.rules.clock import add_months
from labelling.services.personal import ERASED, KEPT, WITH_FILE
from labelling.services.retention import due_claims, due_support, purge
from labelling.services.support import ask_support, close_support
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from territories.services.events import broken_link
from tests import factories as make
from tests.labelling.test_appeals import COURT
from tests.labelling.test_appeals_suspensions import Suspended
from tests.labelling.test_retention import make_body

NOW = make.NOW
NOTICE = timedelta(days=settings.RETENTION_NOTICE_DAYS)
SAID = "Flore Maquette en parle"


# Declared ------------------------------------------------------------------------------------------------------------


def tables_of_a_file():
    """Every model of the portal whose rows hang on a file, whatever the number of steps."""
    found, grows = {Application}, True
    candidates = [model for app in ("labelling", "funding") for model in apps.get_app_config(app).get_models()]
    while grows:
        hangs = {
            model
            for model in candidates
            for field in model._meta.concrete_fields
            if (field.is_relation and field.related_model in found and not field.null) or field.name == "application"
        }
        grows = not hangs <= found
        found |= hangs
    return found


def texts_of(model):
    """The columns in which people write: neither a closed list nor a key."""
    kinds = (models.CharField, models.TextField, models.JSONField)
    return {
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, kinds)
        and not field.choices
        and not field.primary_key
        and not isinstance(field, models.FileField)
    }


def test_each_text_of_a_file_is_erased_or_kept_for_a_reason():
    erased = {(one.model, field) for one in WITH_FILE for field in one.fields}
    kept = {(apps.get_model(*key.split(".")[:2]), key.split(".")[2]) for key in KEPT}
    there = {(model, field) for model in tables_of_a_file() for field in texts_of(model)}
    assert there - erased - kept == set(), "a new text is declared in labelling/services/personal.py"
    assert (erased | kept) - there == set(), "what is no longer there is no longer declared"
    assert not erased & kept


# Erased --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(db):
    """A label with a row of each kind that may name people, disputes included."""
    world = Suspended()
    label, file, ars, owner = world.label, world.file, world.ars, world.owner
    criterion = file.specification.criteria.order_by("position").first()
    by = {"application": file, "mandate": ars}
    court = world.record(**{**COURT, "received_date": NOW.date()})
    world.judge(court, "rejected")
    file.refresh_from_db()
    Appeal.objects.create(
        **by, silence_date=NOW.date(), kind="gracieux", received_date=NOW.date(), text=SAID, recorded_at=NOW
    )
    Appeal.objects.filter(silence_date__isnull=False).update(outcome="no_object", settled_at=NOW)
    ReasonsRequest.objects.create(
        **by,
        silence_date=NOW.date(),
        received_date=NOW.date(),
        deadline=NOW.date(),
        recorded_at=NOW,
        reasons=SAID,
        answered_by=ars,
        answered_at=NOW,
    )
    Concertation.objects.create(
        application=file,
        decision=label.decision,
        held_date=NOW.date(),
        participants=SAID,
        text=SAID,
        outcome="agreement",
        recorded_by=ars,
        recorded_capacity="ars",
        recorded_at=NOW,
    )
    NationalAdvice.objects.create(**by, decision=label.decision, text=SAID, given_at=NOW)
    Closing.objects.create(**by, ground="duplicate", text=SAID, closed_at=NOW)
    DraftAddition.objects.create(**by, capacity="ars", visas=SAID, reasons=SAID, articles="", written_at=NOW)
    for set_aside, capacity in ((None, "ars"), (NOW, "prefet")):
        CriterionAssessment.ever.create(
            **by,
            criterion=criterion,
            capacity=capacity,
            verdict="met",
            reason=SAID,
            assessed_at=NOW,
            set_aside_at=set_aside,
        )
    InformationRequest.objects.create(
        application=file,
        criterion=criterion,
        capacity="ars",
        question=SAID,
        prepared_at=NOW,
        prepared_by=ars,
        reply=SAID,
        sent_at=NOW,
        sent_by=ars,
        deadline=NOW.date(),
        notified_at=NOW,
        ready_at=NOW,
        answered_at=NOW,
        answered_by=owner,
    )
    Message.objects.create(application=file, membership=owner, text=SAID, sent_at=NOW)
    Note.objects.create(**by, text=SAID, capacity="ars", joint=True, written_at=NOW)
    AnswerRevision.objects.create(
        application=file,
        number=1,
        kind="correction",
        answers={"contact": {"name": SAID}},
        reason=SAID,
        actor_type="mandate",
        actor_id=ars.pk,
        at=NOW,
    )
    body = make_body()
    opinion = Opinion.objects.create(
        application=file,
        body=body,
        email="flore@exemple.invalid",
        question=SAID,
        asked_by=ars,
        asked_at=NOW,
        due_date=NOW.date(),
        answered_at=NOW,
    )
    OpinionAnswer.objects.create(opinion=opinion, rank=1, sense="favourable", text=SAID, answered_at=NOW)
    AdversarialProcedure.objects.create(
        label=label,
        ground=world.suspension.ground,
        facts=SAID,
        letter=SAID,
        deadline=NOW.date(),
        opened_at=NOW,
        opened_by=ars,
        answer=SAID,
        answered_at=NOW,
        answered_by=owner,
        closed_at=NOW,
    )
    attestation = Attestation.objects.create(
        label=label,
        due_date=NOW.date(),
        statements={criterion.code: SAID, "other": ""},
        attested_at=NOW,
        membership=owner,
    )
    AlertSettlement.objects.create(
        label=label,
        attestation=attestation,
        criterion=criterion,
        said={"text": SAID},
        sentence=SAID,
        outcome="checked",
        note=SAID,
        mandate=ars,
        settled_at=NOW,
    )
    Amendment.objects.create(
        label=label, kind="mistake", before={"name": "A"}, after={"name": "B"}, reason=SAID, mandate=ars, amended_at=NOW
    )
    visit = Visit.objects.create(
        label=label, reason="sample", planned_date=NOW.date(), planned_at=NOW, planned_by=ars, notes=SAID
    )
    VisitFinding.objects.create(visit=visit, criterion=criterion, result="met", observed=SAID)
    world.photo = Evidence.objects.create(
        application=file,
        criterion=criterion,
        visit=visit,
        origin="visit",
        document_date=NOW.date(),
        name=f"{SAID}.jpg",
        file="evidence/flore.jpg",
        scan="clean",
        content_type="image/jpeg",
        size=3,
        sha256="0" * 64,
        mandate=ars,
        added_at=NOW,
    )
    Visit.objects.filter(pk=visit.pk).update(
        visited_date=NOW.date(), conclusion="compliant", sent_at=NOW, deadline=NOW.date()
    )
    Visit.objects.filter(pk=visit.pk).update(answer=SAID, answered_at=NOW, answered_by=owner)
    return world


def rows_of(file, one):
    """The rows of a declared table, whole, as the database writes them."""
    pks = list(one.model._base_manager.filter(**{one.file: file}).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {one.model._meta.db_table} t WHERE id = ANY(%s)", [pks])  # noqa: S608
        return [text for (text,) in cursor.fetchall()]


def end_of(world):
    """An instant at which what the label left is due: announced then, erased after the notice."""
    last = add_months(world.label.valid.upper, settings.RETENTION_LABEL_MONTHS + 1)
    return NOW + (last - NOW.date())


def purged(world):
    at = end_of(world)
    purge(at=at)
    report = purge(at=at + NOTICE)
    world.file.refresh_from_db()
    return report


def test_nothing_that_was_written_of_people_is_left(world):
    world.suspension.refresh_from_db()
    for one in WITH_FILE:
        texts = rows_of(world.file, one)
        assert texts, f"no row of {one.model.__name__}: the test would prove nothing"
        said = "contrat d’un médecin" if one.model is Suspension else "Flore" if one.model is not Appeal else "en parle"
        assert any(said in text for text in texts), one.model.__name__
    report = purged(world)
    assert (report.erased[Retained.EVIDENCE], report.erased[Retained.FILE]) == (1, 1)
    for one in WITH_FILE:
        for text in rows_of(world.file, one):
            assert "Flore" not in text, one.model.__name__
            assert "flore@" not in text, one.model.__name__
            assert "contrat d’un médecin" not in text, one.model.__name__
    assert set(Appeal.objects.values_list("text", flat=True)) == {ERASED}
    assert set(CriterionAssessment.ever.values_list("reason", flat=True)) == {ERASED}
    assert Attestation.objects.get().statements.get("other") == "", "what said nothing still says nothing"
    assert DraftAddition.objects.get().articles == ""
    # The acts stay, and the chains still verify.
    assert "contrat d’un médecin" in world.suspension.decision.content
    for subject, key in ((Subject.APPLICATION, world.file.pk), (Subject.LABEL, world.label.pk)):
        assert broken_link(subject, key) is None


def test_the_photos_of_a_visit_go_once_the_label_has_ended(world):
    rows = Evidence.objects.filter(pk=world.photo.pk)
    with pytest.raises(IntegrityError, match="kept once it is sent"), transaction.atomic():
        rows.update(removed_at=NOW, file="")
    purged(world)
    world.photo.refresh_from_db()
    assert (world.photo.file.name, world.photo.name) == ("", ERASED)
    assert world.photo.removed_at is not None
    assert not default_storage.exists("evidence/flore.jpg")


def test_before_a_purge_the_redaction_does_not_go_through_nor_anything_else_after(world):
    guarded = (
        Appeal,
        Concertation,
        NationalAdvice,
        Closing,
        Suspension,
        Visit,
        VisitFinding,
        Attestation,
        Amendment,
        AlertSettlement,
    )
    by_model = {one.model: one for one in WITH_FILE}
    for model in guarded:
        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.update(**by_model[model].fields)
    purged(world)
    for model in guarded:
        field = next(iter(by_model[model].fields))
        other = {"x": "autre"} if model is Attestation or field == "said" else "autre chose"
        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.update(**{field: other})
        with pytest.raises(IntegrityError), transaction.atomic():
            model._base_manager.all()._raw_delete("default")


# Beside files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(db):
    ars = make.mandate(AuthorityKind.ARS)
    fields = {"departement": make.departement(), "kind": "siting", "title": f"{SAID}…", "text": SAID}
    request = ask_support(**fields, mandate=ars, at=NOW)
    return request, ars


def test_a_request_for_support_is_erased_two_years_after_it_is_closed(asked):
    request, ars = asked
    much_later = add_months(NOW.date(), settings.RETENTION_FILE_MONTHS + 1)
    assert not due_support(much_later).exists(), "an open one never is"
    with pytest.raises(IntegrityError, match="support_request_purged_once_closed"), transaction.atomic():
        SupportRequest.objects.update(purged_at=NOW)
    close_support(request=request, mandate=ars, version=request.version, at=NOW)
    assert not due_support(add_months(NOW.date(), settings.RETENTION_FILE_MONTHS)).exists()
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        SupportMessage.objects.update(text=ERASED)
    at = NOW + (much_later - NOW.date())
    assert purge(at=at, dry_run=True).erased[Retained.SUPPORT] == 1
    assert purge(at=at).erased[Retained.SUPPORT] == 1
    assert purge(at=at).erased[Retained.SUPPORT] == 0
    request.refresh_from_db()
    assert (request.title, request.messages.get().text, request.purged_at) == (ERASED, ERASED, at)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        SupportMessage.objects.update(text="autre chose")
    with pytest.raises(IntegrityError, match="stays so"), transaction.atomic():
        SupportRequest.objects.update(title="autre chose")
    assert Event.objects.about(Subject.SUPPORT, request.pk).last().action == "purge"


def claimed(state, *, settled_at, line=None):
    line = line or RegisterLine.objects.create(
        register=Register.DECLARED,
        number=f"123-{RegisterLine.objects.count()}",
        siret="12345678200018",
        name=SAID,
        sort_key="flore maquette",
        address="1 rue de Flore",
        phone="0199000009",
        email="flore@exemple.invalid",
        commune=make.commune(),
        as_of=NOW.date(),
    )
    Claim.objects.create(user=make.user(), line=line, state=state, created_at=NOW, settled_at=settled_at)
    return line


def test_what_somebody_described_in_vain_is_erased_two_years_after_the_answer(db):
    line = claimed(ClaimState.REJECTED, settled_at=NOW)
    waiting = claimed(ClaimState.WAITING_AGENT, settled_at=None)
    twice = claimed(ClaimState.REJECTED, settled_at=NOW)
    claimed(ClaimState.WAITING_AGENT, settled_at=None, line=twice)
    served = claimed(ClaimState.REJECTED, settled_at=NOW)
    make.structure(served, finess=None, siret=served.siret, kind="other")
    imported = make.register_line(make.commune())
    claimed(ClaimState.REJECTED, settled_at=NOW, line=imported)
    due = add_months(NOW.date(), settings.RETENTION_FILE_MONTHS)
    assert not due_claims(due).exists()
    assert list(due_claims(due + timedelta(days=1))) == [line]
    at = NOW + (due + timedelta(days=1) - NOW.date())
    assert purge(at=at).erased[Retained.CLAIM] == 1
    assert purge(at=at).erased[Retained.CLAIM] == 0
    line.refresh_from_db()
    assert (line.name, line.siret, line.address, line.phone, line.email) == (ERASED, "", "", "", "")
    assert "123" not in line.number
    for other in (waiting, twice, served):
        other.refresh_from_db()
        assert other.name == SAID
