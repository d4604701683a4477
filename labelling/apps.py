"""Configuration of the application."""

from django.apps import AppConfig


class LabellingConfig(AppConfig):
    """Labellisation."""

    name = "labelling"
    verbose_name = "Labellisation"
