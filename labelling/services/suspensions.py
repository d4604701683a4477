"""The suspension of a label: once a text founds it, signed by those who granted it, effective once notified, and lifted.

A suspended label keeps its place and its term, and is not in force: the public does not find it meanwhile.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import QuerySet

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError
from labelling.choices import EndingAct
from labelling.models import AdversarialProcedure, EndingGround, Label, Lifting, Suspension
from labelling.rules.clock import local_day
from labelling.services.endings import effect_day, label_once_heard, may_act
from labelling.services.interests import refuse_who_stands_aside
from labelling.services.label_acts import (
    Act,
    alive_label,
    present,
    settle_declined,
    settle_signed,
    takes_effect,
    today_of,
    trace,
)
from labelling.services.summaries import label_summaries
from labelling.services.suspension_drafts import draft_lifting, draft_suspension
from territories.choices import DecisionKind, Subject
from territories.models import Decision, Event, Mandate
from territories.services.decisions import effect
from territories.services.events import lock, write

NO_BASIS = (
    "Aucun texte ne fonde aujourd’hui la suspension d’un label : elle n’est pas possible. L’équipe nationale peut entrer ce "
    "texte, avec sa source et sa date, dès qu’il existe."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the act of a suspension says: its first and last days, when it is reviewed, and what the structure has to do."""

    facts: str
    expected: str
    effect_date: date | None
    review_date: date
    last_date: date | None = None
    reply: str = ""


def suspension_grounds(on: date) -> QuerySet[EndingGround]:
    """Return the grounds that found a suspension on a day; none as long as no text does."""
    return EndingGround.objects.applicable(on).filter(act=EndingAct.SUSPEND)


def suspension_of(label: Label, on: date) -> Suspension | None:
    """Return the suspension that a label is under on a day."""
    rows = label.suspensions.filter(period__contains=on)  # type: ignore[attr-defined]
    return rows.select_related("ground", "decision").defer("decision__pdf").first()


# Suspended ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def propose_suspension(
    *, label: Label, ground: EndingGround | None, terms: Terms, mandate: Mandate, version: int, at: datetime
) -> Suspension:
    """Offer to signature a suspension whose ground does not ask that the structure be heard first.

    Raises:
        RefusedError: no text founds a suspension, the mandate may not, the ground asks for the adversarial step, the label
            has ended, is suspended or is under another act, or the terms do not hold.
        StaleError: the label changed since ``version``.
    """
    if ground is None:
        raise RefusedError(NO_BASIS)
    current = may_act(label, ground, mandate, version=version, at=at)
    if ground.adversarial:
        raise RefusedError(
            "Ce motif demande que la structure soit d’abord entendue : ouvrez la procédure contradictoire."
        )
    return _propose(current, ground, terms, mandate, procedure=None, at=at)


@transaction.atomic
def propose_suspension_after_procedure(
    *, procedure: AdversarialProcedure, terms: Terms, mandate: Mandate, version: int, at: datetime
) -> Suspension:
    """Offer to signature the suspension that a procedure led to, once the structure was heard or its delay has passed.

    Raises:
        RefusedError: as :func:`propose_suspension`, the structure was not heard yet, or its observations have no reply.
        StaleError: the procedure changed since ``version``: observations may have come.
    """
    label = label_once_heard(procedure, mandate, reply=terms.reply, version=version, at=at)
    return _propose(label, procedure.ground, terms, mandate, procedure=procedure, at=at)


