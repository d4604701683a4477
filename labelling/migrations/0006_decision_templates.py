"""The texts of decisions, with their versions: a refusal is published nowhere under its name from 2026 on."""

from datetime import UTC, date, datetime

from django.db import migrations

VISAS = """Vu le code de la santé publique ;
Vu le code des relations entre le public et l’administration, notamment ses articles L. 211-2 et L. 212-1 ;
Vu la {loi}, notamment son article 63 ;
Vu le cahier des charges du label France Santé, version {cahier_version}{cahier_publication} ;
Vu la demande n° {dossier_numero} présentée pour {structure}, reçue le {dossier_recu_le} ;"""
CRITERION = "Considérant que le critère {critere_numero} (« {critere_titre} ») {critere_constat} ;"
NOT_MET = (
    "Considérant que {criteres_non_remplis} du cahier des charges {cahier_version} {ne_sont_pas_remplis} à ce jour ;"
)
NOT_GRANTED = """Le label France Santé n’est pas accordé à {structure_complete}.
Cette décision porte sur un socle de services à une date donnée, non sur la qualité des soins. Une nouvelle demande peut être présentée à tout moment."""
PUBLISHED = ", qui est publié au recueil des actes administratifs"
CLOSING = f"""Le présent arrêté est notifié à la structure. Dans les deux mois suivant cette notification, il peut faire l’objet d’un recours gracieux adressé aux signataires ou d’un recours devant {{juridiction}}, notamment par Télérecours citoyens (www.telerecours.fr). Un recours gracieux formé dans ce délai le prolonge.
Les services de l’agence régionale de santé et de la préfecture sont chargés, chacun en ce qui le concerne, de l’exécution du présent arrêté{PUBLISHED}."""

APPEAL_VISAS = """Vu le code de la santé publique ;
Vu le code des relations entre le public et l’administration, notamment ses articles L. 211-2, L. 410-1 et L. 411-1 à L. 411-7 ;
Vu la {loi}, notamment son article 63 ;
Vu le recours gracieux reçu le {recours_recu_le}, formé pour {structure} contre {acte_conteste} ;"""
APPEAL_REASONS = "Considérant, en réponse aux moyens du recours : {reponse} ;"
APPEAL_CLOSING = """Le présent arrêté est notifié à la structure. {voies_de_recours}
Les services de l’agence régionale de santé et de la préfecture sont chargés, chacun en ce qui le concerne, de l’exécution du présent arrêté."""

GRANTED = {
    "title": "Arrêté conjoint portant attribution du label France Santé : {structure}",
    "visas": VISAS,
    "criterion_reason": CRITERION,
    "reasons": "Considérant que la structure remplit ainsi les critères du cahier des charges {cahier_version} et a "
    "souscrit ses engagements ;",
    "articles": """Le label France Santé est accordé à {structure_complete}.
Il prend effet à la date du présent arrêté, qui est celle de la dernière signature, pour une durée de {duree}.
La structure tient les engagements qu’elle a souscrits : {engagements}. Elle signale sans délai tout changement qui touche un critère.""",
    "closing_articles": CLOSING,
}
REFUSED = {
    "title": "Arrêté conjoint portant refus du label France Santé : {structure}",
    "visas": VISAS,
    "criterion_reason": CRITERION,
    "reasons": NOT_MET,
    "articles": NOT_GRANTED,
    "closing_articles": CLOSING,
}
REFUSED_ALONE = {
    "title": "Arrêté portant refus du label France Santé : {structure}",
    "visas": f"{VISAS}\nVu la concertation tenue le {{concertation_le}} entre les deux autorités ;",
    "criterion_reason": CRITERION,
    "reasons": f"{NOT_MET}\nConsidérant que le label est accordé conjointement par le directeur général de l’agence "
    "régionale de santé et par le préfet de département ; que leur désaccord demeure après la concertation ;",
    "articles": NOT_GRANTED,
    "closing_articles": CLOSING.replace("adressé aux signataires", "adressé au signataire"),
}
APPEAL_REJECTED = {
    "title": "{arrete} portant rejet du recours gracieux : {structure}",
    "visas": APPEAL_VISAS,
    "reasons": APPEAL_REASONS,
    "articles": "Le recours gracieux formé pour {structure_complete} contre {acte_conteste} est rejeté. {suite}.",
    "closing_articles": APPEAL_CLOSING,
}
APPEAL_ACCEPTED = {
    **APPEAL_REJECTED,
    "title": "{arrete} accueillant le recours gracieux : {structure}",
    "articles": "Le recours gracieux formé pour {structure_complete} contre {acte_conteste} est accueilli. {suite}.",
}


def unpublished(parts):
    """Return the texts of a refusal that is notified to the structure, and published nowhere under its name."""
    return {**parts, "closing_articles": parts["closing_articles"].replace(PUBLISHED, "")}


FIRST = date(2025, 10, 1)
UNPUBLISHED_SINCE = date(2026, 1, 1)
VERSIONS = [
    ("label_granted", 1, FIRST, GRANTED),
    ("label_refused", 1, FIRST, REFUSED),
    ("label_refused_alone", 1, FIRST, REFUSED_ALONE),
    ("appeal_rejected", 1, FIRST, APPEAL_REJECTED),
    ("appeal_accepted", 1, FIRST, APPEAL_ACCEPTED),
    ("label_refused", 2, UNPUBLISHED_SINCE, unpublished(REFUSED)),
    ("label_refused_alone", 2, UNPUBLISHED_SINCE, unpublished(REFUSED_ALONE)),
]


def add_templates(apps, schema_editor):
    """Ship every version of each text, published the day it begins."""
    template = apps.get_model("labelling", "DecisionTemplate")
    for kind, version, begins, parts in VERSIONS:
        template.objects.create(
            kind=kind,
            version=version,
            valid_from=begins,
            published_at=datetime(begins.year, begins.month, begins.day, tzinfo=UTC),
            **parts,
        )


class Migration(migrations.Migration):
    """Ship the texts of decisions."""

    # Its name before the migrations were written whole.
    replaces = [("labelling", "0022_appeal_templates")]
    dependencies = [("labelling", "0005_ending_grounds")]
    operations = [migrations.RunPython(add_templates, migrations.RunPython.noop)]
