import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        BtreeGistExtension(),
        TrigramExtension(),
        migrations.CreateModel(
            name="Region",
            fields=[
                ("code", models.CharField(max_length=2, primary_key=True, serialize=False, verbose_name="code")),
                ("name", models.CharField(max_length=60, verbose_name="nom")),
                ("sort_key", models.CharField(db_index=True, max_length=60, verbose_name="clé de tri")),
            ],
            options={"verbose_name": "région"},
        ),
        migrations.CreateModel(
            name="Departement",
            fields=[
                ("code", models.CharField(max_length=3, primary_key=True, serialize=False, verbose_name="code")),
                ("name", models.CharField(max_length=60, verbose_name="nom")),
                (
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departements",
                        to="territories.region",
                        verbose_name="région",
                    ),
                ),
                ("timezone", models.CharField(max_length=40, verbose_name="fuseau horaire")),
                ("sort_key", models.CharField(db_index=True, max_length=60, verbose_name="clé de tri")),
                ("outline", models.TextField(blank=True, default="", verbose_name="contour sur la carte nationale")),
                ("inset_outline", models.TextField(blank=True, default="", verbose_name="contour dans la loupe")),
            ],
            options={"verbose_name": "département"},
        ),
        migrations.CreateModel(
            name="Epci",
            fields=[
                ("code", models.CharField(max_length=9, primary_key=True, serialize=False, verbose_name="SIREN")),
                ("name", models.CharField(max_length=160, verbose_name="nom")),
                ("kind", models.CharField(max_length=10, verbose_name="nature")),
                ("sort_key", models.CharField(db_index=True, max_length=160, verbose_name="clé de tri")),
            ],
            options={"verbose_name": "EPCI", "verbose_name_plural": "EPCI"},
        ),
        migrations.CreateModel(
            name="EpciVintage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "epci",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vintages",
                        to="territories.epci",
                        verbose_name="EPCI",
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="millésime")),
                ("name", models.CharField(max_length=160, verbose_name="nom")),
                ("kind", models.CharField(max_length=10, verbose_name="nature")),
                ("outline", models.TextField(blank=True, default="", verbose_name="contour")),
                ("bounds", models.CharField(blank=True, default="", max_length=60, verbose_name="emprise")),
            ],
            options={
                "verbose_name": "millésime d’EPCI",
                "constraints": [models.UniqueConstraint(fields=("epci", "year"), name="epci_vintage_unique")],
            },
        ),
        migrations.CreateModel(
            name="Commune",
            fields=[
                ("code", models.CharField(max_length=5, primary_key=True, serialize=False, verbose_name="code INSEE")),
                ("name", models.CharField(max_length=80, verbose_name="nom")),
                ("sort_key", models.CharField(max_length=80, verbose_name="clé de tri")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="communes",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                ("latitude", models.FloatField(blank=True, null=True, verbose_name="latitude (WGS 84)")),
                ("longitude", models.FloatField(blank=True, null=True, verbose_name="longitude (WGS 84)")),
                ("valid_until", models.DateField(blank=True, null=True, verbose_name="existe jusqu’au")),
                (
                    "successor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="predecessors",
                        to="territories.commune",
                        verbose_name="commune qui lui succède",
                    ),
                ),
            ],
            options={
                "verbose_name": "commune",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("sort_key", name="gin_trgm_ops"),
                        name="commune_sort_key_trgm",
                    ),
                    models.Index(
                        django.contrib.postgres.indexes.OpClass("sort_key", name="varchar_pattern_ops"),
                        name="commune_sort_key_prefix",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("latitude__isnull", True), ("longitude__isnull", True)),
                            models.Q(("latitude__isnull", False), ("longitude__isnull", False)),
                            _connector="OR",
                        ),
                        name="commune_point_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("successor__isnull", True), ("valid_until__isnull", True)),
                            models.Q(("successor__isnull", False), ("valid_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="commune_end_has_successor",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("successor__isnull", True),
                            models.Q(("successor", models.F("code")), _negated=True),
                            _connector="OR",
                        ),
                        name="commune_not_its_own_successor",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CommuneVintage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "commune",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vintages",
                        to="territories.commune",
                        verbose_name="commune",
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="millésime")),
                (
                    "departement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                (
                    "epci",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commune_vintages",
                        to="territories.epci",
                        verbose_name="EPCI",
                    ),
                ),
                ("population", models.PositiveIntegerField(verbose_name="population municipale")),
                ("population_year", models.PositiveSmallIntegerField(verbose_name="recensement")),
            ],
            options={
                "verbose_name": "millésime de commune",
                "indexes": [models.Index(fields=["year", "epci"], name="commune_vintage_epci")],
                "constraints": [models.UniqueConstraint(fields=("commune", "year"), name="commune_vintage_unique")],
            },
        ),
        migrations.CreateModel(
            name="FormerCode",
            fields=[
                ("code", models.CharField(max_length=5, primary_key=True, serialize=False, verbose_name="ancien code")),
                (
                    "commune",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="former_codes",
                        to="territories.commune",
                        verbose_name="commune actuelle",
                    ),
                ),
                ("kind", models.CharField(max_length=30, verbose_name="nature")),
            ],
            options={"verbose_name": "ancien code"},
        ),
        migrations.CreateModel(
            name="PostalCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=5, verbose_name="code postal")),
                (
                    "commune",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postal_codes",
                        to="territories.commune",
                        verbose_name="commune",
                    ),
                ),
            ],
            options={
                "verbose_name": "code postal",
                "indexes": [
                    models.Index(
                        django.contrib.postgres.indexes.OpClass("code", name="varchar_pattern_ops"),
                        name="postal_code_prefix",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("code", "commune"), name="postal_code_unique")],
            },
        ),
        migrations.CreateModel(
            name="ReferenceLoad",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("manifest_hash", models.CharField(max_length=64, unique=True, verbose_name="empreinte du manifeste")),
                ("loaded_at", models.DateTimeField(verbose_name="chargé le")),
                ("report", models.JSONField(default=dict, verbose_name="compte rendu")),
            ],
            options={"verbose_name": "chargement du référentiel"},
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="adresse électronique")),
                ("first_name", models.CharField(blank=True, max_length=80, verbose_name="prénom")),
                ("last_name", models.CharField(blank=True, max_length=80, verbose_name="nom")),
                ("civility", models.CharField(blank=True, max_length=10, verbose_name="civilité")),
                ("is_active", models.BooleanField(default=True, verbose_name="compte actif")),
                ("is_staff", models.BooleanField(default=False, verbose_name="accès à l’administration")),
                ("joined_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="inscription")),
                ("anonymised_at", models.DateTimeField(blank=True, null=True, verbose_name="rendu anonyme le")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "compte",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="user_email_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("anonymised_at__isnull", True),
                            models.Q(
                                ("civility", ""),
                                ("email__endswith", "@anonyme.invalid"),
                                ("first_name", ""),
                                ("is_active", False),
                                ("last_name", ""),
                            ),
                            _connector="OR",
                        ),
                        name="user_anonymised_is_nobody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Authority",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("ars", "agence régionale de santé"),
                            ("prefecture", "préfecture"),
                            ("national", "équipe nationale"),
                            ("caisse", "caisse d’assurance maladie"),
                            ("collectivite", "collectivité"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True, verbose_name="nom")),
                (
                    "region",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorities",
                        to="territories.region",
                        verbose_name="région",
                    ),
                ),
                (
                    "departement",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorities",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                ("service", models.CharField(blank=True, max_length=160, verbose_name="service chargé des dossiers")),
                ("address", models.TextField(blank=True, verbose_name="adresse postale")),
                ("phone", models.CharField(blank=True, max_length=30, verbose_name="téléphone")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="adresse électronique")),
                (
                    "court",
                    models.CharField(blank=True, max_length=120, verbose_name="tribunal administratif compétent"),
                ),
            ],
            options={
                "verbose_name": "autorité",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["ars", "prefecture", "national", "caisse", "collectivite"])),
                        name="authority_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("departement__isnull", True), ("kind", "ars"), ("region__isnull", False)),
                            models.Q(("departement__isnull", False), ("kind", "prefecture"), ("region__isnull", True)),
                            models.Q(("departement__isnull", True), ("kind", "national"), ("region__isnull", True)),
                            ("kind__in", ["caisse", "collectivite"]),
                            _connector="OR",
                        ),
                        name="authority_territory_fits_kind",
                        violation_error_message="Une ARS a une région, une préfecture un département, l’équipe nationale ni l’un ni l’autre.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mandate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mandates",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
                (
                    "authority",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mandates",
                        to="territories.authority",
                        verbose_name="autorité",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("agent", "instruction"),
                            ("partner", "avis"),
                            ("observer", "lecture"),
                            ("national", "pilotage national"),
                        ],
                        max_length=20,
                        verbose_name="rôle",
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
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField(verbose_name="période")),
                (
                    "signing_as",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("holder", "titulaire"),
                            ("delegate", "par délégation"),
                            ("substitute", "par suppléance"),
                            ("interim", "par intérim"),
                        ],
                        max_length=20,
                        verbose_name="signe en qualité de",
                    ),
                ),
                (
                    "signing_title",
                    models.CharField(blank=True, max_length=200, verbose_name="qualité imprimée sur les actes"),
                ),
                (
                    "signing_act",
                    models.CharField(blank=True, max_length=250, verbose_name="acte donnant le droit de signer"),
                ),
                ("signing_act_date", models.DateField(blank=True, null=True, verbose_name="date de cet acte")),
                (
                    "signing_published_date",
                    models.DateField(blank=True, null=True, verbose_name="publication de cet acte"),
                ),
                (
                    "signing_publication",
                    models.CharField(blank=True, max_length=200, verbose_name="référence de publication"),
                ),
            ],
            options={
                "verbose_name": "habilitation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["agent", "partner", "observer", "national"])),
                        name="mandate_role_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("signing_as", ""),
                            ("signing_as__in", ["holder", "delegate", "substitute", "interim"]),
                            _connector="OR",
                        ),
                        name="mandate_signing_as_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("region__isnull", True), ("departement__isnull", True), _connector="OR"),
                        name="mandate_one_territory",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("signing_act", ""),
                                ("signing_act_date__isnull", True),
                                ("signing_as", ""),
                                ("signing_published_date__isnull", True),
                            ),
                            models.Q(
                                models.Q(("signing_as", ""), _negated=True),
                                models.Q(("signing_act", ""), _negated=True),
                                models.Q(("signing_title", ""), _negated=True),
                                ("role", "agent"),
                                ("signing_act_date__isnull", False),
                                ("signing_published_date__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="mandate_right_to_sign_whole",
                        violation_error_message="Le droit de signer demande sa qualité, son acte, la date de l’acte et celle de sa publication.",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("user", "="),
                            ("authority", "="),
                            (django.db.models.functions.comparison.Coalesce("region_id", models.Value("")), "="),
                            (django.db.models.functions.comparison.Coalesce("departement_id", models.Value("")), "="),
                            ("valid", "&&"),
                        ],
                        name="mandate_no_overlap",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254, verbose_name="adresse invitée")),
                ("token_hash", models.CharField(max_length=64, unique=True, verbose_name="empreinte du lien")),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invité par",
                    ),
                ),
                ("mandate_fields", models.JSONField(blank=True, null=True, verbose_name="habilitation promise")),
                ("membership_fields", models.JSONField(blank=True, null=True, verbose_name="accès promis")),
                ("created_at", models.DateTimeField(verbose_name="créée le")),
                ("expires_at", models.DateTimeField(verbose_name="expire le")),
                ("accepted_at", models.DateTimeField(blank=True, null=True, verbose_name="acceptée le")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="annulée le")),
            ],
            options={
                "verbose_name": "invitation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email", django.db.models.functions.text.Lower("email"))),
                        name="invitation_email_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("mandate_fields__isnull", False), ("membership_fields__isnull", False), _connector="OR"
                        ),
                        name="invitation_promises_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("accepted_at__isnull", True), ("cancelled_at__isnull", True), _connector="OR"
                        ),
                        name="invitation_accepted_or_cancelled",
                        violation_error_message="Une invitation acceptée ne s’annule plus.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SigningRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("label_granted", "labellisation"),
                            ("label_refused", "refus de labellisation"),
                            ("label_abrogated", "abrogation du label"),
                            ("label_withdrawn", "retrait du label"),
                            ("label_suspended", "suspension du label"),
                            ("label_reinstated", "levée de la suspension"),
                            ("grant_awarded", "attribution d’un financement"),
                            ("appeal_rejected", "rejet d’un recours gracieux"),
                            ("appeal_accepted", "recours gracieux accueilli"),
                        ],
                        max_length=30,
                        verbose_name="nature de décision",
                    ),
                ),
                (
                    "capacities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                            max_length=20,
                        ),
                        size=None,
                        verbose_name="signatures requises",
                    ),
                ),
                ("legal_source", models.TextField(verbose_name="source")),
                ("valid_from", models.DateField(verbose_name="applicable depuis le")),
            ],
            options={
                "verbose_name": "règle de signature",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "label_granted",
                                    "label_refused",
                                    "label_abrogated",
                                    "label_withdrawn",
                                    "label_suspended",
                                    "label_reinstated",
                                    "grant_awarded",
                                    "appeal_rejected",
                                    "appeal_accepted",
                                ],
                            )
                        ),
                        name="signing_rule_kind_known",
                    ),
                    models.UniqueConstraint(fields=("kind", "valid_from"), name="signing_rule_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("capacities__len__gte", 1)), name="signing_rule_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("label_granted", "labellisation"),
                            ("label_refused", "refus de labellisation"),
                            ("label_abrogated", "abrogation du label"),
                            ("label_withdrawn", "retrait du label"),
                            ("label_suspended", "suspension du label"),
                            ("label_reinstated", "levée de la suspension"),
                            ("grant_awarded", "attribution d’un financement"),
                            ("appeal_rejected", "rejet d’un recours gracieux"),
                            ("appeal_accepted", "recours gracieux accueilli"),
                        ],
                        max_length=30,
                        verbose_name="nature",
                    ),
                ),
                (
                    "subject_type",
                    models.CharField(
                        choices=[
                            ("application", "candidature"),
                            ("label", "label"),
                            ("structure", "structure"),
                            ("grant", "attribution"),
                            ("envelope", "enveloppe"),
                            ("edition", "édition"),
                            ("decision", "décision"),
                            ("mandate", "habilitation"),
                            ("claim", "revendication"),
                            ("specification", "cahier des charges"),
                            ("wave", "vague"),
                            ("quota", "quota"),
                            ("register_line", "ligne de registre"),
                            ("template", "modèle de décision"),
                            ("support", "demande d’appui"),
                            ("community", "communauté France Santé"),
                            ("offering", "service France Santé"),
                            ("appeal", "recours"),
                            ("account", "compte"),
                            ("mail_text", "texte de courriel"),
                            ("ground", "motif d’un acte sur un label"),
                        ],
                        max_length=20,
                        verbose_name="porte sur",
                    ),
                ),
                ("subject_id", models.BigIntegerField(verbose_name="identifiant")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                ("title", models.CharField(max_length=250, verbose_name="intitulé")),
                ("content", models.TextField(verbose_name="contenu signé")),
                ("content_hash", models.CharField(max_length=64, verbose_name="empreinte")),
                (
                    "required",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                            max_length=20,
                        ),
                        size=None,
                        verbose_name="signatures requises",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "à la signature"),
                            ("signed", "signée"),
                            ("declined", "non signée"),
                            ("replaced", "remplacée"),
                            ("taken_back", "reprise par le service"),
                        ],
                        default="proposed",
                        max_length=20,
                        verbose_name="état",
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="territories.decision",
                        verbose_name="remplace",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="présentée par",
                    ),
                ),
                ("proposed_at", models.DateTimeField(verbose_name="présentée le")),
                ("signed_at", models.DateTimeField(blank=True, null=True, verbose_name="date de l’acte")),
                ("pdf", models.BinaryField(blank=True, null=True, verbose_name="acte en PDF")),
                ("pdf_hash", models.CharField(blank=True, max_length=64, verbose_name="empreinte du PDF")),
            ],
            options={
                "verbose_name": "décision",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "proposed")), fields=["departement"], name="decision_parapheur"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "label_granted",
                                    "label_refused",
                                    "label_abrogated",
                                    "label_withdrawn",
                                    "label_suspended",
                                    "label_reinstated",
                                    "grant_awarded",
                                    "appeal_rejected",
                                    "appeal_accepted",
                                ],
                            )
                        ),
                        name="decision_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "subject_type__in",
                                [
                                    "application",
                                    "label",
                                    "structure",
                                    "grant",
                                    "envelope",
                                    "edition",
                                    "decision",
                                    "mandate",
                                    "claim",
                                    "specification",
                                    "wave",
                                    "quota",
                                    "register_line",
                                    "template",
                                    "support",
                                    "community",
                                    "offering",
                                    "appeal",
                                    "account",
                                    "mail_text",
                                    "ground",
                                ],
                            )
                        ),
                        name="decision_subject_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["proposed", "signed", "declined", "replaced", "taken_back"])),
                        name="decision_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["signed"]), ("signed_at__isnull", False)),
                            models.Q(
                                models.Q(("state__in", ["signed"]), _negated=True),
                                models.Q(("signed_at__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="decision_signed_at_iff_signed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("required__len__gte", 1)), name="decision_requires_someone"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "content_hash",
                                models.Func(
                                    models.Func(
                                        models.Func("content", models.Value("UTF8"), function="convert_to"),
                                        function="sha256",
                                    ),
                                    models.Value("hex"),
                                    function="encode",
                                    output_field=models.CharField(),
                                ),
                            )
                        ),
                        name="decision_hash_is_of_content",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "proposed")),
                        fields=("subject_type", "subject_id", "kind"),
                        name="decision_one_proposed_per_subject",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="en qualité de",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="signataire",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="habilitation",
                    ),
                ),
                ("content_hash", models.CharField(max_length=64, verbose_name="empreinte signée")),
                (
                    "means",
                    models.CharField(
                        choices=[("portal", "dans le portail"), ("paper", "sur un original papier")],
                        default="portal",
                        max_length=10,
                        verbose_name="moyen",
                    ),
                ),
                ("signatory_name", models.CharField(max_length=200, verbose_name="nom imprimé")),
                ("signatory_title", models.CharField(max_length=300, verbose_name="qualité imprimée")),
                ("signed_at", models.DateTimeField(verbose_name="signée le")),
            ],
            options={
                "verbose_name": "signature",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="signature_capacity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("means__in", ["portal", "paper"])), name="signature_means_known"
                    ),
                    models.UniqueConstraint(fields=("decision", "capacity"), name="signature_once_per_capacity"),
                    models.UniqueConstraint(fields=("decision", "user"), name="signature_once_per_person"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignatureRefusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signature_refusals",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="en qualité de",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="habilitation",
                    ),
                ),
                ("reason", models.TextField(verbose_name="motif")),
                ("declined_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "refus de signer",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="signature_refusal_capacity_known"
                    ),
                    models.UniqueConstraint(
                        fields=("decision", "capacity"), name="signature_refusal_once_per_capacity"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="signature_refusal_reasoned"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notifications",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="destinataire",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("portal", "dans le portail"), ("letter", "lettre recommandée")],
                        max_length=10,
                        verbose_name="voie",
                    ),
                ),
                ("sent_at", models.DateTimeField(verbose_name="mise à disposition le")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="notifiée le")),
            ],
            options={
                "verbose_name": "notification",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("channel__in", ["portal", "letter"])), name="notification_channel_known"
                    ),
                    models.UniqueConstraint(
                        fields=("decision", "recipient"), name="notification_once_per_person", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("notified_at__isnull", True), ("notified_at__gte", models.F("sent_at")), _connector="OR"
                        ),
                        name="notification_after_sending",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "subject_type",
                    models.CharField(
                        choices=[
                            ("application", "candidature"),
                            ("label", "label"),
                            ("structure", "structure"),
                            ("grant", "attribution"),
                            ("envelope", "enveloppe"),
                            ("edition", "édition"),
                            ("decision", "décision"),
                            ("mandate", "habilitation"),
                            ("claim", "revendication"),
                            ("specification", "cahier des charges"),
                            ("wave", "vague"),
                            ("quota", "quota"),
                            ("register_line", "ligne de registre"),
                            ("template", "modèle de décision"),
                            ("support", "demande d’appui"),
                            ("community", "communauté France Santé"),
                            ("offering", "service France Santé"),
                            ("appeal", "recours"),
                            ("account", "compte"),
                            ("mail_text", "texte de courriel"),
                            ("ground", "motif d’un acte sur un label"),
                        ],
                        max_length=20,
                        verbose_name="porte sur",
                    ),
                ),
                ("subject_id", models.BigIntegerField(verbose_name="identifiant")),
                ("sequence", models.PositiveIntegerField(verbose_name="rang")),
                ("action", models.CharField(max_length=40, verbose_name="acte")),
                ("from_state", models.CharField(blank=True, max_length=30, verbose_name="état avant")),
                ("to_state", models.CharField(blank=True, max_length=30, verbose_name="état après")),
                (
                    "actor_type",
                    models.CharField(
                        choices=[
                            ("mandate", "habilitation"),
                            ("membership", "compte de structure"),
                            ("system", "portail"),
                        ],
                        max_length=20,
                        verbose_name="par",
                    ),
                ),
                ("actor_id", models.BigIntegerField(blank=True, null=True, verbose_name="identifiant de l’acteur")),
                ("at", models.DateTimeField(verbose_name="le")),
                ("data", models.JSONField(blank=True, default=dict, verbose_name="données")),
                ("previous_hash", models.CharField(blank=True, max_length=64, verbose_name="empreinte précédente")),
                ("hash", models.CharField(max_length=64, verbose_name="empreinte")),
            ],
            options={
                "verbose_name": "événement",
                "indexes": [models.Index(fields=["at"], name="event_at")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "subject_type__in",
                                [
                                    "application",
                                    "label",
                                    "structure",
                                    "grant",
                                    "envelope",
                                    "edition",
                                    "decision",
                                    "mandate",
                                    "claim",
                                    "specification",
                                    "wave",
                                    "quota",
                                    "register_line",
                                    "template",
                                    "support",
                                    "community",
                                    "offering",
                                    "appeal",
                                    "account",
                                    "mail_text",
                                    "ground",
                                ],
                            )
                        ),
                        name="event_subject_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("actor_type__in", ["mandate", "membership", "system"])),
                        name="event_actor_known",
                    ),
                    models.UniqueConstraint(
                        fields=("subject_type", "subject_id", "sequence"), name="event_chain_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("actor_id__isnull", True), ("actor_type", "system")),
                            models.Q(models.Q(("actor_type", "system"), _negated=True), ("actor_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="event_actor_named",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("previous_hash", ""), ("sequence", 1)),
                            models.Q(("sequence__gt", 1), models.Q(("previous_hash", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="event_chain_linked",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventSeal",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False, verbose_name="jour")),
                ("events", models.PositiveIntegerField(verbose_name="événements")),
                ("previous_hash", models.CharField(blank=True, max_length=64, verbose_name="sceau précédent")),
                ("hash", models.CharField(max_length=64, verbose_name="sceau")),
                ("sealed_at", models.DateTimeField(verbose_name="scellé le")),
            ],
            options={"verbose_name": "sceau"},
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="territories.event",
                        verbose_name="événement",
                    ),
                ),
                ("consumer", models.CharField(max_length=40, verbose_name="destinataire")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="essais")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="prochain essai")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="remis le")),
                ("error", models.CharField(blank=True, max_length=200, verbose_name="dernière erreur")),
            ],
            options={
                "verbose_name": "remise",
                "indexes": [
                    models.Index(
                        condition=models.Q(("delivered_at__isnull", True)),
                        fields=["consumer", "next_attempt_at"],
                        name="delivery_due",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("event", "consumer"), name="delivery_unique")],
            },
        ),
        migrations.CreateModel(
            name="MailText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, verbose_name="courriel")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("subject", models.CharField(blank=True, max_length=200, verbose_name="objet")),
                ("body", models.TextField(blank=True, verbose_name="texte")),
                ("basis", models.CharField(max_length=64, verbose_name="empreinte de l’original")),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="écrit par",
                    ),
                ),
                ("written_at", models.DateTimeField(verbose_name="écrit le")),
            ],
            options={
                "verbose_name": "texte de courriel",
                "verbose_name_plural": "textes de courriel",
                "constraints": [
                    models.UniqueConstraint(fields=("name", "version"), name="mail_text_version_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("body", ""), ("subject", "")),
                            models.Q(models.Q(("subject", ""), _negated=True), models.Q(("body", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="mail_text_whole_or_original",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("basis__regex", "^[0-9a-f]{64}$")), name="mail_text_basis_form"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaperOriginal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paper_originals",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="en qualité de",
                    ),
                ),
                (
                    "signatory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="signataire",
                    ),
                ),
                ("signatory_name", models.CharField(max_length=200, verbose_name="nom imprimé")),
                ("signatory_title", models.CharField(max_length=300, verbose_name="qualité imprimée")),
                ("signed_date", models.DateField(verbose_name="signé le")),
                ("content_hash", models.CharField(max_length=64, verbose_name="empreinte signée")),
                ("scan", models.BinaryField(verbose_name="original numérisé")),
                ("scan_hash", models.CharField(max_length=64, verbose_name="empreinte du fichier")),
                (
                    "filed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="déposé par",
                    ),
                ),
                ("filed_at", models.DateTimeField(verbose_name="déposé le")),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="confirmé par",
                    ),
                ),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmé le")),
                (
                    "rejected_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="écarté par",
                    ),
                ),
                ("rejected_at", models.DateTimeField(blank=True, null=True, verbose_name="écarté le")),
                (
                    "rejection_reason",
                    models.CharField(blank=True, max_length=1000, verbose_name="pourquoi il est écarté"),
                ),
            ],
            options={
                "verbose_name": "original papier",
                "verbose_name_plural": "originaux papier",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="paper_original_capacity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("confirmed_by__isnull", True)),
                            models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="paper_original_confirmed_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("rejected_at__isnull", True), ("rejected_by__isnull", True), ("rejection_reason", "")
                            ),
                            models.Q(
                                ("rejected_at__isnull", False),
                                ("rejected_by__isnull", False),
                                models.Q(("rejection_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="paper_original_rejection_reasoned",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confirmed_at__isnull", True), ("rejected_at__isnull", True), _connector="OR"
                        ),
                        name="paper_original_confirmed_or_rejected",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "scan_hash",
                                models.Func(
                                    models.Func("scan", function="sha256"),
                                    models.Value("hex"),
                                    function="encode",
                                    output_field=models.CharField(),
                                ),
                            )
                        ),
                        name="paper_original_hash_is_of_scan",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("rejected_at__isnull", True)),
                        fields=("decision", "capacity"),
                        name="paper_original_one_per_capacity",
                        violation_error_message="Un original papier est déjà déposé pour cette qualité.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SignatureRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True, verbose_name="clé de la page qui l’a lancé")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="lancé le")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="terminé le")),
            ],
            options={"verbose_name": "sélection signée"},
        ),
        migrations.CreateModel(
            name="SignatureOutcome",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="territories.signaturerun",
                        verbose_name="sélection",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                ("content_hash", models.CharField(max_length=64, verbose_name="empreinte montrée")),
            ],
            options={
                "verbose_name": "issue d’une signature",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("result__in", ["waiting", "done", "not_done"])),
                        name="signature_outcome_result_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("result__in", ["done", "not_done"]), ("done_at__isnull", False)),
                            models.Q(
                                models.Q(("result__in", ["done", "not_done"]), _negated=True),
                                models.Q(("done_at__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="signature_outcome_done_at_iff_handled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("result", "not_done"), models.Q(("sentence", ""), _negated=True)),
                            models.Q(models.Q(("result", "not_done"), _negated=True), ("sentence", "")),
                            _connector="OR",
                        ),
                        name="signature_outcome_reason_iff_not_done",
                    ),
                    models.UniqueConstraint(fields=("run", "decision"), name="signature_outcome_once_per_decision"),
                ],
            },
        ),
    ]
