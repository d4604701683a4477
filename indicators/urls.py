"""Addresses of the application."""

from django.urls import path

from indicators.views import account, data, editions, home, mails, steering, territories

urlpatterns = [
    path("", home.home, name="home"),
    path("territoires/", territories.territories, name="territories"),
    path("territoires/<slug:code>/", territories.territory, name="territory"),
    path("compte/", account.account, name="account"),
    path("pilotage/", steering.steering, name="steering"),
    path("pilotage/courriels/", mails.mails, name="mails"),
    path("pilotage/courriels/<slug:app>/<slug:name>/", mails.mail_edit, name="mail-edit"),
    path("pilotage/courriels/<slug:app>/<slug:name>/apercu/", mails.mail_preview, name="mail-preview"),
    path("pilotage/<slug:code>/", steering.departement, name="steering-departement"),
    path("indicateurs/", editions.indicators, name="indicators"),
    path("indicateurs/editions/<int:pk>/", editions.edition, name="edition"),
    path("indicateurs/editions/<int:pk>/fichiers/<str:name>", editions.edition_file, name="edition-file"),
    path("indicateurs/editions/<int:pk>/<slug:action>/", editions.edition_act, name="edition-act"),
    path("donnees/", data.datasets, name="datasets"),
    path("donnees/<slug:slug>/", data.dataset, name="dataset"),
]
