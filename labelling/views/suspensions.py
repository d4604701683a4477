"""The suspension of a label on screen: considered, lifted, and the texts that found it."""

from datetime import date, datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.forms.labels import GroundEndForm, LiftForm, SuspendForm, SuspensionGroundForm
from labelling.models import AdversarialProcedure, EndingGround, Label, Lifting, Suspension
from labelling.rules.clock import local_day
from labelling.services import suspension_grounds as grounds_service
from labelling.services import suspensions as service
from labelling.services.ending_drafts import least_deadline
from labelling.services.label_acts import pending_act
from labelling.services.procedures import open_procedure
from labelling.services.reviews import is_insider
from labelling.services.suspensions import NO_BASIS, Terms
from labelling.views.endings import known_act, label_trail, membership_of, posted_mandate, refusal_to_act
from labelling.views.national import national
from labelling.views.posted import keeps_whole, lost_initial, posted_number
from labelling.views.rehearsed import changes, read_then_do
from labelling.views.scope import visible_label
from territories.models import Mandate

UNPROCESSABLE, CONFLICT = 422, 409


def suspension_facts(request: HttpRequest, label: Label, today: date) -> dict[str, Any]:
    """Return what the page of a label says of its suspension, and what the reader may do of it."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    inside = membership_of(request, label) is not None or is_insider(mandate)
    acts = [known_act(request, kind, label, inside=inside) for kind in (Suspension, Lifting)]
    suspension, lifting = acts
    current = service.suspension_to_lift(label, today)
    pending = next((act for act in acts if act is not None and act.is_pending), None)
    may_act = not refusal_to_act(label, mandate, timezone.now()) and pending_act(label) is None
    return {
        "suspension": current,
        "suspended": current is not None and today in current.period,
        "act_pending": pending,
        "pending_lifts": isinstance(pending, Lifting),
        "suspension_known": suspension,
        "lifting_known": lifting if lifting is not None and lifting.applied_at is not None else None,
        "may_suspend": may_act and current is None,
        "may_lift": may_act and current is not None,
    }


# Considered -----------------------------------------------------------------------------------------------------------


@keeps_whole
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_suspend(request: HttpRequest, number: str) -> HttpResponse:
    """Consider the suspension of a label: open the adversarial step, or present the act when its ground asks for none."""
    label = visible_label(request, number)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    today = local_day(now, label.departement.timezone)
    founded = service.suspension_grounds(today)
    lost = lost_initial(request)
    form = SuspendForm(request.POST or None, grounds=founded, least=least_deadline(today), initial=lost)
    refusal, status = "" if founded else NO_BASIS, 200
    trail = label_trail(request, label)
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        if refusal:
            status = CONFLICT
        elif not form.is_valid():
            status = UNPROCESSABLE
        elif not changes(request):
            act = partial(_begin, label, form, mandate, posted_number(request, "version"), now)
            try:
                return read_then_do(request, label, form, act, version=label.version, trail=trail)
            except RefusedError as error:
                form.add_error(None, str(error))
                status = CONFLICT
    context = {
        "label": label,
        "structure": label.structure,
        "form": None if refusal else form,
        "refusal": refusal,
        "trail": trail,
    }
    return render(request, "labelling/label/suspend.html", context, status=status)


def _begin(
    label: Label, form: SuspendForm, mandate: Mandate, version: int, now: datetime
) -> AdversarialProcedure | Suspension:
    asked = dict(form.cleaned_data)
    ground, deadline = asked.pop("ground"), asked.pop("deadline")
    by = {"label": label, "ground": ground, "mandate": mandate, "version": version, "at": now}
    if ground.adversarial:
        return open_procedure(**by, facts=asked["facts"], effect_date=asked["effect_date"], deadline=deadline)
    return service.propose_suspension(**by, terms=Terms(**asked))


# Lifted ---------------------------------------------------------------------------------------------------------------


@keeps_whole
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_lift(request: HttpRequest, number: str) -> HttpResponse:
    """Present the lifting of a suspension to signature."""
    label = visible_label(request, number)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    form = LiftForm(request.POST or None, initial=lost_initial(request))
    trail, status = label_trail(request, label), 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        if not form.is_valid():
            status = UNPROCESSABLE
        elif not changes(request):
            by = {"mandate": mandate, "version": posted_number(request, "version"), "at": now}
            act = partial(service.propose_lifting, label=label, **form.cleaned_data, **by)
            try:
                return read_then_do(request, label, form, act, version=label.version, trail=trail)
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = CONFLICT
    context = {
        "label": label,
        "structure": label.structure,
        "suspension": service.suspension_to_lift(label, local_day(now, label.departement.timezone)),
        "form": form,
        "trail": trail,
    }
    return render(request, "labelling/label/lift.html", context, status=status)


# The texts ------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def suspension_grounds(request: HttpRequest) -> HttpResponse:
    """List the texts that found a suspension; the national team enters one, or closes one."""
    mandate = national(request)
    form, ending, status = SuspensionGroundForm(), GroundEndForm(), 200
    closing: EndingGround | None = None
    if request.method == "POST":
        now = timezone.now()
        if "ground" in request.POST:
            rows = grounds_service.all_suspension_grounds()
            closing = get_object_or_404(rows, pk=posted_number(request, "ground"))
            ending = GroundEndForm(request.POST, prefix=str(closing.pk))
        else:
            form = SuspensionGroundForm(request.POST)
        asked = ending if closing else form
        status = UNPROCESSABLE
        if asked.is_valid():
            try:
                if closing:
                    grounds_service.end_ground(ground=closing, **ending.cleaned_data, mandate=mandate, at=now)
                else:
                    grounds_service.enter_ground(**form.cleaned_data, mandate=mandate, at=now)
            except RefusedError as refusal:
                asked.add_error(None, str(refusal))
                status = CONFLICT
            else:
                done = (
                    "Ce texte ne fondera plus de suspension."
                    if closing
                    else "Le texte est entré : les agents le voient."
                )
                messages.success(request, typeset(done))
                return redirect("suspension-grounds")
    context = {
        "grounds": [(row, _end_form(row, ending, closing)) for row in grounds_service.all_suspension_grounds()],
        "entry": form,
        "form": ending if closing else form,
        "trail": [("Pilotage", reverse("steering"))],
    }
    return render(request, "labelling/label/grounds.html", context, status=status)


def _end_form(row: EndingGround, bound: GroundEndForm, closing: EndingGround | None) -> GroundEndForm | None:
    """Return the form that closes a text, with its input when it was just refused; none when it is closed."""
    if row.valid.upper is not None:
        return None
    return bound if closing is not None and closing.pk == row.pk else GroundEndForm(prefix=str(row.pk))
