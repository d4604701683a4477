"""The words of the end of a label: the letter that opens the adversarial step, and the reasoned act.

Those of every act on a label are here too: ``suspension_drafts`` has its own sentences only.
"""

from datetime import date
from typing import Any

from django.conf import settings

from francesante.lib.french import long_date, typeset
from labelling.choices import EndingAct
from labelling.models import AdversarialProcedure, EndingGround, Label
from labelling.rules.clock import local_day
from labelling.services.drafting import LAW, authorities_of, last_articles, numbered, signed_by, typeset_all
from territories.choices import Capacity, DecisionKind

CODE = "code des relations entre le public et l’administration"
KIND_OF_ACT = {
    EndingAct.ABROGATE: DecisionKind.LABEL_ABROGATED,
    EndingAct.WITHDRAW: DecisionKind.LABEL_WITHDRAWN,
}


def draft_letter(label: Label, ground: EndingGround, *, facts: str, effect_date: date | None, deadline: date) -> str:
    """Return the letter that tells a structure what is considered, why, and how it may answer (CRPA, L. 122-1)."""
    what = {
        EndingAct.ABROGATE: f"de mettre fin au label {label.number} à compter du {long_date(effect_date)}",
        EndingAct.WITHDRAW: f"de retirer le label {label.number}, qui serait réputé n’avoir jamais été accordé",
        EndingAct.SUSPEND: f"de suspendre le label {label.number} à compter du {long_date(effect_date)}",
    }[EndingAct(ground.act)]
    text = ground.source or CODE
    return typeset(
        f"Nous envisageons {what}, pour ce motif : {bare(facts)}.\n\n"
        f"En droit : {ground.title[0].lower()}{ground.title[1:]} ({text}, {ground.articles}).\n\n"
        f"Rien n’est décidé. Répondez par écrit avant le {long_date(deadline)}, ou demandez à être entendu, assisté ou "
        "représenté si vous le souhaitez. Vous pouvez demander à lire votre dossier. Vos observations seront gardées telles "
        "que vous les aurez écrites, et l’acte, s’il y en a un, y répondra."
    )


def draft_ending(
    label: Label,
    ground: EndingGround,
    *,
    facts: str,
    reply: str,
    effect_date: date | None,
    procedure: AdversarialProcedure | None,
) -> dict[str, Any]:
    """Return the content of the decision that ends a label: what will be shown, hashed and signed."""
    act = EndingAct(ground.act)
    granted_on = granting_day(label)
    return act_content(
        label,
        KIND_OF_ACT[act],
        title=f"Arrêté conjoint portant {act.label} du label France Santé",
        visas=_visas(label, ground, procedure, granted_on),
        reasons=reasons_of(ground, facts, reply, procedure),
        articles=_articles(label, act, named(label), effect_date),
        ground={"code": ground.code, "title": ground.title, "articles": ground.articles},
        effect={"date": effect_date.isoformat() if effect_date else None},
    )


def act_content(
    label: Label,
    kind: DecisionKind,
    *,
    title: str,
    visas: list[str],
    reasons: list[str],
    articles: list[str],
    ground: dict[str, str],
    effect: dict[str, str | None],
) -> dict[str, Any]:
    """Return the content of a decision on a label: its own sentences, and what every one of them says."""
    structure = label.structure
    authorities = authorities_of(label.departement)
    court = next((row.court for row in reversed(authorities.values()) if row.court), "")
    return {
        "kind": str(kind),
        "title": f"{title} : {structure.name}",
        "departement": {"code": label.departement.pk, "name": label.departement.name},
        **signed_by(set(Capacity), authorities),
        "label": {
            "number": label.number,
            "granted_on": granting_day(label).isoformat(),
            "decision": label.decision.pk,
        },
        "structure": {"name": structure.name, "finess": structure.finess or "", "address": _place(label)},
        "ground": ground,
        "visas": typeset_all(visas),
        "reasons": typeset_all(reasons),
        "articles": numbered([*articles, *last_articles(court)]),
        "effect": effect,
        "remedies": {"months": 2, "court": court},
    }


