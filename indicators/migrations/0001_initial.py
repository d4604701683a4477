import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Indicator",
            fields=[
                ("code", models.SlugField(max_length=60, primary_key=True, serialize=False, verbose_name="code")),
                ("name", models.CharField(max_length=160, verbose_name="nom")),
                ("unit", models.CharField(max_length=40, verbose_name="unité")),
                ("definition", models.TextField(verbose_name="définition")),
                ("source", models.TextField(verbose_name="source")),
                ("position", models.PositiveSmallIntegerField(verbose_name="rang")),
            ],
            options={"verbose_name": "indicateur"},
        ),
        migrations.CreateModel(
            name="Edition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quarter", models.CharField(max_length=6, verbose_name="trimestre")),
                ("revision", models.PositiveSmallIntegerField(default=1, verbose_name="révision")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "brouillon"),
                            ("checked", "vérifiée"),
                            ("published", "publiée"),
                            ("superseded", "remplacée"),
                        ],
                        default="draft",
                        max_length=20,
                        verbose_name="état",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("as_of", models.DateField(verbose_name="situation au")),
                ("reason", models.TextField(blank=True, verbose_name="motif de la correction")),
                ("computed_at", models.DateTimeField(verbose_name="calculée le")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="publiée le")),
            ],
            options={
                "verbose_name": "édition",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["draft", "checked", "published", "superseded"])),
                        name="edition_state_known",
                    ),
                    models.UniqueConstraint(fields=("quarter", "revision"), name="edition_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "published")), fields=("quarter",), name="edition_one_published"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quarter__regex", "^\\d{4}T[1-4]$")), name="edition_quarter_form"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at__isnull", False), ("state__in", ["published", "superseded"])),
                            models.Q(("published_at__isnull", True), ("state__in", ["draft", "checked"])),
                            _connector="OR",
                        ),
                        name="edition_published_at_iff_published",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("revision", 1), models.Q(("reason", ""), _negated=True), _connector="OR"),
                        name="edition_correction_is_reasoned",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EditionFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "edition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="indicators.edition",
                        verbose_name="édition",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="nom")),
                ("is_input", models.BooleanField(verbose_name="donnée d’entrée")),
                ("content", models.BinaryField(verbose_name="contenu")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte")),
            ],
            options={
                "verbose_name": "fichier d’édition",
                "constraints": [models.UniqueConstraint(fields=("edition", "name"), name="edition_file_unique")],
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "edition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="observations",
                        to="indicators.edition",
                        verbose_name="édition",
                    ),
                ),
                (
                    "indicator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="observations",
                        to="indicators.indicator",
                        verbose_name="indicateur",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[("nation", "France"), ("region", "région"), ("departement", "département")],
                        max_length=20,
                        verbose_name="niveau",
                    ),
                ),
                ("territory", models.CharField(max_length=5, verbose_name="code du territoire")),
                (
                    "numerator",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=16, null=True, verbose_name="numérateur"
                    ),
                ),
                (
                    "denominator",
                    models.DecimalField(
                        blank=True, decimal_places=4, max_digits=16, null=True, verbose_name="dénominateur"
                    ),
                ),
                (
                    "value",
                    models.DecimalField(blank=True, decimal_places=4, max_digits=16, null=True, verbose_name="valeur"),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("final", "définitif"),
                            ("provisional", "provisoire"),
                            ("NS", "NS (secret statistique)"),
                            ("ND", "ND (non disponible)"),
                            ("not_computed", "non calculé"),
                        ],
                        max_length=20,
                        verbose_name="statut",
                    ),
                ),
            ],
            options={
                "verbose_name": "observation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["nation", "region", "departement"])),
                        name="observation_level_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["final", "provisional", "NS", "ND", "not_computed"])),
                        name="observation_status_known",
                    ),
                    models.UniqueConstraint(
                        fields=("edition", "indicator", "level", "territory"), name="observation_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["final", "provisional"]), ("value__isnull", False)),
                            models.Q(("status__in", ["NS", "ND", "not_computed"]), ("value__isnull", True)),
                            _connector="OR",
                        ),
                        name="observation_value_fits_status",
                    ),
                ],
            },
        ),
    ]
