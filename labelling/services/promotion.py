"""The waiting list moves by itself: when a place comes free, the first file that waits is told to its lead.

Nothing is decided: the file keeps its rank, which already keeps the place from newcomers (``quotas.why_full``), and the lead
presents its label again.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from labelling.choices import ApplicationState
from labelling.models import Application, Quota
from labelling.services.quotas import WAITING_ORDER
from territories.choices import Subject
from territories.services.events import record_event, write


def waiting_files(quota: Quota) -> QuerySet[Application]:
    """Return the files that wait for a place of a quota, the first one first."""
    return _waiting().filter(wave=quota.wave_id, departement=quota.departement_id).order_by(*WAITING_ORDER)


def _waiting() -> QuerySet[Application]:
    return Application.objects.filter(waiting_since__isnull=False, state=ApplicationState.UNDER_REVIEW)


def promote_all(*, at: datetime) -> int:
    """Bring every waiting list up to date, one transaction each; return how many files were told of a place.

    Done twice, or by two workers at once, each file is told once.
    """
    here = _waiting().filter(wave=OuterRef("wave"), departement=OuterRef("departement"))
    quotas = Quota.objects.filter(Exists(here)).order_by("pk").values_list("pk", flat=True)
    return sum(promote(quota_id=pk, at=at) for pk in list(quotas))


@transaction.atomic
def promote(*, quota_id: int, at: datetime) -> int:
    """Tell the first files of a waiting list that a place is free, as many as places; return how many were told.

    A file that was told of a place which is there no longer (a ceiling lowered) is told no more.
    """
    quota = Quota.objects.select_for_update(of=("self",)).get(pk=quota_id)
    # Locked by key, as everywhere, then put in the order of the list.
    locked = waiting_files(quota).order_by("pk").select_for_update(of=("self",))
    files = sorted(locked, key=lambda row: tuple(getattr(row, name) for name in WAITING_ORDER))
    free = len(files) if quota.ceiling is None else max(quota.ceiling - quota.reserved - quota.used, 0)
    told = 0
    for rank, file in enumerate(files):
        has_place = rank < free
        if has_place == (file.place_free_at is not None):
            continue
        write(file, version=None, place_free_at=at if has_place else None)
        record_event(
            subject_type=Subject.APPLICATION,
            subject_id=file.pk,
            action="place_free" if has_place else "place_gone",
            actor=None,
            at=at,
            from_state=file.state,
            to_state=file.state,
            data={"quota": quota.pk},
        )
        told += has_place
    return told