def _propose(
    label: Label,
    ground: EndingGround,
    terms: Terms,
    mandate: Mandate,
    *,
    procedure: AdversarialProcedure | None,
    at: datetime,
) -> Suspension:
    today = today_of(label, at)
    if ground.act != EndingAct.SUSPEND:
        raise RefusedError("Ce motif est celui d’une fin de label : il ne fonde pas une suspension.")
    if suspension_of(label, today) is not None:
        raise RefusedError("Ce label est déjà suspendu.")
    if not terms.facts.strip():
        raise RefusedError("Écrivez les faits : l’acte les imprimera.")
    if not terms.expected.strip():
        raise RefusedError("Dites ce que la structure doit faire pour que la suspension soit levée.")
    first = effect_day(label, ground, terms.effect_date, today)
    if first is None:
        raise RefusedError("Indiquez le premier jour suspendu.")
    if terms.last_date is not None and terms.last_date < first:
        raise RefusedError("Le dernier jour suspendu vient après le premier.")
    if terms.review_date <= first or (terms.last_date is not None and terms.review_date > terms.last_date):
        raise RefusedError("Le réexamen a lieu pendant la suspension : choisissez un jour après le premier.")
    said = {
        "expected": terms.expected.strip(),
        "effect_date": first,
        "last_date": terms.last_date,
        "review_date": terms.review_date,
    }
    content = draft_suspension(
        label,
        ground,
        facts=terms.facts,
        reply=terms.reply,
        expected=terms.expected,
        effect_date=first,
        last_date=terms.last_date,
        review_date=terms.review_date,
        procedure=procedure,
    )
    decision = present(label, DecisionKind.LABEL_SUSPENDED, title="Suspension", content=content, mandate=mandate, at=at)
    suspension = Suspension.objects.create(label=label, ground=ground, procedure=procedure, decision=decision, **said)
    trace(label, "propose_suspension", actor=mandate, at=at, decision=decision.pk, ground=ground.code)
    return suspension


def _take_effect(suspension: Suspension, label: Label, told: datetime, at: datetime) -> None:
    # The act says so: at the earliest, the day after its notification.
    after = local_day(told, label.departement.timezone) + timedelta(days=1)
    first = max(suspension.effect_date or after, after)
    until = suspension.last_date + timedelta(days=1) if suspension.last_date else None
    # Read after its last day, it suspends nothing.
    period = DateRange(empty=True) if until is not None and until <= first else DateRange(first, until)
    Suspension.objects.filter(pk=suspension.pk).update(applied_at=at, period=period)
    write(label, version=label.version)
    days = {"from": first.isoformat(), "until": until.isoformat() if until else None}
    trace(label, "suspend", actor=None, at=at, decision=suspension.decision_id, **days)


def _signed(decision: Decision, at: datetime) -> None:
    suspension = _of(Suspension, decision)
    lock(suspension.label)
    if suspension.procedure_id is not None:
        procedure = lock(AdversarialProcedure(pk=suspension.procedure_id))
        write(procedure, version=procedure.version, closed_at=at)
    settle_signed(suspension, decision, action="sign_suspension", at=at)


def _declined(decision: Decision, at: datetime) -> None:
    suspension = _of(Suspension, decision)
    lock(suspension.label)
    settle_declined(suspension, decision, action="drop_suspension", at=at)


# Lifted ---------------------------------------------------------------------------------------------------------------


@transaction.atomic
def propose_lifting(
    *, label: Label, facts: str, effect_date: date | None, mandate: Mandate, version: int, at: datetime
) -> Lifting:
    """Offer to signature the lifting of the suspension that a label is under; without a day, from its notification.

    Raises:
        RefusedError: the mandate may not, the label is not suspended, has ended or is under another act, no facts, or a
            day that is past or after the suspension.
        StaleError: the label changed since ``version``.
    """
    current = alive_label(label, mandate, version=version, at=at)
    today = today_of(current, at)
    suspension = suspension_to_lift(current, today)
    if suspension is None:
        raise RefusedError("Ce label n’est pas suspendu : il n’y a rien à lever.")
    if not facts.strip():
        raise RefusedError("Écrivez ce qui a été constaté : l’acte l’imprimera.")
    if effect_date is not None and effect_date < today:
        raise RefusedError("Une levée ne vaut pas pour le passé : choisissez aujourd’hui ou un jour à venir.")
    until = suspension.period.upper
    if effect_date is not None and until is not None and effect_date >= until:
        raise RefusedError(f"Ce jour-là, la suspension sera déjà terminée : elle s’arrête avant le {long_date(until)}.")
    content = draft_lifting(current, suspension, facts=facts, effect_date=effect_date)
    decision = present(
        current, DecisionKind.LABEL_REINSTATED, title="Levée de la suspension", content=content, mandate=mandate, at=at
    )
    lifting = Lifting.objects.create(label=current, suspension=suspension, decision=decision, effect_date=effect_date)
    trace(current, "propose_lifting", actor=mandate, at=at, decision=decision.pk)
    return lifting


