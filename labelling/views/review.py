"""The agents' side of a file: its page, with one table of criteria, and the acts posted from it."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from francesante.lib.french import clock_time, opening_hours, plural, typeset
from francesante.lib.text import readable
from francesante.lib.workflow import RefusedError, StaleError, allows
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Finding, Verdict
from labelling.forms.review import LetterForm, VerdictForm
from labelling.models import Application, Criterion, CriterionAssessment
from labelling.rules.answers import DAYS, SECTORS, parse
from labelling.rules.badges import OPEN
from labelling.rules.clock import local_day
from labelling.rules.conditions import exempt
from labelling.rules.criteria import Assessed, assess_all
from labelling.rules.reads import step_of
from labelling.rules.register_facts import is_late
from labelling.rules.words import all_in_words, who_is
from labelling.services import acts, assignment, decisions, drafting, quotas, reviews, revisions
from labelling.services.accelerated import hold_all_met, refusal_of_all_met
from labelling.services.appeals import former_decisions
from labelling.services.clocks import clock_of
from labelling.services.interests import stood_aside, undeclared
from labelling.services.reviews import SHORT_NAMES, Line, is_insider
from labelling.services.transitions import set_aside
from labelling.services.worklist import with_details
from labelling.views import contested, disagreements, exchange
from labelling.views.evidence import evidence_panel
from labelling.views.journal import journal, names_of, sentence_of
from labelling.views.messages import thread_of
from labelling.views.outline import outline_page
from labelling.views.panels import panels
from labelling.views.posted import lost_input, posted_number, posts_only
from labelling.views.registers import registers_context
from labelling.views.scope import Reader
from labelling.views.worklist import work_list
from labelling.views.worklist_address import keep_following, place_in_list
from labelling.views.worklist_rows import agent_badge, in_short
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity, DecisionKind, Role, Subject
from territories.models import Event, Mandate

__all__ = ["act", "file_page", "work_list"]

NOT_SHARED = "après partage"
THE = {Capacity.ARS: "l’ARS", Capacity.PREFET: "la préfecture"}


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """One row of the table of criteria."""

    line: Line
    machine: Assessed
    ars: CriterionAssessment | None
    ars_words: str
    prefecture: CriterionAssessment | None
    prefecture_words: str
    is_open: bool

    @property
    def anchor(self) -> str:
        """Where the row is on the page."""
        return f"critere-{self.line.criterion.code}"

    @property
    def to_check(self) -> bool:
        """Whether the machine asks for a person's eye."""
        return self.machine.finding != Finding.SEEMS_MET


@dataclass(frozen=True, slots=True)
class Action:
    """The one act that the file expects of the reader: posted to ``slug``, or reached at ``url``."""

    label: str
    slug: str = ""
    url: str = ""
    kind: str = ""


# Scope -----------------------------------------------------------------------------------------------------------------


def refusal_to_act(
    application: Application, mandate: Mandate | None, now: datetime, *, aside: AbstractSet[int] | None = None
) -> str:
    """Return why a reader may not instruct this file, or nothing; ``aside``: as in ``reviews.require_reviewer``."""
    if mandate is None:
        return "Cet acte est réservé aux agents de l’ARS et de la préfecture."
    try:
        reviews.require_reviewer(application, mandate, at=now, aside=aside)
    except RefusedError as refusal:
        return str(refusal)
    return undeclared(application, mandate)


def _elsewhere(request: HttpRequest, application: Application, now: datetime) -> Mandate | None:
    """Return another mandate of the reader that may instruct this file, when the acting one may not."""
    mandates: list[Mandate] = request.mandates  # type: ignore[attr-defined]
    acting: Mandate | None = request.mandate  # type: ignore[attr-defined]
    for mandate in mandates:
        if mandate != acting and not refusal_to_act(application, mandate, now):
            return mandate
    return None


# The page ------------------------------------------------------------------------------------------------------------


