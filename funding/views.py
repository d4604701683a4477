"""Pages of money: envelopes, grants, and what a structure receives."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Avg, Count, Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.workflow import RefusedError, StaleError, allows
from funding.choices import GrantState, Origin
from funding.forms import GrantForm, PaymentForm
from funding.models import Envelope, Grant, without_grant
from funding.rules import Equation, Shown, effect_on_rest, shown_to_agents, shown_to_structures
from funding.services.freezes import freeze_of, with_acts
from funding.services.grants import (
    AGENTS,
    cancel_grant,
    check_agent,
    may_pay,
    present_grant,
    propose_grant,
    record_payment,
)
from funding.workflow import TRANSITIONS
from labelling.models import Label, Membership, Suspension
from territories.choices import Capacity, Subject
from territories.models import Departement, Mandate, SignatureRefusal
from territories.services.decisions import may_sign

PAGE_SIZE = 50
ACTIONS = frozenset({"present", "cancel", "pay"})
FIRST_ROWS = 8
"""Rows of a list shown on the summary page, before its own page."""


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One line of a list of grants, with what its state says to this reader."""

    grant: Grant
    shown: Shown


@dataclass(frozen=True, slots=True)
class OriginBlock:
    """The envelopes of one origin and one year; origins are never added together.

    ``total`` and ``average`` are those of the reader's territory; wider envelopes are listed, not added.
    """

    origin: str
    year: int
    envelopes: list[Envelope]
    total: Equation
    granted: int
    average: Decimal | None


# List -------------------------------------------------------------------------------------------------------------


@require_safe
def funding(request: HttpRequest) -> HttpResponse:
    """Envelopes, grants and labels still without one; for a structure, its own grants."""
    mandate = _acting(request)
    if mandate is None:
        return _of_structure(request)
    grants = _grants(request).order_by("-proposed_at", "-pk")
    state = request.GET.get("etat", "")
    if state == GrantState.SUSPENDED:
        # As the label that it follows: computed at a date, never stored.
        frozen = Suspension.objects.filter(label=OuterRef("label"), period__contains=timezone.localdate())
        grants = grants.filter(Exists(frozen), state=GrantState.COMMITTED)
    elif state in GrantState.values:
        grants = grants.filter(state=state)
    labels = (
        without_grant(Label.objects.for_user(request.user).in_force(timezone.localdate()))
        .select_related("structure__commune", "departement")
        .order_by("departement__sort_key", "number")
    )
    view = request.GET.get("vue", "")
    size = PAGE_SIZE if view else FIRST_ROWS
    context: dict[str, Any] = {
        "territory": mandate.territory_name,
        "view": view if view in {"attributions", "labels"} else "",
        "state": state if state in GrantState.values else "",
        "states": GrantState.choices,
        "landmark": settings.GRANT_AVERAGE_LANDMARK,
        "may_propose": _is_agent(request),
    }
    if context["view"] != "labels":
        page = _page(grants, request, size)
        context |= {"grants": page, "grant_rows": _agent_rows(page, request)}
    if context["view"] != "attributions":
        context["labels"] = _page(labels, request, size)
    if not context["view"]:
        context["blocks"] = _blocks(Envelope.objects.for_user(request.user).named(), mandate)
    return render(request, "funding/agents.html", context)


def _grants(request: HttpRequest) -> QuerySet[Grant]:
    grants = Grant.objects.for_user(request.user).named()
    return grants.prefetch_related("decision__signatures", *with_acts("label"))


def _of_structure(request: HttpRequest) -> HttpResponse:
    grants = _grants(request).order_by("-committed_at", "-pk")
    structures = Membership.objects.of(request.user).values("structure")
    labels = without_grant(
        Label.objects.for_user(request.user).filter(structure__in=structures).published().in_force(timezone.localdate())
    )
    rows = [GrantRow(grant, _shown(grant, request)) for grant in grants]
    context = {
        "rows": rows,
        "granted": sum((row.grant.amount for row in rows), Decimal(0)),
        "paid": sum((row.grant.paid for row in rows), Decimal(0)),
        "labels": labels.select_related("structure").order_by("number"),
    }
    return render(request, "funding/structure.html", context)


