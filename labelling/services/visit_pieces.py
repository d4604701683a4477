"""The photos and documents of a visit: received like those of a file, read by the structure once the report is sent."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import EvidenceOrigin
from labelling.models import Criterion, Evidence, Visit
from labelling.rules.clock import local_day
from labelling.services.evidence import SentFile, discard_bytes, receive
from labelling.services.visits import open_visit
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, record_event


def add_visit_piece(
    *, visit: Visit, criterion: Criterion | None, name: str, content: bytes, mandate: Mandate, at: datetime
) -> Evidence:
    """Check a photo or a document by its content and keep it with a visit whose report is not sent.

    It is dated of the visit, once its day is written, else of today. With an antivirus configured, it is withheld from
    everyone until it has been scanned.

    Raises:
        RefusedError: the mandate may not, the report is sent or the visit cancelled, the criterion is of another version,
            the file is not what it must be, is already there, or one too many; nothing is kept.
    """
    application = visit.label.application
    if criterion is not None and criterion.specification_id != application.specification_id:
        raise RefusedError("Ce critère ne fait pas partie du cahier des charges de ce label.")
    day = visit.visited_date or local_day(at, application.departement.timezone)

    def ready() -> None:
        open_visit(visit, mandate, at=at)
        if visit.pieces.kept().count() >= settings.EVIDENCE_MAX_FILES:
            raise RefusedError(
                f"Cette visite a déjà {settings.EVIDENCE_MAX_FILES} pièces, le maximum. Rien n’a été enregistré ; retirez-en une."
            )

    return receive(
        SentFile(name, content, day),
        application,
        {"criterion": criterion, "visit": visit, "origin": EvidenceOrigin.VISIT, "mandate": mandate},
        ready=ready,
        record=lambda row: _record(row, "add_visit_piece", mandate, at=at),
        at=at,
    )


@transaction.atomic
def remove_visit_piece(*, visit: Visit, piece: Evidence, mandate: Mandate, at: datetime) -> Evidence:
    """Remove a piece of a visit whose report is not sent: its bytes are deleted, its row says that it was there.

    Raises:
        RefusedError: the mandate may not, the report is sent or the visit cancelled, or already removed.
    """
    open_visit(visit, mandate, at=at)
    row = lock(piece)
    if not row.file:
        raise RefusedError("Cette pièce est déjà retirée.")
    discard_bytes([row])
    Evidence.objects.filter(pk=row.pk).update(removed_at=at, file="", next_scan_at=None)
    _record(row, "remove_visit_piece", mandate, at=at)
    return row


def _record(row: Evidence, action: str, mandate: Mandate, *, at: datetime) -> None:
    record_event(
        subject_type=Subject.LABEL,
        subject_id=row.visit.label_id,  # type: ignore[union-attr]
        action=action,
        actor=mandate,
        at=at,
        data={"visit": row.visit_id, "evidence": row.pk, "sha256": row.sha256},
    )
