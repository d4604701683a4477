"""A selection of decisions signed with one code: what was shown is written down, and only that is signed."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

OUTCOME = """
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
OUTCOME_BACK = """
DROP TRIGGER territories_signatureoutcome_guard ON territories_signatureoutcome;
DROP FUNCTION territories_signatureoutcome_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("territories", "0009_invitation_cancelled")]

    operations = [
        migrations.CreateModel(
            name="SignatureRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True, verbose_name="clé de la page qui l’a lancé")),
                ("created_at", models.DateTimeField(verbose_name="lancé le")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="terminé le")),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="par",
                    ),
                ),
            ],
            options={"verbose_name": "sélection signée"},
        ),
        migrations.CreateModel(
            name="SignatureOutcome",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "result",
                    models.CharField(
                        choices=[("waiting", "à faire"), ("done", "fait"), ("not_done", "non fait")],
                        default="waiting",
                        max_length=20,
                        verbose_name="issue",
                    ),
                ),
                ("sentence", models.CharField(blank=True, max_length=500, verbose_name="motif")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="le")),
                ("content_hash", models.CharField(max_length=64, verbose_name="empreinte montrée")),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="territories.signaturerun",
                        verbose_name="sélection",
                    ),
                ),
            ],
            options={"verbose_name": "issue d’une signature"},
        ),
        migrations.AddConstraint(
            model_name="signatureoutcome",
            constraint=models.CheckConstraint(
                condition=Q(("result__in", ["waiting", "done", "not_done"])), name="signature_outcome_result_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="signatureoutcome",
            constraint=models.CheckConstraint(
                condition=(Q(("result__in", ["done", "not_done"])) & Q(("done_at__isnull", False)))
                | (~Q(("result__in", ["done", "not_done"])) & ~Q(("done_at__isnull", False))),
                name="signature_outcome_done_at_iff_handled",
            ),
        ),
        migrations.AddConstraint(
            model_name="signatureoutcome",
            constraint=models.CheckConstraint(
                condition=(Q(("result", "not_done")) & ~Q(("sentence", "")))
                | (~Q(("result", "not_done")) & Q(("sentence", ""))),
                name="signature_outcome_reason_iff_not_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="signatureoutcome",
            constraint=models.UniqueConstraint(fields=("run", "decision"), name="signature_outcome_once_per_decision"),
        ),
        migrations.RunSQL(OUTCOME, OUTCOME_BACK),
    ]
