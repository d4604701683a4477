"""What is written in an image, read by the ``tesseract`` command when the machine has it (Debian: ``tesseract-ocr-fra``).

Whatever it is given, it is bounded: points of the image, seconds, memory, one thread.
"""

import io
import os
import resource
import shutil
import subprocess
from functools import cache

from PIL import Image, ImageOps

COMMAND = "tesseract"
LANGUAGES = ("fra", "eng")
MAX_PIXELS = 40_000_000
"""A photograph of a telephone has at most as many once reduced; beyond, an image is not read."""
SIDE = 3000
"""Points of the longer side that the command is given: a page at 250 points per inch."""
TIMEOUT = 40
"""Seconds for one image."""
MEMORY = 2 * 1024**3


class RecogniserError(Exception):
    """The image was not read: too large, too slow, or the command failed."""


@cache
def language() -> str:
    """Return the language that the recogniser reads, nothing when the machine has none."""
    if shutil.which(COMMAND) is None:
        return ""
    ask = [COMMAND, "--list-langs"]
    listed = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=TIMEOUT)  # noqa: S603  # our words
    known = listed.stdout.split()
    return next((code for code in LANGUAGES if code in known), "")


def read_image(image: Image.Image) -> str:
    """Return the text of an image, its lines as they are laid out.

    Raises:
        RecogniserError: it could not be read within the bounds.
    """
    if image.width * image.height > MAX_PIXELS and image.format != "JPEG":
        raise RecogniserError("image too large")
    buffer = io.BytesIO()
    try:
        if image.format == "JPEG":
            image.draft("L", (SIDE, SIDE))
        if image.width * image.height > MAX_PIXELS:
            raise RecogniserError("image too large")
        upright = ImageOps.exif_transpose(image).convert("L")
        upright.thumbnail((SIDE, SIDE))
        upright.save(buffer, "PNG", compress_level=1)
    except (OSError, SyntaxError, ValueError) as error:
        raise RecogniserError("image cannot be decoded") from error
    return _run(buffer.getvalue())


def _run(content: bytes) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # nothing of the image is in the command
            # Automatic layout with orientation: cards are photographed in any direction.
            [COMMAND, "stdin", "stdout", "-l", language(), "--psm", "1"],
            input=content,
            capture_output=True,
            check=True,
            timeout=TIMEOUT,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            preexec_fn=_bound,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RecogniserError(type(error).__name__) from error
    return done.stdout.decode("utf-8", "replace")


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (TIMEOUT, TIMEOUT))
