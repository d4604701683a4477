"""The parapheur: what awaits a signatory, read in full, signed or not."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import plural, typeset
from francesante.lib.text import sort_key
from francesante.lib.workflow import RefusedError
from territories.choices import Capacity, DecisionKind, DecisionState
from territories.forms import DeclineForm, SignForm
from territories.models import Decision, Mandate, PaperOriginal, Signature, SignatureOutcome, SignatureRun
from territories.services.accounts import confirm_code
from territories.services.decisions import (
    FAVOURABLE,
    Summary,
    after_decline,
    check_content,
    decline_decision,
    may_sign,
    sign_decision,
    sources_of,
    summaries_of,
)
from territories.services.mandates import signatories_beside
from territories.services.runs import Progress, progress_by_run

RECENT = timedelta(days=30)

_WORDS = {
    DecisionKind.LABEL_GRANTED: ("label", "labels"),
    DecisionKind.LABEL_REFUSED: ("refus", "refus"),
    DecisionKind.LABEL_ABROGATED: ("abrogation", "abrogations"),
    DecisionKind.LABEL_WITHDRAWN: ("retrait", "retraits"),
    DecisionKind.LABEL_SUSPENDED: ("suspension", "suspensions"),
    DecisionKind.LABEL_REINSTATED: ("levée de suspension", "levées de suspension"),
    DecisionKind.GRANT_AWARDED: ("attribution", "attributions"),
    DecisionKind.APPEAL_REJECTED: ("rejet de recours", "rejets de recours"),
    DecisionKind.APPEAL_ACCEPTED: ("recours accueilli", "recours accueillis"),
}

View = Callable[..., HttpResponse]


def signatories_only(view: View) -> View:
    """Open a page to signatories: 404 to who acts for no authority, 403 to agents without the right to sign."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
        if mandate is None:
            raise Http404
        if "pk" in kwargs and not Decision.objects.for_user(request.user).filter(pk=kwargs["pk"]).exists():
            raise Http404
        if mandate.capacity is None or not mandate.can_sign:
            raise PermissionDenied(
                "Le parapheur est réservé aux signataires : l’habilitation avec laquelle vous agissez ne donne pas le droit de "
                "signer."
            )
        return view(request, *args, **kwargs)

    return guarded


def with_signatures(decisions: QuerySet[Decision]) -> QuerySet[Decision]:
    """Load with decisions all that a list says of them, but their PDF."""
    return (
        decisions.defer("pdf").select_related("departement__region").prefetch_related("signatures__mandate__authority")
    )


def others_of(decision: Decision, capacity: str) -> list[dict[str, Any]]:
    """Return the other required capacities, with their signature if they gave it."""
    given = {signature.capacity: signature for signature in decision.signatures.all()}
    return [
        {"label": Capacity(other).label, "signature": given.get(other)}
        for other in decision.required
        if other != capacity
    ]


def on_paper(decisions: Iterable[Decision], mandate: Mandate) -> set[int]:
    """Return the keys of the decisions whose paper original, in the capacity of a mandate, waits to be confirmed."""
    originals = PaperOriginal.objects.pending().filter(decision__in=decisions, capacity=mandate.capacity)
    return set(originals.values_list("decision", flat=True))


DEFAULT_SORT = "echeance"
_COLUMNS = (
    ("decision", "Décision"),
    ("sens", "Sens"),
    ("criteres", "Critères"),
    ("ecarts", "Écarts"),
    ("autre", "Autre signature"),
    ("vague", "Vague"),
    ("echeance", "Échéance"),
    ("depuis", "Depuis"),
)
"""Columns of the list by their name in the address, with their words."""

_KEYS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "decision": lambda row: sort_key(row["decision"].title),
    "sens": lambda row: row["decision"].get_kind_display(),
    "criteres": lambda row: row["summary"].criteria,
    "ecarts": lambda row: row["summary"].gaps,
    "autre": lambda row: sum(other["signature"] is None for other in row["others"]),
    "vague": lambda row: row["summary"].place,
    "echeance": lambda row: row["summary"].due or date.max,
    "depuis": lambda row: row["decision"].proposed_at,
}
"""What each column is sorted by; rows that are equal stay from the oldest to the most recent."""


def _columns(sort: str) -> list[dict[str, str]]:
    """Return the columns, each with the address that sorts by it and how it is sorted now."""
    return [
        {
            "name": name,
            "label": label,
            "url": f"?tri={'-' if sort == name else ''}{name}",
            "sorted": {name: "ascending", f"-{name}": "descending"}.get(sort, ""),
        }
        for name, label in _COLUMNS
    ]


