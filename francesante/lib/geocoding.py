"""A client of the geocoder of the Géoplateforme, over the Base Adresse Nationale: a text, and the address it means.

Format: that of addok (GeoCodeJSON), https://data.geopf.fr/geocodage/openapi.
"""

from dataclasses import dataclass
from typing import Any

from francesante.lib.outbound import OutboundError, ask_json

GOOD_SCORE = 0.6
"""Score from which an address is commonly held to be the one meant (DOMAIN §4)."""
LONGEST = 200
"""Characters of a question: the service refuses longer ones."""
_MUNICIPALITY = "municipality"


@dataclass(frozen=True, slots=True)
class Address:
    """The address that a text most likely means.

    ``commune``: INSEE code, that of the arrondissement in Paris, Lyon and Marseille; ``score``: from 0 to 1.
    """

    label: str
    score: float
    commune: str
    latitude: float
    longitude: float
    is_commune: bool

    @property
    def is_good(self) -> bool:
        """Whether it may stand for what was written."""
        return self.score >= GOOD_SCORE


def geocode(base: str, text: str) -> Address | None:
    """Return the likeliest address of a text, nothing when none answers.

    Raises:
        OutboundError: no answer, or one of another form.
    """
    asked = {"q": " ".join(text.split())[:LONGEST], "limit": "1", "index": "address", "autocomplete": "0"}
    answer = ask_json(f"{base.rstrip('/')}/search", asked)
    if not isinstance(answer, dict) or not isinstance(answer.get("features"), list):
        raise OutboundError("geocoder: another form of answer")
    return _address(answer["features"][0]) if answer["features"] else None


def _address(feature: Any) -> Address:
    try:
        longitude, latitude = feature["geometry"]["coordinates"][:2]
        properties = feature["properties"]
        found = Address(
            label=str(properties["label"]),
            score=float(properties["score"]),
            commune=str(properties["citycode"]),
            latitude=float(latitude),
            longitude=float(longitude),
            is_commune=properties.get("type") == _MUNICIPALITY,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OutboundError("geocoder: another form of answer") from error
    if not (0 <= found.score <= 1 and -90 <= found.latitude <= 90 and -180 <= found.longitude <= 180):  # noqa: PLR2004
        raise OutboundError("geocoder: no score or point that can be")
    return found
