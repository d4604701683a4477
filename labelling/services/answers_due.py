"""What the services owe a structure after a silence or an appeal: reasons, an answer; by when, and the warnings before."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from labelling.choices import AppealKind
from labelling.models import Appeal, Application, ReasonsRequest
from labelling.rules.clock import appeal_silence, days_left, local_day
from labelling.services.contested import is_silent, silence_deadline
from labelling.services.reasons import asked_reasons, due_on
from territories.choices import Subject
from territories.models import Event
from territories.services.events import lock, record_event


def pending_appeals() -> QuerySet[Appeal]:
    """Return the appeals to the signatories that await their answer."""
    return Appeal.objects.filter(kind=AppealKind.GRACIEUX, settled_at__isnull=True)


def pending_reasons() -> QuerySet[ReasonsRequest]:
    """Return the reasons that were asked for and are not given."""
    return ReasonsRequest.objects.filter(answered_at__isnull=True, set_aside_at__isnull=True)


def owed_facts(application: Application, *, today: date) -> dict[str, Any]:
    """Return what the badge of the structure says of an implicit rejection: what it waits for, and until when."""
    if not is_silent(application, on=today):
        return {}
    asked = asked_reasons(application)
    waiting = asked is not None and asked.communicated_date is None
    pending = pending_appeals().filter(application=application).order_by("received_date").first()
    return {
        "reasons_by": due_on(asked) if asked and waiting else None,
        "answer_appeal_by": appeal_silence(pending.received_date) if pending else None,
        "contest_until": silence_deadline(application),
    }


def warn_of_answers(*, at: datetime) -> int:
    """Write that the last day to answer an appeal or to give reasons is near; return the number of warnings.

    As for silence (``APPEAL_ALERT_DAYS``): one by threshold, and one only for what comes late under several of them.
    """
    appeals = pending_appeals().select_related("application__departement").order_by("pk")
    reasons = pending_reasons().select_related("application__departement").order_by("pk")
    owed: list[tuple[Application, str, int, date]] = [
        *((row.application, "appeal", row.pk, appeal_silence(row.received_date)) for row in appeals),
        *((row.application, "reasons", row.pk, due_on(row)) for row in reasons),
    ]
    soon = (at + timedelta(days=max(settings.APPEAL_ALERT_DAYS) + 1)).date()
    return sum(_warn(application, what, pk, due, at=at) for application, what, pk, due in owed if due <= soon)


@transaction.atomic
def _warn(application: Application, what: str, pk: int, due: date, *, at: datetime) -> bool:
    left = days_left(due, local_day(at, application.departement.timezone))
    reached = [days for days in settings.APPEAL_ALERT_DAYS if 0 <= left <= days]
    if not reached:
        return False
    said = {what: pk, "days": min(reached), "due": due.isoformat()}
    current = lock(application)
    if Event.objects.about(Subject.APPLICATION, current.pk).filter(action="warn_answer", data=said).exists():
        return False
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        action="warn_answer",
        actor=None,
        at=at,
        from_state=current.state,
        to_state=current.state,
        data=said,
    )
    return True
