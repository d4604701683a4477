"""Configuration of the application."""

from django.apps import AppConfig


class FundingConfig(AppConfig):
    """Financements."""

    name = "funding"
    verbose_name = "Financements"
