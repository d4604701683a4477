"""Identifiers of structures and professionals: form and key.

Sources: FINESS+ schema (ansforge/finess, 2025-12-11) for the form of FINESS numbers; the Luhn key of FINESS was
verified on published numbers (DOMAIN §4.1). SIREN and SIRET: python-stdnum, which knows the exception of La Poste.
"""

import re

from stdnum import luhn
from stdnum.exceptions import ValidationError
from stdnum.fr import siret as stdnum_siret

_FINESS = re.compile(r"\d[0-9AB]\d{7}")
_CORSICA = str.maketrans("AB", "12")


def clean_finess(text: str) -> str:
    """Return the nine characters of a FINESS number.

    Raises:
        ValueError: French sentence when the form or the key is wrong. Corsican numbers (2A…, 2B…) are not refused
            on their key: the rule of substitution is not published.
    """
    number = re.sub(r"[\s.\u00a0\u202f-]", "", text).upper()
    if not _FINESS.fullmatch(number):
        raise ValueError(f"« {text} » n’est pas un numéro FINESS : il en faut 9 chiffres, par exemple 010000024.")
    if not finess_key_holds(number):
        raise ValueError(
            f"Le numéro FINESS {number} contient une erreur de frappe : sa clé de contrôle ne correspond pas. "
            "Vérifiez-le sur un courrier de l’ARS ou de l’assurance maladie."
        )
    return number


def finess_key_holds(number: str) -> bool:
    """Tell whether the Luhn key of a well-formed FINESS number holds; always true for Corsica (see above)."""
    return number[1] in "AB" or luhn.is_valid(number.translate(_CORSICA))


def clean_siret(text: str) -> str:
    """Return the fourteen digits of a SIRET.

    Raises:
        ValueError: French sentence when the form or the key is wrong.
    """
    try:
        return str(stdnum_siret.validate(re.sub(r"[\u00a0\u202f]", "", text)))
    except ValidationError as error:
        raise ValueError(
            f"« {text} » n’est pas un SIRET valable : il en faut 14 chiffres, dont les derniers forment une clé de "
            "contrôle. Vous le trouvez sur l’avis de situation de l’Insee."
        ) from error
