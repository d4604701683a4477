"""Addresses of the application."""

from django.urls import path

from labelling.views import apply, claims, decide, files, places, review, specifications, steps

urlpatterns = [
    # The structure's side
    path("candidater/", apply.apply, name="apply"),
    path("candidater/compte/", apply.registration_start, name="registration-start"),
    path("candidater/compte/<str:token>/", apply.registration, name="registration"),
    path("candidater/structure/", claims.claim_search, name="claim-search"),
    path("candidater/structure/<int:line>/", claims.claim, name="claim"),
    path("candidater/structure/<int:line>/code/", claims.claim_code, name="claim-code"),
    path("structures/acces-promis/", claims.accept_access, name="access-accept"),
    path("structures/<int:pk>/acces/", claims.structure_access, name="structure-access"),
    path("structures/<int:pk>/candidature/", files.application_start, name="application-start"),
    # Files: one address for both sides
    path("dossiers/", files.applications, name="applications"),
    path("dossiers/revendications/", claims.claims, name="claims"),
    path("dossiers/<str:number>/", files.application, name="application"),
    path("dossiers/<str:number>/accuse.pdf", files.application_receipt, name="application-receipt"),
    path("dossiers/<str:number>/desistement/", files.application_abandon, name="application-abandon"),
    # The agents' side, and the decision
    path("dossiers/<str:number>/actes/<slug:action>/", review.act, name="application-act"),
    path("dossiers/<str:number>/decision/", decide.decision_letter, name="decision-letter"),
    path("dossiers/<str:number>/decision.pdf", decide.decision_pdf, name="application-decision-pdf"),
    path("dossiers/<str:number>/<slug:step>/", steps.application_step, name="application-step"),
    path("dossiers/<str:number>/<slug:step>/brouillon/", steps.application_autosave, name="application-autosave"),
    # Public
    path("lieux/", places.places, name="places"),
    path("lieux/<str:number>/", places.place, name="place"),
    path("cahier-des-charges/", specifications.specification, name="specification"),
    path("cahier-des-charges/<str:version>/", specifications.specification, name="specification-version"),
]
