"""What a file, its label and its disputes say of people is erased with them; so are closed support requests.

One function still holds the whole list of what may be erased, and the row must still become exactly that.
"""

from importlib import import_module

from django.db import migrations, models

from francesante.lib.db import function_of

FORMER = import_module("labelling.migrations.0002_triggers")
REDACTIONS = import_module("labelling.migrations.0007_redaction")

ERASED = """
CREATE FUNCTION labelling_erased(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN said = '' THEN '' ELSE '[effacé]' END
$$;
CREATE FUNCTION labelling_erased_values(said jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(said) <> 'object' THEN '{}'::jsonb ELSE coalesce((
        SELECT jsonb_object_agg(key, CASE WHEN value = '""' THEN value ELSE '"[effacé]"'::jsonb END) FROM jsonb_each(said)
    ), '{}') END
$$;
"""
ERASED_BACK = """
DROP FUNCTION labelling_erased_values(jsonb);
DROP FUNCTION labelling_erased(text);
"""

REDACTION = """
CREATE OR REPLACE FUNCTION labelling_is_redaction(source text, before jsonb, after jsonb)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    erased CONSTANT text := '[effacé]';
    fields CONSTANT text[] := CASE source
        WHEN 'message' THEN '{text}'
        WHEN 'note' THEN '{text}'
        WHEN 'evidence' THEN '{name}'
        WHEN 'opinionanswer' THEN '{text}'
        WHEN 'informationrequest' THEN '{question,reply}'
        WHEN 'answerrevision' THEN '{reason}'
        WHEN 'appeal' THEN '{text,answer}'
        WHEN 'reasonsrequest' THEN '{reasons}'
        WHEN 'concertation' THEN '{participants,text}'
        WHEN 'nationaladvice' THEN '{text}'
        WHEN 'closing' THEN '{text}'
        WHEN 'suspension' THEN '{expected}'
        WHEN 'visit' THEN '{notes,answer}'
        WHEN 'visitfinding' THEN '{observed}'
        WHEN 'amendment' THEN '{reason}'
        WHEN 'alertsettlement' THEN '{sentence,note}'
        WHEN 'supportmessage' THEN '{text}'
        ELSE '{}' END;
    expected jsonb := before;
    field text;
BEGIN
    IF source = 'supportmessage' THEN
        IF NOT EXISTS (
            SELECT FROM labelling_supportrequest WHERE id = (before->>'request_id')::bigint AND purged_at IS NOT NULL
        ) THEN
            RETURN false;
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM labelling_application WHERE purged_at IS NOT NULL AND id = CASE
            WHEN source = 'opinionanswer' THEN
                (SELECT application_id FROM labelling_opinion WHERE id = (before->>'opinion_id')::bigint)
            WHEN source = 'visitfinding' THEN
                (SELECT label.application_id FROM labelling_visit visit JOIN labelling_label label ON label.id = visit.label_id
                    WHERE visit.id = (before->>'visit_id')::bigint)
            WHEN before ? 'label_id' THEN
                (SELECT application_id FROM labelling_label WHERE id = (before->>'label_id')::bigint)
            ELSE (before->>'application_id')::bigint END
    ) THEN
        RETURN false;
    END IF;
    FOREACH field IN ARRAY fields LOOP
        expected := expected || jsonb_build_object(field, labelling_erased(before->>field));
    END LOOP;
    expected := expected || CASE source
        WHEN 'answerrevision' THEN jsonb_build_object('answers', labelling_redacted(before->'answers'))
        WHEN 'attestation' THEN jsonb_build_object('statements', labelling_erased_values(before->'statements'))
        WHEN 'alertsettlement' THEN jsonb_build_object('said', labelling_erased_values(before->'said'))
        ELSE '{}'::jsonb END;
    RETURN coalesce(after = expected, false);
END $$;
"""

# The photos of a visit are kept as long as its label lasts; they then go with the other pieces of the file.
PIECE = """
CREATE OR REPLACE FUNCTION labelling_visit_piece() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.visit_id IS NULL OR (TG_OP = 'UPDATE' AND NEW.removed_at IS NOT DISTINCT FROM OLD.removed_at) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.removed_at IS NOT NULL AND EXISTS (
        SELECT FROM labelling_visit visit JOIN labelling_label label ON label.id = visit.label_id
            WHERE visit.id = NEW.visit_id
              AND (label.withdrawn_at IS NOT NULL OR upper(label.valid) <= (NEW.removed_at AT TIME ZONE 'UTC')::date)
    ) THEN
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
"""