def _page(rows: QuerySet[Any], request: HttpRequest, size: int) -> Page:
    return Paginator(rows, size).get_page(request.GET.get("page"))


def _blocks(envelopes: QuerySet[Envelope], mandate: Mandate) -> list[OriginBlock]:
    """Group envelopes by origin and year, new credits first; totals stay inside a group and inside the territory."""
    within = [row.pk for row in envelopes if _within(row, mandate)]
    averages = {
        (row["envelope__line__origin"], row["envelope__year"]): row
        for row in Grant.objects.committed()
        .filter(envelope__in=within)
        .values("envelope__line__origin", "envelope__year")
        .annotate(average=Avg("amount"), count=Count("pk"))
    }
    groups: dict[tuple[int, str], list[Envelope]] = {}
    for envelope in envelopes.order_by("line__name", "departement__sort_key", "region__sort_key", "pk"):
        groups.setdefault((envelope.year, envelope.line.origin), []).append(envelope)
    blocks = []
    for (year, origin), members in sorted(groups.items(), key=lambda item: (item[0][1] != Origin.NEW, -item[0][0])):
        measured = averages.get((origin, year), {})
        blocks.append(
            OriginBlock(
                origin=Origin(origin).label,
                year=year,
                envelopes=sorted(members, key=_breadth),
                total=_total(row for row in members if _within(row, mandate)),
                granted=measured.get("count", 0),
                average=measured.get("average"),
            )
        )
    return blocks


def _breadth(envelope: Envelope) -> int:
    """Nation, then régions, then départements; the sort is stable inside each."""
    return 2 if envelope.departement_id else 1 if envelope.region_id else 0


def _within(envelope: Envelope, mandate: Mandate) -> bool:
    """Tell whether an envelope belongs to the territory of a mandate, rather than to a wider one."""
    if mandate.departement_id:
        return envelope.departement_id == mandate.departement_id
    if mandate.region_id:
        region = envelope.departement.region_id if envelope.departement else envelope.region_id
        return region == mandate.region_id
    return True


def _total(envelopes: Iterable[Envelope]) -> Equation:
    """Add envelopes that share an origin, each euro once: what one delegates to another of them is not counted twice."""
    members = {envelope.pk: envelope for envelope in envelopes}
    inside = sum((row.ceiling for row in members.values() if row.parent_id in members), Decimal(0))
    return Equation(
        ceiling=sum((row.ceiling for row in members.values()), Decimal(0)) - inside,
        delegated=sum((row.delegated for row in members.values()), Decimal(0)) - inside,
        reserved=sum((row.reserved for row in members.values()), Decimal(0)),
        committed=sum((row.committed for row in members.values()), Decimal(0)),
    )


def _agent_rows(grants: Iterable[Grant], request: HttpRequest) -> list[GrantRow]:
    return [GrantRow(grant, _shown(grant, request)) for grant in grants]


def _shown(grant: Grant, request: HttpRequest) -> Shown:
    """Return what the state of a grant says to the reader of this request."""
    mandate: Mandate | None = _acting(request)
    freeze = freeze_of(grant.label, timezone.localdate())
    if mandate is None:
        return shown_to_structures(grant.state, amount=grant.amount, paid=grant.paid, freeze=freeze)
    capacities = grant.envelope.line.capacities
    given = {signature.capacity for signature in grant.decision.signatures.all()} if grant.decision else set()
    mine = (
        grant.state == GrantState.AWAITING_SIGNATURES
        and mandate.can_sign
        and mandate.capacity in set(capacities) - given
        and mandate.covers(grant.label.departement)
    )
    missing = ", ".join(Capacity(capacity).label for capacity in capacities if capacity not in given)
    return shown_to_agents(grant.state, amount=grant.amount, paid=grant.paid, missing=missing, mine=mine, freeze=freeze)


