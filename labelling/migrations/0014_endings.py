"""How a label ends before its term: the grounds that the law gives, the adversarial step, the ending itself."""

from datetime import date

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.postgresql.psycopg_any import DateRange


CODE = "code des relations entre le public et l’administration"
GROUNDS = [
    {
        "code": "condition-non-remplie",
        "title": "Une condition n’est plus remplie",
        "act": "abrogate",
        "months": None,
        "adversarial": True,
        "articles": "L. 242-2, 1°",
        "reason": "qu’une décision créatrice de droits dont le maintien est subordonné à une condition qui n’est plus remplie "
        f"peut être abrogée, sans condition de délai, en vertu de l’article L. 242-2 du {CODE}",
        "help_text": "La structure remplissait les critères, elle ne les remplit plus. L’abrogation vaut pour l’avenir.",
    },
    {
        "code": "illegalite-abrogation",
        "title": "Le label a été accordé à tort (fin pour l’avenir)",
        "act": "abrogate",
        "months": 4,
        "adversarial": True,
        "articles": "L. 242-1",
        "reason": "qu’une décision créatrice de droits illégale peut être abrogée dans les quatre mois qui suivent son "
        f"adoption, en vertu de l’article L. 242-1 du {CODE}",
        "help_text": "Un critère n’était pas rempli le jour de l’octroi. L’acte se signe dans les quatre mois de l’octroi.",
    },
    {
        "code": "illegalite-retrait",
        "title": "Le label a été accordé à tort (retrait depuis l’origine)",
        "act": "withdraw",
        "months": 4,
        "adversarial": True,
        "articles": "L. 242-1",
        "reason": "qu’une décision créatrice de droits illégale peut être retirée dans les quatre mois qui suivent son "
        f"adoption, en vertu de l’article L. 242-1 du {CODE}",
        "help_text": "Un critère n’était pas rempli le jour de l’octroi, et le label est annulé depuis l’origine. L’acte se "
        "signe dans les quatre mois de l’octroi.",
    },
    {
        "code": "fraude",
        "title": "Le label a été obtenu par fraude",
        "act": "withdraw",
        "months": None,
        "adversarial": True,
        "articles": "L. 241-2",
        "reason": "qu’un acte obtenu par fraude peut à tout moment être retiré, en vertu de l’article L. 241-2 du "
        f"{CODE}",
        "help_text": "La structure a trompé sciemment l’administration. Le label est annulé depuis l’origine, sans délai.",
    },
    {
        "code": "demande-du-titulaire",
        "title": "La structure demande la fin de son label",
        "act": "abrogate",
        "months": None,
        "adversarial": False,
        "articles": "L. 121-1 et L. 242-4",
        "reason": "que l’administration peut, à la demande de son bénéficiaire et sans condition de délai, abroger une "
        f"décision créatrice de droits, en vertu de l’article L. 242-4 du {CODE}",
        "help_text": "La structure l’a demandé par écrit : il est statué sur sa demande, sans procédure contradictoire.",
    },
]


def add_grounds(apps, schema_editor):
    """Ship the grounds of the code, each with its article."""
    ground = apps.get_model("labelling", "EndingGround")
    for position, row in enumerate(GROUNDS, start=1):
        ground.objects.create(position=position, valid=DateRange(date(2025, 10, 1), None), **row)


def remove_grounds(apps, schema_editor):
    """Forget the shipped grounds."""
    codes = [row["code"] for row in GROUNDS]
    apps.get_model("labelling", "EndingGround").objects.filter(code__in=codes).delete()


