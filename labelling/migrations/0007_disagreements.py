"""Disagreements, closings, appeals and the texts of decisions: what was written stays as it was written."""

from datetime import UTC, date, datetime

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only

CONCERTATION = """
CREATE FUNCTION labelling_concertation_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL OR OLD.set_aside_at IS NOT NULL
        OR (NEW.application_id, NEW.decision_id, NEW.held_date, NEW.participants, NEW.text, NEW.outcome,
            NEW.recorded_by_id, NEW.recorded_capacity, NEW.recorded_at)
           IS DISTINCT FROM
           (OLD.application_id, OLD.decision_id, OLD.held_date, OLD.participants, OLD.text, OLD.outcome,
            OLD.recorded_by_id, OLD.recorded_capacity, OLD.recorded_at)
    THEN
        RAISE EXCEPTION 'the record of a concertation stays as it was written'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_concertation_guard BEFORE UPDATE OR DELETE ON labelling_concertation
    FOR EACH ROW EXECUTE FUNCTION labelling_concertation_guard();
"""
CONCERTATION_BACK = """
DROP TRIGGER labelling_concertation_guard ON labelling_concertation;
DROP FUNCTION labelling_concertation_guard();
"""
APPEAL = """
CREATE FUNCTION labelling_appeal_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
APPEAL_BACK = """
DROP TRIGGER labelling_appeal_guard ON labelling_appeal;
DROP FUNCTION labelling_appeal_guard();
"""


TEMPLATE = """
CREATE FUNCTION labelling_decisiontemplate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'a published template never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER labelling_decisiontemplate_guard BEFORE UPDATE OR DELETE ON labelling_decisiontemplate
    FOR EACH ROW EXECUTE FUNCTION labelling_decisiontemplate_guard();
"""
TEMPLATE_BACK = """
DROP TRIGGER labelling_decisiontemplate_guard ON labelling_decisiontemplate;
DROP FUNCTION labelling_decisiontemplate_guard();
"""

VISAS = """Vu le code de la santé publique ;
Vu le code des relations entre le public et l’administration, notamment ses articles L. 211-2 et L. 212-1 ;
Vu la {loi}, notamment son article 63 ;
Vu le cahier des charges du label France Santé, version {cahier_version}{cahier_publication} ;
Vu la demande n° {dossier_numero} présentée pour {structure}, reçue le {dossier_recu_le} ;"""
CRITERION = "Considérant que le critère {critere_numero} (« {critere_titre} ») {critere_constat} ;"
NOT_MET = (
    "Considérant que {criteres_non_remplis} du cahier des charges {cahier_version} {ne_sont_pas_remplis} à ce jour ;"
)
NOT_GRANTED = """Le label France Santé n’est pas accordé à {structure_complete}.
Cette décision porte sur un socle de services à une date donnée, non sur la qualité des soins. Une nouvelle demande peut être présentée à tout moment."""
CLOSING = """Le présent arrêté est notifié à la structure. Dans les deux mois suivant cette notification, il peut faire l’objet d’un recours gracieux adressé aux signataires ou d’un recours devant {juridiction}, notamment par Télérecours citoyens (www.telerecours.fr). Un recours gracieux formé dans ce délai le prolonge.
Les services de l’agence régionale de santé et de la préfecture sont chargés, chacun en ce qui le concerne, de l’exécution du présent arrêté, qui est publié au recueil des actes administratifs."""

TEXTS = {
    "label_granted": {
        "title": "Arrêté conjoint portant attribution du label France Santé : {structure}",
        "visas": VISAS,
        "reasons": "Considérant que la structure remplit ainsi les critères du cahier des charges {cahier_version} et a "
        "souscrit ses engagements ;",
        "articles": """Le label France Santé est accordé à {structure_complete}.