# Envelope ---------------------------------------------------------------------------------------------------------


@require_safe
def envelope(request: HttpRequest, pk: int) -> HttpResponse:
    """One envelope: its equation, its grants, its ledger."""
    row = get_object_or_404(Envelope.objects.for_user(request.user).named(), pk=pk)
    grants = _grants(request).filter(envelope=row).order_by("-proposed_at", "-pk")
    movements = row.movements.select_related("grant__label__structure", "mandate__user", "mandate__authority").order_by(
        "-at", "-pk"
    )
    ledger = _page(movements, request, PAGE_SIZE)
    context = {
        "trail": _trail(),
        "envelope": row,
        "equation": Equation(row.ceiling, row.delegated, row.reserved, row.committed),
        "children": Envelope.objects.for_user(request.user)
        .filter(parent=row)
        .named()
        .order_by("departement__sort_key", "region__sort_key"),
        "grant_rows": _agent_rows(grants, request),
        "signatories": _signatories(row),
        "ledger": ledger,
        "lines": [(line, effect_on_rest(line.kind, line.amount)) for line in ledger],
        "visible": set(grants.values_list("pk", flat=True)),
    }
    return render(request, "funding/envelope.html", context)


def _signatories(envelope: Envelope) -> list[str]:
    return [str(Capacity(capacity).label) for capacity in envelope.line.capacities]


