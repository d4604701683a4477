"""The text of the answer to an appeal: the template in force, merged with what is contested and what is answered."""

from datetime import date, timedelta
from typing import Any

from francesante.lib.french import long_date
from labelling.choices import AppealOutcome, Contested, EndingAct, TemplateKind
from labelling.models import Appeal, Ending, EndingGround
from labelling.models.endings import ContestableAct
from labelling.rules.clock import local_day
from labelling.rules.templates import compose
from labelling.services.drafting import LAW, authorities_of, capital, lowered, signed_by, template_in_force
from territories.choices import DecisionKind

KIND_OF_OUTCOME = {
    AppealOutcome.REJECTED: DecisionKind.APPEAL_REJECTED,
    AppealOutcome.ACCEPTED: DecisionKind.APPEAL_ACCEPTED,
}
_ACTS = {
    EndingAct.ABROGATE: "l’abrogation",
    EndingAct.WITHDRAW: "le retrait",
    EndingAct.SUSPEND: "la suspension",
}


def draft_answer_content(appeal: Appeal, required: list[str], *, on: date) -> dict[str, Any]:
    """Return the content that the answer to an appeal would have: what will be shown, hashed and signed.

    Raises:
        RefusedError: no template is in force.
    """
    application = appeal.application
    structure = application.structure
    authorities = authorities_of(application.departement)
    court = next((row.court for row in reversed(authorities.values()) if row.court), "")
    place = ", ".join(filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()]))
    kind = KIND_OF_OUTCOME[AppealOutcome(appeal.outcome)]
    template = template_in_force(TemplateKind(kind), on=on)
    facts = {
        "structure": structure.name,
        "structure_complete": f"{structure.name}, {place}{f' (FINESS {structure.finess})' if structure.finess else ''}",
        "departement": application.departement.name,
        "dossier_numero": application.number,
        "loi": LAW,
        "arrete": "Arrêté conjoint" if len(required) > 1 else "Arrêté",
        "acte_conteste": contested_words(appeal),
        "recours_recu_le": long_date(appeal.received_date),
        "reponse": lowered(" ".join(appeal.answer.split()).rstrip(".; ")),
        "suite": _sequel(appeal),
        "voies_de_recours": _remedies(appeal, f"le {court}" if court else "le tribunal administratif compétent"),
    }
    return {
        "kind": str(kind),
        "template": {"kind": template.kind, "version": template.version},
        **compose(template, facts, ()),
        "departement": {"code": application.departement_id, "name": application.departement.name},
        **signed_by(required, authorities),
        "application": {"number": application.number},
        "appeal": {
            "against": str(appeal.against),
            "decision": appeal.decision_id,
            "silence": appeal.silence_date.isoformat() if appeal.silence_date else None,
            "received_on": appeal.received_date.isoformat(),
            "late": appeal.is_late,
        },
        "structure": {"name": structure.name, "finess": structure.finess or "", "address": place},
        "outcome": appeal.outcome,
        "answer": appeal.answer,
        "remedies": {"months": 2, "court": court},
    }


def contested_words(appeal: Appeal) -> str:
    """Return what an appeal contests, as an act names it."""
    if appeal.silence_date is not None:
        return (
            f"le rejet implicite né du silence gardé jusqu’au {long_date(appeal.silence_date)} sur la demande "
            f"n° {appeal.application.number}"
        )
    decision = appeal.decision
    signed = local_day(decision.signed_at, appeal.application.departement.timezone)  # type: ignore[union-attr,arg-type]
    by = f"par arrêté n° {decision.pk} du {long_date(signed)}"  # type: ignore[union-attr]
    if (act := appeal.label_act) is not None:
        return f"{_name_of(act)} du label France Santé n° {act.label.number}, {by}"
    return f"le refus du label France Santé, {by}"


def _sequel(appeal: Appeal) -> str:
    accepted = appeal.outcome == AppealOutcome.ACCEPTED
    if (act := appeal.label_act) is not None:
        return _sequel_of(act, accepted=accepted)
    again = (
        f"la demande n° {appeal.application.number} est de nouveau examinée ; sans décision notifiée dans les deux mois de la "
        "dernière signature du présent arrêté, elle sera réputée rejetée"
    )
    match appeal.against:
        case Contested.SILENCE if accepted:
            return f"Le rejet implicite est retiré et {again}"
        case Contested.SILENCE:
            return "Le rejet implicite demeure ; la demande peut encore être acceptée par une décision expresse"
        case _ if accepted:
            return f"Le refus est retiré et {again}"
    return "Le refus demeure. Une nouvelle demande peut être présentée à tout moment"


def _sequel_of(act: ContestableAct, *, accepted: bool) -> str:
    name = capital(_name_of(act))
    if not accepted:
        return f"{name} demeure"
    number = act.label.number
    if not isinstance(act, Ending):
        return (
            f"{name} est retirée : à la notification du présent arrêté, le label n° {number} est réputé n’avoir jamais été "
            "suspendu. Sa validité et son terme ne changent pas"
        )
    undone = "retirée" if EndingAct(act.ground.act) == EndingAct.ABROGATE else "retiré"
    until = f", jusqu’au {long_date(act.was_valid.upper - timedelta(days=1))}" if act.was_valid.upper else ""
    return (
        f"{name} est {undone} : à la notification du présent arrêté, le label n° {number} est rétabli comme s’il n’avait "
        f"pas pris fin{until}"
    )


def _name_of(act: ContestableAct) -> str:
    ground: EndingGround = act.ground  # type: ignore[attr-defined]  # each kind has its own
    return _ACTS[EndingAct(ground.act)]


def _remedies(appeal: Appeal, court: str) -> str:
    if appeal.outcome == AppealOutcome.REJECTED and appeal.is_late:
        return (
            f"Le recours a été reçu le {long_date(appeal.received_date)}, après la fin du délai, le "
            f"{long_date(appeal.deadline)} : la présente réponse ne rouvre pas celui du tribunal."
        )
    what = "l’acte contesté et le présent arrêté peuvent" if appeal.outcome == AppealOutcome.REJECTED else "il peut"
    deferred = "déférés" if appeal.outcome == AppealOutcome.REJECTED else "déféré"
    return (
        f"Dans les deux mois suivant cette notification, {what} être {deferred} devant {court}, notamment par Télérecours "
        "citoyens (www.telerecours.fr)."
    )
