"""The pages of a file under its one address: the structure's list, hub, tasks and page; agents go to theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from francesante.lib.french import clock_time, typeset
from francesante.lib.workflow import RefusedError, StaleError, allows
from labelling.choices import ApplicationState, ClaimState, CriterionKind, MembershipRole
from labelling.documents.receipt import render_receipt
from labelling.forms.steps import FORMS, StepForm, copied_hours, with_row, without_row
from labelling.models import Application, Claim, Criterion, Membership
from labelling.rules.answers import DAYS, PROFESSIONS, SECTORS, Answers, parse
from labelling.rules.badges import DECIDED, OPEN, STRUCTURE, Badge, badge, facts_of
from labelling.rules.clock import appeal_deadline, clock_sentence, local_day
from labelling.rules.criteria import Assessed, assess_all
from labelling.rules.steps import BY_SLUG, REVIEW, STEPS, TO_FILL, Status, Step, next_step, status_of, unfinished
from labelling.services import applications as service
from labelling.services.access import promised_access
from labelling.services.decisions import authorities_of
from labelling.views import review
from labelling.views.posted import posted_number
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Event, Notification

KEPT = "kept_input"
"""Key of the session: what a person posted to a task after their session had ended, by address."""
TEMPLATES = {
    "identite": "labelling/apply/_identite.html",
    "horaires": "labelling/apply/_horaires.html",
    "equipe": "labelling/apply/_equipe.html",
    "tarifs": "labelling/apply/_fields.html",
    "permanence": "labelling/apply/_fields.html",
    "engagements": "labelling/apply/_engagements.html",
}
HISTORY: Mapping[tuple[str, str], str] = {
    (Subject.APPLICATION, "start"): "Brouillon ouvert",
    (Subject.APPLICATION, "submit"): "Candidature déposée, accusé de réception envoyé",
    (Subject.APPLICATION, "take_up"): "Dossier pris en charge par les services",
    (Subject.APPLICATION, "propose"): "Instruction terminée",
    (Subject.APPLICATION, "disagree"): "Instruction reprise par les services",
    (Subject.APPLICATION, "reopen"): "Dossier rouvert",
    (Subject.APPLICATION, "abandon"): "Désistement enregistré",
    (Subject.APPLICATION, "close"): "Dossier classé sans suite",
    (Subject.DECISION, "make_available"): "Décision mise à votre disposition",
    (Subject.DECISION, "notify"): "Décision lue : elle vous est notifiée",
    (Subject.DECISION, "presume_notified"): "Décision réputée notifiée",
}
"""What a structure reads of the events; nothing here tells what the services think, nor the sense of a decision."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a structure in its list."""

    application: Application
    badge: Badge
    clock: str


@dataclass(frozen=True, slots=True)
class StructureBlock:
    """A structure the reader acts for, with its files."""

    membership: Membership
    files: list[FileRow]
    may_start: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the hub."""

    step: Step
    status: Status


# Lists -----------------------------------------------------------------------------------------------------------


@require_safe
def applications(request: HttpRequest) -> HttpResponse:
    """List the files: an agent's work list, or the structures and files of the reader."""
    if request.mandate:  # type: ignore[attr-defined]
        return review.work_list(request)
    memberships = (
        Membership.objects.of(request.user).select_related("structure__commune").order_by("structure__sort_key", "pk")
    )
    files: dict[int, list[Application]] = {}
    own = Application.objects.for_user(request.user).filter(structure__in=[row.structure_id for row in memberships])
    for row in own.select_related("departement", "structure").order_by("-created_at", "-pk"):
        files.setdefault(row.structure_id, []).append(row)
    blocks = [_block(row, files.get(row.structure_id, [])) for row in memberships]
    waiting = Claim.objects.filter(user=request.user.pk, state=ClaimState.WAITING_AGENT).select_related("line")
    context = {
        "blocks": blocks,
        "claims": waiting.order_by("pk"),
        "promised": [structure for _, structure in promised_access(request.user)],  # type: ignore[arg-type]
        "first_to_start": next((row.membership.pk for row in blocks if row.may_start), None),
    }
    return render(request, "labelling/apply/applications.html", context)


def _block(membership: Membership, files: list[Application]) -> StructureBlock:
    now = timezone.now()
    rows = [FileRow(row, _badge(row, now), _clock(row, now)) for row in files]
    busy = any(row.state in OPEN or row.state == ApplicationState.DRAFT for row in files)
    return StructureBlock(membership, rows, not busy)


