"""The engine of an act on several rows: each under its own lock, in its own transaction, with what became of it.

A run may be carried out by the page that starts it, by a worker, or by several at once: a row is taken under its lock,
hence done once, and one that was in hand when a worker died comes back whole.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from territories.choices import RunResult
from territories.models import Run

logger = logging.getLogger(__name__)

KEPT = timedelta(days=30)
BROKEN = "Une erreur du portail a interrompu cet acte, et rien n’en a été gardé. Elle est enregistrée ; recommencez plus tard."

AnyRun = TypeVar("AnyRun", bound=Run)
Act = Callable[[Any, datetime], str]
"""Does the act on one outcome's row at an instant. Returns why the row kept its place all the same, or nothing; a refusal is
raised."""


def carry_out_run(run: AnyRun, act: Act) -> AnyRun:
    """Do what is left of a run, one transaction per row; stopped halfway, it is taken up where it was."""
    outcomes: QuerySet[Any] = run.outcomes  # type: ignore[attr-defined]  # each run has its own
    while _do_next(run, outcomes, act):
        pass
    if not outcomes.filter(result=RunResult.WAITING).exists():
        type(run)._default_manager.filter(pk=run.pk, finished_at__isnull=True).update(finished_at=timezone.now())
        run.refresh_from_db(fields=["finished_at"])
    return run


@transaction.atomic
def _do_next(run: Run, outcomes: QuerySet[Any], act: Act) -> bool:
    """Do one row of a run that nobody else is doing; tell whether there was one."""
    waiting = outcomes.filter(result=RunResult.WAITING).order_by("pk")
    outcome = waiting.select_for_update(of=("self",), skip_locked=True).first()
    if outcome is None:
        return False
    at = timezone.now()
    try:
        with transaction.atomic():
            sentence = act(outcome, at)
    except RefusedError as refusal:
        sentence = str(refusal)
    except Exception:
        # Whatever it is, the other rows must not wait for this one.
        logger.exception("%s: %s, %s", type(run).__name__, run, outcome)
        sentence = BROKEN
    result = RunResult.NOT_DONE if sentence else RunResult.DONE
    outcomes.filter(pk=outcome.pk).update(result=result, sentence=typeset(sentence)[:500], done_at=at)
    return True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: rows done, not done, and all of them."""

    done: int = 0
    not_done: int = 0
    total: int = 0

    @property
    def handled(self) -> int:
        """Rows that are no longer waiting."""
        return self.done + self.not_done

    @property
    def waiting(self) -> int:
        """Rows still to do."""
        return self.total - self.handled


def progress_by_run(outcomes: QuerySet[Any]) -> dict[int, Progress]:
    """Return how far the runs of these outcomes are, by key, in one query."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for run, result, number in outcomes.order_by().values_list("run", "result").annotate(n=Count("pk")):
        counts[run][result] = number
    return {
        run: Progress(found.get(RunResult.DONE, 0), found.get(RunResult.NOT_DONE, 0), sum(found.values()))
        for run, found in counts.items()
    }


def progress_of(run: Run) -> Progress:
    """Return how far a run is."""
    return progress_by_run(run.outcomes.all()).get(run.pk, Progress())  # type: ignore[attr-defined]  # each run has its own


def purge(runs: QuerySet[Any], *, at: datetime) -> int:
    """Forget the finished runs that are more than 30 days old, with the outcome of each row; return their number."""
    old = runs.filter(created_at__lt=at - KEPT, finished_at__isnull=False)
    return old.delete()[1].get(runs.model._meta.label, 0)
