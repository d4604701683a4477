"""The accusé de réception of an application, in PDF: what CRPA, articles L. 112-3 and R. 112-5, asks it to say."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.conf import settings

from francesante.lib.french import long_date, typeset
from francesante.lib.pdf import render_pdf
from labelling.models import Application
from labelling.rules.clock import appeal_deadline, local_day, silence_date
from territories.models import Authority

TEMPLATE = Path(__file__).with_name("receipt.typ")


def render_receipt(application: Application, authorities: Sequence[Authority]) -> bytes:
    """Return the PDF for a submitted application, with the services in charge; needs structure and département."""
    submitted_at = application.submitted_at
    if submitted_at is None:
        raise ValueError("an application that is not submitted has no receipt")
    # As the delay ran on that day: what has put it off since then is not the receipt's.
    until = silence_date(submitted_at, timezone=application.departement.timezone, months=settings.SILENCE_MONTHS)
    structure = application.structure
    court = next((row.court for row in reversed(authorities) if row.court), "le tribunal administratif compétent")
    data = {
        "number": application.number,
        "structure": structure.name,
        "place": ", ".join(
            filter(None, [structure.address, f"{structure.postal_code} {structure.commune.name}".strip()])
        ),
        "finess": structure.finess or "",
        "specification": application.specification.version,
        "received": long_date(local_day(submitted_at, application.departement.timezone)),
        "silence": [typeset(sentence) for sentence in _silence(until)],
        "remedies": [typeset(sentence) for sentence in _remedies(until, court)],
        "services": [
            {
                "name": row.name,
                "service": row.service,
                "address": " ".join(row.address.splitlines()),
                "phone": row.phone,
                "email": row.email,
            }
            for row in authorities
        ],
        "consent": application.notification_consent,
    }
    return render_pdf(TEMPLATE, data, at=submitted_at)


def _silence(until: date) -> list[str]:
    return [
        (
            f"Si aucune décision ne vous est notifiée au {long_date(until)}, votre demande sera réputée rejetée (décision "
            "implicite de rejet). Votre dossier restera examiné : il peut encore être accepté après cette date."
        ),
        (
            "Ce délai est suspendu si des pièces indispensables vous sont demandées, jusqu’à leur réception ou jusqu’au "
            "terme fixé pour les produire."
        ),
    ]


def _remedies(until: date, court: str) -> list[str]:
    return [
        (
            "En cas de rejet implicite, vous pouvez demander les motifs de cette décision et, dans les deux mois, soit jusqu’au "
            f"{long_date(appeal_deadline(until))}, la contester : par un recours gracieux adressé aux services ci-dessus, ou "
            f"devant {_article(court)}, notamment par Télérecours citoyens (www.telerecours.fr)."
        ),
        "Un recours gracieux formé dans ce délai le prolonge.",
    ]


def _article(court: str) -> str:
    return court if court.startswith(("le ", "la ")) else f"le {court}"
