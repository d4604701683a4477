"""Configuration of the application."""

from importlib import import_module

from django.apps import AppConfig


class FundingConfig(AppConfig):
    """Financements."""

    name = "funding"
    verbose_name = "Financements"

    def ready(self) -> None:
        """Give the decisions of this application their effect: its services need the models, loaded by now."""
        import_module("funding.services.grants").declare_effects()
