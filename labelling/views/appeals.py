"""The page of the appeals of a file, for the structure and for both authorities, and the acts posted from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, allows
from labelling.choices import AppealKind, Contested, MembershipRole
from labelling.forms.appeals import (
    AnswerForm,
    AskedForm,
    JudgmentForm,
    LodgeForm,
    ReasonsForm,
    ReceivedForm,
    RecordForm,
)
from labelling.models import Appeal, Application, Membership
from labelling.rules.clock import local_day
from labelling.services import appeal_answers as answers
from labelling.services import appeals as service
from labelling.services import reasons
from labelling.services.appeal_drafts import draft_answer_content
from labelling.services.applications import membership_for
from labelling.services.drafting import authorities_of
from labelling.services.reviews import is_insider, require_reviewer
from labelling.views.contested import Situation, situation
from labelling.views.posted import lost_initial, posted_number, posts_only
from labelling.views.scope import visible_file
from labelling.workflow import TRANSITIONS
from territories.models import Mandate


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the page: what carries it out, its form if it has one, and what is said when it is done."""

    service: Callable[..., Any]
    done: str
    form: type[Form] | None = None
    by_structure: bool = False
    about_one: bool = False


ACTS: Mapping[str, Act] = {
    "former": Act(
        service.lodge_appeal,
        "Votre recours est reçu aujourd’hui par les signataires. Ils ont deux mois pour y répondre.",
        LodgeForm,
        by_structure=True,
    ),
    "motifs": Act(
        reasons.ask_reasons,
        "Votre demande est reçue : les motifs vous sont dus dans le mois, et le délai de recours est prolongé.",
        by_structure=True,
    ),
    "lire-motifs": Act(
        reasons.receive_reasons,
        "Les motifs vous sont communiqués aujourd’hui : deux mois courent pour contester le rejet.",
        by_structure=True,
    ),
    "enregistrer": Act(
        service.record_appeal, "Le recours est enregistré : l’autre autorité en est prévenue.", RecordForm
    ),
    "repondre": Act(
        answers.draft_answer,
        "Le projet de réponse est enregistré. Relisez l’acte, puis présentez-le à la signature.",
        AnswerForm,
        about_one=True,
    ),
    "presenter": Act(answers.propose_answer, "La réponse est présentée à la signature.", about_one=True),
    "juger": Act(service.record_judgment, "Le jugement est enregistré.", JudgmentForm, about_one=True),
    "notifier": Act(
        answers.record_answer_letter,
        "La notification est enregistrée : les délais courent depuis cette date.",
        ReceivedForm,
        about_one=True,
    ),
    "enregistrer-motifs": Act(
        reasons.ask_reasons, "La demande de motifs est enregistrée : l’autre autorité en est prévenue.", AskedForm
    ),
    "donner-motifs": Act(
        reasons.give_reasons, "Les motifs sont donnés. Le délai de recours court de leur lecture.", ReasonsForm
    ),
    "remettre-motifs": Act(
        reasons.receive_reasons,
        "La réception est enregistrée : le délai de recours court depuis cette date.",
        ReceivedForm,
    ),
}
"""The acts of the page, by their name in the address."""


def reader_of(request: HttpRequest, number: str) -> tuple[Application, Membership | None, Mandate | None]:
    """Return a file and by what access it is read: the structure's, or a mandate of the authorities."""
    application = visible_file(request, number)
    membership = membership_for(application, request.user.pk)
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if membership is None and not is_insider(mandate):
        raise PermissionDenied("Les recours se lisent par la structure, l’ARS, la préfecture et l’équipe nationale.")
    return application, membership, None if membership else mandate


@never_cache
@require_safe
def appeals(request: HttpRequest, number: str) -> HttpResponse:
    """Show the appeals of a file, and what the reader may do about them."""
    return _page(request, *reader_of(request, number))