def named(label: Label) -> str:
    """Return the structure of a label as acts name it: its name, address and number."""
    structure = label.structure
    return f"{structure.name}, {_place(label)}{f' (FINESS {structure.finess})' if structure.finess else ''}"


def _place(label: Label) -> str:
    structure = label.structure
    return ", ".join(filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()]))


def granting_day(label: Label) -> date:
    """Return the date of the act that granted a label."""
    return local_day(label.decision.signed_at, label.departement.timezone)  # type: ignore[arg-type]


def _visas(label: Label, ground: EndingGround, procedure: AdversarialProcedure | None, granted_on: date) -> list[str]:
    return [
        "Vu le code de la santé publique ;",
        f"Vu le {CODE}, notamment ses articles L. 121-1, L. 122-1, L. 211-2, L. 211-5 et {ground.articles} ;",
        f"Vu la {LAW}, notamment son article 63 ;",
        (
            f"Vu l’arrêté conjoint n° {label.decision.pk} du {long_date(granted_on)} accordant le label France Santé "
            f"n° {label.number} ;"
        ),
        *visas_of_procedure(label, procedure),
    ]


def visas_of_procedure(label: Label, procedure: AdversarialProcedure | None) -> list[str]:
    """Return what an act says of the adversarial step that led to it."""
    zone = label.departement.timezone
    if procedure is None:
        return []
    visas = [
        (
            f"Vu la lettre du {long_date(local_day(procedure.opened_at, zone))}, qui informe la structure de la mesure "
            "envisagée et de ses motifs, et l’invite à présenter ses observations ;"
        )
    ]
    if procedure.answered_at:
        visas.append(
            f"Vu les observations de la structure, reçues le {long_date(local_day(procedure.answered_at, zone))} ;"
        )
    if procedure.heard_date:
        visas.append(f"Vu l’audition de la structure, le {long_date(procedure.heard_date)} ;")
    return visas


def reasons_of(ground: EndingGround, facts: str, reply: str, procedure: AdversarialProcedure | None) -> list[str]:
    """Return the reasons of an act, in fact then in law, with the reply to what the structure said."""
    reasons = [f"Considérant les faits suivants : {bare(facts)} ;"]
    if procedure is not None and procedure.answered_at:
        reasons.append(f"Considérant, en réponse aux observations présentées : {bare(reply)} ;")
    elif procedure is not None:
        reasons.append(
            f"Considérant que la structure, invitée à le faire avant le {long_date(procedure.deadline)}, n’a pas présenté "
            "d’observations ;"
        )
    return [*reasons, f"Considérant {ground.reason} ;"]


def _articles(label: Label, act: EndingAct, named: str, effect_date: date | None) -> list[str]:
    if act == EndingAct.ABROGATE:
        return [
            (
                f"Le label France Santé n° {label.number}, accordé à {named}, est abrogé à compter du "
                f"{long_date(effect_date)}, et au plus tôt le lendemain de la notification du présent arrêté."
            ),
            (
                "Cette abrogation vaut pour l’avenir. À sa date d’effet, la structure retire la plaque et toute mention du "
                "label. Elle peut présenter une nouvelle demande à tout moment."
            ),
        ]
    return [
        f"Le label France Santé n° {label.number}, accordé à {named}, est retiré. Il est réputé n’avoir jamais été accordé.",
        "Dès la notification du présent arrêté, la structure retire la plaque et toute mention du label.",
    ]


def bare(text: str) -> str:
    """Return what people wrote without its last point: the act adds its own."""
    return text.strip().rstrip(".; ")


def least_deadline(today: date) -> date:
    """Return the earliest deadline that a structure may be given to answer."""
    return date.fromordinal(today.toordinal() + settings.ADVERSARIAL_DAYS)
