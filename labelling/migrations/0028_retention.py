"""What names people is erased from files that are over: one redaction goes through the triggers, and nothing else."""

from django.db import migrations, models

from francesante.lib.db import insert_only

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
REDACTED_BACK = "DROP FUNCTION labelling_redacted(jsonb);"

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
REDACTION_BACK = "DROP FUNCTION labelling_is_redaction(text, jsonb, jsonb);"

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
DROP TRIGGER labelling_answers_guard ON labelling_application;
CREATE TRIGGER labelling_answers_guard BEFORE UPDATE OF answers ON labelling_application
    FOR EACH ROW WHEN (OLD.purged_at IS NOT NULL OR NEW.purged_at IS NULL) EXECUTE FUNCTION labelling_answers_guard();
"""
PURGE_BACK = """
DROP TRIGGER labelling_answers_guard ON labelling_application;
CREATE TRIGGER labelling_answers_guard BEFORE UPDATE OF answers ON labelling_application
    FOR EACH ROW EXECUTE FUNCTION labelling_answers_guard();
DROP TRIGGER labelling_purge_guard ON labelling_application;
DROP FUNCTION labelling_purge_guard();
"""


def unless_redaction(table: str, trigger: str, function: str, *, deletes: bool = True) -> migrations.RunSQL:
    """Let the redaction of a table through its guard, which keeps refusing all that it refused."""
    name = f"labelling_{table}"
    whole = "UPDATE OR DELETE" if deletes else "UPDATE"
    forward = f"""
    DROP TRIGGER {trigger} ON {name};
    CREATE TRIGGER {trigger} BEFORE UPDATE ON {name} FOR EACH ROW
        WHEN (NOT labelling_is_redaction('{table}', to_jsonb(OLD), to_jsonb(NEW))) EXECUTE FUNCTION {function}();
    """
    backward = f"""
    DROP TRIGGER {trigger} ON {name};
    CREATE TRIGGER {trigger} BEFORE {whole} ON {name} FOR EACH ROW EXECUTE FUNCTION {function}();
    """
    if deletes:
        forward += f"CREATE TRIGGER {trigger}_delete BEFORE DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {function}();"
        backward = f"DROP TRIGGER {trigger}_delete ON {name};" + backward
    return migrations.RunSQL(forward, backward)


INSERT_ONLY = ("message", "note", "answerrevision", "opinionanswer")



class Migration(migrations.Migration):

    dependencies = [
        ("labelling", "0027_following"),
        ('territories', '0013_leavers_and_mail_texts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Purge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(choices=[('draft', 'brouillons laissés de côté'), ('evidence', 'contenu des pièces des dossiers terminés'), ('file', 'personnes nommées, messages et notes des dossiers terminés'), ('account', 'comptes qui ne servent plus'), ('invitation', 'adresses des invitations passées'), ('attempt', 'essais de connexion'), ('mail', 'courriels gardés sur disque'), ('reading', 'journal des lectures')], max_length=20, verbose_name='catégorie')),
                ('count', models.PositiveIntegerField(verbose_name='éléments effacés')),
                ('purged_at', models.DateTimeField(verbose_name='le')),
            ],
            options={
                'verbose_name': 'effacement',
            },
        ),
        migrations.AddField(
            model_name='application',
            name='purged_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='données personnelles effacées le'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('purged_at__isnull', True), ('state__in', ['abandoned', 'closed', 'labelled', 'refused']), _connector='OR'), name='application_purged_once_over'),
        ),
        migrations.AddConstraint(
            model_name='purge',
            constraint=models.CheckConstraint(condition=models.Q(('category__in', ['draft', 'evidence', 'file', 'account', 'invitation', 'attempt', 'mail', 'reading'])), name='purge_category_known'),
        ),
        migrations.AddConstraint(
            model_name='purge',
            constraint=models.CheckConstraint(condition=models.Q(('count__gt', 0)), name='purge_erased_something'),
        ),
        migrations.RunSQL(*insert_only("labelling_purge")),
        migrations.RunSQL(REDACTED, REDACTED_BACK),
        migrations.RunSQL(REDACTION, REDACTION_BACK),
        migrations.RunSQL(PURGE, PURGE_BACK),
        *[
            unless_redaction(name, f"labelling_{name}_insert_only_row", f"labelling_{name}_insert_only")
            for name in INSERT_ONLY
        ],
        unless_redaction("informationrequest", "labelling_request_guard", "labelling_request_guard"),
        unless_redaction("evidence", "labelling_evidence_guard", "labelling_evidence_guard", deletes=False),
    ]
