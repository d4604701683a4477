import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import labelling.models.evidence


class Migration(migrations.Migration):
    initial = True

    dependencies = [("territories", "0001_initial"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Specification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=10, unique=True, verbose_name="version")),
                ("title", models.CharField(max_length=200, verbose_name="titre")),
                ("preamble", models.TextField(blank=True, verbose_name="préambule")),
                ("legal_source", models.TextField(verbose_name="source")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="publiée le")),
                ("applies_from", models.DateField(blank=True, null=True, verbose_name="applicable à partir du")),
                (
                    "applies_to_pending",
                    models.BooleanField(default=False, verbose_name="s’applique aux dossiers en cours"),
                ),
                ("transitional_clause", models.TextField(blank=True, verbose_name="clause transitoire")),
                ("revision", models.PositiveIntegerField(default=1, verbose_name="révision du brouillon")),
            ],
            options={
                "verbose_name": "cahier des charges",
                "verbose_name_plural": "cahiers des charges",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("applies_to_pending", False),
                            models.Q(("transitional_clause", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="specification_clause_has_text",
                        violation_error_message="Une version qui s’applique aux dossiers en cours le dit par sa clause transitoire.",
                    ),
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=models.Q(("published_at__isnull", True)),
                        name="specification_one_draft",
                        violation_error_message="Un brouillon du cahier des charges existe déjà.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Criterion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "specification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="criteria",
                        to="labelling.specification",
                        verbose_name="cahier des charges",
                    ),
                ),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("position", models.PositiveSmallIntegerField(verbose_name="rang")),
                (
                    "kind",
                    models.CharField(
                        choices=[("criterion", "critère"), ("commitment", "engagement")],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("title", models.CharField(max_length=120, verbose_name="intitulé")),
                ("text", models.TextField(verbose_name="texte")),
                ("help_text", models.TextField(blank=True, verbose_name="aide")),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("doctor", "présence médicale"),
                            ("nurse", "présence infirmière"),
                            ("open_days", "jours d’ouverture"),
                            ("no_overrun", "absence de dépassements d’honoraires"),
                            ("on_call", "PDSA ou SAS"),
                            ("commitment", "engagement"),
                            ("person", "appréciation d’un agent, sans constat automatique"),
                        ],
                        max_length=20,
                        verbose_name="règle",
                    ),
                ),
                ("parameters", models.JSONField(blank=True, default=dict, verbose_name="paramètres de la règle")),
                ("evidence_asked", models.TextField(blank=True, verbose_name="pièces utiles")),
                (
                    "exempt_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("msp", "maison de santé"),
                                ("cds", "centre de santé"),
                                ("cabinet", "cabinet médical de groupe"),
                                ("hospital", "hôpital de proximité"),
                                ("mobile", "médicobus"),
                                ("other", "autre lieu de soins de proximité"),
                            ],
                            max_length=20,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="types exemptés",
                    ),
                ),
                ("legal_source", models.TextField(verbose_name="source")),
            ],
            options={
                "verbose_name": "critère",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["criterion", "commitment"])), name="criterion_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "rule__in",
                                ["doctor", "nurse", "open_days", "no_overrun", "on_call", "commitment", "person"],
                            )
                        ),
                        name="criterion_rule_known",
                    ),
                    models.UniqueConstraint(fields=("specification", "code"), name="criterion_code_unique"),
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["IMMEDIATE"],
                        fields=("specification", "position"),
                        name="criterion_position_unique",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Wave",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(unique=True, verbose_name="numéro")),
                ("name", models.CharField(max_length=120, verbose_name="nom")),
                ("period", django.contrib.postgres.fields.ranges.DateRangeField(verbose_name="période")),
                (
                    "national_target",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="objectif national cumulé"),
                ),
                (
                    "departement_floor",
                    models.PositiveSmallIntegerField(default=0, verbose_name="plancher par département"),
                ),
                (
                    "departement_target",
                    models.PositiveSmallIntegerField(default=0, verbose_name="cible par département"),
                ),
                ("legal_source", models.TextField(verbose_name="source")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={
                "verbose_name": "vague",
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("period", "&&")],
                        name="wave_no_overlap",
                        violation_error_message="Ces dates chevauchent celles d’une autre vague.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("departement_target__gte", models.F("departement_floor"))),
                        name="wave_target_over_floor",
                        violation_error_message="La cible par département est au moins égale au plancher.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Quota",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "wave",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="quotas",
                        to="labelling.wave",
                        verbose_name="vague",
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
                ("floor", models.PositiveSmallIntegerField(default=0, verbose_name="plancher")),
                ("target", models.PositiveSmallIntegerField(default=0, verbose_name="cible")),
                ("ceiling", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="plafond")),
                ("ceiling_act", models.CharField(blank=True, max_length=250, verbose_name="acte fixant le plafond")),
                ("reserved", models.PositiveSmallIntegerField(default=0, verbose_name="places réservées")),
                ("used", models.PositiveSmallIntegerField(default=0, verbose_name="places prises")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={
                "verbose_name": "quota",
                "constraints": [
                    models.UniqueConstraint(fields=("wave", "departement"), name="quota_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("target__gte", models.F("floor"))),
                        name="quota_target_over_floor",
                        violation_error_message="La cible est au moins égale au plancher.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ceiling__isnull", True), ("ceiling_act", "")),
                            models.Q(("ceiling__isnull", False), models.Q(("ceiling_act", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="quota_ceiling_cites_its_act",
                        violation_error_message="Un plafond cite l’acte qui le fixe.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ceiling__isnull", True),
                            (
                                "ceiling__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("reserved"), "+", models.F("used")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="quota_ceiling_holds",
                        violation_error_message="Le plafond de la vague est atteint dans ce département.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegisterLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "register",
                    models.CharField(
                        choices=[
                            ("finess", "FINESS"),
                            ("list", "liste transmise par une ARS"),
                            ("ameli", "Ameli"),
                            ("annuaire", "Annuaire des entreprises"),
                            ("declared", "déclaration du demandeur"),
                        ],
                        max_length=10,
                        verbose_name="registre",
                    ),
                ),
                ("number", models.CharField(max_length=20, verbose_name="numéro")),
                (
                    "legal_number",
                    models.CharField(blank=True, max_length=9, verbose_name="FINESS de l’entité juridique"),
                ),
                ("siret", models.CharField(blank=True, max_length=14, verbose_name="SIRET")),
                ("name", models.CharField(max_length=200, verbose_name="nom")),
                ("sort_key", models.CharField(max_length=200, verbose_name="clé de tri")),
                ("category", models.CharField(max_length=10, verbose_name="catégorie")),
                ("category_label", models.CharField(blank=True, max_length=120, verbose_name="libellé de catégorie")),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("msp", "maison de santé"),
                            ("cds", "centre de santé"),
                            ("cabinet", "cabinet médical de groupe"),
                            ("hospital", "hôpital de proximité"),
                            ("mobile", "médicobus"),
                            ("other", "autre lieu de soins de proximité"),
                        ],
                        max_length=20,
                        verbose_name="type proposé",
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=250, verbose_name="adresse")),
                ("postal_code", models.CharField(blank=True, max_length=5, verbose_name="code postal")),
                (
                    "commune",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.commune",
                        verbose_name="commune",
                    ),
                ),
                ("latitude", models.FloatField(blank=True, null=True, verbose_name="latitude")),
                ("longitude", models.FloatField(blank=True, null=True, verbose_name="longitude")),
                ("phone", models.CharField(blank=True, max_length=20, verbose_name="téléphone")),
                (
                    "email",
                    models.EmailField(
                        blank=True, max_length=254, verbose_name="adresse électronique connue du registre"
                    ),
                ),
                ("facts", models.JSONField(blank=True, default=dict, verbose_name="faits utiles aux critères")),
                ("closed_on", models.DateField(blank=True, null=True, verbose_name="fermée le")),
                ("as_of", models.DateField(verbose_name="situation au")),
                (
                    "missing_since",
                    models.DateField(blank=True, null=True, verbose_name="absente du registre depuis le"),
                ),
            ],
            options={
                "verbose_name": "ligne de registre",
                "indexes": [
                    models.Index(
                        condition=models.Q(("siret", ""), _negated=True), fields=["siret"], name="register_line_siret"
                    ),
                    models.Index(
                        condition=models.Q(("legal_number", ""), _negated=True),
                        fields=["legal_number"],
                        name="register_line_legal",
                    ),
                    models.Index(
                        condition=models.Q(("kind", ""), _negated=True),
                        fields=["commune", "kind"],
                        name="register_line_prospects",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("sort_key", name="gin_trgm_ops"),
                        name="register_line_name_trgm",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("register__in", ["finess", "list", "ameli", "annuaire", "declared"])),
                        name="register_line_register_known",
                    ),
                    models.UniqueConstraint(fields=("register", "number"), name="register_line_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("latitude__isnull", True), ("longitude__isnull", True)),
                            models.Q(("latitude__isnull", False), ("longitude__isnull", False)),
                            _connector="OR",
                        ),
                        name="register_line_point_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("missing_since__isnull", True), ("missing_since__gt", models.F("as_of")), _connector="OR"
                        ),
                        name="register_line_missing_after_seen",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegisterImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "form",
                    models.CharField(
                        choices=[
                            ("finess_plus", "FINESS+ (JSON quotidien)"),
                            ("national", "ancienne extraction nationale de FINESS"),
                            ("csv", "CSV documenté"),
                            ("answer", "réponse de l’Annuaire des entreprises"),
                        ],
                        max_length=20,
                        verbose_name="forme du fichier",
                    ),
                ),
                ("file_hash", models.CharField(max_length=64, verbose_name="empreinte du fichier")),
                ("as_of", models.DateField(verbose_name="situation au")),
                ("partial", models.BooleanField(verbose_name="une partie du registre")),
                ("imported_at", models.DateTimeField(verbose_name="importé le")),
                ("read", models.PositiveIntegerField(verbose_name="lues")),
                ("created", models.PositiveIntegerField(verbose_name="créées")),
                ("changed", models.PositiveIntegerField(verbose_name="modifiées")),
                ("unchanged", models.PositiveIntegerField(verbose_name="inchangées")),
                ("older", models.PositiveIntegerField(verbose_name="plus anciennes que la base")),
                ("disappeared", models.PositiveIntegerField(verbose_name="disparues")),
                ("refused", models.PositiveIntegerField(verbose_name="refusées")),
            ],
            options={
                "verbose_name": "import de registre",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("form__in", ["finess_plus", "national", "csv", "answer"])),
                        name="register_import_form_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RegisterChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="labelling.registerimport",
                        verbose_name="import",
                    ),
                ),
                ("field", models.CharField(max_length=30, verbose_name="champ")),
                ("old", models.JSONField(null=True, verbose_name="avant")),
                ("new", models.JSONField(null=True, verbose_name="après")),
                ("old_as_of", models.DateField(verbose_name="dit jusqu’au")),
                ("as_of", models.DateField(verbose_name="dit depuis le")),
            ],
            options={
                "verbose_name": "changement de registre",
                "constraints": [
                    models.UniqueConstraint(fields=("line", "source", "field"), name="register_change_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Completion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="completion",
                        to="labelling.registerline",
                        verbose_name="ligne déclarée par le demandeur",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="attendu depuis le")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="essais")),
                ("next_at", models.DateTimeField(blank=True, null=True, verbose_name="prochain essai le")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("found", "connu, ouvert"),
                            ("closed", "connu, fermé"),
                            ("unknown", "inconnu"),
                            ("unshown", "connu, dont le titulaire a demandé qu’il ne soit pas diffusé"),
                            ("silent", "service injoignable"),
                            ("too_many", "trop de questions de la même personne"),
                        ],
                        max_length=10,
                        verbose_name="réponse",
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="répondu le")),
                (
                    "answer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.registerline",
                        verbose_name="ligne de la réponse",
                    ),
                ),
            ],
            options={
                "verbose_name": "complément attendu",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="completion_waiting"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer__isnull", True),
                                ("next_at__isnull", False),
                                ("outcome", ""),
                                ("settled_at__isnull", True),
                            ),
                            models.Q(
                                ("answer__isnull", False),
                                ("next_at__isnull", True),
                                ("outcome__in", ["found", "closed"]),
                                ("settled_at__isnull", False),
                            ),
                            models.Q(
                                ("answer__isnull", True),
                                ("next_at__isnull", True),
                                ("outcome__in", ["unknown", "unshown"]),
                                ("settled_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="completion_settled_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Structure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("msp", "maison de santé"),
                            ("cds", "centre de santé"),
                            ("cabinet", "cabinet médical de groupe"),
                            ("hospital", "hôpital de proximité"),
                            ("mobile", "médicobus"),
                            ("other", "autre lieu de soins de proximité"),
                        ],
                        max_length=20,
                        verbose_name="type",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="nom")),
                ("sort_key", models.CharField(max_length=200, verbose_name="clé de tri")),
                ("finess", models.CharField(blank=True, max_length=9, null=True, unique=True, verbose_name="FINESS")),
                ("siret", models.CharField(blank=True, max_length=14, verbose_name="SIRET")),
                (
                    "commune",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.commune",
                        verbose_name="commune",
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
                ("address", models.CharField(blank=True, max_length=250, verbose_name="adresse")),
                ("postal_code", models.CharField(blank=True, max_length=5, verbose_name="code postal")),
                ("phone", models.CharField(blank=True, max_length=20, verbose_name="téléphone")),
                (
                    "email",
                    models.EmailField(blank=True, max_length=254, verbose_name="adresse électronique professionnelle"),
                ),
                (
                    "register_line",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="structure",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
                    ),
                ),
                ("fictional", models.BooleanField(default=False, verbose_name="inventée pour la démonstration")),
            ],
            options={
                "verbose_name": "structure",
                "indexes": [
                    models.Index(
                        condition=models.Q(("siret", ""), _negated=True), fields=["siret"], name="structure_siret"
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("sort_key", name="gin_trgm_ops"),
                        name="structure_name_trgm",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["msp", "cds", "cabinet", "hospital", "mobile", "other"])),
                        name="structure_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finess__isnull", True), ("finess__regex", "^[0-9][0-9AB][0-9]{7}$"), _connector="OR"
                        ),
                        name="structure_finess_form",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "structure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sites",
                        to="labelling.structure",
                        verbose_name="structure",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="nom")),
                ("address", models.CharField(blank=True, max_length=250, verbose_name="adresse")),
                ("postal_code", models.CharField(blank=True, max_length=5, verbose_name="code postal")),
                (
                    "commune",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.commune",
                        verbose_name="commune",
                    ),
                ),
                ("latitude", models.FloatField(blank=True, null=True, verbose_name="latitude")),
                ("longitude", models.FloatField(blank=True, null=True, verbose_name="longitude")),
                (
                    "point_source",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("register", "registre"),
                            ("address", "adresse, située par la Base Adresse Nationale"),
                            ("commune", "mairie de la commune"),
                        ],
                        max_length=10,
                        verbose_name="origine du point",
                    ),
                ),
                ("point_score", models.FloatField(blank=True, null=True, verbose_name="score de l’adresse")),
                ("locate_at", models.DateTimeField(blank=True, null=True, verbose_name="adresse à situer à partir du")),
                ("is_main", models.BooleanField(default=False, verbose_name="site principal")),
                ("hours", models.JSONField(blank=True, default=dict, verbose_name="horaires")),
                ("weeks", models.PositiveSmallIntegerField(default=1, verbose_name="toutes les n semaines")),
            ],
            options={
                "verbose_name": "site",
                "indexes": [
                    models.Index(
                        condition=models.Q(("locate_at__isnull", False)), fields=["locate_at"], name="site_to_locate"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("latitude__isnull", True), ("longitude__isnull", True)),
                            models.Q(("latitude__isnull", False), ("longitude__isnull", False)),
                            _connector="OR",
                        ),
                        name="site_point_whole",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_main", True)), fields=("structure",), name="site_one_main"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("point_source__in", ["", "register", "commune"]),
                            models.Q(
                                ("latitude__isnull", False),
                                ("point_score__gte", 0.6),
                                ("point_score__isnull", False),
                                ("point_source", "address"),
                            ),
                            _connector="OR",
                        ),
                        name="site_point_is_good",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
                (
                    "structure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="labelling.structure",
                        verbose_name="structure",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "responsable"), ("editor", "rédaction")], max_length=10, verbose_name="rôle"
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="depuis le")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="jusqu’au")),
            ],
            options={
                "verbose_name": "compte de structure",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "editor"])), name="membership_role_known"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("user", "structure"),
                        name="membership_one_per_structure",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="demandeur",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("msp", "maison de santé"),
                            ("cds", "centre de santé"),
                            ("cabinet", "cabinet médical de groupe"),
                            ("hospital", "hôpital de proximité"),
                            ("mobile", "médicobus"),
                            ("other", "autre lieu de soins de proximité"),
                        ],
                        max_length=20,
                        verbose_name="type dit par le demandeur",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("code_sent", "code envoyé"),
                            ("waiting_agent", "en attente d’un agent"),
                            ("confirmed", "confirmée"),
                            ("rejected", "rejetée"),
                        ],
                        max_length=20,
                        verbose_name="état",
                    ),
                ),
                ("code_hash", models.CharField(blank=True, max_length=128, verbose_name="empreinte du code")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="essais")),
                ("created_at", models.DateTimeField(verbose_name="demandée le")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="code valable jusqu’au")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="réglée le")),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="réglée par",
                    ),
                ),
            ],
            options={
                "verbose_name": "revendication",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["code_sent", "waiting_agent", "confirmed", "rejected"])),
                        name="claim_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["", "msp", "cds", "cabinet", "hospital", "mobile", "other"])),
                        name="claim_kind_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["code_sent", "waiting_agent"])),
                        fields=("user", "line"),
                        name="claim_one_open",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=20, unique=True, verbose_name="numéro")),
                (
                    "structure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="labelling.structure",
                        verbose_name="structure",
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
                (
                    "route",
                    models.CharField(
                        choices=[("candidature", "candidature"), ("accelerated", "labellisation accélérée")],
                        default="candidature",
                        max_length=20,
                        verbose_name="voie",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "brouillon"),
                            ("submitted", "déposée"),
                            ("under_review", "en instruction"),
                            ("awaiting_signatures", "à la signature"),
                            ("disagreement", "désaccord"),
                            ("labelled", "labellisée"),
                            ("refused", "refusée"),
                            ("abandoned", "désistement"),
                            ("closed", "sans suite"),
                        ],
                        default="draft",
                        max_length=30,
                        verbose_name="état",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "specification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="labelling.specification",
                        verbose_name="cahier des charges",
                    ),
                ),
                ("answers", models.JSONField(blank=True, default=dict, verbose_name="réponses")),
                (
                    "wave",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="labelling.wave",
                        verbose_name="vague",
                    ),
                ),
                (
                    "lead",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        default="ars",
                        max_length=20,
                        verbose_name="chef de file",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="créée le")),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="créée par",
                    ),
                ),
                ("saved_at", models.DateTimeField(blank=True, null=True, verbose_name="dernier enregistrement le")),
                ("submitted_at", models.DateTimeField(blank=True, null=True, verbose_name="déposée le")),
                ("silence_date", models.DateField(blank=True, null=True, verbose_name="réponse attendue avant le")),
                (
                    "notification_consent",
                    models.BooleanField(default=False, verbose_name="accepte la notification électronique"),
                ),
                (
                    "ars_reviewer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="instruite à l’ARS par",
                    ),
                ),
                (
                    "prefecture_reviewer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="instruite à la préfecture par",
                    ),
                ),
                ("shared_at", models.DateTimeField(blank=True, null=True, verbose_name="appréciation partagée le")),
                (
                    "endorsed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="position de l’autre autorité le"),
                ),
                (
                    "waiting_since",
                    models.DateTimeField(blank=True, null=True, verbose_name="en liste d’attente depuis le"),
                ),
                ("place_free_at", models.DateTimeField(blank=True, null=True, verbose_name="place libre annoncée le")),
                (
                    "decision",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "purged_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="données personnelles effacées le"),
                ),
            ],
            options={
                "verbose_name": "candidature",
                "indexes": [models.Index(fields=["departement", "state"], name="application_scope")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "draft",
                                    "submitted",
                                    "under_review",
                                    "awaiting_signatures",
                                    "disagreement",
                                    "labelled",
                                    "refused",
                                    "abandoned",
                                    "closed",
                                ],
                            )
                        ),
                        name="application_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("route__in", ["candidature", "accelerated"])),
                        name="application_route_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("lead__in", ["ars", "prefet"])), name="application_lead_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                (
                                    "state__in",
                                    [
                                        "submitted",
                                        "under_review",
                                        "awaiting_signatures",
                                        "disagreement",
                                        "labelled",
                                        "refused",
                                        "abandoned",
                                        "closed",
                                    ],
                                ),
                                ("submitted_at__isnull", False),
                            ),
                            models.Q(
                                models.Q(
                                    (
                                        "state__in",
                                        [
                                            "submitted",
                                            "under_review",
                                            "awaiting_signatures",
                                            "disagreement",
                                            "labelled",
                                            "refused",
                                            "abandoned",
                                            "closed",
                                        ],
                                    ),
                                    _negated=True,
                                ),
                                models.Q(("submitted_at__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="application_submitted_at_iff_past_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ["awaiting_signatures", "labelled", "refused"]),
                                ("decision__isnull", False),
                            ),
                            models.Q(
                                models.Q(("state__in", ["awaiting_signatures", "labelled", "refused"]), _negated=True),
                                models.Q(("decision__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="application_decision_iff_signing_or_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("silence_date__isnull", True), ("submitted_at__isnull", True)),
                            models.Q(("silence_date__isnull", False), ("submitted_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="application_silence_runs_from_receipt",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("endorsed_at__isnull", True), ("shared_at__isnull", False), _connector="OR"
                        ),
                        name="application_endorsed_after_shared",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("place_free_at__isnull", True), ("waiting_since__isnull", False), _connector="OR"
                        ),
                        name="application_place_free_while_waiting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("purged_at__isnull", True),
                            ("state__in", ["abandoned", "closed", "labelled", "refused"]),
                            _connector="OR",
                        ),
                        name="application_purged_once_over",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "submitted", "under_review", "awaiting_signatures", "disagreement"])
                        ),
                        fields=("structure",),
                        name="application_one_open_per_structure",
                        violation_error_message="Cette structure a déjà une candidature en cours.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CriterionAssessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assessments",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "criterion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.criterion",
                        verbose_name="critère",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("met", "rempli"),
                            ("not_met", "non rempli"),
                            ("to_clarify", "à préciser"),
                            ("not_applicable", "sans objet"),
                        ],
                        max_length=20,
                        verbose_name="appréciation",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="motif")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("assessed_at", models.DateTimeField(verbose_name="le")),
                ("set_aside_at", models.DateTimeField(blank=True, null=True, verbose_name="écartée le")),
            ],
            options={
                "verbose_name": "appréciation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="assessment_capacity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["met", "not_met", "to_clarify", "not_applicable"])),
                        name="assessment_verdict_known",
                    ),
                    models.UniqueConstraint(
                        fields=("application", "criterion", "capacity"), name="assessment_one_per_authority"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "not_met"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="assessment_not_met_is_reasoned",
                        violation_error_message="Un critère non rempli demande un motif.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "not_applicable"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="assessment_not_applicable_is_reasoned",
                        violation_error_message="Un critère sans objet demande un motif.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=20, unique=True, verbose_name="numéro")),
                (
                    "structure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labels",
                        to="labelling.structure",
                        verbose_name="structure",
                    ),
                ),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="label",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
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
                (
                    "wave",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labels",
                        to="labelling.wave",
                        verbose_name="vague",
                    ),
                ),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField(verbose_name="validité")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="retiré le")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="notifié le")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={
                "verbose_name": "label",
                "indexes": [models.Index(fields=["departement"], name="label_departement")],
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("withdrawn_at__isnull", True)),
                        expressions=[("structure", "="), ("valid", "&&")],
                        name="label_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Baseline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "hours",
                    models.DecimalField(
                        decimal_places=1, max_digits=6, null=True, verbose_name="heures d’ouverture par semaine"
                    ),
                ),
                (
                    "doctor",
                    models.DecimalField(
                        decimal_places=1, max_digits=6, null=True, verbose_name="demi-journées de médecins par semaine"
                    ),
                ),
                (
                    "nurse",
                    models.DecimalField(
                        decimal_places=1, max_digits=6, null=True, verbose_name="demi-journées d’infirmiers par semaine"
                    ),
                ),
                (
                    "other",
                    models.DecimalField(
                        decimal_places=1,
                        max_digits=6,
                        null=True,
                        verbose_name="demi-journées d’autres professionnels par semaine",
                    ),
                ),
                (
                    "label",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="baseline",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                ("declared_at", models.DateTimeField(verbose_name="déclarée le")),
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
                "verbose_name": "offre de l’année précédente",
                "verbose_name_plural": "offres de l’année précédente",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("hours__isnull", True), ("hours__gte", 0), _connector="OR"),
                        name="baseline_hours_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("doctor__isnull", True), ("doctor__gte", 0), _connector="OR"),
                            models.Q(("nurse__isnull", True), ("nurse__gte", 0), _connector="OR"),
                            models.Q(("other__isnull", True), ("other__gte", 0), _connector="OR"),
                        ),
                        name="baseline_half_days_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attestation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "hours",
                    models.DecimalField(
                        decimal_places=1, max_digits=6, null=True, verbose_name="heures d’ouverture par semaine"
                    ),
                ),
                (
                    "doctor",
                    models.DecimalField(
                        decimal_places=1, max_digits=6, null=True, verbose_name="demi-journées de médecins par semaine"
                    ),
                ),
                (
                    "nurse",
                    models.DecimalField(
                        decimal_places=1, max_digits=6, null=True, verbose_name="demi-journées d’infirmiers par semaine"
                    ),
                ),
                (
                    "other",
                    models.DecimalField(
                        decimal_places=1,
                        max_digits=6,
                        null=True,
                        verbose_name="demi-journées d’autres professionnels par semaine",
                    ),
                ),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attestations",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                ("due_date", models.DateField(verbose_name="échéance")),
                ("statements", models.JSONField(verbose_name="déclarations")),
                ("attested_at", models.DateTimeField(verbose_name="le")),
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
                    models.CheckConstraint(
                        condition=models.Q(("hours__isnull", True), ("hours__gte", 0), _connector="OR"),
                        name="attestation_hours_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("doctor__isnull", True), ("doctor__gte", 0), _connector="OR"),
                            models.Q(("nurse__isnull", True), ("nurse__gte", 0), _connector="OR"),
                            models.Q(("other__isnull", True), ("other__gte", 0), _connector="OR"),
                        ),
                        name="attestation_half_days_not_negative",
                    ),
                    models.UniqueConstraint(
                        fields=("label", "due_date"),
                        name="attestation_once_per_due_date",
                        violation_error_message="L’attestation de cette échéance est déjà faite.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AlertSettlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="alert_settlements",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
                    ),
                ),
                (
                    "attestation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="settlements",
                        to="labelling.attestation",
                        verbose_name="attestation",
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
                ("said", models.JSONField(verbose_name="ce qui était dit")),
                ("sentence", models.TextField(verbose_name="l’alerte en mots")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("checked", "vérifié, le dossier reste exact"),
                            ("contacted", "structure contactée"),
                            ("taken_up", "pris en compte, une suite est donnée"),
                        ],
                        max_length=20,
                        verbose_name="suite",
                    ),
                ),
                ("note", models.TextField(verbose_name="note")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("settled_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "alerte réglée",
                "verbose_name_plural": "alertes réglées",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["checked", "contacted", "taken_up"])),
                        name="alert_settlement_outcome_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("note", ""), _negated=True), name="alert_settlement_has_note"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("attestation__isnull", True), ("line__isnull", False)),
                            models.Q(
                                ("attestation__isnull", False), ("criterion__isnull", False), ("line__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="alert_settlement_of_a_register_or_an_attestation",
                    ),
                    models.UniqueConstraint(
                        fields=("attestation", "criterion"),
                        name="alert_settlement_once_per_declared_change",
                        violation_error_message="Ce changement est déjà réglé.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Amendment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="amendments",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("mistake", "erreur matérielle"),
                            ("holder", "changement de titulaire"),
                            ("address", "changement d’adresse"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("before", models.JSONField(verbose_name="avant")),
                ("after", models.JSONField(verbose_name="après")),
                ("reason", models.TextField(verbose_name="motif")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("amended_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "rectification",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["mistake", "holder", "address"])), name="amendment_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="amendment_reasoned"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("before", models.F("after")), _negated=True),
                        name="amendment_changes_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EndingGround",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("position", models.PositiveSmallIntegerField(verbose_name="rang")),
                ("title", models.CharField(max_length=150, verbose_name="intitulé")),
                (
                    "act",
                    models.CharField(
                        choices=[("abrogate", "abrogation"), ("withdraw", "retrait"), ("suspend", "suspension")],
                        max_length=20,
                        verbose_name="acte",
                    ),
                ),
                (
                    "months",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="délai, en mois après l’octroi"
                    ),
                ),
                ("adversarial", models.BooleanField(default=True, verbose_name="procédure contradictoire")),
                ("source", models.CharField(blank=True, max_length=300, verbose_name="texte")),
                ("articles", models.CharField(max_length=200, verbose_name="articles visés")),
                ("reason", models.TextField(verbose_name="motif de droit")),
                ("help_text", models.TextField(verbose_name="quand l’employer")),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField(verbose_name="applicable")),
            ],
            options={
                "verbose_name": "motif d’un acte sur un label",
                "verbose_name_plural": "motifs d’un acte sur un label",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("act__in", ["abrogate", "withdraw", "suspend"])),
                        name="ending_ground_act_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("act", "suspend"), _negated=True),
                            models.Q(("source", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="ending_ground_suspension_has_source",
                        violation_error_message="Une suspension suppose un texte : citez-le.",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("code", "="), ("valid", "&&")], name="ending_ground_one_at_a_time"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdversarialProcedure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="procedures",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "ground",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.endingground",
                        verbose_name="motif",
                    ),
                ),
                ("facts", models.TextField(verbose_name="faits")),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="fin envisagée le")),
                ("letter", models.TextField(verbose_name="lettre")),
                ("deadline", models.DateField(verbose_name="réponse attendue jusqu’au")),
                ("opened_at", models.DateTimeField(verbose_name="ouverte le")),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="ouverte par",
                    ),
                ),
                ("answer", models.TextField(blank=True, verbose_name="observations de la structure")),
                ("hearing_asked", models.BooleanField(default=False, verbose_name="demande à être entendue")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="observations reçues le")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="observations de",
                    ),
                ),
                ("heard_date", models.DateField(blank=True, null=True, verbose_name="entendue le")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="close le")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={
                "verbose_name": "procédure contradictoire",
                "verbose_name_plural": "procédures contradictoires",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="procedure_answer_has_author",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("answered_at__isnull", False),
                            models.Q(("answer", ""), ("hearing_asked", False)),
                            _connector="OR",
                        ),
                        name="procedure_answer_is_dated",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("facts", ""), _negated=True), name="procedure_states_facts"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("label",),
                        name="procedure_one_open_per_label",
                        violation_error_message="Une procédure contradictoire est déjà ouverte pour ce label.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Ending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="effet le")),
                ("signed_date", models.DateField(blank=True, null=True, verbose_name="signée le")),
                ("dropped_at", models.DateTimeField(blank=True, null=True, verbose_name="abandonnée le")),
                ("applied_at", models.DateTimeField(blank=True, null=True, verbose_name="a pris effet le")),
                (
                    "ground",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.endingground",
                        verbose_name="motif",
                    ),
                ),
                (
                    "procedure",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endings",
                        to="labelling.adversarialprocedure",
                        verbose_name="procédure",
                    ),
                ),
                ("limit_date", models.DateField(blank=True, null=True, verbose_name="à signer jusqu’au")),
                (
                    "was_valid",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        blank=True, null=True, verbose_name="validité jusque-là"
                    ),
                ),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="annulée le")),
                (
                    "ended_valid",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        blank=True, null=True, verbose_name="validité entre-temps"
                    ),
                ),
            ],
            options={
                "verbose_name": "fin de label",
                "verbose_name_plural": "fins de label",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("applied_at__isnull", True), ("signed_date__isnull", False), _connector="OR"
                        ),
                        name="ending_applied_once_signed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dropped_at__isnull", True), ("signed_date__isnull", True), _connector="OR"
                        ),
                        name="ending_signed_is_not_dropped",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                        fields=("label",),
                        name="ending_one_pending_per_label",
                        violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_date__isnull", True),
                            ("signed_date__isnull", True),
                            ("signed_date__lte", models.F("limit_date")),
                            _connector="OR",
                        ),
                        name="ending_signed_within_its_limit",
                        violation_error_message="Le délai de ce motif est passé.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("applied_at__isnull", True), ("was_valid__isnull", True)),
                            models.Q(("applied_at__isnull", False), ("was_valid__isnull", False)),
                            _connector="OR",
                        ),
                        name="ending_keeps_what_was_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("undone_at__isnull", True), ("applied_at__isnull", False), _connector="OR"),
                        name="ending_undone_once_applied",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_valid__isnull", True), ("undone_at__isnull", False), _connector="OR"
                        ),
                        name="ending_ended_valid_once_undone",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision contestée",
                    ),
                ),
                ("silence_date", models.DateField(blank=True, null=True, verbose_name="rejet implicite né le")),
                (
                    "ending",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="labelling.ending",
                        verbose_name="fin de label contestée",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("gracieux", "recours gracieux"), ("contentieux", "recours contentieux")],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("received_date", models.DateField(verbose_name="reçu le")),
                ("deadline", models.DateField(blank=True, null=True, verbose_name="dernier jour du délai")),
                ("court", models.CharField(blank=True, max_length=120, verbose_name="juridiction")),
                ("docket", models.CharField(blank=True, max_length=40, verbose_name="numéro de la requête")),
                ("text", models.TextField(verbose_name="ce que dit le recours")),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="formé par",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="enregistré par",
                    ),
                ),
                ("recorded_at", models.DateTimeField(verbose_name="enregistré le")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("rejected", "rejeté"), ("accepted", "accueilli"), ("no_object", "sans objet")],
                        max_length=20,
                        verbose_name="issue",
                    ),
                ),
                ("answer", models.TextField(blank=True, verbose_name="réponse motivée")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="réponse écrite par",
                    ),
                ),
                (
                    "answered_capacity",
                    models.CharField(
                        blank=True,
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité qui a écrit la réponse",
                    ),
                ),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse écrite le")),
                (
                    "answer_decision",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="territories.decision",
                        verbose_name="acte de réponse",
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="réponse arrêtée par",
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse arrêtée le")),
            ],
            options={
                "verbose_name": "recours",
                "verbose_name_plural": "recours",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision__isnull", False), ("silence_date__isnull", True)),
                            models.Q(
                                ("decision__isnull", True), ("ending__isnull", True), ("silence_date__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="appeal_against_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("outcome__in", ["", "no_object"]),
                                ("answer", ""),
                                ("answered_by__isnull", True),
                                ("answered_capacity", ""),
                            ),
                            models.Q(
                                ("outcome__in", ["rejected", "accepted", "no_object"]),
                                ("answered_by__isnull", False),
                                ("answered_capacity__in", ["ars", "prefet"]),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_answer_whole",
                        violation_error_message="La réponse à un recours dit son issue et ses motifs.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="appeal_answered_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("settled_by__isnull", True), ("settled_at__isnull", False), _connector="OR"
                        ),
                        name="appeal_settled_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("settled_at__isnull", True), models.Q(("outcome", ""), _negated=True), _connector="OR"
                        ),
                        name="appeal_settled_with_an_outcome",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                            models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                            _connector="OR",
                        ),
                        name="appeal_entered_by_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("court", ""), ("docket", ""), ("kind", "gracieux")),
                            models.Q(
                                ("answer_decision__isnull", True),
                                ("kind", "contentieux"),
                                models.Q(("court", ""), _negated=True),
                                models.Q(("docket", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_court_iff_contentieux",
                        violation_error_message="Un recours contentieux dit sa juridiction et son numéro.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="appeal_says_something"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("settled_at__isnull", True)),
                        fields=("decision", "kind"),
                        name="appeal_one_pending_per_kind",
                        violation_error_message="Un recours de cette nature est déjà en cours contre cette décision.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("settled_at__isnull", True), ("silence_date__isnull", False)),
                        fields=("application", "silence_date", "kind"),
                        name="appeal_one_pending_against_silence",
                        violation_error_message="Un recours de cette nature est déjà en cours contre ce rejet implicite.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReasonsRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reasons_requests",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("silence_date", models.DateField(verbose_name="rejet implicite né le")),
                ("received_date", models.DateField(verbose_name="reçue le")),
                ("deadline", models.DateField(verbose_name="dernier jour du délai de recours")),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="demandés par",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="enregistrée par",
                    ),
                ),
                ("recorded_at", models.DateTimeField(verbose_name="enregistrée le")),
                ("reasons", models.TextField(blank=True, verbose_name="motifs")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="motifs donnés par",
                    ),
                ),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="motifs donnés le")),
                ("communicated_date", models.DateField(blank=True, null=True, verbose_name="motifs communiqués le")),
                ("set_aside_at", models.DateTimeField(blank=True, null=True, verbose_name="sans objet le")),
            ],
            options={
                "verbose_name": "demande de motifs",
                "verbose_name_plural": "demandes de motifs",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application", "silence_date"),
                        name="reasons_request_once_per_silence",
                        violation_error_message="Les motifs de ce rejet sont déjà demandés.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                            models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                            _connector="OR",
                        ),
                        name="reasons_request_entered_by_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True), ("reasons", "")),
                            models.Q(
                                ("answered_at__isnull", False),
                                ("answered_by__isnull", False),
                                models.Q(("reasons", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="reasons_request_answer_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("communicated_date__isnull", True), ("answered_at__isnull", False), _connector="OR"
                        ),
                        name="reasons_request_communicated_once_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("communicated_date__isnull", True), ("set_aside_at__isnull", True), _connector="OR"
                        ),
                        name="reasons_request_communicated_or_set_aside",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Community",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="nom")),
                ("sort_key", models.CharField(max_length=200, verbose_name="clé de tri")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="communities",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                ("website", models.URLField(blank=True, verbose_name="site internet")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
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
                "constraints": [models.UniqueConstraint(fields=("departement", "name"), name="community_name_unique")],
            },
        ),
        migrations.CreateModel(
            name="CommunityAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "community",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="labelling.community",
                        verbose_name="communauté",
                    ),
                ),
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
            ],
            options={
                "verbose_name": "action d’une communauté",
                "verbose_name_plural": "actions des communautés",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["coordination", "recruitment", "prevention", "screening", "digital"])
                        ),
                        name="community_action_kind_known",
                    )
                ],
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
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offerings",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                ("website", models.URLField(blank=True, verbose_name="site internet")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="terminé le")),
                (
                    "epcis",
                    models.ManyToManyField(related_name="offerings", to="territories.epci", verbose_name="territoire"),
                ),
            ],
            options={
                "verbose_name": "service France Santé",
                "verbose_name_plural": "services France Santé",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["mobile", "ehealth", "prevention", "engineering"])),
                        name="offering_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("provider", ""), _negated=True), name="offering_names_its_provider"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Concertation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="concertations",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision non signée",
                    ),
                ),
                ("held_date", models.DateField(verbose_name="tenue le")),
                ("participants", models.CharField(max_length=500, verbose_name="services représentés")),
                ("text", models.TextField(verbose_name="compte rendu")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("agreement", "accord"), ("no_agreement", "désaccord maintenu")],
                        max_length=20,
                        verbose_name="issue",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="consignée par",
                    ),
                ),
                (
                    "recorded_capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="consignée par l’autorité",
                    ),
                ),
                ("recorded_at", models.DateTimeField(verbose_name="consignée le")),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="confirmée par",
                    ),
                ),
                (
                    "confirmed_capacity",
                    models.CharField(
                        blank=True,
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="confirmée par l’autorité",
                    ),
                ),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmée le")),
                ("set_aside_at", models.DateTimeField(blank=True, null=True, verbose_name="écartée le")),
            ],
            options={
                "verbose_name": "concertation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["agreement", "no_agreement"])),
                        name="concertation_outcome_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("recorded_capacity__in", ["ars", "prefet"])),
                        name="concertation_recorded_capacity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("confirmed_by__isnull", True)),
                            models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="concertation_confirmed_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("confirmed_capacity", "")),
                            models.Q(
                                ("confirmed_at__isnull", False),
                                ("confirmed_capacity__in", ["ars", "prefet"]),
                                models.Q(("confirmed_capacity", models.F("recorded_capacity")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="concertation_confirmed_by_the_other",
                        violation_error_message="Le compte rendu est confirmé par l’autre autorité, non par celle qui l’a écrit.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("set_aside_at__isnull", True), ("confirmed_at__isnull", True), _connector="OR"
                        ),
                        name="concertation_confirmed_stays",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True), models.Q(("participants", ""), _negated=True)
                        ),
                        name="concertation_says_something",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("confirmed_at__isnull", True), ("set_aside_at__isnull", True)),
                        fields=("decision",),
                        name="concertation_one_pending_per_decision",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NationalAdvice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="advice",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision non signée",
                    ),
                ),
                ("text", models.TextField(verbose_name="avis")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("given_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "avis de l’équipe nationale",
                "verbose_name_plural": "avis de l’équipe nationale",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="national_advice_says_something"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Closing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closing",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("structure_closed", "la structure a fermé"),
                            ("duplicate", "un autre dossier porte la même demande"),
                            ("no_object", "la demande n’a plus d’objet"),
                            ("mistake", "le dossier a été déposé par erreur"),
                        ],
                        max_length=20,
                        verbose_name="motif",
                    ),
                ),
                ("text", models.TextField(verbose_name="explication donnée à la structure")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("closed_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "classement sans suite",
                "verbose_name_plural": "classements sans suite",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ground__in", ["structure_closed", "duplicate", "no_object", "mistake"])),
                        name="closing_ground_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True),
                        name="closing_explained",
                        violation_error_message="Un classement sans suite s’explique à la structure.",
                    ),
                ],
            },
        ),
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
                ("source_version", models.PositiveIntegerField(default=1, verbose_name="version de la source")),
                ("content", models.BinaryField(verbose_name="contenu")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte")),
                ("rendered_at", models.DateTimeField(verbose_name="établi le")),
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
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="visits",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("sample", "échantillon"),
                            ("alert", "alerte d’un registre"),
                            ("complaint", "signalement"),
                        ],
                        max_length=20,
                        verbose_name="motif",
                    ),
                ),
                ("planned_date", models.DateField(verbose_name="prévue le")),
                ("planned_at", models.DateTimeField(verbose_name="décidée le")),
                (
                    "planned_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="décidée par",
                    ),
                ),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="annulée le")),
                ("visited_date", models.DateField(blank=True, null=True, verbose_name="faite le")),
                ("notes", models.TextField(blank=True, verbose_name="observations générales")),
                (
                    "conclusion",
                    models.CharField(
                        blank=True,
                        choices=[("compliant", "conforme"), ("to_correct", "à corriger"), ("to_examine", "à examiner")],
                        max_length=20,
                        verbose_name="conclusion",
                    ),
                ),
                ("correct_before", models.DateField(blank=True, null=True, verbose_name="à corriger avant le")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="compte rendu envoyé le")),
                ("deadline", models.DateField(blank=True, null=True, verbose_name="réponse possible jusqu’au")),
                ("answer", models.TextField(blank=True, verbose_name="réponse de la structure")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="répondue le")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="réponse de",
                    ),
                ),
                ("corrected_date", models.DateField(blank=True, null=True, verbose_name="corrections constatées le")),
                (
                    "corrected_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="corrections constatées par",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("agents", models.ManyToManyField(related_name="+", to="territories.mandate", verbose_name="agents")),
            ],
            options={
                "verbose_name": "visite",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason__in", ["sample", "alert", "complaint"])), name="visit_reason_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("conclusion__in", ["", "compliant", "to_correct", "to_examine"])),
                        name="visit_conclusion_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("conclusion", "to_correct"), ("correct_before__isnull", False)),
                            models.Q(
                                models.Q(("conclusion", "to_correct"), _negated=True), ("correct_before__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="visit_corrections_are_dated",
                        violation_error_message="Une conclusion « à corriger » dit avant quelle date.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("sent_at__isnull", True),
                            models.Q(
                                ("cancelled_at__isnull", True),
                                ("visited_date__isnull", False),
                                models.Q(("conclusion", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="visit_sent_is_complete",
                        violation_error_message="Un compte rendu envoyé a une date de visite et une conclusion.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deadline__isnull", True), ("sent_at__isnull", True)),
                            models.Q(("deadline__isnull", False), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="visit_sent_has_deadline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="visit_answer_has_author",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("corrected_by__isnull", True), ("corrected_date__isnull", True)),
                            models.Q(("corrected_by__isnull", False), ("corrected_date__isnull", False)),
                            _connector="OR",
                        ),
                        name="visit_correction_has_author",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("corrected_date__isnull", True),
                            models.Q(("conclusion", "to_correct"), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="visit_corrects_what_was_to_be",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at__isnull", True)),
                            models.Q(
                                ("answered_at__isnull", False),
                                ("sent_at__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="visit_answers_what_was_sent",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("cancelled_at__isnull", True), ("sent_at__isnull", True)),
                        fields=("label",),
                        name="visit_one_open_per_label",
                        violation_error_message="Une visite de ce lieu est déjà prévue.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VisitFinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "visit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="labelling.visit",
                        verbose_name="visite",
                    ),
                ),
                (
                    "criterion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.criterion",
                        verbose_name="critère",
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[("met", "rempli"), ("not_met", "non rempli"), ("not_seen", "non vu")],
                        default="not_seen",
                        max_length=20,
                        verbose_name="constat",
                    ),
                ),
                ("observed", models.TextField(blank=True, verbose_name="ce qui a été observé")),
            ],
            options={
                "verbose_name": "constat de visite",
                "verbose_name_plural": "constats de visite",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("result__in", ["met", "not_met", "not_seen"])),
                        name="visit_finding_result_known",
                    ),
                    models.UniqueConstraint(fields=("visit", "criterion"), name="visit_finding_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("result", "not_met"), _negated=True),
                            models.Q(("observed", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="visit_finding_not_met_is_told",
                        violation_error_message="Un critère non rempli dit ce qui a été observé.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="par, pour la structure",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par, pour les services",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
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
                    "visit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pieces",
                        to="labelling.visit",
                        verbose_name="visite",
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("declared", "déclaration"),
                            ("document", "document"),
                            ("register", "extrait de registre"),
                            ("visit", "constat de visite"),
                        ],
                        default="document",
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("document_date", models.DateField(verbose_name="date du document")),
                ("name", models.CharField(max_length=150, verbose_name="nom d’origine")),
                (
                    "content_type",
                    models.CharField(
                        choices=[("application/pdf", "PDF"), ("image/jpeg", "JPEG"), ("image/png", "PNG")],
                        max_length=20,
                        verbose_name="contenu",
                    ),
                ),
                ("size", models.PositiveIntegerField(verbose_name="taille en octets")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte")),
                (
                    "file",
                    models.FileField(
                        blank=True, upload_to=labelling.models.evidence.random_name, verbose_name="octets"
                    ),
                ),
                ("added_at", models.DateTimeField(verbose_name="ajoutée le")),
                (
                    "scan",
                    models.CharField(
                        choices=[
                            ("not_scanned", "sans analyse antivirus"),
                            ("waiting", "en cours d’analyse"),
                            ("clean", "analysée, rien trouvé"),
                            ("infected", "écartée par l’antivirus"),
                            ("personal", "écartée : données personnelles"),
                        ],
                        max_length=20,
                        verbose_name="antivirus",
                    ),
                ),
                ("scan_attempts", models.PositiveIntegerField(default=0, verbose_name="essais d’analyse")),
                ("next_scan_at", models.DateTimeField(blank=True, null=True, verbose_name="prochaine analyse")),
                ("removed_at", models.DateTimeField(blank=True, null=True, verbose_name="retirée le")),
            ],
            options={
                "verbose_name": "pièce",
                "indexes": [
                    models.Index(
                        condition=models.Q(("removed_at__isnull", True), ("scan__in", ["waiting", "not_scanned"])),
                        fields=["next_scan_at"],
                        name="evidence_to_scan",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                            models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                            _connector="OR",
                        ),
                        name="evidence_one_author",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["declared", "document", "register", "visit"])),
                        name="evidence_origin_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("content_type__in", ["application/pdf", "image/jpeg", "image/png"])),
                        name="evidence_content_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scan__in", ["not_scanned", "waiting", "clean", "infected", "personal"])),
                        name="evidence_scan_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("visit__isnull", True),
                            models.Q(("mandate__isnull", False), ("origin", "visit")),
                            _connector="OR",
                        ),
                        name="evidence_of_a_visit_is_of_its_agents",
                    ),
                    models.CheckConstraint(condition=models.Q(("size__gt", 0)), name="evidence_not_empty"),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="evidence_hash_form"
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="evidence_is_named"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("removed_at__isnull", True),
                                models.Q(("scan__in", ("infected", "personal")), _negated=True),
                                models.Q(("file", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(
                                    ("removed_at__isnull", False),
                                    ("scan__in", ("infected", "personal")),
                                    _connector="OR",
                                ),
                                ("file", ""),
                            ),
                            _connector="OR",
                        ),
                        name="evidence_bytes_iff_kept",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("scan__in", ["waiting", "not_scanned"]), ("next_scan_at__isnull", True), _connector="OR"
                        ),
                        name="evidence_next_scan_while_unscanned",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("file", ""), _negated=True),
                        fields=("application", "criterion", "visit", "sha256"),
                        name="evidence_once",
                        nulls_distinct=False,
                        violation_error_message="Cette pièce est déjà dans le dossier.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EvidenceTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "criterion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="template",
                        to="labelling.criterion",
                        verbose_name="critère",
                    ),
                ),
                ("name", models.CharField(max_length=150, verbose_name="nom")),
                (
                    "content_type",
                    models.CharField(
                        choices=[("application/pdf", "PDF"), ("image/jpeg", "JPEG"), ("image/png", "PNG")],
                        max_length=20,
                        verbose_name="contenu",
                    ),
                ),
                ("size", models.PositiveIntegerField(verbose_name="taille en octets")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte")),
                ("file", models.FileField(upload_to=labelling.models.evidence.template_name, verbose_name="octets")),
            ],
            options={
                "verbose_name": "modèle de pièce",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("content_type__in", ["application/pdf", "image/jpeg", "image/png"])),
                        name="evidencetemplate_content_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="evidencetemplate_hash_form"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FollowedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("since", models.DateTimeField(verbose_name="depuis le")),
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.event",
                        verbose_name="événement",
                    ),
                ),
            ],
            options={
                "verbose_name": "nouvelle dite",
                "verbose_name_plural": "nouvelles dites",
                "constraints": [models.UniqueConstraint(fields=("user", "event"), name="told_news_once")],
            },
        ),
        migrations.CreateModel(
            name="InterestDeclaration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
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
                    "interest",
                    models.CharField(
                        choices=[("none", "aucun lien d’intérêt"), ("recused", "se déporte")],
                        max_length=20,
                        verbose_name="déclaration",
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
                ("declared_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "déclaration d’intérêts",
                "verbose_name_plural": "déclarations d’intérêts",
                "indexes": [models.Index(fields=["user", "structure", "-id"], name="interest_standing")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("interest__in", ["none", "recused"])), name="interest_known"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="par, pour la structure",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par, pour les services",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("text", models.CharField(max_length=1500, verbose_name="message")),
                ("answer_expected", models.BooleanField(default=False, verbose_name="réponse attendue")),
                (
                    "evidence",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.evidence",
                        verbose_name="pièce jointe",
                    ),
                ),
                ("sent_at", models.DateTimeField(verbose_name="envoyé le")),
            ],
            options={
                "verbose_name": "message",
                "indexes": [
                    models.Index(
                        condition=models.Q(("answer_expected", True)), fields=["application"], name="message_expecting"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                            models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                            _connector="OR",
                        ),
                        name="message_one_author",
                    ),
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="message_not_empty"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="par, pour la structure",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par, pour les services",
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reading",
                        to="labelling.message",
                        verbose_name="message",
                    ),
                ),
                ("read_at", models.DateTimeField(verbose_name="lu le")),
            ],
            options={
                "verbose_name": "lecture d’un message",
                "verbose_name_plural": "lectures de messages",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                            models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                            _connector="OR",
                        ),
                        name="messagereading_one_author",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité",
                    ),
                ),
                ("joint", models.BooleanField(default=False, verbose_name="lue par les deux autorités")),
                ("text", models.TextField(verbose_name="note")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("written_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "note",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="note_capacity_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="note_says_something"),
                ],
            },
        ),
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
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="adresse électronique")),
                (
                    "retired_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="n’est plus consulté depuis le"),
                ),
            ],
            options={
                "verbose_name": "organisme consulté",
                "verbose_name_plural": "organismes consultés",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["caisse", "departement", "elus", "urps", "ordre", "ufr", "other"])
                        ),
                        name="body_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("departement__isnull", True), ("region__isnull", False)),
                            models.Q(("departement__isnull", False), ("region__isnull", True)),
                            _connector="OR",
                        ),
                        name="body_one_territory",
                        violation_error_message="Un organisme est consulté dans un département, ou dans une région.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("authority__isnull", False), ("email", "")),
                            models.Q(("authority__isnull", True), models.Q(("email", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="body_reached_one_way",
                        violation_error_message="Un organisme est joint par le portail, ou à une adresse électronique.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at__isnull", True)),
                        fields=("name", "region", "departement"),
                        name="body_name_unique",
                        nulls_distinct=False,
                        violation_error_message="Un organisme de ce nom est déjà consulté sur ce territoire.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExpertGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="nom")),
                (
                    "bodies",
                    models.ManyToManyField(related_name="+", to="labelling.consultedbody", verbose_name="organismes"),
                ),
            ],
            options={
                "verbose_name": "groupe d’experts",
                "verbose_name_plural": "groupes d’experts",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("departement", "name"),
                        name="expert_group_name_unique",
                        violation_error_message="Un groupe de ce nom existe déjà dans ce département.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="expert_group_is_named"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Opinion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "body",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.consultedbody",
                        verbose_name="organisme",
                    ),
                ),
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
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="demandé par",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="demandé le")),
                ("due_date", models.DateField(verbose_name="attendu le")),
                ("reminded_date", models.DateField(blank=True, null=True, verbose_name="dernière relance le")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="rendu le")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="annulé le")),
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("answered_at__isnull", True), ("revoked_at__isnull", True)),
                        fields=["due_date"],
                        name="opinion_waiting",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("question", ""), _negated=True), name="opinion_asks_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("parts__contained_by", ["horaires", "equipe", "tarifs", "permanence", "engagements"])
                        ),
                        name="opinion_parts_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("due_date__gte", django.db.models.functions.datetime.TruncDate("asked_at"))
                        ),
                        name="opinion_due_after_asked",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("answered_at__isnull", True), ("revoked_at__isnull", True), _connector="OR"
                        ),
                        name="opinion_revoked_is_unanswered",
                        violation_error_message="Un avis rendu reste au dossier : sa demande ne s’annule plus.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("answered_at__isnull", True), ("revoked_at__isnull", True)),
                        fields=("application", "body"),
                        name="opinion_one_waiting_per_body",
                        violation_error_message="Cet avis est déjà demandé.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OpinionAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "opinion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="labelling.opinion",
                        verbose_name="avis",
                    ),
                ),
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
                ("answered_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "réponse d’un organisme",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sense__in", ["favourable", "reserved", "unfavourable", "none"])),
                        name="opinion_answer_sense_known",
                    ),
                    models.UniqueConstraint(fields=("opinion", "rank"), name="opinion_answer_rank_unique"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True),
                            ("sense__in", ["favourable", "none"]),
                            _connector="OR",
                        ),
                        name="opinion_answer_reasoned",
                        violation_error_message="Un avis défavorable ou réservé demande ses motifs.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dismissal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="dismissals",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("not_a_place", "n’est pas un lieu de premier recours"),
                            ("gone", "n’exerce plus à cette adresse"),
                            ("duplicate", "même lieu qu’une autre ligne"),
                            ("declined", "contactée, ne souhaite pas le label"),
                            ("not_ready", "un critère du socle manque aujourd’hui"),
                            ("other", "autre motif"),
                        ],
                        max_length=20,
                        verbose_name="motif",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="précision")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("dismissed_at", models.DateTimeField(verbose_name="écartée le")),
                ("restored_at", models.DateTimeField(blank=True, null=True, verbose_name="remise dans la liste le")),
            ],
            options={
                "verbose_name": "mise à l’écart",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reason__in", ["not_a_place", "gone", "duplicate", "declined", "not_ready", "other"])
                        ),
                        name="dismissal_reason_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("restored_at__isnull", True)),
                        fields=("line",),
                        name="dismissal_one_standing",
                        violation_error_message="Cette structure est déjà écartée.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", "other"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="dismissal_other_is_explained",
                        violation_error_message="Un autre motif demande une précision.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProspectInvitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
                    ),
                ),
                (
                    "application",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="prospect",
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
                        verbose_name="invitée par",
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        choices=[
                            ("register", "adresse du registre"),
                            ("typed", "adresse saisie par un agent"),
                            ("owner", "responsable déjà connu du portail"),
                        ],
                        max_length=10,
                        verbose_name="adresse",
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="adresse invitée")),
                (
                    "link",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.invitation",
                        verbose_name="lien",
                    ),
                ),
                ("invited_at", models.DateTimeField(verbose_name="invitée le")),
                ("expires_at", models.DateTimeField(verbose_name="à confirmer avant le")),
                ("reminded_at", models.DateTimeField(blank=True, null=True, verbose_name="relancée le")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="close le")),
            ],
            options={
                "verbose_name": "invitation d’une structure",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("address__in", ["register", "typed", "owner"])),
                        name="prospect_invitation_address_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("application__isnull", False), ("ended_at__isnull", True)),
                        fields=("line",),
                        name="prospect_invitation_one_open",
                        violation_error_message="Cette structure est déjà invitée.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("invited_at"))),
                        name="prospect_invitation_expires_after",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("address", "owner"), ("email", "")),
                            models.Q(
                                models.Q(("address", "owner"), _negated=True), models.Q(("email", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="prospect_invitation_has_address",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FileReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("day", models.DateField(verbose_name="jour")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="dernière habilitation",
                    ),
                ),
                ("first_at", models.DateTimeField(verbose_name="première lecture")),
                ("last_at", models.DateTimeField(verbose_name="dernière lecture")),
                ("count", models.PositiveIntegerField(default=1, verbose_name="lectures")),
            ],
            options={
                "verbose_name": "lecture d’un dossier",
                "verbose_name_plural": "lectures de dossiers",
                "indexes": [models.Index(fields=["day"], name="reading_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "application", "day"), name="reading_once_per_day"),
                    models.CheckConstraint(
                        condition=models.Q(("count__gte", 1), ("last_at__gte", models.F("first_at"))),
                        name="reading_last_after_first",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InformationRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "criterion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.criterion",
                        verbose_name="critère",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité",
                    ),
                ),
                ("question", models.TextField(verbose_name="question")),
                (
                    "required",
                    models.BooleanField(default=False, verbose_name="pièce ou information exigée par les textes"),
                ),
                ("prepared_at", models.DateTimeField(verbose_name="préparée le")),
                (
                    "prepared_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="préparée par",
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="envoyée le")),
                (
                    "sent_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="envoyée par",
                    ),
                ),
                ("deadline", models.DateField(blank=True, null=True, verbose_name="réponse attendue avant le")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="lue par la structure le")),
                ("reminded_at", models.DateTimeField(blank=True, null=True, verbose_name="rappelée le")),
                ("reply", models.TextField(blank=True, verbose_name="réponse")),
                ("ready_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse prête le")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="répondue le")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="répondue par",
                    ),
                ),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse lue par l’autorité le")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="close le")),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="retirée par",
                    ),
                ),
            ],
            options={
                "verbose_name": "demande de précision",
                "verbose_name_plural": "demandes de précision",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("answered_at__isnull", True), ("closed_at__isnull", True), ("sent_at__isnull", False)
                        ),
                        fields=["deadline"],
                        name="request_due",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="request_capacity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("question", ""), _negated=True), name="request_asks_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sent_at__isnull", True), ("sent_by__isnull", True)),
                            models.Q(("sent_at__isnull", False), ("sent_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_sent_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deadline__isnull", True), ("sent_at__isnull", True)),
                            models.Q(("deadline__isnull", False), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_sent_has_deadline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_answered_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("notified_at__isnull", True),
                            models.Q(("notified_at__gte", models.F("sent_at")), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_notified_after_sent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("answered_at__isnull", True),
                            models.Q(
                                ("answered_at__gte", models.F("notified_at")),
                                ("notified_at__isnull", False),
                                ("ready_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="request_answered_after_notified",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            models.Q(("answered_at__isnull", True), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_closed_unanswered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closed_by__isnull", True), ("closed_at__isnull", False), _connector="OR"),
                        name="request_withdrawn_is_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("read_at__isnull", True), ("answered_at__isnull", False), _connector="OR"),
                        name="request_read_once_answered",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AnswerDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answer_draft",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("answers", models.JSONField(blank=True, default=dict, verbose_name="réponses")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
            ],
            options={"verbose_name": "réponses en préparation", "verbose_name_plural": "réponses en préparation"},
        ),
        migrations.CreateModel(
            name="AnswerRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(verbose_name="rang")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reply", "réponse à une demande de précisions"),
                            ("correction", "correction par un agent"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("answers", models.JSONField(blank=True, default=dict, verbose_name="réponses avant")),
                ("reason", models.TextField(blank=True, verbose_name="motif")),
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
                ("actor_id", models.BigIntegerField(verbose_name="identifiant de l’acteur")),
                ("at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "version des réponses",
                "verbose_name_plural": "versions des réponses",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["reply", "correction"])), name="revision_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("actor_type__in", ["mandate", "membership", "system"])),
                        name="revision_actor_known",
                    ),
                    models.UniqueConstraint(fields=("application", "number"), name="revision_number_unique"),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="revision_number_from_one"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "correction"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="revision_correction_reasoned",
                        violation_error_message="Une correction demande un motif.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Purge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("draft", "brouillons laissés de côté"),
                            ("evidence", "contenu des pièces des dossiers terminés"),
                            ("file", "personnes nommées, messages et notes des dossiers terminés"),
                            ("account", "comptes qui ne servent plus"),
                            ("invitation", "adresses des invitations passées"),
                            ("attempt", "essais de connexion"),
                            ("mail", "courriels gardés sur disque"),
                            ("reading", "journal des lectures"),
                        ],
                        max_length=20,
                        verbose_name="catégorie",
                    ),
                ),
                ("count", models.PositiveIntegerField(verbose_name="éléments effacés")),
                ("purged_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "effacement",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "category__in",
                                ["draft", "evidence", "file", "account", "invitation", "attempt", "mail", "reading"],
                            )
                        ),
                        name="purge_category_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("count__gt", 0)), name="purge_erased_something"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SupportRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "departement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.departement",
                        verbose_name="département",
                    ),
                ),
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
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="demandé par",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="demandé le")),
            ],
            options={
                "verbose_name": "demande d’appui",
                "indexes": [models.Index(fields=["state", "departement"], name="support_request_scope")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["siting", "recruitment", "funding", "coordination", "digital", "other"])
                        ),
                        name="support_request_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "answered", "closed"])),
                        name="support_request_state_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SupportMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="labelling.supportrequest",
                        verbose_name="demande",
                    ),
                ),
                ("text", models.TextField(verbose_name="texte")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("written_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "message d’une demande d’appui",
                "verbose_name_plural": "messages des demandes d’appui",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="support_message_says_something"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Suspension",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="effet le")),
                ("signed_date", models.DateField(blank=True, null=True, verbose_name="signée le")),
                ("dropped_at", models.DateTimeField(blank=True, null=True, verbose_name="abandonnée le")),
                ("applied_at", models.DateTimeField(blank=True, null=True, verbose_name="a pris effet le")),
                (
                    "ground",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.endingground",
                        verbose_name="motif",
                    ),
                ),
                (
                    "procedure",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspensions",
                        to="labelling.adversarialprocedure",
                        verbose_name="procédure",
                    ),
                ),
                ("last_date", models.DateField(blank=True, null=True, verbose_name="dernier jour")),
                ("review_date", models.DateField(verbose_name="réexamen le")),
                ("expected", models.TextField(verbose_name="ce qui est attendu de la structure")),
                (
                    "period",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        blank=True, null=True, verbose_name="jours suspendus"
                    ),
                ),
            ],
            options={
                "verbose_name": "suspension de label",
                "verbose_name_plural": "suspensions de label",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("applied_at__isnull", True), ("signed_date__isnull", False), _connector="OR"
                        ),
                        name="suspension_applied_once_signed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dropped_at__isnull", True), ("signed_date__isnull", True), _connector="OR"
                        ),
                        name="suspension_signed_is_not_dropped",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                        fields=("label",),
                        name="suspension_one_pending_per_label",
                        violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("effect_date__isnull", False)), name="suspension_has_first_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expected", ""), _negated=True), name="suspension_says_what_is_expected"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("last_date__isnull", True), ("last_date__gte", models.F("effect_date")), _connector="OR"
                        ),
                        name="suspension_ends_after_its_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("applied_at__isnull", True), ("period__isnull", True)),
                            models.Q(("applied_at__isnull", False), ("period__isnull", False)),
                            _connector="OR",
                        ),
                        name="suspension_period_iff_applied",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("label", "="), ("period", "&&")],
                        name="suspension_one_at_a_time",
                        violation_error_message="Ce label est déjà suspendu ces jours-là.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Lifting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="effet le")),
                ("signed_date", models.DateField(blank=True, null=True, verbose_name="signée le")),
                ("dropped_at", models.DateTimeField(blank=True, null=True, verbose_name="abandonnée le")),
                ("applied_at", models.DateTimeField(blank=True, null=True, verbose_name="a pris effet le")),
                (
                    "suspension",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="liftings",
                        to="labelling.suspension",
                        verbose_name="suspension",
                    ),
                ),
                (
                    "was_period",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        blank=True, null=True, verbose_name="jours suspendus jusque-là"
                    ),
                ),
            ],
            options={
                "verbose_name": "levée de suspension",
                "verbose_name_plural": "levées de suspension",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("applied_at__isnull", True), ("signed_date__isnull", False), _connector="OR"
                        ),
                        name="lifting_applied_once_signed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dropped_at__isnull", True), ("signed_date__isnull", True), _connector="OR"
                        ),
                        name="lifting_signed_is_not_dropped",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                        fields=("label",),
                        name="lifting_one_pending_per_label",
                        violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("applied_at__isnull", True), ("was_period__isnull", True)),
                            models.Q(("applied_at__isnull", False), ("was_period__isnull", False)),
                            _connector="OR",
                        ),
                        name="lifting_keeps_what_was_suspended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "authority",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.authority",
                        verbose_name="autorité",
                    ),
                ),
                ("name", models.CharField(max_length=30, verbose_name="nom")),
                ("note", models.CharField(blank=True, max_length=160, verbose_name="sens")),
                ("joint", models.BooleanField(default=False, verbose_name="commune aux deux autorités")),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="créée par",
                    ),
                ),
                ("made_at", models.DateTimeField(verbose_name="créée le")),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retirée le")),
            ],
            options={
                "verbose_name": "étiquette",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="tag_is_named"),
                    models.UniqueConstraint(
                        models.F("authority"),
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("retired_at__isnull", True)),
                        name="tag_name_unique",
                        violation_error_message="Votre autorité a déjà une étiquette de ce nom.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FileTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tags",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="labelling.tag",
                        verbose_name="étiquette",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="posée par",
                    ),
                ),
                ("put_at", models.DateTimeField(verbose_name="posée le")),
            ],
            options={
                "verbose_name": "étiquette d’un dossier",
                "verbose_name_plural": "étiquettes des dossiers",
                "constraints": [models.UniqueConstraint(fields=("application", "tag"), name="file_tag_once")],
            },
        ),
        migrations.CreateModel(
            name="DecisionTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("label_granted", "attribution du label"),
                            ("label_refused", "refus du label"),
                            ("label_refused_alone", "refus exprès d’une seule autorité"),
                            ("appeal_rejected", "rejet d’un recours gracieux"),
                            ("appeal_accepted", "recours gracieux accueilli"),
                        ],
                        max_length=30,
                        verbose_name="décision",
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(verbose_name="version")),
                ("title", models.CharField(max_length=250, verbose_name="intitulé")),
                ("visas", models.TextField(verbose_name="visas")),
                (
                    "criterion_reason",
                    models.CharField(blank=True, max_length=500, verbose_name="motif de chaque critère"),
                ),
                ("reasons", models.TextField(verbose_name="motifs d’ensemble")),
                ("articles", models.TextField(verbose_name="dispositif")),
                ("closing_articles", models.TextField(verbose_name="notification, recours et exécution")),
                ("valid_from", models.DateField(blank=True, null=True, verbose_name="applicable à partir du")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="publié le")),
                (
                    "drafted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="ouvert par",
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1, verbose_name="révision du brouillon")),
            ],
            options={
                "verbose_name": "modèle de décision",
                "verbose_name_plural": "modèles de décision",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "label_granted",
                                    "label_refused",
                                    "label_refused_alone",
                                    "appeal_rejected",
                                    "appeal_accepted",
                                ],
                            )
                        ),
                        name="decision_template_kind_known",
                    ),
                    models.UniqueConstraint(fields=("kind", "version"), name="decision_template_version_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at__isnull", True)),
                        fields=("kind",),
                        name="decision_template_one_draft",
                        violation_error_message="Un brouillon de ce modèle existe déjà.",
                    ),
                    models.UniqueConstraint(
                        fields=("kind", "valid_from"),
                        name="decision_template_one_start",
                        violation_error_message="Une version de ce modèle s’applique déjà à partir de ce jour.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at__isnull", True), ("valid_from__isnull", True)),
                            models.Q(("published_at__isnull", False), ("valid_from__isnull", False)),
                            _connector="OR",
                        ),
                        name="decision_template_published_with_a_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("title", ""), _negated=True),
                            models.Q(("visas", ""), _negated=True),
                            models.Q(
                                models.Q(("criterion_reason", ""), _negated=True),
                                ("kind__in", ["appeal_rejected", "appeal_accepted"]),
                                _connector="OR",
                            ),
                            models.Q(("reasons", ""), _negated=True),
                            models.Q(("articles", ""), _negated=True),
                            models.Q(("closing_articles", ""), _negated=True),
                        ),
                        name="decision_template_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DraftAddition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="additions",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité",
                    ),
                ),
                ("visas", models.TextField(blank=True, verbose_name="visas ajoutés")),
                ("reasons", models.TextField(blank=True, verbose_name="motifs ajoutés")),
                ("articles", models.TextField(blank=True, verbose_name="articles ajoutés")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
                ("written_at", models.DateTimeField(verbose_name="le")),
            ],
            options={
                "verbose_name": "ajout au projet de décision",
                "verbose_name_plural": "ajouts au projet de décision",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="draft_addition_capacity_known"
                    ),
                    models.UniqueConstraint(
                        fields=("application", "capacity"), name="draft_addition_one_per_authority"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
                ("name", models.CharField(max_length=40, verbose_name="nom")),
                ("query", models.CharField(blank=True, max_length=500, verbose_name="adresse")),
            ],
            options={
                "verbose_name": "vue enregistrée",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "name"),
                        name="saved_view_name_unique",
                        violation_error_message="Vous avez déjà une vue de ce nom.",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="saved_view_is_named"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkRun",
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
                (
                    "action",
                    models.CharField(
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
                    "tag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.tag",
                        verbose_name="étiquette",
                    ),
                ),
                ("question", models.TextField(blank=True, verbose_name="question")),
                ("due_date", models.DateField(blank=True, null=True, verbose_name="attendu le")),
                (
                    "bodies",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="labelling.consultedbody", verbose_name="organismes"
                    ),
                ),
            ],
            options={
                "verbose_name": "acte en lot",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("action__in", ["assign", "share", "endorse", "propose", "ask", "tag", "untag"])
                        ),
                        name="bulk_run_action_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("action__in", ["assign"]), ("assignee__isnull", False)),
                            models.Q(
                                models.Q(("action__in", ["assign"]), _negated=True),
                                models.Q(("assignee__isnull", False), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="bulk_run_assignee_iff_assign",
                    ),
                    models.CheckConstraint(
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
                    models.CheckConstraint(
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
                    models.CheckConstraint(
                        condition=models.Q(("action", "ask"), ("question", ""), _connector="XOR"),
                        name="bulk_run_question_iff_ask",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkOutcome",
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
                        to="labelling.bulkrun",
                        verbose_name="lot",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                ("version", models.PositiveIntegerField(verbose_name="version montrée")),
            ],
            options={
                "verbose_name": "issue d’un acte en lot",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("result__in", ["waiting", "done", "not_done"])),
                        name="bulk_outcome_result_known",
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
                        name="bulk_outcome_done_at_iff_handled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("result", "not_done"), models.Q(("sentence", ""), _negated=True)),
                            models.Q(models.Q(("result", "not_done"), _negated=True), ("sentence", "")),
                            _connector="OR",
                        ),
                        name="bulk_outcome_reason_iff_not_done",
                    ),
                    models.UniqueConstraint(fields=("run", "application"), name="bulk_outcome_once_per_file"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="personne",
                    ),
                ),
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
                ("deadlines_at_once", models.BooleanField(default=False, verbose_name="échéances dites aussitôt")),
                (
                    "signatures_at_once",
                    models.BooleanField(default=True, verbose_name="décisions à signer dites aussitôt"),
                ),
            ],
            options={
                "verbose_name": "courriel du matin",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("frequency__in", ["morning", "never"])), name="digest_frequency_known"
                    )
                ],
            },
        ),
    ]
