"""Appeals: lodged or recorded, judged by the court, and what they change.

An appeal within its delay prolongs the delay to go to court; two months of silence reject it. A late appeal is recorded
and said late: the portal never refuses one for that. What its answer does is here; its way to the signatories is in
``appeal_answers``.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import AppealKind, AppealOutcome, ApplicationState, Contested, MembershipRole
from labelling.models import Appeal, Application, Membership
from labelling.rules.badges import OPEN
from labelling.rules.clock import appeal_deadline, appeal_silence, has_passed, local_day, silence_date
from labelling.services.contested import Target, deadline_of, targets_of
from labelling.services.quotas import lock_quota
from labelling.services.reasons import set_reasons_aside
from labelling.services.restorations import restore, why_not_restorable
from labelling.services.reviews import require_kept, require_reviewer
from labelling.workflow import TRANSITIONS
from territories.choices import DecisionState, Subject
from territories.models import Decision, Mandate
from territories.services.decisions import withdraw_proposal
from territories.services.events import Actor, lock, perform


@dataclass(frozen=True, slots=True)
class AppealClock:
    """Where an appeal to the signatories stands in time.

    Attributes:
        silence: last day to answer it; the next day, silence rejects it.
        is_silent: whether that day has passed without an answer.
        court_until: last day to go to court after that silence; nothing when the appeal was late, since a late one
            prolongs nothing.
    """

    silence: date
    is_silent: bool
    court_until: date | None


def clock_of(appeal: Appeal, today: date) -> AppealClock | None:
    """Return the clock of an appeal to the signatories that is not settled, or nothing."""
    if appeal.kind != AppealKind.GRACIEUX or appeal.settled_at is not None:
        return None
    until = appeal_silence(appeal.received_date)
    return AppealClock(until, has_passed(until, today), None if appeal.is_late else appeal_deadline(until))


def appeals_of(application: Application) -> QuerySet[Appeal]:
    """Return the appeals of a file, the latest first, with what is needed to show them."""
    rows = Appeal.objects.filter(application=application).select_related(
        "decision",
        "ending__ground",
        "suspension__ground",
        "answer_decision",
        "membership__user",
        "mandate__authority",
        "answered_by__authority",
        "settled_by__authority",
    )
    rows = rows.defer("decision__content", "decision__pdf", "answer_decision__pdf")
    return rows.order_by("-recorded_at", "-pk")


def former_decisions(application: Application) -> QuerySet[Decision]:
    """Return the signed decisions of a file that an appeal undid, the latest first."""
    rows = Decision.objects.filter(
        subject_type=Subject.APPLICATION, subject_id=application.pk, state=DecisionState.SIGNED
    )
    if application.decision_id is not None:
        rows = rows.exclude(pk=application.decision_id)
    return rows.defer("content", "pdf").order_by("-signed_at", "-pk")


# Lodged, recorded -----------------------------------------------------------------------------------------------------


@transaction.atomic
def lodge_appeal(
    *,
    application: Application,
    membership: Membership,
    text: str,
    version: int,
    at: datetime,
    contested: int | None = None,
) -> Appeal:
    """Lodge an appeal to the signatories in the portal, for the structure. It is received at once.

    ``contested`` is the key of the decision it is against; nothing is enough where one thing only may be contested.

    Raises:
        RefusedError: not the owner, nothing to contest, an act to choose or not read yet, nothing said, or one is pending
            already.
        StaleError: the file changed since ``version``.
    """
    if membership.structure_id != application.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError("Un recours est formé par le responsable de la structure.")
    current = enter("lodge_appeal", application, membership, version=version)
    today = local_day(at, application.departement.timezone)
    target = _target(current, today, contested)
    if target.since is None:
        raise RefusedError("Lisez d’abord la décision : le délai de recours court de cette lecture.")
    return _record(
        application,
        membership,
        target,
        version=version,
        at=at,
        kind=AppealKind.GRACIEUX,
        received_date=today,
        text=text,
        membership=membership,
    )


@transaction.atomic
def record_appeal(
    *,
    application: Application,
    mandate: Mandate,
    kind: AppealKind,
    received_date: date,
    text: str,
    version: int,
    at: datetime,
    court: str = "",
    docket: str = "",
    contested: int | None = None,
) -> Appeal:
    """Record an appeal received by letter, or one of which the court gave notice; ``contested`` as for :func:`lodge_appeal`.

    Raises:
        RefusedError: the mandate may not, nothing to contest, an act to choose, a day out of bounds, a court or a number
            missing, nothing said, or one of this kind is pending already.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = enter("lodge_appeal", application, mandate, version=version)
    today = local_day(at, application.departement.timezone)
    target = _target(current, today, contested)
    if not target.born_on <= received_date <= today:
        raise RefusedError("Un recours est reçu entre la date de l’acte et aujourd’hui. Rien n’a été enregistré.")
    in_court = kind == AppealKind.CONTENTIEUX
    if in_court and not (court.strip() and docket.strip()):
        raise RefusedError("Un recours contentieux dit sa juridiction et le numéro de la requête.")
    return _record(
        application,
        mandate,
        target,
        version=version,
        at=at,
        kind=kind,
        received_date=received_date,
        text=text,
        mandate=mandate,
        court=court.strip() if in_court else "",
        docket=docket.strip() if in_court else "",
    )


