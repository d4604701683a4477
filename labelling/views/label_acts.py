"""An act on a label on screen: announced, read, then shown. Its end, its suspension and a lifting share these pages."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import long_date, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.forms.review import LetterForm
from labelling.models import Ending, Label, Lifting, Suspension
from labelling.models.endings import ContestableAct, LabelAct
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services.label_acts import pending_act, read_act, record_act_letter
from labelling.services.reviews import is_insider
from labelling.views import endings
from labelling.views.endings import known_act, label_trail, membership_of, posted_mandate, refusal_to_act
from labelling.views.posted import posts_only
from labelling.views.scope import visible_label
from territories.choices import DecisionKind
from territories.models import Mandate

CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Page:
    """Where the act of a kind is shown: its address, that of its PDF, the name of the page, of the file, of its notification."""

    kind: type[LabelAct]
    name: str
    current: str
    file: str
    notify: str

    @property
    def pdf(self) -> str:
        """Name of the address of its PDF."""
        return f"{self.name}-pdf"


@dataclass(frozen=True, slots=True)
class Words:
    """What a signed act is called, what it does, and what its holder has to do now."""

    title: str
    effect: str
    todo: list[str] = field(default_factory=list)


ENDING = Page(Ending, "label-ending", "Fin du label", "fin", "notifier")
SUSPENSION = Page(Suspension, "label-suspension", "Suspension", "suspension", "notifier-suspension")
LIFTING = Page(Lifting, "label-lifting", "Levée de la suspension", "levee", "notifier-levee")
PAGES = (ENDING, SUSPENSION, LIFTING)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_ending(request: HttpRequest, number: str) -> HttpResponse:
    """Announce the end of a label, record its reading, then show it: what, why, from when, remedies, what next."""
    return _act(request, number, ENDING)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_suspension(request: HttpRequest, number: str) -> HttpResponse:
    """Announce the suspension of a label, record its reading, then show it."""
    return _act(request, number, SUSPENSION)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_lifting(request: HttpRequest, number: str) -> HttpResponse:
    """Announce the lifting of a suspension, record its reading, then show it."""
    return _act(request, number, LIFTING)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_to_read(request: HttpRequest, number: str) -> HttpResponse:
    """Announce the act that waits to be read, at an address that does not tell its sense; read, its own page shows it."""
    label = visible_label(request, number)
    act = pending_act(label)
    if act is None:
        return redirect(label)
    return _act(request, number, next(page for page in PAGES if isinstance(act, page.kind)))


@never_cache
@require_safe
def label_ending_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give the act that ends a label in PDF, byte for byte as it is kept."""
    return _pdf(request, number, ENDING)


@never_cache
@require_safe
def label_suspension_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give the act that suspends a label in PDF, byte for byte as it is kept."""
    return _pdf(request, number, SUSPENSION)


@never_cache
@require_safe
def label_lifting_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give the act that lifts a suspension in PDF, byte for byte as it is kept."""
    return _pdf(request, number, LIFTING)


