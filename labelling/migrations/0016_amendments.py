"""What changed of the place of a label since its decision, insert-only."""

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only


class Migration(migrations.Migration):
    dependencies = [("labelling", "0015_network"), ("territories", "0008_network_subjects")]

    operations = [
        migrations.CreateModel(
            name="Amendment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("mistake", "erreur matérielle"),
                            ("holder", "changement de titulaire"),
                            ("address", "changement d’adresse"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("before", models.JSONField(verbose_name="avant")),
                ("after", models.JSONField(verbose_name="après")),
                ("reason", models.TextField(verbose_name="motif")),
                ("amended_at", models.DateTimeField(verbose_name="le")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="amendments",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
            ],
            options={
                "verbose_name": "rectification",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["mistake", "holder", "address"])),
                        name="amendment_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="amendment_reasoned"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("before", models.F("after")), _negated=True),
                        name="amendment_changes_something",
                    ),
                ],
            },
        ),
        migrations.RunSQL(*insert_only("labelling_amendment")),
    ]
