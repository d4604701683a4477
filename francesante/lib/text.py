"""Text as people type it and as lists sort it."""

import re
import unicodedata

_LOWER = frozenset("à au aux d de des du en et l la le les lès lez ou par pour près sous sur".split())
_UPPER = frozenset(
    "APHM APHP ARS CDS CDPS CH CHI CHR CHRU CHS CHU CMS CPTS CSAPA CSP EHPAD ESP GCS GHT GIE HAD HIA HL IDE MDS MMG MSA MSP "
    "MSPU PASS PSLA SA SARL SAS SCM SCP SEL SELARL SELAS SISA SMUR SSR UDSMA UGECAM USLD VYV ZA ZAC ZI".split()
)
_COMMON = {
    sort_word: word
    for word in (
        "allée antenne avenue boulevard cabinet centre chemin clinique communal communautaire consultations dentaire "
        "garde hôpital hospitalier infirmier infirmiers intercommunal local maison médical médicale médico mutualiste municipal "
        "pharmacie place pluridisciplinaire pluriprofessionnel pluriprofessionnelle pôle polyclinique polyvalent polyvalente "
        "privé public régional route rue rural santé site social soins universitaire"
    ).split()
    for sort_word in (
        "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter)).upper(),
        word.upper(),
    )
} | {
    "ALL": "allée",
    "AV": "avenue",
    "BD": "boulevard",
    "CHE": "chemin",
    "CTRE": "centre",
    "PL": "place",
    "R": "rue",
    "RTE": "route",
}
"""Common nouns and adjectives of the field, and of addresses, by the capitals that stand for them."""
_ROMAN = re.compile(r"(?=[IVX])(X{0,3})(IX|IV|V?I{0,3})")
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def sort_key(text: str) -> str:
    """Return ``text`` as it is sorted and searched: lower case, without accents, words parted by single spaces.

    Ligatures are spelt out; apostrophes, hyphens and any other sign count as a space:
    « L’Haÿ-les-Roses » gives ``l hay les roses``, « Œuilly » gives ``oeuilly``.
    """
    letters = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    unaccented = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.split(r"[\W_]+", unaccented)).strip()


def readable(text: str) -> str:
    """Return a name or an address that a register writes in capitals as people write it; any other as it is.

    « MAISON DE SANTE DE L'ILE » gives ``Maison de santé de l’Ile``: acronyms of the field and Roman numerals stay, small and
    common words go down. The accents of other words, which the register lost, cannot be found again.
    """
    if not text.isupper():
        return text
    words = re.split(r"([\W_]+)", text.replace("'", "’"))
    return "".join(_cased(word, opens=position == 0) for position, word in enumerate(words))


def _cased(word: str, *, opens: bool) -> str:
    if word in _UPPER or _ROMAN.fullmatch(word) or any(character.isdigit() for character in word):
        return word
    lower = _COMMON.get(word, word.lower())
    return lower if not opens and (word in _COMMON or lower in _LOWER) else lower.capitalize()
