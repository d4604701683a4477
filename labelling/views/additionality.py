"""What a label adds: asked once of its holder, shown to the services, and given as CSV."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.spreadsheets import harmless
from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.forms.additionality import BaselineForm
from labelling.models import Baseline, Label
from labelling.rules.additionality import offered
from labelling.rules.answers import parse
from labelling.services import additionality as service
from labelling.services.additionality import Situation
from labelling.services.reviews import is_insider
from labelling.views.endings import label_trail, membership_of
from labelling.views.scope import visible_label

UNPROCESSABLE, CONFLICT = 422, 409
NOT_CALCULATED = "non calculé"
COLUMNS = {
    "hours": "heures",
    "doctor": "demi_journees_medecins",
    "nurse": "demi_journees_infirmiers",
    "other": "demi_journees_autres",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_baseline(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the holder of a label, once, what the place offered the year before."""
    label = visible_label(request, number)
    membership = membership_of(request, label)
    if membership is None:
        raise PermissionDenied("Cette page est réservée aux personnes qui agissent pour la structure.")
    owner = membership.role == MembershipRole.OWNER
    declared = Baseline.objects.filter(label=label).exists()
    form = BaselineForm(request.POST or None, known=offered(parse(label.application.answers)))
    status = 200
    if request.method == "POST":
        status = UNPROCESSABLE
        if form.is_valid():
            try:
                service.declare_baseline(label=label, membership=membership, before=form.supply(), at=timezone.now())
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = CONFLICT
            else:
                messages.success(request, "Votre réponse est enregistrée. Merci.")
                return redirect(label)
    context = {
        "label": label,
        "structure": label.structure,
        "form": form,
        "asks": owner and not declared,
        "declared": declared,
        "trail": label_trail(request, label),
    }
    return render(request, "labelling/additionality/declare.html", context, status=status)


def additionality_of(request: HttpRequest, label: Label) -> dict[str, Any]:
    """Return what the page of a label says of what it adds: to the services, the measures; to its holder, the question."""
    declared = Baseline.objects.filter(label=label).exists()
    insider = is_insider(request.mandate)  # type: ignore[attr-defined]
    series = service.series_of(label) if insider and (declared or label.attestations.exists()) else []
    return {"baseline_declared": declared, "series": series, "measures": series[-1].measures if series else []}


@require_safe
def additionality(request: HttpRequest) -> HttpResponse:
    """Give what the labels in force of a territory add, as CSV: one row by label and by date on which its supply was told.

    The first is that of its file, then one by attestation; « non calculé » where unknown.
    """
    if not is_insider(request.mandate):  # type: ignore[attr-defined]
        raise PermissionDenied("Ce fichier est tenu pour l’ARS, la préfecture et l’équipe nationale.")
    today = timezone.localdate()
    labels = (
        Label.objects.for_user(request.user)
        .in_force(today)
        .published()
        .select_related("structure", "application", "baseline", "departement")
        .defer("departement__outline", "departement__inset_outline")
        .prefetch_related("attestations")
        .order_by("departement", "structure__sort_key", "pk")
    )
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="additionnalite-{today.isoformat()}.csv"'
    rows = csv.writer(response)
    figures = [f"{column}_{part}" for column in COLUMNS.values() for part in ("avant", "label", "deja_la", "nouvelles")]
    rows.writerow(
        ["code_label", "nom", "code_commune", "code_departement", "date_debut", *figures, "situation_au", "origine"]
    )
    for label in labels.iterator(chunk_size=1000):
        structure = label.structure
        place = [label.number, harmless(structure.name), structure.commune_id, label.departement_id]
        for situation in service.series_of(label):
            origin = "attestation" if situation.attested else "dossier"
            figures = [label.valid.lower.isoformat(), *_figures(situation)]
            rows.writerow([*place, *figures, situation.day.isoformat(), origin])
    return response


def _figures(situation: Situation) -> Iterator[str]:
    for measure in situation.measures:
        for value in (measure.before, measure.now, measure.kept, measure.new):
            yield _figure(value)


def _figure(value: Decimal | None) -> str:
    return NOT_CALCULATED if value is None else f"{value.normalize():f}"
