"""Closed lists of the indicators application."""

from django.db.models import TextChoices


class Level(TextChoices):
    """Territorial level of an observation."""

    NATION = "nation", "France"
    REGION = "region", "région"
    DEPARTEMENT = "departement", "département"


class Status(TextChoices):
    """What a value is: five different things, from import to chart (DESIGN §4.15)."""

    FINAL = "final", "définitif"
    PROVISIONAL = "provisional", "provisoire"
    SECRET = "NS", "NS (secret statistique)"
    MISSING = "ND", "ND (non disponible)"
    NOT_COMPUTED = "not_computed", "non calculé"


class EditionState(TextChoices):
    """Life of a quarterly edition."""

    DRAFT = "draft", "brouillon"
    CHECKED = "checked", "vérifiée"
    PUBLISHED = "published", "publiée"
    SUPERSEDED = "superseded", "remplacée"
