"""The calendar of the demonstration: four waves, and the quotas of the 101 départements.

The portal ships the three waves of the letter. No text gives the share of the second and third by département, nor a
fourth wave: theirs is invented, and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db.backends.postgresql.psycopg_any import DateRange

from labelling.models import Quota, Wave
from territories.models import Departement

LETTER = "Lettre M_ADT/2025-10/32526 d’octobre 2025, points 4 et 5"
INVENTED_SHARE = f"{LETTER} ; répartition par département inventée pour la démonstration"
CEILING_ACT = "décision n° 0 de l’équipe nationale (inventée pour la démonstration)"


@dataclass(frozen=True, slots=True)
class PlannedWave:
    """A wave: its period, ``until`` excluded, and the floor and target that it adds in each département."""

    number: int
    name: str
    since: date
    until: date
    floor: int
    target: int
    national_target: int | None
    source: str


WAVES = (
    PlannedWave(1, "Premières labellisations", date(2025, 11, 1), date(2026, 1, 1), 10, 15, None, LETTER),
    PlannedWave(2, "Vague de mars 2026", date(2026, 3, 1), date(2026, 4, 1), 0, 3, None, INVENTED_SHARE),
    PlannedWave(3, "Projets des zones sous-dotées", date(2026, 4, 1), date(2026, 9, 1), 0, 2, 2_000, INVENTED_SHARE),
    PlannedWave(4, "Vague de l’automne 2026", date(2026, 9, 1), date(2027, 1, 1), 0, 4, 5_000, INVENTED_SHARE),
)
OPEN_WAVE = WAVES[-1]


def create_calendar(ceilings: Mapping[str, int]) -> None:
    """Create the waves and their quotas; ``ceilings`` gives the rare ceilings of the open wave, by département."""
    departements = list(Departement.objects.in_order())
    for planned in WAVES:
        wave, _ = Wave.objects.update_or_create(
            number=planned.number,
            defaults={
                "name": planned.name,
                "period": DateRange(planned.since, planned.until),
                "national_target": planned.national_target,
                "departement_floor": planned.floor,
                "departement_target": planned.target,
                "legal_source": planned.source,
            },
        )
        capped = ceilings if planned is OPEN_WAVE else {}
        Quota.objects.bulk_create(
            [
                Quota(
                    wave=wave,
                    departement=departement,
                    floor=planned.floor,
                    target=planned.target,
                    ceiling=capped.get(departement.pk),
                    ceiling_act=CEILING_ACT if departement.pk in capped else "",
                )
                for departement in departements
            ]
        )
