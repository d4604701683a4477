"""The money of the demonstration: envelopes delegated from the nation to the départements, grants, payments."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from django.db import transaction
from django.db.models import Sum

from funding.models import BudgetLine, Envelope, Grant, without_grant
from funding.services.envelopes import delegate_envelope, open_envelope
from funding.services.grants import present_grant, propose_grant, record_payment
from indicators.services.demo.files import PARIS, STANDS_AT, Clock, working
from indicators.services.demo.people import People, Team, account_email
from indicators.services.demo.scenario import HOME
from labelling.models import Label, Membership
from territories.choices import AuthorityKind, Capacity
from territories.models import Departement, Region
from territories.services.decisions import sign_decision

NATIONAL_CEILING = Decimal(100_000_000)
OPENED_AT = datetime(2026, 1, 12, 10, 0, tzinfo=PARIS)
DELEGATED_AT = datetime(2026, 1, 26, 11, 0, tzinfo=PARIS)
FIRST_GRANT = datetime(2026, 2, 9, 9, 0, tzinfo=PARIS)
STEP = Decimal(10_000)
PER_LABEL = Decimal(42_000)
"""Euros delegated to a département for each of its labels, on average: less than the landmark, so that some wait."""
_PURPOSES = (
    "Un poste de secrétaire médicale à mi-temps",
    "L’extension des locaux : deux cabinets de consultation",
    "La coordination des parcours, deux jours par semaine",
    "L’accueil d’un second médecin et de son équipement",
    "Une infirmière en pratique avancée, première année",
    "L’aménagement d’une salle de soins non programmés",
    "Le véhicule et l’équipement de la tournée",
)
_AUTHORITY_OF = {Capacity.ARS: AuthorityKind.ARS, Capacity.PREFET: AuthorityKind.PREFECTURE}


def create_envelopes(people: People, labels: Mapping[str, int]) -> None:
    """Open the FIR of 2026 and delegate it down to the départements that will have labels; open reallocated credits."""
    fir = BudgetLine.objects.get(code="fir")
    nation = open_envelope(line=fir, year=2026, ceiling=NATIONAL_CEILING, mandate=people.national, at=OPENED_AT)
    departements = list(Departement.objects.select_related("region").in_order())
    shares = {row.pk: _rounded(PER_LABEL * max(labels.get(row.pk, 0), 4)) for row in departements}
    for region in Region.objects.order_by("code"):
        inside = [row for row in departements if row.region_id == region.pk]
        whole = _rounded(sum((shares[row.pk] for row in inside), Decimal(0)) * Decimal("1.15"))
        delegated = delegate_envelope(
            parent=nation, region=region, amount=whole, mandate=people.national, at=DELEGATED_AT
        )
        for row in inside:
            if labels.get(row.pk):
                agent = people.team(row).agents[AuthorityKind.ARS]
                delegate_envelope(
                    parent=delegated, departement=row, amount=shares[row.pk], mandate=agent, at=DELEGATED_AT
                )
    _open_reallocated(people, [row for row in departements if labels.get(row.pk)])


def _open_reallocated(people: People, departements: list[Departement]) -> None:
    line = BudgetLine.objects.get(code="credits-reaffectes")
    for rank, departement in enumerate(departements):
        if rank % 4 == 0 or departement.pk == HOME:
            open_envelope(
                line=line,
                year=2026,
                ceiling=Decimal(90_000) + rank * STEP / 2,
                departement=departement,
                mandate=people.team(departement).agents[AuthorityKind.ARS],
                at=OPENED_AT + timedelta(days=20),
            )


def _rounded(amount: Decimal) -> Decimal:
    return (amount / STEP).to_integral_value() * STEP


def give_grants(departement: Departement, team: Team, *, seed: str) -> None:
    """Give about half of the labels of a département a grant, most of them committed and paid in part.

    A label that has a grant already is passed over; the label of the shown account always has one, committed.
    """
    labels = (
        without_grant(Label.objects.filter(departement=departement, notified_at__isnull=False))
        .select_related("structure", "departement__region", "decision")
        .order_by("notified_at", "pk")
    )
    own = list(Envelope.objects.filter(departement=departement).named().order_by("pk"))
    shown = account_email("owner_label")
    owned = set(Membership.objects.filter(user__email=shown).values_list("structure_id", flat=True))
    for label in labels:
        rng = Random(f"{seed}:{label.structure.name}:grant")  # noqa: S311  # invented data
        sure = label.structure_id in owned
        amount = Decimal(rng.randrange(40, 161) * 500)
        envelope = own[-1] if rng.random() < 0.15 and not sure else own[0]  # noqa: PLR2004  # a few reallocated
        asked = Grant.objects.filter(envelope=envelope).aggregate(sum=Sum("amount"))["sum"] or 0
        if (sure or rng.random() < 0.56) and asked + amount <= envelope.ceiling:  # noqa: PLR2004  # about half
            with transaction.atomic():
                _give(team, label, envelope, amount, rng, fate=0.0 if sure else rng.random())


def _give(team: Team, label: Label, envelope: Envelope, amount: Decimal, rng: Random, *, fate: float) -> None:
    """Play one grant: proposed only (above 0.9), at the signature (above 0.8), or committed and perhaps paid."""
    if label.notified_at is None:
        raise ValueError(f"{label.number} is not notified")
    start = max(label.notified_at + timedelta(days=rng.randint(3, 40)), FIRST_GRANT)
    clock = Clock(working(min(start, STANDS_AT - timedelta(days=3)), rng), rng)
    agent = team.agents[AuthorityKind.ARS]
    grant = propose_grant(
        label=label, envelope=envelope, amount=amount, purpose=rng.choice(_PURPOSES), mandate=agent, at=clock.now
    )
    if fate > 0.9:  # noqa: PLR2004
        return
    decision = present_grant(grant=grant, mandate=agent, at=clock.after(1, 9))
    for capacity in decision.required[:-1] if fate > 0.8 else decision.required:  # noqa: PLR2004
        signatory = team.signatories[_AUTHORITY_OF[Capacity(capacity)]]
        sign_decision(decision=decision, mandate=signatory, content_hash=decision.content_hash, at=clock.after(2, 12))
    if fate < 0.6:  # noqa: PLR2004
        paid_at = clock.after(5, 30)
        record_payment(
            grant=grant,
            amount=amount if rng.random() < 0.3 else amount / 2,  # noqa: PLR2004  # most in two parts
            reference=f"DEMO-2026-{grant.pk:05}",
            paid_date=paid_at.date(),
            mandate=agent,
            at=paid_at,
        )
