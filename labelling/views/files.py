"""The pages of a file under its one address: the structure's list, hub, tasks and page; agents go to theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, allows
from labelling.choices import ApplicationState, DocumentKind, MembershipRole
from labelling.documents.whole_file import render_whole_file
from labelling.models import Application, Closing, Membership
from labelling.rules.badges import DECIDED, OPEN, STRUCTURE, Badge, badge, facts_of
from labelling.rules.clock import local_day
from labelling.rules.conditions import exempt
from labelling.rules.steps import STEPS, TO_FILL, Status, Step, status_of
from labelling.rules.words import all_in_words
from labelling.services import applications as service
from labelling.services.answers_due import owed_facts
from labelling.services.appeals import former_decisions
from labelling.services.claims import claims_waiting_of
from labelling.services.clocks import awaited, clock_of, usual_days
from labelling.services.documents import receipt_of
from labelling.services.drafting import authorities_of
from labelling.services.invitations import invitation_of
from labelling.services.labels import label_facts
from labelling.services.opinions import told_to_structure
from labelling.services.quotas import rank
from labelling.services.renewals import renewal_date, standing_label
from labelling.views import contested, exchange, review
from labelling.views.evidence import evidence_panel
from labelling.views.labels import document_response, label_of
from labelling.views.messages import thread_of
from labelling.views.posted import posted_number
from labelling.views.scope import Reader, own_file, require_owner, visible_file
from labelling.views.steps import found_in, new_version
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Event, Notification

HISTORY: Mapping[tuple[str, str], str] = {
    (Subject.APPLICATION, "start"): "Brouillon ouvert",
    (Subject.APPLICATION, "invite"): "Invitation de l’ARS et de la préfecture à confirmer ce que les registres savent",
    (Subject.APPLICATION, "end_invitation"): "Invitation terminée sans réponse : brouillon gardé",
    (Subject.APPLICATION, "submit"): "Candidature déposée, accusé de réception envoyé",
    (Subject.APPLICATION, "take_up"): "Dossier pris en charge par les services",
    (Subject.APPLICATION, "ask"): "Précisions demandées par les services",
    (Subject.APPLICATION, "read_request"): "Demande de précisions lue",
    (Subject.APPLICATION, "answer"): "Réponses envoyées aux services",
    (Subject.APPLICATION, "withdraw_request"): "Demande de précision retirée par les services",
    (Subject.APPLICATION, "expire_request"): "Échéance passée sans réponse : dossier examiné en l’état",
    (Subject.APPLICATION, "correct"): "Réponses corrigées par les services, le motif est dans les versions",
    (Subject.APPLICATION, "silence"): "Délai écoulé sans décision : rejet implicite, le dossier reste examiné",
    (Subject.APPLICATION, "propose"): "Instruction terminée",
    (Subject.APPLICATION, "disagree"): "Instruction reprise par les services",
    (Subject.APPLICATION, "take_back"): "Instruction reprise par les services",
    (Subject.APPLICATION, "propose_alone"): "Instruction terminée",
    (Subject.APPLICATION, "lodge_appeal"): "Recours reçu par les services",
    (Subject.APPLICATION, "reject_appeal"): "Réponse des services à un recours",
    (Subject.APPLICATION, "accept_appeal"): "Réponse des services à un recours",
    (Subject.APPLICATION, "record_judgment"): "Jugement enregistré par les services",
    (Subject.APPLICATION, "drop_appeal"): "Recours devenu sans objet",
    (Subject.APPLICATION, "reopen"): "Dossier rouvert à la suite d’un recours",
    (Subject.APPLICATION, "restart"): "Examen repris à la suite d’un recours : un nouveau délai court",
    (Subject.APPLICATION, "ask_reasons"): "Motifs du rejet implicite demandés",
    (Subject.APPLICATION, "give_reasons"): "Motifs du rejet implicite mis à votre disposition",
    (Subject.APPLICATION, "receive_reasons"): "Motifs du rejet implicite reçus",
    (Subject.APPLICATION, "add_evidence"): "Pièce ajoutée au dossier",
    (Subject.APPLICATION, "remove_evidence"): "Pièce retirée du dossier",
    (Subject.APPLICATION, "infected_evidence"): "Pièce écartée par l’antivirus",
    (Subject.APPLICATION, "personal_evidence"): "Pièce écartée : elle montrait des données personnelles",
    (Subject.APPLICATION, "abandon"): "Désistement enregistré",
    (Subject.APPLICATION, "close"): "Dossier classé sans suite",
    (Subject.APPLICATION, "rebase"): "Dossier jugé désormais sur le nouveau cahier des charges",
    (Subject.DECISION, "make_available"): "Décision mise à votre disposition",
    (Subject.DECISION, "notify"): "Décision lue : elle vous est notifiée",
    (Subject.DECISION, "presume_notified"): "Décision réputée notifiée",
}
"""What a structure reads of the events; nothing here tells what the services think, nor the sense of a decision."""
ANSWERS: Mapping[str, str] = {
    "make_available": "Réponse à un recours mise à votre disposition",
    "notify": "Réponse à un recours lue : elle vous est notifiée",
    "presume_notified": "Réponse à un recours réputée notifiée",
}
"""The same, of the decisions that answer appeals."""


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
    renewal_opens: date | None


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the hub."""

    step: Step
    status: Status


