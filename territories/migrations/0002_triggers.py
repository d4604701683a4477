"""What no constraint can say: proofs are insert-only, and a decision is signed only by all who must."""

from django.db import migrations

from francesante.lib.db import drop_functions, insert_only

# What is only ever added.
INSERT_ONLY = (
    "territories_event",
    "territories_eventseal",
    "territories_signature",
    "territories_signaturerefusal",
    "territories_mailtext",
)

# The content of a decision never changes; it is signed by all who must, or taken back while nobody signed.
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
    IF OLD.state = 'taken_back' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a decision that was taken back stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'taken_back' AND OLD.state <> 'taken_back' AND (
        OLD.state <> 'proposed' OR EXISTS (SELECT FROM territories_signature WHERE decision_id = NEW.id)
    ) THEN
        RAISE EXCEPTION 'decision % is no longer one that nobody signed', NEW.id
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

# A signature is given to a decision that awaits it, by a person who has the right to.
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

# A paper original stays as it was filed, and is confirmed by another person of the same authority.
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

# Favourable decisions only are signed in a selection, which stays as it was shown and as it was signed.
SELECTION = """
CREATE FUNCTION territories_signatureoutcome_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (
            SELECT FROM territories_decision
            WHERE id = NEW.decision_id AND kind IN ('label_granted', 'grant_awarded')
        ) THEN
            RAISE EXCEPTION 'only favourable decisions are signed in a selection'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF OLD.result <> 'waiting'
        OR (NEW.run_id, NEW.decision_id, NEW.content_hash)
           IS DISTINCT FROM (OLD.run_id, OLD.decision_id, OLD.content_hash)
    THEN
        RAISE EXCEPTION 'a selection stays as it was shown, and as it was signed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER territories_signatureoutcome_guard BEFORE INSERT OR UPDATE ON territories_signatureoutcome
    FOR EACH ROW EXECUTE FUNCTION territories_signatureoutcome_guard();
"""


class Migration(migrations.Migration):
    """Install the triggers of the acts."""

    dependencies = [("territories", "0001_initial")]
    operations = [
        migrations.RunSQL(DECISION, drop_functions("territories_decision_guard")),
        migrations.RunSQL(SIGNATURE, drop_functions("territories_signature_guard")),
        migrations.RunSQL(PAPER, drop_functions("territories_paperoriginal_guard")),
        migrations.RunSQL(SELECTION, drop_functions("territories_signatureoutcome_guard")),
        *(migrations.RunSQL(*insert_only(table)) for table in INSERT_ONLY),
    ]
