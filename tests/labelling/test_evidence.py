"""The pieces of a file: who adds and removes them, what is kept, what the antivirus does, what the database refuses."""

import socketserver
import struct
import threading
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import EvidenceOrigin, EvidenceType, MembershipRole, Scan
from labelling.models import Evidence
from labelling.notifications import messages_of
from labelling.services import antivirus
from labelling.services import evidence as service
from labelling.services.applications import discard_draft
from labelling.services.evidence import SentFile
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.plugins.committed import at_once

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
PDF = samples.pdf()
DAY = date(2026, 11, 12)
db = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def draft(**fields):
    member = make.membership()
    return make.application(member.structure, **fields), member


def criterion(application, position=1):
    return application.specification.criteria.get(position=position)


def add(application, author, *, content=PDF, name="planning.pdf", day=DAY, on=None, at=NOW, **fields):
    return service.add_evidence(
        application=application, author=author, criterion=on, sent=SentFile(name, content, day), at=at, **fields
    )


def state_of(application, folder):
    chain = Event.objects.about(Subject.APPLICATION, application.pk)
    return (
        list(Evidence.objects.order_by("pk").values()),
        list(chain.values_list("action", flat=True)),
        files_in(folder),
        type(application).objects.values().get(pk=application.pk),
    )


def refused(call, sentence, application, folder):
    """Refused with this sentence: no row, no event and no byte moved."""
    before = state_of(application, folder)
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert state_of(application, folder) == before


# Adding ---------------------------------------------------------------------------------------------------------------


@db
def test_a_piece_is_kept_under_a_random_name_with_an_event_of_ids_only(media):
    application, member = draft()
    row = add(application, member, on=criterion(application), name="Planning de Mme Exemplaire.pdf")
    assert (row.name, row.content_type, row.size) == ("Planning de Mme Exemplaire.pdf", EvidenceType.PDF, len(PDF))
    assert (row.scan, row.origin, row.membership, row.mandate) == (Scan.NOT_SCANNED, "document", member, None)
    (stored,) = files_in(media)
    assert stored.read_bytes() == PDF
    assert "Exemplaire" not in str(stored)
    event = Event.objects.about(Subject.APPLICATION, application.pk).get()
    assert (event.action, event.actor_type, event.actor_id) == ("add_evidence", "membership", member.pk)
    assert event.data == {"evidence": row.pk, "sha256": row.sha256, "criterion": row.criterion_id}
    application.refresh_from_db()
    assert application.version == 1, "adding a piece makes nobody's page stale"


@db
@pytest.mark.parametrize("role", MembershipRole)
def test_any_account_of_the_structure_adds(role):
    member = make.membership(role=role)
    assert add(make.application(member.structure), member).membership == member


@db
@pytest.mark.parametrize("state", [State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT])
def test_both_sides_complete_an_open_file(state):
    application, member = draft(state=state)
    for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE):
        row = add(application, make.mandate(kind), origin=EvidenceOrigin.VISIT, content=samples.pdf(kind))
        assert (row.by_services, row.origin) == (True, EvidenceOrigin.VISIT)
    row = add(application, member, origin=EvidenceOrigin.VISIT)
    assert row.origin == EvidenceOrigin.DOCUMENT, "only services visit"


@db
@pytest.mark.parametrize("state", [State.ABANDONED, State.CLOSED])
def test_a_finished_file_takes_no_piece(state, media):
    application, member = draft(state=state)
    for author in (member, make.mandate()):
        refused(lambda author=author: add(application, author), "ne reçoit plus de pièces", application, media)


@db
def test_who_may_not_adds_nothing(media):
    application, _ = draft(state=State.UNDER_REVIEW)
    ended = make.membership(application.structure)
    ended.ended_at = NOW
    neighbour = make.departement("97X", "Valfictie", region="R2")
    for author, sentence in [
        (make.membership(), "Votre accès à cette structure est terminé"),
        (ended, "Votre accès à cette structure est terminé"),
        (make.mandate(role=Role.OBSERVER), "permet de lire"),
        (make.mandate(AuthorityKind.NATIONAL), "permet de lire"),
        (make.mandate(AuthorityKind.CAISSE), "permet de lire"),
        (make.mandate(AuthorityKind.PREFECTURE, on=neighbour), "ne couvre pas"),
        (make.mandate(valid=make.DateRange(date(2025, 10, 1), date(2026, 11, 22))), "n’est pas en vigueur"),
    ]:
        refused(lambda author=author: add(application, author), sentence, application, media)
    untouched, _ = draft()
    refused(lambda: add(untouched, make.mandate()), "n’est pas déposé", untouched, media)


