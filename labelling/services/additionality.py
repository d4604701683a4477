"""Additionality: what a place offered the year before its label is said once, what it offers now at each attestation.

The figures of the file and of the attestations make a dated series; each is told against the same year before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Baseline, Label, Membership
from labelling.rules.additionality import MEASURES, Measure, Supply, measures, offered
from labelling.rules.answers import parse
from labelling.rules.clock import local_day
from territories.choices import Subject
from territories.services.events import lock, record_event

MOST = Decimal(2000)
"""Beyond this many hours or half-days in a week, a figure is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a place offers on a day, by its file or by an attestation, against the year before its label."""

    day: date
    attested: bool
    measures: list[Measure]


def check_supply(supply: Supply) -> None:
    """Ask if each measure has an answer that a week may hold; ``None`` is one: its holder does not know.

    Raises:
        RefusedError: a measure is missing or impossible.
    """
    if set(supply) != set(MEASURES):
        raise RefusedError("Répondez à chaque question ; « je ne sais pas » est une réponse.")
    if any(value is not None and not 0 <= value <= MOST for value in supply.values()):
        raise RefusedError("Une semaine ne compte ni moins de zéro, ni plus de 2 000 heures ou demi-journées.")


@transaction.atomic
def declare_baseline(
    *, label: Label, membership: Membership, before: Mapping[str, Decimal | None], at: datetime
) -> Baseline:
    """Keep what a place offered the year before its label, by measure, ``None`` where its holder does not know.

    Raises:
        RefusedError: not an owner of the structure, declared already, or a measure that is missing or impossible.
    """
    current = lock(label)
    if membership.structure_id != current.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError("Le responsable de la structure déclare en son nom.")
    if current.notified_at is None or current.withdrawn_at is not None:
        raise RefusedError("Ce label n’est pas en cours : il n’y a rien à déclarer.")
    if Baseline.objects.filter(label=current).exists():
        raise RefusedError("L’offre de l’année précédente est déjà déclarée. Pour la corriger, écrivez aux services.")
    check_supply(before)
    baseline = Baseline.objects.create(label=current, membership=membership, declared_at=at, **before)
    record_event(
        subject_type=Subject.LABEL,
        subject_id=current.pk,
        action="declare_baseline",
        actor=membership,
        at=at,
        data={"baseline": baseline.pk},
    )
    return baseline


def series_of(label: Label) -> list[Situation]:
    """Return what a place offers under its label, from its file then from each attestation, the oldest first.

    Needs ``application`` and ``departement``; ``baseline`` and ``attestations`` where it is asked for many labels.
    """
    before = _figures(getattr(label, "baseline", None))
    first = Situation(label.valid.lower, False, measures(offered(parse(label.application.answers)), before))
    zone = label.departement.timezone
    attested = sorted(label.attestations.all(), key=lambda row: (row.attested_at, row.pk))
    return [
        first,
        *(Situation(local_day(row.attested_at, zone), True, measures(_figures(row), before)) for row in attested),
    ]


def supply_known(label: Label) -> dict[str, Decimal | None]:
    """Return what a place is last known to offer, by measure: what an attestation offers to confirm."""
    known: dict[str, Decimal | None] = dict.fromkeys(MEASURES)
    for situation in series_of(label):
        known |= {one.key: one.now for one in situation.measures if one.now is not None}
    return known


def _figures(row: Any) -> dict[str, Decimal | None]:
    return {key: getattr(row, key, None) for key in MEASURES}
