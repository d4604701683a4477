"""The end of a label on screen: considered, answered, presented to signature. Two sides, the same pages."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import EndingAct, MembershipRole
from labelling.forms.labels import ActForm, AnswerForm, EndForm, HeardForm, SuspensionActForm
from labelling.models import AdversarialProcedure, Ending, Label, Membership
from labelling.rules.clock import local_day
from labelling.services import endings as service
from labelling.services import procedures, suspensions
from labelling.services.drafting import authorities_of
from labelling.services.ending_drafts import least_deadline
from labelling.services.label_acts import Act, latest_act, pending_act
from labelling.services.reviews import is_insider, require_reviewer
from labelling.services.suspensions import Terms
from labelling.views.posted import lost_initial, posted_number
from labelling.views.scope import visible_label
from territories.models import Mandate

UNPROCESSABLE, CONFLICT = 422, 409


def membership_of(request: HttpRequest, label: Label) -> Membership | None:
    """Return the reader's access to the structure of a label."""
    return Membership.objects.of(request.user).filter(structure=label.structure_id).select_related("user").first()


def ending_facts(request: HttpRequest, label: Label) -> dict[str, Any]:
    """Return what the page of a label says of its end: the procedure in progress, the act, and what the reader may do."""
    now = timezone.now()
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    membership = membership_of(request, label)
    inside = membership is not None or is_insider(mandate)
    ending = known_act(request, Ending, label, inside=inside)
    procedure = label.procedures.filter(closed_at__isnull=True).select_related("ground").first() if inside else None
    return {
        "procedure": procedure,
        "ending": ending,
        "may_end": mandate is not None
        and not refusal_to_act(label, mandate, now)
        and procedure is None
        and pending_act(label) is None,
    }


def known_act(
    request: HttpRequest, kind: type[Act], label: Label, *, inside: bool, decision: int | None = None
) -> Act | None:
    """Return the latest act of a kind on a label, or that of a decision, if the reader may know of it.

    The authorities know of an act from its proposal, the structure once it is signed, the others once in effect.
    """
    act = latest_act(kind, label, decision=decision)
    insider = is_insider(request.mandate)  # type: ignore[attr-defined]
    if act is None or act.applied_at is not None or insider or (inside and act.signed_date is not None):
        return act
    return None


def refusal_to_act(label: Label, mandate: Mandate | None, now: datetime) -> str:
    """Return why a reader may not act on the end of this label, or nothing."""
    if mandate is None:
        return "Cet acte est réservé aux agents de l’ARS et de la préfecture."
    try:
        require_reviewer(label.application, mandate, at=now)
    except RefusedError as refusal:
        return str(refusal)
    return ""


def posted_mandate(request: HttpRequest, label: Label) -> Mandate:
    """Return the mandate the form was shown with; another one never stands in for it silently."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if sentence := refusal_to_act(label, mandate, timezone.now()):
        raise PermissionDenied(sentence)
    if mandate is None or request.POST.get("mandate") != str(mandate.pk):
        raise PermissionDenied(
            "L’habilitation avec laquelle cette page vous était montrée n’est plus la vôtre. Rien n’a été enregistré ; "
            "rouvrez le label avec votre habilitation actuelle."
        )
    return mandate


def label_trail(request: HttpRequest, label: Label) -> list[tuple[str, str]]:
    """Return where a page under a label's stands."""
    mandate = request.mandate  # type: ignore[attr-defined]
    first = ("Dossiers", reverse("applications")) if mandate else ("Mon espace", reverse("account"))
    return [first, (label.number, label.get_absolute_url())]


# Considered -----------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_end(request: HttpRequest, number: str) -> HttpResponse:
    """Consider the end of a label: open the adversarial step, or, at the holder's request, propose the act."""
    label = visible_label(request, number)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    today = local_day(now, label.departement.timezone)
    form = EndForm(request.POST or None, grounds=service.grounds_for(label, on=today), least=least_deadline(today))
    status = 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        status = UNPROCESSABLE
        if form.is_valid():
            try:
                return _begin(request, label, form, mandate, now)
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = CONFLICT
    context = {"label": label, "structure": label.structure, "form": form, "trail": label_trail(request, label)}
    return render(request, "labelling/label/end.html", context, status=status)


def _begin(request: HttpRequest, label: Label, form: EndForm, mandate: Mandate, now: datetime) -> HttpResponse:
    asked = form.cleaned_data
    by = {"label": label, "mandate": mandate, "version": posted_number(request, "version"), "at": now}
    about = {"ground": asked["ground"], "facts": asked["facts"], "effect_date": asked["effect_date"]}
    if asked["ground"].adversarial:
        procedures.open_procedure(**by, **about, deadline=asked["deadline"])
        messages.success(request, "La procédure contradictoire est ouverte. La structure est prévenue par courriel.")
        return redirect("label-procedure", label.number)
    service.propose_ending_on_request(**by, **about)
    messages.success(request, "La fin du label est présentée à la signature des deux autorités.")
    return redirect(label)


