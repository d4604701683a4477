"""What a sent file really is: its first bytes, then the file opened. Pure.

Only what can be shown in a page is kept: PDF, JPEG, PNG. A PDF that runs something or carries other files is refused, and
one in whose text a social security number or the zone of an identity paper is read: the portal accepts neither patient
data nor identity papers.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import PurePath
from typing import Any

import pypdf
from PIL import Image
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from francesante.lib.french import NBSP, typeset
from francesante.lib.identifiers import holds_nir
from francesante.lib.workflow import RefusedError
from labelling.choices import EvidenceType

MEGABYTE = 1024 * 1024
MAX_PIXELS = 100_000_000
"""A photograph has at most half of them; more would be a small file that fills the memory."""
REDUCED = 1024
"""Side to which a JPEG is decoded: all of it is read, little of it is held."""
MAX_NODES = 500_000
"""Values of a PDF that are looked at: a document of a hundred pages has a tenth of them."""

MONTHS_COUNTED = 24
"""From then on an age is told in years."""

EXTENSIONS = {EvidenceType.PDF: (".pdf",), EvidenceType.JPEG: (".jpg", ".jpeg"), EvidenceType.PNG: (".png",)}
"""By content, the endings of a file's name; the first one is given back."""
ARTICLES = {".pdf": "un PDF", ".jpg": "un JPEG", ".jpeg": "un JPEG", ".png": "un PNG"}

