"""Additionality: the holder of a label says once what the place offered the year before, and the difference is told."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Baseline, Label, Membership
from labelling.rules.additionality import MEASURES, Measure, measures
from labelling.rules.answers import parse
from territories.choices import Subject
from territories.services.events import lock, record_event

MOST = Decimal(2000)
"""Beyond this many hours or half-days in a week, a figure is a slip of the pen."""


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
    if set(before) != set(MEASURES):
        raise RefusedError("Répondez à chaque question ; « je ne sais pas » est une réponse.")
    if any(value is not None and not 0 <= value <= MOST for value in before.values()):
        raise RefusedError("Une semaine ne compte ni moins de zéro, ni plus de 2 000 heures ou demi-journées.")
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


def measures_of(label: Label) -> list[Measure]:
    """Return what a label adds by measure; needs ``application``, and ``baseline`` where it is asked for many labels."""
    baseline = getattr(label, "baseline", None)
    before = {key: getattr(baseline, key, None) for key in MEASURES}
    return measures(parse(label.application.answers), before)
