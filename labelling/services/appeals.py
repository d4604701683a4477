"""Appeals against a refusal: lodged or recorded, answered by both authorities, and what they change.

An appeal within its delay prolongs the delay to go to court; two months of silence reject it. A late appeal is recorded
and said late: the portal never refuses one for that. An accepted appeal reopens the file (DESIGN §4.6).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Min, QuerySet

from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import AppealKind, AppealOutcome, ApplicationState, MembershipRole
from labelling.models import Appeal, Application, Membership
from labelling.rules.clock import appeal_deadline, appeal_silence, has_passed, local_day, silence_date
from labelling.services.reviews import require_reviewer
from labelling.workflow import TRANSITIONS
from territories.choices import DecisionState, Subject
from territories.models import Decision, Mandate
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


def notified_on(decision: Decision, timezone: str) -> date | None:
    """Return the day on which a decision was first notified, or nothing: no delay runs then."""
    first = decision.notifications.aggregate(first=Min("notified_at"))["first"]
    return local_day(first, timezone) if first else None


def appeals_of(application: Application) -> QuerySet[Appeal]:
    """Return the appeals of a file, the latest first, with what is needed to show them."""
    rows = Appeal.objects.filter(application=application).select_related(
        "decision", "membership__user", "mandate__authority", "answered_by__authority", "settled_by__authority"
    )
    return rows.defer("decision__content", "decision__pdf").order_by("-recorded_at", "-pk")


def former_decisions(application: Application) -> QuerySet[Decision]:
    """Return the signed decisions of a file that an appeal undid, the latest first."""
    rows = Decision.objects.filter(
        subject_type=Subject.APPLICATION, subject_id=application.pk, state=DecisionState.SIGNED
    )
    if application.decision_id is not None:
        rows = rows.exclude(pk=application.decision_id)
    return rows.defer("content", "pdf").order_by("-signed_at", "-pk")


@transaction.atomic
def lodge_appeal(*, application: Application, membership: Membership, text: str, version: int, at: datetime) -> Appeal:
    """Lodge an appeal to the signatories in the portal, for the structure. It is received at once.

    Raises:
        RefusedError: not the owner, no refusal, a refusal not read yet, nothing said, or one is pending already.
        StaleError: the file changed since ``version``.
    """
    if membership.structure_id != application.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError("Un recours est formé par le responsable de la structure.")
    current = _enter("lodge_appeal", application, membership, version=version)
    zone = application.departement.timezone
    if notified_on(_refusal(current), zone) is None:
        raise RefusedError("Lisez d’abord la décision : le délai de recours court de cette lecture.")
    return _record(
        application,
        membership,
        version=version,
        at=at,
        decision=_refusal(current),
        kind=AppealKind.GRACIEUX,
        received_date=local_day(at, zone),
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
) -> Appeal:
    """Record an appeal received by letter, or one of which the court gave notice.

    Raises:
        RefusedError: the mandate may not, no refusal, a day out of bounds, a court or a number missing, nothing said, or
            one of this kind is pending already.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = _enter("lodge_appeal", application, mandate, version=version)
    zone = application.departement.timezone
    signed_on = local_day(_refusal(current).signed_at, zone)  # type: ignore[arg-type]
    if not signed_on <= received_date <= local_day(at, zone):
        raise RefusedError("Un recours est reçu entre la date de l’acte et aujourd’hui. Rien n’a été enregistré.")
    in_court = kind == AppealKind.CONTENTIEUX
    if in_court and not (court.strip() and docket.strip()):
        raise RefusedError("Un recours contentieux dit sa juridiction et le numéro de la requête.")
    return _record(
        application,
        mandate,
        version=version,
        at=at,
        decision=_refusal(current),
        kind=kind,
        received_date=received_date,
        text=text,
        mandate=mandate,
        court=court.strip() if in_court else "",
        docket=docket.strip() if in_court else "",
    )


def _enter(action: str, application: Application, actor: Actor, *, version: int) -> Application:
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, action, state=current.state, hat=actor.hat, row=current)
    return current


def _refusal(application: Application) -> Decision:
    """Return the refusal of a refused file: the constraints give it one."""
    assert application.decision is not None  # noqa: S101  # application_decision_iff_signing_or_later
    return application.decision


def _record(
    application: Application,
    actor: Actor,
    *,
    version: int,
    at: datetime,
    decision: Decision,
    kind: AppealKind,
    received_date: date,
    text: str,
    **fields: Any,
) -> Appeal:
    if not text.strip():
        raise RefusedError("Écrivez ce que dit le recours : les signataires le liront. Rien n’a été enregistré.")
    if Appeal.objects.filter(decision=decision, kind=kind, settled_at__isnull=True).exists():
        raise RefusedError("Un recours de cette nature est déjà en cours contre cette décision : il y sera répondu.")
    notified = notified_on(decision, application.departement.timezone)
    appeal = Appeal.objects.create(
        application=application,
        decision=decision,
        kind=kind,
        received_date=received_date,
        deadline=_deadline(decision, kind, notified),
        text=text.strip(),
        recorded_at=at,
        **fields,
    )
    _act(application, "lodge_appeal", actor, version=version, at=at, appeal=appeal, late=appeal.is_late)
    return appeal