@db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"content": samples.archive()}, "c’est une archive ZIP renommée"),
        ({"content": samples.pdf(samples.NIR)}, "numéro de sécurité sociale"),
        ({"day": date(2026, 11, 23)}, "ne peut pas être à venir"),
        ({"day": date(1900, 1, 1)}, "antérieure à 1990"),
        ({"origin": "declared"}, "Dites ce qu’est cette pièce"),
    ],
)
def test_a_refused_file_leaves_nothing(fields, sentence, media):
    application, _ = draft(state=State.UNDER_REVIEW)
    refused(lambda: add(application, make.mandate(), **fields), sentence, application, media)


@db
def test_the_same_file_twice_and_one_too_many(media, settings):
    application, member = draft()
    add(application, member, on=criterion(application))
    refused(
        lambda: add(application, member, on=criterion(application), name="autre nom.pdf"),
        "est déjà dans le dossier",
        application,
        media,
    )
    add(application, member)
    settings.EVIDENCE_MAX_FILES = 2
    refused(lambda: add(application, member, content=samples.pdf("x")), "déjà 2 pièces", application, media)


@db
def test_a_criterion_of_another_version_is_refused(media):
    application, member = draft()
    other = type(application.specification).objects.create(version="0.9", title="essai", legal_source="essai")
    stranger = other.criteria.create(code="x", position=1, kind="criterion", title="x", text="x", rule="person")
    refused(lambda: add(application, member, on=stranger), "ne fait pas partie", application, media)


def test_two_people_cannot_pass_the_limit_together(committed_db, settings):
    settings.EVIDENCE_MAX_FILES = 3
    application, member = draft()
    results = at_once(*[lambda n=n: add(application, member, content=samples.pdf(f"page {n}")) for n in range(5)])
    assert sum(isinstance(result, Evidence) for result in results) == 3
    assert sum(isinstance(result, RefusedError) for result in results) == 2
    chain = Event.objects.about(Subject.APPLICATION, application.pk)
    assert [event.sequence for event in chain] == [1, 2, 3]


# Removing -------------------------------------------------------------------------------------------------------------


@db
def test_removed_its_bytes_go_and_its_row_stays(media, django_capture_on_commit_callbacks):
    application, member = draft()
    row = add(application, member)
    with django_capture_on_commit_callbacks(execute=True):
        service.remove_evidence(evidence=row, author=member, at=NOW)
    assert (row.removed_at, row.file.name, row.is_readable, files_in(media)) == (NOW, "", False, [])
    last = Event.objects.about(Subject.APPLICATION, application.pk).last()
    assert (last.action, last.data["sha256"]) == ("remove_evidence", row.sha256)
    refused(lambda: service.remove_evidence(evidence=row, author=member, at=NOW), "déjà retirée", application, media)
    with pytest.raises(RefusedError, match="n’est plus conservée"):
        service.open_bytes(row)
    assert add(application, member).pk != row.pk, "the same file may come back"


@db
def test_each_side_removes_its_own_only(media):
    application, member = draft(state=State.UNDER_REVIEW)
    agent = make.mandate()
    theirs, ours = add(application, member), add(application, agent, content=samples.pdf("constat"))
    for row, author, sentence in [
        (theirs, agent, "ajoutée par la structure"),
        (ours, member, "ajoutée par les services"),
        (theirs, make.membership(), "Votre accès"),
    ]:
        refused(
            lambda row=row, author=author: service.remove_evidence(evidence=row, author=author, at=NOW),
            sentence,
            application,
            media,
        )
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    service.remove_evidence(evidence=ours, author=prefecture, at=NOW)
    assert ours.removed_at == NOW, "the two authorities are one side"


