"""Open data for people: the catalogue, and the page of each dataset."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from indicators.choices import EditionState
from indicators.models import Edition
from indicators.services.datasets import CATALOGUE, LICENCE, LICENCE_URL, SCHEMA_VERSION
from indicators.services.exports import EXCEL, plain
from indicators.services.records import BadQueryError, ask, page

PREVIEW_ROWS = 10
FORMAT_NAMES = {"csv": "CSV", "json": "JSON", "jsonl": "JSON Lines", "geojson": "GeoJSON", "xlsx": "XLSX"}


@login_not_required
@require_safe
def datasets(request: HttpRequest) -> HttpResponse:
    """List the datasets that exist."""
    return render(
        request,
        "indicators/datasets.html",
        {"datasets": [(one, one.changed(), one.rows(timezone.localdate()).count()) for one in CATALOGUE.values()]},
    )


@login_not_required
@require_safe
def dataset(request: HttpRequest, slug: str) -> HttpResponse:
    """Describe a dataset: downloads, preview, dictionary, API, limits, citation. Filters go to every link."""
    found = CATALOGUE.get(slug)
    if found is None:
        raise Http404
    today = timezone.localdate()
    parameters = dict(request.GET.lists())
    refusal = ""
    try:
        question = ask(found, parameters)
    except BadQueryError as error:
        refusal, parameters = str(error), {}
        question = ask(found, {})
    preview = page(question, on=today, size=PREVIEW_ROWS)
    suffix = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
    exports = [
        (label, reverse("api-export", args=[slug, name]) + suffix)
        for name, label in FORMAT_NAMES.items()
        if name in found.formats
    ]
    excel = reverse("api-export", args=[slug, "csv"]) + f"?{urlencode({**parameters, 'dialecte': EXCEL}, doseq=True)}"
    return render(
        request,
        "indicators/dataset.html",
        {
            "dataset": found,
            "changed": found.changed(),
            "count": found.rows(today).count(),
            "today": today,
            "columns": question.columns,
            # As text: the page shows what the files hold, and no number is typeset.
            "rows": [["" if value is None else str(plain(value)) for value in row] for row in preview.rows],
            "refusal": refusal,
            "filtered": bool(parameters),
            "exports": [exports[0], ("CSV pour Excel", excel), *exports[1:]],
            "records_url": request.build_absolute_uri(reverse("api-records", args=[slug]) + suffix),
            "csv_url": request.build_absolute_uri(exports[0][1]),
            "page_url": request.build_absolute_uri(reverse("dataset", args=[slug])),
            "licence": LICENCE,
            "licence_url": LICENCE_URL,
            "schema_version": SCHEMA_VERSION,
            "editions": [] if found.live else Edition.objects.filter(state=EditionState.PUBLISHED).order_by("-quarter"),
        },
    )
