"""Configuration of the application."""

from django.apps import AppConfig


class TerritoriesConfig(AppConfig):
    """Territoires, personnes et actes."""

    name = "territories"
    verbose_name = "Territoires, personnes et actes"