@signatories_only
@require_safe
def parapheur(request: HttpRequest) -> HttpResponse:
    """Show what awaits the acting mandate, what it signed lately, and who else may sign."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    sort = request.GET.get("tri", "")
    sort = sort if sort.removeprefix("-") in _KEYS else DEFAULT_SORT
    awaiting = list(with_signatures(Decision.objects.awaiting(mandate)).order_by("proposed_at", "pk"))
    signed = list(
        Signature.objects.filter(mandate=mandate, signed_at__gte=now - RECENT)
        .select_related("decision")
        .defer("decision__pdf")
        .prefetch_related("decision__signatures")
        .order_by("-signed_at", "-pk")
    )
    waiting_on_paper = on_paper(awaiting, mandate)
    summaries = summaries_of([*awaiting, *(signature.decision for signature in signed)], at=now)
    rows = [
        {
            "decision": decision,
            "about": about_of(decision, summaries),
            "summary": summaries.get(decision.pk, Summary()),
            "others": others_of(decision, mandate.capacity or ""),
            "favourable": decision.kind in FAVOURABLE,
            "on_paper": decision.pk in waiting_on_paper,
            "days": (timezone.localdate(now) - timezone.localdate(decision.proposed_at)).days,
        }
        for decision in awaiting
    ]
    rows.sort(key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    by_kind = Counter(decision.kind for decision in awaiting)
    runs = list(SignatureRun.objects.of(request.user).order_by("-pk"))
    progress = progress_by_run(SignatureOutcome.objects.filter(run__in=runs))
    context = {
        "rows": rows,
        "counts": [f"{by_kind[kind]} {_WORDS[kind][by_kind[kind] > 1]}" for kind in _WORDS if by_kind[kind]],
        "columns": _columns(sort),
        "sorted_by": next(label for name, label in _COLUMNS if name == sort.removeprefix("-")).lower(),
        "oldest": max((row["days"] for row in rows), default=None),
        "favourable": sum(row["favourable"] for row in rows),
        "in_force": mandate.may_sign(now),
        "signed": [
            {
                "decision": row.decision,
                "signed_at": row.signed_at,
                "about": about_of(row.decision, summaries),
                "awaits": [
                    f"le {other['label']}" for other in others_of(row.decision, row.capacity) if not other["signature"]
                ],
            }
            for row in signed
        ],
        "runs": [(run, said_of(run, progress.get(run.pk, Progress()))) for run in runs],
        "delegations": signatories_beside(mandate, on=timezone.localdate(now)),
    }
    return render(request, "territories/parapheur.html", context)


def said_of(run: SignatureRun, progress: Progress) -> str:
    """Say what became of a selection; it is also the title of its page, where the progress is told apart."""
    if run.finished_at is None:
        return "Signature en cours"
    s, not_s = plural(progress.done), plural(progress.not_done)
    said = f"{progress.done} décision{s} signée{s}" if progress.done else "Aucune décision signée"
    return f"{said}, {progress.not_done} non signée{not_s}" if progress.not_done else said


def about_of(decision: Decision, summaries: Mapping[int, Summary]) -> str:
    """Return what tells a decision from another of the same title; its département when nothing says more."""
    return summaries.get(decision.pk, Summary()).about or str(decision.departement)


def _page_of(decision: Decision, mandate: Mandate) -> dict[str, Any]:
    now = timezone.now()
    signatures = list(decision.signatures.all())
    sources = sources_of(decision)
    return {
        "decision": decision,
        "content": json.loads(decision.content),
        "signatures": signatures,
        "others": others_of(decision, mandate.capacity or ""),
        "same_content": all(signature.content_hash == decision.content_hash for signature in signatures),
        "may_sign": may_sign(decision, mandate, at=now),
        "original": PaperOriginal.objects.pending().filter(decision=decision, capacity=mandate.capacity).first(),
        "concerned": mandate.capacity in decision.required and mandate.covers(decision.departement),
        "refusals": list(decision.signature_refusals.select_related("mandate__authority", "mandate__user")),
        "replacement": Decision.objects.filter(replaces=decision).first(),
        "after_decline": typeset(after_decline(decision.kind)),
        "sources": [source for source in sources if not source.is_piece],
        "pieces": [source for source in sources if source.is_piece],
    }


@signatories_only
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the full text of a decision, and sign it with a fresh code."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    row = get_object_or_404(with_signatures(Decision.objects.for_user(request.user)), pk=pk)
    form = SignForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (answer := _signed(request, row, mandate, form)):
        return answer
    return render(request, "territories/decision.html", {**_page_of(row, mandate), "form": form})


def _signed(request: HttpRequest, row: Decision, mandate: Mandate, form: SignForm) -> HttpResponse | None:
    """Sign and go back to the list; nothing when the code is not right, which the form then says.

    A decision that is no longer to be signed is shown again as it is now, and why.
    """
    content_hash, now = form.cleaned_data["content_hash"], timezone.now()
    try:
        check_content(decision=row, mandate=mandate, content_hash=content_hash, at=now)
        try:
            confirm_code(user=request.user, code=form.cleaned_data["code"])  # type: ignore[arg-type]
        except RefusedError as refusal:
            form.add_error("code", str(refusal))
            return None
        signed = sign_decision(decision=row, mandate=mandate, content_hash=content_hash, at=now)
    except RefusedError as refusal:
        messages.warning(request, typeset(str(refusal)))
        return redirect("decision", row.pk)
    if signed.state == DecisionState.SIGNED:
        done = "vous avez signé, et toutes les signatures sont réunies : la décision est prise."
    else:
        done = "vous avez signé. La décision attend encore l’autre signature."
    messages.success(request, typeset(f"{row.title} : {done}"))
    return redirect("parapheur")


@signatories_only
@require_http_methods(["GET", "HEAD", "POST"])
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that one does not sign, and why: the file goes to concertation."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    row = get_object_or_404(with_signatures(Decision.objects.for_user(request.user)), pk=pk)
    form = DeclineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            decline_decision(decision=row, mandate=mandate, reason=form.cleaned_data["reason"], at=timezone.now())
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, f"{row.title} : vous n’avez pas signé. Votre motif est transmis. {after_decline(row.kind)}"
            )
            return redirect("parapheur")
    context = {
        "decision": row,
        "form": form,
        "may_sign": may_sign(row, mandate, at=timezone.now()),
        "after_decline": typeset(after_decline(row.kind)),
    }
    return render(request, "territories/decline.html", context)


@require_safe
def decision_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the act in PDF to the agents of its territory, once it is signed and rendered."""
    row = get_object_or_404(Decision.objects.for_user(request.user), pk=pk, pdf__isnull=False)
    return HttpResponse(
        bytes(row.pdf or b""),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="decision-{row.pk}.pdf"', "ETag": f'"{row.pdf_hash}"'},
    )
