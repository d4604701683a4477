"""The instruction of a file: take it up, assess it criterion by criterion, share, endorse.

An assessment is private to its authority until the lead shares it; from then on both authorities read everything.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from francesante.lib.french import long_date, plural
from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import REASONED, CriterionKind, Verdict
from labelling.models import Application, Criterion, CriterionAssessment, InformationRequest
from labelling.models.applications import REVIEWERS
from labelling.rules.answers import parse
from labelling.rules.criteria import asks_reason
from labelling.services.interests import STANDS_ASIDE, stood_aside
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity, Role, Subject
from territories.models import Mandate, Notification
from territories.services.events import lock, perform

SHORT_NAMES = {Capacity.ARS: "ARS", Capacity.PREFET: "préfecture"}
"""How an authority is called beside a verdict."""


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion and what each authority says of it, as far as the reader may know."""

    criterion: Criterion
    lead: CriterionAssessment | None
    other: CriterionAssessment | None

    @property
    def differs(self) -> bool:
        """Whether both authorities spoke and do not say the same."""
        return bool(self.lead and self.other and self.lead.verdict != self.other.verdict)

    @property
    def agreed(self) -> CriterionAssessment | None:
        """The assessment that both authorities hold: the lead's, unless the other differs."""
        return None if self.differs else self.lead


def other_capacity(application: Application) -> Capacity:
    """Return the capacity that endorses: the one that does not lead."""
    return Capacity.PREFET if application.lead == Capacity.ARS else Capacity.ARS


def is_insider(mandate: Mandate | None) -> bool:
    """Tell whether a mandate belongs to the ARS, to the préfecture or to the national team.

    The others (caisse, collectivité) know nothing of an assessment, nor of the sense of a decision, before its
    notification.
    """
    return mandate is not None and (mandate.capacity is not None or mandate.role == Role.NATIONAL)


def visible_to(mandate: Mandate | None, *, aside: AbstractSet[int] | None = None) -> Q:
    """Return the filter of the assessments that a mandate may read.

    Agents read those of their own authority, unless they stand aside; insiders, shared ones; the others, those of a
    notified decision. ``aside``: as in :func:`require_reviewer`.
    """
    if not is_insider(mandate):
        told = Notification.objects.filter(decision=OuterRef("application__decision"), notified_at__isnull=False)
        return Q(Exists(told))
    shared = Q(application__shared_at__isnull=False)
    if mandate is None or mandate.role != Role.AGENT:
        return shared
    own = Q(capacity=mandate.capacity)
    structures = stood_aside(mandate) if aside is None else aside
    return shared | (own & ~Q(application__structure__in=structures) if structures else own)


def sheet(
    application: Application,
    assessments: Iterable[CriterionAssessment] | None = None,
    criteria: Iterable[Criterion] | None = None,
) -> list[Line]:
    """Return the criteria of a file in order, with the assessments given (all of them by default).

    ``criteria`` are those of its specification that are assessed, when the caller has them for many files.
    """
    rows: Iterable[CriterionAssessment] = application.assessments.all() if assessments is None else assessments
    said = {(row.criterion_id, row.capacity): row for row in rows}
    other = other_capacity(application)
    if criteria is None:
        criteria = application.specification.of_kind(CriterionKind.CRITERION)
    return [
        Line(criterion, said.get((criterion.pk, application.lead)), said.get((criterion.pk, other)))
        for criterion in criteria
    ]


def readable_sheet(
    application: Application, mandate: Mandate | None, *, aside: AbstractSet[int] | None = None
) -> list[Line]:
    """Return :func:`sheet` as a mandate may read it; ``aside``: as in :func:`require_reviewer`."""
    rows: QuerySet[CriterionAssessment] = application.assessments.filter(visible_to(mandate, aside=aside))
    return sheet(application, rows.select_related("mandate__user", "mandate__authority"))


