"""The versions of the answers of a submitted file: kept before each change, compared, read by agents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from francesante.lib.workflow import StaleError
from labelling.choices import RevisionKind
from labelling.models import AnswerRevision, Application, Criterion, InformationRequest
from labelling.rules.answers import Answers, parse
from labelling.rules.diff import Change, changes, has_changed
from labelling.services.reviews import require_reviewer
from territories.choices import ActorKind, Subject
from territories.models import Event, Mandate
from territories.services.events import Actor, lock, record_event


@dataclass(frozen=True, slots=True)
class Version:
    """One change of the answers: the row that kept what was before, and what the answers became."""

    row: AnswerRevision
    before: Answers
    after: Answers

    @property
    def changes(self) -> list[Change]:
        """Return the answers that differ."""
        return changes(self.before, self.after)


def keep_version(
    application: Application, *, kind: RevisionKind, actor: Actor, at: datetime, reason: str = ""
) -> AnswerRevision:
    """Keep the present answers of a file, which the caller has locked and is about to change."""
    actor_type, actor_id = actor.actor
    return AnswerRevision.objects.create(
        application=application,
        number=application.revisions.count() + 1,
        kind=kind,
        answers=application.answers,
        reason=reason,
        actor_type=actor_type,
        actor_id=actor_id,
        at=at,
    )


def versions_of(application: Application) -> list[Version]:
    """Return the changes of the answers since they were submitted, the first one first."""
    rows = list(application.revisions.order_by("number"))
    states = [parse(row.answers) for row in rows] + [parse(application.answers)]
    return [Version(row, states[rank], states[rank + 1]) for rank, row in enumerate(rows)]


def changed_at(criteria: Iterable[Criterion], versions: Sequence[Version]) -> dict[int, datetime]:
    """Return, by criterion's key, when what its rule reads last changed; a criterion that never did is absent."""
    found = {}
    for criterion in criteria:
        moments = [one.row.at for one in versions if has_changed(criterion.rule, one.before, one.after)]
        if moments:
            found[criterion.pk] = moments[-1]
    return found


def since(versions: Sequence[Version], visit: datetime | None) -> list[Change]:
    """Return what changed between the answers as a visit found them and those of today."""
    new = [one for one in versions if visit is None or one.row.at > visit]
    return changes(new[0].before, new[-1].after) if new else []


def last_visit(application: Application, mandate: Mandate) -> datetime | None:
    """Return when the person of a mandate last acted on a file, reading the changes included; nothing if never."""
    mandates = Mandate.objects.filter(user=mandate.user_id).values("pk")
    acts = Event.objects.about(Subject.APPLICATION, application.pk).filter(
        actor_type=ActorKind.MANDATE, actor_id__in=mandates
    )
    last = acts.last()
    return last.at if last else None


@transaction.atomic
def mark_read(
    *, application: Application, mandate: Mandate, revision: int, requests: Iterable[int], at: datetime
) -> int:
    """Record that an agent read the answers as it was shown them; return how many questions of its authority that settles.

    ``revision`` is the number of the last version shown (0 without any), ``requests`` the questions whose answer was.

    Raises:
        RefusedError: the mandate does not instruct this file.
        StaleError: the answers changed again meanwhile: what nobody saw is not marked.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.revisions.count() != revision:
        raise StaleError(
            "Les réponses ont encore changé pendant que vous lisiez. Relisez-les, puis dites que c’est lu."
        )
    received = InformationRequest.objects.received().filter(application=current, capacity=capacity)
    read = received.filter(pk__in=list(requests)).update(read_at=at)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        action="read_answers",
        actor=mandate,
        at=at,
        data={"revision": revision, "requests": read},
    )
    return read
