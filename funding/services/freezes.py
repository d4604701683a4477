"""When a committed grant is not paid: on the days its label is suspended, and from the day an act ended it.

What was granted stays granted. A payment is judged on the day it was made, so that one made before is still recorded; a
trigger keeps the same rule (migration ``0004_payments_follow_the_label``). The term of a label stops nothing: what was
committed while it was in force remains due.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Prefetch

from francesante.lib.french import long_date, typeset
from funding.rules import Freeze
from labelling.models import Ending, Label, Suspension
from labelling.rules.clock import local_day


def with_acts(path: str) -> "Sequence[Prefetch[Any]]":
    """Return the prefetches that :func:`freeze_of` reads, for labels at the end of a path."""
    return (
        Prefetch(f"{path}__suspensions", Suspension.objects.filter(period__isnull=False)),
        Prefetch(f"{path}__endings", Ending.objects.filter(applied_at__isnull=False, undone_at__isnull=True)),
    )


def freeze_of(label: Label, on: date) -> Freeze | None:
    """Return why nothing is paid to a label on a day, or nothing."""
    if (ended := _ended_on(label)) is not None and on >= ended:
        return Freeze(
            since=ended,
            is_over=True,
            why=typeset(f"Le label a pris fin le {long_date(ended)} : aucun versement ne se fait depuis ce jour."),
            then="Si un recours fait revenir sur cette fin, les versements reprennent.",
        )
    for suspension in label.suspensions.all():  # type: ignore[attr-defined]  # of an abstract model
        if suspension.period is not None and on in suspension.period:
            since = suspension.period.lower
            return Freeze(
                since=since,
                is_over=False,
                why=typeset(
                    f"Label suspendu depuis le {long_date(since)} : aucun versement ne se fait pendant la suspension."
                ),
                then="Les versements reprennent dès qu’elle est levée.",
            )
    return None


def _ended_on(label: Label) -> date | None:
    """Return the first day without label, when an act that stands ended it."""
    if label.withdrawn_at is not None:
        return local_day(label.withdrawn_at, label.departement.timezone)
    stands = any(row.applied_at and not row.undone_at for row in label.endings.all())  # type: ignore[attr-defined]
    return label.valid.upper if stands else None