# Once purged, a request for support stays so.
SUPPORT = """
CREATE FUNCTION labelling_support_purge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.purged_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'a purged request stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_support_purge_guard BEFORE UPDATE ON labelling_supportrequest
    FOR EACH ROW EXECUTE FUNCTION labelling_support_purge_guard();
"""
SUPPORT_BACK = """
DROP TRIGGER labelling_support_purge_guard ON labelling_supportrequest;
DROP FUNCTION labelling_support_purge_guard();
"""


def unless_redaction(table: str, trigger: str, function: str, *, others: str = "DELETE") -> migrations.RunSQL:
    """Let the redaction of a table through its guard, which keeps refusing all that it refused.

    ``others`` are the changes, beside updates, that the guard looks at.
    """
    name, rest = f"labelling_{table}", others.split()[0].lower()
    return migrations.RunSQL(
        f"""
        DROP TRIGGER {trigger} ON {name};
        CREATE TRIGGER {trigger} BEFORE UPDATE ON {name} FOR EACH ROW
            WHEN (NOT labelling_is_redaction('{table}', to_jsonb(OLD), to_jsonb(NEW))) EXECUTE FUNCTION {function}();
        CREATE TRIGGER {trigger}_{rest} BEFORE {others} ON {name} FOR EACH ROW EXECUTE FUNCTION {function}();
        """,
        f"""
        DROP TRIGGER {trigger}_{rest} ON {name};
        DROP TRIGGER {trigger} ON {name};
        CREATE TRIGGER {trigger} BEFORE UPDATE OR {others} ON {name} FOR EACH ROW EXECUTE FUNCTION {function}();
        """,
    )


INSERT_ONLY = ("nationaladvice", "closing", "attestation", "amendment", "alertsettlement", "supportmessage")
CATEGORIES = [
    ("draft", "brouillons laissés de côté"),
    ("evidence", "contenu des pièces des dossiers terminés"),
    ("file", "personnes nommées et textes écrits des dossiers terminés"),
    ("claim", "établissements décrits dont la demande a été écartée"),
    ("support", "demandes d’appui closes"),
    ("account", "comptes qui ne servent plus"),
    ("invitation", "adresses des invitations passées"),
    ("attempt", "essais de connexion"),
    ("mail", "courriels gardés sur disque"),
    ("reading", "journal des lectures"),
]


class Migration(migrations.Migration):
    dependencies = [("labelling", "0010_contested_suspensions")]

    operations = [
        migrations.RemoveConstraint("purge", "purge_category_known"),
        migrations.AlterField("purge", "category", models.CharField("catégorie", max_length=20, choices=CATEGORIES)),
        migrations.AddConstraint(
            "purge",
            models.CheckConstraint(
                condition=models.Q(("category__in", [value for value, _ in CATEGORIES])), name="purge_category_known"
            ),
        ),
        migrations.AddField(
            "supportrequest",
            "purged_at",
            models.DateTimeField(blank=True, null=True, verbose_name="textes effacés le"),
        ),
        migrations.AddConstraint(
            "supportrequest",
            models.CheckConstraint(
                condition=models.Q(("purged_at__isnull", True), ("state", "closed"), _connector="OR"),
                name="support_request_purged_once_closed",
            ),
        ),
        migrations.RunSQL(ERASED, ERASED_BACK),
        migrations.RunSQL(REDACTION, function_of(REDACTIONS.REDACTION, "labelling_is_redaction")),
        migrations.RunSQL(PIECE, function_of(FORMER.VISIT, "labelling_visit_piece")),
        migrations.RunSQL(SUPPORT, SUPPORT_BACK),
        *[
            unless_redaction(name, f"labelling_{name}_insert_only_row", f"labelling_{name}_insert_only")
            for name in INSERT_ONLY
        ],
        unless_redaction("reasonsrequest", "labelling_reasonsrequest_guard", "labelling_reasonsrequest_guard"),
        unless_redaction("concertation", "labelling_concertation_guard", "labelling_concertation_guard"),
        unless_redaction("visit", "labelling_visit_kept", "labelling_visit_kept"),
        unless_redaction("appeal", "labelling_appeal_guard", "labelling_appeal_guard", others="INSERT OR DELETE"),
        unless_redaction("visitfinding", "labelling_visit_finding_kept", "labelling_visit_finding_kept", others="INSERT OR DELETE"),
        unless_redaction("suspension", "labelling_suspension_guard", "labelling_suspension_guard", others="INSERT OR DELETE"),
    ]
