"""Accounts: invitations, the second factor, the recovery codes.

The services of this module receive a person: an account exists before any mandate does. Codes are read on the clock of
the machine, as authenticators do, by django-otp, which also slows down repeated wrong codes.
"""

import hashlib
import math
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.french import plural
from francesante.lib.workflow import RefusedError
from territories.choices import Role, Subject
from territories.models import Authority, Departement, Invitation, Mandate, User
from territories.services.events import lock, record_event

SECOND_FACTOR_DUE = "second_factor_due"
"""Key of the session of a person who signed in with a password and still owes a code."""

RECOVERY_CODES = 10
_ACCOUNT_EXISTS = "Un compte existe déjà avec cette adresse : connectez-vous, puis ouvrez le lien à nouveau."
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_ACCESSES: list[Callable[..., object]] = []
_WORDS: list[Callable[[Mapping[str, Any]], str]] = []


def give_accesses_with(give: Callable[..., object], *, words: Callable[[Mapping[str, Any]], str]) -> None:
    """Declare who gives the accesses to structures that invitations promise: this application knows no structure.

    ``give(user=, at=)`` gives a person what their accepted invitations promise; ``words`` says of a promise
    (``membership_fields``) what it opens, after « vous invite à ».
    """
    _ACCESSES.append(give)
    _WORDS.append(words)


def words_of_access(promise: Mapping[str, Any]) -> str:
    """Say in a few words which access an invitation opens."""
    return next((words(promise) for words in _WORDS), "accéder à l’espace d’une structure de soins")


# Second factor ---------------------------------------------------------------------------------------------------


def second_factor_of(user: User) -> TOTPDevice | None:
    """Return the confirmed authenticator of a person."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk").last()


def confirm_code(*, user: User, code: str, recovery: bool = False) -> TOTPDevice | StaticDevice:
    """Check a code of the person's authenticator and use it up; with ``recovery``, a recovery code will do.

    Raises:
        RefusedError: no authenticator, wrong or used code, or too many wrong codes; says how long to wait.
    """
    code = re.sub(r"[\s-]", "", code).lower()
    device: TOTPDevice | StaticDevice | None
    if recovery and not _SIX_DIGITS.fullmatch(code):
        device = StaticDevice.objects.filter(user=user, confirmed=True).first()
    else:
        device = second_factor_of(user)
    if device is None:
        raise RefusedError("Votre compte n’a pas encore de second facteur. Activez-le, puis recommencez.")
    _refuse_while_waiting(device)
    if verify_token(user, device.persistent_id, code) is None:
        raise RefusedError(
            "Ce code n’est pas le bon, ou il a déjà servi. Attendez que votre application en affiche un nouveau, puis "
            "saisissez-le."
        )
    return device


def _refuse_while_waiting(device: TOTPDevice | StaticDevice) -> None:
    allowed, reason = device.verify_is_allowed()
    if allowed:
        return
    seconds, wrong = math.ceil((reason["locked_until"] - timezone.now()).total_seconds()), reason["failure_count"]
    count, unit = (max(seconds, 1), "seconde") if seconds <= 60 else (math.ceil(seconds / 60), "minute")  # noqa: PLR2004
    said = "Un code faux vient d’être saisi" if wrong == 1 else f"{wrong} codes faux de suite viennent d’être saisis"
    raise RefusedError(f"{said} : attendez {count} {unit}{plural(count)} avant d’en saisir un autre.")


@transaction.atomic
def begin_enrolment(*, user: User) -> TOTPDevice:
    """Give the person a new key to put in an authenticator; the former one serves until the new one is confirmed."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()
    return TOTPDevice.objects.create(user=user, name="application", confirmed=False)


def confirm_enrolment(*, user: User, code: str) -> tuple[TOTPDevice, list[str]]:
    """Confirm the new key by a code; return the authenticator and ten recovery codes, shown once.

    Raises:
        RefusedError: nothing to confirm, or a wrong code.
    """
    device = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").last()
    if device is None:
        raise RefusedError("Il n’y a pas d’activation en cours. Commencez par afficher un nouveau code à scanner.")
    _refuse_while_waiting(device)
    if verify_token(user, device.persistent_id, re.sub(r"\s", "", code)) is None:
        raise RefusedError(
            "Ce code n’est pas celui que votre application devrait afficher. Vérifiez que l’heure de votre téléphone est "
            "réglée automatiquement, puis saisissez le code suivant."
        )
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=True).delete()
        device.refresh_from_db()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        codes = _new_recovery_codes(user)
    return device, codes


