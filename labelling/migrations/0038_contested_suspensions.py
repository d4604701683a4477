"""A suspension is contested like the end of a label; an appeal against it that was accepted undoes it from its first day."""

from importlib import import_module

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

APPEAL_BEFORE = import_module("labelling.migrations.0021_appeals").APPEAL
SUSPENSION_BEFORE = import_module("labelling.migrations.0030_suspensions").GUARD

# The body of the function alone: its trigger stays.
APPEAL = APPEAL_BEFORE[APPEAL_BEFORE.index("CREATE OR REPLACE") : APPEAL_BEFORE.index("CREATE TRIGGER")]
OF_ITS_ACT = """IF NEW.suspension_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM labelling_suspension WHERE id = NEW.suspension_id AND decision_id = NEW.decision_id
    ) THEN
        RAISE EXCEPTION 'an appeal against a suspension is against its act'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.ending_id IS NOT NULL"""
APPEAL_NOW = (
    APPEAL.replace("NEW.ending_id, NEW.kind", "NEW.ending_id, NEW.suspension_id, NEW.kind")
    .replace("OLD.ending_id, OLD.kind", "OLD.ending_id, OLD.suspension_id, OLD.kind")
    .replace("IF NEW.ending_id IS NOT NULL", OF_ITS_ACT)
)

# Undone by an appeal against that very suspension, accepted by a judgment or by an answer that was signed and notified; it
# then stays so. Its days change by its lifting, or are all taken back as it is undone.
SUSPENSION = SUSPENSION_BEFORE[: SUSPENSION_BEFORE.index("CREATE TRIGGER labelling_suspension_guard")].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
UNDOING = """IF OLD.undone_at IS NOT NULL AND (NEW.undone_at, NEW.undone_period, NEW.period)
        IS DISTINCT FROM (OLD.undone_at, OLD.undone_period, OLD.period)
    THEN
        RAISE EXCEPTION 'a suspension that was undone stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL THEN
        IF NEW.undone_period IS DISTINCT FROM OLD.period OR NOT EXISTS (
            SELECT FROM labelling_appeal appeal
                WHERE appeal.suspension_id = NEW.id AND appeal.outcome = 'accepted' AND appeal.settled_at IS NOT NULL
                  AND (
                      appeal.kind = 'contentieux'
                      OR EXISTS (
                          SELECT FROM territories_decision answer
                              JOIN territories_notification told ON told.decision_id = answer.id
                              WHERE answer.id = appeal.answer_decision_id AND answer.state = 'signed'
                                AND answer.kind = 'appeal_accepted' AND told.notified_at IS NOT NULL
                      )
                  )
        ) THEN
            RAISE EXCEPTION 'a suspension is undone by an appeal that was accepted and notified'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.period IS NOT NULL AND NEW.period IS DISTINCT FROM OLD.period"""
SUSPENSION_NOW = SUSPENSION.replace("IF OLD.period IS NOT NULL AND NEW.period IS DISTINCT FROM OLD.period", UNDOING)


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0037_refusal_is_not_published"),
        ("territories", "0015_taken_back"),
    ]

    operations = [
        migrations.RemoveConstraint("appeal", "appeal_against_one"),
        migrations.AddField(
            "appeal",
            "suspension",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="appeals",
                to="labelling.suspension",
                verbose_name="suspension contestée",
            ),
        ),
        migrations.AddField(
            "suspension", "undone_at", models.DateTimeField(blank=True, null=True, verbose_name="annulée le")
        ),
        migrations.AddField(
            "suspension",
            "undone_period",
            django.contrib.postgres.fields.ranges.DateRangeField(
                blank=True, null=True, verbose_name="jours suspendus jusqu’à l’annulation"
            ),
        ),
        migrations.AddConstraint(
            "appeal",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decision__isnull", False),
                        ("silence_date__isnull", True),
                        models.Q(("ending__isnull", False), ("suspension__isnull", False), _negated=True),
                    ),
                    models.Q(
                        ("decision__isnull", True),
                        ("ending__isnull", True),
                        ("silence_date__isnull", False),
                        ("suspension__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="appeal_against_one",
            ),
        ),
        migrations.AddConstraint(
            "suspension",
            models.CheckConstraint(
                condition=models.Q(("undone_at__isnull", True), ("applied_at__isnull", False), _connector="OR"),
                name="suspension_undone_once_applied",
            ),
        ),
        migrations.AddConstraint(
            "suspension",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("undone_at__isnull", True), ("undone_period__isnull", True)),
                    models.Q(("undone_at__isnull", False), ("undone_period__isnull", False)),
                    _connector="OR",
                ),
                name="suspension_undone_keeps_its_days",
            ),
        ),
        migrations.AddConstraint(
            "suspension",
            models.CheckConstraint(
                condition=models.Q(("undone_at__isnull", True), ("period__isempty", True), _connector="OR"),
                name="suspension_undone_has_no_day",
            ),
        ),
        migrations.RunSQL(APPEAL_NOW, APPEAL),
        migrations.RunSQL(SUSPENSION_NOW, SUSPENSION),
    ]
