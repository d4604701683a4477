"""The page of a file for the readers that neither instruct it nor belong to its structure: caisse, collectivité.

It names nobody, and tells what is decided once the structure was notified: EXPERIENCE §2.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from labelling.choices import CriterionKind, Finding
from labelling.models import Application, CriterionAssessment, Opinion
from labelling.rules.answers import parse
from labelling.rules.clock import local_day
from labelling.rules.criteria import Assessed, assess_all
from labelling.services.clocks import clock_of
from labelling.services.readings import record_reading
from labelling.services.reviews import Line, readable_sheet
from labelling.views.journal import neutral_journal
from labelling.views.worklist_address import place_in_list
from labelling.views.worklist_rows import agent_badge
from territories.choices import Capacity, DecisionKind, Role
from territories.models import Mandate


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """One criterion: what the machine finds, and what each authority held, once the structure was notified."""

    line: Line
    machine: Assessed
    ars: CriterionAssessment | None
    prefecture: CriterionAssessment | None

    @property
    def to_check(self) -> bool:
        """Whether the machine asks for a person's eye."""
        return self.machine.finding != Finding.SEEMS_MET


def outline_page(request: HttpRequest, application: Application, *, elsewhere: Mandate | None) -> HttpResponse:
    """Show the outline of a file loaded by ``with_details``; ``elsewhere`` is a mandate of the reader that may act."""
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    if request.method == "GET":
        record_reading(application=application, mandate=mandate, at=now)
    asked = Opinion.objects.of(mandate).filter(application=application) if mandate.role == Role.PARTNER else ()
    context = {
        "application": application,
        "structure": application.structure,
        "badge": agent_badge(application, mandate, now),
        "clock": clock_of(application, today=local_day(now, application.departement.timezone)),
        "elsewhere": elsewhere,
        "asked": asked,
        "rows": _rows(application, mandate),
        "commitments": _assessed(application, CriterionKind.COMMITMENT),
        "decision": _decision(application),
        "journal": neutral_journal(application),
        "trail": [("Dossiers", reverse("applications"))],
        "place": place_in_list(request, application),
    }
    return render(request, "labelling/review/outline.html", context)


def _rows(application: Application, mandate: Mandate) -> list[OutlineRow]:
    ars_leads = application.lead == Capacity.ARS
    lines = readable_sheet(application, mandate)
    return [
        OutlineRow(line, machine, *((line.lead, line.other) if ars_leads else (line.other, line.lead)))
        for line, machine in zip(lines, _assessed(application, CriterionKind.CRITERION), strict=True)
    ]


def _assessed(application: Application, kind: CriterionKind) -> list[Assessed]:
    rows = application.specification.of_kind(kind)
    return assess_all(rows, parse(application.answers), structure_kind=application.structure.kind)


def _decision(application: Application) -> dict[str, Any] | None:
    """Return the sense of the decision and its day, once the structure was notified. Why a refusal is not told here."""
    decision = application.decision
    if decision is None:
        return None
    notified = [row.notified_at for row in decision.notifications.all() if row.notified_at]
    if not notified:
        return None
    return {"granted": decision.kind == DecisionKind.LABEL_GRANTED, "notified_at": min(notified)}
