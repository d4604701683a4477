"""« Et si la version n s’appliquait ? », for the national team: counts, changed files, export. Nothing is written."""

import csv
from collections.abc import Iterator
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from labelling.choices import ApplicationState
from labelling.forms.specifications import WhatIfForm
from labelling.models import Application, Specification
from labelling.rules.badges import OPEN
from labelling.services import whatif
from labelling.views.national import national


@never_cache
@require_safe
def specification_trial(request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """Try a version, draft or published, on the files chosen."""
    national(request)
    specification = get_object_or_404(Specification, pk=pk)
    form = WhatIfForm(request.GET)
    kept = form.kept()
    files = _files(request, kept)
    if request.GET.get("export") == "csv":
        return _csv(files, specification)
    asked = request.GET.get("page", "1")
    page = max(int(asked), 1) if asked.isdecimal() else 1
    outcome = whatif.trial(files, specification, page=page)
    pages = max(-(-outcome.changes // whatif.PAGE), 1)
    context = {
        "specification": specification,
        "form": WhatIfForm(initial=kept),
        "outcome": outcome,
        "tallies": sorted(outcome.tallies.values(), key=lambda tally: -tally.changed),
        "page": page,
        "pages": pages,
        "previous": f"?{urlencode({**kept, 'page': page - 1})}" if page > 1 else "",
        "next": f"?{urlencode({**kept, 'page': page + 1})}" if page < pages else "",
        "export": f"?{urlencode({**kept, 'export': 'csv'})}",
        "states": dict(ApplicationState.choices),
        "trail": [
            ("Pilotage", reverse("steering")),
            ("Versions du cahier des charges", reverse("specifications")),
        ],
    }
    return render(request, "labelling/specification/trial.html", context)


def _files(request: HttpRequest, kept: dict[str, str]) -> QuerySet[Application]:
    files = Application.objects.for_user(request.user).exclude(state=ApplicationState.DRAFT)
    territory, state = kept.get("territory", ""), kept.get("state", "")
    if territory.startswith("r"):
        files = files.filter(departement__region=territory[1:])
    elif territory:
        files = files.filter(departement=territory)
    if state in ApplicationState.values:
        return files.filter(state=state)
    return files if state else files.filter(state__in=list(OPEN))


class _Line:
    """What the csv module writes to, and the answer streams: one line at a time."""

    def write(self, text: str) -> str:
        return text


def _csv(files: QuerySet[Application], specification: Specification) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        writer = csv.writer(_Line(), delimiter=";")
        yield "\ufeff"
        yield writer.writerow(
            [
                "Dossier",
                "Structure",
                "Département",
                "État",
                "Critère",
                "Constat actuel",
                "Constat essayé",
                "Explication",
            ]
        )
        for change in whatif.changes(files, specification):
            yield writer.writerow(
                [
                    change.file["number"],
                    _text(change.file["structure__name"]),
                    change.file["departement"],
                    ApplicationState(change.file["state"]).label,
                    _text(change.title),
                    change.before_words,
                    change.after_words,
                    change.sentence,
                ]
            )

    name = f"essai-{specification.version}-{timezone.localdate().isoformat()}.csv"
    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _text(value: str) -> str:
    """Return a cell that a spreadsheet takes for a text, never for a formula."""
    return f"'{value}" if value[:1] in "=+-@\t\r" else value