def _deadline(decision: Decision, kind: AppealKind, notified: date | None) -> date | None:
    """Return the last day of the delay of an appeal, or nothing when the portal cannot date its start.

    An appeal to the signatories made in time prolongs the delay of the court: it runs anew from the silence, or from the
    receipt of an answer, which no one dates here.
    """
    if notified is None:
        return None
    until = appeal_deadline(notified)
    if kind == AppealKind.GRACIEUX:
        return until
    first = Appeal.objects.filter(decision=decision, kind=AppealKind.GRACIEUX).order_by("received_date", "pk").first()
    if first is None or first.is_late:
        return until
    if first.settled_at is not None:
        return None
    return appeal_deadline(appeal_silence(first.received_date))


def needs_both(appeal: Appeal) -> bool:
    """Tell whether an answer waits for the other authority: a judgment does not, nor what a single authority decided."""
    return appeal.kind == AppealKind.GRACIEUX and len(appeal.decision.required) > 1


@transaction.atomic
def answer_appeal(
    *,
    application: Application,
    appeal: int,
    mandate: Mandate,
    outcome: AppealOutcome,
    answer: str,
    version: int,
    at: datetime,
) -> Appeal:
    """Write the reasoned answer to an appeal, or what the court judged; it waits for the other authority when it must.

    Raises:
        RefusedError: the mandate may not, the appeal is settled, or no reason is given.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = _enter("answer_appeal", application, mandate, version=version)
    row = _pending(current, appeal)
    if not answer.strip():
        raise RefusedError("Une réponse à un recours se motive : la structure la lira. Rien n’a été enregistré.")
    if not needs_both(row) and row.kind == AppealKind.GRACIEUX and capacity not in row.decision.required:
        raise RefusedError("Cette décision a été prise par l’autre autorité seule : c’est à elle de répondre.")
    if outcome == AppealOutcome.ACCEPTED:
        _require_no_other_file(current)
    Appeal.objects.filter(pk=row.pk).update(
        outcome=outcome, answer=answer.strip(), answered_by=mandate, answered_capacity=capacity, answered_at=at
    )
    _act(application, "answer_appeal", mandate, version=version, at=at, appeal=row, outcome=str(outcome))
    row.refresh_from_db()
    if not needs_both(row):
        _settle(application, row, mandate, at=at)
    return row


@transaction.atomic
def hold_answer(*, application: Application, appeal: int, mandate: Mandate, version: int, at: datetime) -> Appeal:
    """Hold, for the other authority, the answer that was shown: it takes effect.

    Raises:
        RefusedError: the mandate may not, its own authority wrote the answer, or the structure has another file.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = _enter("answer_appeal", application, mandate, version=version)
    row = _pending(current, appeal)
    if not row.outcome:
        raise RefusedError("Aucune réponse n’est écrite pour ce recours : il n’y a rien à endosser.")
    if row.answered_capacity == capacity:
        raise RefusedError("Votre autorité a écrit cette réponse : c’est à l’autre de l’endosser.")
    _settle(application, row, mandate, at=at)
    return row


def _pending(application: Application, appeal: int) -> Appeal:
    rows = Appeal.objects.select_for_update(of=("self",)).select_related("decision").defer("decision__pdf")
    row = rows.filter(pk=appeal, application=application, settled_at__isnull=True).first()
    if row is None:
        raise StaleError("Ce recours n’attend plus de réponse. Rien n’a été enregistré ; relisez la page.")
    return row


def _settle(application: Application, appeal: Appeal, mandate: Mandate, *, at: datetime) -> None:
    Appeal.objects.filter(pk=appeal.pk).update(settled_by=mandate, settled_at=at)
    appeal.refresh_from_db()
    if appeal.outcome == AppealOutcome.REJECTED:
        _act(application, "reject_appeal", mandate, version=None, at=at, appeal=appeal)
    else:
        _reopen(application, appeal, mandate, at=at)


def _reopen(application: Application, appeal: Appeal, mandate: Mandate, *, at: datetime) -> None:
    """Put a refused file back under review. The other authority takes position anew, and two months run from this day."""
    _require_no_other_file(application)
    until = silence_date(at, timezone=application.departement.timezone, months=settings.SILENCE_MONTHS)
    try:
        with transaction.atomic():
            _act(
                application,
                "reopen",
                mandate,
                version=None,
                at=at,
                appeal=appeal,
                fields={"decision": None, "endorsed_at": None, "silence_date": until},
                decision=appeal.decision_id,
            )
    except IntegrityError as error:
        if "application_one_open_per_structure" in str(error):
            raise RefusedError(
                "Cette structure vient d’ouvrir une candidature : relisez la page avant de rouvrir."
            ) from error
        raise


def _require_no_other_file(application: Application) -> None:
    others = Application.objects.filter(structure=application.structure_id).exclude(pk=application.pk)
    unfinished = [
        ApplicationState.DRAFT,
        ApplicationState.SUBMITTED,
        ApplicationState.UNDER_REVIEW,
        ApplicationState.AWAITING_SIGNATURES,
        ApplicationState.DISAGREEMENT,
    ]
    if other := others.filter(state__in=unfinished).first():
        raise RefusedError(
            f"Cette structure a déjà une candidature en cours, {other.number} : ce dossier ne peut pas être rouvert à côté. "
            "Instruisez la nouvelle, ou classez-la d’abord sans suite comme doublon."
        )


def _act(
    application: Application,
    action: str,
    actor: Actor,
    *,
    version: int | None,
    at: datetime,
    appeal: Appeal,
    fields: dict[str, Any] | None = None,
    **data: Any,
) -> None:
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
