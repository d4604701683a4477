"""The paper original of a decision: print it, file the signed scan, confirm the scan that a colleague filed."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from francesante.lib.workflow import RefusedError
from territories.choices import Capacity, DecisionState
from territories.documents.original import render_original
from territories.forms import ConfirmPaperForm, FilePaperForm, RejectPaperForm
from territories.models import Decision, Mandate, PaperOriginal
from territories.services.accounts import confirm_code
from territories.services.paper import (
    check_confirmation,
    confirm_original,
    file_original,
    reject_original,
    require_agent,
    signatories,
)

View = Callable[..., HttpResponse]


def agents_only(view: View) -> View:
    """Open a page to the agents of an authority that signs the decision: 404 out of scope, 403 to the others."""

    @wraps(view)
    def guarded(request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
        if mandate is None:
            raise Http404
        rows = Decision.objects.for_user(request.user).defer("pdf").select_related("departement__region")
        decision = get_object_or_404(rows, pk=pk)
        try:
            require_agent(decision, mandate, at=timezone.now())
        except RefusedError as refusal:
            raise PermissionDenied(str(refusal)) from refusal
        return view(request, decision, **kwargs)

    return guarded


def _originals(decision: Decision, mandate: Mandate) -> Any:
    """The originals of the mandate's authority, without their bytes."""
    rows = PaperOriginal.objects.filter(decision=decision, capacity=mandate.capacity or "").defer("scan")
    return rows.select_related(
        "filed_by__user", "filed_by__authority", "confirmed_by__user", "rejected_by__user", "signatory__user"
    ).order_by("-pk")


def _original(request: HttpRequest, decision: Decision, original: int) -> PaperOriginal:
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    row: PaperOriginal = get_object_or_404(_originals(decision, mandate), pk=original)
    row.decision = decision
    return row


@agents_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, decision: Decision) -> HttpResponse:
    """Say how a decision is signed by hand, show what was filed, and file a scan."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    may_sign = signatories(decision, mandate, at=now)
    form = FilePaperForm(request.POST or None, request.FILES or None, signatories=may_sign)
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data.pop("scan")
        try:
            file_original(
                decision=decision, mandate=mandate, name=sent.name, scan=sent.read(), at=now, **form.cleaned_data
            )
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request,
                "L’original est déposé. Un autre agent de votre autorité le confirme : il vaudra alors signature.",
            )
            return redirect("paper", decision.pk)
    originals = list(_originals(decision, mandate))
    signature = decision.signatures.filter(capacity=mandate.capacity or "").first()
    context = {
        "decision": decision,
        "form": form,
        "originals": originals,
        "signature": signature,
        "capacity": Capacity(mandate.capacity or "").label,
        "may_file": decision.state == DecisionState.PROPOSED
        and signature is None
        and all(row.rejected_at for row in originals),
    }
    return render(request, "territories/paper.html", context)


@agents_only
@require_safe
def printable(_request: HttpRequest, decision: Decision) -> HttpResponse:
    """Give the original to print: the content and its hash, with a block for each signatory."""
    name = f'inline; filename="original-{decision.pk}.pdf"'
    return HttpResponse(
        render_original(decision), content_type="application/pdf", headers={"Content-Disposition": name}
    )


@agents_only
@never_cache
@require_safe
def paper_scan(request: HttpRequest, decision: Decision, original: int) -> HttpResponse:
    """Give a filed scan, byte for byte as it is kept, to the agents of its authority."""
    row = _original(request, decision, original)
    return HttpResponse(
        bytes(row.scan),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="original-{decision.pk}-signe.pdf"'},
    )


@agents_only
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def paper_original(request: HttpRequest, decision: Decision, original: int) -> HttpResponse:
    """Compare a scan with the content, and confirm it with a fresh code: it is then a signature."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    row = _original(request, decision, original)
    form = ConfirmPaperForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        read = {
            "original": row,
            "mandate": mandate,
            "content_hash": form.cleaned_data["content_hash"],
            "printed": form.cleaned_data["printed"],
            "at": now,
        }
        try:
            check_confirmation(**read)
            confirm_code(user=request.user, code=form.cleaned_data["code"])  # type: ignore[arg-type]
            signed = confirm_original(**read)
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            whole = signed.state == DecisionState.SIGNED
            done = "toutes les signatures sont réunies." if whole else "elle attend encore l’autre signature."
            messages.success(request, f"L’original est confirmé : il vaut signature de la décision ; {done}")
            return redirect("paper", decision.pk)
        row = _original(request, decision, original)
    context = {
        "decision": decision,
        "original": row,
        "form": form,
        "reject": RejectPaperForm(),
        "mine": row.filed_by.user_id == mandate.user_id,
    }
    return render(request, "territories/paper_original.html", context)


@require_POST
@agents_only
def paper_reject(request: HttpRequest, decision: Decision, original: int) -> HttpResponse:
    """Set aside a scan that does not read the content, and say why."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    row = _original(request, decision, original)
    try:
        reject_original(original=row, mandate=mandate, reason=request.POST.get("reason", ""), at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("paper-original", decision.pk, row.pk)
    messages.success(request, "L’original est écarté. Un autre peut être déposé.")
    return redirect("paper", decision.pk)
