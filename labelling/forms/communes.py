"""The commune that a person writes, by its name or its postal code."""

from francesante.lib.french import typeset
from territories.models import Commune


def in_words(name: str, code: str) -> str:
    """Return a commune as a form shows it, and as :func:`commune_meant` reads it."""
    return f"{name} ({code})"


def commune_meant(text: str) -> Commune:
    """Return the one commune that a text means.

    Raises:
        ValueError: several or none, in a French sentence that says what to write.
    """
    found = list(Commune.objects.search(text, 4).select_related("departement"))
    exact = [commune for commune in found if commune.rank == 0]  # type: ignore[attr-defined]
    if len(exact) == 1 or len(found) == 1:
        return (exact or found)[0]
    if not found:
        raise ValueError(typeset(f"Aucune commune ne répond à « {text} » : essayez son code postal."))
    names = ", ".join(f"{commune.name} ({commune.departement_id})" for commune in found)
    raise ValueError(typeset(f"Plusieurs communes répondent à « {text} » : écrivez par exemple {names}."))