# The adversarial step -------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_procedure(request: HttpRequest, number: str) -> HttpResponse:
    """Show the letter and the observations; the structure answers here, the agents go on from here."""
    label = visible_label(request, number)
    procedure = _procedure(request, label)
    if request.method != "POST":
        return _procedure_page(request, label, procedure)
    membership = membership_of(request, label)
    if membership is None or membership.role != MembershipRole.OWNER:
        raise PermissionDenied("Le responsable de la structure répond en son nom.")
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _procedure_page(request, label, procedure, answer=form, status=UNPROCESSABLE)
    try:
        procedures.answer_procedure(
            procedure=procedure,
            membership=membership,
            answer=form.cleaned_data["answer"],
            hearing=form.cleaned_data["hearing"],
            version=posted_number(request, "version"),
            at=timezone.now(),
        )
    except RefusedError as refusal:
        form.add_error(None, str(refusal))
        return _procedure_page(request, label, procedure, answer=form, status=CONFLICT)
    messages.success(request, "Vos observations sont reçues. Les deux autorités les lisent ; rien n’est décidé.")
    return redirect("label-procedure", label.number)


def _procedure(request: HttpRequest, label: Label) -> AdversarialProcedure:
    """Return the latest procedure of a label: it is between its holder and the authorities."""
    procedure = (
        label.procedures.select_related("ground", "answered_by__user", "label__departement").order_by("pk").last()
    )
    if procedure is None:
        raise Http404
    if membership_of(request, label) is None and not is_insider(request.mandate):  # type: ignore[attr-defined]
        raise PermissionDenied("Cette procédure se tient entre la structure et les autorités qui ont accordé le label.")
    return procedure


def _procedure_page(
    request: HttpRequest,
    label: Label,
    procedure: AdversarialProcedure,
    *,
    answer: AnswerForm | None = None,
    bound: Mapping[str, Any] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    today = local_day(now, label.departement.timezone)
    membership = membership_of(request, label)
    pending = pending_act(label) is not None
    is_open = procedure.closed_at is None and not pending
    acts = is_open and not refusal_to_act(label, request.mandate, now)  # type: ignore[attr-defined]
    forms: dict[str, Any] = {}
    if acts:
        forms = _agent_forms(procedure, today) | dict(bound or {})
    answers = membership is not None and membership.role == MembershipRole.OWNER and is_open
    context = {
        "label": label,
        "structure": label.structure,
        "procedure": procedure,
        "membership": membership,
        "passed": today > procedure.deadline,
        "is_open": is_open,
        "pending": pending,
        "acts": acts,
        "answer": (answer or AnswerForm(initial=lost_initial(request)))
        if answers and procedure.answered_at is None
        else None,
        "heard": forms.get("heard"),
        "act": forms.get("act"),
        "form": answer or forms.get("act") or forms.get("heard"),
        "withdraws": procedure.ground.act == EndingAct.WITHDRAW,
        "suspends": procedure.ground.act == EndingAct.SUSPEND,
        "refusal": refusal,
        "authorities": authorities_of(label.departement).values(),
        "trail": label_trail(request, label),
    }
    return render(request, "labelling/label/procedure.html", context, status=status)


def _agent_forms(procedure: AdversarialProcedure, today: date) -> dict[str, Any]:
    """The forms that the procedure has come to: the hearing that was asked, then the act."""
    if procedure.hearing_asked and procedure.heard_date is None:
        return {"heard": HeardForm()}
    if procedure.answered_at is None and today <= procedure.deadline:
        return {}
    form = SuspensionActForm if procedure.ground.act == EndingAct.SUSPEND else ActForm
    return {"act": form(initial={"facts": procedure.facts, "effect_date": procedure.effect_date})}


def hear(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
    """Record the hearing of the structure."""
    form = HeardForm(request.POST)

    def record(procedure: AdversarialProcedure, **by: Any) -> str:
        procedures.record_hearing(procedure=procedure, mandate=mandate, **form.cleaned_data, **by)
        return "L’audition est enregistrée."

    return _go_on(request, label, record, heard=form)


def close(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
    """Close the procedure without an act."""

    def end(procedure: AdversarialProcedure, **by: Any) -> str:
        procedures.close_procedure(procedure=procedure, mandate=mandate, **by)
        return "La procédure est close sans suite : le label continue, la structure est prévenue."

    return _go_on(request, label, end)


def present(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
    """Present to signature the act that the procedure led to."""
    suspends = _procedure(request, label).ground.act == EndingAct.SUSPEND
    form = SuspensionActForm(request.POST) if suspends else ActForm(request.POST)

    def propose(procedure: AdversarialProcedure, **by: Any) -> str:
        if suspends:
            terms = Terms(**form.cleaned_data)
            suspensions.propose_suspension_after_procedure(procedure=procedure, terms=terms, mandate=mandate, **by)
        else:
            service.propose_ending_after_procedure(procedure=procedure, mandate=mandate, **form.cleaned_data, **by)
        return "L’acte est présenté à la signature des deux autorités."

    return _go_on(request, label, propose, act=form)


def _go_on(request: HttpRequest, label: Label, verb: Callable[..., str], /, **bound: Any) -> HttpResponse:
    """Apply an act to the procedure that was shown; refused or stale, show the page with the input kept."""
    procedure = _procedure(request, label)
    if not all(form.is_valid() for form in bound.values()):
        return _procedure_page(request, label, procedure, bound=bound, status=UNPROCESSABLE)
    try:
        done = verb(procedure, version=posted_number(request, "version"), at=timezone.now())
    except StaleError:
        refusal = (
            "Cette procédure a changé pendant que vous y travailliez : des observations sont peut-être arrivées. Rien n’a "
            "été enregistré ; lisez-les ci-dessous, votre saisie est gardée."
        )
    except RefusedError as error:
        refusal = str(error)
    else:
        messages.success(request, typeset(done))
        return redirect(label)
    procedure.refresh_from_db()
    return _procedure_page(request, label, procedure, bound=bound, refusal=refusal, status=CONFLICT)
