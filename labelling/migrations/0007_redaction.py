"""What files hold stays as it was written, but for one redaction: whom a purged file names is erased from it."""

from django.db import migrations

from francesante.lib.db import drop_functions, insert_only

# The answers without whom they name, and without what was written freely; what is absent is read as empty.
REDACTED = """
CREATE FUNCTION labelling_redacted(answers jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(answers) <> 'object' THEN '{}'::jsonb ELSE (answers - 'contact')
        || CASE WHEN jsonb_typeof(answers->'identity') = 'object'
            THEN jsonb_build_object('identity', (answers->'identity') - 'correction') ELSE '{}' END
        || CASE WHEN jsonb_typeof(answers->'fees') = 'object'
            THEN jsonb_build_object('fees', (answers->'fees') - 'details') ELSE '{}' END
        || CASE WHEN jsonb_typeof(answers->'on_call') = 'object'
            THEN jsonb_build_object('on_call', (answers->'on_call') - 'details') ELSE '{}' END
        || CASE WHEN jsonb_typeof(answers->'team') = 'array'
            THEN jsonb_build_object('team', (
                SELECT coalesce(jsonb_agg(member - 'name' - 'rpps' ORDER BY rank), '[]')
                FROM jsonb_array_elements(answers->'team') WITH ORDINALITY AS team(member, rank)
                WHERE jsonb_typeof(member) = 'object'))
            ELSE '{}' END
    END
$$;
"""

# The whole list of what may be erased, table by table: the row must be of a purged file, and become exactly this.
REDACTION = """
CREATE FUNCTION labelling_is_redaction(source text, before jsonb, after jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    erased CONSTANT text := '[effacé]';
    file bigint := CASE source
        WHEN 'opinionanswer' THEN
            (SELECT application_id FROM labelling_opinion WHERE id = (before->>'opinion_id')::bigint)
        ELSE (before->>'application_id')::bigint END;
BEGIN
    IF NOT EXISTS (SELECT FROM labelling_application WHERE id = file AND purged_at IS NOT NULL) THEN
        RETURN false;
    END IF;
    RETURN coalesce(after = before || CASE source
        WHEN 'message' THEN jsonb_build_object('text', erased)
        WHEN 'note' THEN jsonb_build_object('text', erased)
        WHEN 'evidence' THEN jsonb_build_object('name', erased)
        WHEN 'opinionanswer' THEN
            jsonb_build_object('text', CASE WHEN before->>'text' = '' THEN '' ELSE erased END)
        WHEN 'informationrequest' THEN jsonb_build_object(
            'question', erased, 'reply', CASE WHEN before->>'reply' = '' THEN '' ELSE erased END)
        WHEN 'answerrevision' THEN jsonb_build_object(
            'answers', labelling_redacted(before->'answers'),
            'reason', CASE WHEN before->>'reason' = '' THEN '' ELSE erased END)
    END, false);
END $$;
"""

# A file is purged once: its answers are then redacted, and never change again.
PURGE = """
CREATE FUNCTION labelling_purge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.purged_at IS NOT NULL AND (NEW.purged_at, NEW.answers) IS DISTINCT FROM (OLD.purged_at, OLD.answers) THEN
        RAISE EXCEPTION 'a purged file stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.purged_at IS NULL AND NEW.purged_at IS NOT NULL AND NEW.answers IS DISTINCT FROM labelling_redacted(OLD.answers)
    THEN
        RAISE EXCEPTION 'a purge erases what names people from the answers, and nothing else'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_purge_guard BEFORE UPDATE OF answers, purged_at ON labelling_application
    FOR EACH ROW EXECUTE FUNCTION labelling_purge_guard();
"""

# The answers of a submitted file change only once their former version is kept.
ANSWERS = """
CREATE FUNCTION labelling_answers_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND OLD.answers IS DISTINCT FROM NEW.answers
        AND OLD.answers IS DISTINCT FROM (SELECT answers FROM labelling_answerrevision
                                          WHERE application_id = OLD.id ORDER BY number DESC LIMIT 1) THEN
        RAISE EXCEPTION 'the answers of a submitted file change only once their former version is kept'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_answers_guard BEFORE UPDATE OF answers ON labelling_application
    FOR EACH ROW WHEN (OLD.purged_at IS NOT NULL OR NEW.purged_at IS NULL) EXECUTE FUNCTION labelling_answers_guard();
"""

