"""Envelopes: opening, delegation, and the only writer of their amounts and of their ledger.

Locks are taken parent first, then child; an envelope's amounts never move without a line of its ledger.
"""

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from francesante.lib.french import NBSP, euros
from francesante.lib.workflow import RefusedError
from funding.choices import MovementKind
from funding.models import BudgetLine, Envelope, EnvelopeMovement, Grant
from funding.rules import COLUMNS, LEDGER, balances, short_of_money
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Departement, Mandate, Region
from territories.services.events import record_event

CENT = Decimal("0.01")


def checked_amount(amount: Decimal) -> Decimal:
    """Return a positive amount in whole cents.

    Raises:
        RefusedError: nothing, less than nothing, or a fraction of a cent.
    """
    if amount <= 0 or amount != amount.quantize(CENT):
        raise RefusedError("Indiquez un montant supérieur à zéro, en euros et en centimes.")
    return amount.quantize(CENT)


def check_room(envelope: Envelope, amount: Decimal) -> None:
    """Ask that an envelope holds an amount as it stands: a proposal asks, and its presentation again, under the lock.

    Raises:
        RefusedError: not enough left; the sentence says how much is missing and what to do.
    """
    if amount > envelope.available:
        raise RefusedError(short_of_money(envelope=envelope.short_title, rest=envelope.available, asked=amount))


def lock_envelope(pk: int) -> Envelope:
    """Lock an envelope for the transaction and return it with what names it."""
    return Envelope.objects.named().select_for_update(of=("self",)).get(pk=pk)


def move(
    envelope: Envelope,
    kind: MovementKind,
    amount: Decimal,
    *,
    mandate: Mandate | None,
    at: datetime,
    grant: Grant | None = None,
) -> None:
    """Move an amount on an envelope that the caller has locked, with its line of the ledger."""
    changes = {column: F(column) + sign * amount for column, sign in LEDGER[kind].items()}
    Envelope.objects.filter(pk=envelope.pk).update(version=F("version") + 1, **changes)
    EnvelopeMovement.objects.create(envelope=envelope, kind=kind, amount=amount, grant=grant, mandate=mandate, at=at)


def open_envelope(
    *,
    line: BudgetLine,
    year: int,
    ceiling: Decimal,
    mandate: Mandate,
    at: datetime,
    region: Region | None = None,
    departement: Departement | None = None,
) -> Envelope:
    """Open an envelope that no other one delegates: of the nation, of a région or of a département.

    Raises:
        RefusedError: the mandate does not hold this territory, or the envelope exists.
    """
    ceiling = checked_amount(ceiling)
    _check_holder(mandate, region=region, departement=departement, at=at)
    try:
        with transaction.atomic():
            envelope = Envelope.objects.create(
                line=line, year=year, region=region, departement=departement, ceiling=Decimal(0)
            )
            move(envelope, MovementKind.OPENING, ceiling, mandate=mandate, at=at)
            record_event(
                subject_type=Subject.ENVELOPE,
                subject_id=envelope.pk,
                action="open",
                actor=mandate,
                at=at,
                data={"ceiling": str(ceiling)},
            )
    except IntegrityError as error:
        raise RefusedError(
            "Cette enveloppe existe déjà pour cette ligne, cet exercice et ce territoire. Rien n’a été enregistré."
        ) from error
    return Envelope.objects.named().get(pk=envelope.pk)


