"""Tagged PDF (PDF/UA-1) from a Typst template and data. No text of a person ever becomes Typst source."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst


def render_pdf(template: Path, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """Compile ``template`` and return the PDF.

    The template reads its data as ``json(bytes(sys.inputs.data))``, sets its title and its language, and gives each
    image a description: otherwise PDF/UA refuses it. Files next to the template may be imported. Only the fonts that
    come with Typst are used, so that the same data and the same ``at`` give the same bytes on every machine.

    Args:
        template: a ``.typ`` file.
        data: anything JSON can hold; dates as the text to print.
        at: instant written in the file as its creation date.

    Raises:
        typst.TypstError: the template is wrong, or its data lack a key.
    """
    pdf: bytes = typst.compile(
        str(template),
        root=str(template.parent),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards="ua-1",
        timestamp=int(at.timestamp()),
    )
    return pdf
