"""Several favourable decisions signed with one code: what was shown is written down, then signed decision by decision."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from francesante.lib.workflow import RefusedError
from territories.models import Decision, Mandate, SignatureOutcome, SignatureRun
from territories.services.decisions import FAVOURABLE, sign_decision
from territories.services.runs import carry_out_run, purge

MOST_DECISIONS = 200
"""Decisions of one selection."""
AT_ONCE = 10
"""Decisions that the page signs itself; a longer selection goes to a worker."""
CONFIRMED = timedelta(hours=1)
"""How long a code confirmed at the start of a selection signs for."""
TOO_LATE = (
    "Le portail n’a pas pu signer cette décision dans l’heure qui a suivi votre code : elle n’est pas signée. Elle reste dans "
    "votre parapheur ; relisez-la et signez-la avec un nouveau code."
)


def check_selection(shown: Mapping[int, str], mandate: Mandate) -> list[int]:
    """Return the keys of the decisions that a selection may hold: asked before a code is used up.

    Raises:
        RefusedError: there is none, there are too many, or none awaits the mandate's signature any more.
    """
    if len(shown) > MOST_DECISIONS:
        raise RefusedError(
            f"Une sélection compte {MOST_DECISIONS} décisions au plus. Rien n’a été signé ; réduisez la sélection."
        )
    found = Decision.objects.for_user(mandate.user).filter(pk__in=shown, kind__in=FAVOURABLE)
    keys = list(found.order_by("proposed_at", "pk").values_list("pk", flat=True))
    if not keys:
        raise RefusedError(
            "Aucune de ces décisions ne peut être signée en sélection : un refus ou une fin de label se signe seul, après "
            "lecture. Rien n’a été signé."
        )
    if not Decision.objects.awaiting(mandate).filter(pk__in=keys).exists():
        raise RefusedError(
            "Ces décisions n’attendent plus votre signature : elles sont signées, ou retirées du parapheur. Rien de plus n’a "
            "été signé."
        )
    return keys


@transaction.atomic
def start_selection(*, key: UUID, shown: Mapping[int, str], mandate: Mandate, at: datetime) -> SignatureRun:
    """Write down the decisions to sign, each with the hash that was shown; nothing is signed yet.

    The caller has just confirmed the second factor of the person, with this mandate. The same ``key`` a second time gives
    back the first selection.

    Raises:
        RefusedError: see :func:`check_selection`.
    """
    keys = check_selection(shown, mandate)
    if existing := SignatureRun.objects.of(mandate.user).filter(key=key).first():
        return existing
    run = SignatureRun.objects.create(key=key, mandate=mandate, created_at=at)
    SignatureOutcome.objects.bulk_create(
        SignatureOutcome(run=run, decision_id=pk, content_hash=shown[pk]) for pk in keys
    )
    return run


def carry_out_selection(*, run: SignatureRun) -> SignatureRun:
    """Sign what is left of a selection, one transaction per decision, each judged at its own instant."""
    rows = SignatureRun.objects.select_related("mandate__user", "mandate__authority", "mandate__departement")
    run = rows.get(pk=run.pk)
    return carry_out_run(run, partial(_sign, run))


def _sign(run: SignatureRun, outcome: SignatureOutcome, at: datetime) -> str:
    if at > run.created_at + CONFIRMED:
        raise RefusedError(TOO_LATE)
    decision = Decision.objects.select_related("departement").defer("pdf").get(pk=outcome.decision_id)
    sign_decision(decision=decision, mandate=run.mandate, content_hash=outcome.content_hash, at=at)
    return ""


def carry_out_unfinished() -> None:
    """Take up the selections that nobody finished."""
    for run in SignatureRun.objects.unfinished():
        carry_out_selection(run=run)


def purge_selections(*, at: datetime) -> int:
    """Forget the selections signed more than 30 days ago, and return their number; the signatures stay."""
    return purge(SignatureRun.objects.all(), at=at)
