"""The signatures that decisions require, with their source."""

from datetime import date

from django.db import migrations

JOINT = (
    "Lettre M_ADT/2025-10/32526 d’octobre 2025, point 4 : les structures sont « labellisées directement par l’ARS et le "
    "préfet » ; loi n° 2025-1403 du 30 décembre 2025, article 63."
)
KINDS = ("label_granted", "label_refused")


def add_rules(apps, schema_editor):
    """Require both authorities for a label and for its refusal."""
    rule = apps.get_model("territories", "SigningRule")
    for kind in KINDS:
        rule.objects.create(
            kind=kind, capacities=["ars", "prefet"], legal_source=JOINT, valid_from=date(2025, 10, 1)
        )


def remove_rules(apps, schema_editor):
    """Forget the shipped rules."""
    apps.get_model("territories", "SigningRule").objects.filter(kind__in=KINDS, valid_from=date(2025, 10, 1)).delete()


class Migration(migrations.Migration):
    """Ship the signing rules."""

    dependencies = [("territories", "0002_triggers")]
    operations = [migrations.RunPython(add_rules, remove_rules)]
