"""The editor of the cahier des charges, the dates and shares of waves, the place that a waiting file is told of."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import migrations, models

RULES = [
    ("doctor", "présence médicale"),
    ("nurse", "présence infirmière"),
    ("open_days", "jours d’ouverture"),
    ("no_overrun", "absence de dépassements d’honoraires"),
    ("on_call", "PDSA ou SAS"),
    ("commitment", "engagement"),
    ("person", "appréciation d’un agent, sans constat automatique"),
]


class Migration(migrations.Migration):
    dependencies = [("labelling", "0010_opinions"), ("territories", "0004_calendar_subjects")]

    operations = [
        # Cahier des charges
        migrations.AddField("specification", "applies_from", models.DateField("applicable à partir du", null=True, blank=True)),
        migrations.AddField(
            "specification", "applies_to_pending", models.BooleanField("s’applique aux dossiers en cours", default=False)
        ),
        migrations.AddField("specification", "transitional_clause", models.TextField("clause transitoire", blank=True)),
        migrations.AddField(
            "specification", "revision", models.PositiveIntegerField("révision du brouillon", default=1)
        ),
        migrations.AddConstraint(
            "specification",
            models.CheckConstraint(
                condition=models.Q(applies_to_pending=False) | ~models.Q(transitional_clause=""),
                name="specification_clause_has_text",
                violation_error_message="Une version qui s’applique aux dossiers en cours le dit par sa clause transitoire.",
            ),
        ),
        migrations.AddConstraint(
            "specification",
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(published_at__isnull=True),
                name="specification_one_draft",
                violation_error_message="Un brouillon du cahier des charges existe déjà.",
            ),
        ),
        migrations.RemoveConstraint("criterion", "criterion_rule_known"),
        migrations.AlterField("criterion", "rule", models.CharField("règle", max_length=20, choices=RULES)),
        migrations.AddConstraint(
            "criterion",
            models.CheckConstraint(
                condition=models.Q(rule__in=[value for value, _ in RULES]), name="criterion_rule_known"
            ),
        ),
        migrations.RemoveConstraint("criterion", "criterion_position_unique"),
        migrations.AddConstraint(
            "criterion",
            models.UniqueConstraint(
                fields=["specification", "position"],
                name="criterion_position_unique",
                deferrable=models.Deferrable.IMMEDIATE,
            ),
        ),
        # Calendar
        migrations.AddField(
            "wave", "departement_floor", models.PositiveSmallIntegerField("plancher par département", default=0)
        ),
        migrations.AddField(
            "wave", "departement_target", models.PositiveSmallIntegerField("cible par département", default=0)
        ),
        migrations.AddField("wave", "version", models.PositiveIntegerField("version", default=1)),
        migrations.AddField("quota", "version", models.PositiveIntegerField("version", default=1)),
        migrations.AddConstraint(
            "wave",
            models.CheckConstraint(
                condition=models.Q(departement_target__gte=models.F("departement_floor")),
                name="wave_target_over_floor",
                violation_error_message="La cible par département est au moins égale au plancher.",
            ),
        ),
        migrations.AlterConstraint(
            "wave",
            "wave_no_overlap",
            ExclusionConstraint(
                name="wave_no_overlap",
                expressions=[("period", "&&")],
                violation_error_message="Ces dates chevauchent celles d’une autre vague.",
            ),
        ),
        migrations.AlterConstraint(
            "quota",
            "quota_target_over_floor",
            models.CheckConstraint(
                condition=models.Q(target__gte=models.F("floor")),
                name="quota_target_over_floor",
                violation_error_message="La cible est au moins égale au plancher.",
            ),
        ),
        # Files
        migrations.AddField(
            "application", "place_free_at", models.DateTimeField("place libre annoncée le", null=True, blank=True)
        ),
        migrations.AddConstraint(
            "application",
            models.CheckConstraint(
                condition=models.Q(place_free_at__isnull=True) | models.Q(waiting_since__isnull=False),
                name="application_place_free_while_waiting",
            ),
        ),
        migrations.AddField(
            "criterionassessment", "set_aside_at", models.DateTimeField("écartée le", null=True, blank=True)
        ),
    ]
