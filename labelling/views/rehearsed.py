"""An act on a label is read before it is done: the letter that a structure will receive, the act that will be signed.

The first post of a form shows what it would do, and stores nothing; a second one, from the page that shows it, does it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from francesante.lib.french import joined, long_date, typeset, with_article
from labelling.choices import EndingAct
from labelling.models import AdversarialProcedure, Ending, Label, Lifting, Suspension
from labelling.models.endings import LabelAct
from labelling.services.acts import owners
from labelling.services.drafting import authorities_of
from labelling.services.endings import limit_of
from labelling.services.label_acts import rehearsed

STEP, DO, CHANGE = "etape", "faire", "modifier"
Done = AdversarialProcedure | Ending | Suspension | Lifting


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is read before an act: the letter or the content of the act, what follows from it, and the button that does it."""

    title: str
    heading: str
    follows: list[str]
    button: str
    letter: str = ""
    content: Mapping[str, Any] | None = None


def changes(request: HttpRequest) -> bool:
    """Tell whether the reader goes back from the reading to the form, with what they had written."""
    return request.POST.get(STEP) == CHANGE


def read_then_do(
    request: HttpRequest,
    label: Label,
    form: Form,
    act: Callable[[], Done],
    *,
    version: int,
    trail: list[tuple[str, str]],
) -> HttpResponse:
    """Show what a valid form would do; confirmed, do it, say so and lead to where it is followed.

    ``act`` calls the service, and ``version`` is that of the row the form was shown with.

    Raises:
        RefusedError: as the service, before anything is shown.
    """
    if request.POST.get(STEP) == DO:
        return _done(request, label, act())
    context = {
        "label": label,
        "structure": label.structure,
        "form": form,
        "version": version,
        "reading": _reading(label, rehearsed(act)),
        "trail": trail,
    }
    return render(request, "labelling/label/reading.html", context)


def _done(request: HttpRequest, label: Label, done: Done) -> HttpResponse:
    if isinstance(done, AdversarialProcedure):
        messages.success(request, "La procédure contradictoire est ouverte. La structure est prévenue par courriel.")
        return redirect("label-procedure", label.number)
    messages.success(request, typeset(f"{_named(done).capitalize()} est à la signature des deux autorités."))
    return redirect(label)


def _reading(label: Label, done: Done) -> Reading:
    if isinstance(done, AdversarialProcedure):
        return Reading(
            title="Relire la lettre avant de l’envoyer",
            heading="La lettre, telle que la structure la lira",
            follows=[typeset(sentence) for sentence in _after_letter(label, done)],
            button="Envoyer la lettre à la structure",
            letter=done.letter,
        )
    return Reading(
        title="Relire l’acte avant de le présenter à la signature",
        heading="L’acte, tel que les deux signataires le liront",
        follows=[typeset(sentence) for sentence in _after_presentation(label, done)],
        button=f"Présenter {_named(done)} à la signature",
        content=json.loads(done.decision.content),
    )


def _named(act: LabelAct) -> str:
    if isinstance(act, Ending):
        return "le retrait" if act.ground.act == EndingAct.WITHDRAW else "l’abrogation"
    return "la suspension" if isinstance(act, Suspension) else "la levée"


def _after_letter(label: Label, procedure: AdversarialProcedure) -> list[str]:
    what = {
        EndingAct.ABROGATE: f"le label prendrait fin le {long_date(procedure.effect_date)}",
        EndingAct.WITHDRAW: "le label serait réputé n’avoir jamais été accordé",
        EndingAct.SUSPEND: f"le label serait suspendu à compter du {long_date(procedure.effect_date)}",
    }[EndingAct(procedure.ground.act)]
    limit = limit_of(label, procedure.ground)
    return [
        (
            f"Un courriel part aussitôt à {_holders(label)}. Il ne dit pas les faits : il mène à la lettre, sur la page de la "
            "procédure, que lisent aussi les autres personnes de la structure."
        ),
        (
            f"La structure répond par écrit avant le {long_date(procedure.deadline)}, ou demande à être entendue. Ses "
            "observations vous parviennent par courriel et sur la page de la procédure."
        ),
        (
            f"Rien n’est décidé et rien ne change pour le public. Si un acte suit, signé par {_authorities(label)} puis "
            f"notifié, {what}."
        ),
        *([f"Pour ce motif, l’acte se signe au plus tard le {long_date(limit)}."] if limit else []),
    ]


def _after_presentation(label: Label, act: LabelAct) -> list[str]:
    by_portal = label.application.notification_consent
    how = "dans le portail" if by_portal else "par lettre recommandée, que vous envoyez"
    return [
        (
            f"L’acte entre dans le parapheur de ses signataires, pour {_authorities(label)}. Rien n’est décidé avant les deux "
            "signatures."
        ),
        f"Une fois signé, il est notifié à {_holders(label)}, {how}. D’ici là, la structure n’en est pas prévenue.",
        _takes_effect(act),
    ]


def _takes_effect(act: LabelAct) -> str:
    day: date | None = act.effect_date
    if isinstance(act, Lifting):
        when = f"le {long_date(day)}, et au plus tôt à la notification de l’acte" if day else "dès sa notification"
        return f"Effet : le label est de nouveau en vigueur {when}."
    if isinstance(act, Ending) and act.ground.act == EndingAct.WITHDRAW:
        return "Effet : dès sa notification, le label est réputé n’avoir jamais été accordé."
    earliest = "et au plus tôt le lendemain de la notification"
    if isinstance(act, Suspension):
        until = f"jusqu’au {long_date(act.last_date)} inclus" if act.last_date else "jusqu’à sa levée"
        return (
            f"Effet : le label est suspendu à compter du {long_date(day)}, {earliest}, {until}. Réexamen au plus tard le "
            f"{long_date(act.review_date)}."
        )
    return f"Effet : le label prend fin le {long_date(day)}, {earliest}."


def _holders(label: Label) -> str:
    names = [person.full_name for person in owners(label.application)]
    return joined(names) if names else "le responsable de la structure"


def _authorities(label: Label) -> str:
    return joined([with_article(row) for row in authorities_of(label.departement).values()])