def _page(
    request: HttpRequest,
    application: Application,
    membership: Membership | None,
    mandate: Mandate | None,
    *,
    action: str = "",
    form: Form | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    found = situation(application, structure=membership is not None)
    may = _may(application, membership, mandate, found)
    drafted = found.open_gracieux if found.open_gracieux and found.open_gracieux.outcome else None
    forms = {
        name: form
        if name == action
        else one.form(
            prefix=name,
            initial=_initial(name, application, drafted)
            | (_lost(request, application, name) if may.get(name.replace("-", "_")) else {}),
        )
        for name, one in ACTS.items()
        if one.form is not None
    }
    authorities = authorities_of(application.departement)
    context = {
        "application": application,
        "found": found,
        "form": form,
        "forms": {name.replace("-", "_"): one for name, one in forms.items()},
        "may": may,
        "primary": next((name for name in _FIRST if may.get(name)), ""),
        "opened": action,
        "drafted": drafted,
        "project": _project(application, drafted) if drafted and may.get("repondre") else None,
        "former": service.former_decisions(application),
        "is_agent": mandate is not None,
        "court": next((row.court for row in reversed(authorities.values()) if row.court), ""),
        "authorities": list(authorities.values()),
        "refusal": typeset(refusal),
        "trail": [
            ("Dossiers" if mandate else "Mes dossiers", reverse("applications")),
            (application.number, application.get_absolute_url()),
        ],
    }
    return render(request, "labelling/appeal/page.html", context, status=status)


_FIRST = ("lire", "lire_motifs", "former", "presenter", "donner_motifs", "repondre", "juger")
"""Acts that may be the one primary button of the page, the first that is possible."""


def _may(
    application: Application, membership: Membership | None, mandate: Mandate | None, found: Situation
) -> dict[str, bool]:
    """Return the acts that are offered to a reader. The services ask again."""
    target, asked, gracieux = found.target, found.asked, found.open_gracieux
    silent = target is not None and target.against == Contested.SILENCE
    given = asked is not None and asked.answered_at is not None and asked.communicated_date is None
    if membership is not None:
        owner = membership.role == MembershipRole.OWNER
        by_portal = application.notification_consent
        return {
            "former": owner
            and target is not None
            and not found.answered_once
            and allows(TRANSITIONS, "lodge_appeal", state=application.state, hat=membership.hat),
            "motifs": owner and silent and asked is None,
            "lire_motifs": owner and given,
            "lire": owner and by_portal and any(row.may_open for row in found.rows),
        }
    if mandate is None or not _may_instruct(application, mandate):
        return {}
    answerable = gracieux is not None and mandate.capacity in answers.required_of(gracieux, at=timezone.now())
    at_signature = gracieux is not None and answers.is_at_signature(gracieux)
    return {
        "enregistrer": target is not None,
        "repondre": answerable and not at_signature,
        "presenter": answerable
        and not at_signature
        and gracieux is not None
        and bool(gracieux.outcome)
        and gracieux.answered_capacity == mandate.capacity,
        "juger": any(row.kind == AppealKind.CONTENTIEUX for row in found.pending),
        "notifier": any(row.may_open for row in found.rows),
        "enregistrer_motifs": silent and asked is None,
        "donner_motifs": asked is not None and asked.answered_at is None,
        "remettre_motifs": given,
    }


def _project(application: Application, drafted: Appeal) -> dict[str, Any] | None:
    """Return the act that a drafted answer would make, or nothing while no template is in force."""
    try:
        required = answers.required_of(drafted, at=timezone.now())
        today = local_day(timezone.now(), application.departement.timezone)
        return draft_answer_content(drafted, required, on=today)
    except RefusedError:
        return None


def _initial(name: str, application: Application, drafted: Appeal | None) -> dict[str, str]:
    """Take up a draft where it stands; propose the reasons that the shared assessment holds."""
    match name:
        case "repondre" if drafted is not None:
            return {"outcome": drafted.outcome, "answer": drafted.answer}
        case "donner-motifs":
            return {"reasons": reasons.shared_reasons(application)}
    return {}


def _lost(request: HttpRequest, application: Application, name: str) -> dict[str, str]:
    return lost_initial(request, reverse("appeal-act", args=[application.number, name]), prefix=name)


def _may_instruct(application: Application, mandate: Mandate) -> bool:
    try:
        require_reviewer(application, mandate, at=timezone.now())
    except RefusedError:
        return False
    return True


@posts_only("appeals")
def appeal_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Apply one act of an appeal, then go back to its page; refused, show the page with the input kept."""
    application, membership, mandate = reader_of(request, number)
    act = ACTS.get(action)
    if act is None:
        raise Http404
    if act.by_structure != (membership is not None):
        raise PermissionDenied(
            "La structure forme son recours ici ; un agent de l’ARS ou de la préfecture enregistre et répond."
        )
    now = timezone.now()
    if mandate is not None:
        try:
            require_reviewer(application, mandate, at=now)
        except RefusedError as refusal:
            raise PermissionDenied(str(refusal)) from refusal
    form = act.form(request.POST, prefix=action) if act.form else None
    if form is not None and not form.is_valid():
        return _page(request, application, membership, mandate, action=action, form=form, status=422)
    given = {
        **(form.cleaned_data if form else {}),
        "membership" if membership else "mandate": membership or mandate,
        "version": posted_number(request, "version"),
        "at": now,
    }
    if act.about_one:
        given["appeal"] = posted_number(request, "appeal")
    try:
        act.service(application=application, **given)
    except RefusedError as refusal:
        return _page(
            request, application, membership, mandate, action=action, form=form, refusal=str(refusal), status=409
        )
    messages.success(request, typeset(act.done))
    return redirect("appeals", number)
