"""Every page once in a real browser: no serious fault for axe, a silent console, nothing wider than a telephone."""

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.test_permissions import ROLES, TABLE
from tests.worlds import build_world

pytestmark = pytest.mark.browser
NOT_PAGES = {
    "commune-search",  # a fragment for htmx
    "presence",  # a fragment for htmx
    "evidence-file",
    "opinion-piece",
    "opinion-link-piece",
    "logout",
    "application-receipt",
    "application-pdf",
    "additionality",
    "label-certificate",
    "label-plaque",
    "label-suspension-pdf",
    "label-lifting-pdf",
    "appeal-answer-pdf",
    "agents-example",
    "blank-form",
    "evidence-template",
    "visit-piece",
    "label-ending-pdf",
    "application-decision-pdf",
    "decision-pdf",
    "former-decision-pdf",
    "paper-printable",
    "paper-scan",
    "edition-file",
    "api-root",
    "api-datasets",
    "api-dataset",
    "api-records",
    "api-export",
    "api-schema",
    # Swagger's own interface, served as it is.
    "api-docs",
}
PREFERRED = ("titulaire", "ars_signe", "national", "anonyme", "avis")
AGENTS_TOO = [(name, "ars_signe") for name in ("applications", "application", "account")]
"""Pages of a structure under addresses that agents share."""
REFUSED = {"steering": "titulaire", "decision": "ars_ailleurs"}


@pytest.fixture
def world(committed_db):
    return build_world()


def _cookie(user, server):
    session = SessionStore()
    device, _ = TOTPDevice.objects.get_or_create(user=user, name="essai", confirmed=True)
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return {"name": "sessionid", "value": session.session_key, "url": server.url}


def test_every_page_is_accessible(world, live_server, chromium, axe_violations):
    people, arguments = world
    roles = ROLES.split()
    walks = {role: [] for role in roles}
    for name, row in TABLE.items():
        if name in NOT_PAGES:
            continue
        role = next((role for role in PREFERRED if row[roles.index(role)] == "2"), None)
        if role:
            walks[role].append(name)
    for name, role in [*REFUSED.items(), *AGENTS_TOO]:
        walks[role].append(name)
    wrong, seen = [], 0
    for role, names in walks.items():
        context = chromium.new_context(base_url=live_server.url, locale="fr-FR", reduced_motion="reduce")
        if people[role]:
            context.add_cookies([_cookie(people[role], live_server)])
        page = context.new_page()
        errors = []
        page.on("console", lambda message, errors=errors: message.type == "error" and errors.append(message.text))
        for name in names:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(reverse(name, kwargs=arguments.get(name)))
            wrong += [f"{role}, {name}: {violation}" for violation in axe_violations(page)]
            page.set_viewport_size({"width": 390, "height": 844})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wrong.append(f"{role}, {name}: wider than a telephone")
            wrong += [f"{role}, {name}: {error}" for error in errors if "status of 40" not in error]
            errors.clear()
            seen += 1
        context.close()
    assert not wrong, "\n".join(wrong)
    assert seen > 40
