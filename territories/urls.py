"""Addresses of the application."""

from django.urls import path

from territories.views import (
    accounts,
    agents,
    invitations,
    mandates,
    pages,
    paper,
    parapheur,
    places,
    second_factor,
    selections,
)

urlpatterns = [
    # Sign-in and account
    path("connexion/", accounts.sign_in, name="login"),
    path("connexion/code/", second_factor.sign_in_code, name="login-code"),
    path("deconnexion/", accounts.sign_out, name="logout"),
    path("connexion/saisie/", accounts.lost_post_forget, name="lost-post-forget"),
    path("mot-de-passe/oubli/", accounts.password_reset, name="password-reset"),
    path("mot-de-passe/oubli/envoi/", accounts.password_reset_sent, name="password-reset-sent"),
    path("mot-de-passe/nouveau/fait/", accounts.password_reset_done, name="password-reset-done"),
    path("mot-de-passe/nouveau/<uidb64>/<token>/", accounts.password_reset_confirm, name="password-reset-confirm"),
    path("compte/mot-de-passe/", accounts.password_change, name="password-change"),
    path("compte/second-facteur/", second_factor.second_factor, name="second-factor"),
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
    # Mandates
    path("compte/habilitations/", mandates.mandates, name="mandates"),
    path("compte/habilitations/inviter/", mandates.invite_person, name="invite"),
    path("compte/habilitations/importer/", agents.agents_import, name="agents-import"),
    path("compte/habilitations/importer/exemple.csv", agents.agents_example, name="agents-example"),
    # Parapheur
    path("compte/parapheur/", parapheur.parapheur, name="parapheur"),
    path("compte/parapheur/selection/", selections.selection, name="parapheur-selection"),
    path("compte/parapheur/selection/<int:run>/", selections.selection_run, name="parapheur-run"),
    path("compte/parapheur/<int:pk>/", parapheur.decision, name="decision"),
    path("compte/parapheur/<int:pk>/acte.pdf", parapheur.decision_pdf, name="decision-pdf"),
    path("compte/parapheur/<int:pk>/ne-pas-signer/", parapheur.decline, name="decision-decline"),
    path("compte/parapheur/<int:pk>/original.pdf", paper.printable, name="paper-printable"),
    path("compte/parapheur/<int:pk>/papier/", paper.paper, name="paper"),
    path("compte/parapheur/<int:pk>/papier/<int:original>/", paper.paper_original, name="paper-original"),
    path("compte/parapheur/<int:pk>/papier/<int:original>/scan.pdf", paper.paper_scan, name="paper-scan"),
    path("compte/parapheur/<int:pk>/papier/<int:original>/ecarter/", paper.paper_reject, name="paper-reject"),
    # Places
    path("territoires/recherche/", places.commune_search, name="commune-search"),
    # Standing pages
    path("favicon.ico", pages.favicon, name="favicon"),
    path("accessibilite/", pages.accessibility, name="accessibility"),
    path("mentions-legales/", pages.legal, name="legal"),
    path("donnees-personnelles/", pages.privacy, name="privacy"),
]