@db
def test_what_was_judged_stays(media):
    application, member = draft(state=State.UNDER_REVIEW)
    row = add(application, member)
    type(application).objects.filter(pk=application.pk).update(state=State.CLOSED)
    refused(
        lambda: service.remove_evidence(evidence=row, author=member, at=NOW), "ne changent plus", application, media
    )


@db
def test_a_deleted_draft_takes_its_pieces_along(media, django_capture_on_commit_callbacks):
    application, member = draft()
    add(application, member)
    with django_capture_on_commit_callbacks(execute=True):
        discard_draft(application=application, membership=member, version=1, at=NOW)
    assert (Evidence.objects.count(), files_in(media)) == (0, [])


@db
def test_the_sweep_deletes_what_no_row_names(media):
    application, member = draft()
    kept = add(application, member)
    lost = default_storage.save("pieces/aa/perdu", ContentFile(b"x"))
    assert service.sweep_files(at=default_storage.get_modified_time(lost) + timedelta(minutes=30)) == 0
    assert service.sweep_files(at=default_storage.get_modified_time(lost) + timedelta(hours=2)) == 1
    assert [path.name for path in files_in(media)] == [kept.file.name.rsplit("/", 1)[1]]
    assert service.sweep_files(at=NOW + timedelta(days=9000)) == 0


# The antivirus --------------------------------------------------------------------------------------------------------


class Daemon(socketserver.StreamRequestHandler):
    """INSTREAM of clamd(8), which finds what it is told to find."""

    def handle(self):
        self.rfile.read(10)
        received = b""
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            received += self.rfile.read(length)
        self.wfile.write(b"stream: Essai FOUND\0" if received in self.server.bad else b"stream: OK\0")


@pytest.fixture
def clamd(settings):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Daemon) as made:
        made.bad = set()
        settings.CLAMD_URL = f"tcp://127.0.0.1:{made.server_address[1]}"
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@db
def test_withheld_until_scanned_then_read(clamd):
    application, member = draft()
    row = add(application, member)
    assert (row.scan, row.is_readable) == (Scan.WAITING, False)
    with pytest.raises(RefusedError, match="en cours d’analyse"):
        service.open_bytes(row)
    assert antivirus.scan_received(at=NOW) == 1
    row.refresh_from_db()
    assert (row.scan, row.is_readable, row.next_scan_at) == (Scan.CLEAN, True, None)
    with service.open_bytes(row) as stream:
        assert stream.read() == PDF
    assert antivirus.scan_received(at=NOW + timedelta(days=1)) == 0


@db
def test_infected_its_bytes_go_and_its_sender_is_told(clamd, media, django_capture_on_commit_callbacks):
    application, member = draft()
    clamd.bad = {PDF}
    row = add(application, member)
    with django_capture_on_commit_callbacks(execute=True):
        assert antivirus.scan_received(at=NOW) == 1
    row.refresh_from_db()
    assert (row.scan, row.file.name, row.is_readable, files_in(media)) == (Scan.INFECTED, "", False, [])
    event = Event.objects.about(Subject.APPLICATION, application.pk).last()
    assert (event.action, event.actor_type) == ("infected_evidence", "system")
    assert event.data == {"evidence": row.pk, "sha256": row.sha256}
    (message,) = messages_of(event)
    assert message.to == [member.user.email]
    assert f"/dossiers/{application.number}/pieces/" in message.body
    assert mail.outbox == []


@db
def test_a_silent_daemon_leaves_the_piece_waiting_longer_and_longer(settings):
    settings.CLAMD_URL = "tcp://127.0.0.1:1"
    application, member = draft()
    row = add(application, member)
    at, delays = NOW, []
    for _ in range(9):
        assert antivirus.scan_received(at=at) == 0
        row.refresh_from_db()
        assert row.scan == Scan.WAITING
        delays.append((row.next_scan_at - at).total_seconds() / 60)
        assert antivirus.scan_received(at=at) == 0, "not before its time"
        at = row.next_scan_at
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert row.scan_attempts == 9


