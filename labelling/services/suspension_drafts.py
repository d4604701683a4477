"""The words of the suspension of a label, and of its lifting."""

from datetime import date
from typing import Any

from francesante.lib.french import long_date
from labelling.models import AdversarialProcedure, EndingGround, Label, Suspension
from labelling.services.drafting import LAW
from labelling.services.ending_drafts import (
    CODE,
    act_content,
    bare,
    granting_day,
    named,
    reasons_of,
    visas_of_procedure,
)
from territories.choices import DecisionKind


def draft_suspension(
    label: Label,
    ground: EndingGround,
    *,
    facts: str,
    reply: str,
    expected: str,
    effect_date: date,
    last_date: date | None,
    review_date: date,
    procedure: AdversarialProcedure | None,
) -> dict[str, Any]:
    """Return the content of the decision that suspends a label: what will be shown, hashed and signed."""
    until = f" et jusqu’au {long_date(last_date)} inclus" if last_date else ""
    return act_content(
        label,
        DecisionKind.LABEL_SUSPENDED,
        title="Arrêté conjoint portant suspension du label France Santé",
        visas=[*_visas(label, ground), *visas_of_procedure(label, procedure)],
        reasons=reasons_of(ground, facts, reply, procedure),
        articles=[
            (
                f"Le label France Santé n° {label.number}, accordé à {named(label)}, est suspendu à compter du "
                f"{long_date(effect_date)}, et au plus tôt le lendemain de la notification du présent arrêté{until}."
            ),
            (
                "Pendant la suspension, la structure retire la plaque et toute mention du label, et n’est plus dans la liste "
                "publique des lieux labellisés. Le label garde sa place et son terme."
            ),
            (
                f"La suspension est levée dès que ceci est constaté : {bare(expected)}. L’agence régionale de santé et la "
                f"préfecture la réexaminent au plus tard le {long_date(review_date)}."
            ),
        ],
        ground={"code": ground.code, "title": ground.title, "articles": ground.articles, "source": ground.source},
        effect={
            "date": effect_date.isoformat(),
            "last": last_date.isoformat() if last_date else None,
            "review": review_date.isoformat(),
        },
    )


def draft_lifting(label: Label, suspension: Suspension, *, facts: str, effect_date: date | None) -> dict[str, Any]:
    """Return the content of the decision that lifts a suspension."""
    when = f"le {long_date(effect_date)}, et au plus tôt " if effect_date else ""
    act = suspension.decision
    signed_on = long_date(suspension.signed_date)
    return act_content(
        label,
        DecisionKind.LABEL_REINSTATED,
        title="Arrêté conjoint portant levée de la suspension du label France Santé",
        visas=[
            *_visas(label, suspension.ground),
            f"Vu l’arrêté conjoint n° {act.pk} du {signed_on} suspendant le label France Santé n° {label.number} ;",
        ],
        reasons=[
            f"Considérant les faits suivants : {bare(facts)} ;",
            (
                f"Considérant que ce que l’arrêté du {signed_on} attendait de la structure est constaté, et que rien ne fonde "
                "plus la suspension ;"
            ),
        ],
        articles=[
            (
                f"La suspension du label France Santé n° {label.number}, accordé à {named(label)}, est levée {when}dès la "
                "notification du présent arrêté."
            ),
            "Le label est de nouveau en vigueur, jusqu’à son terme, qui ne change pas.",
        ],
        ground={
            "code": suspension.ground.code,
            "title": suspension.ground.title,
            "articles": suspension.ground.articles,
        },
        effect={"date": effect_date.isoformat() if effect_date else None},
    )


def _visas(label: Label, ground: EndingGround) -> list[str]:
    return [
        "Vu le code de la santé publique ;",
        f"Vu le {CODE}, notamment ses articles L. 121-1, L. 122-1, L. 211-2 et L. 211-5 ;",
        f"Vu la {LAW}, notamment son article 63 ;",
        f"Vu le texte suivant : {bare(ground.source)}, notamment {ground.articles} ;",
        (
            f"Vu l’arrêté conjoint n° {label.decision.pk} du {long_date(granting_day(label))} accordant le label France Santé "
            f"n° {label.number} ;"
        ),
    ]
