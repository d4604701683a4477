"""What is written in the images of a piece, read before anyone opens it: neither patient data nor identity papers are kept.

A help, not a guarantee: what is not read within the bounds is left to the eyes of people, as without a recogniser.
"""

import logging
import time
from collections.abc import Iterator

import pypdf
from django.conf import settings
from django.core.files.base import File
from PIL import Image

from francesante.lib import recogniser
from francesante.lib.recogniser import RecogniserError, read_image
from labelling.choices import EvidenceType
from labelling.rules.uploads import Personal, images_of, personal_in_image

PIECE_SECONDS = 90
"""For all the images of one piece: half of what a worker may hold it for."""

logger = logging.getLogger(__name__)


def is_on() -> bool:
    """Tell whether images are read on this machine."""
    return settings.TEXT_RECOGNISER and bool(recogniser.language())


def personal_data(stream: File, content_type: str) -> tuple[Personal | None, int]:
    """Return what of a person the images of a piece show, and the page of a PDF, 0 for an image."""
    until = time.monotonic() + PIECE_SECONDS
    for page, image in _images(stream, content_type):
        if time.monotonic() > until:
            logger.warning("the images of a piece were too long to read: its last ones were not")
            break
        try:
            found = _read(image)
        except RecogniserError as error:
            logger.warning("an image was not read: %s", error)
            continue
        if found:
            return found, page
    return None, 0


def _images(stream: File, content_type: str) -> Iterator[tuple[int, Image.Image]]:
    if content_type == EvidenceType.PDF:
        yield from images_of(pypdf.PdfReader(stream, strict=False))
        return
    form = {EvidenceType.JPEG: "JPEG", EvidenceType.PNG: "PNG"}[EvidenceType(content_type)]
    with Image.open(stream, formats=[form]) as image:
        yield 0, image


def _read(image: Image.Image) -> Personal | None:
    text = read_image(image)
    # A card upside down: its filling signs point the other way.
    if ">>>" in text and not personal_in_image(text):
        text = read_image(image.rotate(180))
    return personal_in_image(text)
