"""Appeals against a silence and against the end of a label; the reasons of a silence; answers that are signed.

What was settled stays so. An answer that one authority had written and the other had not held yet becomes a draft, to be
presented to signature.
"""

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models

APPEAL = """
DROP TRIGGER labelling_appeal_guard ON labelling_appeal;
CREATE OR REPLACE FUNCTION labelling_appeal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (
        TG_OP = 'DELETE' OR OLD.settled_at IS NOT NULL
        OR (NEW.application_id, NEW.decision_id, NEW.silence_date, NEW.ending_id, NEW.kind, NEW.received_date,
            NEW.deadline, NEW.court, NEW.docket, NEW.text, NEW.membership_id, NEW.mandate_id, NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.decision_id, OLD.silence_date, OLD.ending_id, OLD.kind, OLD.received_date,
            OLD.deadline, OLD.court, OLD.docket, OLD.text, OLD.membership_id, OLD.mandate_id, OLD.recorded_at)
    ) THEN
        RAISE EXCEPTION 'an appeal stays as it was lodged, and as it was settled'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.ending_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM labelling_ending WHERE id = NEW.ending_id AND decision_id = NEW.decision_id
    ) THEN
        RAISE EXCEPTION 'an appeal against an ending is against its act' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.settled_at IS NOT NULL AND NEW.kind = 'gracieux' AND NEW.outcome <> 'no_object' AND NOT EXISTS (
        SELECT FROM territories_decision
            WHERE id = NEW.answer_decision_id AND state = 'signed' AND subject_type = 'appeal' AND subject_id = NEW.id
              AND kind = 'appeal_' || NEW.outcome
    ) THEN
        RAISE EXCEPTION 'an appeal to the signatories is settled by an answer that every required capacity signed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_appeal_guard BEFORE INSERT OR UPDATE OR DELETE ON labelling_appeal
    FOR EACH ROW EXECUTE FUNCTION labelling_appeal_guard();
"""
APPEAL_BACK = """
DROP TRIGGER labelling_appeal_guard ON labelling_appeal;
CREATE OR REPLACE FUNCTION labelling_appeal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.settled_at IS NOT NULL
        OR (NEW.application_id, NEW.decision_id, NEW.kind, NEW.received_date, NEW.deadline, NEW.court, NEW.docket,
            NEW.text, NEW.membership_id, NEW.mandate_id, NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.decision_id, OLD.kind, OLD.received_date, OLD.deadline, OLD.court, OLD.docket,
            OLD.text, OLD.membership_id, OLD.mandate_id, OLD.recorded_at)
    THEN
        RAISE EXCEPTION 'an appeal stays as it was lodged, and as it was settled'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_appeal_guard BEFORE UPDATE OR DELETE ON labelling_appeal
    FOR EACH ROW EXECUTE FUNCTION labelling_appeal_guard();
"""
REASONS = """
CREATE FUNCTION labelling_reasonsrequest_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.communicated_date IS NOT NULL OR OLD.set_aside_at IS NOT NULL
        OR (NEW.application_id, NEW.silence_date, NEW.received_date, NEW.deadline, NEW.membership_id, NEW.mandate_id,
            NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.silence_date, OLD.received_date, OLD.deadline, OLD.membership_id, OLD.mandate_id,
            OLD.recorded_at)
        OR (OLD.answered_at IS NOT NULL AND (NEW.reasons, NEW.answered_by_id, NEW.answered_at)
            IS DISTINCT FROM (OLD.reasons, OLD.answered_by_id, OLD.answered_at))
    THEN
        RAISE EXCEPTION 'reasons stay as they were asked for, and as they were given'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_reasonsrequest_guard BEFORE UPDATE OR DELETE ON labelling_reasonsrequest
    FOR EACH ROW EXECUTE FUNCTION labelling_reasonsrequest_guard();
"""
REASONS_BACK = """
DROP TRIGGER labelling_reasonsrequest_guard ON labelling_reasonsrequest;
DROP FUNCTION labelling_reasonsrequest_guard();
"""
UNDOING = """
CREATE FUNCTION labelling_ending_undoing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.undone_at IS NOT NULL AND (NEW.undone_at, NEW.ended_valid) IS DISTINCT FROM (OLD.undone_at, OLD.ended_valid) THEN
        RAISE EXCEPTION 'an ending that was undone stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.undone_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM labelling_appeal WHERE ending_id = NEW.id AND outcome = 'accepted' AND settled_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'an ending is undone by an appeal that was accepted' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_ending_undoing_guard BEFORE UPDATE ON labelling_ending
    FOR EACH ROW EXECUTE FUNCTION labelling_ending_undoing_guard();
"""
UNDOING_BACK = """
DROP TRIGGER labelling_ending_undoing_guard ON labelling_ending;
DROP FUNCTION labelling_ending_undoing_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0018_visits"),
        ("territories", "0012_appeal_decisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReasonsRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("silence_date", models.DateField(verbose_name="rejet implicite né le")),
                ("received_date", models.DateField(verbose_name="reçue le")),
                ("deadline", models.DateField(verbose_name="dernier jour du délai de recours")),
                ("recorded_at", models.DateTimeField(verbose_name="enregistrée le")),
                ("reasons", models.TextField(blank=True, verbose_name="motifs")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="motifs donnés le")),
                ("communicated_date", models.DateField(blank=True, null=True, verbose_name="motifs communiqués le")),
                ("set_aside_at", models.DateTimeField(blank=True, null=True, verbose_name="sans objet le")),
            ],
            options={
                "verbose_name": "demande de motifs",
                "verbose_name_plural": "demandes de motifs",
            },
        ),
        migrations.RemoveConstraint(
            model_name="appeal",
            name="appeal_answer_whole",
        ),
        migrations.RemoveConstraint(
            model_name="appeal",
            name="appeal_settled_by_someone",
        ),
        migrations.RemoveConstraint(
            model_name="appeal",
            name="appeal_court_iff_contentieux",
        ),
        migrations.RemoveConstraint(
            model_name="decisiontemplate",
            name="decision_template_kind_known",
        ),
        migrations.RemoveConstraint(
            model_name="decisiontemplate",
            name="decision_template_whole",
        ),
        migrations.AddField(
            model_name="appeal",
            name="answer_decision",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="territories.decision",
                verbose_name="acte de réponse",
            ),
        ),
        migrations.AddField(
            model_name="appeal",
            name="ending",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="appeals",
                to="labelling.ending",
                verbose_name="fin de label contestée",
            ),
        ),
        migrations.AddField(
            model_name="appeal",
            name="silence_date",
            field=models.DateField(blank=True, null=True, verbose_name="rejet implicite né le"),
        ),
        migrations.AddField(
            model_name="ending",
            name="ended_valid",
            field=django.contrib.postgres.fields.ranges.DateRangeField(
                blank=True, null=True, verbose_name="validité entre-temps"
            ),
        ),
        migrations.AddField(
            model_name="ending",
            name="undone_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="annulée le"),
        ),
        migrations.AlterField(
            model_name="appeal",
            name="decision",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.decision",
                verbose_name="décision contestée",
            ),
        ),
        migrations.AlterField(
            model_name="appeal",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[("rejected", "rejeté"), ("accepted", "accueilli"), ("no_object", "sans objet")],
                max_length=20,
                verbose_name="issue",
            ),
        ),
        migrations.AlterField(
            model_name="decisiontemplate",
            name="criterion_reason",
            field=models.CharField(blank=True, max_length=500, verbose_name="motif de chaque critère"),
        ),
        migrations.AlterField(
            model_name="decisiontemplate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("label_granted", "attribution du label"),
                    ("label_refused", "refus du label"),
                    ("label_refused_alone", "refus exprès d’une seule autorité"),
                    ("appeal_rejected", "rejet d’un recours gracieux"),
                    ("appeal_accepted", "recours gracieux accueilli"),
                ],
                max_length=30,
                verbose_name="décision",
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision__isnull", False), ("silence_date__isnull", True)),
                    models.Q(("decision__isnull", True), ("ending__isnull", True), ("silence_date__isnull", False)),
                    _connector="OR",
                ),
                name="appeal_against_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("outcome__in", ["", "no_object"]),
                        ("answer", ""),
                        ("answered_by__isnull", True),
                        ("answered_capacity", ""),
                    ),
                    models.Q(
                        ("outcome__in", ["rejected", "accepted", "no_object"]),
                        ("answered_by__isnull", False),
                        ("answered_capacity__in", ["ars", "prefet"]),
                        models.Q(("answer", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="appeal_answer_whole",
                violation_error_message="La réponse à un recours dit son issue et ses motifs.",
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(("settled_by__isnull", True), ("settled_at__isnull", False), _connector="OR"),
                name="appeal_settled_by_someone",
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("court", ""), ("docket", ""), ("kind", "gracieux")),
                    models.Q(
                        ("answer_decision__isnull", True),
                        ("kind", "contentieux"),
                        models.Q(("court", ""), _negated=True),
                        models.Q(("docket", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="appeal_court_iff_contentieux",
                violation_error_message="Un recours contentieux dit sa juridiction et son numéro.",
            ),
        ),
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("settled_at__isnull", True), ("silence_date__isnull", False)),
                fields=("application", "silence_date", "kind"),
                name="appeal_one_pending_against_silence",
                violation_error_message="Un recours de cette nature est déjà en cours contre ce rejet implicite.",
            ),
        ),
        migrations.AddConstraint(
            model_name="decisiontemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["label_granted", "label_refused", "label_refused_alone", "appeal_rejected", "appeal_accepted"],
                    )
                ),
                name="decision_template_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="decisiontemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("title", ""), _negated=True),
                    models.Q(("visas", ""), _negated=True),
                    models.Q(
                        models.Q(("criterion_reason", ""), _negated=True),
                        ("kind__in", ["appeal_rejected", "appeal_accepted"]),
                        _connector="OR",
                    ),
                    models.Q(("reasons", ""), _negated=True),
                    models.Q(("articles", ""), _negated=True),
                    models.Q(("closing_articles", ""), _negated=True),
                ),
                name="decision_template_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="ending",
            constraint=models.CheckConstraint(
                condition=models.Q(("undone_at__isnull", True), ("applied_at__isnull", False), _connector="OR"),
                name="ending_undone_once_applied",
            ),
        ),
        migrations.AddConstraint(
            model_name="ending",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_valid__isnull", True), ("undone_at__isnull", False), _connector="OR"),
                name="ending_ended_valid_once_undone",
            ),
        ),
        migrations.AddField(
            model_name="reasonsrequest",
            name="answered_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.mandate",
                verbose_name="motifs donnés par",
            ),
        ),
        migrations.AddField(
            model_name="reasonsrequest",
            name="application",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reasons_requests",
                to="labelling.application",
                verbose_name="candidature",
            ),
        ),
        migrations.AddField(
            model_name="reasonsrequest",
            name="mandate",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="territories.mandate",
                verbose_name="enregistrée par",
            ),
        ),
        migrations.AddField(
            model_name="reasonsrequest",
            name="membership",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="labelling.membership",
                verbose_name="demandés par",
            ),
        ),
        migrations.AddConstraint(
            model_name="reasonsrequest",
            constraint=models.UniqueConstraint(
                fields=("application", "silence_date"),
                name="reasons_request_once_per_silence",
                violation_error_message="Les motifs de ce rejet sont déjà demandés.",
            ),
        ),
        migrations.AddConstraint(
            model_name="reasonsrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                    models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                    _connector="OR",
                ),
                name="reasons_request_entered_by_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="reasonsrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", True), ("answered_by__isnull", True), ("reasons", "")),
                    models.Q(
                        ("answered_at__isnull", False),
                        ("answered_by__isnull", False),
                        models.Q(("reasons", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="reasons_request_answer_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="reasonsrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("communicated_date__isnull", True), ("answered_at__isnull", False), _connector="OR"
                ),
                name="reasons_request_communicated_once_given",
            ),
        ),
        migrations.AddConstraint(
            model_name="reasonsrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("communicated_date__isnull", True), ("set_aside_at__isnull", True), _connector="OR"
                ),
                name="reasons_request_communicated_or_set_aside",
            ),
        ),
        migrations.RunSQL(APPEAL, APPEAL_BACK),
        migrations.RunSQL(REASONS, REASONS_BACK),
        migrations.RunSQL(UNDOING, UNDOING_BACK),
    ]
