"""Several decisions of the parapheur signed with one code: what is read before, how far it is, and what became of each."""

import json
from datetime import date
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from territories.choices import RunResult
from territories.forms import SelectionForm
from territories.models import Decision, Mandate, SignatureRun
from territories.services.accounts import confirm_code
from territories.services.decisions import FAVOURABLE, Summary, summaries_of
from territories.services.runs import progress_of
from territories.services.selections import (
    AT_ONCE,
    MOST_DECISIONS,
    carry_out_selection,
    check_selection,
    start_selection,
)
from territories.views.parapheur import about_of, on_paper, others_of, said_of, signatories_only, with_signatures
from territories.views.runs import hand_over, polled, run_context

TASK = "territories.tasks.sign_selection"
LONGEST_KEY = 18
"""Figures of a key that the database holds for sure."""


@signatories_only
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def selection(request: HttpRequest) -> HttpResponse:
    """Read several favourable decisions by their operative articles, and sign them with one code.

    The address holds the selection: ``?d=12&d=15``, or ``?tout=1`` for all those that wait; ``sauf=15`` takes one out. The
    form sends back each key with the hash that was shown.
    """
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    form = SelectionForm(request.POST or None, initial={"key": uuid4()})
    if request.method == "POST" and form.is_valid() and (answer := _signed(request, mandate, form)):
        return answer
    whole, keys, out = "tout" in request.GET, _keys(request.GET.getlist("d")), _keys(request.GET.getlist("sauf"))
    waiting = Decision.objects.awaiting(mandate).filter(kind__in=FAVOURABLE).exclude(pk__in=out)
    found = waiting if whole else waiting.filter(pk__in=keys)
    rows = list(with_signatures(found).order_by("proposed_at", "pk")[:MOST_DECISIONS])
    summaries = summaries_of(rows, at=timezone.now())
    waiting_on_paper = on_paper(rows, mandate)
    rows.sort(key=lambda row: summaries.get(row.pk, Summary()).due or date.max)  # as the parapheur lists them
    context = {
        "rows": [
            {
                "decision": row,
                "about": about_of(row, summaries),
                "content": json.loads(row.content),
                "others": others_of(row, mandate.capacity or ""),
                "on_paper": row.pk in waiting_on_paper,
            }
            for row in rows
        ],
        "query": request.GET.urlencode(),
        "left_out": 0 if whole else len(keys - out) - len(rows),
        "beyond": found.count() - len(rows) if len(rows) == MOST_DECISIONS else 0,
        "most": MOST_DECISIONS,
        "form": form,
    }
    return render(request, "territories/selection.html", context)


def _keys(values: list[str]) -> set[int]:
    return {int(key) for key in values if key.isdecimal() and len(key) <= LONGEST_KEY}


def _signed(request: HttpRequest, mandate: Mandate, form: SelectionForm) -> HttpResponse | None:
    """Start signing what was shown, and go to what becomes of it; nothing when the code is not right, which the form says.

    What can no longer be signed leads back to the parapheur, which tells why.
    """
    pairs = [value.partition(":") for value in request.POST.getlist("shown")]
    shown = {int(key): content_hash for key, _, content_hash in pairs if _keys([key])}
    key = form.cleaned_data["key"]
    sent_before = SignatureRun.objects.of(request.user).filter(key=key)
    if run := sent_before.first():
        return redirect(run)
    try:
        check_selection(shown, mandate)
    except RefusedError as refusal:
        messages.warning(request, typeset(str(refusal)))
        return redirect("parapheur")
    try:
        confirm_code(user=request.user, code=form.cleaned_data["code"])  # type: ignore[arg-type]
        run = start_selection(key=key, shown=shown, mandate=mandate, at=timezone.now())
    except RefusedError as refusal:
        # Sent twice at once, the code of one has served the other.
        if run := sent_before.first():
            return redirect(run)
        form.add_error("code", str(refusal))
        return None
    if len(shown) > AT_ONCE:
        hand_over(TASK, run)
    else:
        carry_out_selection(run=run)
    return redirect(run)


@signatories_only
@never_cache
@require_safe
def selection_run(request: HttpRequest, run: int) -> HttpResponse:
    """Show how far a selection is, then what became of each decision. While it runs, htmx asks again every two seconds."""
    row = get_object_or_404(SignatureRun.objects.of(request.user), pk=run)
    progress = progress_of(row)
    context = {**run_context(row, progress, unit="décision"), "said": said_of(row, progress)}
    if answer := polled(request, context):
        return answer
    outcomes = list(row.outcomes.exclude(result=RunResult.WAITING).order_by("-result", "pk"))
    seen = with_signatures(Decision.objects.for_user(request.user))
    decisions = seen.in_bulk([outcome.decision_id for outcome in outcomes])
    summaries = summaries_of(list(decisions.values()), at=timezone.now())
    context["outcomes"] = [
        {"decision": decision, "about": about_of(decision, summaries), "refusal": outcome.sentence}
        for outcome in outcomes
        if (decision := decisions.get(outcome.decision_id))
    ]
    return render(request, "territories/selection_run.html", context)
