"""The accelerated route, up to the submission: a place is invited, reminded once, and confirms what registers say.

The link that is sent is the only secret: whoever sends it gets it once, and it is kept nowhere. From the submission on,
the file is one like the others: same rules, same receipt, same clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState, InvitationAddress, MembershipRole, Route
from labelling.models import Application, Membership, ProspectInvitation, RegisterLine, Specification, Structure
from labelling.models.registers import RegisterLineQuerySet
from labelling.rules.answers import parse, problems
from labelling.rules.register_facts import answers_from
from labelling.services.applications import known_answers, open_draft, require_access, submit_application
from labelling.services.claims import structure_of
from labelling.services.evidence import discard_evidence
from labelling.services.interests import STANDS_ASIDE, stood_aside
from labelling.services.prospects import is_to_invite, require_inviter
from labelling.services.register_search import closed_sentence, lines_about
from territories.choices import Subject
from territories.models import Invitation, Mandate, User
from territories.services.accounts import invite
from territories.services.events import Actor, lock, record_event, write


@dataclass(frozen=True, slots=True)
class Sending:
    """An invitation to send: to whom, and the secret of the link, empty for people who have an account already."""

    invitation: ProspectInvitation
    to: tuple[str, ...]
    token: str = ""


@transaction.atomic
def invite_structure(*, line: RegisterLine, mandate: Mandate, email: str, at: datetime) -> Sending:
    """Open the draft of a place of a register, prefilled, and promise its access to an address.

    When somebody answers for the structure already, they are told, and nothing is promised to anybody else.

    Raises:
        RefusedError: the mandate may not, or its holder stands aside; no address; or a place that is closed, set aside,
            labelled, or has a file.
    """
    line = RegisterLine.objects.select_related("commune__departement").select_for_update(of=("self",)).get(pk=line.pk)
    require_inviter(line, mandate, at=at)
    if line.closed_on:
        raise RefusedError(closed_sentence(line))
    if not is_to_invite(line, on=timezone.localdate(at)):
        raise RefusedError(
            "Cette structure n’est plus à inviter : elle est déjà écartée, invitée, candidate ou labellisée. Rien n’est "
            "parti."
        )
    structure = structure_of(line, at=at)
    if structure.pk in stood_aside(mandate):
        raise RefusedError(STANDS_ASIDE)
    people, address = _owners(structure), email.strip().lower()
    if not people and not address:
        raise RefusedError("Indiquez l’adresse électronique à laquelle envoyer l’invitation. Rien n’est parti.")
    application = open_draft(
        structure=structure,
        answers=_prefilled(structure, people[0] if people else None),
        created_by=mandate.user,
        actor=mandate,
        route=Route.ACCELERATED,
        at=at,
    )
    typed = InvitationAddress.REGISTER if address == line.email else InvitationAddress.TYPED
    row = ProspectInvitation(
        line=line,
        application=application,
        mandate=mandate,
        address=InvitationAddress.OWNER if people else typed,
        email="" if people else address,
        invited_at=at,
        expires_at=at + timedelta(days=settings.PROSPECT_INVITATION_DAYS),
    )
    row.link, token = (None, "") if people else _link(row, structure, at=at)
    row.save(force_insert=True)
    _record(application, "invite", mandate, at=at, row=row)
    return Sending(row, tuple(user.email for user in people) or (address,), token)


@transaction.atomic
def remind_invited(*, invitation: ProspectInvitation, mandate: Mandate | None, at: datetime) -> Sending:
    """Send an invitation again, with a new link when the former one has not served; ``mandate`` is nobody's for a task.

    Raises:
        RefusedError: the mandate may not, or the invitation is confirmed, ended, or past its term.
    """
    row = lock(invitation)
    if mandate is not None:
        require_inviter(row.line, mandate, at=at)
    application = row.application
    if row.ended_at or application is None or application.state != ApplicationState.DRAFT or row.expires_at <= at:
        raise RefusedError("Cette invitation n’attend plus de réponse : rien n’est parti.")
    people, token = _owners(application.structure), ""
    row.reminded_at = at
    if not people and row.email:
        row.link, token = _link(row, application.structure, at=at)
    row.save(update_fields=["reminded_at", "link"])
    _record(application, "remind_invited", mandate, at=at, row=row)
    return Sending(row, tuple(user.email for user in people) or (row.email,), token)


def not_reminded(invitation: ProspectInvitation) -> None:
    """Take note that a reminder could not leave: it will be tried again."""
    ProspectInvitation.objects.filter(pk=invitation.pk, ended_at__isnull=True).update(reminded_at=None)


def due_reminders(*, at: datetime) -> list[ProspectInvitation]:
    """Return the invitations to remind of: sent long enough ago, never reminded, still open."""
    since = at - timedelta(days=settings.PROSPECT_REMINDER_DAYS)
    return list(_open().filter(reminded_at__isnull=True, invited_at__lte=since, expires_at__gt=at).order_by("pk"))


def end_expired(*, at: datetime) -> int:
    """End the invitations past their term, one transaction each, and return their number.

    The draft of a place where nobody came is deleted: nothing of it was transmitted. Where somebody came, it stays
    theirs, as an ordinary draft.
    """
    due = _open().filter(expires_at__lte=at).values_list("pk", flat=True)
    return sum(_end(pk, at=at) for pk in list(due.order_by("pk")))


@transaction.atomic
def _end(key: int, *, at: datetime) -> bool:
    row = lock(ProspectInvitation(pk=key))
    if row.ended_at is not None or row.application_id is None:
        return False
    application = lock(Application(pk=row.application_id))
    if application.state == ApplicationState.DRAFT:
        _record(application, "end_invitation", None, at=at, row=row)
        if Membership.objects.filter(structure=application.structure_id, ended_at__isnull=True).exists():
            write(application, version=None, route=Route.CANDIDATURE)
        else:
            discard_evidence(application)
            application.delete()
    ProspectInvitation.objects.filter(pk=row.pk).update(ended_at=at)
    return True


def invitation_of(application: Application, *, at: datetime) -> ProspectInvitation | None:
    """Return the invitation that a draft answers, while it may still be confirmed."""
    if application.state != ApplicationState.DRAFT:
        return None
    return _open().filter(application=application, expires_at__gt=at).first()


def invited_within(lines: RegisterLineQuerySet) -> QuerySet[ProspectInvitation]:
    """Return the invitations that wait for an answer among some lines, the soonest to end first.

    Nothing of the draft's answers is read: an agent sees the invitation, never the draft.
    """
    rows = _open().filter(line__in=lines.values("pk"), application__state=ApplicationState.DRAFT)
    return rows.select_related("line__commune__departement", "mandate__user", "mandate__authority", "link").order_by(
        "expires_at", "pk"
    )


def welcome(user: User) -> Application | None:
    """Return the draft that a person, just come by their link, is asked to confirm."""
    rows = _open().filter(application__structure__in=Membership.objects.of(user).values("structure"))
    row = rows.select_related("application").order_by("-invited_at", "-pk").first()
    return row.application if row else None


@transaction.atomic
def confirm_invited(
    *,
    application: Application,
    membership: Membership,
    answers: Mapping[str, Any],
    specification: Specification,
    consent: bool,
    version: int,
    at: datetime,
) -> Application:
    """Keep the answers of the short form and hand the file in, in one act: all of it, or nothing.

    Raises:
        RefusedError: no invitation is open, or :func:`submit_application` refuses.
        StaleError: the file changed since ``version``, or a new version of the cahier des charges was published.
    """
    require_access(membership, application.structure)
    current = lock(application)
    row = invitation_of(current, at=at)
    if row is None:
        raise RefusedError(
            "Le délai de cette invitation est passé, ou le dossier est déjà déposé. Vos réponses ne sont pas perdues : "
            "reprenez-les depuis la page du dossier."
        )
    if current.version != version:
        raise StaleError
    merged = parse({**current.answers, **answers})
    if found := [problem.sentence for problem in problems(merged)]:
        raise RefusedError(" ".join(found))
    write(current, version=version, answers=merged.as_json(), saved_at=at)
    done = submit_application(
        application=current,
        membership=membership,
        specification=specification,
        consent=consent,
        version=current.version,
        at=at,
    )
    ProspectInvitation.objects.filter(pk=row.pk).update(ended_at=at)
    return done


def until(row: ProspectInvitation) -> str:
    """Return the sentence that says how long a place has to confirm."""
    return f"La structure a jusqu’au {long_date(row.expires_at)} pour confirmer."


def _open() -> QuerySet[ProspectInvitation]:
    return ProspectInvitation.objects.filter(ended_at__isnull=True, application__isnull=False)


def _owners(structure: Structure) -> list[User]:
    rows = Membership.objects.filter(
        structure=structure, role=MembershipRole.OWNER, ended_at__isnull=True, user__is_active=True
    )
    return [row.user for row in rows.select_related("user").order_by("pk")]


def _prefilled(structure: Structure, user: User | None) -> dict[str, Any]:
    """Return the answers that the structure will confirm: its last file's, completed by what the registers say."""
    known = known_answers(structure, user)
    for line in reversed(lines_about(structure)):
        for key, said in answers_from(line.facts).items():
            known[key] = {**said, **{name: value for name, value in known[key].items() if value not in {None, ""}}}
    return parse(known).as_json()


def _link(row: ProspectInvitation, structure: Structure, *, at: datetime) -> tuple[Invitation, str]:
    return invite(
        email=row.email,
        at=at,
        invited_by=row.mandate.user,
        membership_fields={
            "structure": structure.pk,
            "role": str(MembershipRole.OWNER),
            "mandate": row.mandate_id,
        },
        days=max((row.expires_at - at).days, 1),
    )


def _record(
    application: Application, action: str, actor: Actor | None, *, at: datetime, row: ProspectInvitation
) -> None:
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action=action,
        actor=actor,
        at=at,
        from_state=application.state,
        to_state=application.state,
        data={"invitation": row.pk, "line": row.line_id},
    )
