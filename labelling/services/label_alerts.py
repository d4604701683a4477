"""What agents have to look at on labels: what a register says otherwise, and what a holder declared that changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from francesante.lib.french import long_date, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import AlertOutcome
from labelling.models import AlertSettlement, Attestation, Criterion, Label
from labelling.models.labels import LabelQuerySet
from labelling.services.alerts import LONGEST, RegisterAlert, alerts_in, record_settlement, settle_alert
from labelling.services.alerts import with_changes as read_changes
from labelling.services.reviews import require_reviewer
from territories.models import Mandate
from territories.services.events import lock

DECLARED = "declaration"
"""Where a declared change comes from, as the lists of alerts say it."""


@dataclass(frozen=True, slots=True)
class DeclaredChange:
    """One criterion of which the holder of a label says, in an attestation, that something changed."""

    label: Label
    attestation: Attestation
    criterion: Criterion
    before: str = ""

    @property
    def text(self) -> str:
        """What the holder wrote."""
        return str(self.attestation.statements[self.criterion.code])

    @property
    def sentence(self) -> str:
        """What the alert says."""
        return typeset(f"La structure déclare, le {long_date(self.attestation.attested_at)} : {self.text}")

    @property
    def said(self) -> Mapping[str, Any]:
        """What was declared, as its settlement keeps it."""
        return {"change": self.text}

    @property
    def key(self) -> str:
        """What a form posts to name this alert."""
        return f"a{self.attestation.pk}-{self.criterion.pk}"

    @property
    def source(self) -> str:
        """Where it comes from."""
        return DECLARED

    @property
    def as_of(self) -> date:
        """The day it was declared."""
        return self.attestation.attested_at.date()


Alert = RegisterAlert | DeclaredChange


def alerts_on(labels: LabelQuerySet, *, on: date) -> list[Alert]:
    """Return the alerts on the labels held on a day that nobody settled: what was declared, then what registers say."""
    return [*declared_in(labels, on=on), *alerts_in(labels, on=on)]


def with_changes(alerts: list[Alert]) -> list[Alert]:
    """Load what the registers said before, in one query."""
    read_changes([alert for alert in alerts if isinstance(alert, RegisterAlert)])
    return alerts


def declared_in(labels: LabelQuerySet, *, on: date) -> list[DeclaredChange]:
    """Return the declared changes that nobody settled, the oldest first; in a constant number of queries."""
    rows = (
        Attestation.objects.filter(label__in=labels.held(on).published())
        .select_related("label__structure__commune", "label__application")
        .order_by("attested_at", "pk")
    )
    changed = [(row, [code for code, text in row.statements.items() if text]) for row in rows]
    changed = [(row, codes) for row, codes in changed if codes]
    if not changed:
        return []
    versions = {row.label.application.specification_id for row, _ in changed}
    criteria = {
        (criterion.specification_id, criterion.code): criterion
        for criterion in Criterion.objects.filter(specification__in=versions)
    }
    settled = set(
        AlertSettlement.objects.filter(attestation__in=[row.pk for row, _ in changed]).values_list(
            "attestation", "criterion"
        )
    )
    found = [
        DeclaredChange(row.label, row, criterion)
        for row, codes in changed
        for code in codes
        if (criterion := criteria.get((row.label.application.specification_id, code)))
    ]
    return [one for one in found if (one.attestation.pk, one.criterion.pk) not in settled]


def settle(*, label: Label, key: str, outcome: str, note: str, mandate: Mandate, at: datetime) -> AlertSettlement:
    """Keep what an agent did of an alert, whatever it comes from.

    Raises:
        RefusedError: as :func:`labelling.services.alerts.settle_alert`.
    """
    if not key.startswith("a"):
        return settle_alert(label=label, key=key, outcome=outcome, note=note, mandate=mandate, at=at)
    return _settle_declared(label, key, outcome=outcome, note=note, mandate=mandate, at=at)


def _settle_declared(
    label: Label, key: str, *, outcome: str, note: str, mandate: Mandate, at: datetime
) -> AlertSettlement:
    require_reviewer(label.application, mandate, at=at)
    if outcome not in AlertOutcome.values:
        raise RefusedError("Dites ce qui a été fait : vérifié, structure contactée, ou pris en compte.")
    if not note.strip():
        raise RefusedError("Écrivez une note : vos collègues des deux autorités la liront.")
    try:
        with transaction.atomic():
            lock(label)
            rows = label.attestations.filter(pk=_attestation(key))
            change = next((one for row in rows for one in _changes(label, row) if one.key == key), None)
            if change is None:
                raise RefusedError("Ce changement n’a pas été déclaré pour ce label. Rien n’a été enregistré.")
            return record_settlement(
                AlertSettlement(
                    label=label,
                    attestation=change.attestation,
                    criterion=change.criterion,
                    said=dict(change.said),
                    sentence=change.sentence,
                    outcome=outcome,
                    note=note.strip()[:LONGEST],
                    mandate=mandate,
                    settled_at=at,
                )
            )
    except IntegrityError as error:
        if "once_per_declared_change" in str(error):
            raise RefusedError("Ce changement est déjà réglé : un collègue vient de le faire.") from error
        raise


def _attestation(key: str) -> int:
    number = key.removeprefix("a").partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _changes(label: Label, row: Attestation) -> list[DeclaredChange]:
    criteria = label.application.specification.criteria.filter(
        code__in=[c for c, text in row.statements.items() if text]
    )
    return [DeclaredChange(label, row, criterion) for criterion in criteria]
