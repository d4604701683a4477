"""The paper original: another agent of the same authority confirms what one filed. Events may be about a template."""

import django.db.models.deletion
from django.db import migrations, models

PAPER = """
CREATE FUNCTION territories_paperoriginal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL OR OLD.rejected_at IS NOT NULL
        OR (NEW.decision_id, NEW.capacity, NEW.signatory_id, NEW.signatory_name, NEW.signatory_title, NEW.signed_date,
            NEW.content_hash, NEW.scan, NEW.scan_hash, NEW.filed_by_id, NEW.filed_at)
           IS DISTINCT FROM
           (OLD.decision_id, OLD.capacity, OLD.signatory_id, OLD.signatory_name, OLD.signatory_title, OLD.signed_date,
            OLD.content_hash, OLD.scan, OLD.scan_hash, OLD.filed_by_id, OLD.filed_at)
    THEN
        RAISE EXCEPTION 'a paper original stays as it was filed, and as it was settled'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.confirmed_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_mandate filed JOIN territories_mandate confirmed
            ON confirmed.authority_id = filed.authority_id AND confirmed.user_id <> filed.user_id
        WHERE filed.id = NEW.filed_by_id AND confirmed.id = NEW.confirmed_by_id
    ) THEN
        RAISE EXCEPTION 'a paper original is confirmed by another person of the same authority'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER territories_paperoriginal_guard BEFORE UPDATE OR DELETE ON territories_paperoriginal
    FOR EACH ROW EXECUTE FUNCTION territories_paperoriginal_guard();
"""
PAPER_BACK = """
DROP TRIGGER territories_paperoriginal_guard ON territories_paperoriginal;
DROP FUNCTION territories_paperoriginal_guard();
"""


SUBJECTS = [
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
]
KNOWN = models.Q(("subject_type__in", [value for value, _ in SUBJECTS]))


def subject_type():
    return models.CharField(choices=SUBJECTS, max_length=20, verbose_name="porte sur")


class Migration(migrations.Migration):
    dependencies = [("territories", "0006_ending_decisions")]

    operations = [
        migrations.RemoveConstraint(model_name="decision", name="decision_subject_known"),
        migrations.RemoveConstraint(model_name="event", name="event_subject_known"),
        migrations.AlterField(model_name="decision", name="subject_type", field=subject_type()),
        migrations.AlterField(model_name="event", name="subject_type", field=subject_type()),
        migrations.AddConstraint(
            model_name="decision", constraint=models.CheckConstraint(condition=KNOWN, name="decision_subject_known")
        ),
        migrations.AddConstraint(
            model_name="event", constraint=models.CheckConstraint(condition=KNOWN, name="event_subject_known")
        ),
        migrations.CreateModel(
            name="PaperOriginal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="en qualité de",
                    ),
                ),
                ("signatory_name", models.CharField(max_length=200, verbose_name="nom imprimé")),
                ("signatory_title", models.CharField(max_length=300, verbose_name="qualité imprimée")),
                ("signed_date", models.DateField(verbose_name="signé le")),
                ("content_hash", models.CharField(max_length=64, verbose_name="empreinte signée")),
                ("scan", models.BinaryField(verbose_name="original numérisé")),
                ("scan_hash", models.CharField(max_length=64, verbose_name="empreinte du fichier")),
                ("filed_at", models.DateTimeField(verbose_name="déposé le")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmé le")),
                ("rejected_at", models.DateTimeField(blank=True, null=True, verbose_name="écarté le")),
                (
                    "rejection_reason",
                    models.CharField(blank=True, max_length=1000, verbose_name="pourquoi il est écarté"),
                ),
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
                    "filed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="déposé par",
                    ),
                ),
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
                (
                    "signatory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="signataire",
                    ),
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
        migrations.RunSQL(PAPER, PAPER_BACK),
    ]