def suspension_to_lift(label: Label, today: date) -> Suspension | None:
    """Return the suspension in progress, or notified and still to begin."""
    rows = label.suspensions.filter(period__overlap=DateRange(today, None))  # type: ignore[attr-defined]
    return rows.select_related("ground", "decision").defer("decision__pdf").order_by("period").first()


def _lift(lifting: Lifting, label: Label, told: datetime, at: datetime) -> None:
    suspension = lock(Suspension(pk=lifting.suspension_id))
    was = suspension.period
    told_on = local_day(told, label.departement.timezone)
    back = max(lifting.effect_date or told_on, told_on)
    Lifting.objects.filter(pk=lifting.pk).update(applied_at=at, was_period=was)
    # Notified after the last day, or before the first, it has nothing left to shorten, or leaves nothing.
    if not was.isempty and (was.upper is None or back < was.upper):
        period = DateRange(empty=True) if back <= was.lower else DateRange(was.lower, back)
        Suspension.objects.filter(pk=suspension.pk).update(period=period)
    write(label, version=label.version)
    trace(label, "lift", actor=None, at=at, decision=lifting.decision_id, back=back.isoformat())


def _lifting_signed(decision: Decision, at: datetime) -> None:
    lifting = _of(Lifting, decision)
    lock(lifting.label)
    settle_signed(lifting, decision, action="sign_lifting", at=at)


def _lifting_declined(decision: Decision, at: datetime) -> None:
    lifting = _of(Lifting, decision)
    lock(lifting.label)
    settle_declined(lifting, decision, action="drop_lifting", at=at)


# Days that come ---------------------------------------------------------------------------------------------------


def follow_suspensions(*, at: datetime) -> int:
    """Write what the days bring: a review that is due, a suspension that is over; return the number of events.

    A suspension ends by itself at its last day: the event tells, it does nothing else.
    """
    today = local_day(at, settings.TIME_ZONE)
    soon = today + timedelta(days=settings.SUSPENSION_REVIEW_DAYS)
    running = Suspension.objects.filter(period__contains=today, review_date__lte=soon)
    over = Suspension.objects.filter(period__endswith__lte=today, label__withdrawn_at__isnull=True).exclude(
        liftings__applied_at__isnull=False
    )
    written = 0
    for action, rows in (("remind_review", running), ("end_suspension", over)):
        for suspension in rows.select_related("label").order_by("pk"):
            written += _tell(suspension, action, at=at)
    return written


@transaction.atomic
def _tell(suspension: Suspension, action: str, *, at: datetime) -> bool:
    label = lock(suspension.label)
    data = {"suspension": suspension.pk}
    if Event.objects.about(Subject.LABEL, label.pk).filter(action=action, data=data).exists():
        return False
    trace(label, action, actor=None, at=at, **data)
    return True


# Shared ---------------------------------------------------------------------------------------------------------------


def _of(kind: type[Act], decision: Decision) -> Act:
    return kind._default_manager.select_related("label__application", "label__departement").get(decision=decision)


def register_effects() -> None:
    """Tell the joint decision what a suspension and its lifting do; called once, when the portal starts."""
    kinds = {
        DecisionKind.LABEL_SUSPENDED: (_signed, _declined),
        DecisionKind.LABEL_REINSTATED: (_lifting_signed, _lifting_declined),
    }
    for kind, (signed, declined) in kinds.items():
        effect(kind, signed=signed, declined=declined, bars=refuse_who_stands_aside, summary=label_summaries)
    takes_effect(Suspension, _take_effect)
    takes_effect(Lifting, _lift)
