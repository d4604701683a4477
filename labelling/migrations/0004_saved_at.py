from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labelling", "0003_specification_1_0")]

    operations = [
        migrations.AddField(
            "application",
            "saved_at",
            models.DateTimeField("dernier enregistrement le", null=True, blank=True),
        ),
    ]
