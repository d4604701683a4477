"""Texts that people write with merge fields, ``{nom_du_champ}``: each is replaced once, and never read again. Pure."""

import re
from collections.abc import Iterable, Mapping

from francesante.lib.french import typeset

_FIELD = re.compile(r"\{([^{}]*)\}")


def fields_in(text: str) -> list[str]:
    """Return the names of the merge fields of a text, in their order."""
    return _FIELD.findall(text)


def mistake_in(text: str, allowed: Iterable[str]) -> str:
    """Return the sentence that says which merge field of a text is unknown, or which brace is alone; or nothing."""
    known = list(allowed)
    for name in fields_in(text):
        if name not in known:
            return typeset(
                f"Le champ de fusion « {{{name}}} » n’existe pas ici. Champs possibles : {', '.join(known)}."
            )
    if re.search(r"[{}]", _FIELD.sub("", text)):
        return "Une accolade est seule : un champ de fusion s’écrit entre deux accolades, par exemple {structure}."
    return ""


def merge(text: str, facts: Mapping[str, str]) -> str:
    """Return a text with its merge fields replaced.

    Raises:
        KeyError: a field has no fact; texts are checked when they are saved.
    """
    return _FIELD.sub(lambda found: facts[found[1]], text)
