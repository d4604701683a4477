"""The attestations of a label: at each due date its holder says, criterion by criterion, what changed.

Only the latest due date counts: one that was missed is not caught up, the next one says what changed since then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError
from labelling.choices import CriterionKind, MembershipRole
from labelling.models import Attestation, Criterion, Label, Membership
from labelling.models.labels import LabelQuerySet
from labelling.rules.additionality import Supply
from labelling.rules.clock import add_months, local_day
from labelling.services.additionality import check_supply
from territories.choices import Subject
from territories.models import Event
from territories.services.events import lock, record_event

LONGEST = 1500


def due_dates(label: Label) -> list[date]:
    """Return the days before which the holder attests, while the label runs."""
    dates: list[date] = []
    until = label.valid.upper
    while (
        until is not None
        and (due := add_months(label.valid.lower, settings.ATTESTATION_MONTHS * (len(dates) + 1))) < until
    ):
        dates.append(due)
    return dates


def current_due(label: Label, *, on: date) -> date | None:
    """Return the latest due date for which the holder may attest, done or not."""
    window = timedelta(days=settings.ATTESTATION_OPENS_DAYS)
    return max((due for due in due_dates(label) if due - window <= on), default=None)


def next_due(label: Label, *, on: date) -> date | None:
    """Return the next due date that is still to come and not attested, nothing when none is."""
    done = set(label.attestations.values_list("due_date", flat=True))
    return min((due for due in due_dates(label) if due >= on and due not in done), default=None)


def expected(label: Label, *, on: date) -> date | None:
    """Return the due date of the attestation that the holder may make now, nothing when it is made or not open yet."""
    due = current_due(label, on=on)
    return None if due is None or label.attestations.filter(due_date=due).exists() else due


def criteria_of(label: Label) -> list[Criterion]:
    """Return the criteria on which the label was granted, in order."""
    return label.application.specification.of_kind(CriterionKind.CRITERION)


@transaction.atomic
def attest(
    *, label: Label, membership: Membership, statements: Mapping[str, str], supply: Supply, due: date, at: datetime
) -> Attestation:
    """Keep what the holder says of each criterion for a due date, and what the place offers now.

    ``statements`` gives what changed by code of criterion, an empty text when nothing did; ``supply`` the figures of a
    week by measure, ``None`` where the holder does not know.

    Raises:
        RefusedError: not an owner of the structure, the label is not in force, this due date is not expected or was
            attested already, a criterion is missing, or a figure is missing or impossible.
    """
    current = lock(label)
    if membership.structure_id != current.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError("Le responsable de la structure atteste en son nom.")
    today = local_day(at, current.departement.timezone)
    if current.notified_at is None or current.withdrawn_at is not None or today not in current.valid:
        raise RefusedError("Ce label n’est pas en cours : il n’y a rien à attester.")
    if expected(current, on=today) != due:
        raise RefusedError("Cette attestation est déjà faite, ou n’est pas encore ouverte. Rien n’a été enregistré.")
    codes = [row.code for row in criteria_of(label)]
    if set(statements) != set(codes):
        raise RefusedError("Répondez pour chaque critère.")
    check_supply(supply)
    said = {code: statements[code].strip()[:LONGEST] for code in codes}
    attestation = Attestation.objects.create(
        label=current, due_date=due, statements=said, attested_at=at, membership=membership, **supply
    )
    record_event(
        subject_type=Subject.LABEL,
        subject_id=current.pk,
        action="attest",
        actor=membership,
        at=at,
        data={
            "attestation": attestation.pk,
            "due": due.isoformat(),
            "changed": [code for code in codes if said[code]],
        },
    )
    return attestation


def late(labels: LabelQuerySet, *, on: date) -> list[tuple[Label, date]]:
    """Return the labels in force whose latest attestation is overdue, with its due date, the oldest first."""
    rows = [(label, current_due(label, on=on)) for label in labels.held(on).published()]
    overdue = [(label, due) for label, due in rows if due is not None and due < on]
    keys = [label.pk for label, _ in overdue]
    done = set(Attestation.objects.filter(label__in=keys).values_list("label", "due_date"))
    missing = [(label, due) for label, due in overdue if (label.pk, due) not in done]
    return sorted(missing, key=lambda row: (row[1], row[0].pk))


def remind_of_attestations(*, at: datetime) -> int:
    """Write a reminder when an attestation opens, and another when it is overdue; return their number."""
    today = local_day(at, settings.TIME_ZONE)
    written = 0
    for label in Label.objects.held(today).published().order_by("pk"):
        due = current_due(label, on=today)
        if due is not None:
            written += _remind(label, due, today, at=at)
    return written


@transaction.atomic
def _remind(label: Label, due: date, today: date, *, at: datetime) -> bool:
    data = {"due": due.isoformat(), "late": today > due}
    said = Event.objects.about(Subject.LABEL, label.pk).filter(action="remind_attestation", data=data)
    if said.exists():
        return False
    current = lock(label)
    if current.attestations.filter(due_date=due).exists() or said.exists():
        return False
    record_event(
        subject_type=Subject.LABEL, subject_id=current.pk, action="remind_attestation", actor=None, at=at, data=data
    )
    return True


def since_when(label: Label) -> str:
    """Return the day since which the holder says what changed: that of its last attestation, else of the label's."""
    last = label.attestations.order_by("attested_at").last()
    return long_date(last.attested_at if last else label.application.submitted_at)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what the public reads of a place is: declared with the file, then attested; ``overdue``: since when it should
    have been attested again, nothing when it need not; ``changed``: its last attestation says that something changed.
    """

    declared_at: datetime | None
    attested_at: datetime | None
    changed: bool
    overdue: date | None


def freshness(label: Label, *, on: date) -> Freshness:
    """Return how old what the public reads of a labelled place is on a day."""
    last = label.attestations.order_by("attested_at").last()
    overdue = late(Label.objects.filter(pk=label.pk), on=on)
    return Freshness(
        declared_at=label.application.submitted_at,
        attested_at=last.attested_at if last else None,
        changed=last is not None and any(last.statements.values()),
        overdue=overdue[0][1] if overdue else None,
    )