@require_safe
def applications(request: HttpRequest) -> HttpResponse:
    """List the files: an agent's work list, or the structures and files of the reader."""
    if request.mandate:  # type: ignore[attr-defined]
        return review.work_list(request)
    memberships = (
        Membership.objects.of(request.user)
        .select_related("structure__commune", "structure__departement")
        .order_by("structure__sort_key", "pk")
    )
    files: dict[int, list[Application]] = {}
    own = Application.objects.for_user(request.user).filter(structure__in=[row.structure_id for row in memberships])
    for row in (
        own.select_related("departement", "structure").prefetch_related("requests").order_by("-created_at", "-pk")
    ):
        files.setdefault(row.structure_id, []).append(row)
    blocks = [_block(row, files.get(row.structure_id, [])) for row in memberships]
    context = {
        "blocks": blocks,
        "claims": claims_waiting_of(request.user, at=timezone.now()),  # type: ignore[arg-type]
        "first_to_start": next((row.membership.pk for row in blocks if row.may_start), None),
    }
    return render(request, "labelling/apply/applications.html", context)


def _block(membership: Membership, files: list[Application]) -> StructureBlock:
    now = timezone.now()
    rows = [FileRow(row, _badge(row, now), _clock(row, now)) for row in files]
    busy = any(row.state in {*OPEN, ApplicationState.DRAFT} or _is_unread(row) for row in files)
    structure = membership.structure
    today = local_day(now, structure.departement.timezone)
    label = None if busy else standing_label(structure, on=today)
    opens = renewal_date(label) if label else None
    may_start = not busy and (label is None or (opens is not None and today >= opens))
    return StructureBlock(membership, rows, may_start, None if may_start else opens)


def _is_unread(application: Application) -> bool:
    """Tell whether a file is decided and its structure does not know yet: nothing may tell the sense of the decision."""
    notification = _notification(application) if application.state in DECIDED else None
    return application.state in DECIDED and (notification is None or notification.notified_at is None)


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
            **(label_facts(label, local_day(now, zone)) if label else {}),
            **awaited(application, today=local_day(now, zone)).facts(),
            **owed_facts(application, today=local_day(now, zone)),
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
    return clock_of(application, today=local_day(now, application.departement.timezone))


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


@never_cache
@require_safe
def application(request: HttpRequest, number: str) -> HttpResponse:
    """Show the only page of a file: the hub of a draft, the structure's page, or the agents' page."""
    row = visible_file(request, number)
    membership = service.membership_for(row, request.user.pk)
    if membership is None:
        return review.file_page(request, row)
    if row.state == ApplicationState.DRAFT:
        return _hub(request, row, membership)
    return _page(request, row, membership)


