"""The decision on a file: its way to the signatories, and what the last signature does.

Rows are locked in one order: quota, application, decision, label (DESIGN §4.9).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError, allows, check
from labelling.choices import Verdict
from labelling.models import Application, Quota
from labelling.rules.clock import local_day
from labelling.services.acts import offer_decision
from labelling.services.appeals import leave_without_object
from labelling.services.drafting import draft_content
from labelling.services.interests import refuse_who_stands_aside
from labelling.services.labels import create_label
from labelling.services.quotas import enter_waiting_list, lock_quota, release_place, why_full
from labelling.services.renewals import followed_label
from labelling.services.reviews import SHORT_NAMES, Line, other_capacity, require_complete, require_reviewer, sheet
from labelling.services.summaries import summaries
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity, DecisionKind, Subject
from territories.models import Decision, Mandate
from territories.services.decisions import effect, propose_decision, take_back_proposal, why_not_taken_back
from territories.services.events import lock, perform


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of presenting a label: a decision, or a place on the waiting list and the sentence that says so."""

    decision: Decision | None
    sentence: str = ""


def sense_of(lines: list[Line]) -> DecisionKind | None:
    """Return the sense that the agreed assessment leads to, or nothing while it is not whole."""
    verdicts = [line.agreed.verdict if line.agreed else None for line in lines]
    if any(verdict is None or verdict == Verdict.TO_CLARIFY for verdict in verdicts):
        return None
    return DecisionKind.LABEL_REFUSED if Verdict.NOT_MET in verdicts else DecisionKind.LABEL_GRANTED


