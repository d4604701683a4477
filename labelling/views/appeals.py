"""The page of the appeals of a file, for the structure and for both authorities, and the acts posted from it."""

from collections.abc import Callable, Mapping, Sequence
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
from labelling.choices import AppealKind, MembershipRole
from labelling.forms.appeals import (
    AnswerForm,
    AskedForm,
    ContestForm,
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
from labelling.views.contested import Contest, Row, Situation, situation
from labelling.views.posted import lost_initial, lost_input, posted_number, posts_only
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


@dataclass(frozen=True, slots=True)
class Offered:
    """One appeal, the acts that are offered about it, their forms, and the act that a drafted answer would make.

    ``primary`` names the act that has the one primary button of the page, when it is one of this appeal.
    """

    row: Row
    may: Mapping[str, bool]
    forms: Mapping[str, Form]
    project: Mapping[str, Any] | None
    primary: str


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
    acting = mandate if mandate is not None and _may_instruct(application, mandate) else None
    may = _may(application, membership, acting, found)
    may_by_row = [_may_about(row, application, membership, acting) for row in found.rows]
    first = _first(may, may_by_row)
    posted = posted_number(request, "appeal") if form is not None else 0
    authorities = authorities_of(application.departement)
    context = {
        "application": application,
        "found": found,
        "form": form,
        "forms": {
            name.replace("-", "_"): form
            if name == action and form is not None
            else one.form(
                prefix=name,
                initial=_initial(request, name, application, offered=may.get(name.replace("-", "_"), False)),
                **_acts(one, found),
            )
            for name, one in ACTS.items()
            if one.form is not None and not one.about_one
        },
        "rows": [
            Offered(
                row=row,
                may=about,
                forms={
                    name: form
                    if form is not None and name == action and posted == row.appeal.pk
                    else one.form(
                        prefix=name, auto_id=_auto_id(row.appeal.pk), initial=_initial_of(request, name, row, about)
                    )
                    for name, one in ACTS.items()
                    if one.form is not None and one.about_one
                },
                project=_project(application, row.appeal) if about.get("repondre") and row.appeal.outcome else None,
                primary=first[1] if first[0] == rank else "",
            )
            for rank, (row, about) in enumerate(zip(found.rows, may_by_row, strict=True))
        ],
        "may": may,
        "primary": first[1] if first[0] is None else "",
        "opened": action,
        "opened_appeal": posted,
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


def _first(may: Mapping[str, bool], by_row: Sequence[Mapping[str, bool]]) -> tuple[int | None, str]:
    """Return the act that has the primary button, and the rank of the appeal it is about, if it is about one."""
    for name in _FIRST:
        if may.get(name):
            return None, name
        for rank, about in enumerate(by_row):
            if about.get(name):
                return rank, name
    return None, ""


def _auto_id(appeal: int) -> str:
    """Several appeals have the same forms on one page: each has its own identifiers."""
    return f"id_%s_{appeal}"


def _acts(act: Act, found: Situation) -> dict[str, Any]:
    """Return what the form of an appeal lets choose among; nothing for another form."""
    if act.form is None or not issubclass(act.form, ContestForm):
        return {}
    contests: Sequence[Contest] = found.unasked if act.by_structure else found.contests
    return {"acts": [(row.target.decision.pk, row.title) for row in contests if row.target.decision is not None]}


def _may(
    application: Application, membership: Membership | None, mandate: Mandate | None, found: Situation
) -> dict[str, bool]:
    """Return the acts about the file that are offered to a reader: ``mandate`` may instruct it. The services ask again."""
    asked = found.asked
    silent = found.silence is not None
    given = asked is not None and asked.answered_at is not None and asked.communicated_date is None
    if membership is not None:
        owner = membership.role == MembershipRole.OWNER
        return {
            "former": owner
            and bool(found.unasked)
            and allows(TRANSITIONS, "lodge_appeal", state=application.state, hat=membership.hat),
            "motifs": owner and silent and asked is None,
            "lire_motifs": owner and given,
        }
    if mandate is None:
        return {}
    return {
        "enregistrer": bool(found.contests),
        "enregistrer_motifs": silent and asked is None,
        "donner_motifs": asked is not None and asked.answered_at is None,
        "remettre_motifs": given,
    }


def _may_about(
    row: Row, application: Application, membership: Membership | None, mandate: Mandate | None
) -> dict[str, bool]:
    """Return the same about one appeal."""
    if membership is not None:
        owner = membership.role == MembershipRole.OWNER
        return {"lire": owner and application.notification_consent and row.may_open}
    if mandate is None:
        return {}
    appeal, pending = row.appeal, row.appeal.settled_at is None
    answerable = (
        pending
        and appeal.kind == AppealKind.GRACIEUX
        and not row.at_signature
        and mandate.capacity in answers.required_of(appeal, at=timezone.now())
    )
    return {
        "repondre": answerable,
        "presenter": answerable and bool(appeal.outcome) and appeal.answered_capacity == mandate.capacity,
        "juger": pending and appeal.kind == AppealKind.CONTENTIEUX,
        "notifier": row.may_open,
    }


def _project(application: Application, drafted: Appeal) -> dict[str, Any] | None:
    """Return the act that a drafted answer would make, or nothing while no template is in force."""
    try:
        required = answers.required_of(drafted, at=timezone.now())
        today = local_day(timezone.now(), application.departement.timezone)
        return draft_answer_content(drafted, required, on=today)
    except RefusedError:
        return None


def _initial(request: HttpRequest, name: str, application: Application, *, offered: bool) -> dict[str, Any]:
    """Propose the reasons that the shared assessment holds, or the act that a link names; give back a lost text."""
    found: dict[str, Any] = {}
    if name == "donner-motifs":
        found = {"reasons": reasons.shared_reasons(application)}
    if (contested := request.GET.get("acte", "")).isdecimal():
        found["contested"] = int(contested)
    return found | (lost_initial(request, _address(application, name), prefix=name) if offered else {})


def _initial_of(request: HttpRequest, name: str, row: Row, may: Mapping[str, bool]) -> dict[str, str]:
    """Take up a draft where it stands; give back a text that was lost about this appeal."""
    appeal = row.appeal
    found = {"outcome": appeal.outcome, "answer": appeal.answer} if name == "repondre" and appeal.outcome else {}
    if not may.get(name):
        return found
    address = _address(appeal.application, name)
    lost = lost_input(request, address)
    about = lost is not None and lost.get("appeal", str(appeal.pk)) == str(appeal.pk)
    return found | (lost_initial(request, address, prefix=name) if about else {})


def _address(application: Application, name: str) -> str:
    return reverse("appeal-act", args=[application.number, name])


def _may_instruct(application: Application, mandate: Mandate) -> bool:
    try:
        require_reviewer(application, mandate, at=timezone.now())
    except RefusedError:
        return False
    return True


def _posted(request: HttpRequest, application: Application, action: str, act: Act, *, structure: bool) -> Form | None:
    if act.form is None:
        return None
    if act.about_one:
        return act.form(request.POST, prefix=action, auto_id=_auto_id(posted_number(request, "appeal")))
    return act.form(request.POST, prefix=action, **_acts(act, situation(application, structure=structure)))


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
    form = _posted(request, application, action, act, structure=membership is not None)
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
