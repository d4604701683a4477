"""The joint decision: one content, the signatures it requires, and the effect of the last one.

An application of the portal gives each kind of decision its effect with :func:`effect`: it runs in the transaction of
the last signature, so that a label exists if and only if every required signatory signed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.workflow import RefusedError, StaleError
from territories.choices import Capacity, DecisionKind, DecisionState, SignatureMeans, Subject
from territories.models import Decision, Departement, Mandate, Signature, SignatureRefusal, SigningRule
from territories.services.events import lock, record_event
from territories.services.mandates import why_ended

Effect = Callable[[Decision, datetime], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What the list of a parapheur says of one decision beside its title; an empty text says nothing.

    Attributes:
        about: what tells it from another of the same title: commune and file number.
        criteria: criteria held over criteria judged, « 6/6 ».
        gaps: criteria on which the authorities differ.
        place: what the decision changes in its wave.
        deadline: the clock of what it is about, with what happens then.
        due: the day of that deadline, by which lists are sorted.
    """

    about: str = ""
    criteria: str = ""
    gaps: int = 0
    place: str = ""
    deadline: str = ""
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read before signing: an address inside the portal, its words, and what it is about."""

    url: str
    label: str
    about: str = ""
    is_piece: bool = False


Summaries = Callable[[Sequence[Decision], datetime], Mapping[int, Summary]]

FAVOURABLE = frozenset({DecisionKind.LABEL_GRANTED, DecisionKind.GRANT_AWARDED})
"""Kinds that may be signed several at a time; the others are signed one by one, after display."""

_SIGNED: dict[str, Effect] = {}
_DECLINED: dict[str, Effect] = {}
_LOCKS: dict[str, Callable[[Decision], None]] = {}
_SUMMARIES: dict[str, Summaries] = {}
_SOURCES: dict[str, Callable[[Decision], Sequence[Source]]] = {}
_BARS: dict[str, Callable[[Decision, Mandate], None]] = {}
_AFTER_DECLINE: dict[str, str] = {}

CONCERTATION = (
    "Une concertation est ouverte entre les autorités. L’équipe nationale peut donner un avis ; elle ne décide pas."
)
"""What follows a signatory who declines, unless a kind of decision says otherwise."""


def effect(
    kind: DecisionKind,
    *,
    signed: Effect,
    declined: Effect,
    locks: Callable[[Decision], None] | None = None,
    bars: Callable[[Decision, Mandate], None] | None = None,
    summary: Summaries | None = None,
    after_decline: str = CONCERTATION,
) -> None:
    """Declare what happens to the subject at the last signature, or when a signatory declines.

    ``locks`` takes the rows of the effect that come before the decision in the order of locks (quota, application);
    it runs first, in the transaction of each signature. ``bars`` refuses a person who has the right to sign, and yet must
    not sign this decision. ``summary`` says at a glance what several decisions are about. ``after_decline`` says to a signatory
    what follows when they do not sign.
    """
    _SIGNED[kind] = signed
    _DECLINED[kind] = declined
    _AFTER_DECLINE[kind] = after_decline
    if locks is not None:
        _LOCKS[kind] = locks
    if bars is not None:
        _BARS[kind] = bars
    if summary is not None:
        _SUMMARIES[kind] = summary


def read_beside(kind: DecisionKind, sources: Callable[[Decision], Sequence[Source]]) -> None:
    """Declare what a signatory may open beside a kind of decision: what it rests on."""
    _SOURCES[kind] = sources


def sources_of(decision: Decision) -> list[Source]:
    """Return what a signatory may open beside a decision; a kind that declares nothing has none."""
    found = _SOURCES.get(decision.kind)
    return list(found(decision)) if found else []


def after_decline(kind: str) -> str:
    """Return the sentence that says what follows when a signatory does not sign a kind of decision."""
    return _AFTER_DECLINE.get(kind, CONCERTATION)


def summaries_of(decisions: Sequence[Decision], *, at: datetime) -> dict[int, Summary]:
    """Return what the applications say of decisions in a list, by key; kinds that say nothing are absent."""
    by_source: dict[Summaries, list[Decision]] = {}
    for decision in decisions:
        if source := _SUMMARIES.get(decision.kind):
            by_source.setdefault(source, []).append(decision)
    found: dict[int, Summary] = {}
    for source, rows in by_source.items():
        found |= source(rows, at)
    return found


def _lock_in_order(decision: Decision) -> Decision:
    if before := _LOCKS.get(decision.kind):
        before(decision)
    return lock(decision)


def required_capacities(kind: DecisionKind, *, at: datetime) -> list[str]:
    """Return the capacities that a kind of decision requires at an instant.

    Raises:
        RefusedError: no rule is in force.
    """
    rule = SigningRule.objects.filter(kind=kind, valid_from__lte=timezone.localdate(at)).order_by("valid_from").last()
    if rule is None:
        raise RefusedError(
            "Aucune règle de signature n’est en vigueur pour cette décision. L’équipe nationale peut en publier une."
        )
    return list(rule.capacities)


@transaction.atomic
def propose_decision(
    *,
    kind: DecisionKind,
    subject_type: Subject,
    subject_id: int,
    departement: Departement,
    title: str,
    content: Mapping[str, Any],
    mandate: Mandate | None,
    at: datetime,
    required: list[str] | None = None,
    replaces: Decision | None = None,
) -> Decision:
    """Offer a content to signature. The caller holds the subject's lock and checked that it may be decided.

    ``content`` is what will be signed, byte for byte, once in canonical JSON; it never changes afterwards.

    Raises:
        RefusedError: the replaced decision is already signed by everyone, or already replaced.
    """
    if replaces is not None:
        replaces = lock(replaces)
        if replaces.state == DecisionState.SIGNED:
            raise RefusedError("Cette décision est déjà signée : elle ne peut plus être remplacée.")
        if replaces.state == DecisionState.REPLACED:
            raise RefusedError("Cette décision a déjà été remplacée : corrigez la plus récente.")
        _set_state(replaces, DecisionState.REPLACED, action="replace", mandate=mandate, at=at)
    text = canonical_json(content)
    decision = Decision.objects.create(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        departement=departement,
        title=title,
        content=text,
        content_hash=sha256_hex(text),
        required=required if required is not None else required_capacities(kind, at=at),
        replaces=replaces,
        proposed_by=mandate,
        proposed_at=at,
    )
    record_event(
        subject_type=Subject.DECISION,
        subject_id=decision.pk,
        action="propose",
        actor=mandate,
        at=at,
        to_state=DecisionState.PROPOSED,
        data={"kind": str(kind), "subject": [str(subject_type), subject_id], "content_hash": decision.content_hash},
    )
    return decision


def sign_decision(
    *,
    decision: Decision,
    mandate: Mandate,
    content_hash: str,
    at: datetime,
    means: SignatureMeans = SignatureMeans.PORTAL,
    signed_at: datetime | None = None,
) -> Decision:
    """Sign a decision as one required capacity; at the last signature its effect takes place.

    ``content_hash`` is the hash of what the signatory was shown. The second factor was confirmed by the caller. A paper
    original was signed before it is recorded: ``signed_at`` is when, and the mandate is judged at that instant; the date
    of the act is that of the last signature.

    Raises:
        RefusedError: the mandate may not sign this decision at this instant.
        StaleError: the decision is no longer the one that was shown.
    """
    try:
        with transaction.atomic():
            return _sign(decision, mandate, content_hash=content_hash, at=at, means=means, signed_at=signed_at or at)
    except IntegrityError as error:
        if sentence := _conflict_sentence(error):
            raise RefusedError(sentence) from error
        raise


def check_content(*, decision: Decision, mandate: Mandate, content_hash: str, at: datetime) -> Capacity:
    """Return the capacity in which the mandate would sign the content it was shown: asked before a code is used up.

    Raises:
        RefusedError: the mandate may not sign this decision at this instant.
        StaleError: the decision is no longer the one that was shown.
    """
    capacity = _capacity_to_sign(decision, mandate, at=at)
    if content_hash != decision.content_hash:
        raise StaleError(
            "Le contenu de cette décision n’est pas celui qui vous a été présenté. Rien n’a été signé ; relisez le texte "
            "intégral, puis signez."
        )
    return capacity


def _lock_mandate(mandate: Mandate) -> Mandate:
    """Return the mandate as it is now: a right taken back since the page was shown no longer signs."""
    locked = Mandate.objects.select_related("user", "authority", "departement")
    return locked.select_for_update(of=("self",), no_key=True).get(pk=mandate.pk)


def _sign(
    decision: Decision,
    mandate: Mandate,
    *,
    content_hash: str,
    at: datetime,
    means: SignatureMeans,
    signed_at: datetime,
) -> Decision:
    decision = _lock_in_order(decision)
    mandate = _lock_mandate(mandate)
    capacity = check_content(decision=decision, mandate=mandate, content_hash=content_hash, at=signed_at)
    Signature.objects.create(
        decision=decision,
        capacity=capacity,
        user=mandate.user,
        mandate=mandate,
        content_hash=content_hash,
        means=means,
        signatory_name=mandate.user.full_name,
        signatory_title=mandate.signing_title,
        signed_at=signed_at,
    )
    record_event(
        subject_type=Subject.DECISION,
        subject_id=decision.pk,
        action="sign",
        actor=mandate,
        at=at,
        from_state=decision.state,
        to_state=decision.state,
        data={"capacity": str(capacity), "content_hash": content_hash, "means": str(means)},
    )
    given = dict(decision.signatures.values_list("capacity", "signed_at"))
    if set(given) >= set(decision.required):
        last = max(given.values())
        _set_state(decision, DecisionState.SIGNED, action="complete", mandate=mandate, at=at, signed_at=last)
        _SIGNED[decision.kind](decision, at)
    return decision


@transaction.atomic
def decline_decision(*, decision: Decision, mandate: Mandate, reason: str, at: datetime) -> Decision:
    """Record that a required signatory will not sign, and why; the subject goes to concertation.

    Raises:
        RefusedError: no reason, or the mandate could not have signed.
    """
    if not reason.strip():
        raise RefusedError("Indiquez le motif : l’autre signataire et les services le liront pour la concertation.")
    decision = _lock_in_order(decision)
    mandate = _lock_mandate(mandate)
    capacity = _capacity_to_sign(decision, mandate, at=at)
    SignatureRefusal.objects.create(
        decision=decision, capacity=capacity, mandate=mandate, reason=reason.strip(), declined_at=at
    )
    _set_state(decision, DecisionState.DECLINED, action="decline", mandate=mandate, at=at)
    _DECLINED[decision.kind](decision, at)
    return decision


@transaction.atomic
def withdraw_proposal(*, decision: Decision, at: datetime) -> None:
    """Take out of the parapheur a decision whose object was settled otherwise; one that is no longer there stays as it is.

    The caller holds the subject's lock.
    """
    decision = lock(decision)
    if decision.state == DecisionState.PROPOSED:
        _set_state(decision, DecisionState.REPLACED, action="withdraw", mandate=None, at=at)


@transaction.atomic
def take_back_proposal(*, decision: Decision, mandate: Mandate, at: datetime) -> Decision:
    """Take back a decision that nobody signed, for the authority that presented it; a corrected one may follow.

    The caller holds the subject's lock, which comes before the decision's.

    Raises:
        RefusedError: another authority presented it, somebody signed, even by hand, or it is no longer at the signature.
    """
    decision = lock(decision)
    if sentence := why_not_taken_back(decision, mandate):
        raise RefusedError(sentence)
    _set_state(decision, DecisionState.TAKEN_BACK, action="take_back", mandate=mandate, at=at)
    return decision


def why_not_taken_back(decision: Decision, mandate: Mandate | None) -> str:
    """Return why an authority may not take a decision back, or nothing."""
    if decision.state != DecisionState.PROPOSED:
        return "Ce projet n’est plus à la signature : il ne peut pas être repris."
    presented = decision.proposed_by
    if mandate is None or presented is None or presented.capacity != mandate.capacity:
        return "Ce projet se reprend par l’autorité qui l’a présenté. Rien n’a été repris."
    if decision.signatures.exists():
        return "Une signature est déjà donnée : le projet ne se reprend plus. Un signataire peut ne pas signer, et dire pourquoi."
    if decision.paper_originals.filter(rejected_at__isnull=True).exists():
        return "Un original signé à la main est déposé : le projet ne se reprend que si cet original est écarté."
    return ""


def may_sign(decision: Decision, mandate: Mandate | None, *, at: datetime) -> bool:
    """Tell whether :func:`sign_decision` would accept this mandate: what buttons ask."""
    if mandate is None:
        return False
    try:
        _capacity_to_sign(decision, mandate, at=at)
    except RefusedError:
        return False
    return True


def _capacity_to_sign(decision: Decision, mandate: Mandate, *, at: datetime) -> Capacity:
    capacity = mandate.capacity
    if capacity is None or capacity not in decision.required or not mandate.can_sign:
        raise RefusedError("Cette habilitation ne donne pas le droit de signer cette décision.")
    if not mandate.covers(decision.departement):
        raise RefusedError(
            f"Cette habilitation ne couvre pas le département {decision.departement}. Rien n’a été signé."
        )
    if (last := mandate.last_day) and last < timezone.localdate(at):
        raise RefusedError(why_ended(mandate, signing=True))
    if not mandate.user.is_active or not mandate.may_sign(at):
        raise RefusedError(
            "Votre droit de signer n’est pas en vigueur à ce jour : la décision n’est pas signée. Une délégation vaut à "
            "partir de sa publication ; l’administrateur de votre service peut l’enregistrer."
        )
    _check_awaits(decision)
    if decision.signatures.filter(capacity=capacity).exists():
        raise RefusedError(f"Cette décision est déjà signée en qualité de {Capacity(capacity).label}.")
    if decision.signatures.filter(user=mandate.user).exists():
        raise RefusedError("Vous avez déjà signé cette décision : personne ne signe en deux qualités.")
    if bar := _BARS.get(decision.kind):
        bar(decision, mandate)
    return capacity


def _check_awaits(decision: Decision) -> None:
    match decision.state:
        case DecisionState.SIGNED:
            raise RefusedError("Cette décision est déjà signée par toutes les autorités.")
        case DecisionState.REPLACED:
            raise StaleError(_why_replaced(decision))
        case DecisionState.TAKEN_BACK:
            raise StaleError(
                "Le service qui présentait ce projet l’a repris avant toute signature : il n’est plus à signer, et rien n’a "
                "été signé. Un projet corrigé vous sera présenté s’il y a lieu."
            )
        case DecisionState.DECLINED:
            raise RefusedError(
                f"Un signataire n’a pas signé : plus rien n’est à signer. {after_decline(decision.kind)}"
            )


def _why_replaced(decision: Decision) -> str:
    if not Decision.objects.filter(replaces=decision).exists():
        return "Ce projet n’est plus à signer : ce sur quoi il portait a été réglé autrement."
    return (
        "Cette décision a été remplacée par une version corrigée. La signature déjà donnée ne vaut que pour l’ancienne ; "
        "lisez et signez la nouvelle."
    )


def _set_state(
    decision: Decision, state: DecisionState, *, action: str, mandate: Mandate | None, at: datetime, **fields: Any
) -> None:
    record_event(
        subject_type=Subject.DECISION,
        subject_id=decision.pk,
        action=action,
        actor=mandate,
        at=at,
        from_state=decision.state,
        to_state=state,
    )
    Decision.objects.filter(pk=decision.pk).update(state=state, **fields)
    decision.refresh_from_db()


def _conflict_sentence(error: IntegrityError) -> str:
    """Return what to say of a signature that the database refused, or nothing when an effect was refused."""
    if "signature_once_per_person" in str(error):
        return "Vous avez déjà signé cette décision : personne ne signe en deux qualités."
    if "signature_once_per_capacity" in str(error):
        return "Cette décision vient d’être signée dans cette qualité : votre signature n’était plus attendue."
    return ""