def _badge(application: Application, now: datetime) -> Badge:
    notification = _notification(application)
    zone = application.departement.timezone
    label = getattr(application, "label", None)
    return badge(
        facts_of(
            application,
            today=local_day(now, zone),
            available_on=local_day(notification.sent_at, zone) if notification else None,
            notified_on=local_day(notification.notified_at, zone)
            if notification and notification.notified_at
            else None,
            ended_on=service.abandoned_on(application) if application.state == ApplicationState.ABANDONED else None,
            label_from=label.valid.lower if label else None,
            label_until=label.valid.upper if label else None,
        ),
        STRUCTURE,
    )


def _notification(application: Application) -> Notification | None:
    """Return the notification that counts: the first one read, else the first one offered."""
    if application.decision_id is None:
        return None
    rows = Notification.objects.filter(decision=application.decision_id).order_by("pk")
    return rows.filter(notified_at__isnull=False).order_by("notified_at").first() or rows.first()


def _clock(application: Application, now: datetime) -> str:
    if application.state not in OPEN or application.silence_date is None:
        return ""
    return clock_sentence(application.silence_date, local_day(now, application.departement.timezone))


@require_POST
def application_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the draft of a structure."""
    membership = (
        Membership.objects.of(request.user).filter(structure=pk).select_related("structure__departement", "user")
    )
    member = get_object_or_404(membership)
    try:
        application = service.start_application(membership=member, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("applications")
    messages.success(
        request,
        f"Brouillon {application.number} ouvert. Rien n’est transmis avant le dépôt ; tout s’enregistre à chaque étape.",
    )
    return redirect(application)


# Scope -----------------------------------------------------------------------------------------------------------


def _visible(request: HttpRequest, number: str) -> Application:
    rows = Application.objects.for_user(request.user).select_related(
        "structure__commune", "structure__register_line", "departement__region", "specification", "wave", "decision"
    )
    return get_object_or_404(rows, number=number)


def _own(request: HttpRequest, number: str) -> tuple[Application, Membership]:
    """Return a file and the reader's access to its structure: 404 out of scope, 403 for an agent."""
    application = _visible(request, number)
    membership = service.membership_for(application, request.user.pk)
    if membership is None:
        raise PermissionDenied("Cette page est réservée aux personnes qui agissent pour la structure.")
    return application, membership


def _require_owner(membership: Membership, act: str) -> None:
    if membership.role != MembershipRole.OWNER:
        raise PermissionDenied(
            f"Votre compte permet de remplir le dossier ; seul le responsable de la structure peut {act}."
        )


# Hub and page ----------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def application(request: HttpRequest, number: str) -> HttpResponse:
    """Show the only page of a file: the hub of a draft, the structure's page, or the agents' page."""
    row = _visible(request, number)
    membership = service.membership_for(row, request.user.pk)
    if membership is None:
        return review.file_page(request, row)
    if row.state == ApplicationState.DRAFT:
        return _hub(request, row, membership)
    return _page(request, row, membership)


def _hub(request: HttpRequest, application: Application, membership: Membership) -> HttpResponse:
    answers = parse(application.answers)
    tasks = [Task(step, status_of(step, answers)) for step in STEPS]
    first = next((task.step for task in tasks if task.status != Status.DONE), STEPS[-1])
    context = {
        "application": application,
        "membership": membership,
        "badge": _badge(application, timezone.now()),
        "tasks": tasks,
        "done": sum(task.status == Status.DONE for task in tasks if task.step in TO_FILL),
        "total": len(TO_FILL),
        "first": first,
        "owner": membership.role == MembershipRole.OWNER,
    }
    return render(request, "labelling/apply/hub.html", context)


def _page(request: HttpRequest, application: Application, membership: Membership) -> HttpResponse:
    now = timezone.now()
    zone = application.departement.timezone
    notification = _notification(application)
    notified = notification is not None and notification.notified_at is not None
    owner = membership.role == MembershipRole.OWNER
    until = application.silence_date
    context = {
        "application": application,
        "membership": membership,
        "owner": owner,
        "badge": _badge(application, now),
        "clock": _clock(application, now),
        "received_on": local_day(application.submitted_at, zone) if application.submitted_at else None,
        "silent": until is not None and application.state in OPEN and local_day(now, zone) > until,
        "appeal_until": appeal_deadline(until) if until else None,
        "found": _found(application),
        "history": _history(application),
        "authorities": list(authorities_of(application.departement).values()),
        "people": Membership.objects.filter(structure=application.structure_id, ended_at__isnull=True).count(),
        "decision_ready": application.state in DECIDED and notification is not None and (owner or notified),
        "may_abandon": allows(TRANSITIONS, "abandon", state=application.state, hat=membership.hat, row=application),
    }
    return render(request, "labelling/apply/file.html", context)


def _found(application: Application, criteria: list[Criterion] | None = None) -> list[Assessed]:
    rows = criteria if criteria is not None else application.specification.criteria.order_by("position")
    return assess_all(rows, parse(application.answers), structure_kind=application.structure.kind)


