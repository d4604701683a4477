"""The editor of the cahier des charges, for the national team: its versions, the draft, its criteria, its publication."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import CriterionKind, Rule
from labelling.forms.evidence import ACCEPT
from labelling.forms.specifications import NEW, CriterionForm, SpecificationForm, form_for_rule, new_criterion_form
from labelling.models import Criterion, Specification
from labelling.rules.badges import OPEN
from labelling.rules.parameters import in_words
from labelling.services import specifications as service
from labelling.services.evidence import limits
from labelling.views.chronicle import chronicle_of_version
from labelling.views.evidence import refused_upload
from labelling.views.national import national
from labelling.views.posted import posted_number, posts_only
from territories.models import Mandate

View = Callable[..., HttpResponse]
GONE = (
    "Ce critère a été retiré du brouillon, ou son code a changé, pendant que vous y travailliez. Votre saisie est gardée "
    "ci-dessous : enregistrez-la pour l’ajouter comme un nouveau critère."
)
CHANGED = "Ce brouillon a changé depuis votre lecture. Relisez ci-dessous ce qu’il dit maintenant, puis publiez-le."


def _trail(specification: Specification | None = None) -> list[tuple[str, str]]:
    trail = [("Pilotage", reverse("steering")), ("Versions du cahier des charges", reverse("specifications"))]
    if specification is not None:
        trail.append((f"Brouillon {specification.version}", reverse("specification-edit", args=[specification.pk])))
    return trail


def _draft(pk: int) -> Specification:
    return get_object_or_404(Specification, pk=pk, published_at__isnull=True)


def drafts_only(view: View) -> View:
    """Open a page to the editors of a draft; what was typed on one that was closed meanwhile is shown, to be copied."""

    @wraps(view)
    def guarded(request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        national(request)
        row = Specification.objects.filter(pk=pk).first()
        if row is not None and row.published_at is None:
            return view(request, pk, **kwargs)
        if request.method == "POST":
            return _closed_page(request, row, kwargs.get("code", ""))
        if row is None:
            raise Http404
        messages.info(request, f"La version {row.version} est publiée : elle ne change plus.")
        return redirect("specification-version", row.version)

    return guarded


def _closed_page(request: HttpRequest, row: Specification | None, code: str) -> HttpResponse:
    """Say that a draft was published or deleted meanwhile, with the texts that were posted and where to put them."""
    rule = request.POST.get("rule", "")
    form = CriterionForm(request.POST, rule=rule if rule in Rule.values else Rule.PERSON) if code else None
    draft = service.draft()
    context = {
        "specification": row,
        "draft": draft,
        "criterion": draft.criteria.filter(code=code).first() if draft and code else None,
        "typed": [
            (field.label, field.value(), sum(1 + len(line) // 60 for line in field.value().splitlines()))
            for field in form or SpecificationForm(request.POST)
            if isinstance(field.field, forms.CharField | forms.IntegerField) and field.value()
        ],
        "trail": _trail(),
    }
    return render(request, "labelling/specification/closed.html", context, status=409)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def specifications(request: HttpRequest) -> HttpResponse:
    """List the versions, with the files that each judges; open a draft."""
    mandate = national(request)
    if request.method == "POST":
        try:
            made = service.prepare_version(mandate=mandate, at=timezone.now())
        except RefusedError as refusal:
            messages.error(request, typeset(str(refusal)))
            return redirect("specifications")
        messages.success(request, f"La version {made.version} est ouverte en brouillon : personne d’autre ne la lit.")
        return redirect("specification-edit", made.pk)
    rows = Specification.objects.annotate(
        criteria_count=Count("criteria", distinct=True),
        files=Count("applications", filter=Q(applications__state__in=list(OPEN)), distinct=True),
    )
    published = list(rows.filter(published_at__isnull=False).order_by("-published_at"))
    context = {
        "draft": rows.filter(published_at__isnull=True).first(),
        "versions": list(zip(published, [*published[1:], None], strict=True)),
        "current": service.in_force(timezone.localdate()),
        "trail": _trail()[:1],
    }
    return render(request, "labelling/specification/list.html", context)


# The draft -------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@drafts_only
def specification_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a draft: its general fields, the order of its criteria; or delete it."""
    mandate = national(request)
    draft = _draft(pk)
    if request.method != "POST":
        return _edit_page(request, draft, SpecificationForm.of(draft))
    action, _, code = request.POST.get("action", "").partition(":")
    form = SpecificationForm(request.POST) if action == "save" else SpecificationForm.of(draft)
    if action == "save" and not form.is_valid():
        return _edit_page(request, draft, form, status=422)
    try:
        return _act(request, draft, form, mandate, action=action, code=code)
    except StaleError as stale:
        draft = _draft(pk)
        return _edit_page(request, draft, form, refusal=str(stale), status=409)
    except RefusedError as refusal:
        return _edit_page(request, draft, form, refusal=str(refusal), status=409)


