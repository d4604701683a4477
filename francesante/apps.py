"""The project itself as an application, for its management commands."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class FranceSanteConfig(AppConfig):
    name = "francesante"
    verbose_name = "portail France Santé"


class PortalAdminConfig(AdminConfig):
    """The administration, whose site asks for the second factor."""

    default_site = "francesante.admin_site.PortalAdminSite"
