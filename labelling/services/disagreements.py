"""A disagreement: one authority signed or would have, the other declined.

It ends by agreement after a concertation, by an express refusal of the authority that declined once a concertation
without agreement is recorded, or by silence (DESIGN §4.4). The national team advises, and never decides.
"""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from francesante.lib.workflow import RefusedError, StaleError, check
from labelling.choices import ConcertationOutcome, Verdict
from labelling.models import Application, Concertation, NationalAdvice
from labelling.rules.clock import concertation_deadline, local_day
from labelling.services.drafting import draft_content
from labelling.services.reviews import Line, require_reviewer, sheet
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity, DecisionKind, DecisionState, Subject
from territories.models import Decision, Mandate, SignatureRefusal
from territories.services.decisions import propose_decision
from territories.services.events import lock, perform

_JOINT = Q(required__len__gt=1)


def declined_decision(application: Application) -> Decision | None:
    """Return the joint decision that an authority declined last, or nothing."""
    declined = Decision.objects.filter(
        _JOINT, subject_type=Subject.APPLICATION, subject_id=application.pk, state=DecisionState.DECLINED
    )
    return declined.defer("pdf").order_by("pk").last()


def refusal_to_sign(decision: Decision) -> SignatureRefusal:
    """Return who declined a decision, and why."""
    rows = decision.signature_refusals.select_related("mandate__authority", "mandate__user")
    return rows.get()


def deadline_of(application: Application, refusal: SignatureRefusal) -> date:
    """Return the day before which the concertation is recorded."""
    return concertation_deadline(
        local_day(refusal.declined_at, application.departement.timezone),
        days=settings.CONCERTATION_DAYS,
        silence=application.silence_date,
    )


def records_of(decision: Decision) -> list[Concertation]:
    """Return the records that stand for a declined decision, the latest first: the pending one, then the confirmed."""
    rows = Concertation.objects.filter(decision=decision, set_aside_at__isnull=True)
    return list(rows.select_related("recorded_by__authority", "confirmed_by__authority").order_by("-pk"))


def last_confirmed(decision: Decision) -> Concertation | None:
    """Return the record that counts: the last one that both authorities hold, or nothing."""
    confirmed = Concertation.objects.filter(decision=decision, confirmed_at__isnull=False)
    return confirmed.order_by("confirmed_at", "pk").last()


def _enter(action: str, application: Application, mandate: Mandate, *, version: int) -> tuple[Application, Decision]:
    """Lock a file for an act of its disagreement; return it as it is, with the decision that was declined."""
    current = lock(application)
    if current.version != version:
        raise StaleError
    check(TRANSITIONS, action, state=current.state, hat=mandate.hat, row=current)
    decision = declined_decision(current)
    if decision is None:
        raise RefusedError("Aucune décision de ce dossier n’a été refusée à la signature : il n’y a pas de désaccord.")
    return current, decision


@transaction.atomic
def record_concertation(
    *,
    application: Application,
    mandate: Mandate,
    held_date: date,
    participants: str,
    text: str,
    outcome: ConcertationOutcome,
    version: int,
    at: datetime,
) -> Concertation:
    """Write the record of a concertation; the other authority will confirm it. A pending record is set aside.

    Raises:
        RefusedError: the mandate may not, no disagreement, something is missing, a day out of bounds, or an agreement is
            confirmed already.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current, decision = _enter("record_concertation", application, mandate, version=version)
    participants, text = participants.strip(), text.strip()
    if not participants or not text:
        raise RefusedError("Un compte rendu dit qui était présent et ce qui a été dit. Rien n’a été enregistré.")
    zone = application.departement.timezone
    declined_on = local_day(refusal_to_sign(decision).declined_at, zone)
    if not declined_on <= held_date <= local_day(at, zone):
        raise RefusedError(
            "La concertation se tient après le refus de signer, et se consigne une fois tenue. Rien n’a été enregistré ; "
            "vérifiez sa date."
        )
    last = last_confirmed(decision)
    if last is not None and last.outcome == ConcertationOutcome.AGREEMENT:
        raise RefusedError("Un accord est déjà confirmé par les deux autorités : l’instruction peut reprendre.")
    Concertation.objects.filter(decision=decision, confirmed_at__isnull=True, set_aside_at__isnull=True).update(
        set_aside_at=at
    )
    record = Concertation.objects.create(
        application=current,
        decision=decision,
        held_date=held_date,
        participants=participants,
        text=text,
        outcome=outcome,
        recorded_by=mandate,
        recorded_capacity=capacity,
        recorded_at=at,
    )
    _act(application, "record_concertation", mandate, version=version, at=at, concertation=record.pk)
    return record


@transaction.atomic
def confirm_concertation(
    *, application: Application, concertation: int, mandate: Mandate, version: int, at: datetime
) -> Concertation:
    """Confirm, for the other authority, the pending record that it was shown.

    Raises:
        RefusedError: the mandate may not, or its own authority wrote the record.
        StaleError: the file changed since ``version``, or the record is no longer the pending one.
    """
    capacity = require_reviewer(application, mandate, at=at)
    _, decision = _enter("confirm_concertation", application, mandate, version=version)
    record = Concertation.objects.filter(
        pk=concertation, decision=decision, confirmed_at__isnull=True, set_aside_at__isnull=True
    ).first()
    if record is None:
        raise StaleError(
            "Ce compte rendu n’est plus celui qui attend une confirmation. Rien n’a été enregistré ; relisez la page."
        )
    if record.recorded_capacity == capacity:
        raise RefusedError("Votre autorité a écrit ce compte rendu : c’est à l’autre de le confirmer.")
    Concertation.objects.filter(pk=record.pk).update(confirmed_by=mandate, confirmed_capacity=capacity, confirmed_at=at)
    _act(application, "confirm_concertation", mandate, version=version, at=at, concertation=record.pk)
    record.refresh_from_db()
    return record


@transaction.atomic
def advise(*, application: Application, mandate: Mandate, text: str, version: int, at: datetime) -> NationalAdvice:
    """Record what the national team advises; it moves nothing else.

    Raises:
        RefusedError: not the national team, no disagreement, or nothing is said.
        StaleError: the file changed since ``version``.
    """
    if not mandate.is_active(at):
        raise RefusedError("Votre habilitation n’est pas en vigueur à ce jour : rien n’a été enregistré.")
    current, decision = _enter("advise", application, mandate, version=version)
    if not text.strip():
        raise RefusedError("Écrivez l’avis : les deux autorités le liront dans le dossier.")
    advice = NationalAdvice.objects.create(
        application=current, decision=decision, text=text.strip(), mandate=mandate, given_at=at
    )
    _act(application, "advise", mandate, version=version, at=at, advice=advice.pk)
    return advice


@transaction.atomic
def resume(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Application:
    """Take the instruction up again after an agreement; the other authority will take position anew.

    Raises:
        RefusedError: the mandate may not, no disagreement, or no agreement confirmed by both authorities.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    _, decision = _enter("resume", application, mandate, version=version)
    last = last_confirmed(decision)
    if last is None or last.outcome != ConcertationOutcome.AGREEMENT:
        raise RefusedError(
            "L’instruction reprend après un accord : consignez la concertation, que l’autre autorité confirme. Rien n’a été "
            "enregistré."
        )
    _act(application, "resume", mandate, version=version, at=at, concertation=last.pk, fields={"endorsed_at": None})
    return application