def _hub(request: HttpRequest, application: Application, membership: Membership) -> HttpResponse:
    asked = service.version_asked(application)
    answers, spared = application.said(), exempt(asked.criteria_in_order, application.structure.kind)
    tasks = [Task(step, status_of(step, answers, spared)) for step in STEPS]
    first = next((task.step for task in tasks if task.status != Status.DONE), STEPS[-1])
    context = {
        "application": application,
        "invitation": invitation_of(application, at=timezone.now()),
        "membership": membership,
        "badge": _badge(application, timezone.now()),
        "tasks": tasks,
        "done": sum(task.status == Status.DONE for task in tasks if task.step in TO_FILL),
        "total": len(TO_FILL),
        "first": first,
        "owner": membership.role == MembershipRole.OWNER,
        "pieces": application.evidence.of_files().kept().count(),
        **new_version(application, asked),
    }
    return render(request, "labelling/apply/hub.html", context)


def _page(request: HttpRequest, application: Application, membership: Membership) -> HttpResponse:
    now = timezone.now()
    zone = application.departement.timezone
    notification = _notification(application)
    notified = notification is not None and notification.notified_at is not None
    owner = membership.role == MembershipRole.OWNER
    until = application.silence_date
    spared = exempt(application.specification.criteria_in_order, application.structure.kind)
    context = {
        "application": application,
        "membership": membership,
        "owner": owner,
        "badge": _badge(application, now),
        "waiting_rank": rank(application) if application.waiting_since and application.state in OPEN else 0,
        "clock": _clock(application, now),
        "received_on": local_day(application.submitted_at, zone) if application.submitted_at else None,
        "silent": until is not None and application.state in OPEN and local_day(now, zone) > until,
        "found": found_in(application),
        "answers": all_in_words(application.said(), spared),
        "evidence": evidence_panel(request, Reader(application, membership, None)),
        "thread": thread_of(application, services=False),
        "history": _history(application),
        "authorities": list(authorities_of(application.departement).values()),
        "people": Membership.objects.filter(structure=application.structure_id, ended_at__isnull=True).count(),
        "label": label_of(application),
        "appeals": contested.notice(application, structure=True),
        "former": former_decisions(application),
        "closing": Closing.objects.filter(application=application).first(),
        "decision_ready": application.state in DECIDED and notification is not None and (owner or notified),
        "todo": exchange.to_do(application),
        "answered": exchange.answered(application),
        "told": told_to_structure(application),
        "delays": exchange.delays(application, local_day(now, zone)),
        "usual": usual_days(application.departement, at=now) if application.state in OPEN else None,
        "may_abandon": allows(TRANSITIONS, "abandon", state=application.state, hat=membership.hat, row=application),
    }
    return render(request, "labelling/apply/file.html", context)


def _history(application: Application) -> list[tuple[datetime, str]]:
    """Return what the structure may read of the chain of the file and of its decision, the latest first."""
    events = [*Event.objects.about(Subject.APPLICATION, application.pk)]
    if application.decision_id:
        events += Event.objects.about(Subject.DECISION, application.decision_id)
    told = [
        (row.at, HISTORY[row.subject_type, row.action]) for row in events if (row.subject_type, row.action) in HISTORY
    ]
    answers = application.appeals.filter(answer_decision__isnull=False).values("answer_decision")
    told += [
        (row.at, ANSWERS[row.action])
        for row in Event.objects.filter(subject_type=Subject.DECISION, subject_id__in=answers, action__in=list(ANSWERS))
    ]
    return [(at, typeset(sentence)) for at, sentence in sorted(told, reverse=True)]


@require_safe
def application_receipt(request: HttpRequest, number: str) -> HttpResponse:
    """Give the accusé de réception in PDF, to the structure and to the agents of the territory."""
    row = visible_file(request, number)
    if row.submitted_at is None:
        raise Http404
    return document_response(request, receipt_of(row), DocumentKind.RECEIPT, row.number, back=row.get_absolute_url())


@never_cache
@require_safe
def application_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give the whole file in PDF to the people who act for the structure."""
    row, _ = own_file(request, number)
    now = timezone.now()
    pdf = render_whole_file(row, state=_badge(row, now).label, history=_history(row), at=now)
    name = f'inline; filename="dossier-{row.number}.pdf"'
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": name})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_abandon(request: HttpRequest, number: str) -> HttpResponse:
    """Give an application up, or delete a draft: a page of its own, with what it means."""
    row, membership = own_file(request, number)
    require_owner(membership, "renoncer à la candidature")
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
