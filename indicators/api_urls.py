"""Addresses of the API, under ``/api/v1/``."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from indicators.api import ApiRootView, DatasetsView, DatasetView, ExportView, RecordsView

urlpatterns = [
    path("", ApiRootView.as_view(), name="api-root"),
    path("datasets/", DatasetsView.as_view(), name="api-datasets"),
    path("datasets/<slug:slug>/", DatasetView.as_view(), name="api-dataset"),
    path("datasets/<slug:slug>/records/", RecordsView.as_view(), name="api-records"),
    path("datasets/<slug:slug>/exports/<slug:format_fichier>", ExportView.as_view(), name="api-export"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api-schema", template_name="indicators/api_console.html"),
        name="api-docs",
    ),
]
