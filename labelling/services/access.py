"""Who acts for a structure: its owner invites, and ends accesses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Membership, Structure
from territories.choices import Subject
from territories.models import Invitation, Mandate, User
from territories.services.accounts import cancel_invitation, give_accesses_with, invite
from territories.services.events import lock, record_event


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation to send, the secret of its link, and whether it takes the place of a pending one."""

    invitation: Invitation
    token: str
    renewed: bool


def pending_invitations(structure: Structure, *, at: datetime) -> QuerySet[Invitation]:
    """Return the invitations of colleagues whose link may still be used, the latest first."""
    return (
        Invitation.objects.pending(at)
        .filter(membership_fields__structure=structure.pk, membership_fields__has_key="by")
        .order_by("-created_at", "-pk")
    )


def invite_editor(*, membership: Membership, email: str, at: datetime) -> Invited:
    """Invite a colleague to fill the structure's files in. An address whose invitation is pending gets a new link.

    Raises:
        RefusedError: the membership is not the owner's, or the address already has access.
    """
    _require_owner(membership, "inviter une personne")
    address = email.strip().lower()
    if Membership.objects.filter(structure=membership.structure, user__email=address, ended_at__isnull=True).exists():
        raise RefusedError(f"{address} a déjà accès à cette structure.")
    with transaction.atomic():
        structure = lock(membership.structure)
        # Whoever sent it: an owner may have handed over since.
        renewed = pending_invitations(structure, at=at).filter(email=address).update(expires_at=at) > 0
        invitation, token = invite(
            email=address,
            at=at,
            invited_by=membership.user,
            membership_fields={"structure": structure.pk, "role": str(MembershipRole.EDITOR), "by": membership.pk},
        )
        record_event(
            subject_type=Subject.STRUCTURE,
            subject_id=structure.pk,
            action="renew_invitation" if renewed else "invite",
            actor=membership,
            at=at,
            data={"invitation": invitation.pk},
        )
    return Invited(invitation, token, renewed)


@transaction.atomic
def cancel_editor_invitation(*, membership: Membership, invitation: Invitation, at: datetime) -> None:
    """End the link sent to a colleague: a typing error, a change of mind.

    Raises:
        RefusedError: the membership is not the owner's, or the invitation served, was cancelled, or is not valid any more.
    """
    _require_owner(membership, "annuler une invitation")
    structure = lock(membership.structure)
    if _promise(invitation).get("structure") != structure.pk:
        raise RefusedError("Cette invitation n’est pas celle de votre structure : rien n’a changé.")
    cancel_invitation(invitation=invitation, at=at)
    record_event(
        subject_type=Subject.STRUCTURE,
        subject_id=structure.pk,
        action="cancel_invitation",
        actor=membership,
        at=at,
        data={"invitation": invitation.pk},
    )


def end_access(*, membership: Membership, of: Membership, at: datetime) -> None:
    """End the access of a colleague.

    Raises:
        RefusedError: the membership is not the owner's, is of another structure, or would end the owner's own access.
    """
    _require_owner(membership, "retirer un accès")
    with transaction.atomic():
        structure = lock(membership.structure)
        target = lock(of)
        if target.structure_id != structure.pk or target.ended_at is not None:
            raise RefusedError("Cet accès est déjà terminé.")
        if target.pk == membership.pk:
            raise RefusedError("Vous ne pouvez pas retirer votre propre accès : une structure garde un responsable.")
        Membership.objects.filter(pk=target.pk).update(ended_at=at)
        record_event(
            subject_type=Subject.STRUCTURE,
            subject_id=structure.pk,
            action="end_access",
            actor=membership,
            at=at,
            data={"membership": target.pk},
        )


