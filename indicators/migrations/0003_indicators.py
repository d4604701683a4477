"""The indicators of the quarterly editions: names, units, definitions, sources."""

from django.db import migrations

PORTAL = "Portail France Santé : décisions signées et notifiées par les ARS et les préfets."
CALENDAR = "Portail France Santé : calendrier des vagues et objectifs par département."
FILES = "Portail France Santé : dossiers reçus et actes signés."
MONEY = "Portail France Santé : attributions engagées sur les enveloppes."
INDICATORS = [
    {
        "code": "labels-en-vigueur",
        "name": "Lieux labellisés",
        "unit": "lieux",
        "definition": "Nombre de labels en vigueur et notifiés au dernier jour du trimestre. Un label compte pour un lieu, "
        "dans le département du site principal de la structure. Un label retiré ne compte pas.",
        "source": PORTAL,
    },
    {
        "code": "part-de-la-cible",
        "name": "Part de la cible",
        "unit": "%",
        "definition": "Lieux labellisés au dernier jour du trimestre, rapportés à la somme des cibles des vagues commencées à "
        "cette date. « ND » là où aucune cible n’est fixée.",
        "source": f"{PORTAL} {CALENDAR}",
    },
    {
        "code": "labels-accordes",
        "name": "Labels accordés dans le trimestre",
        "unit": "labels",
        "definition": "Nombre de labels notifiés pendant le trimestre, et non retirés depuis.",
        "source": PORTAL,
    },
    {
        "code": "candidatures-recues",
        "name": "Candidatures reçues dans le trimestre",
        "unit": "dossiers",
        "definition": "Nombre de dossiers déposés pendant le trimestre, quelle qu’en soit la suite.",
        "source": FILES,
    },
    {
        "code": "delai-median-decision",
        "name": "Délai médian de décision",
        "unit": "jours",
        "definition": "Nombre médian de jours entre la réception du dossier et l’acte (dernière signature), pour les actes du "
        "trimestre. « NS » sous cinq actes, « non calculé » sans aucun acte.",
        "source": FILES,
    },
    {
        "code": "credits-nouveaux-attribues",
        "name": "Crédits nouveaux attribués",
        "unit": "€",
        "definition": "Montant engagé depuis le 1er janvier sur les crédits nouveaux de l’exercice. Ne s’additionne pas aux "
        "crédits réaffectés.",
        "source": MONEY,
    },
    {
        "code": "credits-reaffectes-attribues",
        "name": "Crédits réaffectés attribués",
        "unit": "€",
        "definition": "Montant engagé depuis le 1er janvier sur des crédits déjà programmés, portés sous la bannière France "
        "Santé. Ne s’additionne pas aux crédits nouveaux.",
        "source": MONEY,
    },
]


def create(apps, schema_editor):
    """Create the indicators, in the order of the pages."""
    model = apps.get_model("indicators", "Indicator")
    for position, fields in enumerate(INDICATORS, start=1):
        model.objects.update_or_create(code=fields["code"], defaults={**fields, "position": position})


class Migration(migrations.Migration):
    """Create the indicators."""

    dependencies = [("indicators", "0002_triggers")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop, elidable=False)]
