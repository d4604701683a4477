"""An agent corrects the answers of a submitted file in the place of the structure: with a reason, traced, and told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import RevisionKind
from labelling.models import AnswerRevision, Application
from labelling.rules.answers import MAX_TEXT, parse, problems
from labelling.rules.conditions import applicable
from labelling.rules.reads import step_of
from labelling.rules.steps import BY_SLUG, TO_FILL, Step
from labelling.services.applications import KEYS_OF_STEP
from labelling.services.replies import unlocked_rules
from labelling.services.reviews import require_reviewer
from labelling.services.revisions import keep_version
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, perform

OWN_WORD = "engagements"
"""The task that nobody does for the structure: it undertakes, by its owner's hand."""
CORRECTABLE = tuple(step for step in TO_FILL if step.slug != OWN_WORD)


def held_by_structure(application: Application) -> list[Step]:
    """Return the tasks that an open question leaves to the structure: they are not corrected meanwhile."""
    keys = {key for rule in unlocked_rules(application) if (step := step_of(rule)) for key in KEYS_OF_STEP[step.slug]}
    return [step for step in CORRECTABLE if keys.intersection(KEYS_OF_STEP[step.slug])]


@transaction.atomic
def correct_answers(
    *,
    application: Application,
    mandate: Mandate,
    step: str,
    answers: Mapping[str, Any],
    reason: str,
    version: int,
    at: datetime,
) -> AnswerRevision:
    """Change the answers of one task of a submitted file; their former version, the reason and the agent are kept.

    Raises:
        RefusedError: the mandate may not, too late, no reason, nothing changed, an answer cannot be, commitments, or a
            task about which the structure is being asked.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    check(TRANSITIONS, "correct", state=current.state, hat=mandate.hat, row=current)
    if current.version != version:
        raise StaleError
    if step == OWN_WORD:
        raise RefusedError("Un engagement se souscrit par la structure elle-même : il ne se corrige pas à sa place.")
    if BY_SLUG[step] in held_by_structure(current):
        raise RefusedError(
            "Une précision est demandée à la structure sur ces réponses : attendez sa réponse, ou retirez la demande. Rien "
            "n’a été enregistré."
        )
    if not reason.strip():
        raise RefusedError("Une correction demande un motif : la structure le lira.")
    kept = {key: answers[key] for key in KEYS_OF_STEP[step] if key in answers}
    before = parse(current.answers)
    after = applicable(parse({**before.as_json(), **kept}), current.structure.kind)
    if found := [one.sentence for one in problems(after) if one.step == step]:
        raise RefusedError(" ".join(found))
    if after == before:
        raise RefusedError("Aucune réponse n’est changée : rien n’a été enregistré.")
    revision = keep_version(
        current, kind=RevisionKind.CORRECTION, actor=mandate, at=at, reason=reason.strip()[:MAX_TEXT]
    )
    perform(
        application,
        "correct",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"step": step, "revision": revision.number},
        answers=after.as_json(),
    )
    return revision
