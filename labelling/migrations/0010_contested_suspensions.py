"""A suspension is contested like the end of a label; an appeal against it that was accepted undoes it from its first day."""

from importlib import import_module

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import function_of

FORMER = import_module("labelling.migrations.0002_triggers")

# An appeal names the act that it contests.
APPEAL = """
CREATE OR REPLACE FUNCTION labelling_appeal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (
        TG_OP = 'DELETE' OR OLD.settled_at IS NOT NULL
        OR (NEW.application_id, NEW.decision_id, NEW.silence_date, NEW.ending_id, NEW.suspension_id, NEW.kind, NEW.received_date,
            NEW.deadline, NEW.court, NEW.docket, NEW.text, NEW.membership_id, NEW.mandate_id, NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.decision_id, OLD.silence_date, OLD.ending_id, OLD.suspension_id, OLD.kind, OLD.received_date,
            OLD.deadline, OLD.court, OLD.docket, OLD.text, OLD.membership_id, OLD.mandate_id, OLD.recorded_at)
    ) THEN
        RAISE EXCEPTION 'an appeal stays as it was lodged, and as it was settled'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.suspension_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM labelling_suspension WHERE id = NEW.suspension_id AND decision_id = NEW.decision_id
    ) THEN
        RAISE EXCEPTION 'an appeal against a suspension is against its act'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.ending_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM labelling_ending WHERE id = NEW.ending_id AND decision_id = NEW.decision_id
    ) THEN
        RAISE EXCEPTION 'an appeal against an ending is against its act' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.settled_at IS NOT NULL AND NEW.kind = 'gracieux' AND NEW.outcome <> 'no_object' AND NOT EXISTS (
        SELECT FROM territories_decision
            WHERE id = NEW.answer_decision_id AND state = 'signed' AND subject_type = 'appeal' AND subject_id = NEW.id
              AND kind = 'appeal_' || NEW.outcome
    ) THEN
        RAISE EXCEPTION 'an appeal to the signatories is settled by an answer that every required capacity signed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""

# Undone by an appeal against that very suspension, accepted by a judgment or by an answer that was signed and notified; it
# then stays so. Its days change by its lifting, or are all taken back as it is undone.
SUSPENSION = """
CREATE OR REPLACE FUNCTION labelling_suspension_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF OLD.undone_at IS NOT NULL AND (NEW.undone_at, NEW.undone_period, NEW.period)
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
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0009_fill_in_bulk"),
        ("territories", "0003_signing_rules"),
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
        migrations.RunSQL(APPEAL, function_of(FORMER.APPEAL, "labelling_appeal_guard")),
        migrations.RunSQL(SUSPENSION, function_of(FORMER.SUSPENSION, "labelling_suspension_guard")),
    ]
