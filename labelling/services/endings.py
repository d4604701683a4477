"""The end of a label before its term: heard, reasoned, signed by those who granted it, and effective once notified.

An abrogation is for the future; a withdrawal is from the start, and gives the place back to its wave. Rows are locked in
one order: quota, decision, label (DESIGN §4.9).
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Min, QuerySet

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import EndingAct, MembershipRole
from labelling.models import AdversarialProcedure, Ending, EndingGround, Label, Membership
from labelling.rules.clock import add_months, local_day
from labelling.services.acts import notify_by_letter, owners
from labelling.services.ending_drafts import KIND_OF_ACT, draft_ending
from labelling.services.interests import refuse_who_stands_aside
from labelling.services.quotas import give_back, lock_quota
from labelling.services.reviews import require_reviewer
from labelling.services.summaries import label_summaries
from territories.choices import DecisionKind, NotificationChannel, Subject
from territories.models import Decision, Mandate, Notification
from territories.services.decisions import effect, propose_decision
from territories.services.events import Actor, lock, record_event, write
from territories.services.notifications import make_available, mark_read

# The grounds ----------------------------------------------------------------------------------------------------------


def limit_of(label: Label, ground: EndingGround) -> date | None:
    """Return the last day on which an act on this ground may be signed, nothing when it has none."""
    if ground.months is None:
        return None
    granted_on = local_day(label.decision.signed_at, label.departement.timezone)  # type: ignore[arg-type]
    return add_months(granted_on, ground.months)


def grounds_for(label: Label, *, on: date) -> QuerySet[EndingGround]:
    """Return the grounds on which a label may end on a day: in force, and within their time limit."""
    grounds = EndingGround.objects.applicable(on)
    passed = [row.pk for row in grounds if (limit := limit_of(label, row)) is not None and on > limit]
    return grounds.exclude(pk__in=passed)


# The act --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def propose_ending_after_procedure(
    *,
    procedure: AdversarialProcedure,
    mandate: Mandate,
    facts: str,
    reply: str,
    effect_date: date | None,
    version: int,
    at: datetime,
) -> Ending:
    """Offer to signature the act that a procedure led to, once the structure was heard or its delay has passed.

    Raises:
        RefusedError: as :func:`propose_ending_on_request`, or the structure was not heard yet, or its observations have
            no reply.
        StaleError: the procedure changed since ``version``: observations may have come.
    """
    label = label_of_open(procedure, mandate, version=version, at=at)
    today = today_of(label, at)
    if procedure.answered_at is None and today <= procedure.deadline:
        raise RefusedError(
            f"La structure a jusqu’au {long_date(procedure.deadline)} pour répondre. L’acte pourra être présenté dès sa "
            "réponse, ou après cette date."
        )
    if procedure.hearing_asked and procedure.heard_date is None:
        raise RefusedError("La structure a demandé à être entendue : enregistrez d’abord le jour de son audition.")
    if procedure.answered_at is not None and not reply.strip():
        raise RefusedError("Répondez aux observations de la structure : l’acte imprimera cette réponse.")
    may_end(label, procedure.ground, mandate, version=label.version, at=at)
    return _propose(
        label,
        procedure.ground,
        mandate,
        facts=facts,
        reply=reply,
        effect_date=effect_date,
        procedure=procedure,
        at=at,
    )


@transaction.atomic
def propose_ending_on_request(
    *,
    label: Label,
    ground: EndingGround,
    mandate: Mandate,
    facts: str,
    effect_date: date | None,
    version: int,
    at: datetime,
) -> Ending:
    """Offer to signature the end of a label that its holder asked for: no adversarial step is due (CRPA, L. 121-1).

    Raises:
        RefusedError: the mandate may not, the ground asks that the structure be heard, the label has ended or is ending,
            the time limit of the ground has passed, no facts, or an impossible date of effect.
        StaleError: the label changed since ``version``.
    """
    current = may_end(label, ground, mandate, version=version, at=at)
    if ground.adversarial:
        raise RefusedError(
            "Ce motif demande que la structure soit d’abord entendue : ouvrez la procédure contradictoire."
        )
    return _propose(current, ground, mandate, facts=facts, reply="", effect_date=effect_date, procedure=None, at=at)


def _propose(
    label: Label,
    ground: EndingGround,
    mandate: Mandate,
    *,
    facts: str,
    reply: str,
    effect_date: date | None,
    procedure: AdversarialProcedure | None,
    at: datetime,
) -> Ending:
    if not facts.strip():
        raise RefusedError("Écrivez les faits : l’acte les imprimera.")
    effect_date = effect_day(label, ground, effect_date, today_of(label, at))
    content = draft_ending(label, ground, facts=facts, reply=reply, effect_date=effect_date, procedure=procedure)
    act = EndingAct(ground.act)
    decision = propose_decision(
        kind=KIND_OF_ACT[act],
        subject_type=Subject.LABEL,
        subject_id=label.pk,
        departement=label.departement,
        title=f"{act.label.capitalize()} du label {label.number} : {label.structure.name}",
        content=content,
        mandate=mandate,
        at=at,
    )
    ending = Ending.objects.create(
        label=label,
        ground=ground,
        procedure=procedure,
        decision=decision,
        effect_date=effect_date,
        limit_date=limit_of(label, ground),
    )
    trace(label, "propose_ending", actor=mandate, at=at, decision=decision.pk, ground=ground.code)
    return ending


# The notification, and the effect ---------------------------------------------------------------------------------


@transaction.atomic
def read_ending(*, ending: Ending, membership: Membership, at: datetime) -> Notification:
    """Record that an owner reads the act: this is its notification, and it takes effect.

    Raises:
        RefusedError: the reader is not an owner of the structure, or no act was put at their disposal.
    """
    label = ending.label
    if membership.structure_id != label.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError(
            "L’acte est notifié au responsable de la structure : dès qu’il l’aura lu, vous le lirez aussi."
        )
    if ending.signed_date is None or not label.application.notification_consent:
        raise RefusedError("Aucun acte n’est à lire ici pour ce label.")
    lock_quota(label.application)
    notification = make_available(
        decision=ending.decision,
        recipient=membership.user,
        channel=NotificationChannel.PORTAL,
        at=at,
        actor=membership,
    )
    notification = mark_read(notification=notification, at=at, actor=membership)
    _apply(ending, at=at)
    return notification


@transaction.atomic
def record_ending_letter(*, ending: Ending, mandate: Mandate, received_on: date, at: datetime) -> Ending:
    """Record the day on which the registered letter with the act was received: its notification.

    Raises:
        RefusedError: the mandate may not, the act is not signed or already took effect, or a day before the act or still
            to come.
    """
    label = ending.label
    require_reviewer(label.application, mandate, at=at)
    if ending.decision.signed_at is None or ending.applied_at is not None:
        raise RefusedError("Aucun acte signé n’est à notifier pour ce label.")
    lock_quota(label.application)
    notify_by_letter(ending.decision, mandate, zone=label.departement.timezone, received_on=received_on, at=at)
    _apply(ending, at=at)
    ending.refresh_from_db()
    return ending


def apply_notified_endings(*, at: datetime) -> int:
    """Give their effect to the acts that were notified otherwise than by a reading, and return their number."""
    notified = Notification.objects.filter(notified_at__isnull=False)
    waiting = Ending.objects.filter(
        applied_at__isnull=True, signed_date__isnull=False, decision__in=notified.values("decision")
    )
    count = 0
    for ending in waiting.select_related("label__application", "label__departement").order_by("pk"):
        with transaction.atomic():
            lock_quota(ending.label.application)
            count += _apply(ending, at=at)
    return count


def _apply(ending: Ending, *, at: datetime) -> int:
    """Give its effect to a notified act, once. The caller holds the lock of the quota."""
    label = lock(ending.label)
    ending = lock(ending)
    if ending.applied_at is not None:
        return 0
    told = Notification.objects.filter(decision=ending.decision_id).aggregate(first=Min("notified_at"))["first"]
    was_valid = label.valid
    changed: dict[str, Any]
    if ending.decision.kind == DecisionKind.LABEL_WITHDRAWN:
        action, changed = "withdraw", {"withdrawn_at": told}
        give_back(label.application)
    else:
        # The act says so: at the earliest, the day after its notification.
        after = local_day(told, label.departement.timezone) + timedelta(days=1)
        first_without = min(was_valid.upper, max(ending.effect_date or after, after))
        action, changed = "abrogate", {"valid": DateRange(was_valid.lower, first_without)}
    Ending.objects.filter(pk=ending.pk).update(applied_at=at, was_valid=was_valid)
    write(label, version=label.version, **changed)
    until = label.valid.upper.isoformat()
    trace(label, action, actor=None, at=at, decision=ending.decision_id, until=until)
    return 1


def _signed(decision: Decision, at: datetime) -> None:
    ending = Ending.objects.select_related("label__application", "label__departement").get(decision=decision)
    label = lock(ending.label)
    day = today_of(label, decision.signed_at or at)
    if ending.limit_date is not None and day > ending.limit_date:
        raise RefusedError(
            f"Le délai de ce motif est passé depuis le {long_date(ending.limit_date)} : l’acte ne peut plus être signé. "
            "Rien n’a été enregistré."
        )
    Ending.objects.filter(pk=ending.pk).update(signed_date=day)
    for procedure in AdversarialProcedure.objects.filter(label=label, closed_at__isnull=True):
        write(procedure, version=procedure.version, closed_at=at)
    trace(label, "sign_ending", actor=None, at=at, decision=decision.pk)
    if ending.label.application.notification_consent:
        for user in owners(ending.label.application):
            make_available(decision=decision, recipient=user, channel=NotificationChannel.PORTAL, at=at)


def _declined(decision: Decision, at: datetime) -> None:
    ending = Ending.objects.select_related("label").get(decision=decision)
    label = lock(ending.label)
    Ending.objects.filter(pk=ending.pk).update(dropped_at=at)
    trace(label, "drop_ending", actor=None, at=at, decision=decision.pk)


def register_effects() -> None:
    """Tell the joint decision what the end of a label does; called once, when the portal starts."""
    for kind in KIND_OF_ACT.values():
        effect(kind, signed=_signed, declined=_declined, bars=refuse_who_stands_aside, summary=label_summaries)


# Shared ---------------------------------------------------------------------------------------------------------------


def may_end(label: Label, ground: EndingGround, mandate: Mandate, *, version: int, at: datetime) -> Label:
    """Return the label, locked, if this ground may end it today.

    Raises:
        RefusedError: the mandate may not, the label is not notified, has ended or is ending, or the ground does not hold.
        StaleError: the label changed since ``version``.
    """
    require_reviewer(label.application, mandate, at=at)
    current = lock(label)
    if current.version != version:
        raise StaleError
    today = today_of(current, at)
    if current.notified_at is None:
        raise RefusedError("Ce label n’est pas encore notifié : il n’a pas d’effet à terminer.")
    if current.withdrawn_at is not None or (current.valid.upper is not None and today >= current.valid.upper):
        raise RefusedError("Ce label a déjà pris fin.")
    if is_ending(current):
        raise RefusedError("Une fin de ce label est déjà à la signature, ou attend d’être notifiée.")
    if today not in ground.valid:
        raise RefusedError("Ce motif n’est plus applicable.")
    limit = limit_of(current, ground)
    if limit is not None and today > limit:
        raise RefusedError(
            f"Ce motif ne vaut que jusqu’au {long_date(limit)}, {ground.months} mois après l’octroi. Rien n’a été enregistré."
        )
    return current


def effect_day(label: Label, ground: EndingGround, effect_date: date | None, today: date) -> date | None:
    """Return the first day without label that an act may set, nothing for a withdrawal.

    Raises:
        RefusedError: an abrogation without a day, or with one that is past, today, or after the end of the label.
    """
    if ground.act == EndingAct.WITHDRAW:
        return None
    if effect_date is None:
        raise RefusedError("Indiquez le premier jour sans label.")
    if effect_date <= today:
        raise RefusedError("Une abrogation ne vaut que pour l’avenir : choisissez un jour à venir.")
    if label.valid.upper is not None and effect_date >= label.valid.upper:
        raise RefusedError("À cette date, le label sera déjà terminé.")
    return effect_date


def label_of_open(procedure: AdversarialProcedure, mandate: Mandate, *, version: int, at: datetime) -> Label:
    """Return the label, locked, of a procedure that is still open and as the person saw it.

    Raises:
        RefusedError: the mandate may not, or the procedure is closed.
        StaleError: the procedure changed since ``version``.
    """
    label = lock(procedure.label)
    require_reviewer(label.application, mandate, at=at)
    current = lock(procedure)
    if current.version != version:
        raise StaleError
    if current.closed_at is not None:
        raise RefusedError("Cette procédure est close.")
    procedure.refresh_from_db()
    return label


def is_ending(label: Label) -> bool:
    """Tell whether an act that ends a label is at the signature, or waits to be notified."""
    return Ending.objects.filter(label=label, dropped_at__isnull=True, applied_at__isnull=True).exists()


def ended(label: Label) -> Ending | None:
    """Return the ending in effect of a label, with its act; nothing once an appeal undid it."""
    endings = Ending.objects.filter(label=label, applied_at__isnull=False, undone_at__isnull=True)
    return endings.select_related("decision", "ground").defer("decision__pdf").order_by("pk").last()


def ending_of(label: Label) -> Ending | None:
    """Return the act that ends a label, proposed, signed or effective; the latest one."""
    endings = Ending.objects.filter(label=label, dropped_at__isnull=True).select_related(
        "decision", "ground", "label__application", "label__departement", "label__structure"
    )
    return endings.defer("decision__pdf").order_by("pk").last()


def today_of(label: Label, at: datetime) -> date:
    """Return the day of an instant where the label is."""
    return local_day(at, label.departement.timezone)


def trace(label: Label, action: str, *, actor: Actor | None, at: datetime, **data: Any) -> None:
    """Write one event on the chain of a label, whose row the caller has locked."""
    record_event(subject_type=Subject.LABEL, subject_id=label.pk, action=action, actor=actor, at=at, data=data)
