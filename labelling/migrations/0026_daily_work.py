"""Tags on files, and what an act on several files is given once: a tag, or a question and those who are asked."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0025_reviewers"),
        ("territories", "0009_invitation_cancelled"),
    ]

    operations = [
        migrations.CreateModel(
            name="FileTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("put_at", models.DateTimeField(verbose_name="posée le")),
            ],
            options={
                "verbose_name": "étiquette d’un dossier",
                "verbose_name_plural": "étiquettes des dossiers",
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=30, verbose_name="nom")),
                ("note", models.CharField(blank=True, max_length=160, verbose_name="sens")),
                ("joint", models.BooleanField(default=False, verbose_name="commune aux deux autorités")),
                ("made_at", models.DateTimeField(verbose_name="créée le")),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retirée le")),
            ],
            options={
                "verbose_name": "étiquette",
            },
        ),
        migrations.RemoveConstraint(
            model_name="bulkrun",
            name="bulk_run_action_known",
        ),
        migrations.AddField(
            model_name="bulkrun",
            name="bodies",
            field=models.ManyToManyField(
                blank=True, related_name="+", to="labelling.consultedbody", verbose_name="organismes"
            ),
        ),
        migrations.AddField(
            model_name="bulkrun",
            name="due_date",
            field=models.DateField(blank=True, null=True, verbose_name="attendu le"),
        ),
        migrations.AddField(
            model_name="bulkrun",
            name="question",
            field=models.TextField(blank=True, verbose_name="question"),
        ),
        migrations.AlterField(
            model_name="bulkrun",
            name="action",
            field=models.CharField(
                choices=[
                    ("assign", "affecter"),
                    ("share", "partager l’appréciation"),
                    ("endorse", "endosser l’appréciation"),
                    ("propose", "présenter le label à la signature"),
                    ("ask", "demander un avis"),
                    ("tag", "étiqueter"),
                    ("untag", "retirer une étiquette"),
                ],
                max_length=20,
                verbose_name="acte",
            ),
        ),
        migrations.AddField(
            model_name="filetag",
            name="application",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tags",
                to="labelling.application",
                verbose_name="candidature",
            ),
        ),
        migrations.AddField(
            model_name="filetag",
            name="mandate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.mandate",
                verbose_name="posée par",
            ),
        ),
        migrations.AddField(
            model_name="tag",
            name="authority",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.authority",
                verbose_name="autorité",
            ),
        ),
        migrations.AddField(
            model_name="tag",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.mandate",
                verbose_name="créée par",
            ),
        ),
        migrations.AddField(
            model_name="filetag",
            name="tag",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="files",
                to="labelling.tag",
                verbose_name="étiquette",
            ),
        ),
        migrations.AddField(
            model_name="bulkrun",
            name="tag",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="labelling.tag",
                verbose_name="étiquette",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["assign", "share", "endorse", "propose", "ask", "tag", "untag"])),
                name="bulk_run_action_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action__in", ["tag", "untag"]), ("tag__isnull", False)),
                    models.Q(
                        models.Q(("action__in", ["tag", "untag"]), _negated=True),
                        models.Q(("tag__isnull", False), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="bulk_run_tag_iff_tagged",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action__in", ["ask"]), ("due_date__isnull", False)),
                    models.Q(
                        models.Q(("action__in", ["ask"]), _negated=True),
                        models.Q(("due_date__isnull", False), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="bulk_run_due_date_iff_ask",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("action", "ask"), ("question", ""), _connector="XOR"),
                name="bulk_run_question_iff_ask",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="tag_is_named"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(
                models.F("authority"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("retired_at__isnull", True)),
                name="tag_name_unique",
                violation_error_message="Votre autorité a déjà une étiquette de ce nom.",
            ),
        ),
        migrations.AddConstraint(
            model_name="filetag",
            constraint=models.UniqueConstraint(fields=("application", "tag"), name="file_tag_once"),
        ),
    ]
