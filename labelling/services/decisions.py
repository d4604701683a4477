"""The decision on a file: its way to the signatories, and what the last signature does.

Rows are locked in one order: quota, application, decision, label (DESIGN §4.9).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import F

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import Verdict
from labelling.models import Application, Label, Quota
from labelling.rules.clock import local_day
from labelling.services.acts import offer_decision
from labelling.services.drafting import draft_content
from labelling.services.labels import create_label
from labelling.services.quotas import enter_waiting_list, lock_quota, release_place, why_full
from labelling.services.reviews import SHORT_NAMES, Line, other_capacity, require_reviewer, sheet
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity, DecisionKind, Subject
from territories.models import Decision, Mandate
from territories.services.decisions import effect, propose_decision
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
    capacity = require_reviewer(application, mandate, at=at)
    quota = lock_quota(application)
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, "propose", state=current.state, hat=mandate.hat, row=current)
    if capacity != current.lead:
        raise RefusedError("Le projet de décision est présenté par l’autorité chef de file.")
    lines = sheet(current)
    _require_sense(kind, lines, current)
    if kind == DecisionKind.LABEL_GRANTED:
        _require_no_label(current, at=at)
        if quota and (sentence := why_full(quota, current)):
            enter_waiting_list(application, mandate, version=version, at=at)
            return Proposal(None, sentence or "")
    decision = propose_decision(
        kind=kind,
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        departement=current.departement,
        title=f"{'Labellisation' if kind == DecisionKind.LABEL_GRANTED else 'Refus du label'} : {current.structure.name}",
        content=draft_content(current, kind, lines),
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
    )
    return Proposal(decision)


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


def _require_no_label(application: Application, *, at: datetime) -> None:
    day = local_day(at, application.departement.timezone)
    labels = Label.objects.filter(structure=application.structure_id, withdrawn_at__isnull=True)
    if standing := labels.filter(valid__overlap=DateRange(day, None)).first():
        raise RefusedError(
            f"Cette structure porte déjà le label {standing.number}. Deux labels ne peuvent pas être valides à la fois."
        )


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
    offer_decision(application, decision, at=at)


def _refused(decision: Decision, at: datetime) -> None:
    application = _subject(decision)
    release_place(application, used=0)
    _conclude(application, "refuse", decision, at=at)
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
    effect(DecisionKind.LABEL_GRANTED, signed=_granted, declined=_declined, locks=_lock_rows)
    effect(DecisionKind.LABEL_REFUSED, signed=_refused, declined=_declined, locks=_lock_rows)
