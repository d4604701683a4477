"""The pages of the pieces: added without losing what was typed, shown beside the verdict, given to the two sides only."""

import re
from datetime import date, timedelta

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.choices import Scan
from labelling.models import Evidence
from labelling.services.evidence import SentFile, add_evidence, remove_evidence
from territories.choices import AuthorityKind, Role
from tests import factories as make
from tests import samples
from tests.plugins.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW
DAY = date(2026, 11, 12)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def close(response):
    """Close a streamed answer as a server would, but for the database connection, which is the test's."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


@pytest.fixture
def member():
    return make.membership()


@pytest.fixture
def structure(member):
    return signed_in(member.user)


@pytest.fixture
def file(member):
    return make.application(member.structure, state=State.UNDER_REVIEW)


def criterion(application, position=1):
    return application.specification.criteria.get(position=position)


def add(application, author, name="planning.pdf", content=None, day=DAY, on=None):
    sent = SentFile(name, content or samples.pdf(name), day)
    return add_evidence(application=application, author=author, criterion=on, sent=sent, at=NOW)


def pieces(application):
    return reverse("evidence-list", args=[application.number])


def posted(content, name="planning.pdf", **fields):
    return {
        "criterion": "presence-medicale",
        "document_date": "2026-11-12",
        "file": samples.sent(name, content),
        **fields,
    }


def test_a_structure_adds_a_piece_from_a_step_of_its_draft(structure, member):
    draft = make.application(member.structure)
    step = structure.get(reverse("application-step", args=[draft.number, "equipe"])).text
    assert "Pièces utiles" in step
    assert "<li>Planning de présence" in step
    assert "Planning de présence de moins de trois mois" in step
    assert f"{pieces(draft)}?critere=presence-medicale#ajouter" in step
    assert "Pièces utiles" not in structure.get(reverse("application-step", args=[draft.number, "identite"])).text
    form = structure.get(pieces(draft), {"critere": "presence-medicale"})
    assert re.search(r'value="presence-medicale"\s+selected', form.text)
    assert "Nature de la pièce" not in form.text
    added = structure.post(pieces(draft), posted(samples.pdf()), follow=True).text
    assert "Critère 1\u00a0: la pièce «\u00a0planning.pdf\u00a0» est ajoutée." in added
    assert "du 12/11/2026, il y a 10\u00a0jours" in added
    assert "planning.pdf" in structure.get(reverse("application-step", args=[draft.number, "equipe"])).text
    assert "Pièces du dossier (1)" in structure.get(draft.get_absolute_url()).text


def test_an_agent_says_what_it_adds_and_the_structure_sees_it(file, structure):
    agent = make.mandate()
    client = signed_in(agent.user)
    client.post(pieces(file), posted(samples.pdf(), "visite.pdf", origin="visit", mandate=agent.pk))
    page = structure.get(pieces(file)).text
    assert "visite.pdf" in page
    assert "constat de visite" in page
    assert f"par {agent.authority.name}, {agent.user.full_name}" in page
    assert "/retirer/" not in page
    assert "visite.pdf" in structure.get(file.get_absolute_url()).text


def test_what_is_refused_keeps_the_rest_of_the_form(file, structure):
    page = structure.post(pieces(file), posted(samples.archive()))
    assert page.status_code == 422
    assert "n’est pas un PDF\u00a0: c’est une archive ZIP renommée" in page.text
    assert 'value="2026-11-12"' in page.text
    assert "<title>Erreur" in page.text
    empty = structure.post(pieces(file), {"criterion": "dossier", "document_date": "2027-01-01"})
    assert "Choisissez un fichier à envoyer." in empty.text
    assert "ne peut pas être à venir" in empty.text
    old = structure.post(pieces(file), posted(samples.pdf()) | {"document_date": "1900-01-01"})
    assert old.context["form"].errors.keys() == {"document_date"}
    assert "La date du document est antérieure à 1990" in old.text
    assert not Evidence.objects.exists()


def test_several_files_are_sent_in_one_go_with_an_outcome_each(file, structure):
    names = ("lundi.pdf", "mardi.docx", "lundi-bis.pdf", "mercredi.pdf")
    contents = (
        samples.pdf("lundi"),
        samples.archive("word/document.xml"),
        samples.pdf("lundi"),
        samples.pdf("mercredi"),
    )
    sent = [samples.sent(name, content) for name, content in zip(names, contents, strict=True)]
    page = structure.post(pieces(file), posted(b"") | {"file": sent})
    assert page.status_code == 422
    assert sorted(Evidence.objects.values_list("name", flat=True)) == ["lundi.pdf", "mercredi.pdf"]
    words = page.text.replace("\u00a0", " ")
    assert "Les pièces « lundi.pdf » et « mercredi.pdf » sont ajoutées." in words
    assert "« mardi.docx » ne peut pas être ajouté : c’est un document Word." in words
    assert "« Exporter au format PDF »" in words
    assert "« lundi-bis.pdf » est déjà dans le dossier" in words
    done = structure.post(
        pieces(file), posted(b"") | {"file": [samples.sent("jeudi.pdf", samples.pdf("jeudi"))]}, follow=True
    )
    assert "la pièce « jeudi.pdf » est ajoutée." in done.text.replace("\u00a0", " ")


def test_three_hundred_megabytes_are_refused_from_what_they_announce(file, structure, settings):
    settings.UPLOAD_MAX_BYTES = 1024**2
    page = structure.post(pieces(file), posted(bytes(3 * 1024**2), "film.pdf"))
    assert page.status_code == 413
    assert "«\u00a0film.pdf\u00a0» dépasse 1 Mo" in page.text
    assert 'value="2026-11-12"' in page.text
    assert re.search(r'value="presence-medicale"\s+selected', page.text)
    assert "Choisissez un fichier" not in page.text
    # Just over the limit: it is only known on its way.
    assert structure.post(pieces(file), posted(bytes(1024**2 + 10), "film.pdf")).status_code == 413
    assert not Evidence.objects.exists()


def test_the_bytes_are_given_shielded(file, structure, member):
    row = add(file, member, "planning.pdf")
    photo = add(file, member, "horaires", samples.image())
    given = structure.get(reverse("evidence-file", args=[file.number, row.pk]))
    assert b"".join(given.streaming_content) == samples.pdf("planning.pdf")
    assert given["Content-Type"] == "application/pdf"
    assert given["Content-Disposition"] == 'inline; filename="planning.pdf"'
    assert given["X-Content-Type-Options"] == "nosniff"
    assert given["X-Frame-Options"] == "SAMEORIGIN"
    assert given["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'self'"
    assert "no-store" in given["Cache-Control"]
    assert "private" in given["Cache-Control"]
    image = structure.get(reverse("evidence-file", args=[file.number, photo.pk]), {"telecharger": ""})
    assert image["Content-Disposition"] == 'attachment; filename="horaires.jpg"'
    assert image["Content-Security-Policy"].endswith("; sandbox")
    for response in (given, image):
        close(response)


def test_who_reads_the_bytes(file, member):
    row = add(file, member)
    address = reverse("evidence-file", args=[file.number, row.pk])
    outside = make.departement("97X", "Valfictie", region="R2")
    for person, status in [
        (make.mandate().user, 200),
        (make.mandate(AuthorityKind.PREFECTURE).user, 200),
        (make.mandate(AuthorityKind.NATIONAL).user, 200),
        (make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER).user, 403),
        (make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER).user, 403),
        (make.mandate(on=outside).user, 404),
        (make.membership().user, 404),
    ]:
        response = signed_in(person).get(address)
        assert response.status_code == status
        close(response)
    other = make.application(state=State.UNDER_REVIEW)
    agent = signed_in(make.mandate().user)
    assert agent.get(reverse("evidence-file", args=[other.number, row.pk])).status_code == 404
    partner = signed_in(make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER).user)
    page = partner.get(file.get_absolute_url()).text
    assert pieces(file) not in page
    assert row.name not in page


def test_withheld_removed_or_lost_bytes_are_not_given(
    file, structure, member, settings, django_capture_on_commit_callbacks
):
    settings.CLAMD_URL = "tcp://127.0.0.1:1"
    row = add(file, member)
    address = reverse("evidence-file", args=[file.number, row.pk])
    assert "en cours d’analyse" in structure.get(address).text
    assert structure.get(address).status_code == 403
    page = structure.get(pieces(file)).text
    assert "en cours d’analyse" in page
    assert address not in page.replace(f"{address}retirer/", "")
    assert address not in signed_in(make.mandate().user).get(file.get_absolute_url()).text
    Evidence.objects.filter(pk=row.pk).update(scan=Scan.CLEAN, next_scan_at=None)
    row.refresh_from_db()
    row.file.storage.delete(row.file.name)
    assert structure.get(address).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        remove_evidence(evidence=row, author=member, at=NOW)
    assert structure.get(address).status_code == 403
    assert "retirée le 22/11/2026" in structure.get(pieces(file)).text


def test_removal_is_a_page_of_its_own(file, structure, member):
    row = add(file, member)
    address = reverse("evidence-remove", args=[file.number, row.pk])
    assert "Son contenu sera effacé" in structure.get(address).text
    row.refresh_from_db()
    assert row.removed_at is None
    done = structure.post(address, follow=True).text
    assert "La pièce «\u00a0planning.pdf\u00a0» est retirée" in done
    assert "déjà retirée" in structure.post(address, follow=True).text
    assert signed_in(make.mandate().user).post(address).status_code == 403


def test_the_open_criterion_shows_its_piece_beside_the_verdict(file, member):
    first, second = criterion(file), criterion(file, 2)
    shown = add(file, member, "planning.pdf", on=first, day=date(2026, 5, 1))
    photo = add(file, member, "horaires.png", samples.image("PNG"), on=first)
    add(file, member, "convention.pdf", on=second)
    agent = signed_in(make.mandate().user)
    page = agent.get(file.get_absolute_url(), {"critere": first.code}).text
    frame = reverse("evidence-file", args=[file.number, shown.pk])
    assert f'<iframe class="fs-beside__frame" src="{frame}#navpanes=0&amp;view=FitH" title="Pièce planning.pdf"' in page
    assert "<img" not in page.split('class="fs-beside"')[1].split("</form>")[0]
    assert "ancienne" in page
    assert "convention.pdf" in page, "the column of the table names every piece"
    page = agent.get(file.get_absolute_url(), {"critere": first.code, "piece": photo.pk}).text
    assert f'src="{reverse("evidence-file", args=[file.number, photo.pk])}" alt="Pièce horaires.png"' in page
    stranger = add(make.application(state=State.UNDER_REVIEW), make.mandate())
    page = agent.get(file.get_absolute_url(), {"critere": first.code, "piece": stranger.pk}).text
    assert frame in page, "a piece of another file is not shown"


def test_pieces_follow_their_criterion_to_a_new_version(file, member, structure):
    add(file, member, "planning.pdf", on=criterion(file))
    later = type(file.specification).objects.create(version="2.0", title="essai", legal_source="essai")
    for position, code in enumerate(["nouveau", "presence-medicale"], start=1):
        later.criteria.create(
            code=code, position=position, kind="criterion", title=f"titre {code}", text="x", rule="person"
        )
    type(file).objects.filter(pk=file.pk).update(specification=later)
    page = structure.get(pieces(file)).text
    assert page.index("titre presence-medicale") < page.index("planning.pdf") < page.index("Tout le dossier</h2>")


def test_old_documents_are_said_to_be_old(file, structure, member):
    add(file, member, "recente.pdf", day=NOW.date() - timedelta(days=92))
    assert "ancienne" not in structure.get(pieces(file)).text
    add(file, member, "planning.pdf", day=date(2026, 8, 23), on=criterion(file))
    assert "ancienne" not in structure.get(pieces(file)).text
    add(file, member, "vieux-planning.pdf", day=date(2026, 8, 22), on=criterion(file))
    for reader in (structure, signed_in(make.mandate().user)):
        assert "ancienne\u00a0: il en faut une de moins de 3\u00a0mois" in reader.get(pieces(file)).text
    add(file, member, "ancienne-piece.pdf", day=NOW.date() - timedelta(days=93))
    assert "<strong>ancienne</strong>" in structure.get(pieces(file)).text


@pytest.mark.parametrize("page", ["pieces", "agent", "structure"])
def test_many_pieces_cost_no_more_queries(page, file, member, structure):
    agent = signed_in(make.mandate().user)
    calls = {
        "pieces": lambda: structure.get(pieces(file)),
        "agent": lambda: agent.get(file.get_absolute_url(), {"critere": "presence-medicale"}),
        "structure": lambda: structure.get(file.get_absolute_url()),
    }
    counts = []
    for size in (2, 9):
        for number in range(Evidence.objects.count(), size):
            add(file, member if number % 2 else make.mandate(), f"{number}.pdf", on=criterion(file))
        calls[page]()
        with CaptureQueriesContext(connection) as captured:
            calls[page]()
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_an_agent_who_opens_a_piece_is_in_the_journal_of_readings(file, member):
    row = add(file, member)
    agent = make.mandate()
    close(signed_in(member.user).get(reverse("evidence-file", args=[file.number, row.pk])))
    assert not file.readings.exists()
    close(signed_in(agent.user).get(reverse("evidence-file", args=[file.number, row.pk])))
    signed_in(agent.user).get(reverse("thread", args=[file.number]))
    assert list(file.readings.values_list("user", "count")) == [(agent.user_id, 2)]
