"""The structure's side of the questions asked of it: read, answered one by one, sent in one act.

What it changes waits in ``AnswerDraft``; only what an open question unlocks is ever taken from it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from francesante.lib.french import plural
from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import RevisionKind
from labelling.models import AnswerDraft, AnswerRevision, Application, InformationRequest, Membership
from labelling.rules.answers import MAX_TEXT, Answers, parse, problems
from labelling.rules.clock import local_day
from labelling.rules.conditions import applicable
from labelling.rules.diff import has_changed
from labelling.rules.reads import step_of, taken_over
from labelling.services.applications import require_access
from labelling.services.clocks import postponed_silence_date
from labelling.services.revisions import keep_version
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.services.events import lock, perform, write


@transaction.atomic
def read_questions(*, application: Application, membership: Membership, at: datetime) -> list[InformationRequest]:
    """Record that the structure reads the questions sent to it: they are notified, and required pieces stop the clock.

    Read twice, the first time counts.

    Raises:
        RefusedError: the access has ended, or nothing is expected on this file.
    """
    require_access(membership, application.structure)
    current = lock(application)
    unread = InformationRequest.objects.open().filter(application=current, notified_at__isnull=True)
    questions = list(unread.order_by("criterion__position", "pk"))
    if not questions:
        check(TRANSITIONS, "read_request", state=current.state, hat=membership.hat, row=current)
        return []
    InformationRequest.objects.filter(pk__in=[row.pk for row in questions]).update(notified_at=at)
    perform(
        application,
        "read_request",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=membership,
        at=at,
        data={"requests": [row.pk for row in questions]},
        silence_date=postponed_silence_date(current),
    )
    return questions


def answers_in_progress(application: Application) -> tuple[Answers, int]:
    """Return the answers as the structure is changing them, and the version of that work (0: nothing is changed yet)."""
    draft = AnswerDraft.objects.filter(application=application).first()
    return (parse(draft.answers), draft.version) if draft else (parse(application.answers), 0)


@transaction.atomic
def save_reply(
    *,
    question: InformationRequest,
    membership: Membership,
    answers: Mapping[str, Any],
    reply: str,
    version: int,
    at: datetime,
) -> InformationRequest:
    """Keep what the structure prepares for one question: the answers that its criterion reads, and some words.

    ``answers`` are keys of ``Application.answers``; only what the rule reads is taken. Nothing is sent.

    Raises:
        RefusedError: not open or not read, past its deadline, an answer cannot be, or nothing is answered.
        StaleError: a colleague changed the answers in preparation since ``version``.
    """
    application = question.application
    require_access(membership, application.structure)
    current = lock(application)
    check(TRANSITIONS, "read_request", state=current.state, hat=membership.hat, row=current)
    row = _answerable(current, at=at).filter(pk=question.pk).select_related("criterion").first()
    if row is None:
        raise RefusedError(
            "Cette question n’attend plus de réponse : elle est retirée, ou son échéance est passée. Rien n’a été enregistré."
        )
    rule, reply = row.criterion.rule, reply.strip()
    before, at_version = answers_in_progress(current)
    if at_version != version:
        raise StaleError
    after = taken_over([rule], before, parse({**before.as_json(), **answers}))
    step = step_of(rule)
    if found := [one.sentence for one in problems(after) if step and one.step == step.slug]:
        raise RefusedError(" ".join(found))
    if not reply and not has_changed(rule, parse(current.answers), after):
        raise RefusedError(
            "Changez la réponse, ou écrivez quelques mots : l’un des deux suffit. Rien n’a été enregistré."
        )
    draft, _ = AnswerDraft.objects.get_or_create(application=current, defaults={"version": 0})
    write(draft, version=version, answers=after.as_json())
    InformationRequest.objects.filter(pk=row.pk).update(reply=reply[:MAX_TEXT], ready_at=at)
    row.refresh_from_db()
    return row


@transaction.atomic
def send_answers(
    *, application: Application, membership: Membership, version: int, at: datetime
) -> list[InformationRequest]:
    """Send the answers to all the questions that were read, in one act: the clock runs again.

    ``version`` is that of the answers in preparation. Their former version is kept when they changed.

    Raises:
        RefusedError: not the owner, nothing to answer, or a question without answer yet.
        StaleError: a colleague changed the answers in preparation since ``version``.
    """
    require_access(membership, application.structure)
    current = lock(application)
    check(TRANSITIONS, "answer", state=current.state, hat=membership.hat, row=current)
    rows = list(_answerable(current, at=at).select_related("criterion").order_by("pk"))
    if not rows:
        raise RefusedError(
            "Aucune question n’attend de réponse : les vôtres sont déjà envoyées, ou la demande est close. Cet envoi n’a rien "
            "changé."
        )
    if left := sum(row.ready_at is None for row in rows):
        raise RefusedError(
            f"Il reste {left} question{plural(left)} sans réponse. Rien n’a été envoyé ; ce qui est préparé est gardé."
        )
    changed, at_version = answers_in_progress(current)
    if at_version != version:
        raise StaleError
    rules = [row.criterion.rule for row in rows]
    answers = applicable(taken_over(rules, parse(current.answers), changed), current.structure.kind)
    revision: AnswerRevision | None = None
    fields: dict[str, Any] = {}
    if answers != parse(current.answers):
        revision = keep_version(current, kind=RevisionKind.REPLY, actor=membership, at=at)
        fields = {"answers": answers.as_json()}
    InformationRequest.objects.filter(pk__in=[row.pk for row in rows]).update(answered_at=at, answered_by=membership)
    perform(
        application,
        "answer",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=membership,
        at=at,
        data={"requests": [row.pk for row in rows], "revision": revision.number if revision else None},
        silence_date=postponed_silence_date(current),
        **fields,
    )
    trim_draft(application)
    return rows


def _answerable(application: Application, *, at: datetime) -> Any:
    """The open questions of a file that were read, and whose deadline has not passed."""
    today = local_day(at, application.departement.timezone)
    return InformationRequest.objects.open().filter(
        application=application, notified_at__isnull=False, deadline__gte=today
    )


def unlocked_rules(application: Application) -> list[str]:
    """Return the rules of the criteria about which a question is open: their answers are the structure's to change."""
    rows = InformationRequest.objects.open().filter(application=application)
    return list(rows.order_by("criterion__rule").values_list("criterion__rule", flat=True).distinct())


def trim_draft(application: Application) -> None:
    """Keep of the answers in preparation what an open question still unlocks; nothing when none does."""
    draft = AnswerDraft.objects.filter(application=application).first()
    if draft is None:
        return
    if rules := unlocked_rules(application):
        kept = taken_over(rules, parse(application.answers), parse(draft.answers))
        AnswerDraft.objects.filter(pk=draft.pk).update(answers=kept.as_json(), version=F("version") + 1)
    else:
        draft.delete()
