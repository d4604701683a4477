"""FINESS+, the daily JSON that replaced the national extract in spring 2026: some 750 MB, read item by item.

Root: ``schemaVersion``, ``generatedAt``, ``pmej`` (legal entities), each with its ``ege`` (establishments, one row each);
``gco`` and ``gcc`` (groups) are passed over. Source: schema v1.0.0 (ansforge/finess, 2025-12-11), which the feed does not
follow to the letter: names of fields differ in their capitals, and a code is a letter where the schema has an object.
So names are compared without capitals, codes are read in either form, an absent value stays empty and an unknown field
is passed over. An establishment that cannot be read is refused with its rank and number; too many of them, or a file cut
short, and nothing is imported.
"""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import ijson

from labelling.readers.coordinates import point_of
from labelling.readers.files import opened_utf8
from labelling.readers.register_rows import RefusedLine, RegisterFileError, RegisterRow

MAX_BROKEN = 200
"""Establishments that may be unreadable before the file as a whole is held to be of another form."""
HEAD = 1 << 16
PLACE = "03"
"""Use of the address where care is given; 02 is the seat, 06 the reception."""
PUBLIC_CONTACT = "01"
INACTIVE = "I"

_GENERATED = re.compile(rb'"generatedAt"\s*:\s*"(\d{4}-\d\d-\d\d)')
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_POSTAL = re.compile(r"\d{5}")
_COMMUNE = re.compile(r"\d[0-9AB]\d{3}")


class _UnreadableError(Exception):
    """An establishment has not the form of one; the message says what is wrong."""


def read_finess_plus(path: Path) -> Iterator[RegisterRow | RefusedLine]:
    """Yield the establishments of the feed, and those that cannot be read.

    Raises:
        RegisterFileError: no JSON, cut short, without ``pmej``, or with too many unreadable establishments.
    """
    as_of, rank, broken = _generated_on(path), 0, 0
    with opened_utf8(path) as stream:
        try:
            for entity in ijson.items(stream, "pmej.item", use_float=True):
                for establishment in _establishments(entity):
                    rank += 1
                    try:
                        yield _row(rank, _lowered(entity), establishment, as_of)
                    except _UnreadableError as error:
                        broken += 1
                        yield RefusedLine(rank, str(error))
                    if broken > MAX_BROKEN:
                        raise RegisterFileError(
                            f"Plus de {MAX_BROKEN} établissements de {path.name} sont illisibles : le format a sans doute "
                            f"changé. Le dernier, n° {rank}."
                        )
        except (ijson.JSONError, UnicodeDecodeError) as error:
            where = f"après {rank} établissements" if rank else "dès le début"
            raise RegisterFileError(
                f"{path.name} est tronqué ou abîmé {where} : téléchargez-le à nouveau. Rien n’a été importé."
            ) from error
    if not rank:
        raise RegisterFileError(f"{path.name} ne contient aucun établissement : ce n’est pas un fichier FINESS+.")


def _generated_on(path: Path) -> date | None:
    with opened_utf8(path) as stream:
        found = _GENERATED.search(stream.read(HEAD))
    return _day(found[1].decode()) if found else None


def _establishments(entity: Any) -> list[Any]:
    """Return the establishments of a legal entity: none is not an error, another form counts for one, unreadable."""
    if not isinstance(entity, Mapping):
        return [entity]
    found = _lowered(entity).get("ege")
    return found if isinstance(found, list) else [found] if found else []


def _row(rank: int, entity: Mapping[str, Any], establishment: Any, as_of: date | None) -> RegisterRow:
    if not isinstance(establishment, Mapping):
        raise _UnreadableError("ce n’est pas un établissement")
    whole = _lowered(establishment)
    general, legal = _part(whole, "informationsgeneralesege"), _part(entity, "informationsgeneralespmej")
    number = _text(general, "numfinessege")
    said = f"FINESS {number}" if number else "établissement sans numéro FINESS"
    name = _text(general, "nomegelong") or _text(general, "nomegecourt") or _text(legal, "denominationlonguepmsmsse")
    if not number:
        raise _UnreadableError(f"{said} ({name or 'sans nom'})")
    address = _chosen(whole, "adresse", "usageadresse", PLACE)
    commune = _text(address, "cogcommune").upper()
    if not _COMMUNE.fullmatch(commune):
        raise _UnreadableError(f"{said} : commune « {commune} » absente ou malformée")
    point = point_of(_pairs(_part(address, "coordonneesgeographique")), commune)
    contact = _part(_chosen(whole, "contact", "typecontact", PUBLIC_CONTACT), "telecom")
    closed_on = _day(_text(general, "datefermeture"))
    closed = closed_on is not None and (as_of is None or closed_on <= as_of)
    postal = _text(address, "codepostal")
    return RegisterRow(
        line=rank,
        register="finess",
        number=number,
        name=name,
        category=_code(whole.get("categorieentitegeographiqueexercice")),
        category_label="",
        address=_street(address),
        postal_code=postal if _POSTAL.fullmatch(postal) else "",
        commune=commune,
        legal_number=_text(legal, "numfinesspm"),
        siret=_text(whole, "siret") or _text(general, "siret"),
        phone=_phone(_text(contact, "telephone")) or None,
        email=_text(contact, "courriel") or None,
        latitude=point[0] if point else None,
        longitude=point[1] if point else None,
        closed=closed or _code(whole.get("etatobjet")) == INACTIVE,
        closed_on=closed_on if closed else None,
        as_of=as_of,
    )


def _lowered(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in mapping.items()}


def _part(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = mapping.get(name)
    return _lowered(value) if isinstance(value, Mapping) else {}


def _chosen(mapping: Mapping[str, Any], name: str, use: str, preferred: str) -> dict[str, Any]:
    """Return the item of a list whose use is the preferred one, else the first."""
    value = mapping.get(name)
    items = [_lowered(item) for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    return next((item for item in items if _code(item.get(use)) == preferred), items[0] if items else {})


def _code(value: Any) -> str:
    """Return a code, written as a text, as an object with its system, or as the only item of a list."""
    if isinstance(value, list):
        return _code(value[0]) if value else ""
    if isinstance(value, Mapping):
        lowered = _lowered(value)
        return _code(lowered.get("code") or lowered.get("rolecontact"))
    return str(value).strip() if isinstance(value, str | int) else ""


def _text(mapping: Mapping[str, Any], name: str) -> str:
    value = mapping.get(name)
    if not isinstance(value, str | int):
        return ""
    return " ".join(_UNPRINTABLE.sub(" ", html.unescape(str(value))).split())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _pairs(coordinates: Mapping[str, Any]) -> list[tuple[object, object]]:
    return [
        (coordinates.get("coordonneex"), coordinates.get("coordonneey")),
        (coordinates.get("directionlongitude"), coordinates.get("directionlatitude")),
    ]


def _street(address: Mapping[str, Any]) -> str:
    street = " ".join(filter(None, (_text(address, name) for name in ("numerovoie", "typevoie", "libellevoie"))))
    rest = [_text(address, name) for name in ("complementvoie", "complementpointgeographique", "lieudit")]
    return ", ".join(filter(None, [street or _text(address, "lignequatre"), *rest]))


def _phone(text: str) -> str:
    """Return the first number when there are several."""
    return re.split(r"[/;,]", text)[0].strip()
