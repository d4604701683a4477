"""The validity of a label changes by a signed act only; a visit has its photos, and its corrections."""

import django.db.models.deletion
from django.db import migrations, models

# What an act may do to a label: withdraw it, or shorten it, by a decision about that label, signed and notified. What undoes
# it gives back what it took, and nothing else: an appeal against that very ending, accepted by a judgment, or by an answer
# that was signed and notified. Never under a later ending that stands.
LABEL = """
CREATE FUNCTION labelling_label_validity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.valid, NEW.withdrawn_at) IS NOT DISTINCT FROM (OLD.valid, OLD.withdrawn_at) THEN
        RETURN NEW;
    END IF;
    IF OLD.withdrawn_at IS NULL AND EXISTS (
        SELECT FROM labelling_ending ending JOIN territories_decision decision ON decision.id = ending.decision_id
            WHERE ending.label_id = NEW.id AND ending.applied_at IS NOT NULL AND ending.undone_at IS NULL
              AND ending.was_valid = OLD.valid
              AND decision.state = 'signed' AND decision.subject_type = 'label' AND decision.subject_id = NEW.id
              AND EXISTS (
                  SELECT FROM territories_notification
                      WHERE decision_id = decision.id AND notified_at IS NOT NULL
              )
              AND (
                  (decision.kind = 'label_withdrawn' AND NEW.valid = OLD.valid AND NEW.withdrawn_at IS NOT NULL)
                  OR (decision.kind = 'label_abrogated' AND NEW.withdrawn_at IS NULL
                      AND lower(NEW.valid) = lower(OLD.valid) AND NEW.valid <@ OLD.valid)
              )
    ) THEN
        RETURN NEW;
    END IF;
    IF NEW.withdrawn_at IS NULL AND EXISTS (
        SELECT FROM labelling_ending ending JOIN labelling_appeal appeal ON appeal.ending_id = ending.id
            WHERE ending.label_id = NEW.id AND ending.undone_at IS NOT NULL AND ending.was_valid = NEW.valid
              AND CASE WHEN OLD.withdrawn_at IS NULL THEN ending.ended_valid = OLD.valid
                  ELSE ending.ended_valid IS NULL AND ending.was_valid = OLD.valid END
              AND appeal.outcome = 'accepted' AND appeal.settled_at IS NOT NULL
              AND (
                  appeal.kind = 'contentieux'
                  OR EXISTS (
                      SELECT FROM territories_decision answer
                          JOIN territories_notification told ON told.decision_id = answer.id
                          WHERE answer.id = appeal.answer_decision_id AND answer.state = 'signed'
                            AND answer.kind = 'appeal_accepted' AND told.notified_at IS NOT NULL
                  )
              )
              AND NOT EXISTS (
                  SELECT FROM labelling_ending later
                      WHERE later.label_id = NEW.id AND later.id > ending.id AND later.applied_at IS NOT NULL
                        AND later.undone_at IS NULL
              )
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the validity of a label changes by a signed and notified act only'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER labelling_label_validity BEFORE UPDATE OF valid, withdrawn_at ON labelling_label
    FOR EACH ROW EXECUTE FUNCTION labelling_label_validity();
"""
LABEL_BACK = """
DROP TRIGGER labelling_label_validity ON labelling_label;
DROP FUNCTION labelling_label_validity();
"""

# A report that was sent stays as it was read: the answer of the structure, then its corrections, are added to it, once.
VISIT = """
CREATE OR REPLACE FUNCTION labelling_visit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    added CONSTANT text[] := '{answer,answered_at,answered_by_id,{corrected}version}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a visit is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.sent_at IS NOT NULL OR OLD.cancelled_at IS NOT NULL) AND to_jsonb(OLD) - added <> to_jsonb(NEW) - added THEN
        RAISE EXCEPTION 'a visit that was sent or cancelled is kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.answered_at IS NOT NULL
        AND (NEW.answer, NEW.answered_at, NEW.answered_by_id)
            IS DISTINCT FROM (OLD.answer, OLD.answered_at, OLD.answered_by_id)
    THEN
        RAISE EXCEPTION 'the answer to a visit is kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;{once}
    RETURN NEW;
END $$;
"""
ONCE = """
    IF OLD.corrected_date IS NOT NULL
        AND (NEW.corrected_date, NEW.corrected_by_id) IS DISTINCT FROM (OLD.corrected_date, OLD.corrected_by_id)
    THEN
        RAISE EXCEPTION 'the corrections found after a visit are kept' USING ERRCODE = 'integrity_constraint_violation';
    END IF;"""

