"""Alerts on labels in force: a register says otherwise than the file, or no longer knows the place.

They are computed, never stored; what is kept is what an agent did of one, and it holds until the register changes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.french import short_date, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import AlertOutcome, CriterionKind, Register, Rule
from labelling.models import AlertSettlement, Criterion, Label, RegisterChange, RegisterLine, Structure
from labelling.models.labels import LabelQuerySet
from labelling.rules.alerts import (
    AGAINST,
    Contradiction,
    closed_sentence,
    contradiction,
    in_a_sentence,
    missing_sentence,
)
from labelling.rules.answers import parse
from labelling.rules.clock import local_day
from labelling.rules.register_facts import FACTS_OF_RULE, fact_in_words
from labelling.services.reviews import require_reviewer
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, record_event

ON_CALL = FACTS_OF_RULE[Rule.ON_CALL]
ON_CALL_SAID = Q(application__answers__on_call__pdsa=True) | Q(application__answers__on_call__sas=True)
"""Files that claim the participation which many lines deny: the others cannot be contradicted on it."""
LONGEST = 1500


@dataclass(frozen=True, slots=True)
class RegisterAlert:
    """One thing that one register says otherwise of a label; without criterion, it speaks of the place itself."""

    label: Label
    line: RegisterLine
    criterion: Criterion | None
    said: Mapping[str, Any]
    answered: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What a form posts to name this alert: another one as soon as the register says another thing."""
        about = self.criterion.pk if self.criterion else 0
        return f"{self.line.pk}-{about}-{sha256_hex(canonical_json(dict(self.said)))[:12]}"

    @property
    def source(self) -> str:
        """The register that says it."""
        return str(self.line.register)

    @property
    def as_of(self) -> date:
        """The day of which the register speaks."""
        return self.line.as_of

    @property
    def sentence(self) -> str:
        """What the register says, against what the file said."""
        line = self.line
        if self.criterion is not None:
            return in_a_sentence(line.register, line.as_of, Contradiction(self.said, self.answered))
        if line.closed_on:
            return closed_sentence(line.register, line.as_of, line.closed_on)
        return missing_sentence(line.register, date.fromisoformat(self.said["missing_since"]), line.as_of)

    @property
    def before(self) -> str:
        """What the register said until its last change, in words; of an alert loaded by :func:`with_changes`."""
        for change in self.line.changes.all():
            key = change.field.removeprefix("facts.")
            if key in self.said and change.field.startswith("facts.") and change.old is not None:
                return typeset(f"{fact_in_words(key, change.old)} jusqu’au {short_date(change.old_as_of)}")
        return ""


def alerts_in(labels: LabelQuerySet, *, on: date) -> list[RegisterAlert]:
    """Return the alerts of the labels held on a day that nobody settled, label by label; in a few queries.

    The database leaves out the lines that contradict no file, whatever it says: few answers are then read.
    """
    running = labels.held(on).published()
    criteria = _criteria()
    lines = _lines_by_key(Structure.objects.filter(labels__in=running), criteria)
    if not lines:
        return []
    keys = running.values_list("pk", "structure__register_line", "structure__finess", "structure__siret")
    concerned = {
        pk: found
        for pk, *names in keys.order_by("pk")
        if (found := {line.pk: line for name in names if name for line in lines.get(name, ())}.values())
    }
    on_call_only = [pk for pk, found in concerned.items() if all(_is_of_on_call(line, criteria) for line in found)]
    rows = (
        running.filter(pk__in=concerned)
        .filter(~Q(pk__in=on_call_only) | ON_CALL_SAID)
        .select_related("structure__commune", "application")
        .order_by("departement", "structure__sort_key", "pk")
    )
    return list(_unsettled(list(_found(rows, concerned, criteria))))


def alerts_of(label: Label, *, on: date) -> list[RegisterAlert]:
    """Return the alerts of one label that nobody settled, with what the register said before."""
    return with_changes(alerts_in(Label.objects.filter(pk=label.pk), on=on))


