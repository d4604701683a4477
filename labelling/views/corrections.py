"""An agent corrects the answers of one task in the place of the structure, in the structure's own form."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.forms.requests import ReasonForm
from labelling.forms.step import StepForm
from labelling.forms.steps import FORMS
from labelling.models import Application
from labelling.rules.answers import parse
from labelling.rules.steps import BY_SLUG, Step
from labelling.services.corrections import CORRECTABLE, correct_answers, held_by_structure
from labelling.views.posted import posted_number
from labelling.views.questions import reviewing_mandate
from labelling.views.review import posted_mandate
from labelling.views.scope import Reader, visible_file
from labelling.views.steps import changed_rows, fields_of
from labelling.workflow import TRANSITIONS


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_correct(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """Show the answers of one task to be corrected, and correct them with a reason."""
    row = visible_file(request, number)
    reviewing_mandate(request, row)
    task = BY_SLUG.get(step)
    if task not in CORRECTABLE:
        raise Http404
    answers = parse(row.answers)
    if request.method != "POST":
        return _render(request, row, task, FORMS[step](None, answers=answers, kind=row.structure.kind), ReasonForm())
    mandate = posted_mandate(request, row, timezone.now())
    changed, announce = changed_rows(request.POST, task)
    if changed is not None:
        form = FORMS[step](changed, answers=answers, kind=row.structure.kind)
        reason = ReasonForm(initial={"reason": request.POST.get("reason", "")})
        return _render(request, row, task, form, reason, announce=announce)
    form, reason = FORMS[step](request.POST, answers=answers, kind=row.structure.kind), ReasonForm(request.POST)
    if not all([form.is_valid(), reason.is_valid()]):
        return _render(request, row, task, form, reason, status=422)
    try:
        correct_answers(
            application=row,
            mandate=mandate,
            step=step,
            answers=form.values(),
            reason=reason.cleaned_data["reason"],
            version=posted_number(request, "version"),
            at=timezone.now(),
        )
    except StaleError as stale:
        row.refresh_from_db()
        return _render(request, row, task, form, reason, trouble=str(stale), status=409)
    except RefusedError as refusal:
        return _render(request, row, task, form, reason, trouble=str(refusal), status=409)
    messages.success(request, "La correction est enregistrée : la structure la reçoit par courriel, avec son motif.")
    return redirect(row)


def _render(
    request: HttpRequest, row: Application, step: Step, form: StepForm, reason: ReasonForm, **more: Any
) -> HttpResponse:
    status = more.pop("status", 200)
    context = {
        **fields_of(row, step, form),
        "application": row,
        "step": step,
        "reason": reason,
        "open": row.state in TRANSITIONS["correct"].sources,
        "held": step in held_by_structure(row),
        "announce": more.get("announce", ""),
        "trouble": typeset(more.get("trouble", "")),
        "trail": Reader(row, None, None).trail,
    }
    return render(request, "labelling/requests/correct.html", context, status=status)
