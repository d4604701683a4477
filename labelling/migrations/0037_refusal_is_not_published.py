"""A refusal is notified to the structure, and published nowhere under its name: a new version of its texts says so."""

from datetime import UTC, date, datetime, timedelta

from django.db import migrations

PUBLISHED = ", qui est publié au recueil des actes administratifs"
FROM = date(2026, 1, 1)
PARTS = ("title", "visas", "criterion_reason", "reasons", "articles", "closing_articles")


def add_versions(apps, schema_editor):
    """Ship the next version of each refusal; a text that no longer says it is published is left as it is."""
    templates = apps.get_model("labelling", "DecisionTemplate").objects
    for kind in ("label_refused", "label_refused_alone"):
        last = templates.filter(kind=kind, published_at__isnull=False).order_by("valid_from").last()
        if last is None or PUBLISHED not in last.closing_articles:
            continue
        begins = max(FROM, last.valid_from + timedelta(days=1))
        parts = {part: getattr(last, part) for part in PARTS}
        templates.create(
            kind=kind,
            version=templates.filter(kind=kind).order_by("version").last().version + 1,
            valid_from=begins,
            published_at=datetime(begins.year, begins.month, begins.day, tzinfo=UTC),
            **{**parts, "closing_articles": parts["closing_articles"].replace(PUBLISHED, "")},
        )


class Migration(migrations.Migration):
    dependencies = [("labelling", "0036_not_applicable_is_reasoned")]

    operations = [migrations.RunPython(add_versions, migrations.RunPython.noop)]
