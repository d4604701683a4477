"""A label may be suspended, and its suspension lifted, by those who granted it; the ground of an act has its events."""

from datetime import date

from django.db import migrations, models

KINDS = ("label_suspended", "label_reinstated")
JOINT = (
    "Parallélisme des compétences : l’acte qui suspend un label, ou qui lève sa suspension, est pris par les autorités qui "
    "l’ont accordé (lettre M_ADT/2025-10/32526 d’octobre 2025, point 4 ; loi n° 2025-1403 du 30 décembre 2025, article 63)."
)


def add_rules(apps, schema_editor):
    """Require both authorities for a suspension and for its lifting."""
    rule = apps.get_model("territories", "SigningRule")
    for kind in KINDS:
        rule.objects.create(kind=kind, capacities=["ars", "prefet"], legal_source=JOINT, valid_from=date(2025, 10, 1))


def remove_rules(apps, schema_editor):
    """Forget the shipped rules."""
    apps.get_model("territories", "SigningRule").objects.filter(kind__in=KINDS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("territories", "0013_leavers_and_mail_texts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="decision",
            name="decision_kind_known",
        ),
        migrations.RemoveConstraint(
            model_name="decision",
            name="decision_subject_known",
        ),
        migrations.RemoveConstraint(
            model_name="event",
            name="event_subject_known",
        ),
        migrations.RemoveConstraint(
            model_name="signingrule",
            name="signing_rule_kind_known",
        ),
        migrations.AlterField(
            model_name="decision",
            name="kind",
            field=models.CharField(
                choices=[
                    ("label_granted", "labellisation"),
                    ("label_refused", "refus de labellisation"),
                    ("label_abrogated", "abrogation du label"),
                    ("label_withdrawn", "retrait du label"),
                    ("label_suspended", "suspension du label"),
                    ("label_reinstated", "levée de la suspension"),
                    ("grant_awarded", "attribution d’un financement"),
                    ("appeal_rejected", "rejet d’un recours gracieux"),
                    ("appeal_accepted", "recours gracieux accueilli"),
                ],
                max_length=30,
                verbose_name="nature",
            ),
        ),
        migrations.AlterField(
            model_name="decision",
            name="subject_type",
            field=models.CharField(
                choices=[
                    ("application", "candidature"),
                    ("label", "label"),
                    ("structure", "structure"),
                    ("grant", "attribution"),
                    ("envelope", "enveloppe"),
                    ("edition", "édition"),
                    ("decision", "décision"),
                    ("mandate", "habilitation"),
                    ("claim", "revendication"),
                    ("specification", "cahier des charges"),
                    ("wave", "vague"),
                    ("quota", "quota"),
                    ("register_line", "ligne de registre"),
                    ("template", "modèle de décision"),
                    ("support", "demande d’appui"),
                    ("community", "communauté France Santé"),
                    ("offering", "service France Santé"),
                    ("appeal", "recours"),
                    ("account", "compte"),
                    ("mail_text", "texte de courriel"),
                    ("ground", "motif d’un acte sur un label"),
                ],
                max_length=20,
                verbose_name="porte sur",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="subject_type",
            field=models.CharField(
                choices=[
                    ("application", "candidature"),
                    ("label", "label"),
                    ("structure", "structure"),
                    ("grant", "attribution"),
                    ("envelope", "enveloppe"),
                    ("edition", "édition"),
                    ("decision", "décision"),
                    ("mandate", "habilitation"),
                    ("claim", "revendication"),
                    ("specification", "cahier des charges"),
                    ("wave", "vague"),
                    ("quota", "quota"),
                    ("register_line", "ligne de registre"),
                    ("template", "modèle de décision"),
                    ("support", "demande d’appui"),
                    ("community", "communauté France Santé"),
                    ("offering", "service France Santé"),
                    ("appeal", "recours"),
                    ("account", "compte"),
                    ("mail_text", "texte de courriel"),
                    ("ground", "motif d’un acte sur un label"),
                ],
                max_length=20,
                verbose_name="porte sur",
            ),
        ),
        migrations.AlterField(
            model_name="signingrule",
            name="kind",
            field=models.CharField(
                choices=[
                    ("label_granted", "labellisation"),
                    ("label_refused", "refus de labellisation"),
                    ("label_abrogated", "abrogation du label"),
                    ("label_withdrawn", "retrait du label"),
                    ("label_suspended", "suspension du label"),
                    ("label_reinstated", "levée de la suspension"),
                    ("grant_awarded", "attribution d’un financement"),
                    ("appeal_rejected", "rejet d’un recours gracieux"),
                    ("appeal_accepted", "recours gracieux accueilli"),
                ],
                max_length=30,
                verbose_name="nature de décision",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "label_granted",
                            "label_refused",
                            "label_abrogated",
                            "label_withdrawn",
                            "label_suspended",
                            "label_reinstated",
                            "grant_awarded",
                            "appeal_rejected",
                            "appeal_accepted",
                        ],
                    )
                ),
                name="decision_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "subject_type__in",
                        [
                            "application",
                            "label",
                            "structure",
                            "grant",
                            "envelope",
                            "edition",
                            "decision",
                            "mandate",
                            "claim",
                            "specification",
                            "wave",
                            "quota",
                            "register_line",
                            "template",
                            "support",
                            "community",
                            "offering",
                            "appeal",
                            "account",
                            "mail_text",
                            "ground",
                        ],
                    )
                ),
                name="decision_subject_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "subject_type__in",
                        [
                            "application",
                            "label",
                            "structure",
                            "grant",
                            "envelope",
                            "edition",
                            "decision",
                            "mandate",
                            "claim",
                            "specification",
                            "wave",
                            "quota",
                            "register_line",
                            "template",
                            "support",
                            "community",
                            "offering",
                            "appeal",
                            "account",
                            "mail_text",
                            "ground",
                        ],
                    )
                ),
                name="event_subject_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="signingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "label_granted",
                            "label_refused",
                            "label_abrogated",
                            "label_withdrawn",
                            "label_suspended",
                            "label_reinstated",
                            "grant_awarded",
                            "appeal_rejected",
                            "appeal_accepted",
                        ],
                    )
                ),
                name="signing_rule_kind_known",
            ),
        ),
        migrations.RunPython(add_rules, remove_rules),
    ]
