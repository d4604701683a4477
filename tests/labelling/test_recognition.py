"""What images show: patient data and identity papers are found before anyone opens them, within bounds."""

import io
import warnings
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image, ImageDraw, ImageFont

from francesante.lib import recogniser
from francesante.lib.workflow import RefusedError
from labelling.choices import EvidenceType, Scan
from labelling.notifications import messages_of
from labelling.rules.uploads import MAX_IMAGES, Personal, images_of, personal_in_image
from labelling.services import antivirus, recognition
from labelling.services import evidence as service
from labelling.services.evidence import SentFile
from territories.choices import Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.plugins.signed_in import PortalClient

CARD = ["carte d'assurance maladie", "Vitale", "PRUNE EXEMPLAIRE", samples.NIR]
IDENTITY = [
    "CARTE D'IDENTITE",
    "IDFRAX4RTBPFW46<<<<<<<<<<<<<<<",
    "9007138F3002119FRA<<<<<<<<<<<6",
    "EXEMPLAIRE<<PRUNE<MARIE<<<<<<<",
]
PLANNING = ["Planning de presence", "Lundi 8h30 12h30 Dr Maquette", "Mardi 8h30 12h30", "Apportez votre carte Vitale"]


@pytest.fixture
def tesseract(settings):
    if not recogniser.language():
        warnings.warn("tesseract is not installed: what images show is not tested", stacklevel=1)
        pytest.skip("tesseract is not installed")
    settings.TEXT_RECOGNISER = True


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def drawn(lines, *, turned=0):
    font, height = ImageFont.load_default(28), 80 + 50 * len(lines)
    image = Image.new("RGB", (1200, height), "white")
    for rank, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 40 + 50 * rank), line, font=font, fill="black")
    return image.rotate(turned, expand=True)


def as_file(image, form="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def scanned(*images):
    """A PDF of scanned pages, which holds no text."""
    buffer = io.BytesIO()
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:])
    return buffer.getvalue()


# The rule -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Assuré\n2 95 10 99 126 111 93", Personal.NIR),
        ("Carte Vitale\n2 95 10 99 126 111 98", Personal.NIR),
        ("Apportez votre carte Vitale.", None),
        ("2 95 10 99 126 111 98", None),
        ("IDFRAX4RTBPFW46<<<<<<<<<<<<<<<", Personal.IDENTITY),
        ("I DFRAEXEMPLAIRE«««<<<<<<<<<<<<<<<", Personal.IDENTITY),
        ("PLANNING DE PRESENCE DU LUNDI AU VENDREDI", None),
        ("Avant << après", None),
        ("<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", None),
    ],
)
def test_what_a_text_read_in_an_image_shows(text, found):
    assert personal_in_image(text) == found


# With the real command ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "found", "turned"),
    [
        (CARD, Personal.NIR, 0),
        (CARD, Personal.NIR, 90),
        (IDENTITY, Personal.IDENTITY, 0),
        (IDENTITY, Personal.IDENTITY, 90),
        (IDENTITY, Personal.IDENTITY, 180),
        (PLANNING, None, 0),
        (PLANNING, None, 90),
    ],
)
def test_a_photograph_is_read_in_any_direction(tesseract, lines, found, turned):
    content = as_file(drawn(lines, turned=turned), "JPEG")
    assert recognition.personal_data(ContentFile(content), EvidenceType.JPEG) == (found, 0)


def test_the_page_of_a_scanned_pdf_is_told(tesseract):
    content = scanned(drawn(PLANNING), drawn(CARD))
    assert recognition.personal_data(ContentFile(content), EvidenceType.PDF) == (Personal.NIR, 2)
    assert recognition.personal_data(ContentFile(samples.pdf()), EvidenceType.PDF) == (None, 0)


