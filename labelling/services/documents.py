"""The PDFs of files and labels: rendered once each, in the background, and kept as bytes with their SHA-256."""

import json
from datetime import datetime

from django.conf import settings
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Exists, F, OuterRef, QuerySet
from django.urls import reverse

from francesante.lib.canonical import sha256_hex
from labelling.choices import DocumentKind
from labelling.documents.certificate import render_certificate
from labelling.documents.plaque import render_plaque
from labelling.documents.receipt import render_receipt
from labelling.models import Application, Document, Label
from labelling.models.documents import OF_A_LABEL
from labelling.rules.clock import local_day
from labelling.services.drafting import authorities_of


def receipt_of(application: Application) -> Document | None:
    """Return the accusé de réception of a file, once rendered."""
    return Document.objects.filter(application=application, kind=DocumentKind.RECEIPT).first()


def label_document(label: Label, kind: DocumentKind) -> Document | None:
    """Return a document of a label as it is now; one that tells an older state of the label is never given."""
    return Document.objects.filter(label=label, kind=kind, source_version=label.version).first()


def store_receipt(*, application: Application, at: datetime) -> Document:
    """Return the accusé de réception of a file, rendered now if nobody did; of two at once, the first stays.

    Needs structure with its commune, département and specification.
    """
    if kept := receipt_of(application):
        return kept
    pdf = render_receipt(application, list(authorities_of(application.departement).values()))
    _keep(Document(kind=DocumentKind.RECEIPT, application=application), pdf, at=at)
    return Document.objects.get(kind=DocumentKind.RECEIPT, application=application)


def store_label_document(*, label: Label, kind: DocumentKind, at: datetime) -> Document:
    """Return a document of a label at its present version, rendered now if nobody did."""
    if kept := label_document(label, kind):
        return kept
    address = verification_address(label)
    if kind == DocumentKind.CERTIFICATE:
        granted = json.loads(label.decision.content).get("authorities", [])
        authorities = [row["name"] for row in granted]
        pdf = render_certificate(label, authorities=authorities, address=address, at=at)
    else:
        pdf = render_plaque(label, address=address, at=at)
    _keep(Document(kind=kind, label=label, source_version=label.version), pdf, at=at)
    return Document.objects.get(kind=kind, label=label, source_version=label.version)


def verification_address(label: Label) -> str:
    """Return the public address where anyone verifies a label: the one of the QR codes."""
    return f"{settings.PUBLIC_URL}{reverse('verify-label', args=[label.number])}"


def _keep(document: Document, pdf: bytes, *, at: datetime) -> None:
    document.content, document.sha256, document.rendered_at = pdf, sha256_hex(pdf), at
    Document.objects.bulk_create([document], ignore_conflicts=True)


def render_missing_documents(*, at: datetime, batch: int = 50) -> int:
    """Render the documents that files and labels lack, the latest first, and return their number.

    A label has its documents once notified, until it ends and while it is not suspended: else nothing is put on a wall.
    """
    received = Application.objects.filter(submitted_at__isnull=False).filter(
        ~Exists(Document.objects.filter(application=OuterRef("pk"), kind=DocumentKind.RECEIPT))
    )
    received = received.select_related("structure__commune", "departement", "specification")
    rendered = 0
    for application in received.order_by("-submitted_at", "-pk")[:batch]:
        store_receipt(application=application, at=at)
        rendered += 1
    for kind in OF_A_LABEL:
        for label in _labels_without(kind, at=at)[:batch]:
            store_label_document(label=label, kind=kind, at=at)
            rendered += 1
    return rendered


def _labels_without(kind: DocumentKind, *, at: datetime) -> QuerySet[Label]:
    rendered = Document.objects.filter(label=OuterRef("pk"), kind=kind, source_version=OuterRef("version"))
    today = local_day(at, settings.TIME_ZONE)
    labels = Label.objects.published().filter(withdrawn_at__isnull=True, valid__overlap=DateRange(today, None))
    labels = labels.exclude(suspensions__period__contains=today)
    return (
        labels.filter(~Exists(rendered))
        .select_related("structure__commune", "departement", "decision", "application__specification")
        .defer("decision__pdf")
        .order_by(F("notified_at").desc(), "-pk")
    )
