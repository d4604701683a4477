import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0008_documents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, verbose_name="nom")),
                ("query", models.CharField(blank=True, max_length=500, verbose_name="adresse")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
            ],
            options={"verbose_name": "vue enregistrée"},
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                fields=("user", "name"),
                name="saved_view_name_unique",
                violation_error_message="Vous avez déjà une vue de ce nom.",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.CheckConstraint(condition=~Q(("name", "")), name="saved_view_is_named"),
        ),
        migrations.CreateModel(
            name="BulkRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True, verbose_name="clé de la page qui l’a lancé")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("assign", "affecter"),
                            ("share", "partager l’appréciation"),
                            ("endorse", "endosser l’appréciation"),
                            ("propose", "présenter le label à la signature"),
                        ],
                        max_length=20,
                        verbose_name="acte",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="lancé le")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="terminé le")),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="affectés à",
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
            options={"verbose_name": "acte en lot"},
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.CheckConstraint(
                condition=Q(("action__in", ["assign", "share", "endorse", "propose"])), name="bulk_run_action_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkrun",
            constraint=models.CheckConstraint(
                condition=(Q(("action__in", ["assign"])) & Q(("assignee__isnull", False)))
                | (~Q(("action__in", ["assign"])) & ~Q(("assignee__isnull", False))),
                name="bulk_run_assignee_iff_assign",
            ),
        ),
        migrations.CreateModel(
            name="BulkOutcome",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(verbose_name="version montrée")),
                (
                    "result",
                    models.CharField(
                        choices=[("waiting", "à faire"), ("done", "fait"), ("not_done", "non fait")],
                        default="waiting",
                        max_length=20,
                        verbose_name="issue",
                    ),
                ),
                ("sentence", models.CharField(blank=True, max_length=500, verbose_name="motif")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="labelling.bulkrun",
                        verbose_name="lot",
                    ),
                ),
            ],
            options={"verbose_name": "issue d’un acte en lot"},
        ),
        migrations.AddConstraint(
            model_name="bulkoutcome",
            constraint=models.CheckConstraint(
                condition=Q(("result__in", ["waiting", "done", "not_done"])), name="bulk_outcome_result_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkoutcome",
            constraint=models.CheckConstraint(
                condition=(Q(("result__in", ["done", "not_done"])) & Q(("done_at__isnull", False)))
                | (~Q(("result__in", ["done", "not_done"])) & ~Q(("done_at__isnull", False))),
                name="bulk_outcome_done_at_iff_handled",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkoutcome",
            constraint=models.CheckConstraint(
                condition=(Q(("result", "not_done")) & ~Q(("sentence", "")))
                | (~Q(("result", "not_done")) & Q(("sentence", ""))),
                name="bulk_outcome_reason_iff_not_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkoutcome",
            constraint=models.UniqueConstraint(fields=("run", "application"), name="bulk_outcome_once_per_file"),
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "frequency",
                    models.CharField(
                        choices=[("morning", "chaque matin"), ("never", "aucun")],
                        default="morning",
                        max_length=10,
                        verbose_name="courriel",
                    ),
                ),
                ("handled_on", models.DateField(blank=True, null=True, verbose_name="traité le")),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
            ],
            options={"verbose_name": "courriel du matin"},
        ),
        migrations.AddConstraint(
            model_name="digest",
            constraint=models.CheckConstraint(
                condition=Q(("frequency__in", ["morning", "never"])), name="digest_frequency_known"
            ),
        ),
    ]