PIECE = """
CREATE OR REPLACE FUNCTION labelling_evidence_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL OR OLD.scan = 'infected'
        OR (NEW.file <> '' AND NEW.file <> OLD.file)
        OR (NEW.application_id, NEW.criterion_id, {visit}NEW.origin, NEW.document_date, NEW.name, NEW.content_type,
            NEW.size, NEW.sha256, NEW.added_at, NEW.membership_id, NEW.mandate_id)
           IS DISTINCT FROM
           (OLD.application_id, OLD.criterion_id, {old_visit}OLD.origin, OLD.document_date, OLD.name, OLD.content_type,
            OLD.size, OLD.sha256, OLD.added_at, OLD.membership_id, OLD.mandate_id)
    THEN
        RAISE EXCEPTION 'a piece of evidence stays as it was received, and removed for good'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""
OF_VISIT = """
CREATE FUNCTION labelling_visit_piece() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.visit_id IS NULL OR (TG_OP = 'UPDATE' AND NEW.removed_at IS NOT DISTINCT FROM OLD.removed_at) THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT FROM labelling_visit visit JOIN labelling_label label ON label.id = visit.label_id
            WHERE visit.id = NEW.visit_id AND label.application_id = NEW.application_id
              AND visit.sent_at IS NULL AND visit.cancelled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'the pieces of a visit are those of its label, and are kept once it is sent or cancelled'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_visit_piece BEFORE INSERT OR UPDATE OF removed_at ON labelling_evidence
    FOR EACH ROW EXECUTE FUNCTION labelling_visit_piece();
"""
OF_VISIT_BACK = """
DROP TRIGGER labelling_visit_piece ON labelling_evidence;
DROP FUNCTION labelling_visit_piece();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0030_suspensions"),
        ("territories", "0014_suspension_decisions"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="evidence",
            name="evidence_once",
        ),
        migrations.AddField(
            model_name="evidence",
            name="visit",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="pieces",
                to="labelling.visit",
                verbose_name="visite",
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="corrected_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.mandate",
                verbose_name="corrections constatées par",
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="corrected_date",
            field=models.DateField(blank=True, null=True, verbose_name="corrections constatées le"),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("visit__isnull", True), models.Q(("mandate__isnull", False), ("origin", "visit")), _connector="OR"
                ),
                name="evidence_of_a_visit_is_of_its_agents",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                condition=models.Q(("file", ""), _negated=True),
                fields=("application", "criterion", "visit", "sha256"),
                name="evidence_once",
                nulls_distinct=False,
                violation_error_message="Cette pièce est déjà dans le dossier.",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("corrected_by__isnull", True), ("corrected_date__isnull", True)),
                    models.Q(("corrected_by__isnull", False), ("corrected_date__isnull", False)),
                    _connector="OR",
                ),
                name="visit_correction_has_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("corrected_date__isnull", True),
                    models.Q(("conclusion", "to_correct"), ("sent_at__isnull", False)),
                    _connector="OR",
                ),
                name="visit_corrects_what_was_to_be",
            ),
        ),
        migrations.RunSQL(LABEL, LABEL_BACK),
        migrations.RunSQL(
            VISIT.replace("{corrected}", "corrected_date,corrected_by_id,").replace("{once}", ONCE),
            VISIT.replace("{corrected}", "").replace("{once}", ""),
        ),
        migrations.RunSQL(
            PIECE.replace("{visit}", "NEW.visit_id, ").replace("{old_visit}", "OLD.visit_id, "),
            PIECE.replace("{visit}", "").replace("{old_visit}", ""),
        ),
        migrations.RunSQL(OF_VISIT, OF_VISIT_BACK),
    ]
