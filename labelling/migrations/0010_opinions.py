"""Opinions of third parties, notes of agents, declarations of interest, journal of readings."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from francesante.lib.db import insert_only


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0009_worklist"),
        ("territories", "0003_signing_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConsultedBody",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("caisse", "CPAM ou MSA"),
                            ("departement", "conseil départemental"),
                            ("elus", "élus"),
                            ("urps", "URPS"),
                            ("ordre", "ordre professionnel"),
                            ("ufr", "UFR de médecine"),
                            ("other", "autre organisme"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("name", models.CharField(max_length=160, verbose_name="nom")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="adresse électronique")),
                (
                    "retired_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="n’est plus consulté depuis le"),
                ),
                (
                    "authority",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.authority",
                        verbose_name="autorité du portail",
                    ),
                ),
                (
                    "departement",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                (
                    "region",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.region",
                        verbose_name="région",
                    ),
                ),
            ],
            options={
                "verbose_name": "organisme consulté",
                "verbose_name_plural": "organismes consultés",
            },
        ),
        migrations.CreateModel(
            name="ExpertGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="nom")),
                (
                    "bodies",
                    models.ManyToManyField(related_name="+", to="labelling.consultedbody", verbose_name="organismes"),
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
                "verbose_name": "groupe d’experts",
                "verbose_name_plural": "groupes d’experts",
            },
        ),
        migrations.CreateModel(
            name="FileReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="jour")),
                ("first_at", models.DateTimeField(verbose_name="première lecture")),
                ("last_at", models.DateTimeField(verbose_name="dernière lecture")),
                ("count", models.PositiveIntegerField(default=1, verbose_name="lectures")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="dernière habilitation",
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
                "verbose_name": "lecture d’un dossier",
                "verbose_name_plural": "lectures de dossiers",
            },
        ),
        migrations.CreateModel(
            name="InterestDeclaration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "interest",
                    models.CharField(
                        choices=[("none", "aucun lien d’intérêt"), ("recused", "se déporte")],
                        max_length=20,
                        verbose_name="déclaration",
                    ),
                ),
                ("declared_at", models.DateTimeField(verbose_name="le")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="habilitation",
                    ),
                ),
                (
                    "structure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.structure",
                        verbose_name="structure",
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
                "verbose_name": "déclaration d’intérêts",
                "verbose_name_plural": "déclarations d’intérêts",
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité",
                    ),
                ),
                ("joint", models.BooleanField(default=False, verbose_name="lue par les deux autorités")),
                ("text", models.TextField(verbose_name="note")),
                ("written_at", models.DateTimeField(verbose_name="le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "criterion",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.criterion",
                        verbose_name="critère",
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
                "verbose_name": "note",
            },
        ),
        migrations.CreateModel(
            name="Opinion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="adresse du lien")),
                ("question", models.TextField(verbose_name="question")),
                (
                    "parts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="parties montrées",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="demandé le")),
                ("due_date", models.DateField(verbose_name="attendu le")),
                ("reminded_date", models.DateField(blank=True, null=True, verbose_name="dernière relance le")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="rendu le")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="annulé le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="opinions",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
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
                    "body",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.consultedbody",
                        verbose_name="organisme",
                    ),
                ),
                (
                    "pieces",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="labelling.evidence", verbose_name="pièces montrées"
                    ),
                ),
            ],
            options={
                "verbose_name": "avis",
                "verbose_name_plural": "avis",
            },
        ),
        migrations.CreateModel(
            name="OpinionAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rank", models.PositiveSmallIntegerField(verbose_name="rang")),
                (
                    "sense",
                    models.CharField(
                        choices=[
                            ("favourable", "favorable"),
                            ("reserved", "favorable avec réserves"),
                            ("unfavourable", "défavorable"),
                            ("none", "sans avis"),
                        ],
                        max_length=20,
                        verbose_name="sens",
                    ),
                ),
                ("text", models.TextField(blank=True, verbose_name="texte")),
                ("confidential", models.BooleanField(default=False, verbose_name="réservé aux services")),
                ("answered_at", models.DateTimeField(verbose_name="le")),
                (
                    "mandate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                (
                    "opinion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="labelling.opinion",
                        verbose_name="avis",
                    ),
                ),
            ],
            options={
                "verbose_name": "réponse d’un organisme",
            },
        ),
        migrations.AddConstraint(
            model_name="consultedbody",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["caisse", "departement", "elus", "urps", "ordre", "ufr", "other"])),
                name="body_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consultedbody",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("departement__isnull", True), ("region__isnull", False)),
                    models.Q(("departement__isnull", False), ("region__isnull", True)),
                    _connector="OR",
                ),
                name="body_one_territory",
                violation_error_message="Un organisme est consulté dans un département, ou dans une région.",
            ),
        ),
        migrations.AddConstraint(
            model_name="consultedbody",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("authority__isnull", False), ("email", "")),
                    models.Q(("authority__isnull", True), models.Q(("email", ""), _negated=True)),
                    _connector="OR",
                ),
                name="body_reached_one_way",
                violation_error_message="Un organisme est joint par le portail, ou à une adresse électronique.",
            ),
        ),
        migrations.AddConstraint(
            model_name="consultedbody",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at__isnull", True)),
                fields=("name", "region", "departement"),
                name="body_name_unique",
                nulls_distinct=False,
                violation_error_message="Un organisme de ce nom est déjà consulté sur ce territoire.",
            ),
        ),
        migrations.AddConstraint(
            model_name="expertgroup",
            constraint=models.UniqueConstraint(
                fields=("departement", "name"),
                name="expert_group_name_unique",
                violation_error_message="Un groupe de ce nom existe déjà dans ce département.",
            ),
        ),
        migrations.AddConstraint(
            model_name="expertgroup",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="expert_group_is_named"
            ),
        ),
        migrations.AddIndex(
            model_name="filereading",
            index=models.Index(fields=["day"], name="reading_day"),
        ),
        migrations.AddConstraint(
            model_name="filereading",
            constraint=models.UniqueConstraint(fields=("user", "application", "day"), name="reading_once_per_day"),
        ),
        migrations.AddConstraint(
            model_name="filereading",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gte", 1), ("last_at__gte", models.F("first_at"))),
                name="reading_last_after_first",
            ),
        ),
        migrations.AddIndex(
            model_name="interestdeclaration",
            index=models.Index(fields=["user", "structure", "-id"], name="interest_standing"),
        ),
        migrations.AddConstraint(
            model_name="interestdeclaration",
            constraint=models.CheckConstraint(
                condition=models.Q(("interest__in", ["none", "recused"])), name="interest_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(("capacity__in", ["ars", "prefet"])), name="note_capacity_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="note_says_something"
            ),
        ),
        migrations.AddIndex(
            model_name="opinion",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", True), ("revoked_at__isnull", True)),
                fields=["due_date"],
                name="opinion_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(("question", ""), _negated=True), name="opinion_asks_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("parts__contained_by", ["horaires", "equipe", "tarifs", "permanence", "engagements"])
                ),
                name="opinion_parts_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_date__gte", django.db.models.functions.datetime.TruncDate("asked_at"))),
                name="opinion_due_after_asked",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.CheckConstraint(
                condition=models.Q(("answered_at__isnull", True), ("revoked_at__isnull", True), _connector="OR"),
                name="opinion_revoked_is_unanswered",
                violation_error_message="Un avis rendu reste au dossier : sa demande ne s’annule plus.",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("answered_at__isnull", True), ("revoked_at__isnull", True)),
                fields=("application", "body"),
                name="opinion_one_waiting_per_body",
                violation_error_message="Cet avis est déjà demandé.",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinionanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("sense__in", ["favourable", "reserved", "unfavourable", "none"])),
                name="opinion_answer_sense_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="opinionanswer",
            constraint=models.UniqueConstraint(fields=("opinion", "rank"), name="opinion_answer_rank_unique"),
        ),
        migrations.AddConstraint(
            model_name="opinionanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("text", ""), _negated=True), ("sense__in", ["favourable", "none"]), _connector="OR"
                ),
                name="opinion_answer_reasoned",
                violation_error_message="Un avis défavorable ou réservé demande ses motifs.",
            ),
        ),
        migrations.RunSQL(*insert_only("labelling_opinionanswer")),
        migrations.RunSQL(*insert_only("labelling_note")),
        migrations.RunSQL(*insert_only("labelling_interestdeclaration")),
    ]
