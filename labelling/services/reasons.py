"""The reasons of an implicit rejection: asked for by the structure, given by the services, received (CRPA, L. 232-4)."""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import MembershipRole, Verdict
from labelling.models import Application, Membership, ReasonsRequest
from labelling.rules.clock import appeal_deadline, local_day, reasons_due
from labelling.services.acts import owners
from labelling.services.contested import is_silent
from labelling.services.reviews import require_reviewer, sheet
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import Actor, lock, perform
from territories.services.notifications import presumed_at, unread_since

NOT_SILENT = "Ce dossier n’est pas réputé rejeté : aucun motif n’est à demander."


def due_on(asked: ReasonsRequest) -> date:
    """Return the last day to communicate the reasons that were asked for."""
    return reasons_due(asked.received_date, months=settings.REASONS_MONTHS)


def asked_reasons(application: Application) -> ReasonsRequest | None:
    """Return the request about the present implicit rejection of a file, or nothing."""
    if application.silence_date is None:
        return None
    rows = ReasonsRequest.objects.filter(application=application, silence_date=application.silence_date)
    return rows.filter(set_aside_at__isnull=True).select_related("answered_by__authority", "membership__user").first()


def shared_reasons(application: Application) -> str:
    """Return the reasons that the shared assessment holds, criterion by criterion; nothing while it is private."""
    if application.shared_at is None:
        return ""
    said = [
        f"Critère {line.criterion.position}, {line.criterion.title} : non rempli. {line.agreed.reason.strip()}"
        for line in sheet(application)
        if line.agreed and line.agreed.verdict == Verdict.NOT_MET
    ]
    return typeset("\n".join(said))


@transaction.atomic
def ask_reasons(
    *,
    application: Application,
    at: datetime,
    version: int,
    membership: Membership | None = None,
    mandate: Mandate | None = None,
    received_date: date | None = None,
) -> ReasonsRequest:
    """Ask for the reasons of an implicit rejection in the portal; or record, as an agent, the letter that asked for them.

    Raises:
        RefusedError: not the owner, the mandate may not, no implicit rejection, a day out of bounds, or asked already.
        StaleError: the file changed since ``version``.
    """
    actor = _side(application, membership, mandate, at=at)
    current = _enter("ask_reasons", application, actor, version=version)
    today = local_day(at, application.departement.timezone)
    if not is_silent(current, on=today):
        raise RefusedError(NOT_SILENT)
    received = received_date if mandate is not None and received_date else today
    silence: date = current.silence_date  # type: ignore[assignment]  # it is silent
    if not silence < received <= today:
        raise RefusedError("La demande est reçue entre le rejet implicite et aujourd’hui. Rien n’a été enregistré.")
    if ReasonsRequest.objects.filter(application=current, silence_date=silence).exists():
        raise RefusedError("Les motifs de ce rejet sont déjà demandés : ils vous seront communiqués.")
    asked = ReasonsRequest.objects.create(
        application=current,
        silence_date=silence,
        received_date=received,
        deadline=appeal_deadline(silence),
        membership=membership,
        mandate=mandate,
        recorded_at=at,
    )
    _act(application, "ask_reasons", actor, asked, version=version, at=at)
    return asked


