"""Every address × every role, against a table typed by hand (DESIGN §4.18).

The world: département 98 (inside) of région R1 and département 97 (outside) of région R2; in 98 a draft, a file under
review, a file at the signature, a labelled one; a grant proposed on its envelope. 404: out of scope, or nothing there;
403: in scope, not allowed; 302: to sign in, or on to the right page; 405: the address only answers to POST.
"""

import re
from datetime import date, timedelta

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from labelling.choices import ApplicationState
from territories.choices import AuthorityKind
from territories.models import Mandate
from tests import factories as make
from tests.worlds import build_world

ROLES = "anonyme titulaire rédacteur autre_structure ars ars_ailleurs préf préf_ailleurs observateur avis ars_signe préfet_signe national"
# Columns in the order of ROLES; « 2 » 200, « 3 » 302, « 4 » 404, « x » 403, « m » 405, « g » 410.
PUBLIC = "2222222222222"
SIGNED_IN = "3222222222222"
POST_ONLY = "3mmmmmmmmmmmm"
LEADS_BACK = "3333333333333"  # only posted to; opened by itself, it leads to its page, which keeps its own scope
READ_ANYWHERE = "3xxx222222222"  # a mandate of any kind, over its own territory
NATIONAL = "3xxxxxxxxxxx2"
TABLE = {
    # territories
    "login": "2333333333333",
    "login-code": "3333333333333",
    "logout": "mmmmmmmmmmmmm",
    "lost-post-forget": POST_ONLY,
    "password-reset": PUBLIC,
    "password-reset-sent": PUBLIC,
    "password-reset-done": PUBLIC,
    "password-reset-confirm": PUBLIC,
    "password-change": SIGNED_IN,
    "second-factor": SIGNED_IN,
    "invitation": "4444444444444",
    "mandates": SIGNED_IN,
    "invite": "3444xxxxxx222",
    "agents-import": "3444xxxxxx222",
    "agents-example": "3444xxxxxx222",
    "parapheur": "3444xxxxxx22x",
    "parapheur-selection": "3444xxxxxx22x",
    "parapheur-run": "3444xxxxxx24x",
    "decision": "3444x4x4xx22x",
    "decision-pdf": "3444444444444",
    "decision-decline": "3444x4x4xx22x",
    "paper": "34442424xx22x",
    "paper-printable": "34442424xx22x",
    "paper-original": "34442444xx24x",
    "paper-scan": "34442444xx24x",
    "paper-reject": POST_ONLY,
    "commune-search": PUBLIC,
    "favicon": LEADS_BACK,
    "accessibility": PUBLIC,
    "legal": PUBLIC,
    "privacy": PUBLIC,
    # labelling
    "apply": PUBLIC,
    "registration-start": "2333333333333",
    "registration": "ggggggggggggg",
    "claim-search": PUBLIC,
    "claim": SIGNED_IN,
    "claim-siret": SIGNED_IN,
    "claim-code": "3333333333333",
    "structure-access": "3224x4x4xxxxx",
    "application-start": POST_ONLY,
    "applications": SIGNED_IN,
    "claims": "34442222xx22x",
    "prospects": "34442222xx22x",
    "prospect": "34442424xx22x",
    "structure-invitation": "4444444444444",
    "structure-welcome": "3333333333333",
    "application-confirm": "3224444444444",
    "saved-view-add": POST_ONLY,
    "saved-view-delete": POST_ONLY,
    "bulk": "34443333xx33x",
    "bulk-runs": "34442222xx22x",
    "bulk-run": "34442444xx44x",
    "digest": "34442222xx22x",
    "tags": "34442222xx22x",
    "fields": "34442222xx22x",
    "application": "3224242422222",
    "application-receipt": "3224242422222",
    "application-pdf": "3224x4x4xxxxx",
    "application-abandon": "32x4x4x4xxxxx",
    "application-requests": "3224x4x4xxxxx",
    "application-request": "3224x4x4xxxxx",
    "application-questions": "3xx42424xx22x",
    "application-changes": "32242424xx222",
    "application-correct": "3xx42424xx22x",
    "application-act": LEADS_BACK,
    "evidence-list": "32242424xx222",
    "evidence-file": "32242424xx222",
    "evidence-remove": "3224x4x4xxxxx",
    "thread": "32242424xx222",
    "thread-read": LEADS_BACK,
    "opinion-ask": "3xx42424xx22x",
    "opinions": "3xxxxxxxx2xxx",
    "opinion": "3444444442444",
    "opinion-piece": "3444444442444",
    "opinion-revoke": "3334343433333",
    "opinion-link": PUBLIC,
    "opinion-link-piece": PUBLIC,
    "bodies": "3xxx2222xx22x",
    "interest": LEADS_BACK,
    "note": LEADS_BACK,
    "application-tag": LEADS_BACK,
    "application-fields": LEADS_BACK,
    "application-follow": LEADS_BACK,
    "presence": "3xx42424xx222",
    "surroundings": "3xx42424xx222",
    "decision-letter": "3224242422222",
    "application-decision-pdf": "3xx42424xx222",
    "former-decision": "3224242422222",
    "former-decision-pdf": "3xx42424xx222",
    "disagreement": "3xx42424xx222",
    "disagreement-act": LEADS_BACK,
    "draft-additions": "3xx42424xx22x",
    "templates": "3xxxxxxxxxxx2",
    "template-edit": "3xxxxxxxxxxx2",
    "template-preview": POST_ONLY,
    "retention": NATIONAL,
    "suspension-grounds": NATIONAL,
    "application-close": "3xx42424xx22x",
    "appeals": "32242424xx222",
    "appeal-act": LEADS_BACK,
    "appeal-answer": "32242424xx222",
    "appeal-answer-pdf": "32242424xx222",
    "application-step": "3224444444444",
    "application-autosave": "mmmmmmmmmmmmm",
    "labels": READ_ANYWHERE,
    "label": "3224242422222",
    "label-certificate": "3224242422222",
    "label-plaque": "3224242422222",
    "label-end": "3xx42424xx22x",
    "label-amend": "3xx42424xx22x",
    "label-attestation": "3224x4x4xxxxx",
    "late-attestations": READ_ANYWHERE,
    "register-alerts": "3xxx2222xx222",
    "label-alerts": "3xx42424xx222",
    "label-baseline": "3224x4x4xxxxx",
    "additionality": "3xxx2222xx222",
    "visit-new": "3xx42424xx22x",
    "visit": "34442424xx222",
    "visits": "3xxx2222xx222",
    "visit-report": "34442424xx22x",
    "visit-pieces": "34442424xx22x",
    "visit-piece": "34442424xx222",
    "visit-act": LEADS_BACK,
    "label-procedure": "32242424xx222",
    "label-to-read": "3334343433333",
    "label-suspend": "3xx42424xx22x",
    "label-suspension": "3224242422222",
    "label-suspension-pdf": "3224242422222",
    "label-lift": "3xx42424xx22x",
    "label-lifting": "3224242422222",
    "label-lifting-pdf": "3224242422222",
    "label-ending": "3224242422222",
    "label-ending-pdf": "3224242422222",
    "label-act": LEADS_BACK,
    "verify": PUBLIC,
    "verify-label": PUBLIC,
    "palette": PUBLIC,
    "offering-new": "3xxx2x2xxx22x",
    "offering": "3xxx2x2xxx22x",
    "community-new": "3xxx2x2xxx22x",
    "community": "3xxx2x2xxx22x",
    "community-action": "3xxx2x2xxx22x",
    "support-requests": "3xxx2222xx222",
    "support-ask": "3xxx2222xx22x",
    "support-request": "3444242444222",
    "help": PUBLIC,
    "help-role": PUBLIC,
    "places": PUBLIC,
    "place": PUBLIC,
    "specification": PUBLIC,
    "specification-version": PUBLIC,
    "evidence-template": "4444444444442",  # of a draft: once published, the public's
    "blank-form": PUBLIC,
    "specification-diff": PUBLIC,
    "specifications": NATIONAL,
    "specification-edit": NATIONAL,
    "criterion-edit": NATIONAL,
    "criterion-template": LEADS_BACK,
    "specification-publish": NATIONAL,
    "specification-trial": NATIONAL,
    "calendar": PUBLIC,
    "calendar-steering": READ_ANYWHERE,
    "wave": READ_ANYWHERE,
    "wave-new": NATIONAL,
    "wave-edit": NATIONAL,
    "wave-open": POST_ONLY,
    "quota-import": NATIONAL,
    "quota-edit": NATIONAL,
    # funding
    "funding": SIGNED_IN,
    "envelope": "3444242422222",
    "grant": "3444242422222",
    "grant-new": "3xx42424xx22x",
    # indicators
    "home": PUBLIC,
    "territories": PUBLIC,
    "territory": PUBLIC,
    "account": SIGNED_IN,
    "steering": READ_ANYWHERE,
    "steering-departement": "3xxx242422222",
    "mails": NATIONAL,
    "mail-edit": NATIONAL,
    "mail-preview": POST_ONLY,
    "indicators": PUBLIC,
    "edition": "4444444444442",
    "edition-file": "4444444444442",
    "edition-act": POST_ONLY,
    "datasets": PUBLIC,
    "dataset": PUBLIC,
    "api-root": PUBLIC,
    "api-datasets": PUBLIC,
    "api-dataset": PUBLIC,
    "api-records": PUBLIC,
    "api-export": PUBLIC,
    "api-schema": PUBLIC,
    "api-docs": PUBLIC,
}
CODES = {"2": 200, "3": 302, "4": 404, "x": 403, "m": 405, "g": 410}


