"""What a sent file must be before it is kept as a proof."""

import io

import pypdf
from pypdf.errors import PyPdfError

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError

MEGABYTE = 1024 * 1024


def require_pdf(name: str, content: bytes, *, max_bytes: int) -> None:
    """Check that a file is a PDF that opens, without password, and has a page.

    Raises:
        RefusedError: what it is instead, and what to send.
    """
    asked = f"Rien n’a été enregistré. Envoyez un PDF de {max_bytes // MEGABYTE} Mo au plus."
    if not content:
        raise RefusedError(typeset(f"« {name} » est vide. {asked}"))
    if len(content) > max_bytes:
        raise RefusedError(typeset(f"« {name} » est trop lourd. {asked}"))
    if not content.startswith(b"%PDF-"):
        raise RefusedError(typeset(f"« {name} » n’est pas un PDF, quel que soit son nom. {asked}"))
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        readable = not reader.is_encrypted and len(reader.pages) > 0
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError):
        readable = False
    if not readable:
        raise RefusedError(
            typeset(f"« {name} » ne s’ouvre pas : il est abîmé, ou protégé par un mot de passe. {asked}")
        )
