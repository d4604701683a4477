"""Configuration of the application."""

from importlib import import_module

from django.apps import AppConfig


class LabellingConfig(AppConfig):
    """Labellisation."""

    name = "labelling"
    verbose_name = "Labellisation"

    def ready(self) -> None:
        """Give the decisions on a label, and the invitations, their effects; models exist only from here on."""
        import_module("labelling.services.decisions").register_effects()
        import_module("labelling.services.endings").register_effects()
        import_module("labelling.services.suspensions").register_effects()
        import_module("labelling.services.appeal_answers").register_effects()
        import_module("labelling.services.sources").register_sources()
        import_module("labelling.services.access").register_accesses()
