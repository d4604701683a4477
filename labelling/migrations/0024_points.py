"""Say where the points of sites come from, and have the addresses of those that stand at their commune located."""

from django.db import migrations

FORWARD = """
UPDATE labelling_site site
SET point_source = CASE WHEN site.latitude IS NULL THEN '' WHEN at_town_hall THEN 'commune' ELSE 'register' END,
    locate_at = CASE WHEN site.address <> '' AND (site.latitude IS NULL OR at_town_hall) THEN now() END
FROM (
    SELECT s.id, s.latitude = c.latitude AND s.longitude = c.longitude AS at_town_hall
    FROM labelling_site s JOIN territories_commune c ON c.code = s.commune_id
) known
WHERE known.id = site.id;
"""


class Migration(migrations.Migration):
    dependencies = [("labelling", "0023_annuaire")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop, elidable=True)]
