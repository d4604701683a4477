"""The calendar: what the public reads of it, where each wave stands for agents, and the pages of the national team."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from francesante.lib.french import long_date, plural, typeset
from francesante.lib.workflow import RefusedError, StaleError
from labelling.forms.calendar import MAX_TABLE, QuotaForm, QuotaTableForm, WaveForm
from labelling.models import Quota, Wave
from labelling.readers.quota_table import QuotaTable, QuotaTableError, decode, read_quota_table
from labelling.services import calendar as service
from labelling.services.reviews import is_insider
from labelling.services.shares import (
    Pace,
    departements_of_mandate,
    pace_of_nation,
    pace_of_wave,
    shares,
    waiting_list,
)
from labelling.views.chronicle import chronicle_of_wave
from labelling.views.national import national
from labelling.views.posted import posted_number
from territories.choices import Role
from territories.models import Mandate

CHART_WIDTH, CHART_HEIGHT = 440, 130
"""Units of the SVG of a burn-down; small ones, so that its text stays readable on a telephone."""


@login_not_required
@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Show the waves, their targets and ceilings, and the rule of the waiting list."""
    waves = list(Wave.objects.order_by("number"))
    ceilings = Quota.objects.filter(ceiling__isnull=False).select_related("wave", "departement")
    context = {
        "waves": [(wave, days_of(wave)) for wave in waves],
        "today": timezone.localdate(),
        "ceilings": ceilings.order_by("-wave__number", "departement__sort_key"),
    }
    return render(request, "labelling/calendar/public.html", context)


def days_of(wave: Wave) -> str:
    """Return the first and last days of a wave in words."""
    first, until = wave.period.lower, wave.period.upper
    if until is None:
        return f"À partir du {long_date(first)}"
    return f"Du {long_date(first)} au {long_date(until - timedelta(days=1))}"


# For agents --------------------------------------------------------------------------------------------------------


def _acting(request: HttpRequest) -> Mandate:
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise PermissionDenied(
            "Le suivi des vagues est ouvert aux agents et aux observateurs habilités. Le calendrier public est sur la page "
            "« Calendrier et places »."
        )
    return mandate


def _trail(wave: Wave | None = None) -> list[tuple[str, str]]:
    trail = [("Pilotage", reverse("steering")), ("Calendrier", reverse("calendar-steering"))]
    return [*trail, (f"Vague {wave.number}", reverse("wave", args=[wave.number]))] if wave else trail


@require_safe
def calendar_steering(request: HttpRequest) -> HttpResponse:
    """Show the waves and the pace towards the national target."""
    mandate = _acting(request)
    today = timezone.localdate()
    found = pace_of_nation(on=today)
    context = {
        "waves": [(wave, days_of(wave)) for wave in Wave.objects.order_by("-number")],
        "today": today,
        "goal": found[0] if found else None,
        "pace": found[1] if found else None,
        "chart": burn_chart(found[1]) if found else None,
        "national": mandate.role == Role.NATIONAL,
        "trail": _trail()[:1],
    }
    return render(request, "labelling/calendar/index.html", context)


@require_safe
def wave(request: HttpRequest, number: int) -> HttpResponse:
    """Show where a wave stands in each département of the territory acted for, its pace, and who waits for a place."""
    mandate = _acting(request)
    found = get_object_or_404(Wave, number=number)
    today = timezone.localdate()
    departements = list(departements_of_mandate(mandate))
    code = request.GET.get("dep", "")
    chosen = next((row for row in departements if row.pk == code), None)
    if code and chosen is None:
        raise Http404
    pace = pace_of_wave(found, [chosen] if chosen else departements, on=today)
    insider = is_insider(mandate)
    context = {
        "wave": found,
        "days": days_of(found),
        "today": today,
        "territory": str(chosen) if chosen else mandate.territory_name,
        "departements": departements,
        "chosen": chosen,
        "pace": pace,
        "chart": burn_chart(pace),
        "shares": shares(found, departements, on=today),
        "insider": insider,
        "waiting": waiting_list(found, departements) if insider else [],
        "national": mandate.role == Role.NATIONAL,
        "chronicle": chronicle_of_wave(found) if mandate.role == Role.NATIONAL else [],
        "trail": _trail(),
    }
    return render(request, "labelling/calendar/wave.html", context)


def burn_chart(pace: Pace) -> dict[str, Any] | None:
    """Return the bars of a burn-down in SVG units: what remains to the target after each week; nothing before a wave."""
    if not pace.weeks or not pace.target:
        return None
    step = CHART_WIDTH / len(pace.weeks)
    unit = CHART_HEIGHT / pace.target
    bars = []
    for rank, week in enumerate(pace.weeks):
        x, height = round(rank * step), round(week.remaining * unit)
        width = max(round((rank + 1) * step) - x - 2, 1)
        bars.append({"x": x, "y": CHART_HEIGHT - height, "width": width, "height": height})
    return {"bars": bars, "width": CHART_WIDTH, "height": CHART_HEIGHT, "weeks": pace.weeks[::-1]}


