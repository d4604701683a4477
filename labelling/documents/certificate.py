"""The certificate of a label, in PDF: what the label is, until when, who granted it, and where anyone verifies it."""

from datetime import datetime, timedelta
from pathlib import Path

from francesante.lib.french import long_date, typeset
from francesante.lib.pdf import render_pdf
from labelling.documents.verification import qr_svg
from labelling.models import Label
from labelling.rules.clock import local_day

TEMPLATE = Path(__file__).with_name("certificate.typ")


def render_certificate(label: Label, *, authorities: list[str], address: str, at: datetime) -> bytes:
    """Return the certificate of a label; the same label and the same ``at`` give the same bytes.

    Needs structure with its commune, département, decision, and the application's specification. ``authorities`` are
    the names of those that granted it, ``address`` is where it is verified.
    """
    structure = label.structure
    signed_at = label.decision.signed_at
    if signed_at is None:
        raise ValueError("a label whose decision is not signed has no certificate")
    data = {
        "number": label.number,
        "structure": structure.name,
        "kind": structure.get_kind_display(),
        "place": place_of(label),
        "finess": structure.finess or "",
        "territory": f"{structure.commune.name}, {label.departement.name} ({label.departement.pk})",
        "period": typeset(period_of(label)),
        "specification": label.application.specification.version,
        "authorities": authorities,
        "act": f"n° {label.decision.pk} du {long_date(local_day(signed_at, label.departement.timezone))}",
        "address": address,
        "qr": qr_svg(address),
    }
    return render_pdf(TEMPLATE, data, at=at)


def place_of(label: Label) -> str:
    """Return the postal address of the structure, on one line."""
    structure = label.structure
    return ", ".join(filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()]))


def period_of(label: Label) -> str:
    """Return the validity as people read it: both days included."""
    first = long_date(label.valid.lower)
    if label.valid.upper is None:
        return f"depuis le {first}"
    return f"du {first} au {long_date(label.valid.upper - timedelta(days=1))} inclus"
