"""A decision that nobody signed may be taken back by the authority that presented it; it then stays so."""

from importlib import import_module

from django.db import migrations, models

BEFORE = import_module("territories.migrations.0002_triggers").DECISION
FINAL = """IF OLD.state IN ('signed', 'replaced') AND NEW.state <> OLD.state THEN"""
UNSIGNED = """IF OLD.state = 'taken_back' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a decision that was taken back stays so' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.state = 'taken_back' AND OLD.state <> 'taken_back' AND (
        OLD.state <> 'proposed' OR EXISTS (SELECT FROM territories_signature WHERE decision_id = NEW.id)
    ) THEN
        RAISE EXCEPTION 'decision % is no longer one that nobody signed', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    """
FUNCTION = BEFORE[: BEFORE.index("CREATE TRIGGER")].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
STATES = [
    ("proposed", "à la signature"),
    ("signed", "signée"),
    ("declined", "non signée"),
    ("replaced", "remplacée"),
    ("taken_back", "reprise par le service"),
]


class Migration(migrations.Migration):
    dependencies = [("territories", "0014_suspension_decisions")]

    operations = [
        migrations.AlterField(
            model_name="decision",
            name="state",
            field=models.CharField(choices=STATES, default="proposed", max_length=20, verbose_name="état"),
        ),
        migrations.RemoveConstraint(model_name="decision", name="decision_state_known"),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", [state for state, _ in STATES])), name="decision_state_known"
            ),
        ),
        migrations.RunSQL(FUNCTION.replace(FINAL, UNSIGNED + FINAL), FUNCTION),
    ]
