"""The text of decisions: the templates, for the national team, and what an authority adds to the text of one file."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState, TemplateKind
from labelling.forms.templates import AdditionForm, PublishTemplateForm, TemplateForm
from labelling.models import Application, DecisionTemplate, DraftAddition
from labelling.rules.templates import APPEALS, CRITERION_FIELDS, PARTS, fields_of
from labelling.services import templates as service
from labelling.services.decisions import sense_of
from labelling.services.drafting import draft_content
from labelling.services.reviews import readable_sheet, require_reviewer
from labelling.views.national import national
from labelling.views.posted import posted_number
from labelling.views.scope import visible_file
from territories.models import Mandate


def _trail(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("Pilotage", reverse("steering")), *more]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def templates(request: HttpRequest) -> HttpResponse:
    """List the texts of decisions with their versions; open a draft."""
    mandate = national(request)
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        try:
            made = service.prepare_template(kind=TemplateKind(kind), mandate=mandate, at=timezone.now())
        except (RefusedError, ValueError) as refusal:
            messages.error(request, typeset(str(refusal)))
            return redirect("templates")
        messages.success(request, "Un brouillon est ouvert, copié de la dernière version.")
        return redirect("template-edit", made.pk)
    rows = list(DecisionTemplate.objects.order_by("kind", "-version"))
    context = {
        "kinds": [
            {
                "kind": kind,
                "versions": [row for row in rows if row.kind == kind and row.published_at],
                "draft": next((row for row in rows if row.kind == kind and not row.published_at), None),
                "current": DecisionTemplate.objects.applicable(kind, timezone.localdate()).last(),
            }
            for kind in TemplateKind
        ],
        "trail": _trail(),
    }
    return render(request, "labelling/decision/templates.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def template_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a draft with its preview on an invented file, and publish it; a published version is only read."""
    mandate = national(request)
    row = get_object_or_404(DecisionTemplate, pk=pk)
    saved = {part: getattr(row, part) for part in PARTS}
    if request.method == "POST" and row.published_at is None:
        return _posted(request, row, mandate)
    return _page(request, row, TemplateForm(initial=saved, kind=row.kind), saved)


def _posted(request: HttpRequest, row: DecisionTemplate, mandate: Mandate) -> HttpResponse:
    publishes = request.POST.get("action") == "publish"
    saved = {part: getattr(row, part) for part in PARTS}
    form = TemplateForm(initial=saved, kind=row.kind) if publishes else TemplateForm(request.POST, kind=row.kind)
    publish = PublishTemplateForm(request.POST) if publishes else PublishTemplateForm()
    asked = publish if publishes else form
    if not asked.is_valid():
        return _page(request, row, form, _parts(request) if not publishes else saved, publish=publish, status=422)
    if request.POST.get("action") == "preview":
        return _page(request, row, form, form.cleaned_data)
    by = {"template": row, "mandate": mandate, "revision": posted_number(request, "revision"), "at": timezone.now()}
    try:
        if publishes:
            service.publish_template(valid_from=publish.cleaned_data["valid_from"], **by)  # type: ignore[arg-type]
            messages.success(request, "Le modèle est publié : il ne change plus.")
            return redirect("templates")
        service.save_template(parts=form.cleaned_data, **by)  # type: ignore[arg-type]
    except RefusedError as refusal:
        parts = saved if publishes else _parts(request)
        return _page(request, row, form, parts, publish=publish, refusal=str(refusal), status=409)
    messages.success(request, "Le brouillon est enregistré.")
    return redirect("template-edit", row.pk)


def _parts(request: HttpRequest) -> dict[str, str]:
    return {part: request.POST.get(part, "") for part in PARTS}


def _page(
    request: HttpRequest,
    row: DecisionTemplate,
    form: TemplateForm,
    parts: dict[str, str],
    *,
    publish: PublishTemplateForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    asked = publish if publish is not None and publish.errors else form
    context = {
        "row": row,
        "parts": form,
        "form": asked,
        "publish": publish or PublishTemplateForm(),
        "content": service.preview(row.kind, parts),
        "fields": fields_of("reasons", row.kind).items(),
        "criterion_fields": () if row.kind in APPEALS else CRITERION_FIELDS.items(),
        "refusal": typeset(refusal),
        "trail": _trail(("Modèles de décision", reverse("templates"))),
    }
    return render(request, "labelling/decision/template.html", context, status=status)


@never_cache
@require_POST
def template_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the preview of what is being typed, for the page that shows it beside the fields."""
    national(request)
    row = get_object_or_404(DecisionTemplate, pk=pk)
    parts = _parts(request)
    context = {"content": service.preview(row.kind, parts), "mistakes": service.mistakes_in(row.kind, parts).values()}
    return render(request, "labelling/decision/_preview.html", context)


# One file ------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def draft_additions(request: HttpRequest, number: str) -> HttpResponse:
    """Add visas, reasons and articles to the text of one decision, and read it whole."""
    application = visible_file(request, number)
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise PermissionDenied("Le projet de décision se complète par l’autorité qui le présente.")
    try:
        require_reviewer(application, mandate, at=timezone.now())
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    row = DraftAddition.objects.filter(application=application, capacity=mandate.capacity or "").first()
    kept = {name: getattr(row, name) for name in ("visas", "reasons", "articles")} if row else {}
    form = AdditionForm(request.POST or None, initial=kept)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            version = posted_number(request, "version")
            try:
                service.add_to_draft(
                    application=application, mandate=mandate, **form.cleaned_data, version=version, at=timezone.now()
                )
            except RefusedError as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, "Le projet est complété : relisez-le ci-dessous.")
                return redirect("draft-additions", number)
    context = {
        "application": application,
        "form": form,
        "content": _project(application, mandate),
        "may_add": application.state in {ApplicationState.UNDER_REVIEW, ApplicationState.DISAGREEMENT}
        and service.presenting(application) == mandate.capacity,
        "trail": [("Dossiers", reverse("applications")), (number, application.get_absolute_url())],
    }
    return render(request, "labelling/decision/additions.html", context, status=status)


def _project(application: Application, mandate: Mandate) -> dict[str, Any] | None:
    if application.state != ApplicationState.UNDER_REVIEW:
        return None
    lines = readable_sheet(application, mandate)
    sense = sense_of(lines)
    return draft_content(application, sense, lines) if sense else None
