"""Visits of labelled places: planned by either authority, reported criterion by criterion, sent, and answered once.

A visit decides nothing: what it finds may be the facts of an ending, which has its own procedure. Rows are locked in one
order: label, visit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole, VisitConclusion, VisitReason, VisitResult
from labelling.models import Label, Membership, Visit, VisitFinding
from labelling.rules.clock import local_day
from labelling.services.attestations import criteria_of
from labelling.services.interests import stood_aside
from labelling.services.reviews import require_reviewer
from territories.choices import CAPACITY_OF_AUTHORITY, Role, Subject
from territories.models import Departement, Mandate
from territories.services.events import Actor, lock, record_event, write

LONGEST = 3000


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one criterion: the result, and the facts."""

    result: str
    observed: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a visit while it is written; ``correct_before`` goes with the conclusion « à corriger »."""

    visited_date: date
    seen: Mapping[str, Seen]
    notes: str = ""
    conclusion: str = ""
    correct_before: date | None = None


def visitors_for(departement: Departement) -> QuerySet[Mandate]:
    """Return the agents of both authorities who may visit a place of a département, by service and name."""
    return (
        Mandate.objects.active(timezone.localdate())
        .filter(
            Q(departement=departement.pk)
            | Q(departement__isnull=True, region=departement.region_id)
            | Q(departement__isnull=True, region__isnull=True),
            role=Role.AGENT,
            authority__kind__in=list(CAPACITY_OF_AUTHORITY),
            user__is_active=True,
        )
        .select_related("user", "authority")
        .order_by("authority__name", "user__last_name", "user__first_name", "pk")
    )


@transaction.atomic
def plan_visit(
    *, label: Label, reason: str, planned_date: date, agents: Collection[Mandate], mandate: Mandate, at: datetime
) -> Visit:
    """Plan a visit. The structure is told nothing by the portal: it is announced, or not, by those who go.

    Raises:
        RefusedError: the mandate may not, the label is not in force, a day that is past, nobody goes, somebody who may
            not, or another visit is planned.
    """
    require_reviewer(label.application, mandate, at=at)
    current = lock(label)
    today = local_day(at, label.departement.timezone)
    if current.notified_at is None or current.withdrawn_at is not None or today not in current.valid:
        raise RefusedError("Ce label n’est pas en cours : il n’y a rien à visiter à ce titre.")
    if reason not in VisitReason.values:
        raise RefusedError("Choisissez un motif.")
    if planned_date < today:
        raise RefusedError("Une visite se prévoit pour aujourd’hui ou pour un jour à venir.")
    if not agents:
        raise RefusedError("Choisissez au moins un agent.")
    for agent in agents:
        _require_visitor(label, agent, at=at)
    if current.visits.filter(sent_at__isnull=True, cancelled_at__isnull=True).exists():
        raise RefusedError("Une visite de ce lieu est déjà prévue : rédigez son compte rendu, ou annulez-la.")
    visit = Visit.objects.create(
        label=current, reason=reason, planned_date=planned_date, planned_at=at, planned_by=mandate
    )
    visit.agents.set(agents)
    VisitFinding.objects.bulk_create(VisitFinding(visit=visit, criterion=row) for row in criteria_of(label))
    _record(visit, "plan_visit", mandate, at=at)
    return visit


def _require_visitor(label: Label, agent: Mandate, *, at: datetime) -> None:
    if label.structure_id in stood_aside(agent):
        raise RefusedError(f"{agent.user.full_name} s’est déporté de cette structure : choisissez un autre agent.")
    try:
        require_reviewer(label.application, agent, at=at)
    except RefusedError as refusal:
        raise RefusedError(
            f"{agent.user.full_name} ne peut pas instruire dans ce département : choisissez un autre agent."
        ) from refusal


@transaction.atomic
def write_report(*, visit: Visit, report: Report, mandate: Mandate, version: int, at: datetime) -> Visit:
    """Keep the report of a visit as far as it is written; it may be written again until it is sent.

    Raises:
        RefusedError: the mandate may not, the report is sent or the visit cancelled, a criterion is missing or not told, or
            the dates do not hold.
        StaleError: the visit changed since ``version``.
    """
    current, label = _open(visit, mandate, version=version, at=at)
    today = local_day(at, label.departement.timezone)
    if report.visited_date > today:
        raise RefusedError(
            "Le compte rendu s’écrit une fois sur place : le jour de la visite ne peut pas être à venir."
        )
    if report.visited_date not in label.valid:
        raise RefusedError("Ce jour-là, ce lieu n’était pas labellisé : vérifiez la date de la visite.")
    findings = {row.criterion.code: row for row in current.findings.select_related("criterion")}
    if set(report.seen) != set(findings):
        raise RefusedError("Le compte rendu porte sur chaque critère de la version du label.")
    dated = report.conclusion == VisitConclusion.TO_CORRECT
    if dated != (report.correct_before is not None):
        raise RefusedError("La conclusion « à corriger », et elle seule, dit avant quelle date.")
    if report.correct_before and report.correct_before <= report.visited_date:
        raise RefusedError("La date avant laquelle corriger vient après la visite.")
    for code, seen in report.seen.items():
        row, observed = findings[code], seen.observed.strip()[:LONGEST]
        if seen.result == VisitResult.NOT_MET and not observed:
            raise RefusedError(f"{row.criterion.title} : dites ce qui a été observé, la structure le lira.")
        row.result, row.observed = seen.result, observed
    VisitFinding.objects.bulk_update(findings.values(), ["result", "observed"])
    write(
        visit,
        version=version,
        visited_date=report.visited_date,
        notes=report.notes.strip()[:LONGEST],
        conclusion=report.conclusion,
        correct_before=report.correct_before,
    )
    _record(visit, "write_visit", mandate, at=at)
    return visit


@transaction.atomic
def send_report(*, visit: Visit, mandate: Mandate, version: int, at: datetime) -> Visit:
    """Send the report to the structure, which may answer once; it is kept as it is from now on.

    Raises:
        RefusedError: the mandate may not, the report is sent or the visit cancelled, or it has no date or conclusion yet.
        StaleError: the visit changed since ``version``.
    """
    current, label = _open(visit, mandate, version=version, at=at)
    if current.visited_date is None or not current.conclusion:
        raise RefusedError("Ce compte rendu n’est pas terminé : indiquez le jour de la visite et la conclusion.")
    today = local_day(at, label.departement.timezone)
    write(visit, version=version, sent_at=at, deadline=today + timedelta(days=settings.VISIT_ANSWER_DAYS))
    _record(visit, "send_visit", mandate, at=at, conclusion=str(current.conclusion))
    return visit


@transaction.atomic
def cancel_visit(*, visit: Visit, mandate: Mandate, version: int, at: datetime) -> Visit:
    """Give a visit up: it was not made, or nothing of it is sent.

    Raises:
        RefusedError: the mandate may not, or the report is sent already.
        StaleError: the visit changed since ``version``.
    """
    _open(visit, mandate, version=version, at=at)
    write(visit, version=version, cancelled_at=at)
    _record(visit, "cancel_visit", mandate, at=at)
    return visit


@transaction.atomic
def answer_report(*, visit: Visit, membership: Membership, answer: str, version: int, at: datetime) -> Visit:
    """Keep the one answer of a structure to a report, as it wrote it.

    Raises:
        RefusedError: not an owner of this structure, nothing was sent, the delay is past, already answered, or no text.
        StaleError: the visit changed since ``version``.
    """
    label = lock(visit.label)
    current = lock(visit)
    if membership.structure_id != label.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError("Le responsable de la structure répond en son nom.")
    if current.sent_at is None or current.deadline is None:
        raise RefusedError("Aucun compte rendu n’attend de réponse.")
    if current.answered_at is not None:
        raise RefusedError("Votre réponse est déjà reçue et gardée. Pour la compléter, écrivez aux services.")
    if current.version != version:
        raise StaleError
    if local_day(at, label.departement.timezone) > current.deadline:
        raise RefusedError(
            f"La réponse était attendue jusqu’au {long_date(current.deadline)}. Rien n’a été enregistré ; écrivez aux "
            "services, dont l’adresse est ci-dessous."
        )
    if not answer.strip():
        raise RefusedError("Écrivez votre réponse. Rien n’a été enregistré.")
    write(visit, version=version, answer=answer.strip()[:LONGEST], answered_at=at, answered_by=membership)
    _record(visit, "answer_visit", membership, at=at)
    return visit


def open_visit(visit: Visit, mandate: Mandate, *, at: datetime) -> tuple[Visit, Label]:
    """Lock the label and the visit whose report is still written, for an agent who may.

    Raises:
        RefusedError: the mandate may not, or the report is sent or the visit cancelled.
    """
    require_reviewer(visit.label.application, mandate, at=at)
    label = lock(visit.label)
    current = lock(visit)
    if current.cancelled_at is not None:
        raise RefusedError("Cette visite est annulée : rien n’a été enregistré.")
    if current.sent_at is not None:
        raise RefusedError("Ce compte rendu est déjà envoyé à la structure : il ne change plus.")
    return current, label


def _open(visit: Visit, mandate: Mandate, *, version: int, at: datetime) -> tuple[Visit, Label]:
    """Lock the label and the visit that is still written as the person saw it."""
    current, label = open_visit(visit, mandate, at=at)
    if current.version != version:
        raise StaleError
    return current, label


def _record(visit: Visit, action: str, actor: Actor, *, at: datetime, **data: str) -> None:
    """Record an act on the chain of the label, whose row the caller holds."""
    record_event(
        subject_type=Subject.LABEL,
        subject_id=visit.label_id,
        action=action,
        actor=actor,
        at=at,
        data={"visit": visit.pk, **data},
    )
