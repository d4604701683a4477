"""The attestation of a label: one page for its holder, criterion by criterion, and the late ones for the agents."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.forms.additionality import PresentSupplyForm
from labelling.forms.labels import StatementForm
from labelling.models import Criterion, Label
from labelling.rules.answers import parse
from labelling.rules.clock import local_day
from labelling.rules.criteria import assess_all
from labelling.services import attestations as service
from labelling.services.additionality import supply_known
from labelling.views.endings import label_trail, membership_of
from labelling.views.posted import keeps_whole, lost_input
from labelling.views.scope import visible_label

UNPROCESSABLE, CONFLICT, PAGE = 422, 409, 50


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of the page: what was said of it in the file, and the form that says whether it changed."""

    criterion: Criterion
    answer: str
    form: StatementForm


@keeps_whole
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_attestation(request: HttpRequest, number: str) -> HttpResponse:
    """Say, criterion by criterion, that nothing changed, or what did."""
    label = visible_label(request, number)
    membership = membership_of(request, label)
    if membership is None:
        raise PermissionDenied("Cette page est réservée aux personnes qui agissent pour la structure.")
    now = timezone.now()
    today = local_day(now, label.departement.timezone)
    due = service.expected(label, on=today)
    since = service.since_when(label)
    lines = _lines(request, label, since) if due else []
    supply = PresentSupplyForm(request.POST or None, prefix="offre", known=supply_known(label)) if due else None
    refusal, status = "", 200
    if request.method == "POST":
        asked = _due(request)
        # Each is asked, so that every mistake is shown at once.
        if not all([*(line.form.is_valid() for line in lines), supply is None or supply.is_valid()]):
            status = UNPROCESSABLE
        else:
            statements = {line.criterion.code: line.form.cleaned_data["change"] for line in lines}
            try:
                service.attest(
                    label=label,
                    membership=membership,
                    statements=statements,
                    supply=supply.supply() if supply else {},
                    due=asked,
                    at=now,
                )
            except RefusedError as error:
                refusal, status = str(error), CONFLICT
            else:
                messages.success(request, "Votre attestation est enregistrée. Merci.")
                return redirect(label)
    context: dict[str, Any] = {
        "label": label,
        "structure": label.structure,
        "due": due,
        "next_due": service.next_due(label, on=today),
        "lines": lines,
        "wrong": [line for line in lines if line.form.errors],
        "refusal": refusal,
        "since": since,
        "supply": supply,
        "owner": membership.role == MembershipRole.OWNER,
        "trail": label_trail(request, label),
    }
    return render(request, "labelling/label/attestation.html", context, status=status)


def _due(request: HttpRequest) -> date:
    """Return the due date that the page was shown with; another one is never attested in its stead."""
    try:
        return date.fromisoformat(request.POST.get("due", ""))
    except ValueError:
        return date.min


def _lines(request: HttpRequest, label: Label, since: str) -> list[Line]:
    criteria = service.criteria_of(label)
    answers = parse(label.application.answers)
    found = assess_all(criteria, answers, structure_kind=label.structure.kind)
    # Bound again, to be read before it is kept, when the session had ended; its mistakes are shown at once.
    posted = request.POST or lost_input(request)
    return [
        Line(
            one.criterion,
            one.answer,
            StatementForm(posted, prefix=one.criterion.code, title=one.criterion.title, since=since),
        )
        for one in found
    ]


@require_safe
def late_attestations(request: HttpRequest) -> HttpResponse:
    """List the labels of a territory whose attestation is overdue, the oldest first."""
    if request.mandate is None:  # type: ignore[attr-defined]
        raise PermissionDenied("Cette liste est tenue pour les services.")
    labels = Label.objects.for_user(request.user).select_related("structure__commune", "departement")
    labels = labels.defer("departement__outline", "departement__inset_outline")
    page = Paginator(service.late(labels, on=timezone.localdate()), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "previous": f"?page={page.number - 1}",
        "next": f"?page={page.number + 1}",
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/label/late.html", context)


def attestations_of(label: Label, today: date) -> dict[str, Any]:
    """Return what the page of a label says of its attestations, the latest first, with what changed in words."""
    titles = {row.code: row.title for row in service.criteria_of(label)}
    rows = label.attestations.order_by("-due_date")
    return {
        "attestations": [
            (row, [(titles.get(code, code), text) for code, text in row.statements.items() if text]) for row in rows
        ],
        "attestation_expected": service.expected(label, on=today),
        "attestation_next": service.next_due(label, on=today),
        "today": today,
    }