def with_changes(alerts: list[RegisterAlert]) -> list[RegisterAlert]:
    """Load what the registers said before, in one query."""
    _read_changes({alert.line.pk: alert.line for alert in alerts}.values())
    return alerts


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
    return record_settlement(
        AlertSettlement(
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
    )


def record_settlement(settlement: AlertSettlement) -> AlertSettlement:
    """Write a settlement and its event, on the chain of the label whose row the caller has locked."""
    settlement.save(force_insert=True)
    record_event(
        subject_type=Subject.LABEL,
        subject_id=settlement.label_id,
        action="settle_alert",
        actor=settlement.mandate,
        at=settlement.settled_at,
        data={"settlement": settlement.pk, "outcome": str(settlement.outcome)},
    )
    return settlement


# Lines and what they say ----------------------------------------------------------------------------------------------

Criteria = Mapping[int, Sequence[Criterion]]
"""The criteria of each version of the specification."""


def _criteria() -> Criteria:
    criteria: dict[int, list[Criterion]] = defaultdict(list)
    for criterion in Criterion.objects.filter(kind=CriterionKind.CRITERION).order_by("position"):
        criteria[criterion.specification_id].append(criterion)
    return criteria


def _most_days(criteria: Criteria) -> int:
    """Return the most days of opening that a version asks for: a register that says as many contradicts nobody."""
    rows = [row for version in criteria.values() for row in version if row.rule == Rule.OPEN_DAYS]
    return max((row.parameters["min_days"] for row in rows), default=0)


def _lines_by_key(structures: QuerySet[Structure], criteria: Criteria) -> Mapping[Any, list[RegisterLine]]:
    """Return the lines that may contradict files of structures, by their own key, their number and their SIRET."""
    speaking = (
        Q(closed_on__isnull=False) | Q(missing_since__isnull=False) | Q(facts__open_days__lt=_most_days(criteria))
    )
    for key, values in AGAINST.items():
        speaking |= Q(**{f"facts__{key}__in": values})
    own = structures.filter(register_line__isnull=False).values("register_line")
    numbers = structures.filter(finess__isnull=False).values("finess")
    sirets = structures.exclude(siret="").values("siret")
    lines = RegisterLine.objects.filter(speaking).filter(
        Q(pk__in=own) | Q(register__in=Register.values, number__in=numbers) | Q(siret__in=sirets)
    )
    by_key: dict[Any, list[RegisterLine]] = defaultdict(list)
    for line in lines.order_by("register", "pk"):
        for name in {line.pk, line.number, line.siret} - {""}:
            by_key[name].append(line)
    return by_key


def _is_of_on_call(line: RegisterLine, criteria: Criteria) -> bool:
    """Whether a line may contradict a file on nothing but its participation to the permanence of care."""
    if line.closed_on or line.missing_since:
        return False
    others = (key for key in AGAINST if key not in ON_CALL)
    few_days = line.facts.get("open_days", _most_days(criteria)) < _most_days(criteria)
    return not few_days and not any(line.facts.get(key) in AGAINST[key] for key in others)


def _found(
    labels: Iterable[Label], lines: Mapping[int, Collection[RegisterLine]], criteria: Criteria
) -> Iterator[RegisterAlert]:
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
        yield RegisterAlert(label, line, None, {"closed_on": line.closed_on.isoformat()})
    elif line.missing_since:
        yield RegisterAlert(label, line, None, {"missing_since": line.missing_since.isoformat()})


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
            yield RegisterAlert(label, line, criterion, found.said, found.answered)


def _read_changes(lines: Iterable[RegisterLine]) -> None:
    changes = Prefetch("changes", RegisterChange.objects.select_related("source").order_by("-as_of", "-pk"))
    prefetch_related_objects(list(lines), changes)


# What was settled -----------------------------------------------------------------------------------------------------


def _unsettled(alerts: Sequence[RegisterAlert]) -> Iterator[RegisterAlert]:
    settled: dict[tuple[int, int, int | None], list[AlertSettlement]] = defaultdict(list)
    of_registers = AlertSettlement.objects.filter(label__in={alert.label.pk for alert in alerts}, line__isnull=False)
    for row in of_registers:
        settled[row.label_id, row.line_id, row.criterion_id].append(row)  # type: ignore[index]
    about = [(alert.label.pk, alert.line.pk, alert.criterion.pk if alert.criterion else None) for alert in alerts]
    _read_changes(
        {alert.line.pk: alert.line for alert, key in zip(alerts, about, strict=True) if key in settled}.values()
    )
    for alert, key in zip(alerts, about, strict=True):
        if not any(_holds(row, alert) for row in settled.get(key, ())):
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
