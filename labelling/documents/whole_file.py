"""A file in one PDF for the structure: its answers task by task, what the machine finds, its pieces and its history."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from francesante.lib.french import clock_time, long_date, short_date, typeset
from francesante.lib.pdf import render_pdf
from labelling.models import Application
from labelling.rules.conditions import exempt
from labelling.rules.criteria import assess_all
from labelling.rules.steps import TO_FILL
from labelling.rules.words import answers_in_words

TEMPLATE = Path(__file__).with_name("whole_file.typ")


def render_whole_file(
    application: Application, *, state: str, history: Sequence[tuple[datetime, str]], at: datetime
) -> bytes:
    """Return the PDF of a file as its structure knows it; ``state`` and ``history`` are in the structure's words.

    Nothing here tells what the services think: the decision is an act of its own.
    """
    answers = application.said()
    structure = application.structure
    criteria = application.specification.criteria_in_order
    spared = exempt(criteria, structure.kind)
    pieces = application.evidence.of_files().kept().select_related("criterion").order_by("criterion__position", "pk")
    data = {
        "number": application.number,
        "structure": structure.name,
        "place": ", ".join(
            filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()])
        ),
        "finess": structure.finess or "",
        "specification": application.specification.version,
        "state": state,
        "printed": f"{long_date(at)} à {clock_time(at)}",
        "tasks": [
            {"title": step.title, "rows": [list(pair) for pair in answers_in_words(step, answers, spared)]}
            for step in TO_FILL
        ],
        "findings": [
            [str(one.criterion), one.answer or "non renseigné", f"{one.finding.label}. {one.sentence}"]
            for one in assess_all(criteria, answers, structure_kind=structure.kind)
        ],
        "pieces": [
            [row.name, row.criterion.title if row.criterion else "tout le dossier", short_date(row.document_date)]
            for row in pieces
        ],
        "history": [[f"{short_date(when)} à {clock_time(when)}", typeset(sentence)] for when, sentence in history],
    }
    return render_pdf(TEMPLATE, data, at=at)