Il prend effet à la date du présent arrêté, qui est celle de la dernière signature, pour une durée de {duree}.
La structure tient les engagements qu’elle a souscrits : {engagements}. Elle signale sans délai tout changement qui touche un critère.""",
        "closing_articles": CLOSING,
    },
    "label_refused": {
        "title": "Arrêté conjoint portant refus du label France Santé : {structure}",
        "visas": VISAS,
        "reasons": NOT_MET,
        "articles": NOT_GRANTED,
        "closing_articles": CLOSING,
    },
    "label_refused_alone": {
        "title": "Arrêté portant refus du label France Santé : {structure}",
        "visas": f"{VISAS}\nVu la concertation tenue le {{concertation_le}} entre les deux autorités ;",
        "reasons": f"{NOT_MET}\nConsidérant que le label est accordé conjointement par le directeur général de l’agence "
        "régionale de santé et par le préfet de département ; que leur désaccord demeure après la concertation ;",
        "articles": NOT_GRANTED,
        "closing_articles": CLOSING.replace("adressé aux signataires", "adressé au signataire"),
    },
}


def add_templates(apps, schema_editor):
    """Ship the first text of each decision."""
    template = apps.get_model("labelling", "DecisionTemplate")
    for kind, parts in TEXTS.items():
        template.objects.create(
            kind=kind,
            version=1,
            criterion_reason=CRITERION,
            valid_from=date(2025, 10, 1),
            published_at=datetime(2025, 10, 1, tzinfo=UTC),
            **parts,
        )


class Migration(migrations.Migration):
    dependencies = [("labelling", "0006_requests"), ("territories", "0004_calendar_subjects")]

    operations = [
        migrations.CreateModel(
            name="Appeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("gracieux", "recours gracieux"), ("contentieux", "recours contentieux")],
                        max_length=20,
                        verbose_name="nature",
                    ),
                ),
                ("received_date", models.DateField(verbose_name="reçu le")),
                ("deadline", models.DateField(blank=True, null=True, verbose_name="dernier jour du délai")),
                ("court", models.CharField(blank=True, max_length=120, verbose_name="juridiction")),
                ("docket", models.CharField(blank=True, max_length=40, verbose_name="numéro de la requête")),
                ("text", models.TextField(verbose_name="ce que dit le recours")),
                ("recorded_at", models.DateTimeField(verbose_name="enregistré le")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("rejected", "rejeté"), ("accepted", "accueilli")],
                        max_length=20,
                        verbose_name="issue",
                    ),
                ),
                ("answer", models.TextField(blank=True, verbose_name="réponse motivée")),
                (
                    "answered_capacity",
                    models.CharField(
                        blank=True,
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="autorité qui a écrit la réponse",
                    ),
                ),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse écrite le")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="réponse arrêtée le")),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="réponse écrite par",
                    ),
                ),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision contestée",
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="enregistré par",
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="labelling.membership",
                        verbose_name="formé par",
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="réponse arrêtée par",
                    ),
                ),
            ],
            options={
                "verbose_name": "recours",
                "verbose_name_plural": "recours",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer", ""),
                                ("answered_by__isnull", True),
                                ("answered_capacity", ""),
                                ("outcome", ""),
                            ),
                            models.Q(
                                ("answered_capacity__in", ["ars", "prefet"]),
                                ("outcome__in", ["rejected", "accepted"]),
                                ("answered_by__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_answer_whole",
                        violation_error_message="La réponse à un recours dit son issue et ses motifs.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("answered_by__isnull", True)),
                            models.Q(("answered_at__isnull", False), ("answered_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="appeal_answered_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", True), ("settled_by__isnull", True)),
                            models.Q(("settled_at__isnull", False), ("settled_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="appeal_settled_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("settled_at__isnull", True), models.Q(("outcome", ""), _negated=True), _connector="OR"
                        ),
                        name="appeal_settled_with_an_outcome",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mandate__isnull", False), ("membership__isnull", True)),
                            models.Q(("mandate__isnull", True), ("membership__isnull", False)),
                            _connector="OR",
                        ),
                        name="appeal_entered_by_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("court", ""), ("docket", ""), ("kind", "gracieux")),
                            models.Q(
                                ("kind", "contentieux"),
                                models.Q(("court", ""), _negated=True),
                                models.Q(("docket", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="appeal_court_iff_contentieux",
                        violation_error_message="Un recours contentieux dit sa juridiction et son numéro.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="appeal_says_something"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("settled_at__isnull", True)),
                        fields=("decision", "kind"),
                        name="appeal_one_pending_per_kind",
                        violation_error_message="Un recours de cette nature est déjà en cours contre cette décision.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Closing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("structure_closed", "la structure a fermé"),
                            ("duplicate", "un autre dossier porte la même demande"),
                            ("no_object", "la demande n’a plus d’objet"),
                            ("mistake", "le dossier a été déposé par erreur"),
                        ],
                        max_length=20,
                        verbose_name="motif",
                    ),
                ),
                ("text", models.TextField(verbose_name="explication donnée à la structure")),
                ("closed_at", models.DateTimeField(verbose_name="le")),
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closing",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
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
            options={
                "verbose_name": "classement sans suite",
                "verbose_name_plural": "classements sans suite",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ground__in", ["structure_closed", "duplicate", "no_object", "mistake"])),
                        name="closing_ground_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True),
                        name="closing_explained",
                        violation_error_message="Un classement sans suite s’explique à la structure.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Concertation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("held_date", models.DateField(verbose_name="tenue le")),
                ("participants", models.CharField(max_length=500, verbose_name="services représentés")),
                ("text", models.TextField(verbose_name="compte rendu")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("agreement", "accord"), ("no_agreement", "désaccord maintenu")],
                        max_length=20,
                        verbose_name="issue",
                    ),
                ),
                (
                    "recorded_capacity",
                    models.CharField(
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="consignée par l’autorité",
                    ),
                ),
                ("recorded_at", models.DateTimeField(verbose_name="consignée le")),
                (
                    "confirmed_capacity",
                    models.CharField(
                        blank=True,
                        choices=[("ars", "directeur général de l’ARS"), ("prefet", "préfet de département")],
                        max_length=20,
                        verbose_name="confirmée par l’autorité",
                    ),
                ),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmée le")),
                ("set_aside_at", models.DateTimeField(blank=True, null=True, verbose_name="écartée le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="concertations",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="confirmée par",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision non signée",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="consignée par",
                    ),
                ),
            ],
            options={
                "verbose_name": "concertation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["agreement", "no_agreement"])),
                        name="concertation_outcome_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("recorded_capacity__in", ["ars", "prefet"])),
                        name="concertation_recorded_capacity_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("confirmed_by__isnull", True)),
                            models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="concertation_confirmed_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("confirmed_capacity", "")),
                            models.Q(
                                ("confirmed_at__isnull", False),
                                ("confirmed_capacity__in", ["ars", "prefet"]),
                                models.Q(("confirmed_capacity", models.F("recorded_capacity")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="concertation_confirmed_by_the_other",
                        violation_error_message="Le compte rendu est confirmé par l’autre autorité, non par celle qui l’a écrit.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("set_aside_at__isnull", True), ("confirmed_at__isnull", True), _connector="OR"
                        ),
                        name="concertation_confirmed_stays",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True), models.Q(("participants", ""), _negated=True)
                        ),
                        name="concertation_says_something",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("confirmed_at__isnull", True), ("set_aside_at__isnull", True)),
                        fields=("decision",),
                        name="concertation_one_pending_per_decision",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NationalAdvice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(verbose_name="avis")),
                ("given_at", models.DateTimeField(verbose_name="le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="advice",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.decision",
                        verbose_name="décision non signée",
                    ),
                ),
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
            options={
                "verbose_name": "avis de l’équipe nationale",
                "verbose_name_plural": "avis de l’équipe nationale",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="national_advice_says_something"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DecisionTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("label_granted", "attribution du label"),
                            ("label_refused", "refus du label"),
                            ("label_refused_alone", "refus exprès d’une seule autorité"),
                        ],
                        max_length=30,
                        verbose_name="décision",
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(verbose_name="version")),
                ("title", models.CharField(max_length=250, verbose_name="intitulé")),
                ("visas", models.TextField(verbose_name="visas")),
                ("criterion_reason", models.CharField(max_length=500, verbose_name="motif de chaque critère")),
                ("reasons", models.TextField(verbose_name="motifs d’ensemble")),
                ("articles", models.TextField(verbose_name="dispositif")),
                ("closing_articles", models.TextField(verbose_name="notification, recours et exécution")),
                ("valid_from", models.DateField(blank=True, null=True, verbose_name="applicable à partir du")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="publié le")),
                ("revision", models.PositiveIntegerField(default=1, verbose_name="révision du brouillon")),
                (
                    "drafted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="territories.mandate",
                        verbose_name="ouvert par",
                    ),
                ),
            ],
            options={
                "verbose_name": "modèle de décision",
                "verbose_name_plural": "modèles de décision",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["label_granted", "label_refused", "label_refused_alone"])),
                        name="decision_template_kind_known",
                    ),
                    models.UniqueConstraint(fields=("kind", "version"), name="decision_template_version_unique"),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at__isnull", True)),
                        fields=("kind",),
                        name="decision_template_one_draft",
                        violation_error_message="Un brouillon de ce modèle existe déjà.",
                    ),
                    models.UniqueConstraint(
                        fields=("kind", "valid_from"),
                        name="decision_template_one_start",
                        violation_error_message="Une version de ce modèle s’applique déjà à partir de ce jour.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at__isnull", True), ("valid_from__isnull", True)),
                            models.Q(("published_at__isnull", False), ("valid_from__isnull", False)),
                            _connector="OR",
                        ),
                        name="decision_template_published_with_a_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("title", ""), _negated=True),
                            models.Q(("visas", ""), _negated=True),
                            models.Q(("criterion_reason", ""), _negated=True),
                            models.Q(("reasons", ""), _negated=True),
                            models.Q(("articles", ""), _negated=True),
                            models.Q(("closing_articles", ""), _negated=True),
                        ),
                        name="decision_template_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DraftAddition",
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
                ("visas", models.TextField(blank=True, verbose_name="visas ajoutés")),
                ("reasons", models.TextField(blank=True, verbose_name="motifs ajoutés")),
                ("articles", models.TextField(blank=True, verbose_name="articles ajoutés")),
                ("written_at", models.DateTimeField(verbose_name="le")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="additions",
                        to="labelling.application",
                        verbose_name="candidature",
                    ),
                ),
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
            options={
                "verbose_name": "ajout au projet de décision",
                "verbose_name_plural": "ajouts au projet de décision",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("capacity__in", ["ars", "prefet"])), name="draft_addition_capacity_known"
                    ),
                    models.UniqueConstraint(
                        fields=("application", "capacity"), name="draft_addition_one_per_authority"
                    ),
                ],
            },
        ),
        migrations.RunSQL(CONCERTATION, CONCERTATION_BACK),
        migrations.RunSQL(APPEAL, APPEAL_BACK),
        migrations.RunSQL(*insert_only("labelling_nationaladvice")),
        migrations.RunSQL(*insert_only("labelling_closing")),
        migrations.RunSQL(TEMPLATE, TEMPLATE_BACK),
        migrations.RunPython(add_templates, migrations.RunPython.noop),
    ]
