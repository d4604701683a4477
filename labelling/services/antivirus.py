"""Each piece received is scanned by the antivirus and its images are read, once, and it is withheld until then.

Either may be absent.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from francesante.lib.clamd import ClamdError, find_signature
from labelling.choices import Scan
from labelling.models import Evidence
from labelling.rules.uploads import Personal
from labelling.services import recognition
from labelling.services.evidence import discard_bytes
from territories.choices import Subject
from territories.services.events import lock, record_event

CLAIM = timedelta(minutes=5)
"""How long a worker may hold a piece before another takes it over."""
BATCH = 3
"""Pieces that a worker takes at a time: their images may be long to read, and are read before the claim ends."""
LONGEST_DELAY = timedelta(hours=1)

logger = logging.getLogger(__name__)


def scan_received(*, at: datetime, batch: int = BATCH) -> int:
    """Scan the pieces that were not, received before the antivirus was configured included; return how many were.

    Those that wait because of the recogniser of images are read too. Without an antivirus, what does not wait is left as
    it is. One that does not answer leaves the pieces as they are, to be tried again after a growing delay.
    """
    scanned = 0
    for row in _claim(at=at, batch=batch):
        try:
            with default_storage.open(str(row.file)) as stream:
                infected = bool(settings.CLAMD_URL and find_signature(settings.CLAMD_URL, stream))
                stream.seek(0)
                read = recognition.is_on() and not infected
                personal, page = recognition.personal_data(stream, row.content_type) if read else (None, 0)
        except (ClamdError, OSError) as error:
            _postpone(row, error, at=at)
        else:
            settle(row, infected=infected, personal=personal, page=page, at=at)
            scanned += 1
    return scanned


def _claim(*, at: datetime, batch: int) -> list[Evidence]:
    """Take the pieces that are due, so that no other worker scans them at the same time."""
    with transaction.atomic():
        states = [Scan.WAITING, Scan.NOT_SCANNED] if settings.CLAMD_URL else [Scan.WAITING]
        due = Evidence.objects.kept().filter(scan__in=states, next_scan_at__lte=at)
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
def settle(row: Evidence, *, infected: bool, personal: Personal | None, page: int, at: datetime) -> None:
    """Record the verdict: a clean piece may be read; one that may not be kept loses its bytes, and its sender is told.

    A piece removed meanwhile stays removed.
    """
    application = lock(row.application)
    current = lock(row)
    if not current.file:
        return
    if not infected and personal is None:
        # Read without an antivirus, it is still to be scanned when there is one.
        scan = {"scan": Scan.CLEAN, "next_scan_at": None} if settings.CLAMD_URL else {"scan": Scan.NOT_SCANNED}
        Evidence.objects.filter(pk=row.pk).update(**scan)
        return
    discard_bytes([current])
    verdict = Scan.INFECTED if infected else Scan.PERSONAL
    Evidence.objects.filter(pk=row.pk).update(scan=verdict, file="", next_scan_at=None)
    found = {} if infected else {"found": str(personal), "page": page}
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action="infected_evidence" if infected else "personal_evidence",
        actor=None,
        at=at,
        data={"evidence": row.pk, "sha256": row.sha256, **found},
    )