def _act(
    request: HttpRequest, draft: Specification, form: SpecificationForm, mandate: Mandate, *, action: str, code: str
) -> HttpResponse:
    by: dict[str, Any] = {
        "specification": draft,
        "mandate": mandate,
        "revision": posted_number(request, "revision"),
        "at": timezone.now(),
    }
    if code:
        get_object_or_404(draft.criteria, code=code)
    moves: dict[str, Callable[[], Any]] = {
        "up": lambda: service.move_criterion(code=code, step=-1, **by),
        "down": lambda: service.move_criterion(code=code, step=1, **by),
        "remove": lambda: service.remove_criterion(code=code, **by),
    }
    if action == "save":
        service.save_draft(fields=form.cleaned_data, **by)
        messages.success(request, "Le brouillon est enregistré.")
    elif action == "discard":
        service.discard_version(**by)
        messages.success(request, f"Le brouillon {draft.version} est supprimé.")
        return redirect("specifications")
    elif code and action in moves:
        moves[action]()
        if action == "remove":
            messages.success(request, "Le critère est retiré du brouillon. Les versions publiées ne changent pas.")
        where = "criteres" if action == "remove" else f"critere-{code}"
        return redirect(f"{reverse('specification-edit', args=[draft.pk])}#{where}")
    else:
        raise BadRequest("Cet acte n’existe pas. Rien n’a été enregistré.")
    return redirect("specification-edit", draft.pk)


