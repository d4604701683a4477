"""What no constraint can say: proofs are insert-only, and a decision is signed only by all who must."""

from django.db import migrations

from francesante.lib.db import insert_only

DECISION = """
CREATE FUNCTION territories_decision_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given integer;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a decision is never deleted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.content, NEW.content_hash, NEW.required, NEW.kind, NEW.subject_type, NEW.subject_id, NEW.departement_id)
        IS DISTINCT FROM
       (OLD.content, OLD.content_hash, OLD.required, OLD.kind, OLD.subject_type, OLD.subject_id, OLD.departement_id)
    THEN
        RAISE EXCEPTION 'the content of a decision never changes: a correction is a new decision'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state IN ('signed', 'replaced') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a signed or replaced decision stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'signed' AND OLD.state <> 'signed' THEN
        SELECT count(*) INTO given FROM territories_signature
            WHERE decision_id = NEW.id AND capacity = ANY (NEW.required) AND content_hash = NEW.content_hash;
        IF given < cardinality(NEW.required) THEN
            RAISE EXCEPTION 'decision % lacks a required signature', NEW.id
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER territories_decision_guard BEFORE UPDATE OR DELETE ON territories_decision
    FOR EACH ROW EXECUTE FUNCTION territories_decision_guard();
"""
DECISION_BACK = """
DROP TRIGGER territories_decision_guard ON territories_decision;
DROP FUNCTION territories_decision_guard();
"""

SIGNATURE = """
CREATE FUNCTION territories_signature_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided territories_decision%ROWTYPE;
BEGIN
    SELECT * INTO decided FROM territories_decision WHERE id = NEW.decision_id FOR UPDATE;
    IF decided.state <> 'proposed' OR decided.content_hash <> NEW.content_hash
        OR NOT NEW.capacity = ANY (decided.required)
    THEN
        RAISE EXCEPTION 'decision % does not await this signature', NEW.decision_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM territories_mandate
                   WHERE id = NEW.mandate_id AND user_id = NEW.user_id AND signing_as <> '') THEN
        RAISE EXCEPTION 'mandate % gives this person no right to sign', NEW.mandate_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER territories_signature_guard BEFORE INSERT ON territories_signature
    FOR EACH ROW EXECUTE FUNCTION territories_signature_guard();
"""
SIGNATURE_BACK = """
DROP TRIGGER territories_signature_guard ON territories_signature;
DROP FUNCTION territories_signature_guard();
"""


class Migration(migrations.Migration):
    """Install the triggers of the acts."""

    dependencies = [("territories", "0001_initial")]
    operations = [
        migrations.RunSQL(*insert_only("territories_event")),
        migrations.RunSQL(*insert_only("territories_signature")),
        migrations.RunSQL(*insert_only("territories_signaturerefusal")),
        migrations.RunSQL(*insert_only("territories_eventseal")),
        migrations.RunSQL(DECISION, DECISION_BACK),
        migrations.RunSQL(SIGNATURE, SIGNATURE_BACK),
    ]