@transaction.atomic
def delegate_envelope(
    *,
    parent: Envelope,
    amount: Decimal,
    mandate: Mandate,
    at: datetime,
    region: Region | None = None,
    departement: Departement | None = None,
) -> Envelope:
    """Delegate a part of an envelope to a smaller territory; again, it raises the child's ceiling.

    The sum of the children's ceilings is ``parent.delegated``, always.

    Raises:
        RefusedError: not enough left, a territory that the parent does not contain, or a mandate that does not hold it.
    """
    amount = checked_amount(amount)
    parent = lock_envelope(parent.pk)
    _check_holder(mandate, region=parent.region, departement=parent.departement, at=at)
    if not _contains(parent, region=region, departement=departement):
        raise RefusedError(
            "Une enveloppe se délègue vers un territoire qu’elle contient : de la France vers une région ou un "
            "département, d’une région vers l’un de ses départements."
        )
    if amount > parent.available:
        raise RefusedError(
            f"Il reste {euros(parent.available, 2)} sur l’enveloppe {parent.short_title}{NBSP}; cette délégation en demande "
            f"{euros(amount, 2)}. Rien n’a été enregistré."
        )
    child, _ = Envelope.objects.get_or_create(
        line=parent.line,
        year=parent.year,
        region=region,
        departement=departement,
        defaults={"parent": parent, "ceiling": Decimal(0)},
    )
    if child.parent_id != parent.pk:
        raise RefusedError("L’enveloppe de ce territoire ne dépend pas de celle-ci. Rien n’a été enregistré.")
    child = lock_envelope(child.pk)
    move(parent, MovementKind.DELEGATION, amount, mandate=mandate, at=at)
    move(child, MovementKind.OPENING, amount, mandate=mandate, at=at)
    for subject, action, other in ((parent, "delegate", child), (child, "receive", parent)):
        record_event(
            subject_type=Subject.ENVELOPE,
            subject_id=subject.pk,
            action=action,
            actor=mandate,
            at=at,
            data={"amount": str(amount), "envelope": other.pk},
        )
    return Envelope.objects.named().get(pk=child.pk)


def reserve(envelope: Envelope, grant: Grant, *, mandate: Mandate, at: datetime) -> None:
    """Reserve the amount of a grant on its envelope, which the caller has locked.

    Raises:
        RefusedError: not enough left; the sentence says how much is missing.
    """
    check_room(envelope, grant.amount)
    move(envelope, MovementKind.RESERVATION, grant.amount, mandate=mandate, at=at, grant=grant)


def discrepancies(envelopes: QuerySet[Envelope]) -> list[str]:
    """Return what does not reconcile, in words: amounts against their ledger, children against ``delegated``."""
    found = []
    ledgers: dict[int, list[tuple[str, Decimal]]] = {}
    lines = EnvelopeMovement.objects.filter(envelope__in=envelopes).values_list("envelope_id", "kind", "amount")
    for pk, kind, amount in lines:
        ledgers.setdefault(pk, []).append((kind, amount))
    delegated: dict[int, Decimal] = {}
    for parent, ceiling in Envelope.objects.filter(parent__in=envelopes).values_list("parent_id", "ceiling"):
        delegated[parent] = delegated.get(parent, Decimal(0)) + ceiling
    for envelope in envelopes:
        told = balances(ledgers.get(envelope.pk, []))
        found += [
            f"enveloppe {envelope.pk}: {column} {getattr(envelope, column)}, grand livre {told[column]}"
            for column in COLUMNS
            if getattr(envelope, column) != told[column]
        ]
        if envelope.delegated != delegated.get(envelope.pk, Decimal(0)):
            found.append(f"enveloppe {envelope.pk}: délégué {envelope.delegated}, enfants {delegated.get(envelope.pk)}")
    return found


def _contains(parent: Envelope, *, region: Region | None, departement: Departement | None) -> bool:
    if parent.departement_id or (region is None) == (departement is None):
        return False
    if parent.region_id is None:
        return True
    return departement is not None and departement.region_id == parent.region_id


def _check_holder(mandate: Mandate, *, region: Region | None, departement: Departement | None, at: datetime) -> None:
    """Check that a mandate holds the envelopes of a territory: the national team all, an agent those of its own."""
    holds = mandate.role == Role.NATIONAL or (
        mandate.hat in {AuthorityKind.ARS, AuthorityKind.PREFECTURE}
        and (
            (departement is not None and mandate.covers(departement))
            or (region is not None and mandate.region_id == region.pk)
        )
    )
    if not holds or not mandate.is_active(at):
        raise RefusedError(
            "Une enveloppe est ouverte ou déléguée par l’équipe nationale, ou par l’autorité de son territoire. "
            "Rien n’a été enregistré."
        )
