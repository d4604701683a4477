"""A client of « API Recherche d’entreprises », the public search of the Annuaire des entreprises (Sirene, by Insee).

Format: its OpenAPI description (annuaire-entreprises-data-gouv-fr/search-api). Only what is needed is asked: neither
directors nor accounts ever come. Who asked Insee not to be shown (« diffusion partielle ») is not read at all.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from francesante.lib.outbound import OutboundError, ask_json

_SHOWN = "O"
_HIDDEN = "[NON-DIFFUSIBLE]"
_CLOSED = "F"
_TOWN = re.compile(r"[\s,]+(\d{5})\s+\D*$")
"""The end of an address: its postal code and its town."""


@dataclass(frozen=True, slots=True)
class Establishment:
    """One establishment, as the Annuaire describes it.

    Attributes:
        shown: false when its holder asked not to be shown: everything else but the SIRET is then empty.
        commune: INSEE code.
        activity: NAF code, « 86.21Z ».
        finess: the FINESS numbers that the Annuaire knows of it.
        closed_on: last day, when the Annuaire says it.
    """

    siret: str
    shown: bool
    name: str = ""
    address: str = ""
    postal_code: str = ""
    commune: str = ""
    activity: str = ""
    latitude: float | None = None
    longitude: float | None = None
    finess: tuple[str, ...] = ()
    closed: bool = False
    closed_on: date | None = None


def find_establishment(base: str, siret: str) -> Establishment | None:
    """Return the establishment of a SIRET, or nothing when the Annuaire does not know it.

    Raises:
        OutboundError: no answer, or one of another form.
    """
    # Exactly 14 digits: the service then looks the number up, and does not search texts.
    asked = {"q": siret, "minimal": "true", "include": "siege,matching_etablissements", "per_page": "1"}
    answer = ask_json(f"{base.rstrip('/')}/search", asked)
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise OutboundError("annuaire: another form of answer")
    for unit in answer["results"]:
        if isinstance(unit, dict):
            for row in [*_rows(unit.get("matching_etablissements")), *_rows([unit.get("siege")])]:
                if row.get("siret") == siret:
                    return _establishment(siret, unit, row)
    return None


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _establishment(siret: str, unit: dict[str, Any], row: dict[str, Any]) -> Establishment:
    statuses = {unit.get("statut_diffusion", _SHOWN), row.get("statut_diffusion_etablissement", _SHOWN)}
    name = next(filter(None, [*_texts(row.get("liste_enseignes")), _text(row, "nom_commercial")]), "") or _text(
        unit, "nom_complet"
    )
    address = _text(row, "adresse")
    if statuses != {_SHOWN} or _HIDDEN in {name, address}:
        return Establishment(siret, shown=False)
    town = _TOWN.search(address)
    point = _number(row, "latitude"), _number(row, "longitude")
    return Establishment(
        siret,
        shown=True,
        name=name,
        address=address[: town.start()] if town else address,
        postal_code=_text(row, "code_postal") or (town[1] if town else ""),
        commune=_text(row, "commune"),
        activity=_text(row, "activite_principale"),
        latitude=None if None in point else point[0],
        longitude=None if None in point else point[1],
        finess=tuple(_texts(row.get("liste_finess"))),
        closed=_text(row, "etat_administratif") == _CLOSED,
        closed_on=_day(_text(row, "date_fermeture")),
    )


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    return [" ".join(text.split()) for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _number(row: dict[str, Any], key: str) -> float | None:
    # They come as texts.
    try:
        number = float(_text(row, key))
    except ValueError:
        return None
    return number if -180 <= number <= 180 else None  # noqa: PLR2004 -- degrees


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
