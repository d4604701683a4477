"""Addresses of the application."""

from django.urls import path

from funding import views

urlpatterns = [
    path("financements/", views.funding, name="funding"),
    path("financements/enveloppes/<int:pk>/", views.envelope, name="envelope"),
    path("financements/attributions/<int:pk>/", views.grant, name="grant"),
    path("financements/labels/<str:number>/attribuer/", views.grant_new, name="grant-new"),
]
