"""Identifiers of structures and professionals: form and key.

Sources: FINESS+ schema (ansforge/finess, 2025-12-11) for the form of FINESS numbers; the Luhn key of FINESS was
verified on published numbers (DOMAIN §4.1). SIREN and SIRET: python-stdnum, which knows the exception of La Poste.
"""

import re

from stdnum import luhn
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fr import nir as stdnum_nir
from stdnum.fr import siret as stdnum_siret

_FINESS = re.compile(r"\d[0-9AB]\d{7}")
_CORSICA = str.maketrans("AB", "12")
_RPPS = re.compile(r"8?\d{11}")
RPPS_DIGITS = 11
_GAP = r"[ .\-\u00a0\u202f\n]{0,2}"
_NIR = re.compile(
    # By its groups, as cards and forms print it; or digit by digit, as the boxes of a form are read.
    rf"(?<!\d)[1-478]{_GAP}\d\d{_GAP}\d\d{_GAP}(?:\d\d|2[AaBb]){_GAP}\d{{3}}{_GAP}\d{{3}}{_GAP}\d\d(?!\d)"
    r"|(?<!\d)[1-478](?:\s\d){4}\s(?:\d\s\d|2\s[AaBb])(?:\s\d){8}(?!\d)"
)

NIR_REFUSED = (
    "Ce texte semble contenir un numéro de sécurité sociale. Le portail n’accepte aucune donnée de patient\u00a0: rien n’a été "
    "enregistré. Retirez ce numéro, puis recommencez."
)
"""What is said of a text in which :func:`holds_nir` finds one."""


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


def rpps_warning(text: str) -> str:
    """Return the sentence to show beside a RPPS number that looks wrong, or nothing: it never prevents anything.

    Eleven digits, the last of which is a Luhn key (held on the one published test number, DOMAIN §4.1: a general rule
    that is not published, hence a warning). The national identification of a professional is written 8 and the RPPS.
    """
    number = re.sub(r"[\s.\u00a0\u202f-]", "", text)
    if not number or _RPPS.fullmatch(number):
        number = number[-RPPS_DIGITS:]
        return "" if not number or luhn.is_valid(number) else "Vérifiez ce RPPS : sa clé de contrôle ne correspond pas."
    return f"Vérifiez ce RPPS : il compte d’ordinaire {RPPS_DIGITS} chiffres."


def clean_siret(text: str) -> str:
    """Return the fourteen digits of a SIRET.

    Raises:
        ValueError: French sentence when the form or the key is wrong.
    """
    try:
        return str(stdnum_siret.validate(re.sub(r"[\u00a0\u202f]", "", text)))
    except InvalidChecksum as error:
        raise ValueError(
            f"Le SIRET {text} contient une erreur de frappe : sa clé de contrôle ne correspond pas. Vérifiez-le sur l’avis de "
            "situation de l’Insee."
        ) from error
    except ValidationError as error:
        raise ValueError(
            f"« {text} » n’est pas un SIRET valable : il en faut 14 chiffres, dont les derniers forment une clé de "
            "contrôle. Vous le trouvez sur l’avis de situation de l’Insee."
        ) from error


def holds_nir(text: str) -> bool:
    """Tell whether a text holds a social security number (NIR) whose key is right.

    A number without its key, or with a mistyped one, is not recognised: any 13 digits would be.
    """
    return any(stdnum_nir.is_valid(re.sub(r"[^0-9ABab]", "", found)) for found in _NIR.findall(text))
