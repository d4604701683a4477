"""The original to print, sign by hand and scan: the content to be signed, its hash on each page, a block by signatory."""

import json
from pathlib import Path

from francesante.lib.french import hash_groups, long_date
from francesante.lib.pdf import render_pdf
from territories.choices import Capacity
from territories.models import Decision

TEMPLATE = Path(__file__).with_name("original.typ")


def render_original(decision: Decision) -> bytes:
    """Return the PDF to sign by hand; the same decision gives the same bytes."""
    content = json.loads(decision.content)
    data = {
        "number": decision.pk,
        "title": content.get("title") or decision.title,
        "authors": content.get("authors", ""),
        "visas": content.get("visas", []),
        "reasons": content.get("reasons", []),
        "articles": content.get("articles", []),
        "authorities": [row["name"] for row in content.get("authorities", [])],
        "proposed": long_date(decision.proposed_at),
        "hash": hash_groups(decision.content_hash),
        "capacities": [Capacity(capacity).label for capacity in decision.required],
        "verb": "Arrêtent" if len(decision.required) > 1 else "Arrête",
    }
    return render_pdf(TEMPLATE, data, at=decision.proposed_at)
