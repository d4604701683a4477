"""What may be contested on a file, from when, and until when: a refusal, an implicit rejection, the acts on its label."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Min, QuerySet

from labelling.choices import AppealKind, ApplicationState, Contested
from labelling.models import Appeal, Application, Ending, Label, ReasonsRequest, Suspension
from labelling.models.endings import ContestableAct
from labelling.rules.badges import OPEN
from labelling.rules.clock import appeal_deadline, appeal_silence, has_passed, local_day, silence_appeal_deadline
from territories.models import Decision


@dataclass(frozen=True, slots=True)
class Target:
    """What may be contested.

    Attributes:
        against: its nature.
        born_on: first day on which it may be contested.
        since: day from which the delay runs; nothing for an act that is not notified yet.
        deadline: last day of the delay of an appeal to the signatories; nothing while it cannot be told.
        decision, silence_date, ending, suspension: what an :class:`Appeal` names it by.
    """

    against: Contested
    born_on: date
    since: date | None
    deadline: date | None
    decision: Decision | None = None
    silence_date: date | None = None
    ending: Ending | None = None
    suspension: Suspension | None = None

    @property
    def key(self) -> dict[str, Any]:
        """The fields of the appeals against it."""
        return {
            "decision": self.decision,
            "silence_date": self.silence_date,
            "ending": self.ending,
            "suspension": self.suspension,
        }

    def is_that_of(self, appeal: Appeal) -> bool:
        """Tell whether an appeal is against it."""
        return (appeal.decision, appeal.silence_date) == (self.decision, self.silence_date)

    def appeals(self, application: Application) -> QuerySet[Appeal]:
        """Return the appeals against it, the first received first."""
        rows = Appeal.objects.filter(application=application, decision=self.decision, silence_date=self.silence_date)
        return rows.select_related("answer_decision").defer("answer_decision__pdf").order_by("received_date", "pk")


def notified_on(decision: Decision, timezone: str) -> date | None:
    """Return the day on which a decision was first notified, or nothing: no delay runs then."""
    first = decision.notifications.aggregate(first=Min("notified_at"))["first"]
    return local_day(first, timezone) if first else None


def is_silent(application: Application, *, on: date) -> bool:
    """Tell whether silence has become a rejection, which no express decision replaced."""
    until = application.silence_date
    return until is not None and application.state in OPEN and has_passed(until, on)


def targets_of(application: Application, *, on: date) -> list[Target]:
    """Return what may be contested on a file on a day, in the time of its département: the latest act first.

    A label may have several: each act that took effect and that no appeal undid has its own delay and its own appeals.
    """
    if is_silent(application, on=on):
        return [_silence(application)]
    match application.state:
        case ApplicationState.REFUSED if application.decision is not None:
            return [_act(application, application.decision, Contested.REFUSAL)]
        case ApplicationState.LABELLED:
            label = Label.objects.filter(application=application).first()
            return [_act_on_label(application, act) for act in acts_in_effect(label)] if label else []
    return []


def acts_in_effect(label: Label) -> list[ContestableAct]:
    """Return the acts that took something from the holder of a label and stand, the latest first."""
    found: list[ContestableAct] = []
    for kind in (Ending, Suspension):
        rows = kind._default_manager.filter(label=label, applied_at__isnull=False, undone_at__isnull=True)
        found += rows.select_related("decision", "ground").defer("decision__pdf")
    return sorted(found, key=lambda act: (act.decision.signed_at, act.decision_id), reverse=True)


def _act(application: Application, decision: Decision, against: Contested, **act: ContestableAct) -> Target:
    zone = application.departement.timezone
    since = notified_on(decision, zone)
    return Target(
        against=against,
        born_on=local_day(decision.signed_at, zone),  # type: ignore[arg-type]  # signed: its effect took place
        since=since,
        deadline=appeal_deadline(since) if since else None,
        decision=decision,
        **act,  # type: ignore[arg-type]  # by its own name
    )


def _act_on_label(application: Application, act: ContestableAct) -> Target:
    if isinstance(act, Suspension):
        return _act(application, act.decision, Contested.SUSPENSION, suspension=act)
    return _act(application, act.decision, Contested.ENDING, ending=act)


def _silence(application: Application) -> Target:
    silence: date = application.silence_date  # type: ignore[assignment]  # it has passed
    return Target(
        against=Contested.SILENCE,
        born_on=silence + timedelta(days=1),
        since=silence,
        deadline=silence_deadline(application),
        silence_date=silence,
    )


def silence_deadline(application: Application) -> date | None:
    """Return the last day to contest the implicit rejection of a file, as the reasons that were asked for prolong it."""
    silence: date = application.silence_date  # type: ignore[assignment]
    asked = ReasonsRequest.objects.filter(application=application, silence_date=silence).first()
    return silence_appeal_deadline(
        silence,
        asked_on=asked.received_date if asked else None,
        communicated_on=asked.communicated_date if asked else None,
    )


def deadline_of(application: Application, target: Target, kind: AppealKind) -> date | None:
    """Return the last day of the delay of an appeal of a kind, or nothing when the portal cannot date it.

    An appeal to the signatories made in time prolongs the delay of the court (CRPA, L. 411-2): it runs anew from the
    notification of the answer, or from the silence kept on it.
    """
    if kind == AppealKind.GRACIEUX or target.deadline is None:
        return target.deadline
    first = target.appeals(application).filter(kind=AppealKind.GRACIEUX).first()
    if first is None or first.is_late:
        return target.deadline
    if first.settled_at is None:
        return appeal_deadline(appeal_silence(first.received_date))
    if first.answer_decision is None:
        return None
    told = notified_on(first.answer_decision, application.departement.timezone)
    return appeal_deadline(told) if told else None
