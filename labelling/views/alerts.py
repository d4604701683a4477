"""What is to be looked at on labels, said by registers or declared by their holders: for the territory, and for one label."""

import csv
from collections.abc import Iterable
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

from francesante.lib.spreadsheets import harmless
from francesante.lib.workflow import RefusedError
from labelling.forms.visits import SettleForm
from labelling.models import Label
from labelling.rules.clock import local_day
from labelling.services import label_alerts as service
from labelling.services.label_alerts import Alert
from labelling.services.reviews import is_insider
from labelling.views.endings import label_trail, posted_mandate, refusal_to_act
from labelling.views.scope import visible_label

UNPROCESSABLE, CONFLICT, PAGE = 422, 409, 50
FOR_SERVICES = "Ces alertes sont lues par l’ARS, la préfecture et l’équipe nationale, qui les vérifient."


@require_safe
def register_alerts(request: HttpRequest) -> HttpResponse:
    """List the alerts of a territory: a page of them, or all as CSV."""
    if not is_insider(request.mandate):  # type: ignore[attr-defined]
        raise PermissionDenied(FOR_SERVICES)
    today = timezone.localdate()
    found = service.alerts_on(Label.objects.for_user(request.user), on=today)
    if request.GET.get("format") == "csv":
        return _csv(found, on=today)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    service.with_changes(list(page.object_list))
    context = {
        "page": page,
        "labels": len({alert.label.pk for alert in found}),
        "previous": f"?page={page.number - 1}",
        "next": f"?page={page.number + 1}",
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/alert/list.html", context)


def _csv(alerts: Iterable[Alert], *, on: date) -> HttpResponse:
    """UTF-8, comma, ISO dates, codes as text, as in the open data; and no text that a spreadsheet would run."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="alertes-{on.isoformat()}.csv"'
    rows = csv.writer(response)
    rows.writerow(
        ["code_label", "nom", "code_commune", "code_departement", "critere", "registre", "situation_au", "alerte"]
    )
    for alert in alerts:
        label = alert.label
        rows.writerow(
            [
                label.number,
                harmless(label.structure.name),
                label.structure.commune_id,
                label.departement_id,
                alert.criterion.code if alert.criterion else "",
                alert.source,
                alert.as_of.isoformat(),
                alert.sentence,
            ]
        )
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def label_alerts(request: HttpRequest, number: str) -> HttpResponse:
    """Show the alerts of one label and those already settled; an agent settles them one by one."""
    label = visible_label(request, number)
    if not is_insider(request.mandate):  # type: ignore[attr-defined]
        raise PermissionDenied(FOR_SERVICES)
    now = timezone.now()
    bound, refusal, status = None, "", 200
    if request.method == "POST":
        mandate = posted_mandate(request, label)
        key = request.POST.get("alert", "")
        bound = SettleForm(request.POST, prefix=key)
        status = UNPROCESSABLE
        if bound.is_valid():
            try:
                service.settle(label=label, key=key, **bound.cleaned_data, mandate=mandate, at=now)
            except RefusedError as error:
                refusal, status = str(error), CONFLICT
            else:
                messages.success(request, "C’est noté : cette alerte ne reviendra que s’il est dit autre chose.")
                return redirect("label-alerts", label.number)
    today = local_day(now, label.departement.timezone)
    found = service.with_changes(service.alerts_on(Label.objects.filter(pk=label.pk), on=today))
    acts = not refusal_to_act(label, request.mandate, now)  # type: ignore[attr-defined]
    context = {
        "label": label,
        "structure": label.structure,
        "lines": [(alert, _form(alert, bound) if acts else None) for alert in found],
        "acts": acts,
        "refusal": refusal,
        "form": bound,
        "settled": label.alert_settlements.select_related("mandate__user", "mandate__authority", "criterion").order_by(
            "-settled_at", "-pk"
        ),
        "trail": label_trail(request, label),
    }
    return render(request, "labelling/alert/label.html", context, status=status)


def _form(alert: Alert, bound: SettleForm | None) -> SettleForm:
    """Return the form of one alert, with its input when it was just refused."""
    return bound if bound is not None and bound.prefix == alert.key else SettleForm(prefix=alert.key)


def register_alerts_of(request: HttpRequest, label: Label, today: date) -> dict[str, Any]:
    """Return what the page of a label says of the registers, to those who check them."""
    insider = is_insider(request.mandate)  # type: ignore[attr-defined]
    return {
        "register_alerts": service.with_changes(service.alerts_on(Label.objects.filter(pk=label.pk), on=today))
        if insider
        else [],
        "alerts_settled": insider and label.alert_settlements.exists(),
    }
