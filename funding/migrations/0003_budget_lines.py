"""The budget lines, with their payer, their signatures and their source."""

from django.db import migrations

LETTER = "Lettre M_ADT/2025-10/32526 d’octobre 2025"
LINES = [
    {
        "code": "fir",
        "name": "FIR",
        "payer": "agence régionale de santé (fonds d’intervention régional)",
        "origin": "new",
        "capacities": ["ars"],
        "legal_source": f"{LETTER}, point 2 (moyens nouveaux) ; financement des structures hors accords conventionnels et "
        "complément par le fonds d’intervention régional. Le code d’imputation est à confirmer.",
    },
    {
        "code": "accord-conventionnel",
        "name": "Accord conventionnel",
        "payer": "caisse d’assurance maladie",
        "origin": "new",
        "capacities": ["ars"],
        "legal_source": "Accords conventionnels des maisons et centres de santé : contractualisation avec les ARS et les "
        "caisses, associant les préfets. La caisse ne signe pas encore dans le portail ; le calendrier est à confirmer.",
    },
    {
        "code": "credits-reaffectes",
        "name": "Crédits réaffectés",
        "payer": "service qui avait programmé les crédits",
        "origin": "reallocated",
        "capacities": ["ars", "prefet"],
        "legal_source": f"{LETTER}, point 3 : « Les financements déjà programmés pour ces structures pourront être "
        "réaffectés et exécutés sous la bannière France Santé » ; point 2 : responsabilité conjointe de l’ARS et du préfet.",
    },
]


def add_lines(apps, schema_editor):
    """Ship the lines."""
    line = apps.get_model("funding", "BudgetLine")
    for fields in LINES:
        line.objects.get_or_create(code=fields["code"], defaults=fields)


def remove_lines(apps, schema_editor):
    """Forget the shipped lines."""
    apps.get_model("funding", "BudgetLine").objects.filter(code__in=[fields["code"] for fields in LINES]).delete()


class Migration(migrations.Migration):
    """Ship the budget lines."""

    dependencies = [("funding", "0002_triggers")]
    operations = [migrations.RunPython(add_lines, remove_lines)]