def _history(application: Application) -> list[tuple[datetime, str]]:
    """Return what the structure may read of the chain of the file and of its decision, the latest first."""
    events = [*Event.objects.about(Subject.APPLICATION, application.pk)]
    if application.decision_id:
        events += Event.objects.about(Subject.DECISION, application.decision_id)
    told = [
        (row.at, HISTORY[row.subject_type, row.action]) for row in events if (row.subject_type, row.action) in HISTORY
    ]
    return [(at, typeset(sentence)) for at, sentence in sorted(told, reverse=True)]


# Tasks -----------------------------------------------------------------------------------------------------------


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
    row, membership = _own(request, number)
    if row.state != ApplicationState.DRAFT:
        messages.info(request, "Cette candidature est déposée : ses réponses ne changent plus.")
        return redirect(row)
    if step == REVIEW:
        return _review(request, row, membership)
    return _step(request, row, membership, BY_SLUG[step])


def _step(request: HttpRequest, row: Application, membership: Membership, step: Step) -> HttpResponse:
    answers = parse(row.answers)
    if request.method == "POST":
        changed, anchor = _changed_rows(request.POST, step)
        if changed is not None:
            rows = 1 if request.POST.get("act") == "add" else 0
            form = FORMS[step.slug](changed, answers=answers, rows=rows)
            return _render_step(request, row, step, form, announce=anchor)
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


def _changed_rows(data: QueryDict, step: Step) -> tuple[Any, str]:
    """Apply a button that changes the page without keeping anything; return the new input and what to announce."""
    act = data.get("act", "")
    if act == "copy" and step.slug == "horaires":
        return copied_hours(
            data
        ), "Horaires du lundi recopiés du mardi au vendredi. Ils ne sont pas encore enregistrés."
    if act == "add":
        return with_row(data, step.slug), "Une ligne est ajoutée. Elle n’est pas encore enregistrée."
    if act.startswith("remove-") and step.slug == "equipe":
        number = act.removeprefix("remove-")
        if number.isdecimal():
            return without_row(data, int(number)), "La ligne est retirée. Ce n’est pas encore enregistré."
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
        "form": form,
        "form_template": TEMPLATES[step.slug],
        "narrow": step.slug in {"tarifs", "permanence", "engagements"},
        "found": _findings_of(row, step, answers),
        "shown": _fingerprint(_findings_of(row, step, answers)),
        "trouble": typeset(trouble),
        "announce": announce,
        "stale": stale,
        "structure": row.structure,
        "line": row.structure.register_line,
        "half_days": [name[:3].capitalize() for name in list(DAYS.values())[:5]],
        "commitments": row.specification.criteria.filter(kind=CriterionKind.COMMITMENT).order_by("position"),
    }
    return render(request, "labelling/apply/step.html", context, status=status)


def _read(form: StepForm, row: Application) -> Answers:
    """Return the answers as the form holds them now, kept or not, right or wrong."""
    if not form.is_bound:
        return parse(row.answers)
    form.is_valid()
    return parse({**row.answers, **form.values()})


def _findings_of(row: Application, step: Step, answers: Answers) -> list[Assessed]:
    criteria = [one for one in row.specification.criteria.order_by("position") if one.rule in step.rules]
    return assess_all(criteria, answers, structure_kind=row.structure.kind)


def _fingerprint(found: list[Assessed]) -> str:
    return "|".join(f"{one.finding}:{one.sentence}" for one in found)


@require_POST
def application_finding(request: HttpRequest, number: str, step: str) -> HttpResponse:
    """Say what the machine finds in a task as it is typed; writes nothing, and says nothing twice."""
    if step not in FORMS:
        raise Http404
    row, _ = _own(request, number)
    form = FORMS[step](request.POST, answers=parse(row.answers))
    found = _findings_of(row, BY_SLUG[step], _read(form, row))
    shown = _fingerprint(found)
    if shown == request.POST.get("shown"):
        return HttpResponse(status=204)
    return render(request, "labelling/apply/_findings.html", {"found": found, "shown": shown})


# Review and submission -------------------------------------------------------------------------------------------


def _review(request: HttpRequest, row: Application, membership: Membership) -> HttpResponse:
    specification = service.latest_specification()
    trouble, status = "", 200
    if request.method == "POST":
        _require_owner(membership, "déposer la candidature")
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
        "found": [one for one in _found(row, criteria) if one.criterion.kind == CriterionKind.CRITERION],
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


def answers_in_words(step: Step, answers: Answers) -> list[tuple[str, str]]:
    """Return the answers of a task as labels and words, for reading again."""
    return [(label, typeset(text) if text else "Non renseigné") for label, text in _IN_WORDS[step.slug](answers)]


