"""The act in PDF: the signed content, and who signed it, in what capacity, for what service, and when."""

import json
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from francesante.lib.french import NBSP, hash_groups, long_date
from francesante.lib.pdf import render_pdf
from territories.choices import SignatureMeans, SigningAs
from territories.models import Decision, Signature

TEMPLATE = Path(__file__).with_name("decision.typ")


def render_act(decision: Decision, signatures: Sequence[Signature]) -> bytes:
    """Return the PDF of a signed decision; the same decision gives the same bytes.

    Each signature comes with its mandate, authority and département.
    """
    content = json.loads(decision.content)
    zone = ZoneInfo(decision.departement.timezone)
    act_day = decision.signed_at.astimezone(zone).date()  # type: ignore[union-attr]
    data = {
        "number": decision.pk,
        "title": content["title"],
        "authors": content.get("authors", ""),
        "visas": content.get("visas", []),
        "reasons": content.get("reasons", []),
        "articles": content.get("articles", []),
        "authorities": [row["name"] for row in content.get("authorities", [])],
        "date": long_date(act_day),
        "hash": hash_groups(decision.content_hash),
        "verb": "Arrêtent" if len(decision.required) > 1 else "Arrête",
        "signatures": [_printed(signature, zone) for signature in signatures],
    }
    return render_pdf(TEMPLATE, data, at=decision.signed_at)  # type: ignore[arg-type]


def _printed(signature: Signature, zone: ZoneInfo) -> dict[str, str]:
    mandate, at = signature.mandate, signature.signed_at.astimezone(zone)
    by = "" if mandate.signing_as in {"", SigningAs.HOLDER} else f", {mandate.get_signing_as_display()}"
    return {
        "name": signature.signatory_name,
        "title": f"{signature.signatory_title}{by}",
        "service": ", ".join(filter(None, [mandate.authority.name, mandate.authority.service])),
        "act": ", ".join(filter(None, [mandate.signing_act, mandate.signing_publication])),
        "how": (
            f"Signé à la main le {long_date(at.date())}, original papier conservé"
            if signature.means == SignatureMeans.PAPER
            else f"Signé dans le portail France Santé le {long_date(at.date())} à {at.hour}{NBSP}h{NBSP}{at.minute:02}"
        ),
    }