def _edit_page(
    request: HttpRequest, draft: Specification, form: SpecificationForm, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    rows = service.criteria_of(draft)
    last = Specification.objects.published().last()
    context = {
        "specification": draft,
        "last": last,
        "published": set(last.criteria.values_list("code", flat=True)) if last else set(),
        "form": form,
        "refusal": typeset(refusal),
        "criteria": [(row, in_words(row.rule, row.parameters), row.kind == CriterionKind.COMMITMENT) for row in rows],
        "silent": service.silent_changes(draft),
        "chronicle": chronicle_of_version(draft),
        "trail": _trail(),
        "new": NEW,
    }
    return render(request, "labelling/specification/edit.html", context, status=status)


# One criterion ---------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@drafts_only
def criterion_edit(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Edit one criterion of a draft, or add one; a rule just chosen asks for its parameters before anything is kept."""
    mandate = national(request)
    draft = _draft(pk)
    row = draft.criteria.select_related("template").filter(code=code).first()
    if request.method == "POST":
        return _save_criterion(request, draft, row, mandate, is_new=code == NEW)
    if row is None and code != NEW:
        raise Http404
    return _criterion_page(request, draft, row, CriterionForm.of(row) if row else new_criterion_form())


def _save_criterion(
    request: HttpRequest, draft: Specification, row: Criterion | None, mandate: Mandate, *, is_new: bool
) -> HttpResponse:
    rule = request.POST.get("rule", "")
    if rule in Rule.values and rule != request.POST.get("shown_rule"):
        return _criterion_page(request, draft, row, form_for_rule(request.POST, rule), rule_changed=True)
    form = CriterionForm(request.POST, rule=rule if rule in Rule.values else Rule.PERSON)
    if not form.is_valid():
        return _criterion_page(request, draft, row, form, status=422)
    if row is None and not is_new:
        return _criterion_page(request, draft, None, form, refusal=GONE, status=409)
    try:
        saved = service.save_criterion(
            specification=draft,
            code=row.code if row else "",
            fields=form.values(),
            mandate=mandate,
            revision=posted_number(request, "revision"),
            at=timezone.now(),
        )
    except StaleError as stale:
        return _criterion_page(request, _draft(draft.pk), row, form, refusal=str(stale), status=409)
    except RefusedError as refusal:
        return _criterion_page(request, draft, row, form, refusal=str(refusal), status=409)
    messages.success(request, typeset(f"« {saved.title} » est enregistré dans le brouillon."))
    return redirect(f"{reverse('specification-edit', args=[draft.pk])}#critere-{saved.code}")


def _criterion_page(
    request: HttpRequest,
    draft: Specification,
    row: Criterion | None,
    form: CriterionForm,
    *,
    refusal: str = "",
    rule_changed: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "specification": draft,
        "criterion": row,
        "silent": service.silent_changes(draft).get(row.code, "") if row else "",
        "template": getattr(row, "template", None),
        "accept": ACCEPT,
        "limits": limits().sentence,
        "form": form,
        "refusal": typeset(refusal),
        "rule_changed": rule_changed,
        "code": row.code if row else NEW,
        "trail": _trail(draft),
    }
    return render(request, "labelling/specification/criterion.html", context, status=status)


@posts_only("criterion-edit")
@drafts_only
def criterion_template(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Attach to a criterion of a draft the model that structures fill in, or detach it."""
    mandate = national(request)
    draft = _draft(pk)
    row = get_object_or_404(draft.criteria.select_related("template"), code=code)
    sent = request.FILES.get("template")
    detaches = request.POST.get("act") == "detach"
    refusal, status = refused_upload(request), 413
    if not refusal and sent is None and not detaches:
        refusal, status = "Choisissez le fichier à joindre. Rien n’a changé.", 422
    if not refusal:
        try:
            service.attach_template(
                specification=draft,
                code=code,
                name="" if detaches or sent is None else sent.name or "modèle",
                content=b"" if detaches or sent is None else sent.read(),
                mandate=mandate,
                revision=posted_number(request, "revision"),
                at=timezone.now(),
            )
        except RefusedError as refused:
            refusal, status = str(refused), 409
    if refusal:
        row = get_object_or_404(_draft(pk).criteria.select_related("template"), code=code)
        return _criterion_page(request, _draft(pk), row, CriterionForm.of(row), refusal=refusal, status=status)
    messages.success(
        request, "Le modèle est retiré." if detaches else "Le modèle est joint : les structures le rempliront."
    )
    return redirect("criterion-edit", pk, code)


# Publication -----------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@drafts_only
def specification_publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Preview what publication would do, then publish: final."""
    mandate = national(request)
    draft = _draft(pk)
    now = timezone.now()
    if request.method == "POST":
        try:
            published = service.publish_version(
                specification=draft, mandate=mandate, revision=posted_number(request, "revision"), at=now
            )
        except StaleError:
            return _publish_page(request, _draft(pk), now, refusal=CHANGED, status=409)
        except RefusedError as refusal:
            return _publish_page(request, draft, now, refusal=str(refusal), status=409)
        messages.success(request, f"La version {published.version} est publiée. Elle ne change plus.")
        return redirect("specifications")
    return _publish_page(request, draft, now)


def _publish_page(
    request: HttpRequest, draft: Specification, now: datetime, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    today = timezone.localdate(now)
    checks = service.checks_of(draft, on=today)
    before = Specification.objects.published().last()
    silent = service.silent_changes(draft)
    context = {
        "specification": draft,
        "before": before,
        "diff": service.differences(before, draft) if before else None,
        "checks": checks,
        "silent": [(row, silent[row.code]) for row in service.criteria_of(draft) if row.code in silent],
        "ready": all(check.holds for check in checks),
        "pending": service.pending(draft).count(),
        "at_signature": service.at_signature(),
        "refusal": typeset(refusal),
        "trail": _trail(draft),
    }
    return render(request, "labelling/specification/publish.html", context, status=status)
