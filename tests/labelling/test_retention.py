"""What is kept for a time, then erased: when, announced how, by which path; and that nothing else goes through it."""

import os
from datetime import timedelta
from io import StringIO

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.core import mail
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from psycopg2 import sql

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import BodyKind, FieldKind, OpinionSense, Retained, RevisionKind
from labelling.models import (
    AnswerDraft,
    AnswerRevision,
    Appeal,
    Application,
    ConsultedBody,
    Evidence,
    InformationRequest,
    Message,
    Note,
    Opinion,
    OpinionAnswer,
    Purge,
)
from labelling.rules.clock import add_months
from labelling.services.appeals import lodge_appeal
from labelling.services.applications import start_application
from labelling.services.evidence import SentFile, add_evidence
from labelling.services.fields import fill, make_field
from labelling.services.messages import send_message
from labelling.services.notes import write_note
from labelling.services.personal import ERASED
from labelling.services.retention import counts, purge
from labelling.services.revisions import versions_of
from labelling.tasks import deliver_mail, purge_expired
from territories.choices import AuthorityKind, Subject
from territories.models import Event, Invitation, User
from territories.services.accounts import invite
from territories.services.events import broken_link, record_event
from territories.services.retention import periods
from tests import factories as make
from tests import samples
from tests.labelling.worlds import make_label

NOW = timezone.now()
TODAY = timezone.localdate(NOW)
NOTICE = timedelta(days=settings.RETENTION_NOTICE_DAYS)
ANSWERS = {
    "identity": {"exact": False, "correction": "Demander Flore Maquette"},
    "contact": {"name": "Flore Maquette", "role": "gérante", "phone": "0199000009", "email": "flore@exemple.invalid"},
    "hours": {"mon": [["08:30", "12:30"]]},
    "team": [
        {"profession": "doctor", "name": "Flore Maquette", "rpps": "10100000017", "sector": "1", "half_days": [0, 1]},
        {"profession": "nurse", "name": "Achille Prototype", "rpps": "", "on_site": False, "minutes": 6},
    ],
    "fees": {"overrun": False, "third_party": True, "details": "voir Flore"},
    "on_call": {"sas": True, "details": "voir Flore"},
}
NAMES = ("Flore", "flore@", "Achille", "10100000017")


def ago(months):
    """An instant of the day that many months before today."""
    return NOW - (TODAY - add_months(TODAY, -months))


def over(state=State.CLOSED, *, at, **fields):
    """A file that ended at an instant, as the engine writes it."""
    file = make.application(state=state, answers=ANSWERS, **fields)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        action="close",
        actor=None,
        at=at,
        from_state=State.UNDER_REVIEW,
        to_state=state,
    )
    return file


def actions(file, subject=Subject.APPLICATION):
    return [(event.action, event.data.get("what")) for event in Event.objects.about(subject, file.pk)]


@pytest.fixture
def full(db):
    """A closed file with something in every row that may name people, ended 25 months ago."""
    owner = make.membership()
    ars = make.mandate(AuthorityKind.ARS)
    # Written while it was under review, as services ask; it then ended.
    file = make.application(owner.structure, state=State.UNDER_REVIEW, answers=ANSWERS)
    piece = add_evidence(
        application=file,
        author=owner,
        criterion=None,
        sent=SentFile("cv-flore-maquette.pdf", samples.pdf(), make.NOW.date()),
        at=NOW,
    )
    send_message(application=file, author=owner, text="Appelez Flore", answer_expected=False, at=NOW)
    write_note(application=file, criterion=None, text="Flore rappelle lundi", joint=True, mandate=ars, at=NOW)
    kept = make_field(mandate=ars, name="suite", note="", kind=FieldKind.TEXT, choices=[], joint=True, at=NOW)
    fill(application=file, said={kept.pk: "Flore écrit au maire"}, was={}, mandate=ars, at=NOW)
    criterion = file.specification.criteria.first()
    InformationRequest.objects.create(
        application=file,
        criterion=criterion,
        capacity="ars",
        question="Flore est-elle là ?",
        prepared_at=NOW,
        prepared_by=ars,
        sent_at=NOW,
        sent_by=ars,
        deadline=TODAY,
        notified_at=NOW,
        reply="Flore est là",
        ready_at=NOW,
        answered_at=NOW,
        answered_by=owner,
    )
    AnswerRevision.objects.create(
        application=file,
        number=1,
        kind=RevisionKind.CORRECTION,
        answers=ANSWERS,
        reason="dit par Flore",
        actor_type="mandate",
        actor_id=ars.pk,
        at=NOW,
    )
    AnswerDraft.objects.create(application=file, answers=ANSWERS)
    opinion = Opinion.objects.create(
        application=file,
        body=make_body(),
        email="flore@exemple.invalid",
        question="Que pense Flore ?",
        asked_by=ars,
        asked_at=NOW,
        due_date=TODAY + timedelta(days=15),
        answered_at=NOW,
    )
    OpinionAnswer.objects.create(
        opinion=opinion, rank=1, sense=OpinionSense.FAVOURABLE, text="Flore est d’accord", answered_at=NOW
    )
    Application.objects.filter(pk=file.pk).update(state=State.CLOSED)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        action="close",
        actor=ars,
        at=ago(25),
        to_state=State.CLOSED,
    )
    file.refresh_from_db()
    return file, owner, piece


