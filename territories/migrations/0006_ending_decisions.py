"""A label may end by an abrogation or a withdrawal, signed by those who granted it."""

from datetime import date

from django.db import migrations, models

KINDS = [
    ("label_granted", "labellisation"),
    ("label_refused", "refus de labellisation"),
    ("label_abrogated", "abrogation du label"),
    ("label_withdrawn", "retrait du label"),
    ("grant_awarded", "attribution d’un financement"),
]
KNOWN = models.Q(("kind__in", [value for value, _ in KINDS]))
ENDINGS = ("label_abrogated", "label_withdrawn")
JOINT = (
    "Parallélisme des compétences : l’acte qui met fin au label est pris par les autorités qui l’ont accordé (lettre "
    "M_ADT/2025-10/32526 d’octobre 2025, point 4 ; loi n° 2025-1403 du 30 décembre 2025, article 63)."
)


def add_rules(apps, schema_editor):
    """Require both authorities for the end of a label."""
    rule = apps.get_model("territories", "SigningRule")
    for ending in ENDINGS:
        rule.objects.create(kind=ending, capacities=["ars", "prefet"], legal_source=JOINT, valid_from=date(2025, 10, 1))


def remove_rules(apps, schema_editor):
    """Forget the shipped rules."""
    apps.get_model("territories", "SigningRule").objects.filter(kind__in=ENDINGS).delete()


class Migration(migrations.Migration):
    dependencies = [("territories", "0005_register_subject")]

    operations = [
        migrations.RemoveConstraint(model_name="decision", name="decision_kind_known"),
        migrations.RemoveConstraint(model_name="signingrule", name="signing_rule_kind_known"),
        migrations.AlterField(
            model_name="decision",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=30, verbose_name="nature"),
        ),
        migrations.AlterField(
            model_name="signingrule",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=30, verbose_name="nature de décision"),
        ),
        migrations.AddConstraint(
            model_name="decision", constraint=models.CheckConstraint(condition=KNOWN, name="decision_kind_known")
        ),
        migrations.AddConstraint(
            model_name="signingrule",
            constraint=models.CheckConstraint(condition=KNOWN, name="signing_rule_kind_known"),
        ),
        migrations.RunPython(add_rules, remove_rules),
    ]