# The national team -------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def wave_new(request: HttpRequest) -> HttpResponse:
    """Add a wave."""
    mandate = national(request)
    last = Wave.objects.order_by("number").last()
    form = (
        WaveForm(request.POST)
        if request.method == "POST"
        else WaveForm(initial={"number": last.number + 1 if last else 1})
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = service.create_wave(fields=form.values(), mandate=mandate, at=timezone.now())
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, f"La vague {made.number} est au calendrier. Donnez maintenant leur part aux départements."
            )
            return redirect("wave", made.number)
    context = {"form": form, "wave": None, "trail": _trail()}
    return render(request, "labelling/calendar/wave_form.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def wave_edit(request: HttpRequest, number: int) -> HttpResponse:
    """Change a wave."""
    mandate = national(request)
    found = get_object_or_404(Wave, number=number)
    form = WaveForm(request.POST) if request.method == "POST" else WaveForm.of(found)
    stale = False
    if request.method == "POST" and form.is_valid():
        version = posted_number(request, "version")
        try:
            service.change_wave(wave=found, fields=form.values(), mandate=mandate, version=version, at=timezone.now())
        except StaleError:
            form.add_error(
                None, "Cette vague a changé pendant que vous y travailliez. Votre saisie est gardée ci-dessous."
            )
            stale = True
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"La vague {found.number} est enregistrée.")
            return redirect("wave", found.number)
        found = get_object_or_404(Wave, pk=found.pk)
    context = {"form": form, "wave": found, "trail": _trail(found)}
    status = 409 if stale else 422 if form.errors else 200
    return render(request, "labelling/calendar/wave_form.html", context, status=status)


@require_POST
def wave_open(request: HttpRequest, number: int) -> HttpResponse:
    """Give their quota to the départements that have none."""
    mandate = national(request)
    found = get_object_or_404(Wave, number=number)
    made = service.open_quotas(wave=found, mandate=mandate, at=timezone.now())
    messages.success(
        request,
        typeset(
            f"{made} quota{plural(made)} créé{plural(made)} : plancher {found.departement_floor}, cible "
            f"{found.departement_target}, aucun plafond."
        ),
    )
    return redirect("wave", found.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def quota_edit(request: HttpRequest, number: int, code: str) -> HttpResponse:
    """Change the share of a département."""
    mandate = national(request)
    quota = get_object_or_404(
        Quota.objects.select_related("wave", "departement"), wave__number=number, departement=code
    )
    form = QuotaForm(request.POST) if request.method == "POST" else QuotaForm.of(quota)
    stale = False
    if request.method == "POST" and form.is_valid():
        version = posted_number(request, "version")
        fields = form.cleaned_data
        try:
            service.change_quota(quota=quota, fields=fields, mandate=mandate, version=version, at=timezone.now())
        except StaleError as error:
            form.add_error(None, str(error))
            stale = True
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Le quota de {quota.departement} est enregistré.")
            return redirect(f"{reverse('wave', args=[number])}#dep-{code}")
        quota.refresh_from_db()
    status = 409 if stale else 422 if form.errors else 200
    context = {"form": form, "quota": quota, "trail": _trail(quota.wave)}
    return render(request, "labelling/calendar/quota.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def quota_import(request: HttpRequest, number: int) -> HttpResponse:
    """Read a table of quotas and show what it would do; then, confirmed, apply it."""
    mandate = national(request)
    found = get_object_or_404(Wave, number=number)
    if request.method != "POST":
        return _import_page(request, found, QuotaTableForm())
    if "table" in request.POST:
        return _apply_table(request, found, mandate)
    form = QuotaTableForm(request.POST, request.FILES)
    if not form.is_valid():
        return _import_page(request, found, form, status=422)
    try:
        text = decode(form.cleaned_data["file"].read())
        return _import_page(request, found, QuotaTableForm(), table=read_quota_table(text), text=text)
    except QuotaTableError as error:
        form.add_error("file", str(error))
        return _import_page(request, found, form, status=422)


def _apply_table(request: HttpRequest, found: Wave, mandate: Mandate) -> HttpResponse:
    text = request.POST["table"]
    if len(text) > MAX_TABLE:
        raise BadRequest("Ce tableau est trop long. Rien n’a été enregistré.")
    try:
        table = read_quota_table(text)
    except QuotaTableError as error:
        raise BadRequest(f"{error} Rien n’a été enregistré.") from error
    if table.refused:
        sentence = "Des lignes du tableau sont à corriger : rien n’a été enregistré."
        return _import_page(request, found, QuotaTableForm(), table=table, text=text, refusal=sentence, status=409)
    try:
        changed = service.import_quotas(
            wave=found, rows=table.rows, basis=request.POST.get("basis", ""), mandate=mandate, at=timezone.now()
        )
    except RefusedError as refusal:
        return _import_page(request, found, QuotaTableForm(), table=table, text=text, refusal=str(refusal), status=409)
    messages.success(request, f"{changed} quota{plural(changed)} enregistré{plural(changed)}.")
    return redirect("wave", found.number)


def _import_page(
    request: HttpRequest,
    found: Wave,
    form: QuotaTableForm,
    *,
    table: QuotaTable | None = None,
    text: str = "",
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    plan = service.plan_import(found, table.rows) if table else None
    refused = sorted([*table.refused, *plan.refused], key=lambda row: row.line) if table and plan else []
    context = {
        "wave": found,
        "form": form,
        "refusal": typeset(refusal),
        "plan": plan,
        "refused": [(row.line, typeset(row.reason)) for row in refused],
        "changing": [(line, _changes(line)) for line in plan.changing] if plan else [],
        "table": text,
        "trail": _trail(found),
    }
    return render(request, "labelling/calendar/import.html", context, status=status)


NAMES: Mapping[str, str] = {"floor": "plancher", "target": "cible", "ceiling": "plafond", "ceiling_act": "acte"}


def _changes(line: service.Planned) -> list[tuple[str, str, str]]:
    """Return what a line would change: the name, the value now and the value asked, in words."""
    found = []
    for name, value in line.fields.items():
        before = getattr(line.before, name) if line.before else None
        if line.before is None or before != value:
            found.append((NAMES[name], _word(before), _word(value)))
    return [row for row in found if row[1] != row[2]]


def _word(value: Any) -> str:
    return "aucun" if value is None or value == "" else str(value)
