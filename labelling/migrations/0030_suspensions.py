"""The suspension of a label and its lifting: signed and notified like its end, once a text founds it."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

ENDING = """
CREATE OR REPLACE FUNCTION labelling_ending_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    because labelling_endingground%ROWTYPE;
BEGIN
    SELECT * INTO because FROM labelling_endingground WHERE id = NEW.ground_id;
    {suspends}IF because.adversarial AND NOT EXISTS (
        SELECT FROM labelling_adversarialprocedure
            WHERE id = NEW.procedure_id AND label_id = NEW.label_id AND ground_id = NEW.ground_id
    ) THEN
        RAISE EXCEPTION 'this ground asks that the structure be heard first'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.signed_date IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_decision
            WHERE id = NEW.decision_id AND state = 'signed' AND subject_type = 'label' AND subject_id = NEW.label_id
              AND kind = CASE because.act WHEN 'withdraw' THEN 'label_withdrawn' ELSE 'label_abrogated' END
    ) THEN
        RAISE EXCEPTION 'the end of a label needs a decision signed by every required capacity'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""
SUSPENDS = """IF because.act = 'suspend' THEN
        RAISE EXCEPTION 'this ground suspends a label, it does not end it'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    """
GUARD = """
CREATE FUNCTION labelling_suspension_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    because labelling_endingground%ROWTYPE;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a suspension is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO because FROM labelling_endingground WHERE id = NEW.ground_id;
    IF because.act <> 'suspend' THEN
        RAISE EXCEPTION 'a suspension needs a ground that founds it' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF because.adversarial AND NOT EXISTS (
        SELECT FROM labelling_adversarialprocedure
            WHERE id = NEW.procedure_id AND label_id = NEW.label_id AND ground_id = NEW.ground_id
    ) THEN
        RAISE EXCEPTION 'this ground asks that the structure be heard first'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.signed_date IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_decision
            WHERE id = NEW.decision_id AND state = 'signed' AND kind = 'label_suspended'
              AND subject_type = 'label' AND subject_id = NEW.label_id
    ) THEN
        RAISE EXCEPTION 'a suspension needs a decision signed by every required capacity'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.applied_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_notification WHERE decision_id = NEW.decision_id AND notified_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a suspension takes effect once notified' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    IF (NEW.label_id, NEW.decision_id, NEW.ground_id, NEW.procedure_id, NEW.effect_date, NEW.last_date, NEW.review_date,
        NEW.expected)
       IS DISTINCT FROM
       (OLD.label_id, OLD.decision_id, OLD.ground_id, OLD.procedure_id, OLD.effect_date, OLD.last_date, OLD.review_date,
        OLD.expected)
    THEN
        RAISE EXCEPTION 'a suspension stays as it was proposed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.period IS NOT NULL AND NEW.period IS DISTINCT FROM OLD.period AND NOT EXISTS (
        SELECT FROM labelling_lifting
            WHERE suspension_id = NEW.id AND applied_at IS NOT NULL AND was_period = OLD.period
              AND OLD.period @> NEW.period
    ) THEN
        RAISE EXCEPTION 'a suspension is shortened by its lifting only'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_suspension_guard BEFORE INSERT OR UPDATE OR DELETE ON labelling_suspension
    FOR EACH ROW EXECUTE FUNCTION labelling_suspension_guard();

CREATE FUNCTION labelling_lifting_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a lifting is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM labelling_suspension WHERE id = NEW.suspension_id AND label_id = NEW.label_id) THEN
        RAISE EXCEPTION 'a lifting is that of a suspension of its label'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.signed_date IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_decision
            WHERE id = NEW.decision_id AND state = 'signed' AND kind = 'label_reinstated'
              AND subject_type = 'label' AND subject_id = NEW.label_id
    ) THEN
        RAISE EXCEPTION 'a lifting needs a decision signed by every required capacity'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.applied_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_notification WHERE decision_id = NEW.decision_id AND notified_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a lifting takes effect once notified' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.label_id, NEW.decision_id, NEW.suspension_id, NEW.effect_date)
       IS DISTINCT FROM (OLD.label_id, OLD.decision_id, OLD.suspension_id, OLD.effect_date)
    THEN
        RAISE EXCEPTION 'a lifting stays as it was proposed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_lifting_guard BEFORE INSERT OR UPDATE OR DELETE ON labelling_lifting
    FOR EACH ROW EXECUTE FUNCTION labelling_lifting_guard();
"""
GUARD_BACK = """
DROP TRIGGER labelling_suspension_guard ON labelling_suspension;
DROP FUNCTION labelling_suspension_guard();
DROP TRIGGER labelling_lifting_guard ON labelling_lifting;
DROP FUNCTION labelling_lifting_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0028_retention"),
        ("territories", "0014_suspension_decisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Lifting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="effet le")),
                ("signed_date", models.DateField(blank=True, null=True, verbose_name="signée le")),
                ("dropped_at", models.DateTimeField(blank=True, null=True, verbose_name="abandonnée le")),
                ("applied_at", models.DateTimeField(blank=True, null=True, verbose_name="a pris effet le")),
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
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Suspension",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="effet le")),
                ("signed_date", models.DateField(blank=True, null=True, verbose_name="signée le")),
                ("dropped_at", models.DateTimeField(blank=True, null=True, verbose_name="abandonnée le")),
                ("applied_at", models.DateTimeField(blank=True, null=True, verbose_name="a pris effet le")),
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
                "abstract": False,
            },
        ),
        migrations.AlterModelOptions(
            name="endingground",
            options={
                "verbose_name": "motif d’un acte sur un label",
                "verbose_name_plural": "motifs d’un acte sur un label",
            },
        ),
        migrations.RemoveConstraint(
            model_name="endingground",
            name="ending_ground_act_known",
        ),
        migrations.AddField(
            model_name="endingground",
            name="source",
            field=models.CharField(blank=True, max_length=300, verbose_name="texte"),
        ),
        migrations.AlterField(
            model_name="ending",
            name="effect_date",
            field=models.DateField(blank=True, null=True, verbose_name="effet le"),
        ),
        migrations.AlterField(
            model_name="ending",
            name="label",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="labelling.label",
                verbose_name="label",
            ),
        ),
        migrations.AlterField(
            model_name="endingground",
            name="act",
            field=models.CharField(
                choices=[("abrogate", "abrogation"), ("withdraw", "retrait"), ("suspend", "suspension")],
                max_length=20,
                verbose_name="acte",
            ),
        ),
        migrations.AddConstraint(
            model_name="endingground",
            constraint=models.CheckConstraint(
                condition=models.Q(("act__in", ["abrogate", "withdraw", "suspend"])), name="ending_ground_act_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="endingground",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("act", "suspend"), _negated=True),
                    models.Q(("source", ""), _negated=True),
                    _connector="OR",
                ),
                name="ending_ground_suspension_has_source",
                violation_error_message="Une suspension suppose un texte : citez-le.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="ending",
            name="ending_one_pending_per_label",
            constraint=models.UniqueConstraint(
                condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                fields=("label",),
                name="ending_one_pending_per_label",
                violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
            ),
        ),
        migrations.AddField(
            model_name="lifting",
            name="decision",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.decision",
                verbose_name="décision",
            ),
        ),
        migrations.AddField(
            model_name="lifting",
            name="label",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="labelling.label",
                verbose_name="label",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="decision",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.decision",
                verbose_name="décision",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="ground",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="labelling.endingground",
                verbose_name="motif",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="label",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="labelling.label",
                verbose_name="label",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="procedure",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="suspensions",
                to="labelling.adversarialprocedure",
                verbose_name="procédure",
            ),
        ),
        migrations.AddField(
            model_name="lifting",
            name="suspension",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="liftings",
                to="labelling.suspension",
                verbose_name="suspension",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(("applied_at__isnull", True), ("signed_date__isnull", False), _connector="OR"),
                name="suspension_applied_once_signed",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(("dropped_at__isnull", True), ("signed_date__isnull", True), _connector="OR"),
                name="suspension_signed_is_not_dropped",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.UniqueConstraint(
                condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                fields=("label",),
                name="suspension_one_pending_per_label",
                violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(("effect_date__isnull", False)), name="suspension_has_first_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(("expected", ""), _negated=True), name="suspension_says_what_is_expected"
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("last_date__isnull", True), ("last_date__gte", models.F("effect_date")), _connector="OR"
                ),
                name="suspension_ends_after_its_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("applied_at__isnull", True), ("period__isnull", True)),
                    models.Q(("applied_at__isnull", False), ("period__isnull", False)),
                    _connector="OR",
                ),
                name="suspension_period_iff_applied",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("label", "="), ("period", "&&")],
                name="suspension_one_at_a_time",
                violation_error_message="Ce label est déjà suspendu ces jours-là.",
            ),
        ),
        migrations.AddConstraint(
            model_name="lifting",
            constraint=models.CheckConstraint(
                condition=models.Q(("applied_at__isnull", True), ("signed_date__isnull", False), _connector="OR"),
                name="lifting_applied_once_signed",
            ),
        ),
        migrations.AddConstraint(
            model_name="lifting",
            constraint=models.CheckConstraint(
                condition=models.Q(("dropped_at__isnull", True), ("signed_date__isnull", True), _connector="OR"),
                name="lifting_signed_is_not_dropped",
            ),
        ),
        migrations.AddConstraint(
            model_name="lifting",
            constraint=models.UniqueConstraint(
                condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                fields=("label",),
                name="lifting_one_pending_per_label",
                violation_error_message="Un acte sur ce label est déjà présenté ou signé.",
            ),
        ),
        migrations.AddConstraint(
            model_name="lifting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("applied_at__isnull", True), ("was_period__isnull", True)),
                    models.Q(("applied_at__isnull", False), ("was_period__isnull", False)),
                    _connector="OR",
                ),
                name="lifting_keeps_what_was_suspended",
            ),
        ),
        migrations.RunSQL(ENDING.replace("{suspends}", SUSPENDS), ENDING.replace("{suspends}", "")),
        migrations.RunSQL(GUARD, GUARD_BACK),
    ]
