"""The grounds on which a label ends before its term, each with its article."""

from datetime import date

from django.db import migrations
from django.db.backends.postgresql.psycopg_any import DateRange

CODE = "code des relations entre le public et l’administration"
GROUNDS = [
    {
        "code": "condition-non-remplie",
        "title": "Une condition n’est plus remplie",
        "act": "abrogate",
        "months": None,
        "adversarial": True,
        "articles": "L. 242-2, 1°",
        "reason": "qu’une décision créatrice de droits dont le maintien est subordonné à une condition qui n’est plus remplie "
        f"peut être abrogée, sans condition de délai, en vertu de l’article L. 242-2 du {CODE}",
        "help_text": "La structure remplissait les critères, elle ne les remplit plus. L’abrogation vaut pour l’avenir.",
    },
    {
        "code": "illegalite-abrogation",
        "title": "Le label a été accordé à tort (fin pour l’avenir)",
        "act": "abrogate",
        "months": 4,
        "adversarial": True,
        "articles": "L. 242-1",
        "reason": "qu’une décision créatrice de droits illégale peut être abrogée dans les quatre mois qui suivent son "
        f"adoption, en vertu de l’article L. 242-1 du {CODE}",
        "help_text": "Un critère n’était pas rempli le jour de l’octroi. L’acte se signe dans les quatre mois de l’octroi.",
    },
    {
        "code": "illegalite-retrait",
        "title": "Le label a été accordé à tort (retrait depuis l’origine)",
        "act": "withdraw",
        "months": 4,
        "adversarial": True,
        "articles": "L. 242-1",
        "reason": "qu’une décision créatrice de droits illégale peut être retirée dans les quatre mois qui suivent son "
        f"adoption, en vertu de l’article L. 242-1 du {CODE}",
        "help_text": "Un critère n’était pas rempli le jour de l’octroi, et le label est annulé depuis l’origine. L’acte se "
        "signe dans les quatre mois de l’octroi.",
    },
    {
        "code": "fraude",
        "title": "Le label a été obtenu par fraude",
        "act": "withdraw",
        "months": None,
        "adversarial": True,
        "articles": "L. 241-2",
        "reason": "qu’un acte obtenu par fraude peut à tout moment être retiré, en vertu de l’article L. 241-2 du "
        f"{CODE}",
        "help_text": "La structure a trompé sciemment l’administration. Le label est annulé depuis l’origine, sans délai.",
    },
    {
        "code": "demande-du-titulaire",
        "title": "La structure demande la fin de son label",
        "act": "abrogate",
        "months": None,
        "adversarial": False,
        "articles": "L. 121-1 et L. 242-4",
        "reason": "que l’administration peut, à la demande de son bénéficiaire et sans condition de délai, abroger une "
        f"décision créatrice de droits, en vertu de l’article L. 242-4 du {CODE}",
        "help_text": "La structure l’a demandé par écrit : il est statué sur sa demande, sans procédure contradictoire.",
    },
]


def add_grounds(apps, schema_editor):
    """Ship the grounds of the code, each with its article."""
    ground = apps.get_model("labelling", "EndingGround")
    for position, row in enumerate(GROUNDS, start=1):
        ground.objects.create(position=position, valid=DateRange(date(2025, 10, 1), None), **row)


def remove_grounds(apps, schema_editor):
    """Forget the shipped grounds."""
    codes = [row["code"] for row in GROUNDS]
    apps.get_model("labelling", "EndingGround").objects.filter(code__in=codes).delete()


class Migration(migrations.Migration):
    """Ship the grounds."""

    # Its name before the migrations were written whole.
    replaces = [("labelling", "0014_endings")]
    dependencies = [("labelling", "0004_letter_calendar")]
    operations = [migrations.RunPython(add_grounds, remove_grounds)]
