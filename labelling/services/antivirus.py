"""The antivirus: each piece received is scanned once, and withheld until then when one is configured."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from francesante.lib.clamd import ClamdError, find_signature
from labelling.choices import Scan
from labelling.models import Evidence
from labelling.services.evidence import discard_bytes
from territories.choices import Subject
from territories.services.events import lock, record_event

CLAIM = timedelta(minutes=5)
"""How long a worker may hold a piece before another takes it over."""
LONGEST_DELAY = timedelta(hours=1)

logger = logging.getLogger(__name__)


def scan_received(*, at: datetime, batch: int = 20) -> int:
    """Scan the pieces that were not, received before the antivirus was configured included; return how many were.

    Without an antivirus, nothing is done. One that does not answer leaves the pieces as they are, to be tried again
    after a growing delay.
    """
    if not settings.CLAMD_URL:
        return 0
    scanned = 0
    for row in _claim(at=at, batch=batch):
        try:
            with default_storage.open(str(row.file)) as stream:
                signature = find_signature(settings.CLAMD_URL, stream)
        except (ClamdError, OSError) as error:
            _postpone(row, error, at=at)
        else:
            settle(row, infected=bool(signature), at=at)
            scanned += 1
    return scanned


def _claim(*, at: datetime, batch: int) -> list[Evidence]:
    """Take the pieces that are due, so that no other worker scans them at the same time."""
    with transaction.atomic():
        due = Evidence.objects.kept().filter(scan__in=[Scan.WAITING, Scan.NOT_SCANNED], next_scan_at__lte=at)
        rows = list(due.order_by("next_scan_at", "pk").select_for_update(of=("self",), skip_locked=True)[:batch])
        Evidence.objects.filter(pk__in=[row.pk for row in rows]).update(
            scan_attempts=F("scan_attempts") + 1, next_scan_at=at + CLAIM
        )
    for row in rows:
        row.scan_attempts += 1
    return rows


def _postpone(row: Evidence, error: Exception, *, at: datetime) -> None:
    logger.warning("piece %s is not scanned, attempt %s: %s", row.pk, row.scan_attempts, error)
    delay = min(LONGEST_DELAY, timedelta(minutes=2 ** min(row.scan_attempts - 1, 10)))
    Evidence.objects.kept().filter(pk=row.pk).update(next_scan_at=at + delay)


@transaction.atomic
def settle(row: Evidence, *, infected: bool, at: datetime) -> None:
    """Record the verdict: a clean piece may be read; an infected one loses its bytes, and its sender is told.

    A piece removed meanwhile stays removed.
    """
    application = lock(row.application)
    current = lock(row)
    if not current.file:
        return
    if not infected:
        Evidence.objects.filter(pk=row.pk).update(scan=Scan.CLEAN, next_scan_at=None)
        return
    discard_bytes([current])
    Evidence.objects.filter(pk=row.pk).update(scan=Scan.INFECTED, file="", next_scan_at=None)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action="infected_evidence",
        actor=None,
        at=at,
        data={"evidence": row.pk, "sha256": row.sha256},
    )