def require_reviewer(
    application: Application, mandate: Mandate, *, at: datetime, aside: AbstractSet[int] | None = None
) -> Capacity:
    """Return the capacity of a mandate that may instruct a file.

    ``aside`` is :func:`labelling.services.interests.stood_aside` of the mandate, when the caller has it already.

    Raises:
        RefusedError: the mandate is not one of instruction, has ended, covers another territory, or its holder stands
            aside from this structure.
    """
    capacity = mandate.capacity
    if mandate.role != Role.AGENT or capacity is None:
        raise RefusedError(
            "Votre habilitation permet de lire ce dossier, non de l’instruire. Rien n’a été enregistré ; "
            "un agent de l’ARS ou de la préfecture peut le faire."
        )
    if not mandate.covers(application.departement):
        raise RefusedError(
            f"Votre habilitation ne couvre pas le département {application.departement}. Rien n’a été enregistré."
        )
    if not mandate.is_active(at):
        raise RefusedError(
            "Votre habilitation n’est pas en vigueur à ce jour : rien n’a été enregistré. L’administrateur de votre "
            "service peut en enregistrer une nouvelle."
        )
    if application.structure_id in (stood_aside(mandate) if aside is None else aside):
        raise RefusedError(STANDS_ASIDE)
    require_kept(application)
    return capacity


def require_kept(application: Application) -> None:
    """Ask that the personal data of a file be still kept: nothing is added to one from which they were erased.

    Raises:
        RefusedError: they were erased at the end of their retention.
    """
    if application.purged_at is not None:
        raise RefusedError(
            "Ce dossier est terminé depuis longtemps : ce qui nommait des personnes y est effacé, et il ne reçoit plus rien. "
            "Rien n’a été enregistré ; écrivez aux services par courrier."
        )


