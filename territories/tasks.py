"""Periodic work of the application."""

from celery import shared_task
from django.utils import timezone

from territories.services.events import seal_finished_days


@shared_task
def seal_events() -> None:
    """Seal the events of yesterday, and of the days before it that no run sealed."""
    seal_finished_days(at=timezone.now())
