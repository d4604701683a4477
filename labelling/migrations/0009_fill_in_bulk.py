"""A field and its value, written on several files at once."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labelling', '0008_internal_fields'),
        ('territories', '0003_signing_rules'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='bulkrun',
            name='bulk_run_action_known',
        ),
        migrations.AddField(
            model_name='bulkrun',
            name='field',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='labelling.internalfield', verbose_name='rubrique'),
        ),
        migrations.AddField(
            model_name='bulkrun',
            name='value',
            field=models.CharField(blank=True, max_length=120, verbose_name='valeur'),
        ),
        migrations.AlterField(
            model_name='bulkrun',
            name='action',
            field=models.CharField(choices=[('assign', 'affecter'), ('share', 'partager l’appréciation'), ('endorse', 'endosser l’appréciation'), ('propose', 'présenter le label à la signature'), ('ask', 'demander un avis'), ('tag', 'étiqueter'), ('untag', 'retirer une étiquette'), ('fill', 'renseigner une rubrique')], max_length=20, verbose_name='acte'),
        ),
        migrations.AddConstraint(
            model_name='bulkrun',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['assign', 'share', 'endorse', 'propose', 'ask', 'tag', 'untag', 'fill'])), name='bulk_run_action_known'),
        ),
        migrations.AddConstraint(
            model_name='bulkrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('action__in', ['fill']), ('field__isnull', False)), models.Q(models.Q(('action__in', ['fill']), _negated=True), models.Q(('field__isnull', False), _negated=True)), _connector='OR'), name='bulk_run_field_iff_fill'),
        ),
        migrations.AddConstraint(
            model_name='bulkrun',
            constraint=models.CheckConstraint(condition=models.Q(('action', 'fill'), ('value', ''), _connector='XOR'), name='bulk_run_value_iff_fill'),
        ),
    ]
