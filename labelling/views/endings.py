"""The end of a label on screen: considered, answered, presented to signature. Two sides, the same pages."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
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
from labelling.models import AdversarialProcedure, Ending, Label, Membership, Suspension
from labelling.rules.clock import local_day
from labelling.services import endings as service
from labelling.services import procedures, suspensions
from labelling.services.drafting import authorities_of
from labelling.services.ending_drafts import least_deadline
from labelling.services.label_acts import Act, latest_act, pending_act
from labelling.services.reviews import is_insider, require_reviewer
from labelling.services.suspensions import Terms
from labelling.views.posted import keeps_whole, lost_initial, posted_number
from labelling.views.rehearsed import changes, read_then_do
from labelling.views.scope import visible_label
from territories.models import Mandate

UNPROCESSABLE, CONFLICT = 422, 409


def membership_of(request: HttpRequest, label: Label) -> Membership | None:
    """Return the reader's access to the structure of a label."""
    return Membership.objects.of(request.user).filter(structure=label.structure_id).select_related("user").first()


def ending_facts(request: HttpRequest, label: Label, today: date) -> dict[str, Any]:
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
        "ends_later": ending is not None
        and ending.applied_at is not None
        and ending.undone_at is None
        and to_come(label, today),
        "may_end": mandate is not None
        and not refusal_to_act(label, mandate, now)
        and procedure is None
        and pending_act(label) is None,
    }


def to_come(label: Label, today: date) -> bool:
    """Tell whether the end of a label is still to come."""
    return label.withdrawn_at is None and label.valid.upper is not None and today < label.valid.upper


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


@keeps_whole
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_end(request: HttpRequest, number: str) -> HttpResponse:
    """Consider the end of a label: open the adversarial step, or, at the holder's request, propose the act."""
    label = visible_label(request, number)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    today = local_day(now, label.departement.timezone)
    grounds = service.grounds_for(label, on=today)
    form = EndForm(request.POST or None, grounds=grounds, least=least_deadline(today), initial=lost_initial(request))
    trail, status = label_trail(request, label), 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        if not form.is_valid():
            status = UNPROCESSABLE
        elif not changes(request):
            act = partial(_begin, label, form, mandate, posted_number(request, "version"), now)
            try:
                return read_then_do(request, label, form, act, version=label.version, trail=trail)
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = CONFLICT
    context = {"label": label, "structure": label.structure, "form": form, "trail": trail}
    return render(request, "labelling/label/end.html", context, status=status)


def _begin(label: Label, form: EndForm, mandate: Mandate, version: int, now: datetime) -> AdversarialProcedure | Ending:
    asked = form.cleaned_data
    by = {"label": label, "mandate": mandate, "version": version, "at": now}
    about = {"ground": asked["ground"], "facts": asked["facts"], "effect_date": asked["effect_date"]}
    if asked["ground"].adversarial:
        return procedures.open_procedure(**by, **about, deadline=asked["deadline"])
    return service.propose_ending_on_request(**by, **about)


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
        address = reverse("label-act", args=[label.number, "presenter"])
        forms = _agent_forms(procedure, today, lost_initial(request, address)) | dict(bound or {})
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


def _agent_forms(procedure: AdversarialProcedure, today: date, lost: dict[str, str]) -> dict[str, Any]:
    """The forms that the procedure has come to: the hearing that was asked, then the act (``lost``: what was to be in it)."""
    if procedure.hearing_asked and procedure.heard_date is None:
        return {"heard": HeardForm()}
    if procedure.answered_at is None and today <= procedure.deadline:
        return {}
    form = SuspensionActForm if procedure.ground.act == EndingAct.SUSPEND else ActForm
    return {"act": form(initial={"facts": procedure.facts, "effect_date": procedure.effect_date, **lost})}


def hear(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
    """Record the hearing of the structure."""
    form = HeardForm(request.POST)

    def record(procedure: AdversarialProcedure, **by: Any) -> HttpResponse:
        procedures.record_hearing(procedure=procedure, mandate=mandate, **form.cleaned_data, **by)
        messages.success(request, "L’audition est enregistrée.")
        return redirect(label)

    return _go_on(request, label, record, heard=form)


def close(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
    """Close the procedure without an act."""

    def end(procedure: AdversarialProcedure, **by: Any) -> HttpResponse:
        procedures.close_procedure(procedure=procedure, mandate=mandate, **by)
        done = "La procédure est close sans suite : le label continue, la structure est prévenue."
        messages.success(request, typeset(done))
        return redirect(label)

    return _go_on(request, label, end)


def present(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
    """Present to signature the act that the procedure led to, once it was read."""
    suspends = _procedure(request, label).ground.act == EndingAct.SUSPEND
    form = SuspensionActForm(request.POST) if suspends else ActForm(request.POST)

    def propose(procedure: AdversarialProcedure, **by: Any) -> Suspension | Ending:
        if suspends:
            terms = Terms(**form.cleaned_data)
            return suspensions.propose_suspension_after_procedure(
                procedure=procedure, terms=terms, mandate=mandate, **by
            )
        return service.propose_ending_after_procedure(procedure=procedure, mandate=mandate, **form.cleaned_data, **by)

    def read(procedure: AdversarialProcedure, **by: Any) -> HttpResponse:
        if changes(request):
            return _procedure_page(request, label, procedure, bound={"act": form})
        here = ("Procédure contradictoire", reverse("label-procedure", args=[label.number]))
        trail = [*label_trail(request, label), here]
        act = partial(propose, procedure, **by)
        return read_then_do(request, label, form, act, version=procedure.version, trail=trail)

    return _go_on(request, label, read, act=form)


def _go_on(request: HttpRequest, label: Label, verb: Callable[..., HttpResponse], /, **bound: Any) -> HttpResponse:
    """Apply an act to the procedure that was shown; refused or stale, show the page with the input kept."""
    procedure = _procedure(request, label)
    if not all(form.is_valid() for form in bound.values()):
        return _procedure_page(request, label, procedure, bound=bound, status=UNPROCESSABLE)
    try:
        return verb(procedure, version=posted_number(request, "version"), at=timezone.now())
    except StaleError:
        refusal = (
            "Cette procédure a changé pendant que vous y travailliez : des observations sont peut-être arrivées. Rien n’a "
            "été enregistré ; lisez-les ci-dessous, votre saisie est gardée."
        )
    except RefusedError as error:
        refusal = str(error)
    procedure.refresh_from_db()
    return _procedure_page(request, label, procedure, bound=bound, refusal=refusal, status=CONFLICT)
