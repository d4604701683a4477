"""A published edition never changes: neither its files nor its observations."""

from django.db import migrations

EDITION = """
CREATE FUNCTION indicators_edition_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'superseded' OR (OLD.state = 'published' AND
        (TG_OP = 'DELETE' OR NEW.state NOT IN ('published', 'superseded')
         OR (NEW.quarter, NEW.revision, NEW.as_of, NEW.reason, NEW.computed_at, NEW.published_at)
            IS DISTINCT FROM (OLD.quarter, OLD.revision, OLD.as_of, OLD.reason, OLD.computed_at, OLD.published_at)))
    THEN
        RAISE EXCEPTION 'a published edition never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER indicators_edition_guard BEFORE UPDATE OR DELETE ON indicators_edition
    FOR EACH ROW EXECUTE FUNCTION indicators_edition_guard();
CREATE FUNCTION indicators_edition_content_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- An update concerns the edition it leaves as much as the one it joins.
    targets bigint[] := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW.edition_id]
        WHEN 'DELETE' THEN ARRAY[OLD.edition_id]
        ELSE ARRAY[OLD.edition_id, NEW.edition_id]
    END;
BEGIN
    IF EXISTS (SELECT FROM indicators_edition WHERE id = ANY (targets) AND state IN ('published', 'superseded')) THEN
        RAISE EXCEPTION 'a published edition never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER indicators_observation_guard BEFORE INSERT OR UPDATE OR DELETE ON indicators_observation
    FOR EACH ROW EXECUTE FUNCTION indicators_edition_content_guard();
CREATE TRIGGER indicators_editionfile_guard BEFORE INSERT OR UPDATE OR DELETE ON indicators_editionfile
    FOR EACH ROW EXECUTE FUNCTION indicators_edition_content_guard();
"""
EDITION_BACK = """
DROP TRIGGER indicators_edition_guard ON indicators_edition;
DROP FUNCTION indicators_edition_guard();
DROP TRIGGER indicators_observation_guard ON indicators_observation;
DROP TRIGGER indicators_editionfile_guard ON indicators_editionfile;
DROP FUNCTION indicators_edition_content_guard();
"""


class Migration(migrations.Migration):
    """Install the triggers of editions."""

    dependencies = [("indicators", "0001_initial")]
    operations = [migrations.RunSQL(EDITION, EDITION_BACK)]
