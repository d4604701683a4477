"""Reminders of drafts: one left aside, and one whose wave is about to close. Nothing is said twice of the same thing."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from labelling.choices import ApplicationState
from labelling.models import Application, Wave
from labelling.rules.clock import local_day
from labelling.services.applications import wave_open_on
from territories.choices import Subject
from territories.models import Event
from territories.services.events import lock, record_event


def remind_of_drafts(*, at: datetime) -> int:
    """Write a reminder for each draft that nobody wrote in for ``DRAFT_REMINDER_DAYS``; return their number.

    A draft is reminded of once after each last writing: a person who does not answer is left in peace.
    """
    before = at - timedelta(days=settings.DRAFT_REMINDER_DAYS)
    left = _drafts().annotate(written_at=Coalesce("saved_at", "created_at")).filter(written_at__lt=before)
    return sum(_remind(draft, "remind_draft", since=draft.written_at, at=at) for draft in left)


def remind_of_closing_waves(*, at: datetime) -> int:
    """Write a reminder for each draft whose wave closes within ``WAVE_REMINDER_DAYS``; return their number."""
    told = 0
    for draft in _drafts().select_related("departement"):
        wave = closing_wave(draft, at=at)
        if wave is not None:
            told += _remind(draft, "remind_wave", since=None, at=at, wave=wave.number)
    return told


def closing_wave(draft: Application, *, at: datetime) -> Wave | None:
    """Return the wave in which a draft would be received today, when it is about to close."""
    today = local_day(at, draft.departement.timezone)
    wave = wave_open_on(today)
    if wave is None or wave.period.upper is None:
        return None
    return wave if (wave.period.upper - today).days <= settings.WAVE_REMINDER_DAYS else None


@transaction.atomic
def _remind(draft: Application, action: str, *, since: datetime | None, at: datetime, **data: int) -> bool:
    current = lock(draft)
    if current.state != ApplicationState.DRAFT:
        return False
    said = Event.objects.about(Subject.APPLICATION, current.pk).filter(action=action, data=data)
    if said.filter(at__gt=since).exists() if since else said.exists():
        return False
    record_event(subject_type=Subject.APPLICATION, subject_id=current.pk, action=action, actor=None, at=at, data=data)
    return True


def _drafts() -> QuerySet[Application]:
    return Application.objects.filter(state=ApplicationState.DRAFT).order_by("pk")