def enter(action: str, application: Application, actor: Actor, *, version: int) -> Application:
    """Lock a file for an act of an appeal, and return it as it is.

    Raises:
        RefusedError: the rule book does not allow it.
        StaleError: the file changed since ``version``.
    """
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, action, state=current.state, hat=actor.hat, row=current)
    require_kept(current)
    return current


def _target(application: Application, today: date, contested: int | None) -> Target:
    targets = targets_of(application, on=today)
    if not targets:
        raise RefusedError(
            "Rien n’est à contester sur ce dossier à ce jour : ni refus, ni rejet implicite, ni fin ou suspension de label "
            "en vigueur."
        )
    if contested is None and len(targets) > 1:
        raise RefusedError("Plusieurs actes peuvent être contestés : choisissez celui que vise ce recours.")
    for target in targets:
        if contested is None or (target.decision is not None and target.decision.pk == contested):
            return target
    raise StaleError("L’acte choisi n’est plus à contester. Rien n’a été enregistré ; relisez la page.")


def _record(
    application: Application,
    actor: Actor,
    target: Target,
    *,
    version: int,
    at: datetime,
    kind: AppealKind,
    received_date: date,
    text: str,
    **fields: Any,
) -> Appeal:
    if not text.strip():
        raise RefusedError("Écrivez ce que dit le recours : les signataires le liront. Rien n’a été enregistré.")
    if target.appeals(application).filter(kind=kind, settled_at__isnull=True).exists():
        raise RefusedError("Un recours de cette nature est déjà en cours contre cette décision : il y sera répondu.")
    appeal = Appeal.objects.create(
        application=application,
        kind=kind,
        received_date=received_date,
        deadline=deadline_of(application, target, kind),
        text=text.strip(),
        recorded_at=at,
        **target.key,
        **fields,
    )
    against = str(target.against)
    act(application, "lodge_appeal", actor, version=version, at=at, appeal=appeal, late=appeal.is_late, against=against)
    return appeal


# Judged ---------------------------------------------------------------------------------------------------------------


@transaction.atomic
def record_judgment(
    *,
    application: Application,
    appeal: int,
    mandate: Mandate,
    outcome: AppealOutcome,
    answer: str,
    version: int,
    at: datetime,
) -> Appeal:
    """Record what the court judged: it takes effect at once, and nobody signs it.

    Raises:
        RefusedError: the mandate may not, the appeal is to the signatories, nothing is said, or the structure has another
            file that keeps this one from being reopened.
        StaleError: the file changed since ``version``, or the appeal is settled.
    """
    capacity = require_reviewer(application, mandate, at=at)
    lock_quota(application)
    current = enter("record_judgment", application, mandate, version=version)
    row = pending_appeal(current, appeal)
    if row.kind != AppealKind.CONTENTIEUX:
        raise RefusedError("Un recours gracieux se règle par un acte que les signataires signent, non par un jugement.")
    if not answer.strip():
        raise RefusedError("Écrivez ce que dit le jugement, avec sa date. Rien n’a été enregistré.")
    reopens = outcome == AppealOutcome.ACCEPTED and current.state == ApplicationState.REFUSED
    if reopens and (sentence := _other_file(current)):
        raise RefusedError(sentence)
    Appeal.objects.filter(pk=row.pk).update(
        outcome=outcome,
        answer=answer.strip(),
        answered_by=mandate,
        answered_capacity=capacity,
        answered_at=at,
        settled_by=mandate,
        settled_at=at,
    )
    row.refresh_from_db()
    act(application, "record_judgment", mandate, version=version, at=at, appeal=row, outcome=str(outcome))
    if outcome == AppealOutcome.ACCEPTED:
        carry_out(application, row, at=at)
    return row


def pending_appeal(application: Application, appeal: int) -> Appeal:
    """Return an appeal of a file that awaits its answer, locked.

    Raises:
        StaleError: it awaits none any more.
    """
    rows = Appeal.objects.select_for_update(of=("self",)).select_related("decision").defer("decision__pdf")
    row = rows.filter(pk=appeal, application=application, settled_at__isnull=True).first()
    if row is None:
        raise StaleError("Ce recours n’attend plus de réponse. Rien n’a été enregistré ; relisez la page.")
    return row


# What they change -----------------------------------------------------------------------------------------------------


