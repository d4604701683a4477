"""What no constraint can say: a label needs its signatures, and what was published, sent or settled stays as it was."""

from django.db import migrations

from francesante.lib.db import drop_functions, insert_only

# What is only ever added.
INSERT_ONLY = (
    "labelling_messagereading",
    "labelling_interestdeclaration",
    "labelling_nationaladvice",
    "labelling_closing",
    "labelling_amendment",
    "labelling_attestation",
    "labelling_baseline",
    "labelling_alertsettlement",
    "labelling_registerchange",
    "labelling_supportmessage",
    "labelling_purge",
)

# A label needs a decision signed by all who must. An act may withdraw it, or shorten it: a decision about that label,
# signed and notified. What undoes the act gives back what it took, and nothing else: an appeal against that very ending,
# accepted by a judgment, or by an answer that was signed and notified. Never under a later ending that stands.
LABEL = """
CREATE FUNCTION labelling_label_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM territories_decision
                   WHERE id = NEW.decision_id AND state = 'signed' AND kind = 'label_granted'
                     AND subject_type = 'application' AND subject_id = NEW.application_id) THEN
        RAISE EXCEPTION 'a label needs a decision signed by every required capacity'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_label_guard BEFORE INSERT OR UPDATE OF decision_id, application_id ON labelling_label
    FOR EACH ROW EXECUTE FUNCTION labelling_label_guard();
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

# A published cahier des charges never changes, nor do its criteria and the models of documents it gives.
SPECIFICATION = """
CREATE FUNCTION labelling_specification_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'a published specification never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER labelling_specification_guard BEFORE UPDATE OR DELETE ON labelling_specification
    FOR EACH ROW EXECUTE FUNCTION labelling_specification_guard();
