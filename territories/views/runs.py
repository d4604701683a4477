"""What the pages of an act on several rows have in common: handing it to a worker, and showing how far it is."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh
from kombu.exceptions import OperationalError

from francesante.celery import app as celery_app
from territories.models import Run
from territories.services.runs import KEPT, Progress


def hand_over(task: str, run: Run) -> None:
    """Give a run to a worker. Without broker it waits: the worker also looks each minute for what nobody began."""
    try:
        celery_app.signature(task, kwargs={"run": run.pk}).apply_async(retry=False)
    except OperationalError:
        return


def run_context(run: Run, progress: Progress, *, unit: str) -> dict[str, Any]:
    """Return what every page of a run shows; ``unit`` is the French word for one row, which takes an s."""
    return {"run": run, "progress": progress, "unit": unit, "kept_until": timezone.localdate(run.created_at + KEPT)}


def polled(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    """Return what htmx asks for each two seconds: the progress, then the whole page once done; nothing to a browser."""
    if not request.htmx:  # type: ignore[attr-defined]
        return None
    if context["run"].finished_at:
        return HttpResponseClientRefresh()
    return render(request, "components/_progress.html", context)
