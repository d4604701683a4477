"""Who takes a joint act, as the act and its letter name them: « le préfet de l’Hérault », not its préfecture. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from francesante.lib.french import joined, with_article
from territories.choices import Capacity

_PREFECTURE = "Préfecture "


def author(capacity: str, name: str) -> str:
    """Return who acts in a capacity for an authority; an authority without a name leaves the title of the capacity."""
    if capacity == Capacity.PREFET:
        return signatory(capacity, name)
    return f"le directeur général de {with_article(name)}" if name else f"le {Capacity(capacity).label}"


def signatory(capacity: str, name: str) -> str:
    """Return the authority of a capacity as a letter names it: « l’ARS Occitanie », « le préfet de l’Hérault »."""
    if capacity == Capacity.PREFET:
        return f"le préfet {name.removeprefix(_PREFECTURE)}" if name.startswith(_PREFECTURE) else "le préfet"
    return with_article(name)


def authors(capacities: Iterable[str], names: Mapping[str, str]) -> str:
    """Return the line of an act that names its authors, before its visas; ``names`` are authorities', by capacity."""
    said = joined([author(capacity, names.get(capacity, "")) for capacity in sorted(capacities)])
    return f"{said[:1].upper()}{said[1:]},"


def signatories(authorities: Iterable[Mapping[str, Any]]) -> str:
    """Return, as the beginning of a sentence, the authorities that a signed content names."""
    said = joined([signatory(row["capacity"], row["name"]) for row in authorities]) or "l’ARS et la préfecture"
    return said[:1].upper() + said[1:]
