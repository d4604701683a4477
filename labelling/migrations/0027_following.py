"""The files that people follow, what they want to be told of them, and what they were told."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0026_daily_work"),
        ("territories", "0009_invitation_cancelled"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="digest",
            name="deadlines_at_once",
            field=models.BooleanField(default=False, verbose_name="échéances dites aussitôt"),
        ),
        migrations.AddField(
            model_name="digest",
            name="signatures_at_once",
            field=models.BooleanField(default=True, verbose_name="décisions à signer dites aussitôt"),
        ),
        migrations.CreateModel(
            name="FollowedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(verbose_name="depuis le")),
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
            ],
            options={
                "verbose_name": "dossier suivi",
                "verbose_name_plural": "dossiers suivis",
                "constraints": [models.UniqueConstraint(fields=("user", "application"), name="followed_file_once")],
            },
        ),
        migrations.CreateModel(
            name="NewsChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("answer", "réponse reçue"),
                            ("message", "message de la structure"),
                            ("evidence", "pièce ajoutée"),
                            ("share", "appréciation partagée, position prise"),
                            ("opinion", "avis rendu"),
                            ("disagreement", "désaccord et concertation"),
                            ("decision", "décision signée"),
                            ("deadline", "échéance proche ou passée"),
                        ],
                        max_length=20,
                        verbose_name="nouvelle",
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("mine", "mes dossiers"),
                            ("followed", "mes dossiers et ceux que je suis"),
                            ("all", "tous"),
                            ("none", "aucun"),
                        ],
                        max_length=20,
                        verbose_name="dossiers",
                    ),
                ),
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
            options={
                "verbose_name": "choix de nouvelles",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "answer",
                                    "message",
                                    "evidence",
                                    "share",
                                    "opinion",
                                    "disagreement",
                                    "decision",
                                    "deadline",
                                ],
                            )
                        ),
                        name="news_choice_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scope__in", ["mine", "followed", "all", "none"])),
                        name="news_choice_scope_known",
                    ),
                    models.UniqueConstraint(fields=("user", "kind"), name="news_choice_once_per_kind"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ToldNews",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.event",
                        verbose_name="événement",
                    ),
                ),
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
            options={
                "verbose_name": "nouvelle dite",
                "verbose_name_plural": "nouvelles dites",
                "constraints": [models.UniqueConstraint(fields=("user", "event"), name="told_news_once")],
            },
        ),
    ]
