"""The palette of services and the communities of a département: read by everybody, kept by its agents."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import OfferingKind
from labelling.forms.network import CommunityActionForm, CommunityForm, OfferingForm
from labelling.models import Community, Label, Offering, Structure
from labelling.services import communities as service
from labelling.views.posted import posted_number
from territories.models import Departement, Mandate


@login_not_required
@require_safe
def palette(request: HttpRequest, code: str) -> HttpResponse:
    """Show the services and communities of a département, EPCI by EPCI, blank areas included."""
    departement = _departement(code)
    rows = service.palette(departement)
    communities = Community.objects.filter(departement=departement).order_by("sort_key", "pk")
    context = {
        "departement": departement,
        "rows": rows,
        "kinds": list(OfferingKind),
        "blank": sum(len(row.blank) for row in rows),
        "cells": len(rows) * len(OfferingKind),
        "communities": communities.prefetch_related("actions", "members").order_by("sort_key", "pk"),
        "keeper": service.may_keep(request.mandate, departement),  # type: ignore[attr-defined]
        "trail": [("Territoires", reverse("territories")), (departement.name, reverse("territory", args=[code]))],
    }
    return render(request, "labelling/palette/palette.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def offering(request: HttpRequest, code: str, pk: int | None = None) -> HttpResponse:
    """Add a service to the palette, correct it or take it out."""
    departement = _departement(code)
    mandate = _keeper(request, departement)
    row = get_object_or_404(Offering.objects.offered(), departement=departement, pk=pk) if pk else None
    if row and request.POST.get("act") == "end":
        return _end(request, row, mandate)
    initial = {"kind": row.kind, "name": row.name, "provider": row.provider, "website": row.website} if row else {}
    form = OfferingForm(
        request.POST or None,
        epcis=service.epcis_of(departement),
        initial=initial | {"epcis": row.epcis.all() if row else []},
    )
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            service.save_offering(
                offering=row,
                departement=departement,
                fields={name: values[name] for name in ("kind", "name", "provider", "website")},
                epcis=list(values["epcis"]),
                mandate=mandate,
                version=posted_number(request, "version"),
                at=timezone.now(),
            )
        except RefusedError as refusal:
            form.add_error(None, _said(refusal))
        else:
            messages.success(request, "Le service est enregistré dans la palette.")
            return redirect("palette", code=code)
    return _render(request, "labelling/palette/offering.html", form, departement, row)


def _end(request: HttpRequest, row: Offering, mandate: Mandate) -> HttpResponse:
    try:
        service.end_offering(
            offering=row, mandate=mandate, version=posted_number(request, "version"), at=timezone.now()
        )
    except RefusedError as refusal:
        messages.error(request, _said(refusal))
    else:
        messages.success(request, f"{row.name} est retiré de la palette.")
    return redirect("palette", code=row.departement_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def community(request: HttpRequest, code: str, pk: int | None = None) -> HttpResponse:
    """Add a community, or correct its name, territory and members."""
    departement = _departement(code)
    mandate = _keeper(request, departement)
    row = get_object_or_404(Community, departement=departement, pk=pk) if pk else None
    today = timezone.localdate()
    labelled = Label.objects.in_force(today).published().filter(departement=departement).values("structure")
    initial = {"name": row.name, "website": row.website, "members": row.members.all()} if row else {}
    form = CommunityForm(
        request.POST or None,
        epcis=service.epcis_of(departement),
        structures=Structure.objects.filter(pk__in=labelled).order_by("sort_key", "pk"),
        initial=initial | {"epcis": row.epcis.all() if row else []},
    )
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            service.save_community(
                community=row,
                departement=departement,
                fields={"name": values["name"].strip(), "website": values["website"]},
                epcis=list(values["epcis"]),
                members=list(values["members"]),
                mandate=mandate,
                version=posted_number(request, "version"),
                at=timezone.now(),
            )
        except RefusedError as refusal:
            form.add_error(None, _said(refusal))
        else:
            messages.success(request, "La communauté est enregistrée.")
            return redirect("palette", code=code)
    return _render(request, "labelling/palette/community.html", form, departement, row)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def community_action(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Add an action of a community."""
    departement = _departement(code)
    mandate = _keeper(request, departement)
    row = get_object_or_404(Community, departement=departement, pk=pk)
    form = CommunityActionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            service.add_action(community=row, **form.cleaned_data, mandate=mandate, at=timezone.now())
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "L’action est enregistrée.")
            return redirect("palette", code=code)
    return _render(request, "labelling/palette/action.html", form, departement, row)


def _departement(code: str) -> Departement:
    return get_object_or_404(Departement.objects.defer("outline", "inset_outline"), pk=code)


def _keeper(request: HttpRequest, departement: Departement) -> Mandate:
    """Return the mandate that keeps a département; a form must post the one it was shown with."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    shown = request.method != "POST" or (mandate is not None and request.POST.get("mandate") == str(mandate.pk))
    if mandate is None or not service.may_keep(mandate, departement) or not shown:
        raise PermissionDenied(
            f"La palette et les communautés de {departement} sont tenues par ses agents de l’ARS et de la préfecture. "
            "Rien n’a été enregistré."
        )
    return mandate


def _said(refusal: RefusedError) -> str:
    if isinstance(refusal, StaleError):
        return (
            "Un collègue a changé cette fiche pendant que vous y travailliez : rouvrez-la, puis reprenez votre saisie."
        )
    return str(refusal)


def _render(request: HttpRequest, template: str, form: Any, departement: Departement, row: Any) -> HttpResponse:
    context = {
        "form": form,
        "departement": departement,
        "row": row,
        "trail": [("Palette de services", reverse("palette", args=[departement.pk]))],
    }
    return render(request, template, context, status=422 if form.errors else 200)