@transaction.atomic
def renew_recovery_codes(*, user: User) -> list[str]:
    """Replace the recovery codes of a person by ten new ones, shown once."""
    return _new_recovery_codes(user)


@transaction.atomic
def remove_second_factor(*, user: User) -> None:
    """Take the second factor away from an account that is free to have none.

    Raises:
        RefusedError: the account acts for an authority.
    """
    if user.is_staff or Mandate.objects.of(user).active(timezone.localdate()).exists():
        raise RefusedError("Le second facteur est obligatoire pour agir au nom d’une autorité.")
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes a person has not used yet."""
    return StaticToken.objects.filter(device__user=user).count()


def _new_recovery_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="codes de secours", confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=device, token=code) for code in codes])
    return codes


# Invitations -----------------------------------------------------------------------------------------------------


class InvitationState(StrEnum):
    """What a link is worth at an instant."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Person:
    """What a person says of themselves to open an account."""

    first_name: str
    last_name: str
    password: str
    civility: str = ""


def token_hash(token: str) -> str:
    """Return what is kept of the secret of a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def state_of(invitation: Invitation, *, at: datetime) -> InvitationState:
    """Tell what an invitation is worth at an instant."""
    if invitation.accepted_at is not None:
        return InvitationState.USED
    if invitation.cancelled_at is not None:
        return InvitationState.CANCELLED
    return InvitationState.EXPIRED if invitation.expires_at <= at else InvitationState.OPEN


@transaction.atomic
def invite(
    *,
    email: str,
    at: datetime,
    invited_by: User | None = None,
    mandate_fields: Mapping[str, Any] | None = None,
    membership_fields: Mapping[str, Any] | None = None,
    days: int | None = None,
) -> tuple[Invitation, str]:
    """Open a single-use link for an address; return the invitation and the secret of its link, which is not kept.

    The caller checked that what is promised may be promised. A new link for the same promise ends the former one.
    ``days`` is how long it is worth, ``INVITATION_DAYS`` unless told.
    """
    address = email.strip().lower()
    promise = {
        "mandate_fields": dict(mandate_fields) if mandate_fields is not None else None,
        "membership_fields": dict(membership_fields) if membership_fields is not None else None,
    }
    Invitation.objects.pending(at).filter(email=address, **_same(promise)).update(expires_at=at)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=address,
        token_hash=token_hash(token),
        invited_by=invited_by,
        created_at=at,
        expires_at=at + timedelta(days=days or settings.INVITATION_DAYS),
        **promise,
    )
    return invitation, token


def _same(promise: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}__isnull": True for name, value in promise.items() if value is None} | {
        name: value for name, value in promise.items() if value is not None
    }


@transaction.atomic
def cancel_invitation(*, invitation: Invitation, at: datetime) -> None:
    """End the link of an invitation that has not served. The caller checked who may.

    Raises:
        RefusedError: it was accepted, cancelled or replaced in the meantime, or it expired.
    """
    invitation = lock(invitation)
    match state_of(invitation, at=at):
        case InvitationState.USED:
            raise RefusedError(
                "Cette invitation vient d’être acceptée : elle ne s’annule plus. L’accès, lui, peut être retiré."
            )
        case InvitationState.CANCELLED:
            raise RefusedError("Cette invitation est déjà annulée : son lien ne sert plus.")
        case InvitationState.EXPIRED:
            raise RefusedError(
                "Cette invitation n’est plus valable, ou une plus récente l’a remplacée : rien n’a changé."
            )
    Invitation.objects.filter(pk=invitation.pk).update(cancelled_at=at)


def accept_invitation(*, token: str, at: datetime, user: User | None = None, person: Person | None = None) -> User:
    """Use a link up: open the account when there is none, and give the mandate that was promised.

    ``user`` is the signed-in account; without it ``person`` opens one. An access to a structure is given right after, by
    what :func:`give_accesses_with` declared: its rows are locked in another order than those of an invitation.

    Raises:
        RefusedError: unknown, used or expired link, another address, or a promise that no longer holds.
    """
    try:
        with transaction.atomic():
            accepted = _accept(token, at=at, user=user, person=person)
    except IntegrityError as error:
        if "mandate_no_overlap" in str(error):
            raise RefusedError(
                "Vous avez déjà une habilitation de cette autorité sur ce territoire et cette période : rien n’a été ajouté."
            ) from error
        if "territories_user_email" in str(error):
            raise RefusedError(_ACCOUNT_EXISTS) from error
        raise
    for give in _ACCESSES:
        give(user=accepted, at=at)
    return accepted


def _accept(token: str, *, at: datetime, user: User | None, person: Person | None) -> User:
    invitation = Invitation.objects.select_for_update(of=("self",)).filter(token_hash=token_hash(token)).first()
    if invitation is None:
        raise RefusedError("Ce lien d’invitation n’existe pas. Vérifiez qu’il a été copié en entier.")
    match state_of(invitation, at=at):
        case InvitationState.USED:
            raise RefusedError("Cette invitation a déjà servi. Connectez-vous avec votre compte.")
        case InvitationState.CANCELLED:
            raise RefusedError(
                "Cette invitation a été annulée par la structure ou le service qui l’avait envoyée. Demandez-en une nouvelle "
                "s’il s’agit d’une erreur."
            )
        case InvitationState.EXPIRED:
            raise RefusedError("Cette invitation a expiré. Demandez-en une nouvelle à la personne qui vous a invité.")
    if user is not None and user.email != invitation.email:
        raise RefusedError("Cette invitation est destinée à une autre adresse que celle de votre compte.")
    if user is None:
        if User.objects.filter(email=invitation.email).exists():
            raise RefusedError(_ACCOUNT_EXISTS)
        if person is None:
            raise RefusedError("Indiquez votre nom et un mot de passe pour ouvrir votre compte.")
        user = User.objects.create_user(
            invitation.email,
            person.password,
            civility=person.civility,
            first_name=person.first_name.strip(),
            last_name=person.last_name.strip(),
            joined_at=at,
        )
    if invitation.mandate_fields is not None:
        _give_mandate(invitation, invitation.mandate_fields, user, at=at)
    invitation.accepted_at = at
    invitation.save(update_fields=["accepted_at"])
    return user


def _give_mandate(invitation: Invitation, promised: Mapping[str, Any], user: User, *, at: datetime) -> None:
    granter = Mandate.objects.select_related("authority", "departement").filter(pk=promised["granted_by"]).first()
    if granter is None or not granter.user.is_active or not granter.is_active(at):
        raise RefusedError(
            "L’habilitation de la personne qui vous a invité n’est plus en vigueur : demandez une nouvelle invitation à "
            "votre service."
        )
    until = date.fromisoformat(promised["until"]) if promised["until"] else None
    start = max(date.fromisoformat(promised["from"]), timezone.localdate(at))
    if until is not None and until <= start:
        raise RefusedError("La période de l’habilitation promise est terminée : demandez une nouvelle invitation.")
    signing = promised.get("signing", {})
    if signing and granter.role != Role.NATIONAL:
        raise RefusedError("Le droit de signer s’enregistre par l’équipe nationale : demandez une nouvelle invitation.")
    authority = Authority.objects.get(pk=promised["authority"])
    departement = Departement.objects.filter(pk=promised["departement"]).first()
    mandate = Mandate.objects.create(
        user=user,
        authority=authority,
        role=promised["role"],
        departement=departement,
        region_id=None if departement else promised["region"],
        valid=DateRange(start, until),
        **{name: date.fromisoformat(value) if name.endswith("_date") else value for name, value in signing.items()},
    )
    record_event(
        subject_type=Subject.MANDATE,
        subject_id=mandate.pk,
        action="grant",
        actor=granter,
        at=at,
        data={"invitation": invitation.pk, **({"signs": True} if signing else {})},
    )
