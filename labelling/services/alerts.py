"""Alerts on labels in force: a register says otherwise than the file, or no longer knows the place.

They are computed, never stored; what is kept is what an agent did of one, and it holds until the register changes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, Q

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.french import short_date, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import AlertOutcome, CriterionKind, Register
from labelling.models import AlertSettlement, Criterion, Label, RegisterChange, RegisterLine, Structure
from labelling.models.labels import LabelQuerySet
from labelling.rules.alerts import closed_sentence, contradiction, in_a_sentence, missing_sentence
from labelling.rules.answers import parse
from labelling.rules.clock import local_day
from labelling.rules.register_facts import fact_in_words
from labelling.services.reviews import require_reviewer
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, record_event

SPEAKING = Q(closed_on__isnull=False) | Q(missing_since__isnull=False) | ~Q(facts={})
"""Lines that may contradict a file."""
LONGEST = 1500


@dataclass(frozen=True, slots=True)
class RegisterAlert:
    """One thing that one register says otherwise of a label; without criterion, it speaks of the place itself.

    ``before`` is what the register said until its last change, in words.
    """

    label: Label
    line: RegisterLine
    criterion: Criterion | None
    said: Mapping[str, Any]
    sentence: str
    before: str = ""

    @property
    def key(self) -> str:
        """What a form posts to name this alert: another one as soon as the register says another thing."""
        about = self.criterion.pk if self.criterion else 0
        return f"{self.line.pk}-{about}-{sha256_hex(canonical_json(dict(self.said)))[:12]}"


def alerts_in(labels: LabelQuerySet, *, on: date) -> list[RegisterAlert]:
    """Return the alerts of the labels in force on a day that nobody settled, label by label; in a few queries."""
    running = labels.in_force(on).published()
    keys = list(
        running.values_list("pk", "structure__register_line", "structure__finess", "structure__siret").order_by("pk")
    )
    lines = _lines_by_key(keys)
    concerned = {
        pk: found
        for pk, *names in keys
        if (found := {line.pk: line for name in names if name for line in lines[name]}.values())
    }
    if not concerned:
        return []
    rows = (
        running.filter(pk__in=concerned)
        .select_related("structure__commune", "application")
        .order_by("departement", "structure__sort_key", "pk")
    )
    found_alerts = _unsettled(_found(list(rows), concerned), concerned)
    return list(found_alerts)


def alerts_of(label: Label, *, on: date) -> list[RegisterAlert]:
    """Return the alerts of one label that nobody settled."""
    return alerts_in(Label.objects.filter(pk=label.pk), on=on)


@transaction.atomic
def settle_alert(*, label: Label, key: str, outcome: str, note: str, mandate: Mandate, at: datetime) -> AlertSettlement:
    """Keep what an agent did of an alert: it is not shown again until the register changes.

    Raises:
        RefusedError: the mandate may not, no note, an unknown outcome, or the alert is settled already or is no longer
            what the register says.
    """
    require_reviewer(label.application, mandate, at=at)
    current = lock(label)
    if outcome not in AlertOutcome.values:
        raise RefusedError("Dites ce qui a été fait : vérifié, structure contactée, ou pris en compte.")
    if not note.strip():
        raise RefusedError("Écrivez une note : vos collègues des deux autorités la liront.")
    today = local_day(at, label.departement.timezone)
    alert = next((one for one in alerts_of(current, on=today) if one.key == key), None)
    if alert is None:
        raise RefusedError(
            "Cette alerte est déjà réglée, ou le registre dit autre chose depuis. Rien n’a été enregistré ; relisez les "
            "alertes de ce label."
        )
    settlement = AlertSettlement.objects.create(
        label=current,
        line=alert.line,
        criterion=alert.criterion,
        said=dict(alert.said),
        sentence=alert.sentence,
        outcome=outcome,
        note=note.strip()[:LONGEST],
        mandate=mandate,
        settled_at=at,
    )
    record_event(
        subject_type=Subject.LABEL,
        subject_id=current.pk,
        action="settle_alert",
        actor=mandate,
        at=at,
        data={"settlement": settlement.pk, "outcome": str(outcome)},
    )
    return settlement


# Lines and what they say ----------------------------------------------------------------------------------------------


def _lines_by_key(keys: Iterable[tuple[Any, ...]]) -> Mapping[Any, list[RegisterLine]]:
    """Return the lines that may speak of structures, by their own key, their number and their SIRET."""
    own, numbers, sirets = (
        [value for value in column if value] for column in list(zip(*keys, strict=True))[1:] or ((), (), ())
    )
    changes = Prefetch("changes", RegisterChange.objects.select_related("source").order_by("-as_of", "-pk"))
    lines = (
        RegisterLine.objects.filter(SPEAKING)
        .filter(Q(pk__in=own) | Q(register__in=Register.values, number__in=numbers) | Q(siret__in=sirets))
        .prefetch_related(changes)
        .order_by("register", "pk")
    )
    by_key: dict[Any, list[RegisterLine]] = defaultdict(list)
    for line in lines:
        for name in {line.pk, line.number, line.siret} - {""}:
            by_key[name].append(line)
    return by_key


def _found(labels: Collection[Label], lines: Mapping[int, Collection[RegisterLine]]) -> Iterator[RegisterAlert]:
    versions = {label.application.specification_id for label in labels}
    criteria: dict[int, list[Criterion]] = defaultdict(list)
    assessed = Criterion.objects.filter(specification__in=versions, kind=CriterionKind.CRITERION)
    for criterion in assessed.order_by("position"):
        criteria[criterion.specification_id].append(criterion)
    for label in labels:
        for line in lines[label.pk]:
            if line.closed_on or line.missing_since:
                yield from _of_place(label, line)
            else:
                yield from _of_criteria(label, line, criteria[label.application.specification_id])


def _of_place(label: Label, line: RegisterLine) -> Iterator[RegisterAlert]:
    """A line that closed or disappeared says nothing more of the criteria; of the place only when it is its own."""
    if not _is_own(line, label.structure):
        return
    if line.closed_on:
        sentence = closed_sentence(line.register, line.as_of, line.closed_on)
        yield RegisterAlert(label, line, None, {"closed_on": line.closed_on.isoformat()}, sentence)
    elif line.missing_since:
        sentence = missing_sentence(line.register, line.missing_since, line.as_of)
        yield RegisterAlert(label, line, None, {"missing_since": line.missing_since.isoformat()}, sentence)


def _is_own(line: RegisterLine, structure: Structure) -> bool:
    """Whether a line is the structure's: a place that changed its number leaves its former line behind."""
    if line.register == Register.FINESS and structure.finess:
        return line.number == structure.finess
    if line.register == Register.ANNUAIRE and not structure.finess:
        return line.siret == structure.siret
    return line.pk == structure.register_line_id or line.number == structure.finess


