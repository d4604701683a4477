"""The end of a label before its term: heard, reasoned, signed by those who granted it, and effective once notified.

An abrogation is for the future; a withdrawal is from the start, and gives the place back to its wave. Rows are locked in
one order: quota, decision, label (DESIGN §4.9).
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import QuerySet

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import EndingAct
from labelling.models import AdversarialProcedure, Ending, EndingGround, Label
from labelling.rules.clock import add_months, local_day
from labelling.services.ending_drafts import KIND_OF_ACT, draft_ending
from labelling.services.interests import refuse_who_stands_aside
from labelling.services.label_acts import (
    alive_label,
    future_day,
    present,
    settle_declined,
    settle_signed,
    takes_effect,
    today_of,
    trace,
)
from labelling.services.quotas import give_back
from labelling.services.reviews import require_reviewer
from labelling.services.summaries import label_summaries
from territories.choices import DecisionKind
from territories.models import Decision, Mandate
from territories.services.decisions import effect
from territories.services.events import lock, write

# The grounds ----------------------------------------------------------------------------------------------------------


def limit_of(label: Label, ground: EndingGround) -> date | None:
    """Return the last day on which an act on this ground may be signed, nothing when it has none."""
    if ground.months is None:
        return None
    granted_on = local_day(label.decision.signed_at, label.departement.timezone)  # type: ignore[arg-type]
    return add_months(granted_on, ground.months)


def grounds_for(label: Label, *, on: date) -> QuerySet[EndingGround]:
    """Return the grounds on which a label may end on a day: in force, and within their time limit."""
    grounds = EndingGround.objects.applicable(on).exclude(act=EndingAct.SUSPEND)
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
    label = label_once_heard(procedure, mandate, reply=reply, version=version, at=at)
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
    current = may_act(label, ground, mandate, version=version, at=at)
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
    act = EndingAct(ground.act)
    if act not in KIND_OF_ACT:
        raise RefusedError("Ce motif est celui d’une suspension : il ne met pas fin au label.")
    effect_date = effect_day(label, ground, effect_date, today_of(label, at))
    content = draft_ending(label, ground, facts=facts, reply=reply, effect_date=effect_date, procedure=procedure)
    title = act.label.capitalize()
    decision = present(label, KIND_OF_ACT[act], title=title, content=content, mandate=mandate, at=at)
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


# The effect ---------------------------------------------------------------------------------------------------------


def _take_effect(ending: Ending, label: Label, told: datetime, at: datetime) -> None:
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


def _signed(decision: Decision, at: datetime) -> None:
    ending = Ending.objects.select_related("label__application", "label__departement").get(decision=decision)
    label = lock(ending.label)
    day = today_of(label, decision.signed_at or at)
    if ending.limit_date is not None and day > ending.limit_date:
        raise RefusedError(
            f"Le délai de ce motif est passé depuis le {long_date(ending.limit_date)} : l’acte ne peut plus être signé. "
            "Rien n’a été enregistré."
        )
    for procedure in AdversarialProcedure.objects.filter(label=label, closed_at__isnull=True):
        write(procedure, version=procedure.version, closed_at=at)
    settle_signed(ending, decision, action="sign_ending", at=at)


def _declined(decision: Decision, at: datetime) -> None:
    ending = Ending.objects.select_related("label").get(decision=decision)
    lock(ending.label)
    settle_declined(ending, decision, action="drop_ending", at=at)


def register_effects() -> None:
    """Tell the joint decision what the end of a label does; called once, when the portal starts."""
    for kind in KIND_OF_ACT.values():
        effect(kind, signed=_signed, declined=_declined, bars=refuse_who_stands_aside, summary=label_summaries)
    takes_effect(Ending, _take_effect)


# Shared ---------------------------------------------------------------------------------------------------------------


def may_act(label: Label, ground: EndingGround, mandate: Mandate, *, version: int, at: datetime) -> Label:
    """Return the label, locked, if this ground may end or suspend it today.

    Raises:
        RefusedError: the mandate may not, the label is not notified, has ended or is under another act, or the ground does
            not hold.
        StaleError: the label changed since ``version``.
    """
    current = alive_label(label, mandate, version=version, at=at)
    today = today_of(current, at)
    if today not in ground.valid:
        raise RefusedError("Ce motif n’est plus applicable.")
    limit = limit_of(current, ground)
    if limit is not None and today > limit:
        raise RefusedError(
            f"Ce motif ne vaut que jusqu’au {long_date(limit)}, {ground.months} mois après l’octroi. Rien n’a été enregistré."
        )
    return current


def effect_day(label: Label, ground: EndingGround, effect_date: date | None, today: date) -> date | None:
    """Return the first day without label, or of suspension, that an act may set; nothing for a withdrawal.

    Raises:
        RefusedError: an abrogation or a suspension without a day, or with one that is past, today, or after the end of
            the label.
    """
    if ground.act == EndingAct.WITHDRAW:
        return None
    if ground.act == EndingAct.SUSPEND:
        missing, past = "Indiquez le premier jour suspendu.", "Une suspension ne vaut que pour l’avenir"
    else:
        missing, past = "Indiquez le premier jour sans label.", "Une abrogation ne vaut que pour l’avenir"
    return future_day(effect_date, label, today, missing=missing, past=f"{past} : choisissez un jour à venir.")


def label_once_heard(
    procedure: AdversarialProcedure, mandate: Mandate, *, reply: str, version: int, at: datetime
) -> Label:
    """Return the label, locked, of a procedure that may lead to its act now.

    Raises:
        RefusedError: the structure was not heard yet, its observations have no reply, or as :func:`may_act`.
        StaleError: the procedure changed since ``version``: observations may have come.
    """
    label = label_of_open(procedure, mandate, version=version, at=at)
    if procedure.answered_at is None and today_of(label, at) <= procedure.deadline:
        raise RefusedError(
            f"La structure a jusqu’au {long_date(procedure.deadline)} pour répondre. L’acte pourra être présenté dès sa "
            "réponse, ou après cette date."
        )
    if procedure.hearing_asked and procedure.heard_date is None:
        raise RefusedError("La structure a demandé à être entendue : enregistrez d’abord le jour de son audition.")
    if procedure.answered_at is not None and not reply.strip():
        raise RefusedError("Répondez aux observations de la structure : l’acte imprimera cette réponse.")
    return may_act(label, procedure.ground, mandate, version=label.version, at=at)


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
