"""Closings, disappearances and changes in registers; places set aside or invited on the accelerated route."""

import django.db.models.deletion
from django.db import migrations, models

from francesante.lib.db import insert_only


class Migration(migrations.Migration):
    dependencies = [("labelling", "0012_letter_calendar"), ("territories", "0005_register_subject")]

    operations = [
        migrations.CreateModel(
            name='Dismissal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('not_a_place', 'n’est pas un lieu de premier recours'), ('gone', 'n’exerce plus à cette adresse'), ('duplicate', 'même lieu qu’une autre ligne'), ('declined', 'contactée, ne souhaite pas le label'), ('not_ready', 'un critère du socle manque aujourd’hui'), ('other', 'autre motif')], max_length=20, verbose_name='motif')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='précision')),
                ('dismissed_at', models.DateTimeField(verbose_name='écartée le')),
                ('restored_at', models.DateTimeField(blank=True, null=True, verbose_name='remise dans la liste le')),
            ],
            options={
                'verbose_name': 'mise à l’écart',
            },
        ),
        migrations.CreateModel(
            name='ProspectInvitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(choices=[('register', 'adresse du registre'), ('typed', 'adresse saisie par un agent'), ('owner', 'responsable déjà connu du portail')], max_length=10, verbose_name='adresse')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='adresse invitée')),
                ('invited_at', models.DateTimeField(verbose_name='invitée le')),
                ('expires_at', models.DateTimeField(verbose_name='à confirmer avant le')),
                ('reminded_at', models.DateTimeField(blank=True, null=True, verbose_name='relancée le')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='close le')),
            ],
            options={
                'verbose_name': 'invitation d’une structure',
            },
        ),
        migrations.CreateModel(
            name='RegisterChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(max_length=30, verbose_name='champ')),
                ('old', models.JSONField(null=True, verbose_name='avant')),
                ('new', models.JSONField(null=True, verbose_name='après')),
                ('old_as_of', models.DateField(verbose_name='dit jusqu’au')),
                ('as_of', models.DateField(verbose_name='dit depuis le')),
            ],
            options={
                'verbose_name': 'changement de registre',
            },
        ),
        migrations.CreateModel(
            name='RegisterImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('form', models.CharField(choices=[('finess_plus', 'FINESS+ (JSON quotidien)'), ('national', 'ancienne extraction nationale de FINESS'), ('csv', 'CSV documenté')], max_length=20, verbose_name='forme du fichier')),
                ('file_hash', models.CharField(max_length=64, verbose_name='empreinte du fichier')),
                ('as_of', models.DateField(verbose_name='situation au')),
                ('partial', models.BooleanField(verbose_name='une partie du registre')),
                ('imported_at', models.DateTimeField(verbose_name='importé le')),
                ('read', models.PositiveIntegerField(verbose_name='lues')),
                ('created', models.PositiveIntegerField(verbose_name='créées')),
                ('changed', models.PositiveIntegerField(verbose_name='modifiées')),
                ('unchanged', models.PositiveIntegerField(verbose_name='inchangées')),
                ('older', models.PositiveIntegerField(verbose_name='plus anciennes que la base')),
                ('disappeared', models.PositiveIntegerField(verbose_name='disparues')),
                ('refused', models.PositiveIntegerField(verbose_name='refusées')),
            ],
            options={
                'verbose_name': 'import de registre',
            },
        ),
        migrations.RemoveConstraint(
            model_name='registerline',
            name='register_line_register_known',
        ),
        migrations.AddField(
            model_name='registerline',
            name='closed_on',
            field=models.DateField(blank=True, null=True, verbose_name='fermée le'),
        ),
        migrations.AddField(
            model_name='registerline',
            name='facts',
            field=models.JSONField(blank=True, default=dict, verbose_name='faits utiles aux critères'),
        ),
        migrations.AddField(
            model_name='registerline',
            name='legal_number',
            field=models.CharField(blank=True, max_length=9, verbose_name='FINESS de l’entité juridique'),
        ),
        migrations.AddField(
            model_name='registerline',
            name='missing_since',
            field=models.DateField(blank=True, null=True, verbose_name='absente du registre depuis le'),
        ),
        migrations.AlterField(
            model_name='registerline',
            name='register',
            field=models.CharField(choices=[('finess', 'FINESS'), ('list', 'liste transmise par une ARS'), ('ameli', 'Ameli')], max_length=10, verbose_name='registre'),
        ),
        migrations.AddIndex(
            model_name='registerline',
            index=models.Index(condition=models.Q(('legal_number', ''), _negated=True), fields=['legal_number'], name='register_line_legal'),
        ),
        migrations.AddIndex(
            model_name='registerline',
            index=models.Index(condition=models.Q(('kind', ''), _negated=True), fields=['commune', 'kind'], name='register_line_prospects'),
        ),
        migrations.AddConstraint(
            model_name='registerline',
            constraint=models.CheckConstraint(condition=models.Q(('register__in', ['finess', 'list', 'ameli'])), name='register_line_register_known'),
        ),
        migrations.AddConstraint(
            model_name='registerline',
            constraint=models.CheckConstraint(condition=models.Q(('missing_since__isnull', True), ('missing_since__gt', models.F('as_of')), _connector='OR'), name='register_line_missing_after_seen'),
        ),
        migrations.AddField(
            model_name='dismissal',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dismissals', to='labelling.registerline', verbose_name='ligne de registre'),
        ),
        migrations.AddField(
            model_name='dismissal',
            name='mandate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.mandate', verbose_name='par'),
        ),
        migrations.AddField(
            model_name='prospectinvitation',
            name='application',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='prospect', to='labelling.application', verbose_name='candidature'),
        ),
        migrations.AddField(
            model_name='prospectinvitation',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='labelling.registerline', verbose_name='ligne de registre'),
        ),
        migrations.AddField(
            model_name='prospectinvitation',
            name='link',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.invitation', verbose_name='lien'),
        ),
        migrations.AddField(
            model_name='prospectinvitation',
            name='mandate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.mandate', verbose_name='invitée par'),
        ),
        migrations.AddField(
            model_name='registerchange',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='labelling.registerline', verbose_name='ligne de registre'),
        ),
        migrations.AddConstraint(
            model_name='registerimport',
            constraint=models.CheckConstraint(condition=models.Q(('form__in', ['finess_plus', 'national', 'csv'])), name='register_import_form_known'),
        ),
        migrations.AddField(
            model_name='registerchange',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='labelling.registerimport', verbose_name='import'),
        ),
        migrations.AddConstraint(
            model_name='dismissal',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['not_a_place', 'gone', 'duplicate', 'declined', 'not_ready', 'other'])), name='dismissal_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='dismissal',
            constraint=models.UniqueConstraint(condition=models.Q(('restored_at__isnull', True)), fields=('line',), name='dismissal_one_standing', violation_error_message='Cette structure est déjà écartée.'),
        ),
        migrations.AddConstraint(
            model_name='dismissal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', 'other'), _negated=True), models.Q(('note', ''), _negated=True), _connector='OR'), name='dismissal_other_is_explained', violation_error_message='Un autre motif demande une précision.'),
        ),
        migrations.AddConstraint(
            model_name='prospectinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('address__in', ['register', 'typed', 'owner'])), name='prospect_invitation_address_known'),
        ),
        migrations.AddConstraint(
            model_name='prospectinvitation',
            constraint=models.UniqueConstraint(condition=models.Q(('application__isnull', False), ('ended_at__isnull', True)), fields=('line',), name='prospect_invitation_one_open', violation_error_message='Cette structure est déjà invitée.'),
        ),
        migrations.AddConstraint(
            model_name='prospectinvitation',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('invited_at'))), name='prospect_invitation_expires_after'),
        ),
        migrations.AddConstraint(
            model_name='prospectinvitation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('address', 'owner'), ('email', '')), models.Q(models.Q(('address', 'owner'), _negated=True), models.Q(('email', ''), _negated=True)), _connector='OR'), name='prospect_invitation_has_address'),
        ),
        migrations.AddConstraint(
            model_name='registerchange',
            constraint=models.UniqueConstraint(fields=('line', 'source', 'field'), name='register_change_once'),
        ),
        migrations.RunSQL(*insert_only("labelling_registerchange")),
    ]
