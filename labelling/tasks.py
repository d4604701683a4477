"""Background work of labels: mails, promised accesses, acts in PDF, notifications that nobody read."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from labelling.notifications import CONSUMER, SUBJECTS, messages_of
from labelling.services.access import give_all_promised_access
from labelling.services.acts import render_missing_acts
from labelling.services.labels import publish_notified
from territories.models import Event
from territories.services.events import drain
from territories.services.notifications import presume_notified


@shared_task
def deliver_mail(**_: Any) -> None:
    """Give the accesses that accepted invitations promise, and send the mails that events call for."""
    now = timezone.now()
    give_all_promised_access(at=now)
    drain(CONSUMER, subject_types=SUBJECTS, handle=send, at=now)


def send(event: Event) -> None:
    """Send the mails of one event."""
    for message in messages_of(event):
        message.send()


@shared_task
def render_documents(**_: Any) -> None:
    """Render the acts that were signed and have no PDF yet."""
    render_missing_acts()


@shared_task
def presume_notifications(**_: Any) -> None:
    """Count as notified the decisions left unread for too long, and publish the labels that were notified."""
    now = timezone.now()
    presume_notified(at=now)
    publish_notified(at=now)
