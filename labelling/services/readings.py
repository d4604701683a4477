"""The journal of readings: who opened which file, and when. The structure's own people are not followed."""

from datetime import datetime

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from labelling.models import Application, FileReading
from territories.models import Mandate

# One statement: a reading costs the page nothing that is felt, and two tabs opened at once are both counted.
_UPSERT = """
INSERT INTO labelling_filereading (user_id, application_id, day, mandate_id, first_at, last_at, count)
VALUES (%s, %s, %s, %s, %s, %s, 1)
ON CONFLICT (user_id, application_id, day) DO UPDATE SET
    mandate_id = EXCLUDED.mandate_id,
    last_at = GREATEST(labelling_filereading.last_at, EXCLUDED.last_at),
    count = labelling_filereading.count + 1
"""


def record_reading(*, application: Application, mandate: Mandate, at: datetime) -> None:
    """Record that a person opened a file, or one of its pieces, with a mandate."""
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [mandate.user_id, application.pk, timezone.localdate(at), mandate.pk, at, at])


def readings_of(application: Application) -> QuerySet[FileReading]:
    """Return the readings of a file that are kept, the latest first."""
    rows = application.readings.select_related("user", "mandate__authority")
    return rows.order_by("-last_at", "-pk")
