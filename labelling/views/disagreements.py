"""The page of a disagreement: who did not sign and why, the concertation, the advice, and how it ends."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState, ConcertationOutcome
from labelling.forms.disagreements import AdviceForm, ConcertationForm
from labelling.models import Application, Concertation, NationalAdvice
from labelling.rules.clock import has_passed, local_day
from labelling.services import disagreements as service
from labelling.services.reviews import is_insider, require_reviewer
from labelling.views.posted import posted_number, posts_only
from labelling.views.scope import visible_file
from territories.choices import Role
from territories.models import Mandate

DONE: Mapping[str, str] = {
    "consigner": "Le compte rendu est consigné. L’autre autorité le confirme, ou en écrit un autre.",
    "confirmer": "Le compte rendu est confirmé par les deux autorités.",
    "reprendre": "L’instruction reprend : l’autre autorité prendra position de nouveau.",
    "refuser": "Le refus exprès est présenté à la signature de votre autorité.",
    "conseiller": "L’avis est versé au dossier : les deux autorités le lisent.",
}
"""The acts of the page, by their name in the address, and what is said when each is done."""


def notice(application: Application, mandate: Mandate | None) -> dict[str, Any] | None:
    """Return what the page of a file says of its last disagreement to the authorities and to the national team."""
    if not is_insider(mandate):
        return None
    decision = service.declined_decision(application)
    if decision is None:
        return None
    refusal = service.refusal_to_sign(decision)
    until = service.deadline_of(application, refusal)
    return {
        "decision": decision,
        "refusal": refusal,
        "is_open": application.state == ApplicationState.DISAGREEMENT,
        "until": until,
        "is_late": has_passed(until, local_day(timezone.now(), application.departement.timezone)),
        "concerted": service.last_confirmed(decision) is not None,
        "url": reverse("disagreement", args=[application.number]),
    }


def next_act(application: Application, mandate: Mandate) -> str:
    """Return the words of the link that leads an agent to the page of the disagreement."""
    decision = service.declined_decision(application)
    records = service.records_of(decision) if decision else []
    if not records:
        return "Consigner la concertation"
    last = records[0]
    if last.confirmed_at is None:
        return "Lire le compte rendu" if last.recorded_capacity == mandate.capacity else "Confirmer le compte rendu"
    return "Reprendre l’instruction" if last.outcome == ConcertationOutcome.AGREEMENT else "Lire le désaccord"


def _insiders_file(request: HttpRequest, number: str) -> tuple[Application, Mandate]:
    application = visible_file(request, number)
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None or not is_insider(mandate):
        raise PermissionDenied("Cette page est réservée à l’ARS, à la préfecture et à l’équipe nationale.")
    return application, mandate


@never_cache
@require_safe
def disagreement(request: HttpRequest, number: str) -> HttpResponse:
    """Show the last disagreement of a file, and the acts that it expects of the reader."""
    application, mandate = _insiders_file(request, number)
    return _page(request, application, mandate)


def _page(
    request: HttpRequest,
    application: Application,
    mandate: Mandate,
    *,
    record_form: ConcertationForm | None = None,
    advice_form: AdviceForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    decision = service.declined_decision(application)
    if decision is None:
        raise Http404
    now = timezone.now()
    declined = service.refusal_to_sign(decision)
    records = service.records_of(decision)
    pending = records[0] if records and records[0].confirmed_at is None else None
    confirmed = next((record for record in records if record.confirmed_at), None)
    is_open = application.state == ApplicationState.DISAGREEMENT
    may_act = is_open and _may_instruct(application, mandate)
    agreed = confirmed is not None and confirmed.outcome == ConcertationOutcome.AGREEMENT
    no_refusal = service.why_no_express_refusal(application, decision, mandate.capacity) if may_act else ""
    context = {
        "application": application,
        "decision": decision,
        "declined": declined,
        "is_open": is_open,
        "until": service.deadline_of(application, declined),
        "records": records,
        "advice": NationalAdvice.objects.filter(decision=decision).select_related("mandate__authority").order_by("pk"),
        "may_confirm": may_act and pending is not None and pending.recorded_capacity != mandate.capacity,
        "pending": pending,
        "confirmed": confirmed,
        "may_resume": may_act and agreed,
        "may_record": may_act and not agreed,
        "may_refuse": may_act and not no_refusal,
        "why_no_refusal": typeset(no_refusal)
        if declined.capacity == mandate.capacity and confirmed and not agreed
        else "",
        "record_form": record_form or _fresh(pending),
        "advice_form": advice_form or AdviceForm(prefix="avis"),
        "may_advise": is_open and mandate.role == Role.NATIONAL,
        "refusal": typeset(refusal),
        "form": record_form or advice_form,
        "trail": [("Dossiers", reverse("applications")), (application.number, application.get_absolute_url())],
        "today": local_day(now, application.departement.timezone),
    }
    return render(request, "labelling/disagreement/page.html", context, status=status)


def _fresh(pending: Concertation | None) -> ConcertationForm:
    """Return the form of a record; a pending one is taken up where it stands."""
    if pending is None:
        return ConcertationForm(prefix="cr")
    kept = {name: getattr(pending, name) for name in ("held_date", "participants", "text", "outcome")}
    return ConcertationForm(initial=kept, prefix="cr")


def _may_instruct(application: Application, mandate: Mandate) -> bool:
    try:
        require_reviewer(application, mandate, at=timezone.now())
    except RefusedError:
        return False
    return True


@posts_only("disagreement")
def disagreement_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Apply one act of a disagreement, then go back to its page; refused, show the page with the input kept."""
    application, mandate = _insiders_file(request, number)
    if action not in DONE:
        raise Http404
    _require(action, application, mandate)
    record_form = ConcertationForm(request.POST, prefix="cr") if action == "consigner" else None
    advice_form = AdviceForm(request.POST, prefix="avis") if action == "conseiller" else None
    forms = {"record_form": record_form, "advice_form": advice_form}
    form = record_form or advice_form
    if form is not None and not form.is_valid():
        return _page(request, application, mandate, **forms, status=422)  # type: ignore[arg-type]
    given = {
        **(form.cleaned_data if form else {}),
        "mandate": mandate,
        "version": posted_number(request, "version"),
        "at": timezone.now(),
    }
    if action == "confirmer":
        given["concertation"] = posted_number(request, "concertation")
    try:
        SERVICES[action](application=application, **given)
    except RefusedError as refusal:
        return _page(request, application, mandate, **forms, refusal=str(refusal), status=409)  # type: ignore[arg-type]
    messages.success(request, typeset(DONE[action]))
    return redirect(application) if action in {"reprendre", "refuser"} else redirect("disagreement", number)


SERVICES: Mapping[str, Callable[..., Any]] = {
    "consigner": service.record_concertation,
    "confirmer": service.confirm_concertation,
    "reprendre": service.resume,
    "refuser": service.propose_express_refusal,
    "conseiller": service.advise,
}


def _require(action: str, application: Application, mandate: Mandate) -> None:
    """Raise 403 unless the act is one of the mandate: the national team advises, the two authorities do the rest."""
    if (action == "conseiller") != (mandate.role == Role.NATIONAL):
        raise PermissionDenied(
            "Un agent de l’ARS ou de la préfecture consigne, confirme et présente ; l’équipe nationale donne un avis."
        )
    if action != "conseiller":
        try:
            require_reviewer(application, mandate, at=timezone.now())
        except RefusedError as refusal:
            raise PermissionDenied(str(refusal)) from refusal
