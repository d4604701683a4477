"""Questions to structures, versions of answers, and the triggers that keep both as they were."""

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only

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
CREATE TRIGGER labelling_request_guard BEFORE UPDATE OR DELETE ON labelling_informationrequest
    FOR EACH ROW EXECUTE FUNCTION labelling_request_guard();
"""
REQUEST_BACK = """
DROP TRIGGER labelling_request_guard ON labelling_informationrequest;
DROP FUNCTION labelling_request_guard();
"""
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
    FOR EACH ROW EXECUTE FUNCTION labelling_answers_guard();
"""
ANSWERS_BACK = """
DROP TRIGGER labelling_answers_guard ON labelling_application;
DROP FUNCTION labelling_answers_guard();
"""


class Migration(migrations.Migration):
    """Create the questions, the answers in preparation and the versions of answers."""

    dependencies = [("labelling", "0005_evidence")]

    operations = [
        migrations.CreateModel(
            name="AnswerDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("answers", models.JSONField(blank=True, default=dict, verbose_name="réponses")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answer_draft",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
            ],
            options={
                "verbose_name": "réponses en préparation",
                "verbose_name_plural": "réponses en préparation",
            },
        ),
        migrations.CreateModel(
            name="AnswerRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(verbose_name="rang")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reply", "réponse à une demande de précisions"),
                            ("correction", "correction par un agent"),
                        ],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("answers", models.JSONField(blank=True, default=dict, verbose_name="réponses avant")),
                ("reason", models.TextField(blank=True, verbose_name="motif")),
                (
                    "actor_type",
                    models.CharField(
                        choices=[
                            ("mandate", "habilitation"),
                            ("membership", "compte de structure"),
                            ("system", "portail"),
                        ],
                        max_length=20,
                        verbose_name="par",
                    ),
                ),
                ("actor_id", models.BigIntegerField(verbose_name="identifiant de l’acteur")),
                ("at", models.DateTimeField(verbose_name="le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
            ],
            options={
                "verbose_name": "version des réponses",
                "verbose_name_plural": "versions des réponses",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["reply", "correction"])), name="revision_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("actor_type__in", ["mandate", "membership", "system"])),
                        name="revision_actor_known",
                    ),
                    models.UniqueConstraint(fields=("application", "number"), name="revision_number_unique"),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="revision_number_from_one"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "correction"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="revision_correction_reasoned",
                        violation_error_message="Une correction demande un motif.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="InformationRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité",
                    ),
                ),
                ("question", models.TextField(verbose_name="question")),
                (
                    "required",
                    models.BooleanField(default=False, verbose_name="pièce ou information exigée par les textes"),
                ),
                ("prepared_at", models.DateTimeField(verbose_name="préparée le")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="envoyée le")),
                ("deadline", models.DateField(blank=True, null=True, verbose_name="réponse attendue avant le")),
                ("notified_at", models.DateTimeField(blank=True, null=True, verbose_name="lue par la structure le")),
                ("reminded_at", models.DateTimeField(blank=True, null=True, verbose_name="rappelée le")),
                ("reply", models.TextField(blank=True, verbose_name="réponse")),
                ("ready_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse prête le")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="répondue le")),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse lue par l’autorité le")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="close le")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="répondue par",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="retirée par",
                    ),
                ),
                (
                    "criterion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.criterion",
                        verbose_name="critère",
                    ),
                ),
                (
                    "prepared_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="préparée par",
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="envoyée par",
                    ),
                ),
            ],
            options={
                "verbose_name": "demande de précision",
                "verbose_name_plural": "demandes de précision",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("answered_at__isnull", True), ("closed_at__isnull", True), ("sent_at__isnull", False)
                        ),
                        fields=["deadline"],
                        name="request_due",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="request_capacity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("question", ""), _negated=True), name="request_asks_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sent_at__isnull", True), ("sent_by__isnull", True)),
                            models.Q(("sent_at__isnull", False), ("sent_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_sent_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deadline__isnull", True), ("sent_at__isnull", True)),
                            models.Q(("deadline__isnull", False), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_sent_has_deadline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_answered_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("notified_at__isnull", True),
                            models.Q(("notified_at__gte", models.F("sent_at")), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_notified_after_sent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("answered_at__isnull", True),
                            models.Q(
                                ("answered_at__gte", models.F("notified_at")),
                                ("notified_at__isnull", False),
                                ("ready_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="request_answered_after_notified",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            models.Q(("answered_at__isnull", True), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="request_closed_unanswered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closed_by__isnull", True), ("closed_at__isnull", False), _connector="OR"),
                        name="request_withdrawn_is_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("read_at__isnull", True), ("answered_at__isnull", False), _connector="OR"),
                        name="request_read_once_answered",
                    ),
                ],
            },
        ),
        migrations.RunSQL(REQUEST, REQUEST_BACK),
        migrations.RunSQL(*insert_only("labelling_answerrevision")),
        migrations.RunSQL(ANSWERS, ANSWERS_BACK),
    ]
