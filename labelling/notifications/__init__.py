"""Mails about labels: from an event, who is told what. Some are sent by pages at once (``direct``).

Nothing tells a structure the sense of a decision before it reads it.
"""

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from labelling.notifications import (
    appeals,
    applications,
    claims,
    decisions,
    disagreements,
    labels,
    opinions,
    questions,
    retention,
    support,
)
from labelling.notifications.mails import Messages
from territories.choices import Subject
from territories.models import Event

CONSUMER = "labelling.mail"
SUBJECTS = (Subject.APPLICATION, Subject.DECISION, Subject.LABEL, Subject.CLAIM, Subject.SUPPORT, Subject.ACCOUNT)

_MESSAGES: Messages = {
    **appeals.MESSAGES,
    **applications.MESSAGES,
    **claims.MESSAGES,
    **decisions.MESSAGES,
    **disagreements.MESSAGES,
    **labels.MESSAGES,
    **opinions.MESSAGES,
    **questions.MESSAGES,
    **retention.MESSAGES,
    **support.MESSAGES,
}
"""Acts that somebody is told about; the others wait on pages."""


def messages_of(event: Event) -> list[EmailMessage]:
    """Return the mails that an event calls for, ready to be sent, possibly none."""
    found = _MESSAGES.get((str(event.subject_type), event.action))
    return found(event) if found and timezone.now() - event.at < settings.MAIL_MAX_AGE else []
