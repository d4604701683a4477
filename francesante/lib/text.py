"""Text as people type it and as lists sort it."""

import re
import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def sort_key(text: str) -> str:
    """Return ``text`` as it is sorted and searched: lower case, without accents, words parted by single spaces.

    Ligatures are spelt out; apostrophes, hyphens and any other sign count as a space:
    « L’Haÿ-les-Roses » gives ``l hay les roses``, « Œuilly » gives ``oeuilly``.
    """
    letters = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    unaccented = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.split(r"[\W_]+", unaccented)).strip()
