"""Events may be about a version of the cahier des charges, a wave or a quota."""

from django.db import migrations, models

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
]
KNOWN = models.Q(("subject_type__in", [value for value, _ in SUBJECTS]))


def subject_type():
    return models.CharField(choices=SUBJECTS, max_length=20, verbose_name="porte sur")


class Migration(migrations.Migration):
    dependencies = [("territories", "0003_signing_rules")]

    operations = [
        migrations.RemoveConstraint(model_name="decision", name="decision_subject_known"),
        migrations.RemoveConstraint(model_name="event", name="event_subject_known"),
        migrations.AlterField(model_name="decision", name="subject_type", field=subject_type()),
        migrations.AlterField(model_name="event", name="subject_type", field=subject_type()),
        migrations.AddConstraint(
            model_name="decision", constraint=models.CheckConstraint(condition=KNOWN, name="decision_subject_known")
        ),
        migrations.AddConstraint(
            model_name="event", constraint=models.CheckConstraint(condition=KNOWN, name="event_subject_known")
        ),
    ]
