"""Evidence and the thread of a file: what was received stays as it was received."""

import django.db.models.deletion
import labelling.models.evidence
from django.db import migrations, models

from francesante.lib.db import insert_only

EVIDENCE = """
CREATE FUNCTION labelling_evidence_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL OR OLD.scan = 'infected'
        OR (NEW.file <> '' AND NEW.file <> OLD.file)
        OR (NEW.application_id, NEW.criterion_id, NEW.origin, NEW.document_date, NEW.name, NEW.content_type, NEW.size,
            NEW.sha256, NEW.added_at, NEW.membership_id, NEW.mandate_id)
           IS DISTINCT FROM
           (OLD.application_id, OLD.criterion_id, OLD.origin, OLD.document_date, OLD.name, OLD.content_type, OLD.size,
            OLD.sha256, OLD.added_at, OLD.membership_id, OLD.mandate_id)
    THEN
        RAISE EXCEPTION 'a piece of evidence stays as it was received, and removed for good'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_evidence_guard BEFORE UPDATE ON labelling_evidence
    FOR EACH ROW EXECUTE FUNCTION labelling_evidence_guard();
"""
EVIDENCE_BACK = """
DROP TRIGGER labelling_evidence_guard ON labelling_evidence;
DROP FUNCTION labelling_evidence_guard();
"""


class Migration(migrations.Migration):
    """Create the evidence, the messages and their readings."""

    dependencies = [
        ("labelling", "0004_saved_at"),
        ("territories", "0003_signing_rules"),
    ]
    operations = [
        migrations.CreateModel(
            name="Evidence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        ],
                        max_length=20,
                        verbose_name="antivirus",
                    ),
                ),
                ("scan_attempts", models.PositiveIntegerField(default=0, verbose_name="essais d’analyse")),
                ("next_scan_at", models.DateTimeField(blank=True, null=True, verbose_name="prochaine analyse")),
                ("removed_at", models.DateTimeField(blank=True, null=True, verbose_name="retirée le")),
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
            ],
            options={
                "verbose_name": "pièce",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=1500, verbose_name="message")),
                ("answer_expected", models.BooleanField(default=False, verbose_name="réponse attendue")),
                ("sent_at", models.DateTimeField(verbose_name="envoyé le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
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
            ],
            options={
                "verbose_name": "message",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="MessageReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("read_at", models.DateTimeField(verbose_name="lu le")),
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
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reading",
                        to="labelling.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "lecture d’un message",
                "verbose_name_plural": "lectures de messages",
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                condition=models.Q(("removed_at__isnull", True), ("scan__in", ["waiting", "not_scanned"])),
                fields=["next_scan_at"],
                name="evidence_to_scan",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                    models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                    _connector="OR",
                ),
                name="evidence_one_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["declared", "document", "register", "visit"])),
                name="evidence_origin_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("content_type__in", ["application/pdf", "image/jpeg", "image/png"])),
                name="evidence_content_type_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("scan__in", ["not_scanned", "waiting", "clean", "infected"])),
                name="evidence_scan_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(condition=models.Q(("size__gt", 0)), name="evidence_not_empty"),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="evidence_hash_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="evidence_is_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("removed_at__isnull", True),
                        models.Q(("scan", "infected"), _negated=True),
                        models.Q(("file", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("removed_at__isnull", False), ("scan", "infected"), _connector="OR"), ("file", "")
                    ),
                    _connector="OR",
                ),
                name="evidence_bytes_iff_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scan__in", ["waiting", "not_scanned"]), ("next_scan_at__isnull", True), _connector="OR"
                ),
                name="evidence_next_scan_while_unscanned",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                condition=models.Q(("file", ""), _negated=True),
                fields=("application", "criterion", "sha256"),
                name="evidence_once",
                nulls_distinct=False,
                violation_error_message="Cette pièce est déjà dans le dossier.",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                    models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                    _connector="OR",
                ),
                name="message_one_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="message_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="messagereading",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                    models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                    _connector="OR",
                ),
                name="messagereading_one_author",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("answer_expected", True)), fields=["application"], name="message_expecting"
            ),
        ),
        migrations.RunSQL(EVIDENCE, EVIDENCE_BACK),
        migrations.RunSQL(*insert_only("labelling_message")),
        migrations.RunSQL(*insert_only("labelling_messagereading")),
    ]
