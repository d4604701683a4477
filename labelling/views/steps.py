"""The tasks of a draft: each shown, checked as it is typed, kept; then read again and submitted."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from francesante.lib.french import clock_time, typeset
from francesante.lib.identifiers import NIR_REFUSED
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState, CriterionKind, MembershipRole
from labelling.forms.hours import copied_hours
from labelling.forms.rows import with_row, without_row
from labelling.forms.step import StepForm
from labelling.forms.steps import FORMS
from labelling.models import Application, Criterion, Membership
from labelling.rules.answers import DAYS, Answers, parse
from labelling.rules.criteria import Assessed, assess_all
from labelling.rules.steps import BY_SLUG, REVIEW, STEPS, TO_FILL, Step, next_step, status_of, unfinished
from labelling.rules.words import answers_in_words
from labelling.services import applications as service
from labelling.services.register_search import completion_of
from labelling.views.evidence import evidence_of_step
from labelling.views.posted import posted_number
from labelling.views.scope import own_file, require_owner

KEPT = "kept_input"
"""Key of the session: what a person posted to a task after their session had ended, by address."""


ROWS_OF = {"horaires": ("sites", "stops", "closures"), "equipe": ("team",)}
"""The kinds of rows that the buttons of a task add and remove."""
TEMPLATES = {
    "identite": "labelling/apply/_identite.html",
    "horaires": "labelling/apply/_horaires.html",
    "equipe": "labelling/apply/_equipe.html",
    "tarifs": "labelling/apply/_fields.html",
    "permanence": "labelling/apply/_fields.html",
    "engagements": "labelling/apply/_engagements.html",
}


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_step(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """Show and keep one task of a draft.

    What is posted after the session ended waits in the new session while the person signs in again.
    """
    if not request.user.is_authenticated:
        if request.method == "POST":
            request.session[KEPT] = {request.path: request.POST.urlencode()}
        return redirect_to_login(request.path)
    if step not in BY_SLUG:
        raise Http404
    row, membership = own_file(request, number)
    if row.state != ApplicationState.DRAFT:
        messages.info(request, "Cette candidature est déposée : ses réponses ne changent plus.")
        return redirect(row)
    if step == REVIEW:
        return _review(request, row, membership)
    return _step(request, row, membership, BY_SLUG[step])


def _step(request: HttpRequest, row: Application, membership: Membership, step: Step) -> HttpResponse:
    answers = parse(row.answers)
    if request.method == "POST":
        changed, anchor = changed_rows(request.POST, step)
        if changed is not None:
            return _render_step(request, row, step, FORMS[step.slug](changed, answers=answers), announce=anchor)
        return _save(request, row, membership, step, FORMS[step.slug](request.POST, answers=answers))
    kept = request.session.get(KEPT, {}).get(request.path)
    if kept is None:
        return _render_step(request, row, step, FORMS[step.slug](None, answers=answers))
    form = FORMS[step.slug](QueryDict(kept), answers=answers)
    return _render_step(
        request,
        row,
        step,
        form,
        trouble="Votre session avait pris fin. Votre saisie est gardée ci-dessous : enregistrez-la.",
    )


def changed_rows(data: QueryDict, step: Step) -> tuple[Any, str]:
    """Apply a button that changes the page without keeping anything; return the new input and what to announce."""
    match data.get("act", "").split("-"):
        case ["restore"]:
            return data, "Votre saisie est reprise. Elle n’est pas encore enregistrée."
        case ["copy", prefix] if step.slug == "horaires":
            copied = "Horaires du lundi recopiés du mardi au vendredi. Ils ne sont pas encore enregistrés."
            return copied_hours(data, prefix), copied
        case ["add", kind] if kind in ROWS_OF.get(step.slug, ()):
            return with_row(data, kind), "Une ligne est ajoutée. Elle n’est pas encore enregistrée."
        case ["remove", kind, number] if kind in ROWS_OF.get(step.slug, ()) and number.isdecimal():
            return without_row(data, kind, int(number)), "La ligne est retirée. Ce n’est pas encore enregistré."
    return None, ""


def _save(request: HttpRequest, row: Application, membership: Membership, step: Step, form: StepForm) -> HttpResponse:
    if not form.is_valid():
        return _render_step(request, row, step, form, status=422)
    try:
        service.save_step(
            application=row,
            membership=membership,
            step=step.slug,
            answers=form.values(),
            version=posted_number(request, "version"),
            at=timezone.now(),
        )
    except StaleError as stale:
        row.refresh_from_db()
        return _render_step(request, row, step, form, trouble=str(stale), status=409, stale=True)
    except RefusedError as refusal:
        form.add_error(None, str(refusal))
        return _render_step(request, row, step, form, status=422)
    request.session.pop(KEPT, None)
    messages.success(request, typeset(f"{step.title} : enregistré à {clock_time(timezone.now())}."))
    if request.POST.get("act") == "stay":
        return redirect("application-step", number=row.number, step=step.slug)
    following = next_step(step)
    return redirect("application-step", number=row.number, step=following.slug if following else REVIEW)


def _render_step(
    request: HttpRequest,
    row: Application,
    step: Step,
    form: StepForm,
    *,
    trouble: str = "",
    announce: str = "",
    status: int = 200,
    stale: bool = False,
) -> HttpResponse:
    answers = _read(form, row)
    position = STEPS.index(step) + 1
    following = next_step(step)
    context = {
        "application": row,
        "step": step,
        "position": position,
        "total": len(STEPS),
        "following": following.title if following else "",
        **fields_of(row, step, form),
        "found": _findings_of(row, step, answers),
        "shown": _fingerprint(_findings_of(row, step, answers)),
        "trouble": typeset(trouble),
        "announce": announce,
        "stale": stale,
        "kept": answers_in_words(step, parse(row.answers)) if stale else [],
        "groups": evidence_of_step(row, step),
    }
    return render(request, "labelling/apply/step.html", context, status=status)


def fields_of(row: Application, step: Step, form: StepForm) -> dict[str, Any]:
    """Return what the fields of a task need to be shown, on whatever page."""
    return {
        "form": form,
        "form_template": TEMPLATES[step.slug],
        "narrow": step.slug in {"tarifs", "permanence", "engagements"},
        "structure": row.structure,
        "line": row.structure.register_line,
        "completion": completion_of(row.structure.register_line) if step.slug == "identite" else None,
        "half_days": [name[:3].capitalize() for name in list(DAYS.values())[:5]],
        "commitments": row.specification.criteria.filter(kind=CriterionKind.COMMITMENT).order_by("position"),
    }


def _read(form: StepForm, row: Application) -> Answers:
    """Return the answers as the form holds them now, kept or not, right or wrong."""
    if not form.is_bound:
        return parse(row.answers)
    form.is_valid()
    return parse({**row.answers, **form.values()})


def _findings_of(row: Application, step: Step, answers: Answers) -> list[Assessed]:
    criteria = [one for one in row.specification.criteria.order_by("position") if one.rule in step.rules]
    return assess_all(criteria, answers, structure_kind=row.structure.kind, to_submit=True)


def _fingerprint(found: list[Assessed]) -> str:
    return "|".join(f"{one.finding}:{one.sentence}" for one in found)


def found_in(application: Application, criteria: list[Criterion] | None = None) -> list[Assessed]:
    """Return what the machine finds in the answers of a file, criterion by criterion."""
    rows = criteria if criteria is not None else application.specification.criteria.order_by("position")
    return assess_all(
        rows,
        parse(application.answers),
        structure_kind=application.structure.kind,
        to_submit=application.state == ApplicationState.DRAFT,
    )


@login_not_required
@never_cache
@require_POST
def application_autosave(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """Keep a task of a draft as it is typed, and say what the machine finds in it; nothing is said twice.

    What is not right yet is not kept here: it waits in the browser (``portal/autosave.js``), where a lost session
    (401) or connection leaves it too.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    if step not in FORMS:
        raise Http404
    row, membership = own_file(request, number)
    form = FORMS[step](request.POST, answers=parse(row.answers))
    version, right = posted_number(request, "version"), form.is_valid()
    if right:
        trouble = _autosave(row, membership, BY_SLUG[step], form, version)
    else:
        trouble = NIR_REFUSED if any(form.has_error(name, "nir") for name in form.fields) else ""
    kept = right and not trouble
    found = _findings_of(row, BY_SLUG[step], _read(form, row))
    shown = _fingerprint(found)
    context = {
        "application": row,
        # What was not kept still answers for the version that the person was shown.
        "version": row.version if kept else version,
        "found": found,
        "shown": shown,
        "right": right,
        "trouble": typeset(trouble),
    }
    response = render(request, "labelling/apply/_autosaved.html", context)
    if shown == request.POST.get("shown", ""):
        response["HX-Reswap"] = "none"
    if kept:
        response["HX-Trigger"] = "kept"
    return response


