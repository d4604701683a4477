"""Periodic work of the application."""

from celery import shared_task
from django.utils import timezone

from indicators.services.editions import compute_due


@shared_task
def compute_current(**_kwargs: object) -> None:
    """Recompute the editions that are still drafts: the running quarter, and the last one until it is checked."""
    compute_due(at=timezone.now())
