"""Silence: the warnings before its date, and the event that it makes when it passes. The file stays decidable.

Both run daily, and may run again: what was written is not written twice.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from labelling.choices import CriterionKind
from labelling.models import Application
from labelling.rules.badges import facts_of, missing_act
from labelling.rules.clock import appeal_deadline, days_left, has_passed, local_day
from labelling.services.clocks import awaited
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Event
from territories.services.events import lock, perform, record_event

_DAY = timedelta(days=1)
"""More than the hours between the legal time of any département and UTC."""


def record_silences(*, at: datetime) -> int:
    """Write that silence became a rejection, for each file whose date has passed; return their number."""
    said = Event.objects.filter(
        subject_type=Subject.APPLICATION,
        subject_id=OuterRef("pk"),
        action="silence",
        at__date__gt=OuterRef("silence_date"),
    )
    passed = _files().filter(~Exists(said), silence_date__lt=(at + _DAY).date())
    return sum(_record(file, at=at) for file in passed)


@transaction.atomic
def _record(file: Application, *, at: datetime) -> bool:
    current = lock(file)
    until = current.silence_date
    open_ = TRANSITIONS["silence"].sources
    if until is None or current.state not in open_ or not has_passed(until, _today(current, at)):
        return False
    if _chain(current).filter(action="silence", data__silence_date=until.isoformat()).exists():
        return False
    perform(
        current,
        "silence",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=None,
        at=at,
        data={"silence_date": until.isoformat(), "appeal_until": appeal_deadline(until).isoformat()},
    )
    return True


def warn(*, at: datetime) -> int:
    """Write that the date of silence is near (``SILENCE_ALERT_DAYS``); return the number of files.

    A file that comes late under several thresholds is warned of once, at the nearest. A threshold is passed once by date:
    a pause that put the date off makes another date, and nothing is said during the pause.
    """
    furthest = max(settings.SILENCE_ALERT_DAYS)
    today = at.date()
    near = _files().filter(silence_date__gte=today - _DAY, silence_date__lte=today + _DAY + timedelta(days=furthest))
    return sum(_warn(file, at=at) for file in near)


@transaction.atomic
def _warn(file: Application, *, at: datetime) -> bool:
    current = lock(file)
    until, today = current.silence_date, _today(current, at)
    if until is None or current.state not in TRANSITIONS["silence"].sources or has_passed(until, today):
        return False
    reached = [days for days in settings.SILENCE_ALERT_DAYS if days_left(until, today) <= days]
    if not reached or awaited(current, today=today).pause:
        return False
    said = {"days": min(reached), "silence_date": until.isoformat()}
    if _chain(current).filter(action="warn_silence", data=said).exists():
        return False
    record_event(
        subject_type=Subject.APPLICATION, subject_id=current.pk, action="warn_silence", actor=None, at=at, data=said
    )
    return True


def what_is_missing(application: Application, *, at: datetime) -> str:
    """Return the sentence that says which act is missing before a decision, and whose."""
    said = application.assessments.filter(capacity=application.lead).count()
    asked = application.specification.criteria.filter(kind=CriterionKind.CRITERION).count()
    more: dict[str, Any] = {"to_assess": asked - said}
    decision, today = application.decision, _today(application, at)
    if decision is not None:
        signed = set(decision.signatures.values_list("capacity", flat=True))
        more["missing_capacities"] = tuple(one for one in decision.required if one not in signed)
    facts = facts_of(application, today=today, **more, **awaited(application, today=today).facts())
    return missing_act(facts)


def _files() -> QuerySet[Application]:
    return Application.objects.open().select_related("departement").order_by("pk")


def _chain(application: Application) -> QuerySet[Event]:
    return Event.objects.about(Subject.APPLICATION, application.pk)


def _today(application: Application, at: datetime) -> date:
    return local_day(at, application.departement.timezone)
