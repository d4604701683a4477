"""What the page of a file shows, to each side, of the questions asked of the structure and of the answers that changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from francesante.lib.french import typeset
from labelling.choices import ApplicationState
from labelling.models import Application, InformationRequest
from labelling.rules.badges import OPEN
from labelling.rules.clock import Pause, local_day, pause_on
from labelling.rules.diff import Change
from labelling.rules.steps import Step
from labelling.services import clocks, revisions
from labelling.services.corrections import CORRECTABLE, held_by_structure
from labelling.services.reviews import SHORT_NAMES, Line, is_insider
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity
from territories.models import Mandate

COUNTED = {1: "ma réponse", 2: "mes deux réponses", 3: "mes trois réponses", 4: "mes quatre réponses"}


@dataclass(frozen=True, slots=True)
class Delays:
    """The date of silence in a pause or after one: without pauses, and as they put it off."""

    base: date
    until: date
    pause: Pause | None


@dataclass(frozen=True, slots=True)
class ToDo:
    """What the structure is asked, and where its answers are."""

    asked: list[InformationRequest]
    unread: int
    ready: int
    deadline: date
    required: bool

    @property
    def complete(self) -> bool:
        """Whether everything that was read has its answer."""
        return self.unread == 0 and self.ready == len(self.asked)

    @property
    def send_words(self) -> str:
        """The words of the button that sends the answers."""
        return f"Envoyer {COUNTED.get(len(self.asked), f'mes {len(self.asked)} réponses')}"


def delays(application: Application, today: date) -> Delays | None:
    """Return how questions put the date of silence of an open file off, nothing when they do not."""
    until = application.silence_date
    if application.state not in OPEN or until is None:
        return None
    pauses = clocks.pauses_of(application)
    base = clocks.base_silence_date(application) if pauses else None
    return Delays(base, until, pause_on(pauses, today)) if base and base != until else None


def to_do(application: Application) -> ToDo | None:
    """Return what waits for the structure on a file, nothing when nothing does."""
    asked = [row for row in _rows(application) if row.is_open and row.deadline]
    if application.state != ApplicationState.UNDER_REVIEW or not asked:
        return None
    return ToDo(
        asked,
        unread=sum(row.notified_at is None for row in asked),
        ready=sum(row.ready_at is not None for row in asked),
        deadline=min(row.deadline for row in asked if row.deadline),
        required=any(row.required for row in asked),
    )


def answered(application: Application) -> list[InformationRequest]:
    """Return the questions that the structure answered, and its words."""
    return [row for row in _rows(application) if row.answered_at]


def _rows(application: Application) -> list[InformationRequest]:
    return list(application.requests.sent().select_related("criterion").order_by("criterion__position", "pk"))


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as agents read it."""

    row: InformationRequest
    authority: str
    status: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an agent reads of the questions of a file, and of what changed in its answers."""

    questions: list[Asked]
    prepared: int
    received: int
    changes: list[Change]
    since: datetime | None
    versions: int
    may_ask: bool
    correctable: list[Step]


def exchange(
    application: Application, mandate: Mandate, versions: Sequence[revisions.Version], *, may_act: bool
) -> Exchange:
    """Return the questions and the changes of a file for its agents; the others of its readers see nothing of them.

    ``may_act``: the reader instructs this file.
    """
    if not is_insider(mandate):
        return Exchange([], 0, 0, [], None, 0, may_ask=False, correctable=[])
    rows = questions_of(application, mandate.capacity if may_act else None)
    since = revisions.last_visit(application, mandate) if versions else None
    correctable = []
    if may_act and application.state in TRANSITIONS["correct"].sources:
        held = held_by_structure(application)
        correctable = [step for step in CORRECTABLE if step not in held]
    return Exchange(
        rows,
        prepared=sum(one.row.sent_at is None for one in rows),
        received=sum(
            one.row.answered_at is not None and one.row.read_at is None and one.row.capacity == mandate.capacity
            for one in rows
        )
        if may_act
        else 0,
        changes=revisions.since(versions, since) if may_act else [],
        since=since,
        versions=len(versions),
        may_ask=may_act and application.state in TRANSITIONS["ask"].sources,
        correctable=correctable,
    )


def questions_of(application: Application, capacity: str | None) -> list[Asked]:
    """Return the questions of a file that were sent, and those that the authority of its reader prepares."""
    rows = application.requests.select_related("criterion").order_by("criterion__position", "pk")
    zone = application.departement.timezone
    return [
        Asked(row, SHORT_NAMES[Capacity(row.capacity)], typeset(_status(row, zone)))
        for row in rows
        if row.sent_at or row.capacity == capacity
    ]


def _status(row: InformationRequest, zone: str) -> str:
    def on(instant: datetime) -> str:
        return f"{local_day(instant, zone):%d/%m/%Y}"

    if row.sent_at is None:
        return "À envoyer"
    if row.answered_at:
        return f"Répondue le {on(row.answered_at)}"
    if row.closed_at:
        ended = "Retirée le" if row.closed_by_id else "Sans réponse à l’échéance, close le"
        return f"{ended} {on(row.closed_at)}"
    if row.notified_at is None:
        unread = " : le délai ne s’arrête qu’à la lecture" if row.required else ""
        return f"Envoyée le {on(row.sent_at)}, pas encore lue{unread}"
    pause = ", délai en pause" if row.required else ""
    return f"Lue le {on(row.notified_at)}{pause} ; réponse attendue le {row.deadline:%d/%m/%Y}"


def changed_criteria(lines: Sequence[Line], versions: Sequence[revisions.Version]) -> dict[int, datetime]:
    """Return, by criterion's key, when its answer last changed."""
    return revisions.changed_at([line.criterion for line in lines], versions)