Look = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may weigh, in bytes, and how many pages a PDF may have."""

    max_bytes: int
    max_pages: int

    @property
    def sentence(self) -> str:
        """What can be sent."""
        return f"Envoyez un PDF, un JPEG ou un PNG de {self.max_bytes // MEGABYTE} Mo au plus."


def display_name(name: str) -> str:
    """Return the name of a sent file as it may be shown: without folder, control characters nor excess."""
    base = PurePath(name.replace("\\", "/")).name
    shown = "".join(letter for letter in base if letter.isprintable()).strip()[-150:]
    return shown or "fichier sans nom"


def examine(name: str, content: bytes, limits: Limits) -> EvidenceType:
    """Return what a file is, once opened.

    Raises:
        RefusedError: what the file is instead, or what is wrong with it, and what to send.
    """
    if not content:
        raise _refused(f"« {name} » est vide : il n’a pas été enregistré. {limits.sentence}")
    if len(content) > limits.max_bytes:
        raise too_large(name, limits)
    kind = _kind(content)
    if kind is None:
        raise _refused(_not_that(name, content, limits))
    if kind == EvidenceType.PDF:
        _examine_pdf(name, content, limits)
    else:
        _examine_image(name, content, kind)
    return kind


def too_large(name: str, limits: Limits) -> RefusedError:
    """Return the refusal of a file that weighs too much, whether it was received or not."""
    return _refused(
        f"« {name} » dépasse {limits.max_bytes // MEGABYTE} Mo : il n’a pas été enregistré. Envoyez les pages utiles, ou une "
        "image de moindre définition."
    )


def _refused(sentence: str) -> RefusedError:
    return RefusedError(typeset(sentence))


# What it is -----------------------------------------------------------------------------------------------------------


def _kind(content: bytes) -> EvidenceType | None:
    # Some scanners put a mark or a blank line before the PDF; a page or an archive before it would be something else.
    if content[:64].lstrip(b"\xef\xbb\xbf\r\n\t \0").startswith(b"%PDF-"):
        return EvidenceType.PDF
    if content.startswith(b"\xff\xd8\xff"):
        return EvidenceType.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return EvidenceType.PNG
    return None


def _begins(*starts: bytes) -> Look:
    return lambda content: content.startswith(starts)


def _holds(*names: bytes) -> Look:
    """Look for names in the directory of a ZIP archive: Office documents are such archives."""
    return lambda content: content.startswith(b"PK\x03\x04") and any(name in content for name in names)


def _is_markup(*starts: bytes) -> Look:
    return lambda content: content[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(starts)


def _is_text(content: bytes) -> bool:
    return b"\0" not in content[:4096]


HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
KNOWN: tuple[tuple[Look, str, str], ...] = (
    (_holds(b"word/"), "un document Word", "renommé"),
    (_holds(b"xl/"), "un classeur Excel", "renommé"),
    (_holds(b"ppt/"), "une présentation PowerPoint", "renommée"),
    (_holds(b"opendocument"), "un document LibreOffice", "renommé"),
    (_begins(b"PK\x03\x04", b"PK\x05\x06"), "une archive ZIP", "renommée"),
    (_begins(b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b"), "une archive", "renommée"),
    (_begins(b"\xd0\xcf\x11\xe0"), "un ancien document Word ou Excel", "renommé"),
    (_begins(b"{\\rtf"), "un document RTF", "renommé"),
    (_begins(b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe"), "un programme", "renommé"),
    (lambda content: content[4:8] == b"ftyp" and content[8:12] in HEIC, "une photo HEIC (iPhone)", "renommée"),
    (lambda content: content[4:8] == b"ftyp", "une vidéo", "renommée"),
    (lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP", "une image WebP", "renommée"),
    (_begins(b"GIF8"), "une image GIF", "renommée"),
    (_begins(b"II*\0", b"MM\0*"), "une image TIFF", "renommée"),
    (_begins(b"BM"), "une image BMP", "renommée"),
    (_is_markup(b"<!doctype html", b"<html", b"<head", b"<body", b"<script"), "une page web", "renommée"),
    (_is_markup(b"<svg"), "une image SVG", "renommée"),
    (_is_markup(b"<?xml"), "un fichier XML", "renommé"),
    (_is_text, "un texte", "renommé"),
)
"""What people send besides, the most precise first: how to recognise it, its name, and how it agrees."""
UNKNOWN = ("un fichier que le portail ne reconnaît pas", "")
OFFICE = "document", "classeur", "présentation"
TO_PDF = "Faites-en un PDF : dans Word ou Excel, « Enregistrer sous », type PDF ; dans LibreOffice, « Exporter au format PDF »."
"""What to do with a document that the portal would show to nobody as its author sees it."""


def _not_that(name: str, content: bytes, limits: Limits) -> str:
    what, renamed = next(((what, how) for look, what, how in KNOWN if look(content)), UNKNOWN)
    claimed = ARTICLES.get(PurePath(name).suffix.lower())
    if claimed:
        found = f"n’est pas {claimed} : c’est {what}{f' {renamed}' if renamed else ''}"
    else:
        found = f"ne peut pas être ajouté : c’est {what}"
    what_next = f"{TO_PDF} " if any(word in what for word in OFFICE) else ""
    return f"« {name} » {found}. Il n’a pas été enregistré. {what_next}{limits.sentence}"


# Images ---------------------------------------------------------------------------------------------------------------


def _examine_image(name: str, content: bytes, kind: EvidenceType) -> None:
    form = {EvidenceType.JPEG: "JPEG", EvidenceType.PNG: "PNG"}[kind]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[form]) as image:
                pixels = image.width * image.height
                if pixels <= MAX_PIXELS:
                    _read_through(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _broken(name) from error
    if pixels > MAX_PIXELS:
        raise _refused(
            f"« {name} » a {pixels // 1_000_000} millions de points : il n’a pas été enregistré. Envoyez une image de moindre "
            "définition."
        )


def _read_through(image: Image.Image) -> None:
    if image.format == "JPEG":
        image.draft("RGB", (REDUCED, REDUCED))
        image.load()
    else:
        image.verify()


def _broken(name: str) -> RefusedError:
    return _refused(
        f"« {name} » ne s’ouvre pas : il est abîmé ou incomplet. Il n’a pas été enregistré. Ouvrez-le chez vous, "
        "enregistrez-le de nouveau, puis renvoyez-le."
    )


# PDF ------------------------------------------------------------------------------------------------------------------

DANGERS: Mapping[str, str] = {
    "/JavaScript": "contient un programme (JavaScript)",
    "/JS": "contient un programme (JavaScript)",
    "/XFA": "est un formulaire dynamique, qui contient des programmes",
    "/Launch": "ouvre un autre programme",
    "/ImportData": "va chercher des données ailleurs",
    "/SubmitForm": "envoie des données ailleurs",
    "/EmbeddedFiles": "contient d’autres fichiers",
    "/EF": "contient d’autres fichiers",
    "/RichMedia": "contient une animation",
}
"""Keys and names of actions that a document shown to agents must not hold (ISO 32000-1, 12.6.4, 7.11.4)."""


def _examine_pdf(name: str, content: bytes, limits: Limits) -> None:
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        encrypted = reader.is_encrypted
        pages = 0 if encrypted else len(reader.pages)
        danger = "" if encrypted else _danger(reader)
    except Exception as error:  # a hostile or damaged file may break the reader in any way
        raise _broken(name) from error
    if encrypted:
        raise _refused(
            f"« {name} » est protégé par un mot de passe ou par des restrictions : les agents ne pourraient pas le lire. Il n’a "
            "pas été enregistré. Imprimez-le en PDF, sans protection, puis renvoyez-le."
        )
    if danger:
        raise _refused(
            f"« {name} » {danger} : il n’a pas été enregistré. Imprimez-le en PDF, ce qui n’en garde que les pages, puis "
            "renvoyez-le."
        )
    if not pages:
        raise _broken(name)
    if pages > limits.max_pages:
        raise _refused(
            f"« {name} » a {pages} pages : il n’a pas été enregistré. Envoyez les pages utiles, {limits.max_pages} au plus."
        )
    for what, held in ((Personal.NIR, holds_nir), (Personal.IDENTITY, _holds_readable_zone)):
        if page := _page_with(reader, held):
            raise RefusedError(personal_refusal(what, page))


def _danger(reader: pypdf.PdfReader) -> str:
    """Return what a document does besides being read, in French, or nothing."""
    for rank, value in enumerate(_values(reader.trailer)):
        if rank > MAX_NODES:
            return "est trop compliqué pour être vérifié"
        if not isinstance(value, DictionaryObject):
            continue
        found = [str(key) for key in value if str(key) in DANGERS]
        found += [str(value.raw_get(key)) for key in ("/S", "/Subtype") if key in value]
        for key in found:
            if key in DANGERS:
                return DANGERS[key]
    return ""


def _values(root: DictionaryObject) -> Iterator[Any]:
    """Walk everything that a document's root leads to, each object once."""
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, IndirectObject):
            if (value.idnum, value.generation) in seen:
                continue
            seen.add((value.idnum, value.generation))
            value = value.get_object()
        yield value
        if isinstance(value, DictionaryObject):
            waiting += [value.raw_get(key) for key in value]
        elif isinstance(value, ArrayObject):
            waiting += list.__iter__(value)


