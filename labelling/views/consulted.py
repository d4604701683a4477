"""The bodies and groups of experts that the agents of a territory consult: one page, four acts."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.forms.opinions import BodyForm, GroupForm
from labelling.services import consulted as service
from labelling.views.posted import posted_number
from territories.choices import Role
from territories.models import Mandate

DONE = {
    "body": "L’organisme est ajouté : il peut être consulté sur chaque dossier.",
    "retire": "L’organisme n’est plus consulté. Les avis déjà demandés lui restent demandés.",
    "group": "Le groupe est enregistré : il peut être consulté en un clic.",
    "ungroup": "Le groupe est supprimé. Ses organismes restent consultés un par un.",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def bodies(request: HttpRequest) -> HttpResponse:
    """Keep the bodies and groups of a territory."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None or mandate.role != Role.AGENT or mandate.capacity is None:
        raise PermissionDenied(
            "La liste des organismes consultés est tenue par les agents de l’ARS et de la préfecture."
        )
    act = request.POST.get("act", "")
    body_form, group_form = _forms(mandate, request.POST if request.method == "POST" else None, act)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        form = {"body": body_form, "group": group_form}.get(act)
        if form is None or form.is_valid():
            try:
                _apply(request, act, mandate, form)
            except RefusedError as error:
                refusal, status = str(error), 409
            else:
                messages.success(request, typeset(DONE[act]))
                return redirect("bodies")
    context = {
        "mandate": mandate,
        "rows": service.bodies_kept(mandate),
        "groups": service.groups_kept(mandate),
        "body_form": body_form,
        "group_form": group_form,
        "form": {"body": body_form, "group": group_form}.get(act),
        "refusal": typeset(refusal),
        "act": act,
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/opinions/bodies.html", context, status=status)


def _forms(mandate: Mandate, data: Any, act: str) -> tuple[BodyForm, GroupForm]:
    departements = service.departements_kept(mandate).select_related("region")
    only = departements.first() if departements.count() == 1 else None
    body_form = BodyForm(
        data if act == "body" else None,
        prefix="body",
        departements=departements,
        authorities=service.authorities_to_consult(mandate),
        initial={"departement": only},
    )
    group_form = GroupForm(
        data if act == "group" else None,
        prefix="group",
        departements=departements,
        bodies=service.bodies_kept(mandate),
        initial={"departement": only},
    )
    return body_form, group_form


def _apply(request: HttpRequest, act: str, mandate: Mandate, form: BodyForm | GroupForm | None) -> None:
    by = {"mandate": mandate, "at": timezone.now()}
    match act:
        case "body":
            service.add_body(**form.cleaned_data, **by)  # type: ignore[union-attr]
        case "group":
            service.keep_group(**form.cleaned_data, **by)  # type: ignore[union-attr]
        case "retire":
            body = get_object_or_404(service.bodies_kept(mandate), pk=posted_number(request, "body"))
            service.retire_body(body=body, **by)
        case "ungroup":
            group = get_object_or_404(service.groups_kept(mandate), pk=posted_number(request, "group"))
            service.remove_group(group=group, **by)
        case _:
            raise RefusedError("Cette page ne connaît pas cet acte. Rien n’a été enregistré.")
