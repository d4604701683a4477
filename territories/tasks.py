"""Periodic work of the application."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from territories.models import SignatureRun
from territories.services.events import seal_finished_days
from territories.services.selections import carry_out_selection, carry_out_unfinished, purge_selections


@shared_task
def seal_events() -> None:
    """Seal the events of yesterday, and of the days before it that no run sealed."""
    seal_finished_days(at=timezone.now())


@shared_task
def sign_selection(run: int, **_: Any) -> None:
    """Sign one selection, which the page handed over."""
    carry_out_selection(run=SignatureRun.objects.get(pk=run))


@shared_task
def sign_selections(**_: Any) -> None:
    """Take up the selections that were not handed over, or whose worker died."""
    carry_out_unfinished()


@shared_task
def forget_selections(**_: Any) -> None:
    """Forget the outcome of the selections signed more than 30 days ago."""
    purge_selections(at=timezone.now())