_READABLE_ZONE = re.compile(r"[ACIPV][A-Z<][A-Z][A-Z<]{2}(?=[A-Z0-9]*<<)[A-Z0-9<]{20,}")
"""The first line of a machine-readable zone (ICAO 9303, and the French card of before 2021): what the paper is, the State
that issues it, then a name or a number; the line is filled up with ``<`` to 30, 36 or 44 signs."""


def _holds_readable_zone(text: str) -> bool:
    """Tell whether a text holds a line of a machine-readable zone; some readers part its signs with spaces."""
    lines = text.splitlines()
    return any(_READABLE_ZONE.fullmatch(word) for line in lines for word in (*line.split(), "".join(line.split())))


def _page_with(reader: pypdf.PdfReader, held: Callable[[str], bool]) -> int:
    """Return the number of the first page in whose text something is held, 0 when there is none.

    A page without text, such as a scan, is not read; what was typed in the boxes of a form is.
    """
    for number, page in enumerate(reader.pages, start=1):
        try:
            text = page.extract_text()
            typed = [str(box.get_object().get("/V", "")) for box in page.get("/Annots") or []]
        except Exception:  # noqa: BLE001, S112  # a font that cannot be read hides its text, as a scan does
            continue
        if held("\n".join([text, *typed])):
            return number
    return 0


# Personal data in images ----------------------------------------------------------------------------------------------