CREATE FUNCTION labelling_criterion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    target bigint := CASE TG_OP WHEN 'DELETE' THEN OLD.specification_id ELSE NEW.specification_id END;
BEGIN
    IF EXISTS (SELECT FROM labelling_specification WHERE id = target AND published_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a published specification never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER labelling_criterion_guard BEFORE INSERT OR UPDATE OR DELETE ON labelling_criterion
    FOR EACH ROW EXECUTE FUNCTION labelling_criterion_guard();
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

# The published text of a decision never changes: its next version replaces it.
TEMPLATE = """
CREATE FUNCTION labelling_decisiontemplate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'a published template never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER labelling_decisiontemplate_guard BEFORE UPDATE OR DELETE ON labelling_decisiontemplate
    FOR EACH ROW EXECUTE FUNCTION labelling_decisiontemplate_guard();
"""

# A file is instructed by an agent of each authority.
REVIEWERS = """
CREATE FUNCTION labelling_reviewers_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM territories_mandate AS mandate
        JOIN territories_authority AS authority ON authority.id = mandate.authority_id
        WHERE (mandate.id = NEW.ars_reviewer_id AND (authority.kind <> 'ars' OR mandate.role <> 'agent'))
           OR (mandate.id = NEW.prefecture_reviewer_id AND (authority.kind <> 'prefecture' OR mandate.role <> 'agent'))
    ) THEN
        RAISE EXCEPTION 'a file is instructed by an agent of each authority'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_reviewers_guard
    BEFORE INSERT OR UPDATE OF ars_reviewer_id, prefecture_reviewer_id ON labelling_application
    FOR EACH ROW EXECUTE FUNCTION labelling_reviewers_guard();
"""

# The record of a concertation is confirmed as it was written, or set aside for good.
CONCERTATION = """
CREATE FUNCTION labelling_concertation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL OR OLD.set_aside_at IS NOT NULL
        OR (NEW.application_id, NEW.decision_id, NEW.held_date, NEW.participants, NEW.text, NEW.outcome,
            NEW.recorded_by_id, NEW.recorded_capacity, NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.decision_id, OLD.held_date, OLD.participants, OLD.text, OLD.outcome,
            OLD.recorded_by_id, OLD.recorded_capacity, OLD.recorded_at)
    THEN
        RAISE EXCEPTION 'the record of a concertation stays as it was written'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_concertation_guard BEFORE UPDATE OR DELETE ON labelling_concertation
    FOR EACH ROW EXECUTE FUNCTION labelling_concertation_guard();
"""

# An appeal stays as it was lodged and as it was settled; the signatories settle theirs by an answer that all signed.
# The reasons of a silence stay as they were asked for, and as they were given.
APPEAL = """
CREATE FUNCTION labelling_appeal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (
        TG_OP = 'DELETE' OR OLD.settled_at IS NOT NULL
        OR (NEW.application_id, NEW.decision_id, NEW.silence_date, NEW.ending_id, NEW.kind, NEW.received_date,
            NEW.deadline, NEW.court, NEW.docket, NEW.text, NEW.membership_id, NEW.mandate_id, NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.decision_id, OLD.silence_date, OLD.ending_id, OLD.kind, OLD.received_date,
            OLD.deadline, OLD.court, OLD.docket, OLD.text, OLD.membership_id, OLD.mandate_id, OLD.recorded_at)
    ) THEN
        RAISE EXCEPTION 'an appeal stays as it was lodged, and as it was settled'
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
CREATE TRIGGER labelling_appeal_guard BEFORE INSERT OR UPDATE OR DELETE ON labelling_appeal
    FOR EACH ROW EXECUTE FUNCTION labelling_appeal_guard();
CREATE FUNCTION labelling_reasonsrequest_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.communicated_date IS NOT NULL OR OLD.set_aside_at IS NOT NULL
        OR (NEW.application_id, NEW.silence_date, NEW.received_date, NEW.deadline, NEW.membership_id, NEW.mandate_id,
            NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.silence_date, OLD.received_date, OLD.deadline, OLD.membership_id, OLD.mandate_id,
            OLD.recorded_at)
        OR (OLD.answered_at IS NOT NULL AND (NEW.reasons, NEW.answered_by_id, NEW.answered_at)
            IS DISTINCT FROM (OLD.reasons, OLD.answered_by_id, OLD.answered_at))
    THEN
        RAISE EXCEPTION 'reasons stay as they were asked for, and as they were given'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_reasonsrequest_guard BEFORE UPDATE OR DELETE ON labelling_reasonsrequest
    FOR EACH ROW EXECUTE FUNCTION labelling_reasonsrequest_guard();
"""

# A label ends on a ground that the law gives, once the structure was heard and every authority signed; what an accepted
# appeal undid stays undone.
ENDING = """
CREATE FUNCTION labelling_ending_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    because labelling_endingground%ROWTYPE;
BEGIN
    SELECT * INTO because FROM labelling_endingground WHERE id = NEW.ground_id;
    IF because.act = 'suspend' THEN
        RAISE EXCEPTION 'this ground suspends a label, it does not end it'
            USING ERRCODE = 'integrity_constraint_violation';
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
            WHERE id = NEW.decision_id AND state = 'signed' AND subject_type = 'label' AND subject_id = NEW.label_id
              AND kind = CASE because.act WHEN 'withdraw' THEN 'label_withdrawn' ELSE 'label_abrogated' END
    ) THEN
        RAISE EXCEPTION 'the end of a label needs a decision signed by every required capacity'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_ending_guard BEFORE INSERT OR UPDATE ON labelling_ending
    FOR EACH ROW EXECUTE FUNCTION labelling_ending_guard();
CREATE FUNCTION labelling_ending_undoing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.undone_at IS NOT NULL AND (NEW.undone_at, NEW.ended_valid) IS DISTINCT FROM (OLD.undone_at, OLD.ended_valid) THEN
        RAISE EXCEPTION 'an ending that was undone stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.undone_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM labelling_appeal WHERE ending_id = NEW.id AND outcome = 'accepted' AND settled_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'an ending is undone by an appeal that was accepted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_ending_undoing_guard BEFORE UPDATE ON labelling_ending
    FOR EACH ROW EXECUTE FUNCTION labelling_ending_undoing_guard();
"""

# A suspension and its lifting are signed by those who granted the label, and take effect once notified.
SUSPENSION = """
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

# A report that was sent stays as it was read, with its findings and its pieces: the one answer of the structure and the
# corrections found later are added to it.
VISIT = """
CREATE FUNCTION labelling_visit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    added CONSTANT text[] := '{answer,answered_at,answered_by_id,corrected_date,corrected_by_id,version}';
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
    END IF;
    IF OLD.corrected_date IS NOT NULL
        AND (NEW.corrected_date, NEW.corrected_by_id) IS DISTINCT FROM (OLD.corrected_date, OLD.corrected_by_id)
    THEN
        RAISE EXCEPTION 'the corrections found after a visit are kept' USING ERRCODE = 'integrity_constraint_violation';
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


class Migration(migrations.Migration):
    """Install the triggers of labels and of what leads to them."""

    dependencies = [("labelling", "0001_initial")]
    operations = [
        migrations.RunSQL(LABEL, drop_functions("labelling_label_guard", "labelling_label_validity")),
        migrations.RunSQL(
            SPECIFICATION,
            drop_functions(
                "labelling_specification_guard", "labelling_criterion_guard", "labelling_evidence_template_guard"
            ),
        ),
        migrations.RunSQL(TEMPLATE, drop_functions("labelling_decisiontemplate_guard")),
        migrations.RunSQL(REVIEWERS, drop_functions("labelling_reviewers_guard")),
        migrations.RunSQL(CONCERTATION, drop_functions("labelling_concertation_guard")),
        migrations.RunSQL(APPEAL, drop_functions("labelling_appeal_guard", "labelling_reasonsrequest_guard")),
        migrations.RunSQL(ENDING, drop_functions("labelling_ending_guard", "labelling_ending_undoing_guard")),
        migrations.RunSQL(SUSPENSION, drop_functions("labelling_suspension_guard", "labelling_lifting_guard")),
        migrations.RunSQL(
            VISIT, drop_functions("labelling_visit_kept", "labelling_visit_finding_kept", "labelling_visit_piece")
        ),
        *(migrations.RunSQL(*insert_only(table)) for table in INSERT_ONLY),
    ]
