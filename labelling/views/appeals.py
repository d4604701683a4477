"""The page of the appeals of a file, for the structure and for both authorities, and the acts posted from it."""

from collections.abc import Callable, Mapping
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
from labelling.choices import AppealKind, ApplicationState, MembershipRole
from labelling.forms.appeals import AnswerForm, LodgeForm, RecordForm
from labelling.models import Appeal, Application, Membership
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services import appeals as service
from labelling.services.applications import membership_for
from labelling.services.reviews import is_insider, require_reviewer
from labelling.views.posted import posted_number, posts_only
from labelling.views.scope import visible_file
from labelling.workflow import TRANSITIONS
from territories.models import Mandate

DONE: Mapping[str, str] = {
    "former": "Votre recours est reçu aujourd’hui par les deux autorités. Elles ont deux mois pour y répondre.",
    "enregistrer": "Le recours est enregistré : l’autre autorité en est prévenue.",
    "repondre": "La réponse est enregistrée.",
    "endosser": "La réponse est arrêtée par les deux autorités.",
}
"""The acts of the page, by their name in the address, and what is said when each is done."""

FORMS: Mapping[str, type[Form]] = {"former": LodgeForm, "enregistrer": RecordForm, "repondre": AnswerForm}


def notice(application: Application) -> dict[str, Any] | None:
    """Return what the page of a file says of its appeals and of what they undid, or nothing while none can be."""
    rows = list(service.appeals_of(application))
    if not rows and application.state != ApplicationState.REFUSED:
        return None
    return {
        "rows": [_row(row) for row in rows],
        "pending": any(row.settled_at is None for row in rows),
        "url": reverse("appeals", args=[application.number]),
        "former": list(service.former_decisions(application)),
    }


def awaits(application: Application) -> bool:
    """Tell whether an appeal of a file awaits its answer."""
    return service.appeals_of(application).filter(settled_at__isnull=True).exists()


def _row(appeal: Appeal) -> dict[str, Any]:
    zone = appeal.application.departement.timezone
    return {"appeal": appeal, "clock": service.clock_of(appeal, local_day(timezone.now(), zone))}


def _reader(request: HttpRequest, number: str) -> tuple[Application, Membership | None, Mandate | None]:
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
    return _page(request, *_reader(request, number))


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
    decision = application.decision if application.state == ApplicationState.REFUSED else None
    notified = service.notified_on(decision, application.departement.timezone) if decision else None
    rows = [_row(row) for row in service.appeals_of(application)]
    pending = [row["appeal"] for row in rows if row["appeal"].settled_at is None]
    may_instruct = mandate is not None and _may_instruct(application, mandate)
    forms = {
        name: form if name == action else kind(prefix=name, initial=_initial(name, pending))
        for name, kind in FORMS.items()
    }
    owner = membership is not None and membership.role == MembershipRole.OWNER
    waiting = next((row for row in pending if row.outcome), None)
    context = {
        "application": application,
        "rows": rows,
        "form": form,
        "lodge": forms["former"],
        "record": forms["enregistrer"],
        "answer": forms["repondre"],
        "may_lodge": owner
        and notified is not None
        and decision is not None
        and not any(row.kind == AppealKind.GRACIEUX for row in pending)
        and allows(TRANSITIONS, "lodge_appeal", state=application.state, hat=membership.hat),  # type: ignore[union-attr]
        "may_record": may_instruct and decision is not None,
        "may_answer": may_instruct and decision is not None and bool(pending),
        "may_hold": may_instruct
        and waiting is not None
        and service.needs_both(waiting)
        and waiting.answered_capacity != mandate.capacity,  # type: ignore[union-attr]
        "pending": pending,
        "waiting": waiting,
        "notified_on": notified,
        "deadline": appeal_deadline(notified) if notified else None,
        "today": local_day(timezone.now(), application.departement.timezone),
        "former": service.former_decisions(application),
        "is_agent": mandate is not None,
        "decision": decision,
        "refusal": typeset(refusal),
        "trail": [
            ("Dossiers" if mandate else "Mes dossiers", reverse("applications")),
            (application.number, application.get_absolute_url()),
        ],
    }
    return render(request, "labelling/appeal/page.html", context, status=status)


def _initial(name: str, pending: list[Appeal]) -> dict[str, str]:
    """Take up an answer that waits where it stands."""
    waiting = next((row for row in pending if row.outcome), None)
    return {"outcome": waiting.outcome, "answer": waiting.answer} if name == "repondre" and waiting else {}


def _may_instruct(application: Application, mandate: Mandate) -> bool:
    try:
        require_reviewer(application, mandate, at=timezone.now())
    except RefusedError:
        return False
    return True


@posts_only("appeals")
def appeal_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Apply one act of an appeal, then go back to its page; refused, show the page with the input kept."""
    application, membership, mandate = _reader(request, number)
    if action not in DONE:
        raise Http404
    if (action == "former") != (membership is not None):
        raise PermissionDenied(
            "La structure forme son recours ici ; un agent de l’ARS ou de la préfecture enregistre et répond."
        )
    now = timezone.now()
    if mandate is not None:
        try:
            require_reviewer(application, mandate, at=now)
        except RefusedError as refusal:
            raise PermissionDenied(str(refusal)) from refusal
    form = FORMS[action](request.POST, prefix=action) if action in FORMS else None
    if form is not None and not form.is_valid():
        return _page(request, application, membership, mandate, action=action, form=form, status=422)
    given = {
        **(form.cleaned_data if form else {}),
        "membership" if membership else "mandate": membership or mandate,
        "version": posted_number(request, "version"),
        "at": now,
    }
    if action in {"repondre", "endosser"}:
        given["appeal"] = posted_number(request, "appeal")
    try:
        SERVICES[action](application=application, **given)
    except RefusedError as refusal:
        return _page(
            request, application, membership, mandate, action=action, form=form, refusal=str(refusal), status=409
        )
    messages.success(request, typeset(DONE[action]))
    return redirect("appeals", number)


SERVICES: Mapping[str, Callable[..., Appeal]] = {
    "former": service.lodge_appeal,
    "enregistrer": service.record_appeal,
    "repondre": service.answer_appeal,
    "endosser": service.hold_answer,
}
