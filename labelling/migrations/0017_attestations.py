"""What the holder of a label says of its criteria at each due date, insert-only."""

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only


class Migration(migrations.Migration):
    dependencies = [("labelling", "0016_amendments")]

    operations = [
        migrations.CreateModel(
            name="Attestation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_date", models.DateField(verbose_name="échéance")),
                ("statements", models.JSONField(verbose_name="déclarations")),
                ("attested_at", models.DateTimeField(verbose_name="le")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attestations",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="par",
                    ),
                ),
            ],
            options={
                "verbose_name": "attestation",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("label", "due_date"),
                        name="attestation_once_per_due_date",
                        violation_error_message="L’attestation de cette échéance est déjà faite.",
                    )
                ],
            },
        ),
        migrations.RunSQL(*insert_only("labelling_attestation")),
    ]
