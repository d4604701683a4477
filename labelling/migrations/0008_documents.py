import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labelling", "0007_disagreements")]

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("receipt", "accusé de réception"),
                            ("certificate", "certificat"),
                            ("plaque", "plaque et règles d’usage"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("source_version", models.PositiveIntegerField(default=1, verbose_name="version de la source")),
                ("content", models.BinaryField(verbose_name="contenu")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte")),
                ("rendered_at", models.DateTimeField(verbose_name="établi le")),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "label",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
            ],
            options={
                "verbose_name": "document",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("application__isnull", False),
                                ("kind__in", ["receipt"]),
                                ("label__isnull", True),
                                ("source_version", 1),
                            ),
                            models.Q(
                                ("application__isnull", True),
                                ("kind__in", ["certificate", "plaque"]),
                                ("label__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="document_about_what_its_kind_says",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "sha256",
                                models.Func(
                                    models.Func("content", function="sha256"),
                                    models.Value("hex"),
                                    function="encode",
                                    output_field=models.CharField(),
                                ),
                            )
                        ),
                        name="document_hash_is_of_content",
                    ),
                    models.UniqueConstraint(
                        fields=("application", "kind", "source_version"), name="document_once_per_file"
                    ),
                    models.UniqueConstraint(fields=("label", "kind", "source_version"), name="document_once_per_label"),
                ],
            },
        ),
    ]
