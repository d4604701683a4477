"""What follows a visit: the corrections that are due, who is reminded of them, and the day they were found made."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import VisitConclusion
from labelling.models import Label, Visit
from labelling.models.labels import LabelQuerySet
from labelling.rules.clock import local_day
from labelling.services.reviews import require_reviewer
from territories.choices import Subject
from territories.models import Event, Mandate
from territories.services.events import lock, record_event, write


def planned(labels: LabelQuerySet) -> QuerySet[Visit]:
    """Return the visits to come or whose report is being written, the first day first."""
    rows = Visit.objects.filter(label__in=labels, sent_at__isnull=True, cancelled_at__isnull=True)
    return rows.order_by("planned_date", "pk")


def corrections_due(labels: LabelQuerySet, *, on: date) -> QuerySet[Visit]:
    """Return the visits whose corrections nobody found made yet, the first deadline first.

    A later visit takes their place, and so does the end of the label.
    """
    later = Visit.objects.filter(label=OuterRef("label"), sent_at__gt=OuterRef("sent_at"))
    rows = Visit.objects.filter(
        label__in=labels.held(on),
        conclusion=VisitConclusion.TO_CORRECT,
        sent_at__isnull=False,
        corrected_date__isnull=True,
    )
    return rows.filter(~Exists(later)).order_by("correct_before", "pk")


@transaction.atomic
def note_corrections(*, visit: Visit, mandate: Mandate, found_on: date, version: int, at: datetime) -> Visit:
    """Record the day on which an agent found corrected what was to be: on the spot, or on pieces.

    Raises:
        RefusedError: the mandate may not, nothing was to be corrected, it is recorded already, or a day before the report
            or still to come.
        StaleError: the visit changed since ``version``.
    """
    require_reviewer(visit.label.application, mandate, at=at)
    label = lock(visit.label)
    current = lock(visit)
    if current.sent_at is None or current.conclusion != VisitConclusion.TO_CORRECT:
        raise RefusedError("Ce compte rendu ne demande pas de correction.")
    if current.corrected_date is not None:
        raise RefusedError("Les corrections sont déjà constatées.")
    if current.version != version:
        raise StaleError
    zone = label.departement.timezone
    if not local_day(current.sent_at, zone) <= found_on <= local_day(at, zone):
        raise RefusedError("Les corrections se constatent entre l’envoi du compte rendu et aujourd’hui.")
    write(visit, version=version, corrected_date=found_on, corrected_by=mandate)
    record_event(
        subject_type=Subject.LABEL,
        subject_id=label.pk,
        action="note_corrections",
        actor=mandate,
        at=at,
        data={"visit": visit.pk},
    )
    return visit


def remind_of_corrections(*, at: datetime) -> int:
    """Write a reminder for each structure whose corrections are due within ``VISIT_REMINDER_DAYS``; return their number."""
    today = local_day(at, settings.TIME_ZONE)
    soon = today + timedelta(days=settings.VISIT_REMINDER_DAYS)
    due = corrections_due(Label.objects.all(), on=today).filter(correct_before__gte=today, correct_before__lte=soon)
    return sum(_remind(visit, at=at) for visit in due.select_related("label"))


@transaction.atomic
def _remind(visit: Visit, *, at: datetime) -> bool:
    label = lock(visit.label)
    data = {"visit": visit.pk}
    if Event.objects.about(Subject.LABEL, label.pk).filter(action="remind_correction", data=data).exists():
        return False
    record_event(
        subject_type=Subject.LABEL, subject_id=label.pk, action="remind_correction", actor=None, at=at, data=data
    )
    return True
