from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labelling", "0003_specification_1_0")]

    operations = [
        migrations.AddField(
            "application",
            "saved_at",
            models.DateTimeField("dernier enregistrement le", null=True, blank=True),
        ),
        migrations.AddField(
            "site",
            "weeks",
            models.PositiveSmallIntegerField("toutes les n semaines", default=1),
        ),
    ]
