"""Visits of labelled places, kept as the structure read them; settled alerts and former supply, insert-only."""

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only

# A report that was sent stays as it was read: only the one answer of the structure is added to it.
GUARD = """
CREATE FUNCTION labelling_visit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_row jsonb := to_jsonb(OLD) - '{answer,answered_at,answered_by_id,version}'::text[];
    new_row jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a visit is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    new_row := to_jsonb(NEW) - '{answer,answered_at,answered_by_id,version}'::text[];
    IF (OLD.sent_at IS NOT NULL OR OLD.cancelled_at IS NOT NULL) AND old_row <> new_row THEN
        RAISE EXCEPTION 'a visit that was sent or cancelled is kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.answered_at IS NOT NULL AND to_jsonb(OLD) - 'version' <> to_jsonb(NEW) - 'version' THEN
        RAISE EXCEPTION 'the answer to a visit is kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_visit_kept BEFORE UPDATE OR DELETE ON labelling_visit
    FOR EACH ROW EXECUTE FUNCTION labelling_visit_kept();

CREATE FUNCTION labelling_visit_finding_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a finding is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (
        SELECT FROM labelling_visit
        WHERE id = NEW.visit_id AND (sent_at IS NOT NULL OR cancelled_at IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'the findings of a visit that was sent or cancelled are kept'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_visit_finding_kept BEFORE INSERT OR UPDATE OR DELETE ON labelling_visitfinding
    FOR EACH ROW EXECUTE FUNCTION labelling_visit_finding_kept();
"""
GUARD_BACK = """
DROP TRIGGER labelling_visit_kept ON labelling_visit;
DROP FUNCTION labelling_visit_kept();
DROP TRIGGER labelling_visit_finding_kept ON labelling_visitfinding;
DROP FUNCTION labelling_visit_finding_kept();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0017_attestations"),
        ("territories", "0008_network_subjects"),
    ]

    operations = [
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("agents", models.ManyToManyField(related_name="+", to="territories.mandate", verbose_name="agents")),
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
                    "planned_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="décidée par",
                    ),
                ),
            ],
            options={
                "verbose_name": "visite",
            },
        ),
        migrations.CreateModel(
            name="VisitFinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "visit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="labelling.visit",
                        verbose_name="visite",
                    ),
                ),
            ],
            options={
                "verbose_name": "constat de visite",
                "verbose_name_plural": "constats de visite",
            },
        ),
        migrations.CreateModel(
            name="AlertSettlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("said", models.JSONField(verbose_name="ce que disait le registre")),
                ("sentence", models.CharField(max_length=400, verbose_name="l’alerte en mots")),
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
                ("settled_at", models.DateTimeField(verbose_name="le")),
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.registerline",
                        verbose_name="ligne de registre",
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
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason__in", ["sample", "alert", "complaint"])), name="visit_reason_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(("conclusion__in", ["", "compliant", "to_correct", "to_examine"])),
                name="visit_conclusion_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("conclusion", "to_correct"), ("correct_before__isnull", False)),
                    models.Q(models.Q(("conclusion", "to_correct"), _negated=True), ("correct_before__isnull", True)),
                    _connector="OR",
                ),
                name="visit_corrections_are_dated",
                violation_error_message="Une conclusion « à corriger » dit avant quelle date.",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
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
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deadline__isnull", True), ("sent_at__isnull", True)),
                    models.Q(("deadline__isnull", False), ("sent_at__isnull", False)),
                    _connector="OR",
                ),
                name="visit_sent_has_deadline",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                    models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                    _connector="OR",
                ),
                name="visit_answer_has_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
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
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cancelled_at__isnull", True), ("sent_at__isnull", True)),
                fields=("label",),
                name="visit_one_open_per_label",
                violation_error_message="Une visite de ce lieu est déjà prévue.",
            ),
        ),
        migrations.AddConstraint(
            model_name="visitfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(("result__in", ["met", "not_met", "not_seen"])), name="visit_finding_result_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="visitfinding",
            constraint=models.UniqueConstraint(fields=("visit", "criterion"), name="visit_finding_once"),
        ),
        migrations.AddConstraint(
            model_name="visitfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("result", "not_met"), _negated=True),
                    models.Q(("observed", ""), _negated=True),
                    _connector="OR",
                ),
                name="visit_finding_not_met_is_told",
                violation_error_message="Un critère non rempli dit ce qui a été observé.",
            ),
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
                ("declared_at", models.DateTimeField(verbose_name="déclarée le")),
                (
                    "label",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="baseline",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
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
        migrations.RunSQL(*insert_only("labelling_alertsettlement")),
        migrations.RunSQL(*insert_only("labelling_baseline")),
        migrations.RunSQL(GUARD, GUARD_BACK),
    ]