def why_not_accepted(appeal: Appeal) -> str:
    """Return why an appeal cannot be accepted today, and what agents can do; or nothing."""
    if appeal.label_act is not None:
        return why_not_restorable(appeal.label_act)
    return _other_file(appeal.application) if appeal.decision_id is not None else ""


def carry_out(application: Application, appeal: Appeal, *, at: datetime) -> None:
    """Do what an accepted appeal changes, if what it contested still stands. The caller holds the file's lock.

    A refusal is undone, and so is an implicit rejection: two months run from this day. The other appeals to the signatories
    against it lose their object. An act on a label is undone at once by a judgment, and by an answer once it is notified.
    """
    if appeal.label_act is not None:
        if appeal.kind == AppealKind.CONTENTIEUX:
            drop_appeals(application, Q(decision=appeal.decision), at=at)
            restore(appeal.label_act, at=at)
        return
    current = lock(application)
    # An express refusal replaces the implicit rejection: an appeal to the court against one is held to be against the other.
    replaced = appeal.against == Contested.SILENCE or current.decision_id == appeal.decision_id
    if current.state == ApplicationState.REFUSED and replaced:
        _reopen(application, appeal, current.decision_id, at=at)
    elif current.state in OPEN and appeal.silence_date is not None and appeal.silence_date == current.silence_date:
        _restart(application, appeal, at=at)


def _reopen(application: Application, appeal: Appeal, decision: int | None, *, at: datetime) -> None:
    """Put a refused file back under review. The other authority takes position anew."""
    if sentence := _other_file(application):
        raise RefusedError(sentence)
    drop_appeals(application, Q(decision=decision), at=at)
    try:
        with transaction.atomic():
            act(
                application,
                "reopen",
                None,
                version=None,
                at=at,
                appeal=appeal,
                fields={"decision": None, "endorsed_at": None, "silence_date": _anew(application, at)},
                decision=decision,
            )
    except IntegrityError as error:
        if "application_one_open_per_structure" in str(error):
            raise RefusedError(
                "Cette structure vient d’ouvrir une candidature : relisez la page avant de rouvrir."
            ) from error
        raise


def _restart(application: Application, appeal: Appeal, *, at: datetime) -> None:
    """Undo an implicit rejection: the file goes on where it stands, with a new delay."""
    drop_appeals(application, Q(silence_date=appeal.silence_date), at=at)
    set_reasons_aside(application, at=at)
    fields = {"silence_date": _anew(application, at)}
    act(application, "restart", None, version=None, at=at, appeal=appeal, fields=fields)


def _anew(application: Application, at: datetime) -> date:
    return silence_date(at, timezone=application.departement.timezone, months=settings.SILENCE_MONTHS)


def leave_without_object(application: Application, *, at: datetime) -> None:
    """Settle what contested a silence that an express end replaced: a decision, a désistement, a closing.

    An express refusal replaces the implicit rejection, and is contested by itself; a label leaves nothing to contest. What
    the court was asked stays until it judges. The caller holds the file's lock.
    """
    drop_appeals(application, Q(silence_date__isnull=False), at=at)
    set_reasons_aside(application, at=at)


def drop_appeals(application: Application, which: Q, *, at: datetime) -> None:
    """Settle as without object the appeals to the signatories that a filter names, and withdraw the answers to be signed."""
    rows = Appeal.objects.filter(
        which, application=application, kind=AppealKind.GRACIEUX, settled_at__isnull=True
    ).select_related("answer_decision")
    for row in rows.select_for_update(of=("self",)).order_by("pk"):
        if row.answer_decision is not None:
            withdraw_proposal(decision=row.answer_decision, at=at)
        Appeal.objects.filter(pk=row.pk).update(
            outcome=AppealOutcome.NO_OBJECT,
            answer="",
            answered_by=None,
            answered_capacity="",
            answered_at=None,
            settled_at=at,
        )
        act(application, "drop_appeal", None, version=None, at=at, appeal=row)


def _other_file(application: Application) -> str:
    """Return why a file cannot be reopened beside another of its structure, or nothing."""
    others = Application.objects.filter(structure=application.structure_id).exclude(pk=application.pk)
    if other := others.filter(state__in=[ApplicationState.DRAFT, *OPEN]).first():
        return (
            f"Cette structure a déjà une candidature en cours, {other.number} : ce dossier ne peut pas être rouvert à côté. "
            "Instruisez la nouvelle, ou classez-la d’abord sans suite comme doublon."
        )
    return ""


def act(
    application: Application,
    action: str,
    actor: Actor | None,
    *,
    version: int | None,
    at: datetime,
    appeal: Appeal,
    fields: dict[str, Any] | None = None,
    **data: Any,
) -> None:
    """Write one act of an appeal on the file and on its chain."""
    perform(
        application,
        action,
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=actor,
        at=at,
        version=version,
        data={"appeal": appeal.pk, "kind": appeal.kind, **data},
        **(fields or {}),
    )