def _names(resolver, prefix=""):
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not route.startswith("admin/"):
                yield from _names(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield pattern.name


def test_every_address_has_a_declared_audience():
    assert set(_names(get_resolver())) == set(TABLE) | {"health"}


@pytest.fixture
def world(db):
    return build_world()


def _close(response):
    """Close a streamed answer as a server would, but for the database connection, which is the test's."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def test_every_page_for_every_role(client, world):
    people, arguments = world
    addresses = {name: reverse(name, kwargs=arguments.get(name)) for name in TABLE}
    wrong = []
    for column, role in enumerate(ROLES.split()):
        client.logout()
        if people[role]:
            client.force_login(people[role])
        for name, address in addresses.items():
            response = client.get(address)
            _close(response)
            status, expected = response.status_code, CODES[TABLE[name][column]]
            if status != expected:
                wrong.append(f"{name} {address}: {role} {status}, expected {expected}")
    assert not wrong, "\n".join(wrong)


# What only answers to POST: nobody but these may.
POSTS = {
    "template-preview": {"national"},
    "mail-preview": {"national"},
    "paper-reject": {"ars", "ars_signe"},
    "disagreement-act": {"ars", "préf", "ars_signe", "préfet_signe"},
    "appeal-act": {"ars", "préf", "ars_signe", "préfet_signe"},
    "application-follow": {"ars", "préf", "ars_signe", "préfet_signe"},
    "application-tag": {"ars", "préf", "ars_signe", "préfet_signe"},
    "application-fields": {"ars", "préf", "ars_signe", "préfet_signe"},
    "application-act": {"ars", "préf", "ars_signe", "préfet_signe"},
    "visit-act": {"ars", "préf", "ars_signe", "préfet_signe"},
    "label-act": {"ars", "préf", "ars_signe", "préfet_signe"},
    "edition-act": {"national"},
    "saved-view-add": set(ROLES.split()) - {"anonyme", "titulaire", "rédacteur", "autre_structure"},
    "saved-view-delete": {"ars"},
    "opinion-revoke": {"ars", "préf", "ars_signe", "préfet_signe"},
    "thread-read": {"titulaire", "rédacteur", "ars", "préf", "ars_signe", "préfet_signe"},
    "wave-open": {"national"},
    "application-autosave": {"titulaire", "rédacteur"},
}


@pytest.mark.parametrize("name", POSTS)
def test_posts_are_for_those_in_charge(client, world, name):
    people, arguments = world
    for role in ROLES.split():
        client.logout()
        if people[role]:
            client.force_login(people[role])
        mandate = Mandate.objects.filter(user=people[role]).first()
        posted = {"version": 1, "mandate": mandate.pk if mandate else ""}
        status = client.post(reverse(name, kwargs=arguments.get(name)), posted).status_code
        if people[role] is None:
            assert status in {302, 401}
        elif role in POSTS[name]:
            assert status in {200, 302, 409}, role
        else:
            assert status in {403, 404}, role


def test_the_admin_needs_staff_and_a_second_factor(client, db):
    clerk = make.user()
    chief = make.user(is_staff=True, is_superuser=True)
    assert client.get("/admin/").status_code == 302
    client.force_login(clerk)
    assert client.get("/admin/").status_code == 302
    client.force_login(chief, verified=False)
    assert client.get("/admin/").status_code == 302
    client.force_login(chief)
    assert client.get("/admin/").status_code == 200


def test_out_of_scope_and_absent_look_the_same(client, world):
    people, arguments = world
    client.force_login(people["ars_ailleurs"])
    hidden = client.get(reverse("application", kwargs=arguments["application"]))
    absent = client.get(reverse("application", kwargs={"number": "FS-98-2026-9999"}))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    strip = re.compile(rb'nonce="[^"]*"|csrfmiddlewaretoken"[^>]*|FS-98-2026-\d+')
    assert strip.sub(b"", hidden.content) == strip.sub(b"", absent.content)


def test_a_mandate_that_ended_yesterday_opens_nothing(client, db):
    ended = make.mandate(AuthorityKind.ARS, valid=make.DateRange(date(2025, 10, 1), timezone.localdate()))
    reviewed = make.application(state=ApplicationState.UNDER_REVIEW)
    client.force_login(ended.user)
    assert client.get(reviewed.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("period", ["ended", "to come"])
def test_an_observer_reads_nothing_outside_their_dates(client, world, period):
    """Every page that an observer reads by their mandate is refused on the day after its last one, and before its first."""
    people, arguments = world
    today = timezone.localdate()
    dates = (date(2025, 10, 1), today) if period == "ended" else (today + timedelta(days=1), None)
    Mandate.objects.filter(user=people["observateur"]).update(valid=make.DateRange(*dates))
    client.force_login(people["observateur"])
    column = ROLES.split().index("observateur")
    read = [name for name in TABLE if TABLE[name][column] == "2" and TABLE[name] not in {PUBLIC, SIGNED_IN}]
    assert len(read) > 15
    opened = []
    for name in read:
        response = client.get(reverse(name, kwargs=arguments.get(name)))
        _close(response)
        if response.status_code not in {403, 404}:
            opened.append((name, response.status_code))
    assert opened == []


def test_a_form_shown_with_a_mandate_no_longer_in_force_is_refused(client, db):
    still = make.mandate(AuthorityKind.ARS)
    ended = make.mandate(
        AuthorityKind.PREFECTURE,
        person=still.user,
        valid=make.DateRange(date(2025, 10, 1), timezone.localdate()),
    )
    waiting = make.application(state=ApplicationState.SUBMITTED)
    client.force_login(still.user)
    address = reverse("application-act", kwargs={"number": waiting.number, "action": "prendre-en-charge"})
    refused = client.post(address, {"mandate": ended.pk, "version": waiting.version})
    waiting.refresh_from_db()
    assert (refused.status_code, waiting.state) == (403, ApplicationState.SUBMITTED)
    assert "a pris fin le" in refused.text
    assert "rechargez" not in refused.text
    client.post(address, {"mandate": still.pk, "version": waiting.version})
    waiting.refresh_from_db()
    assert waiting.state == ApplicationState.UNDER_REVIEW
