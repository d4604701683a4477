"""Fields of an authority, and the values that files hold of them: of their kind, and of their list."""

import django.contrib.postgres.fields
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


# The row of the field is held until the end: it is neither retired nor changed while a value is written.
GUARD = """
CREATE FUNCTION labelling_field_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.authority_id, OLD.name, OLD.kind, OLD.joint) IS DISTINCT FROM
       (NEW.authority_id, NEW.name, NEW.kind, NEW.joint) THEN
        RAISE EXCEPTION 'a field keeps its authority, its name, its kind and its readers'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT OLD.choices <@ NEW.choices THEN
        RAISE EXCEPTION 'the choices of a field are only added' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_field_guard BEFORE UPDATE ON labelling_internalfield
    FOR EACH ROW EXECUTE FUNCTION labelling_field_guard();

CREATE FUNCTION labelling_field_value_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    field record;
BEGIN
    SELECT kind, choices, retired_at INTO field FROM labelling_internalfield WHERE id = NEW.field_id FOR SHARE;
    IF field.retired_at IS NOT NULL THEN
        RAISE EXCEPTION 'a retired field takes no value' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT (CASE field.kind
        WHEN 'text' THEN NEW.text <> ''
        WHEN 'number' THEN NEW.number IS NOT NULL
        WHEN 'date' THEN NEW.day IS NOT NULL
        WHEN 'yes_no' THEN NEW.yes IS NOT NULL
        WHEN 'choice' THEN NEW.text = ANY (field.choices)
        ELSE false
    END) THEN
        RAISE EXCEPTION 'a value is of the kind of its field' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER labelling_field_value_guard BEFORE INSERT OR UPDATE ON labelling_fieldvalue
    FOR EACH ROW EXECUTE FUNCTION labelling_field_value_guard();
"""
GUARD_BACK = """
DROP TRIGGER labelling_field_value_guard ON labelling_fieldvalue;
DROP FUNCTION labelling_field_value_guard();
DROP TRIGGER labelling_field_guard ON labelling_internalfield;
DROP FUNCTION labelling_field_guard();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('labelling', '0007_redaction'),
        ('territories', '0003_signing_rules'),
    ]

    operations = [
        migrations.CreateModel(
            name='InternalField',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=30, verbose_name='nom')),
                ('note', models.CharField(blank=True, max_length=160, verbose_name='sens')),
                ('joint', models.BooleanField(default=False, verbose_name='commune aux deux autorités')),
                ('made_at', models.DateTimeField(verbose_name='créée le')),
                ('retired_at', models.DateTimeField(blank=True, null=True, verbose_name='retirée le')),
                ('kind', models.CharField(choices=[('text', 'texte court'), ('number', 'nombre'), ('date', 'date'), ('yes_no', 'oui ou non'), ('choice', 'choix dans une liste')], max_length=10, verbose_name='type')),
                ('choices', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None, verbose_name='choix')),
                ('position', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='place')),
                ('authority', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.authority', verbose_name='autorité')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.mandate', verbose_name='créée par')),
            ],
            options={
                'verbose_name': 'rubrique interne',
                'verbose_name_plural': 'rubriques internes',
            },
        ),
        migrations.CreateModel(
            name='FieldValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(blank=True, max_length=120, verbose_name='texte ou choix')),
                ('number', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='nombre')),
                ('day', models.DateField(blank=True, null=True, verbose_name='date')),
                ('yes', models.BooleanField(blank=True, null=True, verbose_name='oui')),
                ('written_at', models.DateTimeField(verbose_name='écrite le')),
                ('application', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='labelling.application', verbose_name='candidature')),
                ('mandate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='territories.mandate', verbose_name='écrite par')),
                ('field', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='held', to='labelling.internalfield', verbose_name='rubrique')),
            ],
            options={
                'verbose_name': 'valeur d’une rubrique',
                'verbose_name_plural': 'valeurs des rubriques',
            },
        ),
        migrations.AddConstraint(
            model_name='internalfield',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='field_is_named'),
        ),
        migrations.AddConstraint(
            model_name='internalfield',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['text', 'number', 'date', 'yes_no', 'choice'])), name='field_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='internalfield',
            constraint=models.UniqueConstraint(models.F('authority'), django.db.models.functions.text.Lower('name'), condition=models.Q(('retired_at__isnull', True)), name='field_name_unique', violation_error_message='Votre autorité a déjà une rubrique de ce nom.'),
        ),
        migrations.AddConstraint(
            model_name='internalfield',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('choices__len__range', (2, 12)), ('kind', 'choice')), models.Q(models.Q(('kind', 'choice'), _negated=True), ('choices__len', 0)), _connector='OR'), name='field_choices_iff_choice'),
        ),
        migrations.AddConstraint(
            model_name='internalfield',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('position__isnull', False), ('position__range', (1, 8)), ('retired_at__isnull', True)), models.Q(('position__isnull', True), ('retired_at__isnull', False)), _connector='OR'), name='field_place_iff_in_use', violation_error_message='Une autorité a 8 rubriques au plus.'),
        ),
        migrations.AddConstraint(
            model_name='internalfield',
            constraint=models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('authority', 'position'), name='field_place_unique'),
        ),
        migrations.AddConstraint(
            model_name='fieldvalue',
            constraint=models.UniqueConstraint(fields=('field', 'application'), name='field_value_once'),
        ),
        migrations.AddConstraint(
            model_name='fieldvalue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('day__isnull', True), ('number__isnull', True), ('yes__isnull', True), models.Q(('text', ''), _negated=True)), models.Q(('day__isnull', True), ('number__isnull', False), ('yes__isnull', True), ('text', '')), models.Q(('day__isnull', False), ('number__isnull', True), ('yes__isnull', True), ('text', '')), models.Q(('day__isnull', True), ('number__isnull', True), ('yes__isnull', False), ('text', '')), _connector='OR'), name='field_value_is_one'),
        ),
        migrations.RunSQL(GUARD, GUARD_BACK),
    ]
