"""The internal fields of the demonstration: what two services of one département note of their files in hand."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction

from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.people import Team
from indicators.services.demo.scenario import HOME
from labelling.choices import ApplicationState as State
from labelling.choices import FieldKind
from labelling.models import Application, InternalField
from labelling.rules.fields import Typed
from labelling.services.fields import fill, make_field
from territories.choices import AuthorityKind
from territories.models import Departement, Mandate

AT = STANDS_AT - timedelta(days=3)
ORDERS = ("en premier", "ensuite", "en réserve")
ARS: Sequence[tuple[str, str, FieldKind, Sequence[str], bool]] = (
    ("Comité du", "Séance où le dossier est présenté.", FieldKind.DATE, (), True),
    ("Ordre de passage", "Dans la séance.", FieldKind.CHOICE, ORDERS, False),
    ("Patientèle estimée", "Nombre de patients, dit par le service.", FieldKind.NUMBER, (), False),
)
PREFECTURE: Sequence[tuple[str, str, FieldKind, Sequence[str], bool]] = (
    ("Maire rencontré", "Ou son adjoint à la santé.", FieldKind.YES_NO, (), True),
    ("Suite du sous-préfet", "En quelques mots.", FieldKind.TEXT, (), False),
)
"""Name, note, kind, choices, joint or not."""
SAID: Sequence[Sequence[Typed]] = (
    (date(2026, 12, 4), "en premier", Decimal(3200), True, "visite le 1er décembre"),
    (date(2026, 12, 4), "ensuite", Decimal(1850), False, None),
    (date(2026, 12, 18), "en premier", None, True, "avis du maire attendu"),
    (None, None, Decimal(940), None, None),
    (date(2026, 12, 18), "en réserve", None, None, None),
)
"""Values of the first files, in the order of the fields."""


@transaction.atomic
def note_demo_fields(departement: Departement, team: Team) -> None:
    """Give fields to the two services of the département shown, and values to its first files; given already, nothing."""
    if departement.pk != HOME or InternalField.objects.exists():
        return
    ars, prefecture = team.agents[AuthorityKind.ARS], team.agents[AuthorityKind.PREFECTURE]
    kept = {ars: _made(ARS, ars), prefecture: _made(PREFECTURE, prefecture)}
    files = Application.objects.filter(departement=departement, state__in=[State.UNDER_REVIEW, State.SUBMITTED])
    first = files.select_related("departement").order_by("submitted_at", "pk")[: len(SAID)]
    for file, said in zip(first, SAID, strict=False):
        _fill(file, kept, said)


def _made(rows: Sequence[tuple[str, str, FieldKind, Sequence[str], bool]], mandate: Mandate) -> list[InternalField]:
    return [
        make_field(mandate=mandate, name=name, note=note, kind=kind, choices=choices, joint=joint, at=AT)
        for name, note, kind, choices, joint in rows
    ]


def _fill(file: Application, kept: Mapping[Mandate, list[InternalField]], said: Sequence[Typed]) -> None:
    values = dict(zip([row for rows in kept.values() for row in rows], said, strict=True))
    for mandate, rows in kept.items():
        fill(application=file, said={row.pk: values[row] for row in rows}, was={}, mandate=mandate, at=AT)
