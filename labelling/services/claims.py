"""How a person is recognised as answering for a structure: a code sent to the register's address, or a confirmation.

Before a claim is settled nobody has a membership: these services receive the person. Each step is an event of the claim.
"""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from francesante.lib.text import readable
from francesante.lib.workflow import RefusedError
from labelling.choices import ClaimState, MembershipRole, Register, StructureKind
from labelling.models import Claim, Membership, RegisterLine, Site, Structure
from labelling.services.register_search import closed_sentence
from territories.choices import Role, Subject
from territories.models import Mandate, User
from territories.services.events import Actor, lock, record_event

CODE_VALIDITY = timedelta(minutes=15)
MAX_TRIES = 5
MAX_CODES_PER_DAY = 5
"""Codes that one person may have sent in 24 hours: with five tries each, guessing stays hopeless."""

OPEN = (ClaimState.CODE_SENT, ClaimState.WAITING_AGENT)


def masked_email(address: str) -> str:
    """Return ``a•••@exemple.fr``: enough to recognise an address, not to learn it."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}•••@{domain}"


def has_owner(line: RegisterLine) -> bool:
    """Tell whether somebody already answers for the structure of a line."""
    return Membership.objects.filter(
        structure__register_line=line, role=MembershipRole.OWNER, ended_at__isnull=True
    ).exists()


@transaction.atomic
def start_claim(*, user: User, line: RegisterLine, without_code: bool = False, at: datetime) -> tuple[Claim, str]:
    """Open a claim, or renew the person's own; return it with the code to send, empty when somebody must confirm.

    Somebody must confirm when the register has no address, when the person cannot read it (``without_code``), or when
    the structure already has an owner.

    Raises:
        RefusedError: the register says the place closed, the person already has access, already waits for a
            confirmation, or asked for too many codes.
    """
    line = RegisterLine.objects.select_for_update(of=("self",)).get(pk=line.pk)
    if line.closed_on:
        raise RefusedError(closed_sentence(line))
    if Membership.objects.of(user).filter(structure__register_line=line).exists():
        raise RefusedError("Vous avez déjà accès à cette structure : retrouvez-la dans « Candidature ».")
    current = Claim.objects.filter(user=user, line=line, state__in=OPEN).first()
    if current is not None and current.state == ClaimState.WAITING_AGENT:
        raise RefusedError("Votre demande attend déjà une confirmation : vous serez prévenu par courriel.")
    if current is not None:
        _close(current, ClaimState.REJECTED, action="renew", actor=None, at=at)
    if without_code or not line.email or has_owner(line):
        claim = Claim.objects.create(user=user, line=line, state=ClaimState.WAITING_AGENT, created_at=at)
        _record(claim, "ask", actor=None, at=at)
        return claim, ""
    recent = Claim.objects.filter(user=user, created_at__gt=at - timedelta(days=1)).exclude(code_hash="")
    if recent.count() >= MAX_CODES_PER_DAY:
        raise RefusedError(
            f"Vous avez demandé {MAX_CODES_PER_DAY} codes en 24 heures, c’est le maximum. Attendez demain, ou demandez la "
            "confirmation d’un agent."
        )
    code = f"{secrets.randbelow(10**6):06}"
    claim = Claim(user=user, line=line, state=ClaimState.CODE_SENT, created_at=at, expires_at=at + CODE_VALIDITY)
    claim.code_hash = _code_hash(claim, code)
    claim.save(force_insert=True)
    _record(claim, "send_code", actor=None, at=at)
    return claim, code


def confirm_by_code(*, claim: Claim, user: User, code: str, at: datetime) -> Membership:
    """Settle a claim with the code that was sent; the person becomes the owner of the structure's account.

    Raises:
        RefusedError: wrong, expired or exhausted code (the try is counted), or a claim that no longer waits for one.
    """
    with transaction.atomic():
        # The line first, as everywhere: two people may claim it at once.
        RegisterLine.objects.select_for_update(of=("self",)).get(pk=claim.line_id)
        claim = lock(claim)
        sentence = _unusable(claim, user, at=at)
        if not sentence:
            if constant_time_compare(claim.code_hash, _code_hash(claim, "".join(code.split()))):
                if not has_owner(claim.line):
                    return _recognise(claim, MembershipRole.OWNER, by=None, at=at)
                Claim.objects.filter(pk=claim.pk).update(state=ClaimState.WAITING_AGENT, code_hash="", expires_at=None)
                _record(claim, "ask", actor=None, at=at)
                sentence = (
                    "Une autre personne vient d’être reconnue responsable de cette structure : votre demande attend sa "
                    "confirmation, ou celle d’un agent."
                )
            else:
                claim.attempts += 1
                Claim.objects.filter(pk=claim.pk).update(attempts=claim.attempts)
                sentence = _wrong(MAX_TRIES - claim.attempts)
    raise RefusedError(sentence)


def _unusable(claim: Claim, user: User, *, at: datetime) -> str:
    """Say why a code can no longer settle a claim, or nothing."""
    if claim.user_id != user.pk or claim.state != ClaimState.CODE_SENT:
        return "Cette demande n’attend plus de code."
    if claim.attempts >= MAX_TRIES:
        return _wrong(0)
    if claim.expires_at is None or at >= claim.expires_at:
        return "Ce code a expiré : il valait quinze minutes. Demandez-en un nouveau."
    return ""


def _wrong(left: int) -> str:
    if left:
        return f"Ce code n’est pas le bon. Il vous reste {left} essai{'s' if left > 1 else ''}."
    return "Cinq codes faux : ce code ne sert plus. Demandez-en un nouveau, ou la confirmation d’un agent."


def waiting_claims(mandate: Mandate) -> QuerySet[Claim]:
    """Return the claims that an agent may settle, oldest first; none for the other roles."""
    waiting = Claim.objects.filter(state=ClaimState.WAITING_AGENT).select_related(
        "user", "line__commune__departement", "line__structure"
    )
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return waiting.none()
    if mandate.departement_id:
        waiting = waiting.filter(line__commune__departement=mandate.departement_id)
    elif mandate.region_id:
        waiting = waiting.filter(line__commune__departement__region=mandate.region_id)
    return waiting.order_by("created_at", "pk")


def claims_of_structure(structure: Structure) -> QuerySet[Claim]:
    """Return the claims on a structure that its owner may settle."""
    return (
        Claim.objects.filter(state=ClaimState.WAITING_AGENT, line__structure=structure)
        .select_related("user")
        .order_by("created_at", "pk")
    )


@transaction.atomic
def settle_claim(*, claim: Claim, by: Mandate | Membership, accept: bool, at: datetime) -> Membership | None:
    """Confirm or reject a claim that waits for somebody.

    An agent recognises an owner; an owner lets a colleague edit.

    Raises:
        RefusedError: the mandate does not cover the département, the membership is not the owner's, or somebody else
            settled the claim.
    """
    RegisterLine.objects.select_for_update(of=("self",)).get(pk=claim.line_id)
    claim = lock(claim)
    _require_judge(claim, by, at=at)
    if claim.state != ClaimState.WAITING_AGENT:
        raise RefusedError("Cette demande vient d’être réglée : rien n’a changé.")
    if accept:
        role = MembershipRole.OWNER if isinstance(by, Mandate) else MembershipRole.EDITOR
        return _recognise(claim, role, by=by, at=at)
    _close(claim, ClaimState.REJECTED, action="reject", actor=by, at=at)
    return None


def _require_judge(claim: Claim, by: Mandate | Membership, *, at: datetime) -> None:
    if isinstance(by, Mandate):
        if by.role != Role.AGENT or by.capacity is None or not by.is_active(at):
            raise RefusedError("Votre habilitation ne permet pas de régler cette demande.")
        if not by.covers(claim.line.commune.departement):
            raise RefusedError(f"Cette structure n’est pas dans votre territoire ({claim.line.commune.departement}).")
        return
    owner = by.role == MembershipRole.OWNER and by.ended_at is None
    if not owner or by.structure.register_line_id != claim.line_id:
        raise RefusedError("Le responsable de la structure peut régler cette demande ; votre compte ne le permet pas.")


def _recognise(claim: Claim, role: MembershipRole, *, by: Mandate | Membership | None, at: datetime) -> Membership:
    structure = structure_of(claim.line, at=at)
    membership, made = Membership.objects.get_or_create(
        user=claim.user, structure=structure, ended_at=None, defaults={"role": role, "started_at": at}
    )
    _close(claim, ClaimState.CONFIRMED, action="confirm", actor=by or membership, at=at)
    if made:
        record_event(
            subject_type=Subject.STRUCTURE,
            subject_id=structure.pk,
            action="give_access",
            actor=by or membership,
            at=at,
            data={"membership": membership.pk, "role": str(role), "claim": claim.pk},
        )
    return membership


def structure_of(line: RegisterLine, *, at: datetime) -> Structure:
    """Return the structure of a line of a register, created from it when absent. The caller holds the line's lock.

    Names and addresses that the register writes in capitals are set as people write them; the line keeps its own.
    A line without a point gets that of its commune's town hall. A line without a proposed type gives « autre lieu ».
    """
    finess = line.number if line.register == Register.FINESS else None
    found = Structure.objects.filter(register_line=line).first()
    if found is None and finess:
        found = Structure.objects.filter(finess=finess).first()
    if found is not None:
        return found
    commune = line.commune
    structure = Structure.objects.create(
        kind=line.kind or StructureKind.OTHER,
        name=readable(line.name),
        sort_key=line.sort_key,
        finess=finess,
        siret=line.siret,
        commune=commune,
        departement=commune.departement,
        address=readable(line.address),
        postal_code=line.postal_code,
        phone=line.phone,
        email=line.email,
        register_line=line,
    )
    located = line if line.latitude is not None else commune
    Site.objects.create(
        structure=structure,
        is_main=True,
        address=readable(line.address),
        postal_code=line.postal_code,
        commune=commune,
        latitude=located.latitude,
        longitude=located.longitude,
    )
    record_event(
        subject_type=Subject.STRUCTURE,
        subject_id=structure.pk,
        action="create",
        actor=None,
        at=at,
        data={"line": line.pk, "register": str(line.register)},
    )
    return structure


def _close(claim: Claim, state: ClaimState, *, action: str, actor: Actor | None, at: datetime) -> None:
    before = claim.state
    Claim.objects.filter(pk=claim.pk).update(
        state=state, settled_at=at, settled_by=actor if isinstance(actor, Mandate) else None
    )
    claim.refresh_from_db()
    _record(claim, action, actor=actor, at=at, before=before)


def _record(claim: Claim, action: str, *, actor: Actor | None, at: datetime, before: str = "") -> None:
    state = Claim.objects.values_list("state", flat=True).get(pk=claim.pk)
    record_event(
        subject_type=Subject.CLAIM,
        subject_id=claim.pk,
        action=action,
        actor=actor,
        at=at,
        from_state=before,
        to_state=state,
        data={"line": claim.line_id, "user": claim.user_id},
    )


def _code_hash(claim: Claim, code: str) -> str:
    """Return what is kept of a code: keyed by the portal's secret, so that the database alone gives nothing away."""
    salt = f"labelling.claim.{claim.user_id}.{claim.line_id}.{claim.created_at.timestamp()}"
    return salted_hmac(salt, code, algorithm="sha256").hexdigest()