def _identity_in_words(answers: Answers) -> list[tuple[str, str]]:
    contact, identity = answers.contact, answers.identity
    register = {True: "exactes", False: f"à corriger : {identity.correction}", None: ""}[identity.exact]
    return [
        ("Informations du registre", register),
        ("Personne qui suit le dossier", ", ".join(filter(None, [contact.name, contact.role]))),
        ("Pour la joindre", ", ".join(filter(None, [contact.email, contact.phone]))),
    ]


def _hours_in_words(answers: Answers) -> list[tuple[str, str]]:
    if not answers.hours:
        return [("Horaires", "")]
    days = [
        (
            name.capitalize(),
            ", ".join(f"{start} – {end}" for start, end in answers.hours[day]) if answers.hours.get(day) else "fermé",
        )
        for day, name in DAYS.items()
    ]
    closures = [
        f"du {closure.start:%d/%m/%Y} au {closure.end:%d/%m/%Y}{' (remplaçant désigné)' if closure.replaced else ''}"
        for closure in answers.closures
    ]
    return [*days, ("Fermetures", " ; ".join(closures) or "aucune annoncée")]


def _team_in_words(answers: Answers) -> list[tuple[str, str]]:
    rows = []
    for member in answers.team:
        where = (
            "sur place"
            if member.on_site
            else f"à {member.minutes} min"
            if member.minutes is not None
            else "à proximité"
        )
        half_days = f"{len(member.half_days)} demi-journées par semaine" if member.half_days else ""
        name = member.name or PROFESSIONS[member.profession].capitalize()
        rows.append((name, ", ".join(filter(None, [PROFESSIONS[member.profession], where, half_days]))))
    return rows or [("Équipe", "")]


def _fees_in_words(answers: Answers) -> list[tuple[str, str]]:
    doctors = answers.of("doctor")
    sectors = [
        (doctor.name or f"Médecin {number}", SECTORS[doctor.sector] if doctor.sector else "")
        for number, doctor in enumerate(doctors, start=1)
    ] or [("Secteur des médecins", SECTORS[answers.fees.sector] if answers.fees.sector else "")]
    fees = answers.fees
    extra = [("Précisions", fees.details)] if fees.details else []
    return [
        *sectors,
        ("Dépassements d’honoraires", _yes_no(fees.overrun)),
        ("Tiers payant", _yes_no(fees.third_party)),
        *extra,
    ]


def _on_call_in_words(answers: Answers) -> list[tuple[str, str]]:
    said = answers.on_call
    extra = [("Précisions", said.details)] if said.details else []
    return [
        ("Permanence des soins (PDSA)", _yes_no(said.pdsa)),
        ("Service d’accès aux soins (SAS)", _yes_no(said.sas)),
        *extra,
    ]


def _commitments_in_words(answers: Answers) -> list[tuple[str, str]]:
    taken = answers.commitments
    return [
        ("Rendez-vous médical sous 48 heures", "souscrit" if taken.appointment_48h else ""),
        ("Accompagnement dans le parcours de santé", "souscrit" if taken.support else ""),
    ]


def _yes_no(value: Any) -> str:
    return {True: "oui", False: "non"}.get(value, "")


_IN_WORDS = {
    "identite": _identity_in_words,
    "horaires": _hours_in_words,
    "equipe": _team_in_words,
    "tarifs": _fees_in_words,
    "permanence": _on_call_in_words,
    "engagements": _commitments_in_words,
}


@require_safe
def application_receipt(request: HttpRequest, number: str) -> HttpResponse:
    """Give the accusé de réception in PDF, to the structure and to the agents of the territory."""
    row = _visible(request, number)
    if row.submitted_at is None:
        raise Http404
    pdf = render_receipt(row, list(authorities_of(row.departement).values()))
    name = f'inline; filename="accuse-{row.number}.pdf"'
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": name})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_abandon(request: HttpRequest, number: str) -> HttpResponse:
    """Give an application up, or delete a draft: a page of its own, with what it means."""
    row, membership = _own(request, number)
    _require_owner(membership, "renoncer à la candidature")
    draft = row.state == ApplicationState.DRAFT
    if request.method == "POST":
        act = service.discard_draft if draft else service.abandon_application
        try:
            act(application=row, membership=membership, version=posted_number(request, "version"), at=timezone.now())
        except RefusedError as refusal:
            messages.error(request, str(refusal))
            return redirect(row)
        messages.success(
            request,
            f"Le brouillon {number} est supprimé."
            if draft
            else "Votre désistement est enregistré. Les services sont prévenus.",
        )
        return redirect("applications")
    return render(
        request, "labelling/apply/abandon.html", {"application": row, "draft": draft, "membership": membership}
    )
