"""The first text of the answers to appeals."""

from datetime import UTC, date, datetime

from django.db import migrations

VISAS = """Vu le code de la santé publique ;
Vu le code des relations entre le public et l’administration, notamment ses articles L. 211-2, L. 410-1 et L. 411-1 à L. 411-7 ;
Vu la {loi}, notamment son article 63 ;
Vu le recours gracieux reçu le {recours_recu_le}, formé pour {structure} contre {acte_conteste} ;"""
REASONS = "Considérant, en réponse aux moyens du recours : {reponse} ;"
CLOSING = """Le présent arrêté est notifié à la structure. {voies_de_recours}
Les services de l’agence régionale de santé et de la préfecture sont chargés, chacun en ce qui le concerne, de l’exécution du présent arrêté."""
TEXTS = {
    "appeal_rejected": {
        "title": "{arrete} portant rejet du recours gracieux : {structure}",
        "articles": "Le recours gracieux formé pour {structure_complete} contre {acte_conteste} est rejeté. {suite}.",
    },
    "appeal_accepted": {
        "title": "{arrete} accueillant le recours gracieux : {structure}",
        "articles": "Le recours gracieux formé pour {structure_complete} contre {acte_conteste} est accueilli. {suite}.",
    },
}


def add_templates(apps, schema_editor):
    """Ship the first text of each answer."""
    template = apps.get_model("labelling", "DecisionTemplate")
    for kind, parts in TEXTS.items():
        template.objects.create(
            kind=kind,
            version=1,
            visas=VISAS,
            reasons=REASONS,
            closing_articles=CLOSING,
            valid_from=date(2025, 10, 1),
            published_at=datetime(2025, 10, 1, tzinfo=UTC),
            **parts,
        )


class Migration(migrations.Migration):
    dependencies = [("labelling", "0021_appeals")]

    operations = [migrations.RunPython(add_templates, migrations.RunPython.noop)]
