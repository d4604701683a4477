"""The calendar of the letter of October 2025: its campaigns, floors and targets, each with its words.

The letter asks for ten structures by département in its point 4, and fifteen in the calendar of its point 5: both are
kept, as floor and target of the first wave. It gives months: a wave lasts until the last day of the month named.
"""

from datetime import date

from django.db import migrations
from django.db.backends.postgresql.psycopg_any import DateRange

LETTER = "Lettre M_ADT/2025-10/32526 d’octobre 2025"
WAVES = [
    {
        "number": 1,
        "name": "Première vague de labellisation accélérée",
        "period": DateRange(date(2025, 11, 1), date(2026, 1, 1)),
        "departement_floor": 10,
        "departement_target": 15,
        "legal_source": f"{LETTER}, point 4 : « au moins dix structures par département » en six semaines ; point 5, calendrier : "
        "quinze structures par département, décembre 2025.",
    },
    {
        "number": 2,
        "name": "Seconde vague de labellisation",
        "period": DateRange(date(2026, 3, 1), date(2026, 4, 1)),
        "legal_source": f"{LETTER}, point 5, calendrier : seconde vague, environ 1 000 structures, mars 2026. Le texte ne la "
        "répartit pas par département.",
    },
    {
        "number": 3,
        "name": "Nouveaux projets prioritaires dans les zones sous-dotées",
        "period": DateRange(date(2026, 4, 1), date(2026, 7, 1)),
        "national_target": 2000,
        "legal_source": f"{LETTER}, point 5 : lancement en avril 2026, premiers résultats en juin 2026, 2 000 lieux à l’été 2026 ; "
        "puis 5 000 en 2027.",
    },
]


def ship(apps, schema_editor):
    """Create the three waves, where no calendar was typed before."""
    wave = apps.get_model("labelling", "Wave")
    if not wave.objects.exists():
        for fields in WAVES:
            wave.objects.create(**fields)


class Migration(migrations.Migration):
    """Ship the calendar of the letter."""

    # Its name before the migrations were written whole.
    replaces = [("labelling", "0012_letter_calendar")]
    dependencies = [("labelling", "0003_specification_1_0")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
