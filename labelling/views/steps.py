"""The tasks of a draft: each shown, checked as it is typed, kept; then read again and submitted."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
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
from labelling.models import Application, Criterion, Membership, Specification
from labelling.rules.answers import WORKING_DAYS, Answers, parse
from labelling.rules.conditions import applicable, exempt, is_spared
from labelling.rules.criteria import Assessed, assess_all
from labelling.rules.parameters import in_words
from labelling.rules.reads import step_of
from labelling.rules.steps import BY_SLUG, REVIEW, STEPS, TO_FILL, Step, next_step, status_of, unfinished
from labelling.rules.words import answers_in_words
from labelling.services import applications as service
from labelling.services.register_search import completion_of
from labelling.views.evidence import evidence_of_step
from labelling.views.posted import forget_lost, keeps_whole, lost_input, posted_number
from labelling.views.scope import own_file, require_owner

STALE = (
    "Ce dossier a changé pendant que vous y travailliez, dans un autre onglet ou par un collègue. Votre saisie n’a pas été "
    "appliquée ; elle est gardée ci-dessous."
)
ROWS_OF = {"horaires": ("sites", "stops", "closures"), "equipe": ("team",)}
"""The kinds of rows that the buttons of a task add and remove."""
TEMPLATES = {
    "identite": "labelling/apply/_identite.html",
    "horaires": "labelling/apply/_horaires.html",
    "equipe": "labelling/apply/_equipe.html",
    "tarifs": "labelling/apply/_questions.html",
    "permanence": "labelling/apply/_questions.html",
    "engagements": "labelling/apply/_engagements.html",
}


@keeps_whole
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_step(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """Show and keep one task of a draft."""
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
    if request.method != "POST":
        return _render_step(request, row, step, form_of(row, step, lost_input(request)))
    changed, anchor = changed_rows(request.POST, step)
    if changed is not None:
        return _render_step(request, row, step, form_of(row, step, changed), announce=anchor)
    return _save(request, row, membership, step, form_of(row, step, request.POST))


def form_of(row: Application, step: Step, data: Any) -> StepForm:
    """Return the form of a task on the answers of a file as they are kept, those that are not asked included."""
    return FORMS[step.slug](data, answers=parse(row.answers), kind=row.structure.kind)


def changed_rows(data: QueryDict, step: Step) -> tuple[Any, str]:
    """Apply a button that changes the page without keeping anything; return the new input and what to announce."""
    match data.get("act", "").split("-"):
        case ["restore"]:
            return data, "Votre saisie est reprise."
        case ["copy", prefix] if step.slug == "horaires":
            return copied_hours(data, prefix), "Horaires du lundi recopiés du mardi au vendredi."
        case ["add", kind] if kind in ROWS_OF.get(step.slug, ()):
            return with_row(data, kind), "Une ligne est ajoutée."
        case ["remove", kind, number] if kind in ROWS_OF.get(step.slug, ()) and number.isdecimal():
            return without_row(data, kind, int(number)), "La ligne est retirée."
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
    except StaleError:
        row.refresh_from_db()
        return _render_step(request, row, step, form, trouble=STALE, status=409, stale=True)
    except RefusedError as refusal:
        form.add_error(None, str(refusal))
        return _render_step(request, row, step, form, status=422)
    messages.success(request, typeset(f"{step.title} : enregistré à {clock_time(timezone.now())}."))
    if appeared := _appeared(row, step, form):
        one = "Une question s’ajoute" if appeared == 1 else "Des questions s’ajoutent"
        messages.info(request, f"{one} ci-dessous, d’après vos réponses.")
    if appeared or request.POST.get("act") == "stay":
        return redirect("application-step", number=row.number, step=step.slug)
    following = next_step(step)
    return redirect("application-step", number=row.number, step=following.slug if following else REVIEW)


def _appeared(row: Application, step: Step, form: StepForm) -> int:
    """Return how many questions the answers just kept add, which whoever has no script was not shown."""
    before = FORMS[step.slug](None, answers=form.answers, kind=row.structure.kind).asked
    known = {name for name, asked in before.items() if asked.now}
    return sum(asked.now and name not in known and not form.read(name) for name, asked in form.asked.items())


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
        "hides": True,
        "found": _findings_of(row, step, answers),
        "shown": _fingerprint(_findings_of(row, step, answers)),
        "trouble": typeset(trouble),
        "announce": announce,
        "stale": stale,
        "kept": answers_in_words(step, parse(row.answers)) if stale else [],
        "groups": evidence_of_step(row, step),
        **new_version(row, service.version_asked(row), step),
    }
    return render(request, "labelling/apply/step.html", context, status=status)


def fields_of(row: Application, step: Step, form: StepForm) -> dict[str, Any]:
    """Return what the fields of a task need to be shown, on whatever page."""
    criteria = service.version_asked(row).criteria_in_order
    return {
        "form": form,
        "form_template": TEMPLATES[step.slug],
        "narrow": step.slug in {"tarifs", "permanence", "engagements"},
        "structure": row.structure,
        "line": row.structure.register_line,
        "completion": completion_of(row.structure.register_line) if step.slug == "identite" else None,
        "half_days": [name[:3].capitalize() for name in WORKING_DAYS],
        "commitments": [one for one in criteria if one.kind == CriterionKind.COMMITMENT],
        "spared": is_spared(step.slug, exempt(criteria, row.structure.kind)),
        "exempts": {one.code for one in criteria if row.structure.kind in one.exempt_kinds},
    }


def _read(form: StepForm, row: Application) -> Answers:
    """Return the answers as the form holds them now, kept or not, right or wrong."""
    said = row.answers
    if form.is_bound:
        form.is_valid()
        said = {**said, **form.values()}
    return applicable(parse(said), row.structure.kind)


def _findings_of(row: Application, step: Step, answers: Answers) -> list[Assessed]:
    criteria = [one for one in service.version_asked(row).criteria_in_order if one.rule in step.rules]
    return assess_all(criteria, answers, structure_kind=row.structure.kind, to_submit=True)


def _fingerprint(found: list[Assessed]) -> str:
    return "|".join(f"{one.finding}:{one.sentence}" for one in found)


def found_in(application: Application, criteria: list[Criterion] | None = None) -> list[Assessed]:
    """Return what the machine finds in the answers of a file, criterion by criterion."""
    rows = criteria if criteria is not None else service.version_asked(application).criteria_in_order
    return assess_all(
        rows,
        application.said(),
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
    form = form_of(row, BY_SLUG[step], request.POST)
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
        # It was shown again in the form that is now kept; later, it would hide what was written since.
        forget_lost(request, reverse("application-step", args=[number, step]))
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
    criteria = specification.criteria_in_order
    answers, spared = row.said(), exempt(criteria, row.structure.kind)
    context = {
        "application": row,
        "sections": [
            (step, status_of(step, answers, spared), answers_in_words(step, answers, spared)) for step in TO_FILL
        ],
        "found": [one for one in found_in(row, criteria) if one.criterion.kind == CriterionKind.CRITERION],
        **new_version(row, specification),
        "specification": specification,
        "missing": unfinished(answers, spared),
        "owner": membership.role == MembershipRole.OWNER,
        "trouble": typeset(trouble),
        "consent": request.POST.get("consent") == "on",
        "position": len(STEPS),
        "total": len(STEPS),
    }
    return render(request, "labelling/apply/review.html", context, status=status)


def new_version(row: Application, specification: Specification, step: Step | None = None) -> dict[str, Any]:
    """Return what a version of the cahier des charges changes for a draft begun on an older one, in whole or for a task."""

    def of_step(criteria: list[Criterion]) -> list[tuple[Criterion, Step | None]]:
        found = [(one, step_of(one.rule)) for one in criteria]
        return [(one, task) for one, task in found if step is None or task == step]

    changed = of_step(service.changed_criteria(row, specification))
    # A criterion whose number alone changed may keep its text: what the rule asks is said too.
    known = (
        {one.code: in_words(one.rule, one.parameters) for one in row.specification.criteria_in_order} if changed else {}
    )
    return {
        "asked_version": specification,
        "changed": [
            (one, task, [words for words in in_words(one.rule, one.parameters) if words not in known.get(one.code, ())])
            for one, task in changed
        ],
        "withdrawn": of_step(service.withdrawn_criteria(row, specification)),
    }


def _shown_specification(request: HttpRequest, latest: Any) -> Any:
    """Return the version the page was shown with: another one than the latest makes the service refuse."""
    shown = type(latest).objects.published().filter(pk=posted_number(request, "specification")).first()
    return shown or latest
