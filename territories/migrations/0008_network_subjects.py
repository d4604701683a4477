"""Events may be about a request for support, a community or a service of the palette."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("territories", "0007_paper_original"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="decision",
            name="decision_subject_known",
        ),
        migrations.RemoveConstraint(
            model_name="event",
            name="event_subject_known",
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
                ],
                max_length=20,
                verbose_name="porte sur",
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
                        ],
                    )
                ),
                name="event_subject_known",
            ),
        ),
    ]