GUARD = """
CREATE FUNCTION labelling_ending_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    because labelling_endingground%ROWTYPE;
BEGIN
    SELECT * INTO because FROM labelling_endingground WHERE id = NEW.ground_id;
    IF because.adversarial AND NOT EXISTS (
        SELECT FROM labelling_adversarialprocedure
            WHERE id = NEW.procedure_id AND label_id = NEW.label_id AND ground_id = NEW.ground_id
    ) THEN
        RAISE EXCEPTION 'this ground asks that the structure be heard first'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.signed_date IS NOT NULL AND NOT EXISTS (
        SELECT FROM territories_decision
            WHERE id = NEW.decision_id AND state = 'signed' AND subject_type = 'label' AND subject_id = NEW.label_id
              AND kind = CASE because.act WHEN 'withdraw' THEN 'label_withdrawn' ELSE 'label_abrogated' END
    ) THEN
        RAISE EXCEPTION 'the end of a label needs a decision signed by every required capacity'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_ending_guard BEFORE INSERT OR UPDATE ON labelling_ending
    FOR EACH ROW EXECUTE FUNCTION labelling_ending_guard();
"""
GUARD_BACK = """
DROP TRIGGER labelling_ending_guard ON labelling_ending;
DROP FUNCTION labelling_ending_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0013_registers"),
        ("territories", "0006_ending_decisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndingGround",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("position", models.PositiveSmallIntegerField(verbose_name="rang")),
                ("title", models.CharField(max_length=150, verbose_name="intitulé")),
                (
                    "act",
                    models.CharField(
                        choices=[("abrogate", "abrogation"), ("withdraw", "retrait")],
                        max_length=20,
                        verbose_name="acte",
                    ),
                ),
                (
                    "months",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="délai, en mois après l’octroi"
                    ),
                ),
                ("adversarial", models.BooleanField(default=True, verbose_name="procédure contradictoire")),
                ("articles", models.CharField(max_length=200, verbose_name="articles visés")),
                ("reason", models.TextField(verbose_name="motif de droit")),
                ("help_text", models.TextField(verbose_name="quand l’employer")),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField(verbose_name="applicable")),
            ],
            options={
                "verbose_name": "motif de fin de label",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("act__in", ["abrogate", "withdraw"])), name="ending_ground_act_known"
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("code", "="), ("valid", "&&")], name="ending_ground_one_at_a_time"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdversarialProcedure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("facts", models.TextField(verbose_name="faits")),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="fin envisagée le")),
                ("letter", models.TextField(verbose_name="lettre")),
                ("deadline", models.DateField(verbose_name="réponse attendue jusqu’au")),
                ("opened_at", models.DateTimeField(verbose_name="ouverte le")),
                ("answer", models.TextField(blank=True, verbose_name="observations de la structure")),
                ("hearing_asked", models.BooleanField(default=False, verbose_name="demande à être entendue")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="observations reçues le")),
                ("heard_date", models.DateField(blank=True, null=True, verbose_name="entendue le")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="close le")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="observations de",
                    ),
                ),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="procedures",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="ouverte par",
                    ),
                ),
                (
                    "ground",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.endingground",
                        verbose_name="motif",
                    ),
                ),
            ],
            options={
                "verbose_name": "procédure contradictoire",
                "verbose_name_plural": "procédures contradictoires",
            },
        ),
        migrations.CreateModel(
            name="Ending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("effect_date", models.DateField(blank=True, null=True, verbose_name="fin le")),
                ("limit_date", models.DateField(blank=True, null=True, verbose_name="à signer jusqu’au")),
                ("signed_date", models.DateField(blank=True, null=True, verbose_name="signée le")),
                ("dropped_at", models.DateTimeField(blank=True, null=True, verbose_name="abandonnée le")),
                ("applied_at", models.DateTimeField(blank=True, null=True, verbose_name="a pris effet le")),
                (
                    "was_valid",
                    django.contrib.postgres.fields.ranges.DateRangeField(
                        blank=True, null=True, verbose_name="validité jusque-là"
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision",
                    ),
                ),
                (
                    "label",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endings",
                        to="labelling.label",
                        verbose_name="label",
                    ),
                ),
                (
                    "procedure",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endings",
                        to="labelling.adversarialprocedure",
                        verbose_name="procédure",
                    ),
                ),
                (
                    "ground",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.endingground",
                        verbose_name="motif",
                    ),
                ),
            ],
            options={
                "verbose_name": "fin de label",
                "verbose_name_plural": "fins de label",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_date__isnull", True),
                            ("signed_date__isnull", True),
                            ("signed_date__lte", models.F("limit_date")),
                            _connector="OR",
                        ),
                        name="ending_signed_within_its_limit",
                        violation_error_message="Le délai de ce motif est passé.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("applied_at__isnull", True), ("signed_date__isnull", False), _connector="OR"
                        ),
                        name="ending_applied_once_signed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("applied_at__isnull", True), ("was_valid__isnull", True)),
                            models.Q(("applied_at__isnull", False), ("was_valid__isnull", False)),
                            _connector="OR",
                        ),
                        name="ending_keeps_what_was_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("dropped_at__isnull", True), ("signed_date__isnull", True), _connector="OR"
                        ),
                        name="ending_signed_is_not_dropped",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("applied_at__isnull", True), ("dropped_at__isnull", True)),
                        fields=("label",),
                        name="ending_one_pending_per_label",
                        violation_error_message="Une fin de ce label est déjà présentée ou signée.",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="adversarialprocedure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                    models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                    _connector="OR",
                ),
                name="procedure_answer_has_author",
            ),
        ),
        migrations.AddConstraint(
            model_name="adversarialprocedure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("answered_at__isnull", False), models.Q(("answer", ""), ("hearing_asked", False)), _connector="OR"
                ),
                name="procedure_answer_is_dated",
            ),
        ),
        migrations.AddConstraint(
            model_name="adversarialprocedure",
            constraint=models.CheckConstraint(
                condition=models.Q(("facts", ""), _negated=True), name="procedure_states_facts"
            ),
        ),
        migrations.AddConstraint(
            model_name="adversarialprocedure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)),
                fields=("label",),
                name="procedure_one_open_per_label",
                violation_error_message="Une procédure contradictoire est déjà ouverte pour ce label.",
            ),
        ),
        migrations.RunSQL(GUARD, GUARD_BACK),
        migrations.RunPython(add_grounds, remove_grounds),
    ]