@transaction.atomic
def give_reasons(
    *, application: Application, mandate: Mandate, reasons: str, version: int, at: datetime
) -> ReasonsRequest:
    """Write the reasons that were asked for: the structure reads them by an act, or receives them by letter.

    Raises:
        RefusedError: the mandate may not, nothing is asked, they are given already, or nothing is said.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = _enter("give_reasons", application, mandate, version=version)
    asked = _asked(current)
    if asked.answered_at is not None:
        raise RefusedError("Les motifs sont déjà donnés. Rien n’a été enregistré ; relisez la page.")
    if not reasons.strip():
        raise RefusedError("Écrivez les motifs en droit et en fait, critère par critère. Rien n’a été enregistré.")
    ReasonsRequest.objects.filter(pk=asked.pk).update(reasons=reasons.strip(), answered_by=mandate, answered_at=at)
    _act(application, "give_reasons", mandate, asked, version=version, at=at)
    asked.refresh_from_db()
    return asked


@transaction.atomic
def receive_reasons(
    *,
    application: Application,
    at: datetime,
    version: int,
    membership: Membership | None = None,
    mandate: Mandate | None = None,
    received_date: date | None = None,
) -> ReasonsRequest:
    """Record that the structure reads the reasons, or received their letter: the delay of appeal runs from that day.

    Raises:
        RefusedError: not the owner, the mandate may not, no reasons were given, read already, or a day out of bounds.
        StaleError: the file changed since ``version``.
    """
    actor = _side(application, membership, mandate, at=at)
    current = _enter("receive_reasons", application, actor, version=version)
    asked = _asked(current)
    if asked.answered_at is None or asked.communicated_date is not None:
        raise RefusedError("Aucun motif n’attend d’être lu. Rien n’a été enregistré ; relisez la page.")
    zone = application.departement.timezone
    today = local_day(at, zone)
    received = received_date if mandate is not None and received_date else today
    if not local_day(asked.answered_at, zone) <= received <= today:
        raise RefusedError("Les motifs sont reçus entre leur envoi et aujourd’hui. Rien n’a été enregistré.")
    ReasonsRequest.objects.filter(pk=asked.pk).update(communicated_date=received)
    _act(application, "receive_reasons", actor, asked, version=version, at=at)
    asked.refresh_from_db()
    return asked


def presume_reasons_read(*, at: datetime) -> int:
    """Count as communicated the reasons that stayed unread in the portal, as decisions are; return their number.

    Those of a structure that is notified by letter wait for its acknowledgement, and those that nobody can read wait for an
    owner. Each file is its own transaction; what an owner reads at the same moment is left to them.
    """
    waiting = ReasonsRequest.objects.filter(
        application__notification_consent=True,
        answered_at__lte=unread_since(at),
        communicated_date__isnull=True,
        set_aside_at__isnull=True,
    )
    return sum(_presume(asked, at=at) for asked in waiting.select_related("application").order_by("pk"))


@transaction.atomic
def _presume(asked: ReasonsRequest, *, at: datetime) -> bool:
    application = lock(asked.application)
    current = lock(asked)
    nobody = current.answered_at is None or not owners(application)
    if nobody or current.communicated_date is not None or current.set_aside_at is not None:
        return False
    day = local_day(presumed_at(current.answered_at), application.departement.timezone)  # type: ignore[arg-type]
    ReasonsRequest.objects.filter(pk=current.pk).update(communicated_date=day)
    _act(application, "presume_reasons", None, current, version=None, at=at)
    return True


def set_reasons_aside(application: Application, *, at: datetime) -> None:
    """Set aside the reasons that nobody received: what silence made is replaced. The caller holds the file's lock."""
    ReasonsRequest.objects.filter(
        application=application, communicated_date__isnull=True, set_aside_at__isnull=True
    ).update(set_aside_at=at)


def _side(application: Application, membership: Membership | None, mandate: Mandate | None, *, at: datetime) -> Actor:
    if membership is not None:
        if membership.structure_id != application.structure_id or membership.role != MembershipRole.OWNER:
            raise RefusedError("Les motifs se demandent et se lisent par le responsable de la structure.")
        return membership
    assert mandate is not None  # noqa: S101  # one of the two
    require_reviewer(application, mandate, at=at)
    return mandate


def _enter(action: str, application: Application, actor: Actor, *, version: int) -> Application:
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, action, state=current.state, hat=actor.hat, row=current)
    return current


def _asked(application: Application) -> ReasonsRequest:
    asked = asked_reasons(application)
    if asked is None:
        raise RefusedError("Aucun motif n’est demandé sur ce dossier. Rien n’a été enregistré ; relisez la page.")
    return asked


def _act(
    application: Application,
    action: str,
    actor: Actor | None,
    asked: ReasonsRequest,
    *,
    version: int | None,
    at: datetime,
) -> None:
    perform(
        application,
        action,
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=actor,
        at=at,
        version=version,
        data={"reasons": asked.pk, "due": due_on(asked).isoformat()},
    )