def _act(request: HttpRequest, number: str, page: Page) -> HttpResponse:
    label = visible_label(request, number)
    act = _known(request, label, page)
    if request.method != "POST":
        return _act_page(request, label, act, page)
    membership = membership_of(request, label)
    if membership is None:
        raise PermissionDenied(
            "L’acte est notifié à la structure : sa lecture par un agent n’est pas une notification."
        )
    try:
        read_act(act=act, membership=membership, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    return redirect(page.name, label.number)


def _known(request: HttpRequest, label: Label, page: Page) -> LabelAct:
    inside = membership_of(request, label) is not None or is_insider(request.mandate)  # type: ignore[attr-defined]
    # A label may have been suspended, or ended, several times: an address may name the decision that it means.
    named = request.GET.get("acte", "")
    act = known_act(request, page.kind, label, inside=inside, decision=int(named) if named.isdecimal() else None)
    if act is None:
        raise Http404
    return act


def _act_page(
    request: HttpRequest,
    label: Label,
    act: LabelAct,
    page: Page,
    *,
    letter: LetterForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    membership = membership_of(request, label)
    inside = membership is not None or is_insider(request.mandate)  # type: ignore[attr-defined]
    may_act = not refusal_to_act(label, request.mandate, now)  # type: ignore[attr-defined]
    dates = act.decision.notifications.filter(notified_at__isnull=False).values_list("notified_at", flat=True)
    notified_at = min(dates) if dates else None
    context: dict[str, Any] = {
        "label": label,
        "structure": label.structure,
        "act": act,
        "page": page,
        "words": _words(act, label),
        "decision": act.decision,
        "membership": membership,
        "undone_at": act.undone_at if isinstance(act, ContestableAct) else None,
        "in_portal": isinstance(act, ContestableAct),
        "contest": inside and act.applied_at is not None,
        "may_read": notified_at is not None or membership is None,
        "may_open": membership is not None and membership.role == MembershipRole.OWNER,
        "by_letter": not label.application.notification_consent,
        "content": json.loads(act.decision.content),
        "notified_at": notified_at,
        "deadline": appeal_deadline(local_day(notified_at, label.departement.timezone)) if notified_at else None,
        "signatures": act.decision.signatures.select_related("mandate__authority").order_by("capacity"),
        "has_pdf": bool(act.decision.pdf_hash),
        "letter": letter or (LetterForm() if may_act and act.signed_date and notified_at is None else None),
        "trail": label_trail(request, label),
    }
    return render(request, "labelling/label/act.html", context, status=status)


def _words(act: LabelAct, label: Label) -> Words:
    if isinstance(act, Suspension):
        found = _of_suspension(act)
    elif isinstance(act, Lifting):
        found = Words(
            "La suspension est levée",
            f"Le label est de nouveau en vigueur à compter du {long_date(act.suspension.period.upper)}."
            if act.applied_at and not act.suspension.period.isempty
            else "Le label est de nouveau en vigueur.",
            ["Téléchargez le certificat et la plaque sur la page du label : ils sont établis de nouveau."],
        )
    elif isinstance(act, Ending) and act.undone_at is not None:
        found = Words(
            "La fin du label est annulée",
            "Cet acte a été retiré ou annulé à la suite d’un recours : le label n’a pas cessé.",
        )
    else:
        found = _of_ending(act, label)
    return Words(typeset(found.title), typeset(found.effect), [typeset(sentence) for sentence in found.todo])


def _of_ending(act: LabelAct, label: Label) -> Words:
    again = "Dès que la situation aura changé, vous pourrez demander un nouveau label : vos réponses seront reprises."
    if act.decision.kind == DecisionKind.LABEL_WITHDRAWN:
        return Words(
            "Le label est retiré",
            "Il est réputé n’avoir jamais été accordé.",
            ["Retirez la plaque et toute mention du label dès aujourd’hui.", again],
        )
    until = long_date(label.valid.upper)
    return Words(
        "Le label est abrogé",
        f"À compter du {until}, pour l’avenir.",
        [f"Retirez la plaque et toute mention du label le {until}.", again],
    )


def _of_suspension(act: Suspension) -> Words:
    period = act.period
    if act.undone_at is not None:
        return Words(
            "La suspension est annulée",
            "Cet acte a été retiré ou annulé à la suite d’un recours : le label est réputé n’avoir jamais été suspendu.",
        )
    if period is None:
        return Words("Le label est suspendu", "")
    if period.isempty:
        return Words("Le label n’est pas suspendu", "Cet acte n’a pas, ou n’a plus, de jour d’effet.")
    first = long_date(period.lower)
    until = f" et jusqu’au {long_date(act.last_date)} inclus" if act.last_date else ", jusqu’à sa levée"
    if act.last_date is None and period.upper is not None:
        until = f" ; la suspension est levée à compter du {long_date(period.upper)}"
    return Words(
        "Le label est suspendu",
        f"À compter du {first}{until}. Le label garde sa place et son terme.",
        [
            f"Pour lever la suspension : {act.expected}",
            "Dès que c’est fait, dites-le aux services ci-dessous.",
            f"Retirez la plaque et toute mention du label à compter du {first}, pendant la suspension.",
        ],
    )


def _pdf(request: HttpRequest, number: str, page: Page) -> HttpResponse:
    label = visible_label(request, number)
    act = _known(request, label, page)
    if act.applied_at is None and not is_insider(request.mandate):  # type: ignore[attr-defined]
        raise PermissionDenied("L’acte se lit après sa notification : ouvrez d’abord la page de l’acte.")
    pdf = act.decision.pdf
    if pdf is None:
        raise Http404
    headers = {"Content-Disposition": f'inline; filename="{page.file}-{label.number}.pdf"'}
    return HttpResponse(bytes(pdf), content_type="application/pdf", headers=headers)


# The acts of an agent -------------------------------------------------------------------------------------------------


@posts_only("label")
def label_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Apply one act of an agent on a label, then go back to its page; refused, show the page again."""
    label = visible_label(request, number)
    if action not in ACTS:
        raise Http404
    return ACTS[action](request, label, posted_mandate(request, label))


def _notify(page: Page) -> Callable[[HttpRequest, Label, Mandate], HttpResponse]:
    """Return the act that records the letter of a kind of act."""

    def notify(request: HttpRequest, label: Label, mandate: Mandate) -> HttpResponse:
        act = _known(request, label, page)
        form = LetterForm(request.POST)
        if form.is_valid():
            try:
                received_on = form.cleaned_data["received_on"]
                record_act_letter(act=act, mandate=mandate, received_on=received_on, at=timezone.now())
            except RefusedError as refusal:
                form.add_error("received_on", str(refusal))
            else:
                messages.success(
                    request, "La notification est enregistrée : l’acte prend effet, les délais de recours courent."
                )
                return redirect(page.name, label.number)
        return _act_page(request, label, act, page, letter=form, status=CONFLICT)

    return notify


ACTS: Mapping[str, Callable[[HttpRequest, Label, Mandate], HttpResponse]] = {
    "entendre": endings.hear,
    "clore": endings.close,
    "presenter": endings.present,
    **{page.notify: _notify(page) for page in PAGES},
}
"""The acts of an agent, by their name in the address."""
