"""Who acts for a structure: its owner invites, and ends accesses."""

from datetime import datetime
from typing import Any

from django.db import transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Membership, Structure
from territories.choices import Subject
from territories.models import Invitation, User
from territories.services.accounts import invite
from territories.services.events import lock, record_event


def invite_editor(*, membership: Membership, email: str, at: datetime) -> tuple[Invitation, str]:
    """Invite a colleague to fill the structure's files in; return the invitation and the secret of its link.

    Raises:
        RefusedError: the membership is not the owner's, or the address already has access.
    """
    _require_owner(membership, "inviter une personne")
    address = email.strip().lower()
    if Membership.objects.filter(structure=membership.structure, user__email=address, ended_at__isnull=True).exists():
        raise RefusedError(f"{address} a déjà accès à cette structure.")
    with transaction.atomic():
        structure = lock(membership.structure)
        invitation, token = invite(
            email=address,
            at=at,
            invited_by=membership.user,
            membership_fields={"structure": structure.pk, "role": str(MembershipRole.EDITOR), "by": membership.pk},
        )
        record_event(
            subject_type=Subject.STRUCTURE,
            subject_id=structure.pk,
            action="invite",
            actor=membership,
            at=at,
            data={"invitation": invitation.pk},
        )
    return invitation, token


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
    """Return what an invitation of this application promises: ``structure``, ``role``, and ``by`` (ids)."""
    return dict(invitation.membership_fields or {})


def give_promised_access(*, user: User, at: datetime) -> list[Membership]:
    """Give a person the accesses that accepted invitations promise; doing so twice gives them once.

    An access that was ended is not given back by its old invitation. The inviter must still be the owner.
    """
    given = []
    for invitation, row in promised_access(user):
        with transaction.atomic():
            structure = lock(row)
            inviter = Membership.objects.filter(pk=_promise(invitation)["by"], ended_at__isnull=True).first()
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


def give_all_promised_access(*, at: datetime) -> int:
    """Give every accepted and missing access; return how many were given. What the periodic task calls."""
    emails = Invitation.objects.filter(accepted_at__isnull=False, membership_fields__isnull=False).values("email")
    return sum(len(give_promised_access(user=user, at=at)) for user in User.objects.filter(email__in=emails))


def _require_owner(membership: Membership, act: str) -> None:
    if membership.role != MembershipRole.OWNER or membership.ended_at is not None:
        raise RefusedError(f"Seul le responsable de la structure peut {act}.")
