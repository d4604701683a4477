"""A payment is not made on a day when its label is suspended, nor from the day an act ended it."""

from django.db import migrations

GUARD = """
CREATE FUNCTION funding_payment_follows_the_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM funding_grant attribution
            JOIN labelling_label label ON label.id = attribution.label_id
            JOIN territories_departement place ON place.code = label.departement_id
            WHERE attribution.id = NEW.grant_id AND (
                NEW.paid_date >= (label.withdrawn_at AT TIME ZONE place.timezone)::date
                OR (NEW.paid_date >= upper(label.valid) AND EXISTS (
                    SELECT FROM labelling_ending
                        WHERE label_id = label.id AND applied_at IS NOT NULL AND undone_at IS NULL
                ))
                OR EXISTS (SELECT FROM labelling_suspension WHERE label_id = label.id AND period @> NEW.paid_date)
            )
    ) THEN
        RAISE EXCEPTION 'nothing is paid while the label is suspended, nor once an act ended it'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER funding_payment_follows_the_label BEFORE INSERT ON funding_payment
    FOR EACH ROW EXECUTE FUNCTION funding_payment_follows_the_label();
"""
GUARD_BACK = """
DROP TRIGGER funding_payment_follows_the_label ON funding_payment;
DROP FUNCTION funding_payment_follows_the_label();
"""


class Migration(migrations.Migration):
    """Tie payments to the label."""

    dependencies = [
        ("funding", "0003_budget_lines"),
        ("labelling", "0002_triggers"),
        ("territories", "0002_triggers"),
    ]
    operations = [migrations.RunSQL(GUARD, GUARD_BACK)]
