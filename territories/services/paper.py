"""The paper original, an alternative to a click: one agent files the signed scan, another confirms it (DESIGN §4.2).

Confirmed, it is a signature like another: same locks, same uniqueness, same effects.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Q, QuerySet
from django.utils import timezone

from francesante.lib.canonical import sha256_hex
from francesante.lib.files import require_pdf
from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from territories.choices import Capacity, DecisionState, Role, SignatureMeans, Subject
from territories.models import Decision, Mandate, PaperOriginal
from territories.services.decisions import sign_decision
from territories.services.events import lock, record_event

PRINTED_DIGITS = 8
"""Digits of the hash that the confirming agent reads on the paper and types: the last two groups of four."""


def require_agent(decision: Decision, mandate: Mandate, *, at: datetime) -> Capacity:
    """Return the capacity for which a mandate files and confirms originals: that of its authority.

    Raises:
        RefusedError: not an agent of an authority that signs this decision, or not on its territory.
    """
    capacity = mandate.capacity
    if mandate.role != Role.AGENT or capacity is None or capacity not in decision.required:
        raise RefusedError(
            "Un original papier est déposé et confirmé par les agents d’une autorité qui signe la décision."
        )
    if not mandate.covers(decision.departement) or not mandate.is_active(at):
        raise RefusedError("Votre habilitation ne couvre pas ce département à ce jour. Rien n’a été enregistré.")
    return capacity


def signatories(decision: Decision, mandate: Mandate, *, at: datetime) -> QuerySet[Mandate]:
    """Return who may have signed for the mandate's authority since the proposal: a right that ended since then counted."""
    here = decision.departement
    territory = Q(departement=here) | Q(region=here.region_id) | Q(region__isnull=True, departement__isnull=True)
    since = DateRange(timezone.localdate(decision.proposed_at), timezone.localdate(at), "[]")
    return (
        Mandate.objects.filter(territory, authority=mandate.authority_id, valid__overlap=since)
        .exclude(signing_as="")
        .select_related("user", "authority", "region", "departement")
        .order_by("user__last_name", "pk")
    )


@transaction.atomic
def file_original(
    *,
    decision: Decision,
    mandate: Mandate,
    signatory: Mandate,
    signed_date: date,
    name: str,
    scan: bytes,
    at: datetime,
) -> PaperOriginal:
    """Keep the scan of a decision signed by hand for the mandate's authority; it waits for another agent.

    Raises:
        RefusedError: the mandate may not, the signatory could not sign on that day, the file is no PDF, the capacity has
            signed already, or an original waits already.
    """
    capacity = require_agent(decision, mandate, at=at)
    current = lock(decision)
    if current.state != DecisionState.PROPOSED:
        raise RefusedError("Cette décision n’attend plus de signature : un original ne peut plus être déposé.")
    if current.signatures.filter(capacity=capacity).exists():
        raise RefusedError(f"Cette décision est déjà signée en qualité de {capacity.label}.")
    if current.paper_originals.filter(capacity=capacity, rejected_at__isnull=True).exists():
        raise RefusedError("Un original papier attend déjà sa confirmation : confirmez-le, ou écartez-le d’abord.")
    signed_at = _instant(current, signed_date, at=at)
    _require_signatory(current, signatory, mandate, signed_at=signed_at)
    require_pdf(name, scan, max_bytes=settings.UPLOAD_MAX_BYTES)
    original = PaperOriginal.objects.create(
        decision=current,
        capacity=capacity,
        signatory=signatory,
        signatory_name=signatory.user.full_name,
        signatory_title=signatory.signing_title,
        signed_date=signed_date,
        content_hash=current.content_hash,
        scan=scan,
        scan_hash=sha256_hex(scan),
        filed_by=mandate,
        filed_at=at,
    )
    _record(original, current, "file_paper", mandate, at=at)
    return original


def _instant(decision: Decision, signed_date: date, *, at: datetime) -> datetime:
    """Return the instant at which a paper signature counts: noon of its day, after the proposal and before now."""
    zone = ZoneInfo(decision.departement.timezone)
    if not decision.proposed_at.astimezone(zone).date() <= signed_date <= at.astimezone(zone).date():
        raise RefusedError(
            f"Un original se signe entre la présentation de la décision, le {long_date(decision.proposed_at)}, et "
            "aujourd’hui. Rien n’a été enregistré ; vérifiez la date de signature."
        )
    noon = datetime(signed_date.year, signed_date.month, signed_date.day, 12, tzinfo=zone)
    return min(at, max(decision.proposed_at, noon))


