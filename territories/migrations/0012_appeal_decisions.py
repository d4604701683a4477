"""The answer to an appeal is a decision, signed by those who took the act that is contested."""

from datetime import date

from django.db import migrations, models

KINDS = [
    ("label_granted", "labellisation"),
    ("label_refused", "refus de labellisation"),
    ("label_abrogated", "abrogation du label"),
    ("label_withdrawn", "retrait du label"),
    ("grant_awarded", "attribution d’un financement"),
    ("appeal_rejected", "rejet d’un recours gracieux"),
    ("appeal_accepted", "recours gracieux accueilli"),
]
SUBJECTS = [
    ("application", "candidature"),
    ("label", "label"),
    ("structure", "structure"),
    ("grant", "attribution"),
    ("envelope", "enveloppe"),
    ("edition", "édition"),
    ("decision", "décision"),
    ("mandate", "habilitation"),
    ("claim", "revendication"),
    ("specification", "cahier des charges"),
    ("wave", "vague"),
    ("quota", "quota"),
    ("register_line", "ligne de registre"),
    ("template", "modèle de décision"),
    ("support", "demande d’appui"),
    ("community", "communauté France Santé"),
    ("offering", "service France Santé"),
    ("appeal", "recours"),
]
KNOWN = models.Q(("kind__in", [value for value, _ in KINDS]))
SUBJECT_KNOWN = models.Q(("subject_type__in", [value for value, _ in SUBJECTS]))
ANSWERS = ("appeal_rejected", "appeal_accepted")
SOURCE = (
    "Code des relations entre le public et l’administration, article L. 410-1 : le recours gracieux est adressé à "
    "l’administration qui a pris la décision contestée ; parallélisme des compétences : y répondent les autorités qui décident "
    "du label (lettre M_ADT/2025-10/32526 d’octobre 2025, point 4 ; loi n° 2025-1403 du 30 décembre 2025, article 63)."
)


def add_rules(apps, schema_editor):
    """Require both authorities for the answer to an appeal; what one took alone, it answers alone."""
    rule = apps.get_model("territories", "SigningRule")
    for kind in ANSWERS:
        rule.objects.create(kind=kind, capacities=["ars", "prefet"], legal_source=SOURCE, valid_from=date(2025, 10, 1))


def remove_rules(apps, schema_editor):
    """Forget the shipped rules."""
    apps.get_model("territories", "SigningRule").objects.filter(kind__in=ANSWERS).delete()


class Migration(migrations.Migration):
    dependencies = [("territories", "0010_signature_runs")]

    operations = [
        migrations.RemoveConstraint(model_name="decision", name="decision_kind_known"),
        migrations.RemoveConstraint(model_name="decision", name="decision_subject_known"),
        migrations.RemoveConstraint(model_name="event", name="event_subject_known"),
        migrations.RemoveConstraint(model_name="signingrule", name="signing_rule_kind_known"),
        migrations.AlterField(
            model_name="decision",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=30, verbose_name="nature"),
        ),
        migrations.AlterField(
            model_name="decision",
            name="subject_type",
            field=models.CharField(choices=SUBJECTS, max_length=20, verbose_name="porte sur"),
        ),
        migrations.AlterField(
            model_name="event",
            name="subject_type",
            field=models.CharField(choices=SUBJECTS, max_length=20, verbose_name="porte sur"),
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
            model_name="decision",
            constraint=models.CheckConstraint(condition=SUBJECT_KNOWN, name="decision_subject_known"),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(condition=SUBJECT_KNOWN, name="event_subject_known"),
        ),
        migrations.AddConstraint(
            model_name="signingrule",
            constraint=models.CheckConstraint(condition=KNOWN, name="signing_rule_kind_known"),
        ),
        migrations.RunPython(add_rules, remove_rules),
    ]
