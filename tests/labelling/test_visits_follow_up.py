"""What goes with a visit and follows it: photos and documents, the corrections that are due, and their reminder."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import Scan
from labelling.models import Evidence, Label, Visit
from labelling.services import visit_follow_up, visit_pieces
from labelling.services.evidence import sweep_files
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.labelling.test_visits import DAY, NOW, TODAY, World
from tests.plugins.signed_in import signed_in

BEFORE = TODAY + 30 * DAY


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def world(db):
    return World()


def add(world, visit, *, mandate=None, name="entree.jpg", content=None, criterion=None, at=NOW):
    return visit_pieces.add_visit_piece(
        visit=visit,
        criterion=criterion,
        name=name,
        content=samples.image() if content is None else content,
        mandate=mandate or world.ars,
        at=at,
    )


def refused(world, call, sentence):
    def picture():
        return list(Evidence.objects.order_by("pk").values()), list(Visit.objects.values()), chain(world)

    before = picture()
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert picture() == before


def chain(world):
    return list(Event.objects.about(Subject.LABEL, world.label.pk).values_list("action", flat=True))


# Photos and documents -------------------------------------------------------------------------------------------------


def test_a_photo_is_checked_by_its_content_and_is_no_piece_of_the_file(world):
    visit = world.plan()
    row = add(world, visit)
    assert (row.content_type, row.origin, row.document_date, row.scan) == (
        "image/jpeg",
        "visit",
        TODAY,
        Scan.NOT_SCANNED,
    )
    assert chain(world)[-1] == "add_visit_piece"
    assert not world.label.application.evidence.of_files().exists()
    refused(world, lambda: add(world, visit), "déjà dans le dossier")
    refused(world, lambda: add(world, visit, name="faux.jpg", content=b"<html>"), "faux.jpg")
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    refused(world, lambda: add(world, visit, mandate=elsewhere, content=samples.pdf(), name="a.pdf"), "ne couvre pas")
    visit_pieces.remove_visit_piece(visit=visit, piece=row, mandate=world.prefecture, at=NOW)
    row.refresh_from_db()
    assert (str(row.file), row.removed_at) == ("", NOW)
    refused(
        world,
        lambda: visit_pieces.remove_visit_piece(visit=visit, piece=row, mandate=world.ars, at=NOW),
        "déjà retirée",
    )


def test_they_are_kept_once_the_report_is_sent(world):
    visit = world.plan()
    row = add(world, visit)
    world.send(world.write(visit))
    visit.refresh_from_db()
    refused(world, lambda: add(world, visit, name="a.pdf", content=samples.pdf()), "déjà envoyé")
    refused(
        world, lambda: visit_pieces.remove_visit_piece(visit=visit, piece=row, mandate=world.ars, at=NOW), "déjà envoyé"
    )
    with pytest.raises(IntegrityError, match="kept once it is sent"), transaction.atomic():
        Evidence.objects.filter(pk=row.pk).update(removed_at=NOW, file="")
    assert sweep_files(at=NOW + timedelta(days=2)) == 0


def test_the_database_ties_a_piece_to_the_visit_of_its_label(world):
    visit, other = world.plan(), World()
    row = add(world, visit)
    values = {field.attname: getattr(row, field.attname) for field in Evidence._meta.fields if field.name != "id"}
    for changes in ({"application_id": other.label.application_id}, {"visit_id": other.sent().pk}):
        with pytest.raises(IntegrityError, match="those of its label"), transaction.atomic():
            Evidence.objects.create(**{**values, "file": "pieces/aa/x", **changes})
    with pytest.raises(IntegrityError, match="stays as it was received"), transaction.atomic():
        Evidence.objects.filter(pk=row.pk).update(visit=None)
    with pytest.raises(IntegrityError, match="evidence_of_a_visit_is_of_its_agents"), transaction.atomic():
        Evidence.objects.create(**{**values, "file": "pieces/aa/x", "sha256": "0" * 64, "origin": "document"})


def text(response):
    return response.text.replace("\u00a0", " ").replace("&nbsp;", " ")


@pytest.fixture
def clock(monkeypatch):
    now = {"at": NOW}
    monkeypatch.setattr("django.utils.timezone.now", lambda: now["at"])
    return now


def test_photos_on_screen_for_both_sides(world, clock, settings):
    visit = world.plan()
    agent, owner = signed_in(world.ars.user), signed_in(world.owner.user)
    address = reverse("visit-pieces", args=[world.label.number, visit.pk])
    assert address in agent.get(visit.get_absolute_url()).text
    file = SimpleUploadedFile("salle.jpg", samples.image(), "image/jpeg")
    empty = agent.post(address, {"mandate": world.ars.pk})
    assert (empty.status_code, "Choisissez un fichier" in empty.text) == (422, True)
    code = world.codes[0]
    assert agent.post(address, {"mandate": world.ars.pk, "criterion": code, "file": file}).url == address
    row = Evidence.objects.get()
    assert (row.criterion.code, row.visit) == (code, visit)
    piece = reverse("visit-piece", args=[world.label.number, visit.pk, row.pk])
    assert b"".join(agent.get(piece).streaming_content) == samples.image()
    assert owner.get(piece).status_code == 404
    assert "salle.jpg" not in text(owner.get(reverse("evidence-list", args=[world.label.application.number])))
    of_file = reverse("evidence-file", args=[world.label.application.number, row.pk])
    assert owner.get(of_file).status_code == agent.get(of_file).status_code == 404
    Evidence.objects.filter(pk=row.pk).update(scan=Scan.WAITING)
    assert agent.get(piece).status_code == 403
    Evidence.objects.filter(pk=row.pk).update(scan=Scan.NOT_SCANNED)
    world.send(world.write(visit))
    assert "salle.jpg" in text(owner.get(visit.get_absolute_url()))
    assert b"".join(owner.get(piece).streaming_content) == samples.image()
    assert agent.get(address).url == visit.get_absolute_url()
    assert signed_in(make.membership().user).get(piece).status_code == 404
    partner = make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER)
    assert signed_in(partner.user).get(piece).status_code == 403


def test_a_piece_is_removed_from_its_page(world, clock):
    visit = world.plan()
    row = add(world, visit)
    address = reverse("visit-pieces", args=[world.label.number, visit.pk])
    agent = signed_in(world.prefecture.user)
    assert agent.post(address, {"mandate": world.prefecture.pk, "remove": row.pk}).url == address
    assert "Aucune pour l’instant" in text(agent.get(address))
    assert agent.post(address, {"mandate": world.prefecture.pk, "remove": 0}).status_code == 404


# Corrections ----------------------------------------------------------------------------------------------------------


def to_correct(world):
    return world.send(world.write(world.plan(), conclusion="to_correct", correct_before=BEFORE))


def due(on):
    return list(visit_follow_up.corrections_due(Label.objects.all(), on=on))


def found(world, visit, **changes):
    values = {"mandate": world.prefecture, "found_on": TODAY + DAY, "version": visit.version, "at": NOW + 2 * DAY}
    return visit_follow_up.note_corrections(visit=visit, **{**values, **changes})


def test_corrections_are_due_until_an_agent_finds_them_made(world):
    visit = to_correct(world)
    assert due(TODAY) == due(BEFORE + 5 * DAY) == [visit]
    refused(world, lambda: found(world, visit, found_on=TODAY - DAY), "entre l’envoi")
    refused(world, lambda: found(world, visit, found_on=TODAY + 3 * DAY), "entre l’envoi")
    refused(world, lambda: found(world, visit, mandate=make.mandate(AuthorityKind.NATIONAL)), "de lire ce dossier")
    with pytest.raises(StaleError):
        found(world, visit, version=99)
    found(world, visit)
    assert due(BEFORE) == []
    assert chain(world)[-1] == "note_corrections"
    visit.refresh_from_db()
    refused(world, lambda: found(world, visit), "déjà constatées")
    with pytest.raises(IntegrityError, match="corrections found after a visit are kept"), transaction.atomic():
        Visit.objects.update(corrected_date=TODAY)


def test_a_later_visit_takes_their_place_and_another_conclusion_asks_for_none(world):
    visit = to_correct(world)
    again = world.write(world.plan(planned_date=TODAY + 9 * DAY, at=NOW + 9 * DAY), at=NOW + 9 * DAY)
    world.send(again, at=NOW + 9 * DAY)
    assert due(TODAY + 9 * DAY) == []
    refused(world, lambda: found(world, again, at=NOW + 10 * DAY), "ne demande pas")
    for name, fields in (
        ("visit_corrects_what_was_to_be", {"corrected_date": TODAY, "corrected_by": world.ars}),
        ("visit_correction_has_author", {"corrected_date": TODAY}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Visit.objects.filter(pk=again.pk).update(**fields)
    assert visit.corrected_date is None


def test_the_structure_is_reminded_once_before_the_day(world, clock):
    visit = to_correct(world)
    soon = NOW + 23 * DAY
    assert visit_follow_up.remind_of_corrections(at=soon - DAY) == 0
    assert [visit_follow_up.remind_of_corrections(at=soon) for _ in range(2)] == [1, 0]
    clock["at"] = soon
    mail.outbox.clear()
    deliver_mail()
    told = [message for message in mail.outbox if message.to == [world.owner.user.email]][-1]
    assert "des corrections attendues" in told.subject
    assert visit.get_absolute_url() in told.body
    assert visit_follow_up.remind_of_corrections(at=NOW + 40 * DAY) == 0


def test_corrections_on_screen(world, clock):
    visit = to_correct(world)
    agent, owner = signed_in(world.ars.user), signed_in(world.owner.user)
    assert "Attendues avant le 22 décembre 2026" in text(owner.get(visit.get_absolute_url()))
    assert "Constater les corrections" not in text(owner.get(visit.get_absolute_url()))
    listed = text(agent.get(reverse("visits")))
    assert "1 correction attendue" in listed
    act = reverse("visit-act", args=[world.label.number, visit.pk, "corriger"])
    posted = {"mandate": world.ars.pk, "version": visit.version}
    assert agent.post(act, posted).status_code == 422
    assert agent.post(act, {**posted, "found_on": "2026-11-01"}).status_code == 409
    assert agent.post(act, {**posted, "found_on": TODAY.isoformat()}).status_code == 302
    assert "Constatées le 22 novembre 2026" in text(owner.get(visit.get_absolute_url()))
    assert "0 correction attendue" in text(agent.get(reverse("visits")))


def test_the_list_asks_as_many_queries_for_many_visits_as_for_one(world, clock, django_assert_max_num_queries):
    agent = signed_in(world.ars.user)
    world.plan()
    to_correct(World())
    agent.get(reverse("visits"))
    with django_assert_max_num_queries(40) as few:
        agent.get(reverse("visits"))
    for _ in range(3):
        World().plan()
        to_correct(World())
    with django_assert_max_num_queries(len(few)):
        assert "4 visites à faire" in text(agent.get(reverse("visits")))
