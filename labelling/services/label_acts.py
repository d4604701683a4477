"""Joint acts on a label (its end, its suspension, the lifting of one): presented, signed, notified, and then effective.

Each kind of act says what it does with :func:`takes_effect`. One act at a time is in progress on a label. Rows are locked
in one order: quota, decision, label (DESIGN §4.9).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Min

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole
from labelling.models import Ending, Label, Lifting, Membership, Suspension
from labelling.models.endings import LabelAct
from labelling.rules.clock import local_day
from labelling.services.acts import notify_by_letter, owners
from labelling.services.quotas import lock_quota
from labelling.services.reviews import require_reviewer
from territories.choices import DecisionKind, NotificationChannel, Subject
from territories.models import Decision, Mandate, Notification
from territories.services.decisions import propose_decision
from territories.services.events import Actor, lock, record_event
from territories.services.notifications import make_available, mark_read

Act = TypeVar("Act", bound=LabelAct)
Effect = Callable[[Any, Label, datetime, datetime], None]
"""What an act does once notified: the act and its label, both locked, when it was notified, and now."""

KINDS: tuple[type[LabelAct], ...] = (Ending, Suspension, Lifting)
_EFFECTS: dict[type[LabelAct], Effect] = {}


def takes_effect(kind: type[LabelAct], effect: Effect) -> None:
    """Declare what an act of a kind does once notified."""
    _EFFECTS[kind] = effect


# Before the signatures ------------------------------------------------------------------------------------------------


def pending_act(label: Label) -> LabelAct | None:
    """Return the act on a label that is at the signature, or that waits to be notified."""
    for kind in KINDS:
        act = kind._default_manager.filter(label=label, dropped_at__isnull=True, applied_at__isnull=True).first()
        if act is not None:
            return act
    return None


def alive_label(label: Label, mandate: Mandate, *, version: int, at: datetime) -> Label:
    """Return the label, locked, when an act on it may be prepared today.

    Raises:
        RefusedError: the mandate may not, the label is not notified or has ended, or an act is in progress.
        StaleError: the label changed since ``version``.
    """
    require_reviewer(label.application, mandate, at=at)
    current = lock(label)
    if current.version != version:
        raise StaleError
    today = today_of(current, at)
    if current.notified_at is None:
        raise RefusedError("Ce label n’est pas encore notifié : il n’a pas d’effet à terminer ni à suspendre.")
    if current.withdrawn_at is not None or (current.valid.upper is not None and today >= current.valid.upper):
        raise RefusedError("Ce label a déjà pris fin.")
    if pending_act(current) is not None:
        raise RefusedError("Un acte sur ce label est déjà à la signature, ou attend d’être notifié.")
    return current


def present(
    label: Label, kind: DecisionKind, *, title: str, content: Mapping[str, Any], mandate: Mandate, at: datetime
) -> Decision:
    """Offer an act on a label to signature; the caller holds the lock of the label."""
    return propose_decision(
        kind=kind,
        subject_type=Subject.LABEL,
        subject_id=label.pk,
        departement=label.departement,
        title=f"{title} du label {label.number} : {label.structure.name}",
        content=content,
        mandate=mandate,
        at=at,
    )


# Signed ---------------------------------------------------------------------------------------------------------------


def settle_signed(act: LabelAct, decision: Decision, *, action: str, at: datetime) -> None:
    """Date a signed act, and put it at the disposal of the owners; the caller holds the lock of the label."""
    day = today_of(act.label, decision.signed_at or at)
    type(act)._default_manager.filter(pk=act.pk).update(signed_date=day)
    trace(act.label, action, actor=None, at=at, decision=decision.pk)
    if act.label.application.notification_consent:
        for user in owners(act.label.application):
            make_available(decision=decision, recipient=user, channel=NotificationChannel.PORTAL, at=at)


def settle_declined(act: LabelAct, decision: Decision, *, action: str, at: datetime) -> None:
    """Drop an act that a signatory declined; the caller holds the lock of the label."""
    type(act)._default_manager.filter(pk=act.pk).update(dropped_at=at)
    trace(act.label, action, actor=None, at=at, decision=decision.pk)


# Notified -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def read_act(*, act: LabelAct, membership: Membership, at: datetime) -> Notification:
    """Record that an owner reads an act: this is its notification, and it takes effect.

    Raises:
        RefusedError: the reader is not an owner of the structure, or no act was put at their disposal.
    """
    label = act.label
    if membership.structure_id != label.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError(
            "L’acte est notifié au responsable de la structure : dès qu’il l’aura lu, vous le lirez aussi."
        )
    if act.signed_date is None or not label.application.notification_consent:
        raise RefusedError("Aucun acte n’est à lire ici pour ce label.")
    lock_quota(label.application)
    notification = make_available(
        decision=act.decision,
        recipient=membership.user,
        channel=NotificationChannel.PORTAL,
        at=at,
        actor=membership,
    )
    notification = mark_read(notification=notification, at=at, actor=membership)
    _apply(act, at=at)
    return notification


@transaction.atomic
def record_act_letter(*, act: LabelAct, mandate: Mandate, received_on: date, at: datetime) -> LabelAct:
    """Record the day on which the registered letter with an act was received: its notification.

    Raises:
        RefusedError: the mandate may not, the act is not signed or already took effect, or a day before the act or still
            to come.
    """
    label = act.label
    require_reviewer(label.application, mandate, at=at)
    if act.decision.signed_at is None or act.applied_at is not None:
        raise RefusedError("Aucun acte signé n’est à notifier pour ce label.")
    lock_quota(label.application)
    notify_by_letter(act.decision, mandate, zone=label.departement.timezone, received_on=received_on, at=at)
    _apply(act, at=at)
    act.refresh_from_db()
    return act


def apply_notified_acts(*, at: datetime) -> int:
    """Give their effect to the acts that were notified otherwise than by a reading, and return their number."""
    notified = Notification.objects.filter(notified_at__isnull=False)
    count = 0
    for kind in KINDS:
        waiting = kind._default_manager.filter(
            applied_at__isnull=True, signed_date__isnull=False, decision__in=notified.values("decision")
        )
        for act in waiting.select_related("label__application", "label__departement").order_by("pk"):
            with transaction.atomic():
                lock_quota(act.label.application)
                count += _apply(act, at=at)
    return count


def _apply(act: LabelAct, *, at: datetime) -> int:
    """Give its effect to a notified act, once. The caller holds the lock of the quota."""
    label = lock(act.label)
    current = lock(act)
    if current.applied_at is not None:
        return 0
    told = Notification.objects.filter(decision=current.decision_id).aggregate(first=Min("notified_at"))["first"]
    _EFFECTS[type(act)](current, label, told, at)
    return 1


# Shared ---------------------------------------------------------------------------------------------------------------


def latest_act(kind: type[Act], label: Label, *, decision: int | None = None) -> Act | None:
    """Return the act of a kind on a label, proposed, signed or effective: the latest one, or that of a decision."""
    ground = "suspension__ground" if kind is Lifting else "ground"
    acts = kind._default_manager.filter(label=label, dropped_at__isnull=True).select_related(
        "decision", "label__application", "label__departement", "label__structure", ground
    )
    if decision is not None:
        acts = acts.filter(decision=decision)
    return acts.defer("decision__pdf").order_by("pk").last()


def future_day(day: date | None, label: Label, today: date, *, missing: str, past: str) -> date:
    """Return the day on which an act begins to bear effect; ``missing`` and ``past`` say what is wrong with another.

    Raises:
        RefusedError: no day, one that is past or today, or one after the end of the label.
    """
    if day is None:
        raise RefusedError(missing)
    if day <= today:
        raise RefusedError(past)
    if day <= label.valid.lower:
        raise RefusedError(f"Ce label commence le {long_date(label.valid.lower)} : choisissez un jour après celui-là.")
    if label.valid.upper is not None and day >= label.valid.upper:
        raise RefusedError(
            f"À cette date, le label sera déjà terminé : il s’arrête avant le {long_date(label.valid.upper)}."
        )
    return day


def today_of(label: Label, at: datetime) -> date:
    """Return the day of an instant where the label is."""
    return local_day(at, label.departement.timezone)


def trace(label: Label, action: str, *, actor: Actor | None, at: datetime, **data: Any) -> None:
    """Write one event on the chain of a label, whose row the caller has locked."""
    record_event(subject_type=Subject.LABEL, subject_id=label.pk, action=action, actor=actor, at=at, data=data)
