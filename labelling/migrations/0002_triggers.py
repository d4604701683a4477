"""A label needs a decision signed by all who must; a published cahier des charges never changes."""

from django.db import migrations

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
"""
LABEL_BACK = """
DROP TRIGGER labelling_label_guard ON labelling_label;
DROP FUNCTION labelling_label_guard();
"""
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
"""
SPECIFICATION_BACK = """
DROP TRIGGER labelling_specification_guard ON labelling_specification;
DROP FUNCTION labelling_specification_guard();
DROP TRIGGER labelling_criterion_guard ON labelling_criterion;
DROP FUNCTION labelling_criterion_guard();
"""


class Migration(migrations.Migration):
    """Install the triggers of labels and specifications."""

    dependencies = [("labelling", "0001_initial")]
    operations = [migrations.RunSQL(LABEL, LABEL_BACK), migrations.RunSQL(SPECIFICATION, SPECIFICATION_BACK)]
