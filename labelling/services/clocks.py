"""The clock of a file: the pauses that questions make in it, the date of silence they put off, what is awaited.

Everything here reads ``application.requests``: prefetch them for a list.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from labelling.models import Application
from labelling.rules.badges import OPEN
from labelling.rules.clock import Pause, clock_sentence, local_day, nine_in_ten, pause_on, postponed, silence_date
from territories.choices import Subject
from territories.models import Departement, Event


def pauses_of(application: Application) -> list[Pause]:
    """Return the pauses that the questions of a file make in its clock, in the département's time; reads ``requests``."""
    zone = application.departement.timezone
    found = []
    for row in application.requests.all():
        if row.required and row.notified_at and row.deadline:
            ended_at = row.answered_at or row.closed_at
            ended = min(local_day(ended_at, zone), row.deadline) if ended_at else row.deadline
            found.append((local_day(row.notified_at, zone), ended))
    return found


def base_silence_date(application: Application) -> date | None:
    """Return the last day of the delay without any pause: it runs from receipt, or from the last appeal that was accepted."""
    begins = _begins(application)
    zone = application.departement.timezone
    return silence_date(begins, timezone=zone, months=settings.SILENCE_MONTHS) if begins else None


def clock_of(application: Application, *, today: date) -> str:
    """Return the words of the clock of a file still to be decided, nothing for another; reads ``requests``."""
    if application.state not in OPEN or application.silence_date is None:
        return ""
    since, until = pause_on(pauses_of(application), today) or (None, None)
    return clock_sentence(application.silence_date, today, since, until)


def _begins(application: Application) -> datetime | None:
    reopened = Event.objects.about(Subject.APPLICATION, application.pk).filter(action__in=("reopen", "restart")).last()
    return reopened.at if reopened else application.submitted_at


def postponed_silence_date(application: Application) -> date | None:
    """Return the last day of the delay as questions put it off; reads them anew."""
    base, begins = base_silence_date(application), _begins(application)
    if base is None or begins is None:
        return None
    first = local_day(begins, application.departement.timezone)
    return postponed(base, [pause for pause in pauses_of(_reread(application)) if pause[0] >= first])


def _reread(application: Application) -> Application:
    return Application.objects.select_related("departement").prefetch_related("requests").get(pk=application.pk)


@dataclass(frozen=True, slots=True)
class Awaited:
    """Where the questions of a file stand on a day.

    Attributes:
        asked: open questions.
        answer_by: the first of their deadlines.
        reminded_on: day of the reminder before it.
        received: answers that the authority asked about has not read.
        pause: the pause in which the day falls.
    """

    asked: int
    answer_by: date | None
    reminded_on: date | None
    received: int
    pause: Pause | None

    def facts(self) -> dict[str, Any]:
        """Return what the badges and the clock depend on (``labelling.rules.badges.Facts``)."""
        return {
            "asked": self.asked,
            "answer_by": self.answer_by,
            "reminded_on": self.reminded_on,
            "received": self.received,
            "paused_since": self.pause[0] if self.pause else None,
            "resumes": self.pause[1] if self.pause else None,
        }


def awaited(application: Application, *, today: date, capacity: str | None = None) -> Awaited:
    """Return where the questions of a file stand; ``capacity`` is the authority of the reader, if it has one.

    Reads ``application.requests``: prefetch them for a list.
    """
    rows = list(application.requests.all())
    opened = [row for row in rows if row.is_open and row.deadline]
    first = min((row.deadline for row in opened if row.deadline), default=None)
    return Awaited(
        asked=len(opened),
        answer_by=first,
        reminded_on=first - timedelta(days=settings.INFORMATION_REQUEST_REMINDER_DAYS) if first else None,
        received=sum(row.capacity == capacity and row.answered_at is not None and row.read_at is None for row in rows),
        pause=pause_on(pauses_of(application), today),
    )


def usual_days(departement: Departement, *, at: datetime) -> int | None:
    """Return the days within which nine files in ten were decided in a département over the last year.

    From receipt to the last signature, pauses included; the smallest number of days that holds for 90 % of the files.
    Nothing under ``USUAL_DAYS_MIN_FILES`` decisions: a rate of a few cases says nothing.
    """
    decided = Application.objects.filter(
        departement=departement, submitted_at__isnull=False, decision__signed_at__gte=at - timedelta(days=365)
    )
    instants = decided.values_list("submitted_at", "decision__signed_at")
    days = [(signed - received).days for received, signed in instants if received and signed]
    return nine_in_ten(days, at_least=settings.USUAL_DAYS_MIN_FILES)