def file_page(
    request: HttpRequest,
    application: Application,
    *,
    form: VerdictForm | None = None,
    letter: LetterForm | None = None,
    refusal: str = "",
    opened: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show a file to an agent; without the right to instruct it, the same page has no action; an outsider has its own.

    ``form``, ``letter``, ``refusal`` and ``opened`` are those of an act that was refused: the input is kept.
    """
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    rows = with_details(Application.objects.filter(pk=application.pk))
    application = rows.select_related("specification", "wave").get()
    if not is_insider(mandate):
        return outline_page(request, application, elsewhere=_elsewhere(request, application, now))
    today = local_day(now, application.departement.timezone)
    aside = stood_aside(mandate)
    why_not = refusal_to_act(application, mandate, now, aside=aside)
    may_act = not why_not
    lines = reviews.readable_sheet(application, mandate, aside=aside)
    versions = revisions.versions_of(application)
    may_assess = may_act and _may_assess(application, mandate)
    lost = _lost_verdict(request, application) if form is None and not opened else {}
    code = (opened or _open_row(request, application, lines, mandate, lost)) if may_assess else ""
    rows = _rows(application, lines, mandate, code)
    current = next((row for row in rows if row.is_open), None)
    if form is None and current is not None:
        mine = current.ars if mandate.capacity == Capacity.ARS else current.prefecture
        said = {"verdict": mine.verdict, "reason": mine.reason} if mine else None
        form = VerdictForm(initial=lost if lost.get("criterion") == code else said)
    spared = exempt(application.specification.criteria_in_order, application.structure.kind)
    answers = all_in_words(parse(application.answers), spared)
    action, missing = _action(application, lines, mandate, now) if may_act else (None, "")
    if action and current and action.url == _address(application, current.line.criterion):
        action = None  # its form is open, with its own button
    exchanged = exchange.exchange(application, mandate, versions, may_act=may_act)
    may_decide = mandate.role == Role.AGENT and mandate.capacity is not None
    reader = Reader(application, None, mandate)
    context = {
        "application": application,
        "structure": application.structure,
        "set_aside": set_aside(application, mandate),
        "disagreement": disagreements.notice(application, mandate),
        "appeals": contested.notice(application, structure=False),
        "former": former_decisions(application),
        "may_close": may_act and allows(TRANSITIONS, "close", state=application.state, hat=mandate.hat),
        "badge": agent_badge(application, mandate, now),
        "clock": clock_of(application, today=today),
        "exchange": exchanged,
        "asked_here": [one for one in exchanged.questions if current and one.row.criterion == current.line.criterion],
        "changed_at": exchange.changed_criteria(lines, versions),
        "rows": rows,
        "current": current,
        "answers": answers,
        "task": next((task for task in answers if current and task[0] == step_of(current.line.criterion.rule)), None),
        "evidence": evidence_panel(request, reader, current.line.criterion if current else None),
        "thread": thread_of(application, services=reader.services),
        "form": form,
        "action": action,
        "missing": typeset(missing),
        "may_act": may_act,
        "may_assess": may_assess,
        "why_not": typeset(why_not) if mandate.role == Role.AGENT else "",
        "elsewhere": None if may_act else _elsewhere(request, application, now),
        "refusal": refusal,
        "quota": quotas.quota_of(application),
        "rank": quotas.rank(application) if application.waiting_since and application.state in OPEN else 0,
        "progress": _progress(application, lines, mandate, now),
        "differences": [row for row in rows if row.line.differs],
        "project": _project(application, lines) if may_decide else None,
        "decision": _decision(application),
        "may_take_back": may_act and decisions.may_take_back(application, mandate),
        "letter": letter or _letter(application, may_act=may_act),
        "commitments": _commitments(application),
        "register": _register(application, today),
        "registers": registers_context(application, today),
        "hours": _hours(application),
        "team": _team(application),
        "trail": [("Dossiers", reverse("applications"))],
        "journal": journal(application),
        "authorities": drafting.authorities_of(application.departement).values(),
        "owners": acts.owners(application),
        "place": place_in_list(request, application),
        **panels(
            request,
            application,
            mandate,
            may_act=may_act,
            criterion=current.line.criterion if current else None,
            aside=aside,
            now=now,
        ),
        "colleagues": assignment.colleagues_for(application, mandate) if may_act else [],
        "own_reviewer": assignment.reviewer(application, mandate.capacity, on=timezone.localdate(now))
        if mandate.capacity
        else None,
    }
    return render(request, "labelling/review/file.html", context, status=status)


def _may_assess(application: Application, mandate: Mandate) -> bool:
    if application.state not in {State.UNDER_REVIEW, State.DISAGREEMENT}:
        return False
    return mandate.capacity == application.lead or application.shared_at is not None


def _lost_verdict(request: HttpRequest, application: Application) -> dict[str, str]:
    """Return the verdict that the reader posted after their session had ended, if one waits for them."""
    lost = lost_input(request, reverse("application-act", args=[application.number, "apprecier"]), fills=False)
    return {name: lost.get(name, "") for name in ("criterion", "verdict", "reason")} if lost else {}


def _open_row(
    request: HttpRequest, application: Application, lines: list[Line], mandate: Mandate, lost: Mapping[str, str]
) -> str:
    """Return the criterion to open: the one in the address, else that of a lost verdict, else the lead's first undecided one.

    Answers of the structure that wait for the reader come first: none is then opened.
    """
    asked = request.GET.get("critere", lost.get("criterion", ""))
    if any(line.criterion.code == asked for line in lines):
        return asked
    if asked or mandate.capacity != application.lead or application.shared_at is not None:
        return ""
    if _to_read(application, mandate):
        return ""
    return next((line.criterion.code for line in lines if line.lead is None), "")


def _rows(application: Application, lines: list[Line], mandate: Mandate, code: str) -> list[CriterionRow]:
    machine = assess_all(
        [line.criterion for line in lines], parse(application.answers), structure_kind=application.structure.kind
    )
    ars_leads = application.lead == Capacity.ARS
    found = []
    for line, checked in zip(lines, machine, strict=True):
        lead_words, other_words = _silence(application, line, mandate)
        found.append(
            CriterionRow(
                line=line,
                machine=checked,
                ars=line.lead if ars_leads else line.other,
                ars_words=lead_words if ars_leads else other_words,
                prefecture=line.other if ars_leads else line.lead,
                prefecture_words=other_words if ars_leads else lead_words,
                is_open=line.criterion.code == code,
            )
        )
    return found


def _silence(application: Application, line: Line, mandate: Mandate) -> tuple[str, str]:
    """What the cells of the lead and of the other authority say when they hold no assessment."""
    if application.shared_at is None:
        own = mandate.role == Role.AGENT and mandate.capacity == application.lead
        return ("à apprécier" if own else NOT_SHARED), NOT_SHARED
    verdict = f" ({line.lead.get_verdict_display()})" if line.lead else ""
    return "–", f"endossé{verdict}" if application.endorsed_at else "à endosser"


def _progress(
    application: Application, lines: list[Line], mandate: Mandate, now: datetime
) -> list[tuple[str, str, str]]:
    """Say where each authority is and who instructs the file there, in alphabetical order."""
    lead, other = Capacity(application.lead), reviews.other_capacity(application)
    clear = sum(line.lead is not None and line.lead.verdict != Verdict.TO_CLARIFY for line in lines)
    readable = application.shared_at is not None or (mandate.role == Role.AGENT and mandate.capacity == lead)
    words = {lead: f"{clear}/{len(lines)} critères" if readable else "appréciation en cours", other: "non partagé"}
    if application.state == State.SUBMITTED:
        words = {lead: "à prendre en charge", other: "à prendre en charge"}
    elif application.shared_at:
        differences = sum(line.differs for line in lines)
        gap = f", {differences} différence{plural(differences)}" if differences else ""
        words[other] = f"{'endossé' if application.endorsed_at else 'à endosser'}{gap}"
    named = {lead: f"{SHORT_NAMES[lead]} (chef de file)", other: SHORT_NAMES[other]}
    held = {capacity: assignment.reviewer(application, capacity, on=timezone.localdate(now)) for capacity in named}
    return [
        (named[capacity], words[capacity], in_short(one.user) if (one := held[capacity]) else "")
        for capacity in (Capacity.ARS, Capacity.PREFET)
    ]


def _action(application: Application, lines: list[Line], mandate: Mandate, now: datetime) -> tuple[Action | None, str]:
    """Return the act that the file expects of this agent, and what is missing before it or instead of it."""
    match application.state:
        case State.SUBMITTED:
            at_once = not refusal_of_all_met(application, mandate.capacity, lines)
            return ALL_MET if at_once else Action("Prendre en charge", slug="prendre-en-charge"), ""
        case State.DISAGREEMENT:
            url = reverse("disagreement", args=[application.number])
            return Action(disagreements.next_act(application, mandate), url=url), ""
        case State.REFUSED | State.LABELLED if contested.awaits(application):
            return Action("Répondre au recours", url=reverse("appeals", args=[application.number])), ""
        case State.UNDER_REVIEW:
            return _action_in_review(application, lines, mandate)
        case State.AWAITING_SIGNATURES if agent_badge(application, mandate, now).tone == "warning":
            return Action("Lire et signer", url=reverse("decision", args=[application.decision_id])), ""
    return None, ""


def _action_in_review(application: Application, lines: list[Line], mandate: Mandate) -> tuple[Action | None, str]:
    if answered := _to_read(application, mandate):
        label = f"Lire {'la réponse' if answered == 1 else f'les {answered} réponses'} de la structure"
        return Action(label, url=reverse("application-changes", args=[application.number])), ""
    if waiting := reviews.incomplete(application):
        return None, waiting
    leads = mandate.capacity == application.lead
    return _action_of_lead(application, lines) if leads else _action_of_other(application, lines)


def _to_read(application: Application, mandate: Mandate) -> int:
    """Return how many answers the reader's authority has not read; reads ``application.requests``."""
    own = [row for row in application.requests.all() if row.capacity == mandate.capacity]
    return sum(row.answered_at is not None and row.read_at is None for row in own)


def _address(application: Application, criterion: Criterion) -> str:
    """Return where the row of a criterion is open."""
    return f"{application.get_absolute_url()}?critere={criterion.code}#critere-{criterion.code}"


def _next_criterion(application: Application, lines: list[Line]) -> Action:
    """Return the criterion to assess or to clarify: the first that the lead left, those without a word before the others."""
    unsaid = next((line.criterion for line in lines if line.lead is None), None)
    unclear = next((one.criterion for one in lines if one.lead and one.lead.verdict == Verdict.TO_CLARIFY), None)
    criterion = unsaid or unclear
    assert criterion is not None  # noqa: S101  # something is missing
    verb = "Apprécier" if unsaid else "Préciser"
    return Action(f"{verb} le critère {criterion.position}", url=_address(application, criterion))


def _action_of_other(application: Application, lines: list[Line]) -> tuple[Action | None, str]:
    lead = THE[Capacity(application.lead)]
    if application.shared_at is None:
        return None, f"Chef de file, {lead} apprécie les critères : vous lirez son appréciation dès son partage."
    if application.endorsed_at is not None:
        return None, "Votre autorité a pris position. Le chef de file présente la décision à la signature."
    if own := [line.criterion for line in lines if line.other and line.other.verdict == Verdict.TO_CLARIFY]:
        return Action(f"Préciser le critère {own[0].position}", url=_address(application, own[0])), ""
    gaps = sum(line.differs for line in lines)
    but = f"sauf {gaps} critère{plural(gaps)}" if gaps else f"{len(lines)} critères"
    return Action(f"Endosser l’appréciation de {lead} ({but})", slug="endosser"), ""


def _action_of_lead(application: Application, lines: list[Line]) -> tuple[Action | None, str]:
    other = THE[reviews.other_capacity(application)]
    action, missing = None, reviews.missing_to_share(lines)
    if application.shared_at is None and missing and not refusal_of_all_met(application, application.lead, lines):
        return ALL_MET, ""
    if application.shared_at is None:
        action = _next_criterion(application, lines) if missing else Action(f"Partager avec {other}", slug="partager")
    elif application.endorsed_at is None:
        missing = f"Position attendue de {other} sur l’appréciation partagée."
    elif any(line.differs for line in lines):
        missing = "Les deux autorités diffèrent : accordez-vous avant de présenter une décision."
    elif sense := decisions.sense_of(lines):
        what = "label" if sense == DecisionKind.LABEL_GRANTED else "refus"
        action = Action(f"Présenter le {what} à la signature", slug="presenter", kind=sense)
    return action, missing


def _project(application: Application, lines: list[Line]) -> dict[str, Any] | None:
    """Return the text that the decision would have, once the assessment leads to one."""
    if application.state != State.UNDER_REVIEW or application.shared_at is None:
        return None
    sense = decisions.sense_of(lines)
    return drafting.draft_content(application, sense, lines) if sense else None


def _decision(application: Application) -> dict[str, Any] | None:
    decision = application.decision
    if decision is None:
        return None
    notified = [row.notified_at for row in decision.notifications.all() if row.notified_at]
    signatures = {row.capacity: row for row in decision.signatures.all()}
    return {
        "row": decision,
        "signatures": [(Capacity(capacity).label, signatures.get(capacity)) for capacity in decision.required],
        "notified_at": min(notified) if notified else None,
        "available": bool(decision.notifications.all()),
        "granted": decision.kind == DecisionKind.LABEL_GRANTED,
    }


def _letter(application: Application, *, may_act: bool) -> LetterForm | None:
    decision = application.decision
    if not may_act or decision is None or decision.signed_at is None:
        return None
    return None if any(row.notified_at for row in decision.notifications.all()) else LetterForm()


def _commitments(application: Application) -> list[Assessed]:
    rows = application.specification.of_kind(CriterionKind.COMMITMENT)
    return assess_all(rows, parse(application.answers), structure_kind=application.structure.kind)


def _register(application: Application, today: date) -> dict[str, Any] | None:
    """Compare the structure with its line of a register, and tell what the structure says of it."""
    structure, line = application.structure, application.structure.register_line
    if line is None:
        return None
    pairs = [
        ("nom", structure.sort_key, line.sort_key),
        ("adresse", structure.address, readable(line.address)),
    ]
    pairs += [
        ("commune", structure.commune_id, line.commune_id),
        ("téléphone", structure.phone or line.phone, line.phone),
    ]
    return {
        "line": line,
        "late": is_late(line.as_of, today),
        "differs": [label for label, ours, theirs in pairs if ours != theirs],
        "correction": parse(application.answers).identity.correction,
    }


def _hours(application: Application) -> list[tuple[str, str]]:
    hours = parse(application.answers).hours
    return [(name.capitalize(), opening_hours(hours[day])) for day, name in DAYS.items() if hours.get(day)]


def _team(application: Application) -> list[str]:
    members = []
    for member in parse(application.answers).team:
        name, profession = who_is(member)
        parts = [f"{profession.capitalize()}, {name}" if profession else name]
        if member.sector:
            parts.append(SECTORS[member.sector])
        if member.half_days:
            parts.append(f"{len(member.half_days)} demi-journée{plural(len(member.half_days))}")
        if not member.on_site:
            parts.append(f"à {member.minutes} min" if member.minutes is not None else "hors site")
        members.append(", ".join(parts))
    return members


# Acts ----------------------------------------------------------------------------------------------------------------


@posts_only("application")
def act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Apply one act of an agent to a file, then go back to its page; refused, show the page with the input kept."""
    application = get_object_or_404(
        Application.objects.for_user(request.user).select_related("departement", "structure", "specification"),
        number=number,
    )
    if action not in DONE:
        raise Http404
    now = timezone.now()
    mandate = posted_mandate(request, application, now)
    version = request.POST.get("version", "")
    opened = request.POST.get("criterion", "")
    form = VerdictForm(request.POST) if action == "apprecier" else None
    letter = LetterForm(request.POST) if action == "notifier" else None
    for bound in (form, letter):
        if bound is not None and not bound.is_valid():
            return file_page(request, application, form=form, letter=letter, opened=opened, status=422)
    by = {"mandate": mandate, "version": int(version) if version.isdecimal() else 0, "at": now}
    try:
        answer = _apply(action, request, application, form or letter, by)
    except StaleError:
        sentence = _stale(application, kept=form is not None or letter is not None)
        return file_page(request, application, form=form, letter=letter, refusal=sentence, opened=opened, status=409)
    except RefusedError as refusal:
        return file_page(
            request, application, form=form, letter=letter, refusal=str(refusal), opened=opened, status=409
        )
    return keep_following(request, answer)


def posted_mandate(request: HttpRequest, application: Application, now: datetime) -> Mandate:
    """Return the mandate the form was shown with; another one never stands in for it silently."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is not None and request.POST.get("mandate") != str(mandate.pk):
        raise PermissionDenied(
            "L’habilitation avec laquelle cette page vous était montrée n’est plus la vôtre. Rien n’a été enregistré ; "
            "rouvrez le dossier avec votre habilitation actuelle."
        )
    if sentence := refusal_to_act(application, mandate, now):
        other = _elsewhere(request, application, now)
        if mandate is not None and other is not None:
            raise PermissionDenied(
                f"Vous agissez pour {mandate.territory_name} ({mandate.get_role_display()}). Ce dossier relève de "
                f"{application.departement}, où vous avez aussi une habilitation d’instruction : choisissez "
                f"{other.authority}, {other.territory_name}, puis recommencez."
            )
        raise PermissionDenied(sentence)
    assert mandate is not None  # noqa: S101  # said by refusal_to_act
    return mandate


def _stale(application: Application, *, kept: bool) -> str:
    """Say who changed the file last, what they did, and whether an input is kept on the page."""
    event = Event.objects.about(Subject.APPLICATION, application.pk).last()
    then = (
        "Votre saisie n’a pas été appliquée ; elle est gardée ci-dessous. Comparez, puis reprenez-la."
        if kept
        else "Rien n’a été appliqué : voici le dossier tel qu’il est."
    )
    if event is None:
        return f"Ce dossier a changé pendant que vous y travailliez. {then}"
    who = names_of([event]).get((event.actor_type, event.actor_id), "le portail")
    what = sentence_of(event)
    return (
        f"Ce dossier a changé pendant que vous y travailliez : {what[0].lower()}{what[1:]}, par {who}, à "
        f"{clock_time(event.at)}. {then}"
    )


ALL_MET = Action(
    "Tous les critères sont remplis au vu des registres et de la confirmation : partager", slug="tout-rempli"
)
"""The lead's one act on an accelerated file: the assessment of all criteria, and its sharing."""

DONE: Mapping[str, str] = {
    "tout-rempli": "Tous les critères sont appréciés comme remplis, et l’appréciation est partagée avec l’autre autorité.",
    "prendre-en-charge": "Vous avez pris ce dossier en charge.",
    "affecter": "Le dossier est affecté : il est dans la vue « À moi » de son agent.",
    "apprecier": "",
    "partager": "Votre appréciation est partagée : l’autre autorité peut la lire et prendre position.",
    "endosser": "La position de votre autorité est enregistrée.",
    "presenter": "La décision est présentée à la signature des deux autorités.",
    "reprendre": "Le projet est repris : il n’est plus à la signature, et l’instruction continue.",
    "notifier": "La notification est enregistrée : les délais de recours courent depuis cette date.",
}
"""The acts of an agent, by their name in the address, and what is said when each is done."""


def _apply(
    action: str, request: HttpRequest, application: Application, form: Any, by: Mapping[str, Any]
) -> HttpResponse:
    match action:
        case "apprecier":
            return _assess(request, application, form, by)
        case "presenter":
            refuses = request.POST.get("kind") == DecisionKind.LABEL_REFUSED
            propose = decisions.propose_refusal if refuses else decisions.propose_label
            if sentence := propose(application=application, **by).sentence:
                messages.warning(request, typeset(sentence))
                return redirect(application)
        case "affecter":
            to = assignment.colleague(by["mandate"], posted_number(request, "to"))
            assignment.assign(application=application, to=to, **by)
        case "notifier":
            acts.record_letter(application=application, received_on=form.cleaned_data["received_on"], **by)
        case _:
            SIMPLE[action](application=application, **by)
    messages.success(request, typeset(DONE[action]))
    return redirect(application)


SIMPLE: Mapping[str, Callable[..., Application]] = {
    "prendre-en-charge": reviews.take_up,
    "tout-rempli": hold_all_met,
    "partager": reviews.share_assessment,
    "endosser": reviews.endorse,
    "reprendre": decisions.take_back,
}


def _assess(request: HttpRequest, application: Application, form: VerdictForm, by: Mapping[str, Any]) -> HttpResponse:
    criteria = application.specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position")
    criterion = get_object_or_404(criteria, code=request.POST.get("criterion", ""))
    reviews.assess(application=application, criterion=criterion, **form.cleaned_data, **by)
    capacity = by["mandate"].capacity
    left = criteria.exclude(pk__in=application.assessments.filter(capacity=capacity).values("criterion"))
    following = left.filter(position__gt=criterion.position).first() or left.first()
    # The other authority only records its differences: it goes back to the whole table.
    if following is None or capacity != application.lead:
        messages.success(request, f"Critère {criterion.position} enregistré.")
        return redirect(f"{application.get_absolute_url()}?critere=aucun#criteres")
    return redirect(f"{application.get_absolute_url()}?critere={following.code}#critere-{following.code}")