MAX_IMAGES, MAX_IMAGE_PAGES = 12, 30
"""Of a PDF, the images that are read, and the first pages in which they are looked for."""
READABLE_SIDE = 100
"""Points under which an image is a logo."""


class Personal(StrEnum):
    """What of a person a document may not show."""

    NIR = "nir"
    IDENTITY = "identity"


def personal_refusal(what: Personal, page: int) -> str:
    """Return what is said of a document that is not kept; ``page`` is 0 for an image."""
    where = f" (page {page})" if page else ""
    if what == Personal.NIR:
        sentence = (
            f"Ce document semble contenir un numéro de sécurité sociale{where}. Le portail n’accepte aucune donnée de patient ; "
            "le fichier n’a pas été conservé. Masquez ces données, puis renvoyez-le."
        )
    else:
        how = "Retirez cette page, puis renvoyez-le." if page else "Envoyez un autre justificatif."
        sentence = (
            f"Ce document semble contenir une pièce d’identité{where}. Elle n’est ni nécessaire ni acceptée ; le fichier n’a pas "
            f"été conservé. {how}"
        )
    return typeset(sentence)


_LIKELY_ZONE = re.compile(r"(?=[A-Z0-9]+<)(?=.*<<)[A-Z0-9<]{28,48}")
"""A line of a machine-readable zone as a recogniser sees it: some signs are taken for others, the filling stays."""
_CARD_NUMBER = re.compile(r"\b[1-478](?:[ .]?\d){12,14}\b")
"""The number of a carte Vitale, whatever its key is: on a card, a misread digit does not make it another thing."""


def personal_in_image(text: str) -> Personal | None:
    """Return what of a person the text read in an image shows."""
    if holds_nir(text) or ("vitale" in text.lower() and _CARD_NUMBER.search(text)):
        return Personal.NIR
    lines = ["".join(line.split()).replace("«", "<<").replace("‹", "<") for line in text.splitlines()]
    if any(_LIKELY_ZONE.fullmatch(line) for line in lines) or _holds_readable_zone(text):
        return Personal.IDENTITY
    return None


def images_of(reader: pypdf.PdfReader) -> Iterator[tuple[int, Image.Image]]:
    """Give the images of a PDF large enough to be read and small enough to be decoded, with their pages.

    One that cannot be decoded is passed over.
    """
    given = 0
    for number, page in enumerate(reader.pages[:MAX_IMAGE_PAGES], start=1):
        try:
            names = [name for name in page.images.keys() if _is_readable(page, name)]  # noqa: SIM118  # no mapping
        except Exception:  # noqa: BLE001, S112  # a page that is not as it should hides its images
            continue
        for name in names:
            if given == MAX_IMAGES:
                return
            try:
                image = page.images[name].image
            except Exception:  # noqa: BLE001, S112  # so may the coding of an image
                continue
            if image is not None:
                given += 1
                yield number, image


def _is_readable(page: pypdf.PageObject, name: str | list[str] | tuple[str, ...]) -> bool:
    """Tell whether an image is large enough to hold a text and small enough to be decoded, from what it announces."""
    found: Any = page
    for key in [name] if isinstance(name, str) else name:
        resources = found["/Resources"]["/XObject"]
        if key not in resources:
            return False
        found = resources[key]
    width, height = int(found["/Width"]), int(found["/Height"])
    return min(width, height) >= READABLE_SIDE and width * height <= MAX_PIXELS // 2


# Age ------------------------------------------------------------------------------------------------------------------


def age_in_words(day: date, today: date) -> str:
    """Return how old a document is, as people say it: « hier », « il y a 10 jours », « il y a 4 mois »."""
    days = (today - day).days
    months = (today.year - day.year) * 12 + today.month - day.month - (today.day < day.day)
    match days, months:
        case (0, _):
            return "aujourd’hui"
        case (1, _):
            return "hier"
        case (_, 0 | 1):
            return f"il y a {days}{NBSP}jours"
        case (_, _) if months < MONTHS_COUNTED:
            return f"il y a {months}{NBSP}mois"
        case _:
            return f"il y a {months // 12}{NBSP}ans"
