"""The plaque of a labelled place, in PDF: its rules of use in one page, then the plaque in A4 and in A5.

It is typographic on purpose: the mark of the State is reserved, and is not for a place of care to print.
"""

from datetime import datetime
from pathlib import Path

from francesante.lib.pdf import render_pdf
from labelling.documents.certificate import period_of
from labelling.documents.verification import qr_svg
from labelling.models import Label

TEMPLATE = Path(__file__).with_name("plaque.typ")


def render_plaque(label: Label, *, address: str, at: datetime) -> bytes:
    """Return the plaque of a label; ``address`` is where it is verified. Needs structure with its commune."""
    data = {
        "number": label.number,
        "structure": label.structure.name,
        "commune": label.structure.commune.name,
        "period": period_of(label),
        "address": address,
        "short_address": address.removeprefix("https://").removeprefix("http://"),
        "qr": qr_svg(address),
    }
    return render_pdf(TEMPLATE, data, at=at)