def hand_over(*, membership: Membership, to: Membership, at: datetime) -> None:
    """Make a colleague the owner in one's place; the former owner goes on filling the files in, and may be removed.

    Raises:
        RefusedError: the membership is not the owner's, or the colleague has no access to the structure.
    """
    with transaction.atomic():
        structure = lock(membership.structure)
        giver, taker = lock(membership), lock(to)
        _require_owner(giver, "transmettre la responsabilité")
        if taker.structure_id != structure.pk or taker.ended_at is not None or not taker.user.is_active:
            raise RefusedError("Cette personne n’a pas accès à la structure : invitez-la d’abord.")
        if taker.role == MembershipRole.OWNER:
            raise RefusedError("Cette personne est déjà responsable de la structure.")
        Membership.objects.filter(pk=giver.pk).update(role=MembershipRole.EDITOR)
        Membership.objects.filter(pk=taker.pk).update(role=MembershipRole.OWNER)
        record_event(
            subject_type=Subject.STRUCTURE,
            subject_id=structure.pk,
            action="hand_over",
            actor=membership,
            at=at,
            data={"from": giver.pk, "to": taker.pk},
        )


def promised_access(user: User) -> list[tuple[Invitation, Structure]]:
    """Return the accesses that a person accepted and does not have yet."""
    accepted = Invitation.objects.filter(
        email=user.email, accepted_at__isnull=False, membership_fields__isnull=False
    ).order_by("pk")
    structures = Structure.objects.in_bulk([_promise(row)["structure"] for row in accepted])
    known = set(Membership.objects.filter(user=user).values_list("structure", flat=True))
    return [
        (row, structure)
        for row in accepted
        if (structure := structures.get(_promise(row)["structure"])) and structure.pk not in known
    ]


def _promise(invitation: Invitation) -> dict[str, Any]:
    """Return what an invitation of this application promises: ``structure``, ``role``, and who promised (ids).

    ``by`` is the owner who invites a colleague; ``mandate`` the agent who invites a place to confirm what registers say.
    """
    return dict(invitation.membership_fields or {})


def give_promised_access(*, user: User, at: datetime) -> list[Membership]:
    """Give a person the accesses that accepted invitations promise; doing so twice gives them once.

    An access that was ended is not given back by its old invitation. The promise must still hold.
    """
    given = []
    for invitation, row in promised_access(user):
        with transaction.atomic():
            structure = lock(row)
            inviter = _inviter(_promise(invitation), structure)
            if inviter is None or Membership.objects.filter(user=user, structure=structure).exists():
                continue
            membership = Membership.objects.create(
                user=user, structure=structure, role=_promise(invitation)["role"], started_at=at
            )
            record_event(
                subject_type=Subject.STRUCTURE,
                subject_id=structure.pk,
                action="give_access",
                actor=inviter,
                at=at,
                data={"membership": membership.pk, "role": membership.role, "invitation": invitation.pk},
            )
            given.append(membership)
    return given


def _inviter(promise: dict[str, Any], structure: Structure) -> Membership | Mandate | None:
    """Return who made a promise that still holds.

    An agent's holds as long as nobody else answers for the structure: it is the authority's word, not the person's.
    """
    if "mandate" not in promise:
        return Membership.objects.filter(pk=promise["by"], ended_at__isnull=True).first()
    if Membership.objects.filter(structure=structure, role=MembershipRole.OWNER, ended_at__isnull=True).exists():
        return None
    return Mandate.objects.select_related("authority").filter(pk=promise["mandate"]).first()


def give_all_promised_access(*, at: datetime) -> int:
    """Give every accepted and missing access; return how many were given.

    What the periodic task calls, for an acceptance that was interrupted before its access was given.
    """
    emails = Invitation.objects.filter(accepted_at__isnull=False, membership_fields__isnull=False).values("email")
    return sum(len(give_promised_access(user=user, at=at)) for user in User.objects.filter(email__in=emails))


def words_of(promise: Mapping[str, Any]) -> str:
    """Say what an invitation opens, and of which structure: its link is worth something for one address only."""
    structure = Structure.objects.select_related("commune").filter(pk=promise["structure"]).first()
    if structure is None:
        return "accéder à l’espace d’une structure de soins"
    name = f"{structure.name} ({structure.commune.name})"
    if "mandate" in promise:
        return f"confirmer ce que les registres savent de {name}, en vue du label France Santé"
    return f"remplir les dossiers de {name}"


def register_accesses() -> None:
    """Give at once what an accepted invitation promises, and say what it is; called once, when the portal starts."""
    give_accesses_with(give_promised_access, words=words_of)


def _require_owner(membership: Membership, act: str) -> None:
    if membership.role != MembershipRole.OWNER or membership.ended_at is not None:
        raise RefusedError(f"Seul le responsable de la structure peut {act}.")
