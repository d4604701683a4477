"""An attestation says what the place offers now; a change that it declares is an alert that agents settle."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0031_label_integrity_and_visits"),
        ("territories", "0014_suspension_decisions"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertsettlement",
            name="attestation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="settlements",
                to="labelling.attestation",
                verbose_name="attestation",
            ),
        ),
        migrations.AddField(
            model_name="attestation",
            name="doctor",
            field=models.DecimalField(
                decimal_places=1, max_digits=6, null=True, verbose_name="demi-journées de médecins par semaine"
            ),
        ),
        migrations.AddField(
            model_name="attestation",
            name="hours",
            field=models.DecimalField(
                decimal_places=1, max_digits=6, null=True, verbose_name="heures d’ouverture par semaine"
            ),
        ),
        migrations.AddField(
            model_name="attestation",
            name="nurse",
            field=models.DecimalField(
                decimal_places=1, max_digits=6, null=True, verbose_name="demi-journées d’infirmiers par semaine"
            ),
        ),
        migrations.AddField(
            model_name="attestation",
            name="other",
            field=models.DecimalField(
                decimal_places=1,
                max_digits=6,
                null=True,
                verbose_name="demi-journées d’autres professionnels par semaine",
            ),
        ),
        migrations.AlterField(
            model_name="alertsettlement",
            name="line",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="labelling.registerline",
                verbose_name="ligne de registre",
            ),
        ),
        migrations.AlterField(
            model_name="alertsettlement",
            name="said",
            field=models.JSONField(verbose_name="ce qui était dit"),
        ),
        migrations.AlterField(
            model_name="alertsettlement",
            name="sentence",
            field=models.TextField(verbose_name="l’alerte en mots"),
        ),
        migrations.AddConstraint(
            model_name="alertsettlement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("attestation__isnull", True), ("line__isnull", False)),
                    models.Q(("attestation__isnull", False), ("criterion__isnull", False), ("line__isnull", True)),
                    _connector="OR",
                ),
                name="alert_settlement_of_a_register_or_an_attestation",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertsettlement",
            constraint=models.UniqueConstraint(
                fields=("attestation", "criterion"),
                name="alert_settlement_once_per_declared_change",
                violation_error_message="Ce changement est déjà réglé.",
            ),
        ),
        migrations.AddConstraint(
            model_name="attestation",
            constraint=models.CheckConstraint(
                condition=models.Q(("hours__isnull", True), ("hours__gte", 0), _connector="OR"),
                name="attestation_hours_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="attestation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("doctor__isnull", True), ("doctor__gte", 0), _connector="OR"),
                    models.Q(("nurse__isnull", True), ("nurse__gte", 0), _connector="OR"),
                    models.Q(("other__isnull", True), ("other__gte", 0), _connector="OR"),
                ),
                name="attestation_half_days_not_negative",
            ),
        ),
    ]
