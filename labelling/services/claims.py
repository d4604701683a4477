"""How a person is recognised as answering for a structure: a code sent to the register's address, or a confirmation.

Before a claim is settled nobody has a membership: these services receive the person. Each step is an event of the claim.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from francesante.lib.text import readable
from francesante.lib.workflow import RefusedError
from labelling.choices import (
    AnnuaireAnswer,
    ClaimCheck,
    ClaimRefusal,
    ClaimState,
    MembershipRole,
    PointSource,
    Register,
    StructureKind,
)
from labelling.models import Claim, Completion, Membership, RegisterLine, Site, Structure
from labelling.rules.clock import nine_in_ten
from labelling.services.drafting import authorities_of
from labelling.services.register_search import closed_sentence
from territories.choices import Role, Subject
from territories.models import Authority, Departement, Mandate, User
from territories.services.events import Actor, lock, record_event

CODE_VALIDITY = timedelta(minutes=15)
MAX_TRIES = 5
MAX_CODES_PER_DAY = 5
"""Codes that one person may have sent in 24 hours: with five tries each, guessing stays hopeless."""

OPEN = (ClaimState.CODE_SENT, ClaimState.WAITING_AGENT)
BY_SIRET = (Register.ANNUAIRE, Register.DECLARED)
"""Registers that know an establishment by its SIRET alone."""
_SIRET_LOCK = 0x7E221704
"""Advisory locks of SIRET numbers."""


def masked_email(address: str) -> str:
    """Return ``a•••@exemple.fr``: enough to recognise an address, not to learn it."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}•••@{domain}"


def has_owner(line: RegisterLine) -> bool:
    """Tell whether somebody already answers for the structure of a line."""
    return Membership.objects.filter(
        structure__in=structures_of(line), role=MembershipRole.OWNER, ended_at__isnull=True
    ).exists()


def structures_of(line: RegisterLine) -> QuerySet[Structure]:
    """Return the structure that a line means: its own, that of its FINESS number, or that of its SIRET.

    Two places of care may share a SIRET: a line that has a FINESS number does not mean a structure that has another.
    """
    meant = Q(register_line=line)
    if line.register == Register.FINESS:
        meant |= Q(finess=line.number)
    if line.siret:
        by_siret = Q(siret=line.siret)
        meant |= by_siret if line.register in BY_SIRET else by_siret & Q(finess__isnull=True)
    return Structure.objects.filter(meant)


def _waiting_on(structure: Structure) -> QuerySet[Claim]:
    """Return the claims that mean a structure and wait for somebody."""
    meant = Q(line__structure=structure)
    if structure.finess:
        meant |= Q(line__number=structure.finess, line__register=Register.FINESS)
    if structure.siret:
        by_siret = Q(line__siret=structure.siret)
        meant |= by_siret & Q(line__register__in=BY_SIRET) if structure.finess else by_siret
    return Claim.objects.filter(meant, state=ClaimState.WAITING_AGENT)


