"""The signatures that decisions require, with their source."""

from datetime import date

from django.db import migrations

LETTER = "M_ADT/2025-10/32526 d’octobre 2025, point 4"
ARTICLE_63 = "loi n° 2025-1403 du 30 décembre 2025, article 63"
LABEL = f"Lettre {LETTER} : les structures sont « labellisées directement par l’ARS et le préfet » ; {ARTICLE_63}."
ENDING = (
    "Parallélisme des compétences : l’acte qui met fin au label est pris par les autorités qui l’ont accordé "
    f"(lettre {LETTER} ; {ARTICLE_63})."
)
APPEAL = (
    "Code des relations entre le public et l’administration, article L. 410-1 : le recours gracieux est adressé à "
    "l’administration qui a pris la décision contestée ; parallélisme des compétences : y répondent les autorités qui décident "
    f"du label (lettre {LETTER} ; {ARTICLE_63})."
)
SUSPENSION = (
    "Parallélisme des compétences : l’acte qui suspend un label, ou qui lève sa suspension, est pris par les autorités qui "
    f"l’ont accordé (lettre {LETTER} ; {ARTICLE_63})."
)
SOURCES = {
    "label_granted": LABEL,
    "label_refused": LABEL,
    "label_abrogated": ENDING,
    "label_withdrawn": ENDING,
    "appeal_rejected": APPEAL,
    "appeal_accepted": APPEAL,
    "label_suspended": SUSPENSION,
    "label_reinstated": SUSPENSION,
}
SINCE = date(2025, 10, 1)


def add_rules(apps, schema_editor):
    """Require both authorities for a label, its refusal, its suspension and its end, and for the answers to appeals."""
    rule = apps.get_model("territories", "SigningRule")
    for kind, source in SOURCES.items():
        rule.objects.create(kind=kind, capacities=["ars", "prefet"], legal_source=source, valid_from=SINCE)


def remove_rules(apps, schema_editor):
    """Forget the shipped rules."""
    apps.get_model("territories", "SigningRule").objects.filter(kind__in=SOURCES, valid_from=SINCE).delete()


class Migration(migrations.Migration):
    """Ship the signing rules."""

    dependencies = [("territories", "0002_triggers")]
    operations = [migrations.RunPython(add_rules, remove_rules)]
