"""The form to prepare on paper: what each task asks, with room to write."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from francesante.lib.french import long_date
from francesante.lib.pdf import render_pdf
from labelling.models import Specification

TEMPLATE = Path(__file__).with_name("blank_form.typ")


def render_blank_form(specification: Specification, tasks: list[Mapping[str, Any]], *, at: datetime) -> bytes:
    """Return the PDF; each of the ``tasks`` has its title, its question, its criteria and its blocks."""
    data = {"specification": specification.version, "printed": long_date(at), "tasks": tasks}
    return render_pdf(TEMPLATE, data, at=at)