# Grant ------------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def grant_new(request: HttpRequest, number: str) -> HttpResponse:
    """Propose a grant to a label."""
    label = get_object_or_404(
        Label.objects.for_user(request.user).select_related("structure__commune", "departement"), number=number
    )
    now = timezone.now()
    mandate = _agent_or_403(request, label.departement, now)
    this_year = timezone.localdate(now).year
    envelopes = (
        Envelope.objects.for_user(request.user)
        .covering(label.departement)
        .filter(year__in=[this_year, this_year + 1])
        .named()
        .order_by("year", F("departement").asc(nulls_last=True), F("region").asc(nulls_last=True), "line__name", "pk")
    )
    form = GrantForm(request.POST or None, envelopes=envelopes)
    if request.method == "POST" and form.is_valid():
        try:
            grant = propose_grant(label=label, mandate=mandate, at=now, **form.cleaned_data)
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, "L’attribution est proposée. Rien n’est réservé avant sa présentation à la signature."
            )
            return redirect(grant)
    others = _grants(request).filter(label=label).order_by("-proposed_at", "-pk")
    measured = (
        Grant.objects.committed()
        .filter(envelope__line__origin=Origin.NEW, envelope__year=this_year, label__departement=label.departement)
        .aggregate(average=Avg("amount"), count=Count("pk"))
    )
    context = {
        "trail": _trail(),
        "label": label,
        "form": form,
        "envelopes": [(row, _signatories(row)) for row in envelopes],
        "other_rows": _agent_rows(others, request),
        "average": measured["average"],
        "granted": measured["count"],
        "landmark": settings.GRANT_AVERAGE_LANDMARK,
        "year": this_year,
    }
    return render(request, "funding/grant_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """One grant: its state, its decision, its payments; and its acts, each a POST with the version that was shown."""
    row = get_object_or_404(
        Grant.objects.for_user(request.user)
        .named()
        .prefetch_related("decision__signatures", *with_acts("label"))
        .select_related("decision", "proposed_by__user", "proposed_by__authority", "label__structure__commune"),
        pk=pk,
    )
    now = timezone.now()
    today = timezone.localdate(now)
    freeze = freeze_of(row.label, today)
    payment_form = PaymentForm(
        request.POST if request.POST.get("action") == "pay" else None,
        initial={} if freeze else {"paid_date": today},
    )
    if request.method == "POST":
        mandate = _agent_or_403(request, row.label.departement, now)
        if _acted(request, row, mandate, payment_form, now):
            return redirect(row)
        row.refresh_from_db()
    context = {
        "trail": _trail(),
        "grant": row,
        "shown": _shown(row, request),
        "envelope": row.envelope,
        "equation": Equation(
            row.envelope.ceiling, row.envelope.delegated, row.envelope.reserved, row.envelope.committed
        ),
        "signatories": _signatories(row.envelope),
        "act": json.loads(row.decision.content) if row.decision else None,
        "signatures": row.decision.signatures.order_by("signed_at") if row.decision else [],
        "declined": _declined(row) if _acting(request) else [],
        "payments": row.payments.order_by("-paid_date", "-pk"),
        "freeze": freeze,
        "payment_form": payment_form,
        **_offers(request, row, now),
    }
    return render(request, "funding/grant.html", context, status=422 if payment_form.errors else 200)


def _acted(request: HttpRequest, row: Grant, mandate: Mandate, payment_form: PaymentForm, now: datetime) -> bool:
    """Do the posted act; tell whether the page should be read again (otherwise its form shows what to correct)."""
    try:
        version = int(request.POST.get("version", ""))
    except ValueError:
        version = 0
    action = request.POST.get("action", "")
    if action not in ACTIONS:
        raise BadRequest("Cet acte n’existe pas. Rien n’a été enregistré.")
    said = ""
    try:
        match action:
            case "present":
                present_grant(grant=row, mandate=mandate, at=now, version=version)
                said = "L’attribution est présentée à la signature et son montant réservé sur l’enveloppe."
            case "cancel":
                cancel_grant(grant=row, mandate=mandate, at=now, version=version)
                said = "L’attribution est annulée. Le label peut recevoir une autre proposition."
            case "pay":
                if not payment_form.is_valid():
                    return False
                record_payment(grant=row, mandate=mandate, at=now, version=version, **payment_form.cleaned_data)
                said = "Le versement est enregistré."
    except RefusedError as refusal:
        if action == "pay" and not isinstance(refusal, StaleError):
            payment_form.add_error(None, str(refusal))
            return False
        messages.error(request, str(refusal))
        return True
    messages.success(request, said)
    return True


def _offers(request: HttpRequest, row: Grant, now: datetime) -> dict[str, bool]:
    """Return the acts that the services would accept from this reader now: what buttons ask."""
    mandate: Mandate | None = _acting(request)
    try:
        hat = check_agent(mandate, row.label.departement, at=now).hat
    except RefusedError:
        return {"can_present": False, "can_cancel": False, "can_pay": False, "can_sign": _signs(row, mandate, now)}
    return {
        "can_present": allows(TRANSITIONS, "present", state=row.state, hat=hat, row=row),
        "can_cancel": allows(TRANSITIONS, "cancel", state=row.state, hat=hat, row=row),
        "can_pay": may_pay(row, mandate, at=now),
        "can_sign": _signs(row, mandate, now),
    }


def _signs(row: Grant, mandate: Mandate | None, now: datetime) -> bool:
    return row.decision is not None and may_sign(row.decision, mandate, at=now)


def _declined(row: Grant) -> list[SignatureRefusal]:
    """Return why signatories declined earlier decisions on this grant, the latest first."""
    return list(
        SignatureRefusal.objects.filter(decision__subject_type=Subject.GRANT, decision__subject_id=row.pk)
        .select_related("mandate__user")
        .order_by("-declined_at", "-pk")
    )


def _acting(request: HttpRequest) -> Mandate | None:
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    return mandate


def _trail() -> list[tuple[str, str]]:
    return [("Financements", reverse("funding"))]


def _is_agent(request: HttpRequest) -> bool:
    mandate = _acting(request)
    return mandate is not None and mandate.hat in AGENTS


def _agent_or_403(request: HttpRequest, departement: Departement, at: datetime) -> Mandate:
    try:
        return check_agent(_acting(request), departement, at=at)
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
