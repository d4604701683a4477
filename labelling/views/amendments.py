"""Putting right what a label says of its place: an agent's form, and what both sides read of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.workflow import RefusedError
from labelling.choices import AmendmentKind
from labelling.forms.communes import in_words
from labelling.forms.labels import AmendForm
from labelling.models import Amendment, Label
from labelling.services.amendments import NAMES, amend_label, written
from labelling.views.endings import label_trail, posted_mandate, refusal_to_act
from labelling.views.posted import posted_number
from labelling.views.scope import visible_label
from territories.models import Commune

UNPROCESSABLE, CONFLICT = 422, 409


@dataclass(frozen=True, slots=True)
class Change:
    """One field that an amendment changed, in words."""

    name: str
    before: str
    after: str


def changes_of(amendment: Amendment, communes: Mapping[str, Commune]) -> list[Change]:
    """Return what an amendment changed, in the order of the form; ``communes`` by their code."""

    def said(name: str, value: str) -> str:
        commune = communes.get(value) if name == "commune" else None
        return in_words(commune.name, commune.pk) if commune else value or "aucun"

    before: Mapping[str, str] = amendment.before
    return [
        Change(words, said(name, before[name]), said(name, amendment.after[name]))
        for name, words in NAMES.items()
        if name in before
    ]


def amendments_of(label: Label) -> list[tuple[Amendment, list[Change]]]:
    """Return the amendments of a label, the latest first, with what each changed."""
    rows = list(label.amendments.order_by("-amended_at", "-pk"))
    moved = [said["commune"] for row in rows for said in (row.before, row.after) if "commune" in said]
    communes = Commune.objects.in_bulk(moved)
    return [(row, changes_of(row, communes)) for row in rows]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_amend(request: HttpRequest, number: str) -> HttpResponse:
    """Correct the name, the numbers or the address that a label gives of its place."""
    label = visible_label(request, number)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    commune = label.structure.commune
    form = AmendForm(request.POST or None, initial=written(label.structure), commune=commune)
    status = 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        status = UNPROCESSABLE
        if form.is_valid():
            asked: dict[str, Any] = dict(form.cleaned_data)
            kind, reason = AmendmentKind(asked.pop("kind")), asked.pop("reason")
            by = {"mandate": mandate, "version": posted_number(request, "version"), "at": now}
            try:
                amend_label(label=label, kind=kind, now_written=asked, reason=reason, **by)
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = CONFLICT
            else:
                messages.success(request, "La rectification est enregistrée, la structure est prévenue.")
                return redirect(label)
    context = {"label": label, "structure": label.structure, "form": form, "trail": label_trail(request, label)}
    return render(request, "labelling/label/amend.html", context, status=status)