def take_up(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Application:
    """Take a submitted file into instruction, in the name of the mandate's authority.

    Raises:
        RefusedError: the mandate may not, or the file does not wait for it.
        StaleError: the file changed since ``version``.
    """
    taken: dict[str, Any] = {REVIEWERS[require_reviewer(application, mandate, at=at)]: mandate}
    perform(
        application,
        "take_up",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        **taken,
    )
    return application


@transaction.atomic
def assess(
    *,
    application: Application,
    criterion: Criterion,
    verdict: str,
    reason: str,
    mandate: Mandate,
    version: int,
    at: datetime,
) -> CriterionAssessment:
    """Record what the mandate's authority says of one criterion.

    A lead that changes its mind after the other authority took position asks for a new position, unless the other
    already said the same.

    Raises:
        RefusedError: not its turn, a criterion of another specification, or a criterion not met, or set aside, without a
            reason.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    reason = reason.strip()
    if criterion.specification_id != application.specification_id or criterion.kind != CriterionKind.CRITERION:
        raise RefusedError("Ce critère ne fait pas partie de ceux qui s’apprécient dans ce dossier.")
    current = lock(application)
    if current.version != version:
        raise StaleError
    reason = _reason(current, criterion, verdict, reason, capacity)
    if capacity != current.lead and current.shared_at is None:
        raise RefusedError(
            "L’appréciation du chef de file n’est pas encore partagée. Dès qu’elle le sera, vous pourrez la reprendre, "
            "ou différer critère par critère."
        )
    fields = {}
    if capacity == current.lead and current.endorsed_at is not None:
        same = current.assessments.filter(criterion=criterion, verdict=verdict)
        if not same.exists():
            fields = {"endorsed_at": None}
    perform(
        application,
        "assess",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"criterion": criterion.code, "position": criterion.position, "verdict": str(verdict)},
        **fields,
    )
    row, _ = CriterionAssessment.objects.update_or_create(
        application=application,
        criterion=criterion,
        capacity=capacity,
        defaults={"verdict": verdict, "reason": reason, "mandate": mandate, "assessed_at": at},
    )
    # Who assesses the criterion has read what its authority was answered about it.
    received = InformationRequest.objects.received().filter(application=application, capacity=capacity)
    received.filter(criterion=criterion).update(read_at=at)
    return row


def _reason(application: Application, criterion: Criterion, verdict: str, reason: str, capacity: str) -> str:
    """Return the reason that the act would print of a verdict.

    One left as it was when « à préciser » or « non rempli » became « rempli » was that of the former verdict.
    """
    if verdict == Verdict.MET:
        before = application.assessments.filter(criterion=criterion, capacity=capacity).first()
        if before and before.verdict != verdict and before.reason == reason:
            reason = ""
        if not reason and asks_reason(criterion.rule, parse(application.answers)):
            raise RefusedError(
                "Un médecin n’est pas en secteur 1 : dites pourquoi le critère est tout de même rempli. La décision imprimera "
                "ce motif."
            )
        return reason
    if verdict == Verdict.NOT_APPLICABLE and not reason and application.structure.kind in criterion.exempt_kinds:
        return "Le cahier des charges en dispense ce type de structure."
    if verdict in REASONED and not reason:
        raise RefusedError(f"Un critère {Verdict(verdict).label} demande un motif : la décision l’imprimera.")
    return reason


@transaction.atomic
def share_assessment(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Application:
    """Show the lead's whole assessment to the other authority.

    Raises:
        RefusedError: not the lead, or a criterion is not assessed or still to be clarified.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    check_share(current, mandate, sheet(current))
    perform(
        application,
        "share",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        shared_at=at,
    )
    return application


def check_share(application: Application, mandate: Mandate, lines: list[Line]) -> None:
    """Ask if a reviewer may share this assessment: the act does, under its lock; a selection does, beforehand.

    Raises:
        RefusedError: why not.
    """
    check(TRANSITIONS, "share", state=application.state, hat=mandate.hat, row=application)
    if mandate.capacity != application.lead:
        raise RefusedError("L’appréciation est partagée par l’autorité chef de file.")
    require_complete(application)
    if sentence := missing_to_share(lines):
        raise RefusedError(sentence)


def incomplete(application: Application) -> str:
    """Return the sentence that says which answers are awaited, or nothing; reads ``application.requests``.

    Who asked and gave a delay waits for it, or withdraws the question, before going on.
    """
    waiting = [row for row in application.requests.all() if row.is_open and row.deadline]
    if not waiting:
        return ""
    until = long_date(max(row.deadline for row in waiting if row.deadline))
    s = plural(len(waiting))
    return (
        f"{len(waiting)} précision{s} attendue{s} de la structure jusqu’au {until} : attendez sa réponse, ou retirez la "
        "demande."
    )


def require_complete(application: Application) -> None:
    """Ask that no question wait for the structure.

    Raises:
        RefusedError: one does.
    """
    if sentence := incomplete(application):
        raise RefusedError(sentence)


def missing_to_share(lines: list[Line]) -> str:
    """Return the sentence that says which criteria keep the lead from sharing, or nothing."""
    unsaid = [line.criterion for line in lines if line.lead is None]
    unclear = [line.criterion for line in lines if line.lead and line.lead.verdict == Verdict.TO_CLARIFY]
    parts = []
    if unsaid:
        parts.append(f"{_criteria(unsaid)} à apprécier")
    if unclear:
        parts.append(f"{_criteria(unclear)} à préciser")
    return f"Il reste {' et '.join(parts)}." if parts else ""


def _criteria(criteria: list[Criterion]) -> str:
    numbers = [str(criterion.position) for criterion in criteria]
    if len(numbers) == 1:
        return f"le critère {numbers[0]}"
    return f"les critères {', '.join(numbers[:-1])} et {numbers[-1]}"


@transaction.atomic
def endorse(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Application:
    """Take position as the other authority: hold the shared assessment, but for the differences recorded.

    Raises:
        RefusedError: not the other authority, already done, or one of its own points is still to be clarified.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    lines = sheet(current)
    check_endorse(current, mandate, lines)
    perform(
        application,
        "endorse",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        endorsed_at=at,
        data={"differences": [line.criterion.code for line in lines if line.differs]},
    )
    return application


def check_endorse(application: Application, mandate: Mandate, lines: list[Line]) -> None:
    """Ask if a reviewer may endorse the shared assessment: as :func:`check_share`.

    Raises:
        RefusedError: why not.
    """
    check(TRANSITIONS, "endorse", state=application.state, hat=mandate.hat, row=application)
    if mandate.capacity == application.lead:
        raise RefusedError("C’est à l’autre autorité de prendre position sur l’appréciation que la vôtre a partagée.")
    if application.endorsed_at is not None:
        raise RefusedError("Votre autorité a déjà pris position. Elle peut encore différer critère par critère.")
    require_complete(application)
    if unclear := [line.criterion for line in lines if line.other and line.other.verdict == Verdict.TO_CLARIFY]:
        raise RefusedError(f"Il reste {_criteria(unclear)} à préciser de votre côté.")