@db
def test_what_came_before_the_antivirus_is_scanned_too_and_stays_readable(settings, clamd):
    url, settings.CLAMD_URL = settings.CLAMD_URL, ""
    application, member = draft()
    row = add(application, member)
    assert antivirus.scan_received(at=NOW) == 0
    settings.CLAMD_URL = url
    assert row.is_readable
    assert antivirus.scan_received(at=NOW) == 1
    row.refresh_from_db()
    assert row.scan == Scan.CLEAN


def test_two_workers_share_the_work_and_a_removal_meanwhile_stands(committed_db, clamd):
    application, member = draft()
    rows = [add(application, member, content=samples.pdf(f"page {n}")) for n in range(6)]
    results = at_once(lambda: antivirus.scan_received(at=NOW), lambda: antivirus.scan_received(at=NOW))
    assert sum(results) == 6
    late = add(application, member)
    service.remove_evidence(evidence=late, author=member, at=NOW)
    stale = Evidence.objects.select_related("application").get(pk=late.pk)
    antivirus.settle(stale, infected=True, personal=None, page=0, at=NOW)
    late.refresh_from_db()
    assert (late.scan, late.removed_at) == (Scan.WAITING, NOW)
    assert {row.scan for row in Evidence.objects.filter(pk__in=[row.pk for row in rows])} == {Scan.CLEAN}


# The database ---------------------------------------------------------------------------------------------------------

FIELDS = {
    "document_date": DAY,
    "name": "planning.pdf",
    "content_type": EvidenceType.PDF,
    "size": 10,
    "sha256": "a" * 64,
    "file": "pieces/aa/essai",
    "added_at": NOW,
    "scan": Scan.NOT_SCANNED,
}


@db
@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("evidence_one_author", {"membership": None}),
        ("evidence_one_author", {"mandate": "agent"}),
        ("evidence_origin_known", {"origin": "rumeur"}),
        ("evidence_content_type_known", {"content_type": "text/html"}),
        ("evidence_scan_known", {"scan": "peut-être"}),
        ("evidence_not_empty", {"size": 0}),
        ("evidence_hash_form", {"sha256": "A" * 64}),
        ("evidence_is_named", {"name": ""}),
        ("evidence_bytes_iff_kept", {"file": ""}),
        ("evidence_bytes_iff_kept", {"removed_at": NOW}),
        ("evidence_bytes_iff_kept", {"scan": Scan.INFECTED}),
        ("evidence_next_scan_while_unscanned", {"scan": Scan.CLEAN, "next_scan_at": NOW}),
    ],
)
def test_constraints(constraint, fields):
    application, member = draft()
    if fields.get("mandate"):
        fields = {"mandate": make.mandate()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Evidence.objects.create(**{"application": application, "membership": member, **FIELDS, **fields})


@db
def test_the_same_bytes_once_by_criterion():
    application, member = draft()
    Evidence.objects.create(application=application, membership=member, **FIELDS)
    with pytest.raises(IntegrityError, match="evidence_once"), transaction.atomic():
        Evidence.objects.create(application=application, membership=member, **FIELDS)
    Evidence.objects.create(application=application, membership=member, criterion=criterion(application), **FIELDS)


@db
@pytest.mark.parametrize(
    "fields",
    [
        {"name": "autre.pdf"},
        {"sha256": "b" * 64},
        {"document_date": NOW.date()},
        {"file": "pieces/bb/autre"},
        {"added_at": NOW + timedelta(days=1)},
    ],
)
def test_a_piece_stays_as_it_was_received(fields):
    application, member = draft()
    row = Evidence.objects.create(application=application, membership=member, **FIELDS)
    with pytest.raises(IntegrityError, match="stays as it was received"), transaction.atomic():
        Evidence.objects.filter(pk=row.pk).update(**fields)
    Evidence.objects.filter(pk=row.pk).update(removed_at=NOW, file="")
    with pytest.raises(IntegrityError, match="stays as it was received"), transaction.atomic():
        Evidence.objects.filter(pk=row.pk).update(removed_at=None, file="pieces/aa/essai")
