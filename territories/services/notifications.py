"""Bringing a decision to its addressee: delays of remedies run, and publication is allowed, from there.

Each step is an event on the decision. The higher applications publish what these services return.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from francesante.lib.workflow import RefusedError
from territories.choices import DecisionState, NotificationChannel, Subject
from territories.models import Decision, Notification, User
from territories.services.events import Actor, lock, record_event


@transaction.atomic
def make_available(
    *,
    decision: Decision,
    recipient: User | None,
    channel: NotificationChannel,
    at: datetime,
    actor: Actor | None = None,
) -> Notification:
    """Put a signed decision within the reach of its addressee, or record that its letter left; doing so twice is once.

    Raises:
        RefusedError: the decision is not signed by everyone.
    """
    decision = lock(decision)
    if decision.state != DecisionState.SIGNED:
        raise RefusedError("Cette décision n’est pas encore signée par toutes les autorités : elle ne se notifie pas.")
    notification, made = Notification.objects.get_or_create(
        decision=decision, recipient=recipient, defaults={"channel": channel, "sent_at": at}
    )
    if made:
        record_event(
            subject_type=Subject.DECISION,
            subject_id=decision.pk,
            action="make_available",
            actor=actor,
            at=at,
            from_state=decision.state,
            to_state=decision.state,
            data={"notification": notification.pk, "channel": str(channel)},
        )
    return notification


def presumed_at(sent_at: datetime) -> datetime:
    """Return when what was put within reach in the portal is held to be notified, if nobody read it before.

    ``PORTAL_NOTIFICATION_DAYS`` days later (CRPA, R. 112-20), for people who accepted to be notified in the portal.
    """
    return sent_at + timedelta(days=settings.PORTAL_NOTIFICATION_DAYS)


def unread_since(at: datetime) -> datetime:
    """Return the instant before which what is still unread at ``at`` is presumed notified."""
    return at - timedelta(days=settings.PORTAL_NOTIFICATION_DAYS)


@transaction.atomic
def mark_read(*, notification: Notification, at: datetime, actor: Actor | None) -> Notification:
    """Record the notification: the first reading in the portal, or the date on the acknowledgement of a letter.

    ``at`` is when the person read it or received it. A later reading changes nothing.
    """
    decision = lock(notification.decision)
    notification = lock(notification)
    if notification.notified_at is None:
        _notify(notification, decision, action="notify", actor=actor, at=at, notified_at=at)
    return notification


def presume_notified(*, at: datetime) -> list[Notification]:
    """Count as notified the decisions that stayed unread in the portal for ``PORTAL_NOTIFICATION_DAYS`` days.

    The notification is then dated of the end of that delay. Each one is its own transaction; those that somebody
    reads at the same moment are left to their reader.
    """
    waiting = Notification.objects.filter(
        channel=NotificationChannel.PORTAL, notified_at__isnull=True, sent_at__lte=unread_since(at)
    ).select_related("decision")
    presumed = []
    for candidate in waiting.order_by("pk"):
        with transaction.atomic():
            decision = lock(candidate.decision)
            notification = lock(candidate)
            if notification.notified_at is None:
                _notify(
                    notification,
                    decision,
                    action="presume_notified",
                    actor=None,
                    at=at,
                    notified_at=presumed_at(notification.sent_at),
                )
                presumed.append(notification)
    return presumed


def _notify(
    notification: Notification,
    decision: Decision,
    *,
    action: str,
    actor: Actor | None,
    at: datetime,
    notified_at: datetime,
) -> None:
    notification.notified_at = notified_at
    notification.save(update_fields=["notified_at"])
    record_event(
        subject_type=Subject.DECISION,
        subject_id=decision.pk,
        action=action,
        actor=actor,
        at=at,
        from_state=decision.state,
        to_state=decision.state,
        data={"notification": notification.pk, "notified_at": notified_at.isoformat()},
    )