def make_body():
    return ConsultedBody.objects.create(
        kind=BodyKind.OTHER, name="CPTS fictive", departement=make.departement(), email="cpts@exemple.invalid"
    )


# A file that is over -------------------------------------------------------------------------------------------------


def test_a_file_that_is_over_is_announced_then_loses_who_it_names(full, client):
    file, owner, piece = full
    stored = piece.file.name
    decided = actions(file)
    first = purge(at=NOW)
    assert (first.announced[Retained.FILE], first.erased[Retained.FILE]) == (1, 0)
    assert actions(file) == [*decided, ("announce_purge", "evidence"), ("announce_purge", "file")]
    deliver_mail()
    told = [one for one in mail.outbox if one.to == [owner.user.email] and "effacé" in one.subject]
    assert len(told) == 2
    # Neither before the notice has run, nor announced twice.
    assert purge(at=NOW + NOTICE - timedelta(days=1)).erased[Retained.FILE] == 0
    later = NOW + NOTICE
    report = purge(at=later)
    assert (report.announced[Retained.FILE], report.erased[Retained.FILE]) == (0, 1)
    file.refresh_from_db()
    assert (file.purged_at, file.state) == (later, State.CLOSED)
    assert rows_that_name(file) == []
    assert Evidence.objects.get(pk=piece.pk).sha256 == piece.sha256
    assert not AnswerDraft.objects.filter(application=file).exists()
    # What is not personal stays: hours, half-days, the states; chains still verify.
    assert file.answers["hours"] == ANSWERS["hours"]
    assert [one["profession"] for one in file.answers["team"]] == ["doctor", "nurse"]
    assert versions_of(file)[0].changes == []
    assert broken_link(Subject.APPLICATION, file.pk) is None
    assert set(Purge.objects.values_list("category", "count")) == {("evidence", 1), ("file", 1)}
    assert purge(at=later + timedelta(days=1)).erased[Retained.FILE] == 0
    client.force_login(owner.user)
    assert "ce qui y nommait des personnes a été effacé" in client.get(file.get_absolute_url()).text
    assert stored


