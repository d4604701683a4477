"""The blank form in PDF, from the forms of the tasks themselves: what is asked on paper is what is asked on screen."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from labelling.choices import CriterionKind
from labelling.documents.blank_form import render_blank_form
from labelling.forms.hours import SLOTS
from labelling.forms.steps import FORMS
from labelling.models import Criterion, Specification
from labelling.rules.answers import DAYS, HALF_DAYS, Answers, Closure, Member, OtherSite, Stop
from labelling.rules.asked_pieces import asked_pieces
from labelling.rules.steps import TO_FILL, Step
from labelling.services.specifications import criteria_of, in_force

KEPT = 86_400
"""Seconds during which the same bytes are given: anybody may ask for them."""

# One row of each kind, so that the forms give its fields.
_ONE_OF_EACH = Answers(
    sites=(OtherSite("", "", "0", ""),),
    stops=(Stop("", "0", "", "mon", "", ""),),
    closures=(Closure(date.min, date.min),),
    team=(Member("nurse"),),
)


@login_not_required
@require_safe
def blank_form(_request: HttpRequest) -> HttpResponse:
    """Give the form of the version in force, to be prepared on paper."""
    today = timezone.localdate()
    specification = in_force(today)
    if specification is None:
        raise Http404
    key = f"blank-form-{specification.pk}-{today}"
    pdf = cache.get(key)
    if pdf is None:
        pdf = render_blank_form(specification, tasks_of(specification), at=timezone.now())
        cache.set(key, pdf, KEPT)
    name = f'inline; filename="candidature-formulaire-vierge-{specification.version}.pdf"'
    return HttpResponse(pdf, content_type="application/pdf", headers={"Content-Disposition": name})


def tasks_of(specification: Specification) -> list[Mapping[str, Any]]:
    """Return the tasks with what they ask, in the order of the screens."""
    criteria = criteria_of(specification)
    return [
        {
            "number": number,
            "title": step.title,
            "question": step.question,
            "criteria": [_criterion(row) for row in criteria if row.rule in step.rules],
            "blocks": _blocks(step, criteria),
        }
        for number, step in enumerate(TO_FILL, start=1)
    ]


def _criterion(row: Criterion) -> dict[str, Any]:
    return {
        "title": row.title,
        "text": row.text,
        "pieces": [piece.text for piece in asked_pieces(row.evidence_asked)],
    }


def _blocks(step: Step, criteria: Iterable[Criterion]) -> list[dict[str, Any]]:
    form = FORMS[step.slug](None, answers=Answers() if step.slug == "tarifs" else _ONE_OF_EACH)
    match step.slug:
        case "horaires":
            return _of_hours(form)
        case "equipe":
            return [_table(form, "Professionnels", "m0_", rows=8, left_out="_h"), _halves()]
        case "engagements":
            return [
                _block(form.fields[row.parameters["answer"]])
                for row in criteria
                if row.kind == CriterionKind.COMMITMENT
            ]
        case _:
            return [_block(field) for field in form.fields.values()]


def _block(field: forms.Field) -> dict[str, Any]:
    said = {"label": str(field.label), "help": str(field.help_text or "")}
    if isinstance(field, forms.ChoiceField):
        return {"kind": "choice", "options": [str(label) for value, label in field.choices if value], **said}
    if isinstance(field, forms.BooleanField):
        return {"kind": "box", **said}
    return {"kind": "text" if isinstance(field.widget, forms.Textarea) else "line", **said}


def _of_hours(form: forms.Form) -> list[dict[str, Any]]:
    week = {
        "kind": "table",
        "label": "Horaires du site principal",
        "help": "Heures d’ouverture et de fermeture ; laissez vide ce qui est fermé.",
        "head": ["Jour", *SLOTS],
        "first": [name.capitalize() for name in DAYS.values()],
        "rows": 0,
    }
    return [
        week,
        _table(form, "Autres sites", "site_0_", rows=3, only=("name", "address", "commune")),
        _block(form.fields["mobile"]),
        _table(form, "Tournées, une ligne par passage", "stop_0_", rows=6),
        _table(form, "Fermetures annoncées", "closure_0_", rows=3),
    ]


def _table(
    form: forms.Form, title: str, prefix: str, *, rows: int, only: Iterable[str] = (), left_out: str = ""
) -> dict[str, Any]:
    names = [name.removeprefix(prefix) for name in form.fields if name.startswith(prefix)]
    shown = [
        name for name in names if (not only or name in only) and not (left_out and f"_{name}".startswith(left_out))
    ]
    # « Fermeture 1, premier jour » : the row is said by the table.
    labels = [str(form.fields[f"{prefix}{name}"].label).removeprefix("Fermeture 1, ") for name in shown]
    head = [capfirst(label) for label in labels]
    return {"kind": "table", "label": title, "help": "", "head": head, "first": [], "rows": rows}


def _halves() -> dict[str, Any]:
    return {
        "kind": "table",
        "label": "Demi-journées de présence",
        "help": "Cochez, pour chaque personne, le matin et l’après-midi (a.-m.).",
        "head": ["Nom", *(_short(name) for name in HALF_DAYS)],
        "first": [],
        "rows": 8,
    }


def _short(half_day: str) -> str:
    """« samedi après-midi » → « Sam a.-m. »: thirteen columns share the width of a page."""
    day, half = half_day.split()
    return f"{day[:3].capitalize()} {half.replace('après-midi', 'a.-m.')}"
