"""What the Annuaire des entreprises had still to say: asked again in the background, and added without overwriting.

What the person wrote stays on their line and on the structure. The answer is a line of its own, beside; only what the
structure does not say is taken from it, each time with an event that names the fields.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from francesante.lib.outbound import OutboundError
from labelling.choices import AnnuaireAnswer, Register
from labelling.models import Completion, RegisterLine, Structure
from labelling.services.claims import fill_gaps, hold_siret
from labelling.services.establishments import LookUp, ask, keep, read
from territories.choices import Subject
from territories.services.events import record_event

SOONEST, LATEST = timedelta(minutes=5), timedelta(days=1)
"""Between two tries: twice as long each time."""
UNKNOWN_TRIES = 12
"""Answers « unknown » after which a SIRET is held to be: some four days after it was described."""
A_TURN = 20
"""Questions of one pass: far below what the service allows in a second to everybody."""
REFRESH_AFTER = timedelta(days=30)

logger = logging.getLogger(__name__)


def complete_waiting(*, at: datetime) -> int:
    """Ask about the SIRET whose turn has come; return how many were settled. A silent service ends the pass."""
    if not settings.ANNUAIRE_URL:
        return 0
    settled = 0
    due = Completion.objects.filter(next_at__lte=at).select_related("line").order_by("next_at", "pk")
    for completion in due[:A_TURN]:
        try:
            found = read(completion.line.siret, *ask(completion.line.siret, at=at))
        except OutboundError as error:
            logger.warning("annuaire: %s", error)
            _put_off(completion, at=at)
            if error.refused:
                continue
            break
        if found.answer == AnnuaireAnswer.UNKNOWN and completion.tries + 1 < UNKNOWN_TRIES:
            _put_off(completion, at=at)
        else:
            settled += _settle(completion, found, at=at)
    return settled


def _put_off(completion: Completion, *, at: datetime) -> None:
    wait = min(SOONEST * 2 ** min(completion.tries, 10), LATEST)
    Completion.objects.filter(pk=completion.pk, next_at=completion.next_at).update(
        tries=completion.tries + 1, next_at=at + wait
    )


@transaction.atomic
def _settle(completion: Completion, found: LookUp, *, at: datetime) -> bool:
    """Write the answer, and give the structure what it does not say."""
    line = completion.line
    # Lines first, then their SIRET, as when a claim is settled.
    answer = keep(found, at=at) if found.line else None
    hold_siret(line.siret)
    if not Completion.objects.select_for_update(of=("self",)).filter(pk=completion.pk, next_at__isnull=False).exists():
        return False  # Another worker did.
    Completion.objects.filter(pk=completion.pk).update(
        tries=completion.tries + 1, next_at=None, settled_at=at, outcome=found.answer, answer=answer
    )
    structure = Structure.objects.filter(register_line=line).first()
    filled = (
        fill_gaps(structure, answer, at=at) if structure and found.answer == AnnuaireAnswer.FOUND and answer else []
    )
    record_event(
        subject_type=Subject.REGISTER_LINE,
        subject_id=line.pk,
        action="complete",
        actor=None,
        at=at,
        data={"answer": str(found.answer), "line": answer.pk if answer else None, "fields": filled},
    )
    return True


def refresh_known(*, at: datetime) -> int:
    """Ask again about the structures of the Annuaire that it was not asked of for a month; return how many answered.

    A closing is then an alert of the label, as for any register.
    """
    if not settings.ANNUAIRE_URL:
        return 0
    refreshed = 0
    old = RegisterLine.objects.filter(
        register=Register.ANNUAIRE, closed_on__isnull=True, as_of__lt=(at - REFRESH_AFTER).date()
    )
    held = Structure.objects.exclude(siret="").values("siret")
    for line in old.filter(siret__in=held).order_by("as_of", "pk")[:A_TURN]:
        try:
            found = read(line.siret, *ask(line.siret, at=at))
        except OutboundError as error:
            logger.warning("annuaire: %s", error)
            break
        if found.line:
            keep(found, at=at)
            refreshed += 1
    return refreshed
