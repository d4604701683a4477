"""The adversarial step before a label ends or is suspended: the structure is told why, and is heard (CRPA, L. 121-1)."""

from datetime import date, datetime

from django.db import transaction

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole
from labelling.models import AdversarialProcedure, EndingGround, Label, Membership
from labelling.rules.clock import local_day
from labelling.services.ending_drafts import draft_letter, least_deadline
from labelling.services.endings import effect_day, label_of_open, may_act
from labelling.services.label_acts import pending_act, today_of, trace
from territories.models import Mandate
from territories.services.events import lock, write


@transaction.atomic
def open_procedure(
    *,
    label: Label,
    ground: EndingGround,
    facts: str,
    effect_date: date | None,
    deadline: date,
    mandate: Mandate,
    version: int,
    at: datetime,
) -> AdversarialProcedure:
    """Tell a structure that its label may end or be suspended, and why, and ask for its observations. Nothing is decided.

    Raises:
        RefusedError: the mandate may not, the label has ended or is ending, the ground does not hold or asks for no
            such step, no facts, too short a deadline, or an impossible date of effect: past, or before the deadline.
        StaleError: the label changed since ``version``.
    """
    current = may_act(label, ground, mandate, version=version, at=at)
    today = today_of(current, at)
    if not ground.adversarial:
        raise RefusedError("Ce motif ne demande pas de procédure contradictoire : présentez l’acte à la signature.")
    if not facts.strip():
        raise RefusedError("Écrivez les faits : la structure les lira et y répondra.")
    least = least_deadline(today)
    if deadline < least:
        raise RefusedError(f"La structure doit disposer d’un délai suffisant : au moins jusqu’au {long_date(least)}.")
    if AdversarialProcedure.objects.filter(label=current, closed_at__isnull=True).exists():
        raise RefusedError("Une procédure contradictoire est déjà ouverte pour ce label.")
    effect_date = effect_day(current, ground, effect_date, today)
    if effect_date is not None and effect_date <= deadline:
        raise RefusedError(
            f"La structure a jusqu’au {long_date(deadline)} pour répondre : la mesure envisagée ne peut prendre effet qu’après. "
            "Choisissez un jour d’effet plus tardif."
        )
    procedure = AdversarialProcedure.objects.create(
        label=current,
        ground=ground,
        facts=facts.strip(),
        effect_date=effect_date,
        letter=draft_letter(current, ground, facts=facts, effect_date=effect_date, deadline=deadline),
        deadline=deadline,
        opened_at=at,
        opened_by=mandate,
    )
    trace(current, "open_procedure", actor=mandate, at=at, procedure=procedure.pk)
    return procedure


@transaction.atomic
def answer_procedure(
    *, procedure: AdversarialProcedure, membership: Membership, answer: str, hearing: bool, version: int, at: datetime
) -> AdversarialProcedure:
    """Keep the observations of the structure, as it wrote them; it may ask to be heard besides.

    Observations that come after the deadline are received as long as nothing is proposed.

    Raises:
        RefusedError: not an owner of this structure, neither observations nor a hearing, already answered, or no longer open.
        StaleError: the procedure changed since ``version``.
    """
    label = lock(procedure.label)
    current = lock(procedure)
    if membership.structure_id != label.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError("Le responsable de la structure répond en son nom.")
    if current.version != version:
        raise StaleError
    if current.closed_at is not None or pending_act(label) is not None:
        raise RefusedError(
            "Cette procédure n’attend plus d’observations. Écrivez aux services, dont l’adresse est ci-dessous."
        )
    if current.answered_at is not None:
        raise RefusedError("Vos observations sont déjà reçues et gardées. Pour les compléter, écrivez aux services.")
    if not answer.strip() and not hearing:
        raise RefusedError("Écrivez vos observations, ou demandez à être entendu.")
    write(
        procedure,
        version=version,
        answer=answer.strip(),
        hearing_asked=hearing,
        answered_at=at,
        answered_by=membership,
    )
    trace(label, "answer_procedure", actor=membership, at=at, procedure=procedure.pk)
    return procedure


@transaction.atomic
def record_hearing(
    *, procedure: AdversarialProcedure, mandate: Mandate, heard_on: date, version: int, at: datetime
) -> AdversarialProcedure:
    """Record the day on which the structure was heard.

    Raises:
        RefusedError: the mandate may not, no hearing was asked, or a day before the letter or still to come.
        StaleError: the procedure changed since ``version``.
    """
    label = label_of_open(procedure, mandate, version=version, at=at)
    if not procedure.hearing_asked:
        raise RefusedError("La structure n’a pas demandé à être entendue.")
    if not local_day(procedure.opened_at, label.departement.timezone) <= heard_on <= today_of(label, at):
        raise RefusedError("L’audition se situe entre la lettre et aujourd’hui. Rien n’a été enregistré.")
    write(procedure, version=version, heard_date=heard_on)
    trace(label, "hear", actor=mandate, at=at, procedure=procedure.pk)
    return procedure


@transaction.atomic
def close_procedure(
    *, procedure: AdversarialProcedure, mandate: Mandate, version: int, at: datetime
) -> AdversarialProcedure:
    """Close the procedure without an ending: the label goes on, and the structure is told.

    Raises:
        RefusedError: the mandate may not, the procedure is closed, or an act is at the signature.
        StaleError: the procedure changed since ``version``.
    """
    label = label_of_open(procedure, mandate, version=version, at=at)
    if pending_act(label) is not None:
        raise RefusedError("Un acte est à la signature : il doit d’abord être signé, ou refusé par un signataire.")
    write(procedure, version=version, closed_at=at)
    trace(label, "close_procedure", actor=mandate, at=at, procedure=procedure.pk)
    return procedure