def rows_that_name(file):
    """Every table that has a column for this file, or for one of its rows, searched whole as JSON for the names."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'application_id' AND table_schema = 'public'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            query = sql.SQL("SELECT to_jsonb(t)::text FROM {} t WHERE application_id = %s").format(
                sql.Identifier(table)
            )
            cursor.execute(query, [file.pk])
            found += [(table, text) for (text,) in cursor.fetchall()]
        cursor.execute("SELECT to_jsonb(t)::text FROM labelling_application t WHERE id = %s", [file.pk])
        found += [("labelling_application", text) for (text,) in cursor.fetchall()]
        cursor.execute(
            "SELECT to_jsonb(a)::text FROM labelling_opinionanswer a JOIN labelling_opinion o ON o.id = a.opinion_id "
            "WHERE o.application_id = %s",
            [file.pk],
        )
        found += [("labelling_opinionanswer", text) for (text,) in cursor.fetchall()]
    assert {"labelling_message", "labelling_answerrevision", "labelling_evidence"} <= {name for name, _ in found}
    return [(table, name) for table, text in found for name in NAMES if name.lower() in text.lower()]


def test_the_names_are_there_before_the_purge(full):
    tables = {table for table, _ in rows_that_name(full[0])}
    assert tables == {
        "labelling_answerrevision",
        "labelling_answerdraft",
        "labelling_application",
        "labelling_evidence",
        "labelling_fieldvalue",
        "labelling_informationrequest",
        "labelling_message",
        "labelling_note",
        "labelling_opinion",
        "labelling_opinionanswer",
    }


def test_the_bytes_of_pieces_go_with_the_transaction(full, django_capture_on_commit_callbacks):
    piece = full[2]
    assert default_storage.exists(piece.file.name)
    with django_capture_on_commit_callbacks(execute=True):
        purge(at=NOW)
        purge(at=NOW + NOTICE)
    assert not default_storage.exists(piece.file.name)


@pytest.mark.django_db
def test_pieces_go_before_the_file_does(django_capture_on_commit_callbacks):
    owner = make.membership()
    file = make.application(owner.structure, state=State.UNDER_REVIEW, answers=ANSWERS)
    sent = SentFile("planning.pdf", samples.pdf(), make.NOW.date())
    piece = add_evidence(application=file, author=owner, criterion=None, sent=sent, at=NOW)
    Application.objects.filter(pk=file.pk).update(state=State.ABANDONED)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        action="abandon",
        actor=owner,
        at=ago(13),
        to_state=State.ABANDONED,
    )
    purge(at=NOW)
    report = purge(at=NOW + NOTICE)
    assert (report.erased[Retained.EVIDENCE], report.erased[Retained.FILE]) == (1, 0)
    file.refresh_from_db()
    piece.refresh_from_db()
    assert (file.purged_at, file.answers["contact"]["name"], piece.name) == (None, "Flore Maquette", "planning.pdf")
    assert (piece.file.name, piece.removed_at) == ("", NOW + NOTICE)


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.SUBMITTED, State.UNDER_REVIEW])
def test_an_open_file_never_expires(state):
    file = make.application(state=state, created_at=ago(200), submitted_at=ago(199))
    record_event(
        subject_type=Subject.APPLICATION, subject_id=file.pk, action="submit", actor=None, at=ago(199), to_state=state
    )
    assert counts(TODAY)[Retained.FILE] == 0
    with pytest.raises(IntegrityError, match="application_purged_once_over"), transaction.atomic():
        Application.objects.filter(pk=file.pk).update(purged_at=NOW, answers={})


@pytest.mark.django_db
def test_a_file_contested_or_recently_over_is_left_alone():
    recent = over(at=ago(23))
    contested = over(State.ABANDONED, at=ago(30))
    assert counts(TODAY)[Retained.FILE] == 1
    ars = make.mandate(AuthorityKind.ARS)
    decision = make_label(at=make.NOW).decision
    Appeal.objects.create(
        application=contested,
        decision=decision,
        kind="gracieux",
        received_date=TODAY,
        text="recours",
        mandate=ars,
        recorded_at=NOW,
    )
    assert counts(TODAY)[Retained.FILE] == 0
    assert recent.purged_at is None


@pytest.mark.django_db
def test_a_labelled_file_is_kept_years_after_the_end_of_its_label():
    label = make_label(answers=ANSWERS)
    file = label.application
    assert counts(TODAY)[Retained.FILE] == 0
    for months, due in ((59, 0), (61, 1)):
        assert counts(add_months(label.valid.upper, months))[Retained.FILE] == due
    later = NOW + (add_months(label.valid.upper, 61) - TODAY)
    purge(at=later)
    purge(at=later + NOTICE)
    file.refresh_from_db()
    assert file.purged_at == later + NOTICE
    assert (file.state, file.decision.state) == (State.LABELLED, "signed")
    assert broken_link(Subject.DECISION, file.decision_id) is None


# The one path through the triggers -----------------------------------------------------------------------------------


def refused(queryset, **fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        queryset.update(**fields)


def test_before_a_purge_not_even_the_redaction_goes_through(full):
    file = full[0]
    for rows in (Message.objects, Note.objects):
        refused(rows.filter(application=file), text=ERASED)
    refused(AnswerRevision.objects.filter(application=file), reason=ERASED)
    refused(OpinionAnswer.objects.filter(opinion__application=file), text=ERASED)
    refused(InformationRequest.objects.filter(application=file), question=ERASED, reply=ERASED)
    refused(Evidence.objects.filter(application=file), name=ERASED)
    refused(Application.objects.filter(pk=file.pk), answers={}, purged_at=NOW)


def test_after_it_nothing_but_the_redaction_went_through(full):
    file = full[0]
    purge(at=NOW)
    purge(at=NOW + NOTICE)
    refused(Message.objects.filter(application=file), text="autre chose")
    refused(Message.objects.filter(application=file), text=ERASED, sent_at=NOW - timedelta(days=1))
    refused(Note.objects.filter(application=file), text="autre chose")
    refused(AnswerRevision.objects.filter(application=file), answers={})
    refused(AnswerRevision.objects.filter(application=file), number=7)
    refused(OpinionAnswer.objects.filter(opinion__application=file), sense=OpinionSense.NONE)
    refused(InformationRequest.objects.filter(application=file), required=True)
    refused(Evidence.objects.filter(application=file), sha256="0" * 64)
    refused(Application.objects.filter(pk=file.pk), purged_at=None)
    refused(Application.objects.filter(pk=file.pk), answers=ANSWERS)
    refused(Purge.objects.all(), count=9)
    for rows in (Message, Note, AnswerRevision, OpinionAnswer, InformationRequest):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.objects.all()._raw_delete("default")


def test_a_purged_file_takes_nothing_more(full):
    file, owner, _ = full
    ars = make.mandate(AuthorityKind.ARS)
    purge(at=NOW)
    purge(at=NOW + NOTICE)
    file.refresh_from_db()
    for act in (
        lambda: send_message(application=file, author=owner, text="Bonjour", answer_expected=False, at=NOW),
        lambda: write_note(application=file, criterion=None, text="note", joint=True, mandate=ars, at=NOW),
    ):
        with pytest.raises(RefusedError, match="terminé depuis longtemps"):
            act()
    Application.objects.filter(pk=file.pk).update(state=State.ABANDONED)
    with pytest.raises(RefusedError):
        lodge_appeal(application=file, membership=owner, text="recours", version=file.version, at=NOW)
    assert Message.objects.filter(application=file).count() == 1


# Drafts --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(db):
    make.specification()
    return start_application(membership=make.membership(), at=ago(settings.RETENTION_DRAFT_MONTHS + 1))


def test_a_draft_left_aside_is_announced_then_deleted(draft):
    assert purge(at=NOW).announced[Retained.DRAFT] == 1
    deliver_mail()
    (told,) = [one for one in mail.outbox if "va être supprimé" in one.subject]
    assert draft.number in told.body
    assert purge(at=NOW + NOTICE).erased[Retained.DRAFT] == 1
    assert not Application.objects.filter(pk=draft.pk).exists()
    assert actions(draft)[-2:] == [("announce_purge", "draft"), ("purge", "draft")]


def test_writing_in_a_draft_saves_it(draft):
    purge(at=NOW)
    Application.objects.filter(pk=draft.pk).update(saved_at=NOW + timedelta(days=3))
    assert purge(at=NOW + NOTICE).erased[Retained.DRAFT] == 0
    # Left aside again, it is announced again, and the former announcement counts for nothing.
    much_later = NOW + timedelta(days=400)
    report = purge(at=much_later)
    assert (report.announced[Retained.DRAFT], report.erased[Retained.DRAFT]) == (1, 0)


# Accounts ------------------------------------------------------------------------------------------------------------


def unused(**fields):
    return make.user(joined_at=ago(40), last_login=ago(settings.RETENTION_ACCOUNT_MONTHS + 1), **fields)


def test_an_account_that_does_not_serve_becomes_nobody(db, client):
    person = unused(email="partie@exemple.invalid")
    make.mandate(person=person, valid=make.DateRange(add_months(TODAY, -40), add_months(TODAY, -30)))
    invitation, _ = invite(email=person.email, at=NOW, membership_fields={"structure": 1})
    assert purge(at=NOW).announced[Retained.ACCOUNT] == 1
    deliver_mail()
    assert [one.to for one in mail.outbox if "ne sert plus" in one.subject] == [["partie@exemple.invalid"]]
    assert purge(at=NOW + NOTICE).erased[Retained.ACCOUNT] == 1
    person.refresh_from_db()
    assert (person.full_name, person.email, person.is_active) == (
        "Compte anonymisé",
        f"compte-{person.pk}@anonyme.invalid",
        False,
    )
    assert not person.has_usable_password()
    invitation.refresh_from_db()
    assert invitation.email == person.email
    assert actions(person, Subject.ACCOUNT) == [("announce_purge", "account"), ("anonymise", None)]
    assert broken_link(Subject.ACCOUNT, person.pk) is None
    client.post(reverse("login"), {"username": "partie@exemple.invalid", "password": make.PASSWORD})
    assert "_auth_user_id" not in client.session
    with pytest.raises(IntegrityError, match="user_anonymised_is_nobody"), transaction.atomic():
        User.objects.filter(pk=person.pk).update(first_name="Prune")


def test_signing_in_keeps_the_account(db):
    person = unused()
    purge(at=NOW)
    User.objects.filter(pk=person.pk).update(last_login=NOW + timedelta(days=2))
    assert purge(at=NOW + NOTICE).erased[Retained.ACCOUNT] == 0


def test_an_account_that_something_in_force_needs_is_kept(db):
    make.mandate(person=unused())
    make.mandate(person=unused(), valid=make.DateRange(TODAY + timedelta(days=9), None))
    busy = make.membership(person=unused())
    make.application(busy.structure, state=State.UNDER_REVIEW)
    holder = make.membership(person=unused())
    make_label(holder.structure, at=NOW, owner=holder)
    unused(is_staff=True)
    done = make.membership(person=unused())
    over(of=done.structure, at=ago(3))
    purge(at=NOW)
    assert purge(at=NOW + NOTICE).erased[Retained.ACCOUNT] == 1
    done.refresh_from_db()
    assert done.ended_at == NOW + NOTICE
    assert User.objects.filter(anonymised_at__isnull=False).get() == done.user


# The rest ------------------------------------------------------------------------------------------------------------


def test_addresses_attempts_and_mails_on_disk_are_erased(db, tmp_path, settings):
    settings.EMAIL_FILE_PATH = tmp_path
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    for path, days in ((old, 31), (new, 3)):
        path.write_text("courriel")
        then = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (then, then))
    kept, _ = invite(email="recente@exemple.invalid", at=ago(2), membership_fields={"structure": 1})
    gone, _ = invite(email="ancienne@exemple.invalid", at=ago(14), membership_fields={"structure": 1})
    attempt = AccessAttempt.objects.create(username="quelqu’un", ip_address="192.0.2.1", failures_since_start=3)
    AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=ago(7))
    tried = purge(at=NOW, dry_run=True)
    expected = {Retained.INVITATION: 1, Retained.ATTEMPT: 1, Retained.MAIL: 1}
    assert {category: count for category, count in tried.erased.items() if count} == expected
    assert (old.exists(), Purge.objects.count(), AccessAttempt.objects.count()) == (True, 0, 1)
    assert {category: count for category, count in purge(at=NOW).erased.items() if count} == expected
    assert (old.exists(), new.exists(), AccessAttempt.objects.count()) == (False, True, 0)
    assert [Invitation.objects.get(pk=row.pk).email for row in (kept, gone)] == [
        "recente@exemple.invalid",
        f"invitation-{gone.pk}@anonyme.invalid",
    ]


def test_a_trial_announces_and_erases_nothing(full):
    before = (Event.objects.count(), Message.objects.get(application=full[0]).text)
    out = StringIO()
    call_command("purge_expired", "--dry-run", stdout=out)
    assert "personnes nommées et textes écrits des dossiers terminés : 0 effacés, 1 annoncés" in out.getvalue()
    assert (Event.objects.count(), Message.objects.get(application=full[0]).text) == before
    call_command("purge_expired", stdout=StringIO())
    assert Event.objects.count() == before[0] + 2


def test_the_task_does_what_the_command_does(full):
    purge_expired()
    assert actions(full[0])[-1] == ("announce_purge", "file")


def test_the_public_page_and_the_national_one_say_the_same_periods(full, client, settings):
    settings.RETENTION_FILE_MONTHS = 30
    national = make.mandate(AuthorityKind.NATIONAL)
    public = client.get(reverse("privacy")).text
    client.force_login(national.user)
    page = client.get(reverse("retention")).text
    assert "30 mois après sa fin" in public
    for row in periods():
        assert row.kept in public
        assert row.kept in page


def test_the_national_page_counts_what_comes_and_what_went(full, client, django_assert_max_num_queries):
    national = make.mandate(AuthorityKind.NATIONAL)
    client.force_login(national.user)
    assert "Rien n’a encore été effacé" in client.get(reverse("retention")).text
    purge(at=NOW - NOTICE)
    purge(at=NOW)
    with django_assert_max_num_queries(45):
        page = client.get(reverse("retention")).text
    assert "personnes nommées et textes écrits des dossiers terminés, 1" in page
