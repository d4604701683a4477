"""What the Annuaire des entreprises answers of an establishment, as a row of a register."""

from datetime import date

from francesante.lib.annuaire import Establishment
from labelling.choices import Register, StructureKind
from labelling.readers.register_rows import RegisterRow

KIND_OF_ACTIVITY = {"86.21Z": StructureKind.CABINET}
"""Activities that propose a type; the person says the type all the same: nothing tells a médicobus."""
LABEL_OF_ACTIVITY = {
    "47.73Z": "Commerce de détail de produits pharmaceutiques en magasin spécialisé",
    "86.10Z": "Activités hospitalières",
    "86.21Z": "Activité des médecins généralistes",
    "86.22A": "Activités de radiodiagnostic et de radiothérapie",
    "86.22B": "Activités chirurgicales",
    "86.22C": "Autres activités des médecins spécialistes",
    "86.23Z": "Pratique dentaire",
    "86.90A": "Ambulances",
    "86.90B": "Laboratoires d’analyses médicales",
    "86.90D": "Activités des infirmiers et des sages-femmes",
    "86.90E": "Activités des professionnels de la rééducation, de l’appareillage et des pédicures-podologues",
    "86.90F": "Activités de santé humaine non classées ailleurs",
}
"""Activities of care in the NAF rév. 2 (Insee, 2008)."""


def row_of(found: Establishment, *, as_of: date) -> RegisterRow:
    """Return an establishment that may be shown as a row, of the day when it was answered."""
    return RegisterRow(
        line=1,
        register=Register.ANNUAIRE,
        number=found.siret,
        name=found.name,
        category=found.activity,
        category_label=LABEL_OF_ACTIVITY.get(found.activity, ""),
        address=found.address,
        postal_code=found.postal_code,
        commune=found.commune,
        siret=found.siret,
        latitude=found.latitude,
        longitude=found.longitude,
        kind=KIND_OF_ACTIVITY.get(found.activity),
        closed=found.closed,
        closed_on=found.closed_on,
        as_of=as_of,
    )