def hold_siret(siret: str) -> None:
    """Hold a SIRET until the end of the transaction: several lines may name it, and make one structure."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_SIRET_LOCK, siret])


@transaction.atomic
def start_claim(
    *, user: User, line: RegisterLine, without_code: bool = False, kind: str = "", at: datetime
) -> tuple[Claim, str]:
    """Open a claim, or renew the person's own; return it with the code to send, empty when somebody must confirm.

    ``kind``: the type of structure that the person says, where no register does.

    Somebody must confirm when the register has no address, when the person cannot read it (``without_code``), or when
    the structure already has an owner.

    Raises:
        RefusedError: the register says the place closed, the person already has access, already waits for a
            confirmation, or asked for too many codes.
    """
    line = RegisterLine.objects.select_for_update(of=("self",)).get(pk=line.pk)
    if line.closed_on:
        raise RefusedError(closed_sentence(line))
    if Membership.objects.of(user).filter(structure__in=structures_of(line)).exists():
        raise RefusedError("Vous avez déjà accès à cette structure : retrouvez-la dans « Candidature ».")
    current = Claim.objects.filter(user=user, line=line, state__in=OPEN).first()
    if current is not None and current.state == ClaimState.WAITING_AGENT:
        raise RefusedError("Votre demande attend déjà une confirmation : vous serez prévenu par courriel.")
    if current is not None:
        _close(current, ClaimState.REJECTED, action="renew", actor=None, at=at)
    if without_code or not line.email or has_owner(line):
        claim = Claim.objects.create(user=user, line=line, kind=kind, state=ClaimState.WAITING_AGENT, created_at=at)
        _record(claim, "ask", actor=None, at=at)
        return claim, ""
    recent = Claim.objects.filter(user=user, created_at__gt=at - timedelta(days=1)).exclude(code_hash="")
    if recent.count() >= MAX_CODES_PER_DAY:
        raise RefusedError(
            f"Vous avez demandé {MAX_CODES_PER_DAY} codes en 24 heures, c’est le maximum. Attendez demain, ou demandez la "
            "confirmation d’un agent."
        )
    code = f"{secrets.randbelow(10**6):06}"
    sent = ClaimState.CODE_SENT
    claim = Claim(user=user, line=line, kind=kind, state=sent, created_at=at, expires_at=at + CODE_VALIDITY)
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
        "user", "line__commune__departement", "line__structure", "line__completion__answer__commune"
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
    return _waiting_on(structure).select_related("user", "line").order_by("created_at", "pk")


def usual_wait(departement: Departement, *, at: datetime) -> int | None:
    """Return the days within which agents settled nine claims in ten in a région over the last year; nothing for a few."""
    settled = Claim.objects.filter(
        line__commune__departement__region=departement.region_id,
        settled_by__isnull=False,
        settled_at__gte=at - timedelta(days=365),
    ).values_list("created_at", "settled_at")
    days = [(ended - asked).days + 1 for asked, ended in settled if ended]
    return nine_in_ten(days, at_least=settings.USUAL_DAYS_MIN_FILES)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A claim that waits, in words for its person: who answers it, and within how many days as a rule, when that is known."""

    claim: Claim
    owned: bool
    authorities: list[Authority]
    days: int | None


def claims_waiting_of(user: User, *, at: datetime) -> list[Waiting]:
    """Return the claims of a person that wait for somebody, the oldest first."""
    claims = Claim.objects.filter(user=user, state=ClaimState.WAITING_AGENT).select_related(
        "line__commune__departement", "line__structure"
    )
    found = []
    for claim in claims.order_by("created_at", "pk"):
        departement = claim.line.commune.departement
        authorities = list(authorities_of(departement).values())
        found.append(Waiting(claim, has_owner(claim.line), authorities, usual_wait(departement, at=at)))
    return found


@transaction.atomic
def settle_claim(
    *, claim: Claim, by: Mandate | Membership, accept: bool, checked: str = "", reason: str = "", at: datetime
) -> Membership | None:
    """Confirm or reject a claim that waits for somebody.

    An agent recognises an owner, and says how they were verified (``checked``, of :class:`ClaimCheck`); an owner lets a
    colleague edit. Who rejects gives a ``reason`` (of :class:`ClaimRefusal`), which the person is told.

    Raises:
        RefusedError: the mandate does not cover the département, the membership is not the owner's, somebody else
            settled the claim, or what was verified, or the reason, is missing.
    """
    RegisterLine.objects.select_for_update(of=("self",)).get(pk=claim.line_id)
    claim = lock(claim)
    _require_judge(claim, by, at=at)
    if claim.state != ClaimState.WAITING_AGENT:
        raise RefusedError("Cette demande vient d’être réglée : rien n’a changé.")
    if accept:
        if isinstance(by, Mandate):
            if checked not in ClaimCheck.values:
                raise RefusedError("Dites comment vous avez vérifié que cette personne répond de la structure.")
            return _recognise(claim, MembershipRole.OWNER, by=by, at=at, checked=checked)
        return _recognise(claim, MembershipRole.EDITOR, by=by, at=at)
    if reason not in ClaimRefusal.values:
        raise RefusedError("Choisissez le motif du rejet : il est dit à la personne.")
    _close(claim, ClaimState.REJECTED, action="reject", actor=by, at=at, reason=reason)
    return None


def _require_judge(claim: Claim, by: Mandate | Membership, *, at: datetime) -> None:
    if isinstance(by, Mandate):
        if by.role != Role.AGENT or by.capacity is None or not by.is_active(at):
            raise RefusedError("Votre habilitation ne permet pas de régler cette demande.")
        if not by.covers(claim.line.commune.departement):
            raise RefusedError(f"Cette structure n’est pas dans votre territoire ({claim.line.commune.departement}).")
        return
    owner = by.role == MembershipRole.OWNER and by.ended_at is None
    if not owner or not structures_of(claim.line).filter(pk=by.structure_id).exists():
        raise RefusedError("Le responsable de la structure peut régler cette demande ; votre compte ne le permet pas.")


