"""Support asked of the national team, communities, and the palette of services."""

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0014_endings"),
        ("territories", "0008_network_subjects"),
    ]

    operations = [
        migrations.CreateModel(
            name="Community",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="nom")),
                ("sort_key", models.CharField(max_length=200, verbose_name="clé de tri")),
                ("website", models.URLField(blank=True, verbose_name="site internet")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="communities",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                (
                    "epcis",
                    models.ManyToManyField(
                        related_name="communities", to="territories.epci", verbose_name="territoire"
                    ),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        blank=True,
                        related_name="communities",
                        to="labelling.structure",
                        verbose_name="structures membres",
                    ),
                ),
            ],
            options={
                "verbose_name": "communauté France Santé",
                "verbose_name_plural": "communautés France Santé",
            },
        ),
        migrations.CreateModel(
            name="CommunityAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("coordination", "coordination autour des lieux"),
                            ("recruitment", "recrutement"),
                            ("prevention", "prévention"),
                            ("screening", "dépistage"),
                            ("digital", "numérique"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("title", models.CharField(max_length=200, verbose_name="intitulé")),
                ("period", django.contrib.postgres.fields.ranges.DateRangeField(verbose_name="période")),
                (
                    "community",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="labelling.community",
                        verbose_name="communauté",
                    ),
                ),
            ],
            options={
                "verbose_name": "action d’une communauté",
                "verbose_name_plural": "actions des communautés",
            },
        ),
        migrations.CreateModel(
            name="Offering",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("mobile", "France Santé mobile"),
                            ("ehealth", "accompagnement à la e-santé"),
                            ("prevention", "campagnes de prévention"),
                            ("engineering", "appui en ingénierie"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="nom")),
                ("provider", models.CharField(max_length=200, verbose_name="porté par")),
                ("website", models.URLField(blank=True, verbose_name="site internet")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="terminé le")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offerings",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                (
                    "epcis",
                    models.ManyToManyField(related_name="offerings", to="territories.epci", verbose_name="territoire"),
                ),
            ],
            options={
                "verbose_name": "service France Santé",
                "verbose_name_plural": "services France Santé",
            },
        ),
        migrations.CreateModel(
            name="SupportRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("siting", "implantation d’un lieu"),
                            ("recruitment", "recrutement de soignants"),
                            ("funding", "montage financier"),
                            ("coordination", "coordination des acteurs"),
                            ("digital", "numérique en santé"),
                            ("other", "autre"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="objet")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "attend une réponse"), ("answered", "répondue"), ("closed", "close")],
                        default="open",
                        max_length=20,
                        verbose_name="état",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("asked_at", models.DateTimeField(verbose_name="demandé le")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="demandé par",
                    ),
                ),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
            ],
            options={
                "verbose_name": "demande d’appui",
            },
        ),
        migrations.CreateModel(
            name="SupportMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(verbose_name="texte")),
                ("written_at", models.DateTimeField(verbose_name="le")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="labelling.supportrequest",
                        verbose_name="demande",
                    ),
                ),
            ],
            options={
                "verbose_name": "message d’une demande d’appui",
                "verbose_name_plural": "messages des demandes d’appui",
            },
        ),
        migrations.AddConstraint(
            model_name="community",
            constraint=models.UniqueConstraint(fields=("departement", "name"), name="community_name_unique"),
        ),
        migrations.AddConstraint(
            model_name="communityaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["coordination", "recruitment", "prevention", "screening", "digital"])),
                name="community_action_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["mobile", "ehealth", "prevention", "engineering"])),
                name="offering_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("provider", ""), _negated=True), name="offering_names_its_provider"
            ),
        ),
        migrations.AddIndex(
            model_name="supportrequest",
            index=models.Index(fields=["state", "departement"], name="support_request_scope"),
        ),
        migrations.AddConstraint(
            model_name="supportrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["siting", "recruitment", "funding", "coordination", "digital", "other"])
                ),
                name="support_request_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="supportrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "answered", "closed"])), name="support_request_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="supportmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="support_message_says_something"
            ),
        ),
        migrations.RunSQL(*insert_only("labelling_supportmessage")),
    ]