def _of_criteria(label: Label, line: RegisterLine, criteria: Iterable[Criterion]) -> Iterator[RegisterAlert]:
    answers = parse(label.application.answers)
    for criterion in criteria:
        if label.structure.kind in criterion.exempt_kinds:
            continue
        found = contradiction(criterion.rule, criterion.parameters, line.facts, answers)
        if found is not None:
            sentence = in_a_sentence(line.register, line.as_of, found)
            yield RegisterAlert(label, line, criterion, found.said, sentence, _before(line, found.said))


def _before(line: RegisterLine, said: Mapping[str, Any]) -> str:
    """Say the last other thing that the register said of these facts."""
    for change in line.changes.all():
        key = change.field.removeprefix("facts.")
        if key in said and change.field.startswith("facts.") and change.old is not None:
            return typeset(f"{fact_in_words(key, change.old)} jusqu’au {short_date(change.old_as_of)}")
    return ""


# What was settled -----------------------------------------------------------------------------------------------------


def _unsettled(alerts: Iterable[RegisterAlert], labels: Collection[int]) -> Iterator[RegisterAlert]:
    settled: dict[tuple[int, int, int | None], list[AlertSettlement]] = defaultdict(list)
    for row in AlertSettlement.objects.filter(label__in=labels):
        settled[row.label_id, row.line_id, row.criterion_id].append(row)
    for alert in alerts:
        about = (alert.label.pk, alert.line.pk, alert.criterion.pk if alert.criterion else None)
        if not any(_holds(row, alert) for row in settled[about]):
            yield alert


def _holds(settlement: AlertSettlement, alert: RegisterAlert) -> bool:
    """Whether a settlement is of this alert: the same thing said, and nothing else said in between."""
    if settlement.said != dict(alert.said):
        return False
    fields = {*alert.said, *(f"facts.{key}" for key in alert.said)}
    return not any(
        change.field in fields and change.source.imported_at > settlement.settled_at
        for change in alert.line.changes.all()
    )
