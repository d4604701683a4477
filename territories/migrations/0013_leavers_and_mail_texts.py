"""Accounts of people who left are made anonymous; the national team writes the text of mails."""

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ("territories", "0012_appeal_decisions"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='decision',
            name='decision_subject_known',
        ),
        migrations.RemoveConstraint(
            model_name='event',
            name='event_subject_known',
        ),
        migrations.AddField(
            model_name='user',
            name='anonymised_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='rendu anonyme le'),
        ),
        migrations.AlterField(
            model_name='decision',
            name='subject_type',
            field=models.CharField(choices=[('application', 'candidature'), ('label', 'label'), ('structure', 'structure'), ('grant', 'attribution'), ('envelope', 'enveloppe'), ('edition', 'édition'), ('decision', 'décision'), ('mandate', 'habilitation'), ('claim', 'revendication'), ('specification', 'cahier des charges'), ('wave', 'vague'), ('quota', 'quota'), ('register_line', 'ligne de registre'), ('template', 'modèle de décision'), ('support', 'demande d’appui'), ('community', 'communauté France Santé'), ('offering', 'service France Santé'), ('appeal', 'recours'), ('account', 'compte'), ('mail_text', 'texte de courriel')], max_length=20, verbose_name='porte sur'),
        ),
        migrations.AlterField(
            model_name='event',
            name='subject_type',
            field=models.CharField(choices=[('application', 'candidature'), ('label', 'label'), ('structure', 'structure'), ('grant', 'attribution'), ('envelope', 'enveloppe'), ('edition', 'édition'), ('decision', 'décision'), ('mandate', 'habilitation'), ('claim', 'revendication'), ('specification', 'cahier des charges'), ('wave', 'vague'), ('quota', 'quota'), ('register_line', 'ligne de registre'), ('template', 'modèle de décision'), ('support', 'demande d’appui'), ('community', 'communauté France Santé'), ('offering', 'service France Santé'), ('appeal', 'recours'), ('account', 'compte'), ('mail_text', 'texte de courriel')], max_length=20, verbose_name='porte sur'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('subject_type__in', ['application', 'label', 'structure', 'grant', 'envelope', 'edition', 'decision', 'mandate', 'claim', 'specification', 'wave', 'quota', 'register_line', 'template', 'support', 'community', 'offering', 'appeal', 'account', 'mail_text'])), name='decision_subject_known'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('subject_type__in', ['application', 'label', 'structure', 'grant', 'envelope', 'edition', 'decision', 'mandate', 'claim', 'specification', 'wave', 'quota', 'register_line', 'template', 'support', 'community', 'offering', 'appeal', 'account', 'mail_text'])), name='event_subject_known'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('anonymised_at__isnull', True), models.Q(('civility', ''), ('email__endswith', '@anonyme.invalid'), ('first_name', ''), ('is_active', False), ('last_name', '')), _connector='OR'), name='user_anonymised_is_nobody'),
        ),
        migrations.CreateModel(
            name='MailText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, verbose_name='courriel')),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('subject', models.CharField(blank=True, max_length=200, verbose_name='objet')),
                ('body', models.TextField(blank=True, verbose_name='texte')),
                ('basis', models.CharField(max_length=64, verbose_name='empreinte de l’original')),
                ('written_at', models.DateTimeField(verbose_name='écrit le')),
                ('written_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.mandate', verbose_name='écrit par')),
            ],
            options={
                'verbose_name': 'texte de courriel',
                'verbose_name_plural': 'textes de courriel',
                'constraints': [models.UniqueConstraint(fields=('name', 'version'), name='mail_text_version_unique'), models.CheckConstraint(condition=models.Q(models.Q(('body', ''), ('subject', '')), models.Q(models.Q(('subject', ''), _negated=True), models.Q(('body', ''), _negated=True)), _connector='OR'), name='mail_text_whole_or_original'), models.CheckConstraint(condition=models.Q(('basis__regex', '^[0-9a-f]{64}$')), name='mail_text_basis_form')],
            },
        ),
        migrations.RunSQL(*insert_only("territories_mailtext")),
    ]