def _require_signatory(decision: Decision, signatory: Mandate, mandate: Mandate, *, signed_at: datetime) -> None:
    if signatory.authority_id != mandate.authority_id or not signatory.covers(decision.departement):
        raise RefusedError(
            "Ce signataire n’est pas de votre autorité, ou son habilitation ne couvre pas ce département."
        )
    if not signatory.may_sign(signed_at):
        raise RefusedError(
            f"Au {long_date(signed_at)}, {signatory.user.full_name} n’avait pas le droit de signer, ou son acte n’était pas "
            "encore publié. Rien n’a été enregistré."
        )


@transaction.atomic
def confirm_original(
    *, original: PaperOriginal, mandate: Mandate, content_hash: str, printed: str, at: datetime
) -> Decision:
    """Confirm that the scan reads the content to be signed: the signature takes effect, as by a click.

    ``content_hash`` is the hash of the content that the agent was shown, ``printed`` the last groups of digits that they
    read on the paper. The second factor was confirmed by the caller.

    Raises:
        RefusedError: the same person filed it, another authority, other digits, or the signature is refused.
        StaleError: the original or the content is no longer the one that was shown.
    """
    check_confirmation(original=original, mandate=mandate, content_hash=content_hash, printed=printed, at=at)
    decision = original.decision
    signed = sign_decision(
        decision=decision,
        mandate=original.signatory,
        content_hash=original.content_hash,
        at=at,
        means=SignatureMeans.PAPER,
        signed_at=_instant(decision, original.signed_date, at=at),
    )
    _settle(original, confirmed_by=mandate, confirmed_at=at)
    _record(original, signed, "confirm_paper", mandate, at=at)
    return signed


def check_confirmation(
    *, original: PaperOriginal, mandate: Mandate, content_hash: str, printed: str, at: datetime
) -> None:
    """Check what an agent read on the paper: asked before a code is used up.

    Raises:
        RefusedError: as :func:`confirm_original`.
        StaleError: as :func:`confirm_original`.
    """
    decision = original.decision
    capacity = require_agent(decision, mandate, at=at)
    if capacity != original.capacity or mandate.authority_id != original.filed_by.authority_id:
        raise RefusedError("Cet original est celui d’une autre autorité : c’est à ses agents de le confirmer.")
    if mandate.user_id == original.filed_by.user_id:
        raise RefusedError("Vous avez déposé cet original : un autre agent de votre autorité le confirme.")
    if not original.is_pending:
        raise StaleError("Cet original n’attend plus de confirmation. Rien n’a été enregistré ; relisez la page.")
    if content_hash != decision.content_hash or original.content_hash != decision.content_hash:
        raise StaleError(
            "Le contenu de cette décision n’est pas celui que l’original porte. Rien n’a été enregistré ; relisez la page."
        )
    if re.sub(r"[^0-9a-f]", "", printed.lower()) != decision.content_hash[-PRINTED_DIGITS:]:
        raise RefusedError(
            "Ces chiffres ne sont pas ceux de l’empreinte de la décision : l’original ne porte peut-être pas ce contenu. "
            "Relisez le bas de ses pages ; s’ils diffèrent, écartez l’original."
        )


@transaction.atomic
def reject_original(*, original: PaperOriginal, mandate: Mandate, reason: str, at: datetime) -> PaperOriginal:
    """Set aside an original that does not read the content, or was filed by mistake; another may then be filed.

    Raises:
        RefusedError: another authority, or no reason.
        StaleError: it no longer waits.
    """
    decision = lock(original.decision)
    if require_agent(decision, mandate, at=at) != original.capacity:
        raise RefusedError("Cet original est celui d’une autre autorité : c’est à ses agents de l’écarter.")
    if not reason.strip():
        raise RefusedError("Dites pourquoi l’original est écarté : celui qui l’a déposé le lira.")
    _settle(original, rejected_by=mandate, rejected_at=at, rejection_reason=reason.strip())
    _record(original, decision, "reject_paper", mandate, at=at)
    return original


def _settle(original: PaperOriginal, **fields: object) -> None:
    pending = PaperOriginal.objects.filter(pk=original.pk, confirmed_at__isnull=True, rejected_at__isnull=True)
    try:
        settled = pending.update(**fields)
    except IntegrityError as error:
        if "another person" in str(error):
            raise RefusedError("Un original est confirmé par un autre agent que celui qui l’a déposé.") from error
        raise
    if not settled:
        raise StaleError("Cet original n’attend plus de confirmation. Rien n’a été enregistré ; relisez la page.")
    original.refresh_from_db()


def _record(original: PaperOriginal, decision: Decision, action: str, mandate: Mandate, *, at: datetime) -> None:
    record_event(
        subject_type=Subject.DECISION,
        subject_id=decision.pk,
        action=action,
        actor=mandate,
        at=at,
        from_state=decision.state,
        to_state=decision.state,
        data={"original": original.pk, "capacity": original.capacity, "scan_hash": original.scan_hash},
    )
