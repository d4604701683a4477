"""The ledger and the payments are insert-only."""

from django.db import migrations

from francesante.lib.db import insert_only


class Migration(migrations.Migration):
    """Install the triggers of money."""

    dependencies = [("funding", "0001_initial")]
    operations = [
        migrations.RunSQL(*insert_only("funding_envelopemovement")),
        migrations.RunSQL(*insert_only("funding_payment")),
    ]