def own_view(application: Application, capacity: Capacity) -> list[Line]:
    """Return the criteria as one authority alone holds them: its own words, else those of the lead that it did not dispute."""
    lines = sheet(application)
    if capacity == application.lead:
        return [Line(line.criterion, line.lead, None) for line in lines]
    return [Line(line.criterion, line.other or line.lead, None) for line in lines]


def why_no_express_refusal(application: Application, decision: Decision, capacity: Capacity | None) -> str:
    """Return why an authority may not refuse by its signature alone, or nothing."""
    if not settings.EXPRESS_REFUSAL_BY_ONE:
        return "Le refus exprès d’une seule autorité n’est pas ouvert : le désaccord s’achève par un accord ou par le silence."
    if refusal_to_sign(decision).capacity != capacity:
        return "Le refus exprès revient à l’autorité qui n’a pas signé."
    last = last_confirmed(decision)
    if last is None or last.outcome != ConcertationOutcome.NO_AGREEMENT:
        return "Un refus exprès suppose une concertation sans accord, consignée et confirmée par les deux autorités."
    verdicts = [line.lead.verdict if line.lead else None for line in own_view(application, capacity)]
    if any(verdict is None or verdict == Verdict.TO_CLARIFY for verdict in verdicts):
        return "Chaque critère doit être apprécié, et aucun rester à préciser, avant de refuser."
    if Verdict.NOT_MET not in verdicts:
        return (
            "Un refus demande un motif en droit et en fait : appréciez d’abord comme non rempli, avec son motif, le critère "
            "qui manque selon vous."
        )
    return ""


@transaction.atomic
def propose_express_refusal(*, application: Application, mandate: Mandate, version: int, at: datetime) -> Decision:
    """Offer to the authority that declined a refusal that it signs alone, reasoned by its own assessment.

    Raises:
        RefusedError: the mandate may not, the setting does not allow it, another authority declined, no concertation
            without agreement is confirmed, or no criterion is assessed as not met.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current, declined = _enter("propose_alone", application, mandate, version=version)
    if sentence := why_no_express_refusal(current, declined, capacity):
        raise RefusedError(sentence)
    decision = propose_decision(
        kind=DecisionKind.LABEL_REFUSED,
        subject_type=Subject.APPLICATION,
        subject_id=current.pk,
        departement=current.departement,
        title=f"Refus du label : {current.structure.name}",
        content=draft_content(
            current,
            DecisionKind.LABEL_REFUSED,
            own_view(current, capacity),
            on=local_day(at, current.departement.timezone),
            alone=last_confirmed(declined),
        ),
        mandate=mandate,
        at=at,
        required=[capacity],
    )
    perform(
        application,
        "propose_alone",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"decision": decision.pk, "kind": str(DecisionKind.LABEL_REFUSED), "quota": None},
        decision=decision,
    )
    return decision


def _act(
    application: Application,
    action: str,
    mandate: Mandate,
    *,
    version: int,
    at: datetime,
    fields: dict[str, object] | None = None,
    **data: int,
) -> None:
    perform(
        application,
        action,
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data=data,
        **(fields or {}),
    )
