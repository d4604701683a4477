"""A SIRET asked of the Annuaire des entreprises, and what is kept of the answer.

The network is never waited for inside a transaction: one looks up first, then keeps what was found.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from francesante.lib.annuaire import Establishment, find_establishment
from francesante.lib.outbound import OutboundError
from francesante.lib.text import sort_key
from francesante.lib.workflow import RefusedError
from labelling.choices import AnnuaireAnswer, Register
from labelling.models import Claim, Completion, RegisterLine
from labelling.readers.establishments import row_of
from labelling.services.claims import OPEN, hold_siret, start_claim
from labelling.services.register_search import closed_sentence
from labelling.services.registers import keep_answer, line_of
from territories.choices import Subject
from territories.models import Commune, User
from territories.services.events import record_event

KNOWN_FOR = timedelta(days=1)
UNKNOWN_FOR = timedelta(hours=1)
"""How long an answer serves those who ask again."""
FIRST_TRY = timedelta(minutes=1)
MAX_DECLARED_PER_DAY = 5
"""Establishments that one person may describe in 24 hours: agents read each of them."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookUp:
    """What the Annuaire says of a SIRET: ``found`` and its ``line``, not saved, when it is known and may be shown."""

    siret: str
    answer: AnnuaireAnswer
    found: Establishment | None = None
    line: RegisterLine | None = None

    @property
    def may_be_described(self) -> bool:
        """Whether the person may go on by describing the structure."""
        return self.line is None

    @property
    def sentence(self) -> str:
        """Say what happened and what to do next; nothing when it was found, open."""
        return closed_sentence(self.line) if self.line and self.line.closed_on else _SENTENCES.get(self.answer, "")


_SENTENCES = {
    AnnuaireAnswer.UNKNOWN: (
        "Ce SIRET est bien formé, mais ni les registres importés ni l’Annuaire des entreprises ne le connaissent. "
        "Vérifiez-le sur l’avis de situation de l’Insee. S’il est récent, décrivez la structure vous-même : le portail "
        "cherchera de nouveau."
    ),
    AnnuaireAnswer.UNSHOWN: (
        "L’Annuaire des entreprises connaît ce SIRET, mais son titulaire a demandé que son nom et son adresse n’y "
        "paraissent pas : le portail ne les a pas lus. Si vous en répondez, décrivez la structure vous-même."
    ),
    AnnuaireAnswer.SILENT: (
        "L’Annuaire des entreprises n’est pas joignable en ce moment. Vous pouvez continuer sans lui : décrivez la "
        "structure vous-même ; le portail cherchera le reste plus tard, sans toucher à ce que vous aurez écrit."
    ),
    AnnuaireAnswer.TOO_MANY: (
        "Beaucoup de SIRET ont été cherchés depuis votre connexion : l’Annuaire des entreprises n’est plus interrogé pour "
        "vous pendant une heure. Cherchez par le nom et la commune, ou décrivez la structure vous-même."
    ),
}


def look_up(siret: str, *, who: str, at: datetime) -> LookUp:
    """Ask the Annuaire about a SIRET whose key holds; ``who`` counts the questions, of a person or of an address.

    Writes nothing. An answer serves again for a while, whoever asks.
    """
    kept = cache.get(_key(siret))
    if kept is None:
        if not settings.ANNUAIRE_URL:
            return LookUp(siret, AnnuaireAnswer.SILENT)
        counter = f"annuaire:asked:{sha256(who.encode()).hexdigest()}"
        cache.add(counter, 0, timeout=3600)
        if cache.incr(counter) > settings.ANNUAIRE_PER_HOUR:
            return LookUp(siret, AnnuaireAnswer.TOO_MANY)
        try:
            kept = ask(siret, at=at)
        except OutboundError as error:
            logger.warning("annuaire: %s", error)
            return LookUp(siret, AnnuaireAnswer.SILENT)
    found, asked_at = kept
    return read(siret, found, asked_at)


