"""What a reader may know of the appeals of a file: what may be contested, until when, what is pending, what is to be read."""

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils import timezone

from francesante.lib.french import long_date, typeset
from labelling.choices import AppealKind, AppealOutcome, Contested
from labelling.models import Appeal, Application, ReasonsRequest
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services import appeal_answers as answers
from labelling.services import appeals as service
from labelling.services import reasons
from labelling.services.contested import Target, deadline_of, notified_on, targets_of
from labelling.services.restorations import why_not_restorable
from territories.models import SignatureRefusal
from territories.services.notifications import presumed_at


@dataclass(frozen=True, slots=True)
class Row:
    """One appeal as its reader may know it.

    ``told``: how it was settled may be read. ``may_open``: a signed answer waits for its reading. ``blocked``: why a label
    has not found again what an act took that was undone.
    """

    appeal: Appeal
    clock: service.AppealClock | None
    told: bool
    may_open: bool
    notified: date | None
    at_signature: bool
    declined: SignatureRefusal | None
    court_until: date | None
    blocked: str


@dataclass(frozen=True, slots=True)
class Contest:
    """One thing that may be contested, and where its delays stand.

    ``court_until``: last day to go to court. ``passed``: the delay of an appeal to the signatories is over. ``asked_once``:
    they were asked already, and a second appeal would prolong nothing more.
    """

    target: Target
    court_until: date | None
    passed: bool
    asked_once: bool

    @property
    def title(self) -> str:
        """How a list of acts names it."""
        signed = self.target.decision.signed_at if self.target.decision else None
        day = f", acte du {long_date(signed)}" if signed else ""
        return typeset(f"{self.target.against.label[:1].upper()}{self.target.against.label[1:]}{day}")


@dataclass(frozen=True, slots=True)
class Situation:
    """What may be contested on a file, and what was asked about it."""

    rows: list[Row]
    contests: list[Contest]
    asked: ReasonsRequest | None
    reasons_due: date | None
    presumed_on: date | None
    today: date

    @property
    def silence(self) -> Contest | None:
        """The implicit rejection, which is then all that may be contested."""
        return next((row for row in self.contests if row.target.against == Contested.SILENCE), None)

    @property
    def unasked(self) -> list[Contest]:
        """What the signatories were not asked about yet."""
        return [row for row in self.contests if not row.asked_once]


def situation(application: Application, *, structure: bool, now: datetime | None = None) -> Situation:
    """Return what a reader of one side may know of the appeals of a file: nothing of an act that is not notified."""
    zone = application.departement.timezone
    today = local_day(now or timezone.now(), zone)
    rows = [row_of(row, today, structure=structure) for row in service.appeals_of(application)]
    contests = [
        Contest(
            target=target,
            court_until=deadline_of(application, target, AppealKind.CONTENTIEUX),
            passed=target.deadline is not None and today > target.deadline,
            asked_once=any(row.appeal.kind == AppealKind.GRACIEUX and target.is_that_of(row.appeal) for row in rows),
        )
        for target in targets_of(application, on=today)
        if target.since is not None or not structure
    ]
    silent = any(row.target.against == Contested.SILENCE for row in contests)
    asked = reasons.asked_reasons(application) if silent else None
    return Situation(
        rows=rows,
        contests=contests,
        asked=asked,
        reasons_due=reasons.due_on(asked) if asked else None,
        presumed_on=local_day(presumed_at(asked.answered_at), zone) if asked and asked.answered_at else None,
        today=today,
    )


def row_of(appeal: Appeal, today: date, *, structure: bool) -> Row:
    """Return an appeal as a reader of one side may know it."""
    zone = appeal.application.departement.timezone
    act = appeal.answer_decision
    signed = act is not None and act.signed_at is not None and appeal.outcome != AppealOutcome.NO_OBJECT
    notified = notified_on(act, zone) if act is not None and signed else None
    told = appeal.settled_at is not None and (not structure or not signed or notified is not None)
    undone = appeal.label_act if told and appeal.outcome == AppealOutcome.ACCEPTED and not structure else None
    waits = undone is not None and undone.undone_at is None and (notified is not None or not signed)
    return Row(
        appeal=appeal,
        clock=service.clock_of(appeal, today),
        told=told,
        may_open=signed and notified is None,
        notified=notified,
        at_signature=appeal.settled_at is None and answers.is_at_signature(appeal),
        declined=answers.refusal_to_answer(appeal) if appeal.settled_at is None and not structure else None,
        court_until=_court_until(appeal) if told else None,
        blocked=typeset(why_not_restorable(undone)) if undone is not None and waits else "",
    )


def _court_until(appeal: Appeal) -> date | None:
    """Return the last day to go to court after the rejection of an appeal that was in its delay."""
    if appeal.outcome != AppealOutcome.REJECTED or appeal.is_late or appeal.answer_decision is None:
        return None
    told = notified_on(appeal.answer_decision, appeal.application.departement.timezone)
    return appeal_deadline(told) if told else None


def notice(application: Application, *, structure: bool) -> Situation | None:
    """Return what the page of a file says of its appeals, or nothing while none can be."""
    found = situation(application, structure=structure)
    return found if found.rows or found.contests else None


def awaits(application: Application) -> bool:
    """Tell whether an appeal of a file awaits an answer that is not at the signature yet."""
    rows = service.appeals_of(application).filter(kind=AppealKind.GRACIEUX, settled_at__isnull=True)
    return any(not answers.is_at_signature(row) for row in rows)


def tasks_of_file(application: Application) -> list[tuple[str, str]]:
    """Return what the structure may read of what it asked: sentence and address."""
    tasks = [
        (
            f"Lire la réponse à votre recours, dossier {application.number}",
            reverse("appeal-answer", args=[application.number, appeal.pk]),
        )
        for appeal in answers.unread_answers(application)
    ]
    asked = reasons.asked_reasons(application)
    if asked is not None and asked.answered_at is not None and asked.communicated_date is None:
        tasks.append(
            (
                f"Lire les motifs du rejet implicite, dossier {application.number}",
                reverse("appeals", args=[application.number]),
            )
        )
    return tasks
