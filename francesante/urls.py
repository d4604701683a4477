"""Addresses of the portal: each application mounts its own."""

from django.contrib import admin
from django.urls import include, path

from francesante.health import health

urlpatterns = [
    path("", include("territories.urls")),
    path("", include("labelling.urls")),
    path("", include("funding.urls")),
    path("", include("indicators.urls")),
    path("api/v1/", include("indicators.api_urls")),
    path("sante/", health, name="health"),
    path("admin/", admin.site.urls),
]
