"""The first version of the cahier des charges: the socle of the letter of October 2025."""

from datetime import UTC, datetime

from django.db import migrations

LETTER = "Lettre M_ADT/2025-10/32526 d’octobre 2025, point 1"
CRITERIA = [
    {
        "code": "presence-medicale",
        "kind": "criterion",
        "title": "Présence médicale",
        "text": "Un médecin généraliste au moins reçoit dans la structure.",
        "help_text": "Indiquez chaque médecin et ses demi-journées de présence. Un recrutement annoncé compte à partir de "
        "l’arrivée du médecin.",
        "rule": "doctor",
        "parameters": {"min_half_days": 1},
        "evidence_asked": "Planning de présence de moins de trois mois, si le registre ne le montre pas.",
        "legal_source": f"{LETTER} : « présence médicale et infirmière ».",
    },
    {
        "code": "presence-infirmiere",
        "kind": "criterion",
        "title": "Présence infirmière",
        "text": "Un infirmier exerce au sein de la structure ou à proximité.",
        "help_text": "À proximité : indiquez le temps de trajet jusqu’au cabinet infirmier. La distance sera vérifiée.",
        "rule": "nurse",
        "parameters": {"max_minutes": 15},
        "evidence_asked": "Convention ou attestation du cabinet infirmier, s’il est à proximité.",
        "legal_source": f"{LETTER} ; « au sein de la structure ou à proximité » : ARS Normandie, décembre 2025. Le seuil "
        "en minutes est un paramètre à confirmer.",
    },
    {
        "code": "cinq-jours-sur-sept",
        "kind": "criterion",
        "title": "Ouverture cinq jours sur sept",
        "text": "La structure est ouverte au public au moins cinq jours par semaine.",
        "help_text": "Comptent les jours où le public est accueilli, sur l’ensemble des sites.",
        "rule": "open_days",
        "parameters": {"min_days": 5},
        "evidence_asked": "Horaires affichés ou page publique de la structure.",
        "legal_source": f"{LETTER} : « ouverture cinq jours sur sept ».",
    },
    {
        "code": "sans-depassement",
        "kind": "criterion",
        "title": "Consultations sans dépassement d’honoraires",
        "text": "Les consultations sont proposées sans dépassement d’honoraires (secteur 1).",
        "help_text": "L’adhésion à l’OPTAM n’est admise que par une appréciation motivée d’un agent.",
        "rule": "no_overrun",
        "parameters": {},
        "evidence_asked": "Aucune : le secteur est connu de l’assurance maladie.",
        "legal_source": f"{LETTER} : « consultations sans dépassements d’honoraires ».",
    },
    {
        "code": "permanence-ou-sas",
        "kind": "criterion",
        "title": "Permanence des soins ou service d’accès aux soins",
        "text": "La structure participe à la permanence des soins ambulatoires (PDSA) ou au service d’accès aux soins (SAS).",
        "help_text": "L’une des deux participations suffit.",
        "rule": "on_call",
        "parameters": {},
        "evidence_asked": "Tableau de garde ou convention avec le SAS.",
        "legal_source": f"{LETTER} : « participation à la permanence des soins ou au service d’accès aux soins ».",
    },
    {
        "code": "rendez-vous-48-h",
        "kind": "commitment",
        "title": "Rendez-vous médical sous 48 heures",
        "text": "La structure s’engage à proposer un rendez-vous médical sous 48 heures lorsque l’état de santé le nécessite.",
        "help_text": "",
        "rule": "commitment",
        "parameters": {"answer": "appointment_48h"},
        "evidence_asked": "",
        "legal_source": "Lettre M_ADT/2025-10/32526, préambule ; « lorsque l’état de santé le nécessite » : ARS Normandie.",
    },
    {
        "code": "accompagnement",
        "kind": "commitment",
        "title": "Accompagnement dans le parcours de santé",
        "text": "La structure s’engage à donner un accès immédiat à un accompagnement dans le parcours de santé.",
        "help_text": "",
        "rule": "commitment",
        "parameters": {"answer": "support"},
        "evidence_asked": "",
        "legal_source": "Lettre M_ADT/2025-10/32526, préambule.",
    },
]


def publish(apps, schema_editor):
    """Create version 1.0, then publish it."""
    specification = apps.get_model("labelling", "Specification").objects.create(
        version="1.0",
        title="Cahier des charges du label France Santé",
        preamble="Un socle de services communs, simple et vérifiable, pour les lieux de soins de premier recours.",
        legal_source="Lettre M_ADT/2025-10/32526 d’octobre 2025 ; loi n° 2025-1403 du 30 décembre 2025, article 63.",
    )
    criterion = apps.get_model("labelling", "Criterion")
    for position, fields in enumerate(CRITERIA, start=1):
        criterion.objects.create(specification=specification, position=position, **fields)
    specification.published_at = datetime(2025, 11, 15, 8, 0, tzinfo=UTC)
    specification.save()


class Migration(migrations.Migration):
    """Ship the cahier des charges 1.0."""

    dependencies = [("labelling", "0002_triggers")]
    operations = [migrations.RunPython(publish, migrations.RunPython.noop)]
