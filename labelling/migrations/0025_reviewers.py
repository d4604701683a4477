"""Each authority has its own instructor of a file; who held it until now holds it for the authority of their mandate."""

import django.db.models.deletion
from django.db import migrations, models

MOVE = """
UPDATE labelling_application AS file SET
    ars_reviewer_id = CASE WHEN authority.kind = 'ars' THEN mandate.id END,
    prefecture_reviewer_id = CASE WHEN authority.kind = 'prefecture' THEN mandate.id END
FROM territories_mandate AS mandate JOIN territories_authority AS authority ON authority.id = mandate.authority_id
WHERE mandate.id = file.assigned_to_id;
"""
BACK = """
UPDATE labelling_application SET assigned_to_id = COALESCE(
    CASE lead WHEN 'ars' THEN ars_reviewer_id ELSE prefecture_reviewer_id END, ars_reviewer_id, prefecture_reviewer_id
);
"""
# A file is never in the hands of another authority, nor of somebody who may not instruct.
GUARD = """
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
GUARD_BACK = """
DROP TRIGGER labelling_reviewers_guard ON labelling_application;
DROP FUNCTION labelling_reviewers_guard();
"""


def reviewer(of: str) -> models.ForeignKey:
    """Return the field of who instructs a file for an authority."""
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="territories.mandate",
        verbose_name=f"instruite à {of} par",
    )


class Migration(migrations.Migration):
    dependencies = [("labelling", "0024_points"), ("territories", "0008_network_subjects")]

    operations = [
        migrations.AddField("application", "ars_reviewer", reviewer("l’ARS")),
        migrations.AddField("application", "prefecture_reviewer", reviewer("la préfecture")),
        migrations.RunSQL(MOVE, BACK),
        migrations.RemoveField("application", "assigned_to"),
        migrations.RunSQL(GUARD, GUARD_BACK),
    ]
