"""Structures found by their SIRET in the Annuaire des entreprises or described while it is silent; where sites stand."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("labelling", "0022_appeal_templates"),
        ('territories', '0009_invitation_cancelled'),
    ]

    operations = [
        migrations.CreateModel(
            name='Completion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField(verbose_name='attendu depuis le')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='essais')),
                ('next_at', models.DateTimeField(blank=True, null=True, verbose_name='prochain essai le')),
                ('outcome', models.CharField(blank=True, choices=[('found', 'connu, ouvert'), ('closed', 'connu, fermé'), ('unknown', 'inconnu'), ('unshown', 'connu, dont le titulaire a demandé qu’il ne soit pas diffusé'), ('silent', 'service injoignable'), ('too_many', 'trop de questions de la même personne')], max_length=10, verbose_name='réponse')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='répondu le')),
            ],
            options={
                'verbose_name': 'complément attendu',
            },
        ),
        migrations.RemoveConstraint(
            model_name='registerimport',
            name='register_import_form_known',
        ),
        migrations.RemoveConstraint(
            model_name='registerline',
            name='register_line_register_known',
        ),
        migrations.AddField(
            model_name='claim',
            name='kind',
            field=models.CharField(blank=True, choices=[('msp', 'maison de santé'), ('cds', 'centre de santé'), ('cabinet', 'cabinet médical de groupe'), ('hospital', 'hôpital de proximité'), ('mobile', 'médicobus'), ('other', 'autre lieu de soins de proximité')], max_length=20, verbose_name='type dit par le demandeur'),
        ),
        migrations.AlterField(
            model_name='registerimport',
            name='form',
            field=models.CharField(choices=[('finess_plus', 'FINESS+ (JSON quotidien)'), ('national', 'ancienne extraction nationale de FINESS'), ('csv', 'CSV documenté'), ('answer', 'réponse de l’Annuaire des entreprises')], max_length=20, verbose_name='forme du fichier'),
        ),
        migrations.AlterField(
            model_name='registerline',
            name='register',
            field=models.CharField(choices=[('finess', 'FINESS'), ('list', 'liste transmise par une ARS'), ('ameli', 'Ameli'), ('annuaire', 'Annuaire des entreprises'), ('declared', 'déclaration du demandeur')], max_length=10, verbose_name='registre'),
        ),
        migrations.AddIndex(
            model_name='structure',
            index=models.Index(condition=models.Q(('siret', ''), _negated=True), fields=['siret'], name='structure_siret'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['', 'msp', 'cds', 'cabinet', 'hospital', 'mobile', 'other'])), name='claim_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='registerimport',
            constraint=models.CheckConstraint(condition=models.Q(('form__in', ['finess_plus', 'national', 'csv', 'answer'])), name='register_import_form_known'),
        ),
        migrations.AddConstraint(
            model_name='registerline',
            constraint=models.CheckConstraint(condition=models.Q(('register__in', ['finess', 'list', 'ameli', 'annuaire', 'declared'])), name='register_line_register_known'),
        ),
        migrations.AddField(
            model_name='completion',
            name='answer',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='labelling.registerline', verbose_name='ligne de la réponse'),
        ),
        migrations.AddField(
            model_name='completion',
            name='line',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='completion', to='labelling.registerline', verbose_name='ligne déclarée par le demandeur'),
        ),
        migrations.AddIndex(
            model_name='completion',
            index=models.Index(condition=models.Q(('next_at__isnull', False)), fields=['next_at'], name='completion_waiting'),
        ),
        migrations.AddConstraint(
            model_name='completion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer__isnull', True), ('next_at__isnull', False), ('outcome', ''), ('settled_at__isnull', True)), models.Q(('answer__isnull', False), ('next_at__isnull', True), ('outcome__in', ['found', 'closed']), ('settled_at__isnull', False)), models.Q(('answer__isnull', True), ('next_at__isnull', True), ('outcome__in', ['unknown', 'unshown']), ('settled_at__isnull', False)), _connector='OR'), name='completion_settled_whole'),
        ),
        migrations.AddField(
            model_name='site',
            name='locate_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='adresse à situer à partir du'),
        ),
        migrations.AddField(
            model_name='site',
            name='point_score',
            field=models.FloatField(blank=True, null=True, verbose_name='score de l’adresse'),
        ),
        migrations.AddField(
            model_name='site',
            name='point_source',
            field=models.CharField(blank=True, choices=[('register', 'registre'), ('address', 'adresse, située par la Base Adresse Nationale'), ('commune', 'mairie de la commune')], max_length=10, verbose_name='origine du point'),
        ),
        migrations.AddIndex(
            model_name='site',
            index=models.Index(condition=models.Q(('locate_at__isnull', False)), fields=['locate_at'], name='site_to_locate'),
        ),
        migrations.AddConstraint(
            model_name='site',
            constraint=models.CheckConstraint(condition=models.Q(('point_source__in', ['', 'register', 'commune']), models.Q(('latitude__isnull', False), ('point_score__gte', 0.6), ('point_score__isnull', False), ('point_source', 'address')), _connector='OR'), name='site_point_is_good'),
        ),
    ]