@pytest.mark.django_db
def test_found_its_bytes_go_and_its_sender_is_told(tesseract, media, django_capture_on_commit_callbacks):
    member = make.membership()
    file = make.application(member.structure)
    content = scanned(drawn(PLANNING), drawn(CARD))
    row = service.add_evidence(
        application=file,
        author=member,
        criterion=None,
        sent=SentFile("carte.pdf", content, date(2026, 11, 12)),
        at=make.NOW,
    )
    assert row.scan == Scan.WAITING
    with pytest.raises(RefusedError, match="en cours d’analyse"):
        service.open_bytes(row)
    with django_capture_on_commit_callbacks(execute=True):
        assert antivirus.scan_received(at=make.NOW) == 1
    row.refresh_from_db()
    assert (row.scan, row.file.name, [path for path in media.rglob("*") if path.is_file()]) == (Scan.PERSONAL, "", [])
    event = Event.objects.about(Subject.APPLICATION, file.pk).last()
    assert (event.action, event.data) == (
        "personal_evidence",
        {"evidence": row.pk, "sha256": row.sha256, "found": "nir", "page": 2},
    )
    (message,) = messages_of(event)
    assert "semble contenir un numéro de sécurité sociale (page 2)" in message.body
    assert mail.outbox == []
    client = PortalClient()
    client.force_login(member.user)
    assert (
        "semblait montrer un numéro de sécurité sociale"
        in client.get(reverse("evidence-list", args=[file.number])).text
    )


@pytest.mark.django_db
def test_nothing_found_it_may_be_read_and_is_not_read_twice(tesseract):
    member = make.membership()
    sent = SentFile("planning.png", as_file(drawn(PLANNING)), date(2026, 11, 12))
    file = make.application(member.structure)
    row = service.add_evidence(application=file, author=member, criterion=None, sent=sent, at=make.NOW)
    assert antivirus.scan_received(at=make.NOW) == 1
    row.refresh_from_db()
    assert (row.scan, row.is_readable) == (Scan.NOT_SCANNED, True)
    assert antivirus.scan_received(at=make.NOW + timedelta(days=1)) == 0


# Bounds ---------------------------------------------------------------------------------------------------------------


def test_an_image_that_takes_too_long_or_is_too_large_is_not_read(tesseract, monkeypatch):
    monkeypatch.setattr(recogniser, "TIMEOUT", 0.01)
    with pytest.raises(recogniser.RecogniserError):
        recogniser.read_image(drawn(CARD))
    monkeypatch.setattr(recogniser, "TIMEOUT", 40)
    monkeypatch.setattr(recogniser, "MAX_PIXELS", 1000)
    with pytest.raises(recogniser.RecogniserError, match="too large"):
        recogniser.read_image(drawn(CARD))
    assert recognition.personal_data(ContentFile(as_file(drawn(CARD))), EvidenceType.PNG) == (None, 0)


def test_a_pdf_gives_a_few_images_that_are_neither_logos_nor_bombs(monkeypatch):
    pages = [drawn(["Page"]) for _ in range(MAX_IMAGES + 2)]
    reader = samples.pypdf.PdfReader(io.BytesIO(scanned(*pages)))
    assert [page for page, _ in images_of(reader)] == list(range(1, MAX_IMAGES + 1))
    logo = samples.pypdf.PdfReader(io.BytesIO(scanned(Image.new("RGB", (90, 90)))))
    assert list(images_of(logo)) == []
    reader.pages[0]["/Resources"]["/XObject"]["/image"][samples.NameObject("/Width")] = samples.NumberObject(10**6)
    assert next(images_of(reader))[0] == 2


@pytest.mark.django_db
def test_turned_off_nothing_waits_and_the_page_says_that_people_look(settings):
    settings.TEXT_RECOGNISER = False
    member = make.membership()
    file = make.application(member.structure)
    sent = SentFile("carte.png", as_file(drawn(CARD)), date(2026, 11, 12))
    row = service.add_evidence(application=file, author=member, criterion=None, sent=sent, at=make.NOW)
    assert (row.scan, row.is_readable) == (Scan.NOT_SCANNED, True)
    client = PortalClient()
    client.force_login(member.user)
    assert "seules des personnes le voient" in client.get(reverse("evidence-list", args=[file.number])).text