def _autosave(row: Application, membership: Membership, step: Step, form: StepForm, version: int) -> str:
    """Keep a task if it can be; return the sentence that says why it is not kept, or nothing."""
    try:
        service.save_step(
            application=row,
            membership=membership,
            step=step.slug,
            answers=form.values(),
            version=version,
            at=timezone.now(),
        )
    except StaleError:
        return (
            "Ce dossier a changé ailleurs, dans un autre onglet ou par un collègue. Votre saisie n’est pas enregistrée : "
            "« Enregistrer et rester » vous montrera les deux versions."
        )
    except RefusedError as refusal:
        return str(refusal)
    return ""


def _review(request: HttpRequest, row: Application, membership: Membership) -> HttpResponse:
    specification = service.latest_specification()
    trouble, status = "", 200
    if request.method == "POST":
        require_owner(membership, "déposer la candidature")
        try:
            service.submit_application(
                application=row,
                membership=membership,
                specification=_shown_specification(request, specification),
                consent=request.POST.get("consent") == "on",
                version=posted_number(request, "version"),
                at=timezone.now(),
            )
        except StaleError as stale:
            trouble, status = str(stale), 409
            row.refresh_from_db()
            if row.state != ApplicationState.DRAFT:
                return redirect(row)
        except RefusedError as refusal:
            trouble, status = str(refusal), 422
        else:
            messages.success(
                request,
                f"Votre candidature {row.number} est déposée. L’accusé de réception vous est envoyé par courriel.",
            )
            return redirect(row)
    answers = parse(row.answers)
    criteria = list(specification.criteria.order_by("position"))
    context = {
        "application": row,
        "sections": [(step, status_of(step, answers), answers_in_words(step, answers)) for step in TO_FILL],
        "found": [one for one in found_in(row, criteria) if one.criterion.kind == CriterionKind.CRITERION],
        "changed": service.changed_criteria(row, specification),
        "specification": specification,
        "missing": unfinished(answers),
        "owner": membership.role == MembershipRole.OWNER,
        "trouble": typeset(trouble),
        "consent": request.POST.get("consent") == "on",
        "position": len(STEPS),
        "total": len(STEPS),
    }
    return render(request, "labelling/apply/review.html", context, status=status)


def _shown_specification(request: HttpRequest, latest: Any) -> Any:
    """Return the version the page was shown with: another one than the latest makes the service refuse."""
    shown = type(latest).objects.published().filter(pk=posted_number(request, "specification")).first()
    return shown or latest