def _recognise(
    claim: Claim, role: MembershipRole, *, by: Mandate | Membership | None, at: datetime, **said: str
) -> Membership:
    structure = structure_of(claim.line, kind=claim.kind, at=at)
    membership, made = Membership.objects.get_or_create(
        user=claim.user, structure=structure, ended_at=None, defaults={"role": role, "started_at": at}
    )
    _close(claim, ClaimState.CONFIRMED, action="confirm", actor=by or membership, at=at, **said)
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


def structure_of(line: RegisterLine, *, kind: str = "", at: datetime) -> Structure:
    """Return the structure of a line of a register, created from it when absent. The caller holds the line's lock.

    Names and addresses that the register writes in capitals are set as people write them; the line keeps its own.
    A line without a point gets that of its commune's town hall. ``kind``: the type that the person said; without it,
    that of the line, or « autre lieu ». What a person described themselves is completed by what the Annuaire answered.
    """
    if line.siret:
        hold_siret(line.siret)
    finess = line.number if line.register == Register.FINESS else None
    found = sorted(structures_of(line), key=lambda one: (one.register_line_id != line.pk, one.finess != finess, one.pk))
    if found:
        return found[0]
    commune = line.commune
    structure = Structure.objects.create(
        kind=kind or line.kind or StructureKind.OTHER,
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
    known = line.latitude is not None
    located = line if known else commune
    source = PointSource.REGISTER if known else PointSource.COMMUNE if commune.latitude is not None else ""
    Site.objects.create(
        structure=structure,
        is_main=True,
        address=readable(line.address),
        postal_code=line.postal_code,
        commune=commune,
        latitude=located.latitude,
        longitude=located.longitude,
        point_source=source,
        locate_at=at if line.address and not known else None,
    )
    record_event(
        subject_type=Subject.STRUCTURE,
        subject_id=structure.pk,
        action="create",
        actor=None,
        at=at,
        data={"line": line.pk, "register": str(line.register)},
    )
    answered = Completion.objects.filter(line=line, outcome=AnnuaireAnswer.FOUND).select_related("answer").first()
    if answered and answered.answer:
        fill_gaps(structure, answered.answer, at=at)
    return structure


def fill_gaps(structure: Structure, line: RegisterLine, *, at: datetime) -> list[str]:
    """Give a structure what it does not say and a line does, in the same commune; return the fields. Nothing is replaced."""
    if line.commune_id != structure.commune_id:
        return []
    # An address is one thing: a postal code of one does not complete the street of the other.
    names = () if structure.address else ("address", "postal_code")
    filled = {name: readable(getattr(line, name)) for name in names if getattr(line, name)}
    if filled:
        Structure.objects.filter(pk=structure.pk).update(**filled)
        structure.sites.filter(is_main=True, address="").update(**filled, locate_at=at)
        for name, value in filled.items():
            setattr(structure, name, value)
    return list(filled)


def _close(claim: Claim, state: ClaimState, *, action: str, actor: Actor | None, at: datetime, **said: str) -> None:
    before = claim.state
    Claim.objects.filter(pk=claim.pk).update(
        state=state, settled_at=at, settled_by=actor if isinstance(actor, Mandate) else None
    )
    claim.refresh_from_db()
    _record(claim, action, actor=actor, at=at, before=before, **said)


def _record(claim: Claim, action: str, *, actor: Actor | None, at: datetime, before: str = "", **said: str) -> None:
    state = Claim.objects.values_list("state", flat=True).get(pk=claim.pk)
    record_event(
        subject_type=Subject.CLAIM,
        subject_id=claim.pk,
        action=action,
        actor=actor,
        at=at,
        from_state=before,
        to_state=state,
        data={"line": claim.line_id, "user": claim.user_id, **said},
    )


def _code_hash(claim: Claim, code: str) -> str:
    """Return what is kept of a code: keyed by the portal's secret, so that the database alone gives nothing away."""
    salt = f"labelling.claim.{claim.user_id}.{claim.line_id}.{claim.created_at.timestamp()}"
    return salted_hmac(salt, code, algorithm="sha256").hexdigest()