def propose_label(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Proposal:
    """Offer a label to signature and reserve its place; when the ceiling is full, the file goes to the waiting list.

    Raises:
        RefusedError: not the lead, not endorsed, the authorities differ, a criterion is not met, or a label is in force.
        StaleError: the file changed since ``version``.
    """
    return _propose(DecisionKind.LABEL_GRANTED, application, mandate, version=version, at=at)


def propose_refusal(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Proposal:
    """Offer a reasoned refusal to signature.

    Raises:
        RefusedError: not the lead, not endorsed, the authorities differ, or every criterion is met (a full ceiling is
            never a ground).
        StaleError: the file changed since ``version``.
    """
    return _propose(DecisionKind.LABEL_REFUSED, application, mandate, version=version, at=at)


@transaction.atomic
def _propose(kind: DecisionKind, application: Application, mandate: Mandate, *, version: int, at: datetime) -> Proposal:
    require_reviewer(application, mandate, at=at)
    quota = lock_quota(application)
    current = lock(application)
    if current.version != version:
        raise StaleError
    lines = sheet(current)
    check_propose(kind, current, mandate, lines)
    if kind == DecisionKind.LABEL_GRANTED:
        followed_label(current.structure, on=local_day(at, current.departement.timezone))
        if quota and (sentence := why_full(quota, current)):
            enter_waiting_list(application, mandate, version=version, at=at)
            return Proposal(None, sentence or "")
    decision = propose_decision(
        kind=kind,
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        departement=current.departement,
        title=f"{'Labellisation' if kind == DecisionKind.LABEL_GRANTED else 'Refus du label'} : {current.structure.name}",
        content=draft_content(current, kind, lines, on=local_day(at, current.departement.timezone)),
        mandate=mandate,
        at=at,
    )
    reserves = quota if kind == DecisionKind.LABEL_GRANTED else None
    if reserves:
        Quota.objects.filter(pk=reserves.pk).update(reserved=F("reserved") + 1)
    perform(
        application,
        "propose",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"decision": decision.pk, "kind": str(kind), "quota": reserves.pk if reserves else None},
        decision=decision,
        waiting_since=None,
        place_free_at=None,
    )
    return Proposal(decision)


def check_propose(kind: DecisionKind, application: Application, mandate: Mandate, lines: list[Line]) -> None:
    """Ask if a reviewer may present this decision: the act does, under its locks; a selection does, beforehand.

    Raises:
        RefusedError: why not.
    """
    check(TRANSITIONS, "propose", state=application.state, hat=mandate.hat, row=application)
    if mandate.capacity != application.lead:
        raise RefusedError("Le projet de décision est présenté par l’autorité chef de file.")
    require_complete(application)
    _require_sense(kind, lines, application)


@transaction.atomic
def take_back(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Application:
    """Take a decision back from the signature while nobody signed it, to correct it; the place it reserved is free again.

    Raises:
        RefusedError: the mandate may not, another authority presented it, somebody signed, or a single authority refuses.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    lock_quota(application)
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, "take_back", state=current.state, hat=mandate.hat, row=current)
    decision = current.decision
    assert decision is not None  # noqa: S101  # said by the constraint of the state
    if len(decision.required) == 1:
        raise RefusedError(
            "Un refus exprès ne se reprend pas : le signataire ne le signe pas et dit pourquoi, le désaccord demeure."
        )
    take_back_proposal(decision=decision, mandate=mandate, at=at)
    release_place(current, used=0)
    perform(
        application,
        "take_back",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"decision": decision.pk},
        decision=None,
    )
    return application


def may_take_back(application: Application, mandate: Mandate) -> bool:
    """Tell whether :func:`take_back` would accept this reviewer: what the button asks."""
    decision = application.decision
    if decision is None or len(decision.required) == 1:
        return False
    allowed = allows(TRANSITIONS, "take_back", state=application.state, hat=mandate.hat, row=application)
    return allowed and not why_not_taken_back(decision, mandate)


def _require_sense(kind: DecisionKind, lines: list[Line], application: Application) -> None:
    if different := [line for line in lines if line.differs]:
        line = different[0]
        lead, other = SHORT_NAMES[Capacity(application.lead)], SHORT_NAMES[other_capacity(application)]
        raise RefusedError(
            typeset(
                f"Les deux autorités diffèrent sur le critère {line.criterion.position}, {line.criterion.title} "
                f"({lead} : {_verdict(line.lead)} ; {other} : {_verdict(line.other)}). Accordez-vous, puis présentez "
                "la décision."
            )
        )
    sense = sense_of(lines)
    if sense is None:
        raise RefusedError("Chaque critère doit être apprécié, et aucun rester à préciser, avant de décider.")
    if sense == kind:
        return
    if kind == DecisionKind.LABEL_GRANTED:
        raise RefusedError("Un critère au moins n’est pas rempli : le label ne peut pas être présenté à la signature.")
    raise RefusedError(
        "Un refus demande un motif : aucun critère n’est apprécié comme non rempli. Un plafond atteint n’est pas un motif."
    )


def _verdict(assessment: Any) -> str:
    return str(assessment.get_verdict_display())


def _subject(decision: Decision) -> Application:
    return Application.objects.get(pk=decision.subject_id)


def _lock_rows(decision: Decision) -> None:
    application = _subject(decision)
    lock_quota(application)
    lock(application)


def _granted(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    release_place(application, used=1)
    create_label(application=application, decision=decision, at=at)
    _conclude(application, "grant", decision, at=at)
    leave_without_object(application, at=at)
    offer_decision(application, decision, at=at)


def _refused(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    release_place(application, used=0)
    _conclude(application, "refuse", decision, at=at)
    leave_without_object(application, at=at)
    offer_decision(application, decision, at=at)


def _declined(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    release_place(application, used=0)
    _conclude(application, "disagree", None, at=at)


def _conclude(application: Application, action: str, decision: Decision | None, *, at: datetime) -> None:
    perform(
        application,
        action,
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=None,
        at=at,
        data={"decision": decision.pk if decision else None},
        decision=decision,
    )


def register_effects() -> None:
    """Tell the joint decision what a label granted or refused does to its file; called once, when the portal starts."""
    for kind, signed in ((DecisionKind.LABEL_GRANTED, _granted), (DecisionKind.LABEL_REFUSED, _refused)):
        effect(
            kind,
            signed=signed,
            declined=_declined,
            locks=_lock_rows,
            bars=refuse_who_stands_aside,
            summary=summaries,
        )
