"""Grants: proposed by an agent, decided only by signatures, paid within their amount.

Locks: grant, then envelope. Money is reserved when a decision is presented, committed at its last signature, released
when a signatory declines.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from francesante.lib.french import NBSP, euros, long_date, typeset
from francesante.lib.workflow import RefusedError, StaleError, check
from funding.choices import GrantState, MovementKind
from funding.models import Envelope, Grant, Payment
from funding.rules import euros_in_words
from funding.services.envelopes import check_room, checked_amount, lock_envelope, move, reserve
from funding.services.freezes import freeze_of
from funding.workflow import TRANSITIONS
from labelling.models import Label
from labelling.services.drafting import authorities_of, signed_by
from labelling.services.summaries import about
from territories.choices import CAPACITY_OF_AUTHORITY, AuthorityKind, DecisionKind, Subject
from territories.models import Decision, Departement, Mandate
from territories.services.decisions import Summary, effect, propose_decision
from territories.services.events import lock, perform, record_event, write

AGENTS = frozenset({AuthorityKind.ARS, AuthorityKind.PREFECTURE})


def check_agent(mandate: Mandate | None, departement: Departement, *, at: datetime) -> Mandate:
    """Return the mandate if it may act on the money of a département at an instant: buttons and services both ask.

    Raises:
        RefusedError: reading only, elsewhere, or out of its period.
    """
    if mandate is None or mandate.hat not in AGENTS:
        raise RefusedError(
            "Votre habilitation permet de lire les financements, non d’en attribuer : un agent de l’ARS ou de la "
            "préfecture peut le faire."
        )
    if not mandate.covers(departement):
        raise RefusedError(
            f"Vous agissez pour{NBSP}: {mandate.territory_name}. Cette page relève de {departement} : si vous y avez une "
            "habilitation d’instruction, choisissez-la dans l’en-tête."
        )
    if not mandate.is_active(at):
        raise RefusedError("Cette habilitation n’est plus en vigueur. Rien n’a été enregistré.")
    return mandate


def propose_grant(
    *, label: Label, envelope: Envelope, amount: Decimal, purpose: str, mandate: Mandate, at: datetime
) -> Grant:
    """Propose an amount to a label in force, on an envelope that covers its place. Nothing is reserved yet.

    Raises:
        RefusedError: the label is not in force, the envelope is of another territory, too small, or already serves this
            label.
    """
    check_agent(mandate, label.departement, at=at)
    amount = checked_amount(amount)
    if not purpose.strip():
        raise RefusedError("Indiquez l’objet du financement : il figurera dans la décision.")
    if not envelope.covers(label.departement):
        raise RefusedError(
            f"L’enveloppe {envelope.short_title} ne couvre pas {label.departement}. Rien n’a été enregistré."
        )
    check_room(envelope, amount)
    try:
        with transaction.atomic():
            _check_in_force(lock(label), at=at)
            grant = Grant.objects.create(
                label=label,
                envelope=envelope,
                amount=amount,
                purpose=purpose.strip(),
                proposed_at=at,
                proposed_by=mandate,
            )
            record_event(
                subject_type=Subject.GRANT,
                subject_id=grant.pk,
                action="propose",
                actor=mandate,
                at=at,
                to_state=GrantState.PROPOSED,
                data={"label": label.pk, "envelope": envelope.pk, "amount": str(amount)},
            )
    except IntegrityError as error:
        raise RefusedError(
            "Ce label a déjà une attribution sur cette enveloppe. Rien n’a été enregistré : modifiez celle qui existe, ou "
            "choisissez une autre enveloppe."
        ) from error
    return grant


@transaction.atomic
def present_grant(*, grant: Grant, mandate: Mandate, at: datetime, version: int | None = None) -> Decision:
    """Reserve the amount and offer the decision to the signatures that the budget line requires.

    Raises:
        RefusedError: not proposed any more, label not in force, or the envelope is too small: nothing is reserved.
        StaleError: the grant changed since ``version``.
    """
    grant = _lock(grant)
    if version is not None and grant.version != version:
        raise StaleError
    label = grant.label
    check_agent(mandate, label.departement, at=at)
    check(TRANSITIONS, "present", state=grant.state, hat=mandate.hat, row=grant)
    _check_in_force(label, at=at)
    envelope = lock_envelope(grant.envelope_id)
    reserve(envelope, grant, mandate=mandate, at=at)
    decision = propose_decision(
        kind=DecisionKind.GRANT_AWARDED,
        subject_type=Subject.GRANT,
        subject_id=grant.pk,
        departement=label.departement,
        title=f"Attribution de {euros(grant.amount, 2)}{NBSP}: {label.structure.name}"[:250],
        content=content_of(grant, envelope),
        mandate=mandate,
        at=at,
        required=list(envelope.line.capacities),
    )
    perform(
        grant,
        "present",
        table=TRANSITIONS,
        subject_type=Subject.GRANT,
        actor=mandate,
        at=at,
        data={"decision": decision.pk, "amount": str(grant.amount)},
        decision=decision,
    )
    return decision


def cancel_grant(*, grant: Grant, mandate: Mandate, at: datetime, version: int | None = None) -> Grant:
    """Give up a proposed grant; nothing was reserved. The label can be proposed another one.

    Raises:
        RefusedError: already at the signature, or decided.
        StaleError: the grant changed since ``version``.
    """
    check_agent(mandate, grant.label.departement, at=at)
    perform(
        grant,
        "cancel",
        table=TRANSITIONS,
        subject_type=Subject.GRANT,
        actor=mandate,
        at=at,
        version=version,
        data={"amount": str(grant.amount)},
    )
    return grant


def may_pay(grant: Grant, mandate: Mandate | None, *, at: datetime) -> bool:
    """Tell whether :func:`record_payment` would accept this mandate: what the form asks."""
    try:
        _check_payer(grant, mandate, at=at)
    except RefusedError:
        return False
    return grant.unpaid > 0


def record_payment(
    *,
    grant: Grant,
    amount: Decimal,
    reference: str,
    paid_date: date,
    mandate: Mandate,
    at: datetime,
    version: int | None = None,
) -> Payment:
    """Record money paid on a committed grant. The same reference twice is one payment.

    Raises:
        RefusedError: not committed, more than what is left, a reference used for another payment, or made while the label
            was suspended or had ended by an act.
        StaleError: the grant changed since ``version``.
    """
    amount, reference = checked_amount(amount), reference.strip()
    if not reference:
        raise RefusedError("Indiquez la référence du versement : elle évite de l’enregistrer deux fois.")
    if paid_date > timezone.localdate(at):
        raise RefusedError("Un versement s’enregistre une fois fait : sa date ne peut pas être à venir.")
    try:
        with transaction.atomic():
            return _pay(grant, amount, reference, paid_date, mandate=mandate, at=at, version=version)
    except IntegrityError as error:
        raise RefusedError(_other_payment(reference)) from error


def _pay(
    grant: Grant,
    amount: Decimal,
    reference: str,
    paid_date: date,
    *,
    mandate: Mandate,
    at: datetime,
    version: int | None,
) -> Payment:
    grant = _lock(grant)
    _check_payer(grant, mandate, at=at)
    if known := Payment.objects.filter(reference=reference).first():
        if (known.grant_id, known.amount) == (grant.pk, amount):
            return known
        raise RefusedError(_other_payment(reference))
    # An act on the label takes effect under the same lock: a payment comes before or after it, never beside.
    if freeze := freeze_of(lock(grant.label), paid_date):
        raise RefusedError(
            f"{freeze.why} Rien n’a été enregistré. {freeze.then} Un versement fait avant ce jour s’enregistre avec sa date."
        )
    if amount > grant.unpaid:
        raise RefusedError(
            f"Il reste {euros(grant.unpaid, 2)} à verser sur cette attribution{NBSP}; ce versement en demande "
            f"{euros(amount, 2)}. Rien n’a été enregistré."
        )
    payment = Payment.objects.create(
        grant=grant, amount=amount, reference=reference, paid_date=paid_date, mandate=mandate
    )
    write(grant, version=version, paid=F("paid") + amount)
    record_event(
        subject_type=Subject.GRANT,
        subject_id=grant.pk,
        action="pay",
        actor=mandate,
        at=at,
        from_state=grant.state,
        to_state=grant.state,
        data={"payment": payment.pk, "amount": str(amount)},
    )
    return payment


def _check_payer(grant: Grant, mandate: Mandate | None, *, at: datetime) -> None:
    mandate = check_agent(mandate, grant.label.departement, at=at)
    if CAPACITY_OF_AUTHORITY.get(AuthorityKind(mandate.authority.kind)) not in grant.envelope.line.capacities:
        raise RefusedError("Un versement est enregistré par une autorité signataire de la ligne budgétaire.")
    if grant.state != GrantState.COMMITTED:
        raise RefusedError("Un versement suppose une attribution engagée, c’est-à-dire signée par tous.")


def _other_payment(reference: str) -> str:
    return (
        f"La référence «{NBSP}{reference}{NBSP}» désigne déjà un autre versement. Rien n’a été enregistré : vérifiez la "
        "référence et le montant."
    )


def _check_in_force(label: Label, *, at: datetime) -> None:
    if not Label.objects.in_force(timezone.localdate(at)).filter(pk=label.pk).exists():
        raise RefusedError(
            f"Le label {label.number} n’est pas en vigueur : aucun financement ne peut lui être attribué. S’il est suspendu, "
            "l’attribution pourra suivre dès la levée de la suspension. Rien n’a été enregistré."
        )


def _lock(grant: Grant) -> Grant:
    return Grant.objects.named().select_for_update(of=("self",)).get(pk=grant.pk)


# What is signed, and what the last signature does ------------------------------------------------------------------


def content_of(grant: Grant, envelope: Envelope) -> dict[str, Any]:
    """Return the content offered to signature: the text as it will be notified, and its facts."""
    label, line = grant.label, envelope.line
    structure = label.structure
    amount = f"{euros(grant.amount, 2)} ({euros_in_words(grant.amount)})"
    granted_on = long_date(label.decision.signed_at)
    return {
        "kind": str(DecisionKind.GRANT_AWARDED),
        "title": typeset(f"Décision attribuant un financement à {structure.name}"),
        "departement": {"code": label.departement_id, "name": label.departement.name},
        **signed_by(line.capacities, authorities_of(label.departement)),
        "visas": [
            typeset("Vu la loi n° 2025-1403 du 30 décembre 2025, notamment son article 63 ;"),
            typeset(f"Vu l’arrêté conjoint du {granted_on} accordant à {structure.name} le label {label.number} ;"),
            typeset(f"Vu la ligne budgétaire {line.name}, exercice {envelope.year} : {line.legal_source} ;"),
        ],
        "reasons": [
            typeset(f"Considérant que le label {label.number} est en vigueur ;"),
            typeset(f"Considérant que ce montant est disponible sur l’enveloppe {envelope.short_title} ;"),
        ],
        "articles": [
            f"Un financement de {amount} est attribué à {structure.name} au titre de l’exercice {envelope.year}.",
            typeset(f"Ce financement a pour objet : {grant.purpose.rstrip('.')}."),
            typeset(f"Il est imputé sur l’enveloppe {envelope.title}. Il est versé par : {line.payer}."),
        ],
        "structure": {"name": structure.name, "finess": structure.finess or "", "label": label.number},
        "grant": {
            "amount": str(grant.amount),
            "purpose": grant.purpose,
            "year": envelope.year,
            "line": line.code,
            "origin": line.origin,
            "envelope": envelope.pk,
        },
    }


def commit(decision: Decision, at: datetime) -> None:
    """At the last signature: what was reserved is committed, in the same transaction."""
    grant = _lock(Grant(pk=decision.subject_id))
    _check_in_force(grant.label, at=at)
    envelope = lock_envelope(grant.envelope_id)
    move(envelope, MovementKind.COMMITMENT, grant.amount, mandate=None, at=at, grant=grant)
    perform(
        grant,
        "commit",
        table=TRANSITIONS,
        subject_type=Subject.GRANT,
        actor=None,
        at=at,
        data={"decision": decision.pk, "amount": str(grant.amount)},
        committed_at=at,
    )


def release(decision: Decision, at: datetime) -> None:
    """When a signatory declines: the money is released, and the grant is proposed again."""
    grant = _lock(Grant(pk=decision.subject_id))
    envelope = lock_envelope(grant.envelope_id)
    move(envelope, MovementKind.RELEASE, grant.amount, mandate=None, at=at, grant=grant)
    perform(
        grant,
        "decline",
        table=TRANSITIONS,
        subject_type=Subject.GRANT,
        actor=None,
        at=at,
        data={"decision": decision.pk, "amount": str(grant.amount)},
        decision=None,
    )


def declare_effects() -> None:
    """Give the decisions of this application their effect; called once, when the application is ready."""
    effect(DecisionKind.GRANT_AWARDED, signed=commit, declined=release, summary=summaries)


def summaries(decisions: Sequence[Decision], _at: datetime) -> Mapping[int, Summary]:
    """Return the summary of each decision on a grant, by its key: which file its label comes from."""
    rows = Grant.objects.select_related("label__application__structure__commune")
    grants = rows.in_bulk([row.subject_id for row in decisions])
    return {
        row.pk: Summary(about=about(grant.label.application))
        for row in decisions
        if (grant := grants.get(row.subject_id))
    }
