"""Background work of money."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from funding.notifications import CONSUMER, messages_of
from territories.choices import Subject
from territories.models import Event
from territories.services.events import drain


@shared_task
def deliver_mail(**_: Any) -> None:
    """Send the mails that events about grants call for, at least once each."""
    drain(CONSUMER, subject_types=[Subject.GRANT], handle=send, at=timezone.now())


def send(event: Event) -> None:
    """Send the mails of one event."""
    for message in messages_of(event):
        message.send()
