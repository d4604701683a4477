"""The answer to an appeal to the signatories: drafted by one authority, signed by those who took the contested act, read.

It is an act of the parapheur like the refusal that it confirms or undoes (DESIGN §4.3). Rows are locked in one order:
quota, application, decision, label (DESIGN §4.9).
"""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import AppealKind, AppealOutcome, MembershipRole
from labelling.models import Appeal, Application, Membership
from labelling.rules.clock import local_day
from labelling.services.acts import notify_by_letter, offer_decision
from labelling.services.appeal_drafts import KIND_OF_OUTCOME, draft_answer_content
from labelling.services.appeals import act, carry_out, enter, pending_appeal, why_not_accepted
from labelling.services.drafting import capital
from labelling.services.interests import refuse_who_stands_aside
from labelling.services.quotas import lock_quota
from labelling.services.restorations import restore
from labelling.services.reviews import require_reviewer
from labelling.services.summaries import appeal_summaries
from territories.choices import Capacity, DecisionState, NotificationChannel, Subject
from territories.models import Decision, Mandate, Notification, SignatureRefusal
from territories.services.decisions import effect, propose_decision, required_capacities
from territories.services.events import lock, write
from territories.services.notifications import make_available, mark_read

AFTER_DECLINE = "La réponse revient, avec votre motif, à l’autorité qui l’a rédigée : elle en présentera une autre."


def required_of(appeal: Appeal, *, at: datetime) -> list[str]:
    """Return the capacities that answer an appeal: those that took the contested act, the rule's when silence did."""
    if appeal.decision is not None:
        return list(appeal.decision.required)
    return required_capacities(KIND_OF_OUTCOME[AppealOutcome.REJECTED], at=at)


def is_at_signature(appeal: Appeal) -> bool:
    """Tell whether an answer to an appeal awaits signatures."""
    return appeal.answer_decision is not None and appeal.answer_decision.state == DecisionState.PROPOSED


def refusal_to_answer(appeal: Appeal) -> SignatureRefusal | None:
    """Return who did not sign the last answer presented, and why; nothing when nobody declined."""
    if appeal.answer_decision is None or appeal.answer_decision.state != DecisionState.DECLINED:
        return None
    return appeal.answer_decision.signature_refusals.select_related("mandate__authority", "mandate__user").first()


# To the signatories ---------------------------------------------------------------------------------------------------


@transaction.atomic
def draft_answer(
    *,
    application: Application,
    appeal: int,
    mandate: Mandate,
    outcome: AppealOutcome,
    answer: str,
    version: int,
    at: datetime,
) -> Appeal:
    """Write the reasoned draft of an answer; its authority presents it afterwards.

    Raises:
        RefusedError: the mandate may not, the court is asked, another authority decided alone, the answer is at the
            signature, no reason is given, or the appeal cannot be accepted today.
        StaleError: the file changed since ``version``, or the appeal is settled.
    """
    capacity = require_reviewer(application, mandate, at=at)
    row = pending_appeal(enter("answer_appeal", application, mandate, version=version), appeal)
    _check_answerable(row, capacity, at=at)
    if outcome not in KIND_OF_OUTCOME:
        raise RefusedError("Choisissez l’issue du recours : rejeté, ou accueilli. Rien n’a été enregistré.")
    if not answer.strip():
        raise RefusedError("Une réponse à un recours se motive : la structure la lira. Rien n’a été enregistré.")
    if outcome == AppealOutcome.ACCEPTED and (sentence := why_not_accepted(row)):
        raise RefusedError(sentence)
    Appeal.objects.filter(pk=row.pk).update(
        outcome=outcome, answer=answer.strip(), answered_by=mandate, answered_capacity=capacity, answered_at=at
    )
    act(application, "answer_appeal", mandate, version=version, at=at, appeal=row)
    row.refresh_from_db()
    return row


@transaction.atomic
def propose_answer(*, application: Application, appeal: int, mandate: Mandate, version: int, at: datetime) -> Decision:
    """Offer the drafted answer to the signature of those who took the contested act.

    Raises:
        RefusedError: the mandate may not, nothing is drafted, another authority drafted it, it is at the signature, or the
            appeal cannot be accepted today.
        StaleError: the file changed since ``version``, or the appeal is settled.
    """
    capacity = require_reviewer(application, mandate, at=at)
    row = pending_appeal(enter("propose_answer", application, mandate, version=version), appeal)
    _check_answerable(row, capacity, at=at)
    if not row.outcome:
        raise RefusedError("Aucune réponse n’est rédigée pour ce recours : il n’y a rien à présenter.")
    if row.answered_capacity != capacity:
        raise RefusedError(
            "Cette réponse est présentée par l’autorité qui l’a rédigée ; vous pouvez en rédiger une autre."
        )
    if row.outcome == AppealOutcome.ACCEPTED and (sentence := why_not_accepted(row)):
        raise RefusedError(sentence)
    required = required_of(row, at=at)
    kind = KIND_OF_OUTCOME[AppealOutcome(row.outcome)]
    decision = propose_decision(
        kind=kind,
        subject_type=Subject.APPEAL,
        subject_id=row.pk,
        departement=application.departement,
        title=f"{capital(kind.label)} : {application.structure.name}",
        content=draft_answer_content(row, required, on=local_day(at, application.departement.timezone)),
        mandate=mandate,
        at=at,
        required=required,
    )
    Appeal.objects.filter(pk=row.pk).update(answer_decision=decision)
    act(application, "propose_answer", mandate, version=version, at=at, appeal=row, decision=decision.pk)
    return decision