# What was asked of a structure, and what it answered, never changes.
REQUEST = """
CREATE FUNCTION labelling_request_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sent_at IS NULL THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE'
        OR (OLD.application_id, OLD.criterion_id, OLD.capacity, OLD.question, OLD.required, OLD.sent_at, OLD.sent_by_id,
            OLD.deadline)
            IS DISTINCT FROM
           (NEW.application_id, NEW.criterion_id, NEW.capacity, NEW.question, NEW.required, NEW.sent_at, NEW.sent_by_id,
            NEW.deadline)
        OR (OLD.notified_at IS NOT NULL AND OLD.notified_at IS DISTINCT FROM NEW.notified_at)
        OR (OLD.answered_at IS NOT NULL AND (OLD.answered_at, OLD.answered_by_id, OLD.reply)
            IS DISTINCT FROM (NEW.answered_at, NEW.answered_by_id, NEW.reply))
        OR (OLD.closed_at IS NOT NULL AND (OLD.closed_at, OLD.closed_by_id)
            IS DISTINCT FROM (NEW.closed_at, NEW.closed_by_id))
    THEN
        RAISE EXCEPTION 'what was asked of a structure, and what it answered, never changes'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_request_guard BEFORE UPDATE ON labelling_informationrequest FOR EACH ROW
    WHEN (NOT labelling_is_redaction('informationrequest', to_jsonb(OLD), to_jsonb(NEW)))
    EXECUTE FUNCTION labelling_request_guard();
CREATE TRIGGER labelling_request_guard_delete BEFORE DELETE ON labelling_informationrequest
    FOR EACH ROW EXECUTE FUNCTION labelling_request_guard();
"""

# A piece of evidence stays as it was received, and is removed for good.
EVIDENCE = """
CREATE FUNCTION labelling_evidence_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL OR OLD.scan IN ('infected', 'personal')
        OR (NEW.file <> '' AND NEW.file <> OLD.file)
        OR (NEW.application_id, NEW.criterion_id, NEW.visit_id, NEW.origin, NEW.document_date, NEW.name, NEW.content_type,
            NEW.size, NEW.sha256, NEW.added_at, NEW.membership_id, NEW.mandate_id)
           IS DISTINCT FROM
           (OLD.application_id, OLD.criterion_id, OLD.visit_id, OLD.origin, OLD.document_date, OLD.name, OLD.content_type,
            OLD.size, OLD.sha256, OLD.added_at, OLD.membership_id, OLD.mandate_id)
    THEN
        RAISE EXCEPTION 'a piece of evidence stays as it was received, and removed for good'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_evidence_guard BEFORE UPDATE ON labelling_evidence FOR EACH ROW
    WHEN (NOT labelling_is_redaction('evidence', to_jsonb(OLD), to_jsonb(NEW)))
    EXECUTE FUNCTION labelling_evidence_guard();
"""

# What is only ever added, but for what a purge erases.
INSERT_ONLY = ("message", "note", "answerrevision", "opinionanswer")
REDACTED_ROW = "labelling_is_redaction('{}', to_jsonb(OLD), to_jsonb(NEW))"


class Migration(migrations.Migration):
    """Install the triggers of what a purge erases."""

    # The last of the former migrations: a database that has it has all of this, one that stopped before is refused.
    replaces = [("labelling", "0037_refusal_is_not_published")]
    dependencies = [("labelling", "0006_decision_templates")]
    operations = [
        migrations.RunSQL(REDACTED, drop_functions("labelling_redacted")),
        migrations.RunSQL(REDACTION, drop_functions("labelling_is_redaction")),
        migrations.RunSQL(PURGE, drop_functions("labelling_purge_guard")),
        migrations.RunSQL(ANSWERS, drop_functions("labelling_answers_guard")),
        migrations.RunSQL(REQUEST, drop_functions("labelling_request_guard")),
        migrations.RunSQL(EVIDENCE, drop_functions("labelling_evidence_guard")),
        *(
            migrations.RunSQL(*insert_only(f"labelling_{table}", unless=REDACTED_ROW.format(table)))
            for table in INSERT_ONLY
        ),
    ]
