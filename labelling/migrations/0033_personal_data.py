"""A piece whose images show personal data is put aside, as one in which the antivirus found something."""

from django.db import migrations, models

GUARD = """
CREATE OR REPLACE FUNCTION labelling_evidence_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL OR OLD.scan IN ({set_aside})
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
"""
SCANS = [
    ("not_scanned", "sans analyse antivirus"),
    ("waiting", "en cours d’analyse"),
    ("clean", "analysée, rien trouvé"),
    ("infected", "écartée par l’antivirus"),
    ("personal", "écartée : données personnelles"),
]
ASIDE = models.Q(scan__in=["infected", "personal"])


class Migration(migrations.Migration):
    """Let a piece be put aside for personal data."""

    dependencies = [("labelling", "0032_declared_supply")]
    operations = [
        migrations.AlterField("evidence", "scan", models.CharField("antivirus", max_length=20, choices=SCANS)),
        migrations.RemoveConstraint("evidence", "evidence_scan_known"),
        migrations.RemoveConstraint("evidence", "evidence_bytes_iff_kept"),
        migrations.AddConstraint(
            "evidence",
            models.CheckConstraint(
                condition=models.Q(scan__in=[value for value, _ in SCANS]), name="evidence_scan_known"
            ),
        ),
        migrations.AddConstraint(
            "evidence",
            models.CheckConstraint(
                condition=(models.Q(removed_at__isnull=True) & ~ASIDE & ~models.Q(file=""))
                | ((models.Q(removed_at__isnull=False) | ASIDE) & models.Q(file="")),
                name="evidence_bytes_iff_kept",
            ),
        ),
        migrations.RunSQL(
            GUARD.format(set_aside="'infected', 'personal'"), GUARD.format(set_aside="'infected'")
        ),
    ]
