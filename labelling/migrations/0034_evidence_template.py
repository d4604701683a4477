"""The model of a piece that the national team attaches to a criterion; with a published version, it never changes."""

import django.db.models.deletion
from django.db import migrations, models

import labelling.models.evidence

GUARD = """
CREATE FUNCTION labelling_evidence_template_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    target bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.criterion_id ELSE OLD.criterion_id END;
BEGIN
    IF EXISTS (
        SELECT FROM labelling_criterion c JOIN labelling_specification s ON s.id = c.specification_id
        WHERE c.id IN (target, CASE TG_OP WHEN 'UPDATE' THEN NEW.criterion_id END) AND s.published_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a published specification never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER labelling_evidence_template_guard BEFORE INSERT OR UPDATE OR DELETE ON labelling_evidencetemplate
    FOR EACH ROW EXECUTE FUNCTION labelling_evidence_template_guard();
"""
GUARD_BACK = """
DROP TRIGGER labelling_evidence_template_guard ON labelling_evidencetemplate;
DROP FUNCTION labelling_evidence_template_guard();
"""
TYPES = [("application/pdf", "PDF"), ("image/jpeg", "JPEG"), ("image/png", "PNG")]


class Migration(migrations.Migration):
    """Create the models of pieces."""

    dependencies = [("labelling", "0033_personal_data")]
    operations = [
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
                ("content_type", models.CharField(choices=TYPES, max_length=20, verbose_name="contenu")),
                ("size", models.PositiveIntegerField(verbose_name="taille en octets")),
                ("sha256", models.CharField(max_length=64, verbose_name="empreinte")),
                (
                    "file",
                    models.FileField(upload_to=labelling.models.evidence.template_name, verbose_name="octets"),
                ),
            ],
            options={"verbose_name": "modèle de pièce"},
        ),
        migrations.AddConstraint(
            "evidencetemplate",
            models.CheckConstraint(
                condition=models.Q(content_type__in=[value for value, _ in TYPES]),
                name="evidencetemplate_content_type_known",
            ),
        ),
        migrations.AddConstraint(
            "evidencetemplate",
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="evidencetemplate_hash_form"
            ),
        ),
        migrations.RunSQL(GUARD, GUARD_BACK),
    ]
