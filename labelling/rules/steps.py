"""The seven tasks of an application: what each asks, and how far it is. Pure.

« Fait » says that a task holds what the file needs to be received, not that its criterion is met.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from labelling.choices import Finding, Rule
from labelling.rules.answers import Answers, problems
from labelling.rules.conditions import is_spared
from labelling.rules.criteria import assess

REVIEW = "relire"


class Status(StrEnum):
    """How far a task is."""

    NOT_STARTED = "Pas commencé"
    TO_FINISH = "À terminer"
    DONE = "Fait"


@dataclass(frozen=True, slots=True)
class Step:
    """One task: its address, its name, the question it asks, the rules whose findings it shows, its name in a sentence."""

    slug: str
    title: str
    question: str
    rules: tuple[Rule, ...] = ()
    named: str = ""


STEPS = (
    Step("identite", "Identité", "Qui êtes-vous, et qui suit ce dossier ?", named="l’identité"),
    Step("horaires", "Horaires", "Quand accueillez-vous le public ?", (Rule.OPEN_DAYS,), "les horaires"),
    Step("equipe", "Équipe", "Qui soigne dans votre structure ?", (Rule.DOCTOR, Rule.NURSE), "l’équipe"),
    Step("tarifs", "Tarifs", "Quels tarifs pratiquez-vous ?", (Rule.NO_OVERRUN,), "les tarifs"),
    Step(
        "permanence",
        "Permanence des soins",
        "Participez-vous à la permanence des soins ou au SAS ?",
        (Rule.ON_CALL,),
        "la permanence des soins",
    ),
    Step(
        "engagements", "Engagements", "À quoi votre structure s’engage-t-elle ?", (Rule.COMMITMENT,), "les engagements"
    ),
    Step(REVIEW, "Relire et déposer", "Relire et déposer votre candidature"),
)
BY_SLUG = {step.slug: step for step in STEPS}
TO_FILL = STEPS[:-1]


def status_of(step: Step, answers: Answers, spared: Collection[str] = ()) -> Status:
    """Return how far a task is; the last one is to finish as soon as all the others are done.

    ``spared`` is what the cahier des charges does not ask of the structure (:func:`labelling.rules.conditions.exempt`).
    """
    if step.slug == REVIEW:
        ready = all(status_of(other, answers, spared) == Status.DONE for other in TO_FILL)
        return Status.TO_FINISH if ready else Status.NOT_STARTED
    if is_spared(step.slug, spared):
        return Status.DONE
    started, complete = _PROGRESS[step.slug](answers, spared)
    if not started:
        return Status.NOT_STARTED
    wrong = any(problem.step == step.slug for problem in problems(answers))
    return Status.DONE if complete and not wrong else Status.TO_FINISH


def unfinished(answers: Answers, spared: Collection[str] = ()) -> list[Step]:
    """Return the tasks that keep the file from being submitted."""
    return [step for step in TO_FILL if status_of(step, answers, spared) != Status.DONE]


def next_step(step: Step) -> Step | None:
    """Return the task that follows, or nothing after the last."""
    position = STEPS.index(step) + 1
    return STEPS[position] if position < len(STEPS) else None


def _identity(answers: Answers, _spared: Collection[str]) -> tuple[bool, bool]:
    identity, contact = answers.identity, answers.contact
    settled = identity.exact is True or (identity.exact is False and bool(identity.correction))
    return identity.exact is not None, settled and bool(contact.name and contact.email)


def _hours(answers: Answers, _spared: Collection[str]) -> tuple[bool, bool]:
    opened = bool(answers.open_days or answers.stops)
    return opened, opened


def _team(answers: Answers, spared: Collection[str]) -> tuple[bool, bool]:
    asked = {Rule.DOCTOR: {"min_half_days": 1}, Rule.NURSE: {"max_minutes": 0}}
    found = [assess(rule, parameters, answers)[0] for rule, parameters in asked.items() if rule not in spared]
    return bool(answers.team), Finding.UNANSWERED not in found


def _fees(answers: Answers, _spared: Collection[str]) -> tuple[bool, bool]:
    doctors = answers.of("doctor")
    known = all(member.sector for member in doctors) if doctors else bool(answers.fees.sector)
    return answers.fees.overrun is not None, answers.fees.overrun is not None and known


def _on_call(answers: Answers, _spared: Collection[str]) -> tuple[bool, bool]:
    said = (answers.on_call.pdsa, answers.on_call.sas)
    return said != (None, None), True in said or None not in said


def _commitments(answers: Answers, spared: Collection[str]) -> tuple[bool, bool]:
    asked = {name: taken for name, taken in asdict(answers.commitments).items() if name not in spared}
    return any(asked.values()) or not asked, all(asked.values())


_PROGRESS: Mapping[str, Callable[[Answers, Collection[str]], tuple[bool, bool]]] = {
    "identite": _identity,
    "horaires": _hours,
    "equipe": _team,
    "tarifs": _fees,
    "permanence": _on_call,
    "engagements": _commitments,
}
"""By task: whether it is started, and whether it holds what it must."""