def _check_answerable(row: Appeal, capacity: Capacity, *, at: datetime) -> None:
    if row.kind != AppealKind.GRACIEUX:
        raise RefusedError("C’est au tribunal de répondre à un recours contentieux : enregistrez son jugement.")
    if capacity not in required_of(row, at=at):
        raise RefusedError("Cette décision a été prise par l’autre autorité seule : c’est à elle de répondre.")
    if is_at_signature(row):
        raise RefusedError(
            "Une réponse est à la signature. Pour la corriger, un signataire ne la signe pas et dit pourquoi : elle revient "
            "alors à l’autorité qui l’a rédigée."
        )


def _lock_rows(decision: Decision) -> None:
    lock(_appeal_of(decision).application)


def _appeal_of(decision: Decision) -> Appeal:
    rows = Appeal.objects.select_related(
        "application__departement",
        "application__structure",
        "decision",
        "ending__label__application",
        "ending__decision",
        "ending__ground",
        "suspension__label__application",
        "suspension__decision",
    )
    return rows.defer("decision__pdf", "ending__decision__pdf", "suspension__decision__pdf").get(pk=decision.subject_id)


def _signed(decision: Decision, at: datetime) -> None:
    lock(Appeal(pk=decision.subject_id))
    row = _appeal_of(decision)
    application = row.application
    accepted = row.outcome == AppealOutcome.ACCEPTED
    if accepted and (sentence := why_not_accepted(row)):
        raise RefusedError(sentence)
    Appeal.objects.filter(pk=row.pk).update(settled_at=at)
    row.settled_at = at
    name = "accept_appeal" if accepted else "reject_appeal"
    act(application, name, None, version=None, at=at, appeal=row, decision=decision.pk)
    if accepted:
        carry_out(application, row, at=at)
    offer_decision(application, decision, at=at)


def _declined(decision: Decision, at: datetime) -> None:
    row = _appeal_of(decision)
    act(row.application, "return_answer", None, version=None, at=at, appeal=row, decision=decision.pk)


def register_effects() -> None:
    """Tell the joint decision what the answer to an appeal does; called once, when the portal starts."""
    for kind in KIND_OF_OUTCOME.values():
        effect(
            kind,
            signed=_signed,
            declined=_declined,
            locks=_lock_rows,
            bars=refuse_who_stands_aside,
            summary=appeal_summaries,
            after_decline=AFTER_DECLINE,
        )


# To the structure -----------------------------------------------------------------------------------------------------


def unread_answers(application: Application) -> list[Appeal]:
    """Return the appeals whose signed answer waits to be read in the portal."""
    if not application.notification_consent:
        return []
    told = Notification.objects.filter(decision=OuterRef("answer_decision"), notified_at__isnull=False)
    signed = Appeal.objects.filter(application=application, answer_decision__state=DecisionState.SIGNED)
    return list(signed.filter(~Exists(told)).order_by("pk"))


@transaction.atomic
def read_answer(*, appeal: Appeal, membership: Membership, at: datetime) -> Notification:
    """Record that an owner reads the answer: this is its notification, and an act on a label may be undone.

    Raises:
        RefusedError: the reader is not an owner of the structure, or no answer was put at their disposal.
    """
    application = appeal.application
    if membership.structure_id != application.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError(
            "La réponse est notifiée au responsable de la structure : dès qu’il l’aura lue, vous pourrez la lire aussi."
        )
    decision = appeal.answer_decision
    if decision is None or appeal.settled_at is None or not application.notification_consent:
        raise RefusedError("Aucune réponse n’est à lire ici pour ce recours.")
    lock_quota(application)
    notification = make_available(
        decision=decision, recipient=membership.user, channel=NotificationChannel.PORTAL, at=at, actor=membership
    )
    notification = mark_read(notification=notification, at=at, actor=membership)
    _restore(appeal, at=at)
    return notification


@transaction.atomic
def record_answer_letter(
    *, application: Application, appeal: int, mandate: Mandate, received_date: date, version: int, at: datetime
) -> Appeal:
    """Record the day on which the registered letter with the answer was received: its notification.

    Raises:
        RefusedError: the mandate may not, no signed answer, or a day before the act or still to come.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    lock_quota(application)
    if lock(application).version != version:
        raise StaleError
    row = Appeal.objects.select_related("answer_decision").filter(pk=appeal, application=application).first()
    if row is None or row.answer_decision is None:
        raise RefusedError("Aucune réponse signée n’est à notifier pour ce recours.")
    zone = application.departement.timezone
    notify_by_letter(row.answer_decision, mandate, zone=zone, received_on=received_date, at=at)
    write(application, version=version)
    _restore(row, at=at)
    return row


def _restore(appeal: Appeal, *, at: datetime) -> None:
    if appeal.label_act is not None and appeal.outcome == AppealOutcome.ACCEPTED:
        restore(appeal.label_act, at=at)
