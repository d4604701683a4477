"""The renewal of a label: when it may be asked, when the new one begins, and who is reminded.

Two labels never overlap: the new one begins on the first day without the old one.
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Exists, OuterRef

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError
from labelling.models import Application, Label, Structure
from labelling.rules.badges import OPEN
from labelling.rules.clock import add_months, local_day
from territories.choices import Subject
from territories.models import Event
from territories.services.events import lock, record_event


def standing_label(structure: Structure, *, on: date) -> Label | None:
    """Return the label of a structure that stands on a day or begins after it; of two, the one that ends last."""
    standing = Label.objects.filter(structure=structure, withdrawn_at__isnull=True, valid__overlap=DateRange(on, None))
    return standing.order_by("valid").last()


def renewal_date(label: Label) -> date | None:
    """Return the first day on which the renewal of a label may be asked, nothing when it has no term."""
    return None if label.valid.upper is None else add_months(label.valid.upper, -settings.RENEWAL_MONTHS)


def check_renewable(label: Label, *, on: date) -> None:
    """Ask if a new label may follow this one.

    Raises:
        RefusedError: its renewal is not open yet.
    """
    opens = renewal_date(label)
    if opens is None:
        raise RefusedError(f"Cette structure porte déjà le label {label.number}, qui n’a pas de terme.")
    if on < opens:
        last = label.valid.upper - timedelta(days=1)
        raise RefusedError(
            f"Cette structure porte déjà le label {label.number}, jusqu’au {long_date(last)}. Deux labels ne peuvent pas être "
            f"valides à la fois : son renouvellement ouvre le {long_date(opens)}."
        )


def followed_label(structure: Structure, *, on: date) -> Label | None:
    """Return the label that a new one would follow, nothing when the structure holds none.

    Raises:
        RefusedError: its renewal is not open yet.
    """
    label = standing_label(structure, on=on)
    if label is not None:
        check_renewable(label, on=on)
    return label


def remind_of_renewals(*, at: datetime) -> int:
    """Write the reminders due for labels about to end that nobody asked to renew; return their number.

    One at each delay of ``RENEWAL_REMINDERS``, in months before the end; those already passed are not caught up.
    """
    today = local_day(at, settings.TIME_ZONE)
    farthest = add_months(today, max(settings.RENEWAL_REMINDERS))
    asked = Application.objects.filter(structure=OuterRef("structure"), state__in=list(OPEN))
    following = Label.objects.filter(structure=OuterRef("structure"), withdrawn_at__isnull=True).filter(
        valid__startswith__gte=OuterRef("valid__endswith")
    )
    ending = Label.objects.held(today).published().filter(valid__endswith__lte=farthest)
    labels = ending.filter(~Exists(asked), ~Exists(following)).order_by("pk")
    return sum(_remind(label, today, at=at) for label in labels)


@transaction.atomic
def _remind(label: Label, today: date, *, at: datetime) -> bool:
    current = lock(label)
    due = [months for months in settings.RENEWAL_REMINDERS if today >= add_months(current.valid.upper, -months)]
    if not due:
        return False
    data = {"months": min(due)}
    if Event.objects.about(Subject.LABEL, current.pk).filter(action="remind_renewal", data=data).exists():
        return False
    record_event(
        subject_type=Subject.LABEL, subject_id=current.pk, action="remind_renewal", actor=None, at=at, data=data
    )
    return True