def ask(siret: str, *, at: datetime) -> tuple[Establishment | None, datetime]:
    """Ask the Annuaire, whoever wants to know, and keep its answer for those who ask next.

    Raises:
        OutboundError: no answer.
    """
    found = find_establishment(settings.ANNUAIRE_URL, siret)
    lasting = KNOWN_FOR if found and found.shown else UNKNOWN_FOR
    cache.set(_key(siret), (found, at), timeout=int(lasting.total_seconds()))
    return found, at


def _key(siret: str) -> str:
    return f"annuaire:{siret}"


def read(siret: str, found: Establishment | None, at: datetime) -> LookUp:
    """Return what an answer of the Annuaire, given at an instant, says of a SIRET."""
    if found is None:
        return LookUp(siret, AnnuaireAnswer.UNKNOWN)
    if not found.shown:
        return LookUp(siret, AnnuaireAnswer.UNSHOWN)
    try:
        line = line_of(row_of(found, as_of=timezone.localdate(at)))
    except ValueError:
        # Abroad, or without a name: nothing to show.
        return LookUp(siret, AnnuaireAnswer.UNKNOWN)
    return LookUp(siret, AnnuaireAnswer.CLOSED if line.closed_on else AnnuaireAnswer.FOUND, found, line)


# What is kept ----------------------------------------------------------------------------------------------------


def claim_found(*, user: User, found: LookUp, kind: str, at: datetime) -> Claim:
    """Keep the line of an establishment that the Annuaire knows, and claim it: an agent, or its owner, will confirm.

    Raises:
        RefusedError: closed, or a claim that cannot be (see ``start_claim``).
    """
    claim, _ = start_claim(user=user, line=keep(found, at=at), kind=kind, at=at)
    return claim


def keep(found: LookUp, *, at: datetime) -> RegisterLine:
    """Bring the line of a SIRET to what the Annuaire answered; a change is kept, as for any register."""
    if found.found is None or found.line is None:
        raise RefusedError(found.sentence)
    return keep_answer(row_of(found.found, as_of=found.line.as_of), at=at)


@transaction.atomic
def claim_described(
    *,
    user: User,
    siret: str,
    name: str,
    commune: Commune,
    address: str,
    kind: str,
    answer: AnnuaireAnswer,
    at: datetime,
) -> Claim:
    """Claim an establishment that the person describes, since the Annuaire did not; what is missing is asked later.

    Each description is a line of its own: what one person writes is never shown to another one who has the same SIRET.

    Raises:
        RefusedError: too many in a day, one that already waits for this SIRET, or a claim that cannot be.
    """
    hold_siret(siret)
    claims = Claim.objects.filter(user=user, line__register=Register.DECLARED)
    if claims.filter(line__siret=siret, state__in=OPEN).exists():
        raise RefusedError(
            "Votre demande pour ce SIRET attend déjà une confirmation : vous serez prévenu par courriel."
        )
    if claims.filter(created_at__gt=at - timedelta(days=1)).count() >= MAX_DECLARED_PER_DAY:
        raise RefusedError(
            f"Vous avez décrit {MAX_DECLARED_PER_DAY} structures en 24 heures, c’est le maximum. Attendez demain."
        )
    rank = RegisterLine.objects.filter(register=Register.DECLARED, siret=siret).count() + 1
    line = RegisterLine.objects.create(
        register=Register.DECLARED,
        number=f"{siret}-{rank}",
        siret=siret,
        name=name,
        sort_key=sort_key(name)[:200],
        address=address,
        commune=commune,
        as_of=timezone.localdate(at),
    )
    record_event(
        subject_type=Subject.REGISTER_LINE,
        subject_id=line.pk,
        action="describe",
        actor=None,
        at=at,
        data={"user": user.pk, "answer": str(answer)},
    )
    if answer != AnnuaireAnswer.UNSHOWN:
        Completion.objects.create(line=line, asked_at=at, next_at=at + FIRST_TRY)
    claim, _ = start_claim(user=user, line=line, kind=kind, at=at)
    return claim
