"""Every address × every role, against a table typed by hand (DESIGN §4.18).

The world: département 98 (inside) of région R1 and département 97 (outside) of région R2; in 98 a draft, a file under
review, a file at the signature, a labelled one; a grant proposed on its envelope. 404: out of scope, or nothing there;
403: in scope, not allowed; 302: to sign in, or on to the right page; 405: the address only answers to POST.
"""

import re
from datetime import date

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from funding.choices import GrantState
from funding.models import BudgetLine, Envelope, Grant
from indicators.services.editions import compute_edition
from labelling.choices import ApplicationState, MembershipRole
from labelling.models import Label
from labelling.services.decisions import store_act
from territories.choices import AuthorityKind, Capacity, DecisionKind, Role
from territories.models import Decision, Mandate
from territories.services.decisions import propose_decision, sign_decision
from tests import factories as make

ROLES = "anonyme titulaire rédacteur autre_structure ars ars_ailleurs préf préf_ailleurs observateur avis ars_signe préfet_signe national"
# Columns in the order of ROLES; « 2 » 200, « 3 » 302, « 4 » 404, « x » 403, « m » 405, « g » 410.
PUBLIC = "2222222222222"
SIGNED_IN = "3222222222222"
POST_ONLY = "3mmmmmmmmmmmm"
READ_ANYWHERE = "3xxx222222222"  # a mandate of any kind, over its own territory
TABLE = {
    # territories
    "login": "2333333333333",
    "login-code": "3333333333333",
    "logout": "mmmmmmmmmmmmm",
    "password-reset": PUBLIC,
    "password-reset-sent": PUBLIC,
    "password-reset-done": PUBLIC,
    "password-reset-confirm": PUBLIC,
    "password-change": SIGNED_IN,
    "second-factor": SIGNED_IN,
    "invitation": "4444444444444",
    "mandates": SIGNED_IN,
    "invite": "3444xxxxxx222",
    "parapheur": "3444xxxxxx22x",
    "parapheur-selection": "3444xxxxxx22x",
    "parapheur-outcome": "3444xxxxxx22x",
    "decision": "3444x4x4xx22x",
    "decision-pdf": "3444444444444",
    "decision-decline": "3444x4x4xx22x",
    "commune-search": PUBLIC,
    "accessibility": PUBLIC,
    "legal": PUBLIC,
    "privacy": PUBLIC,
    # labelling
    "apply": PUBLIC,
    "registration-start": "2333333333333",
    "registration": "ggggggggggggg",
    "claim-search": PUBLIC,
    "claim": SIGNED_IN,
    "claim-code": "3333333333333",
    "access-accept": POST_ONLY,
    "structure-access": "3224x4x4xxxxx",
    "application-start": POST_ONLY,
    "applications": SIGNED_IN,
    "claims": "34442222xx22x",
    "application": "3224242422222",
    "application-receipt": "3224242422222",
    "application-abandon": "32x4x4x4xxxxx",
    "application-act": POST_ONLY,
    "decision-letter": "3224242422222",
    "application-decision-pdf": "3xx4242422222",
    "application-step": "3224444444444",
    "application-finding": POST_ONLY,
    "places": PUBLIC,
    "place": PUBLIC,
    "specification": PUBLIC,
    "specification-version": PUBLIC,
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
    inside, outside = make.departement(), make.departement("97", "Valfictie", region="R2")
    home = make.structure()
    owner, editor = make.membership(home), make.membership(home, role=MembershipRole.EDITOR)
    mandates = {
        "ars": make.mandate(AuthorityKind.ARS),
        "ars_ailleurs": make.mandate(AuthorityKind.ARS, on=outside),
        "préf": make.mandate(AuthorityKind.PREFECTURE),
        "préf_ailleurs": make.mandate(AuthorityKind.PREFECTURE, on=outside),
        "observateur": make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER),
        "avis": make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER),
        "ars_signe": make.mandate(AuthorityKind.ARS, signs=True),
        "préfet_signe": make.mandate(AuthorityKind.PREFECTURE, signs=True),
        "national": make.mandate(AuthorityKind.NATIONAL),
    }
    people = {role: mandate.user for role, mandate in mandates.items()} | {
        "anonyme": None,
        "titulaire": owner.user,
        "rédacteur": editor.user,
        "autre_structure": make.membership().user,
    }
    make.quota()
    files = _files(inside, home, mandates)
    label = files["label"]
    envelope = Envelope.objects.create(line=BudgetLine.objects.get(code="fir"), year=2026, departement=inside, ceiling=100_000)
    grant = Grant.objects.create(
        label=label, envelope=envelope, amount=40_000, purpose="essai", proposed_at=make.NOW, state=GrantState.PROPOSED
    )
    edition = compute_edition(quarter="2026T4", at=timezone.now()).edition
    arguments = {
        "password-reset-confirm": {"uidb64": "xx", "token": "xx-xx"},
        "invitation": {"token": "inconnue"},
        "registration": {"token": "inconnue"},
        "decision": {"pk": files["awaiting"].pk},
        "decision-pdf": {"pk": files["awaiting"].pk},
        "decision-decline": {"pk": files["awaiting"].pk},
        "claim": {"line": make.register_line().pk},
        "claim-code": {"line": make.register_line().pk},
        "structure-access": {"pk": home.pk},
        "application-start": {"pk": home.pk},
        "application": {"number": files["reviewed"].number},
        "application-receipt": {"number": files["reviewed"].number},
        "application-abandon": {"number": files["reviewed"].number},
        "application-act": {"number": files["reviewed"].number, "action": "prendre-en-charge"},
        "decision-letter": {"number": label.application.number},
        "application-decision-pdf": {"number": label.application.number},
        "application-step": {"number": files["draft"].number, "step": "horaires"},
        "application-finding": {"number": files["draft"].number, "step": "horaires"},
        "place": {"number": label.number},
        "specification-version": {"version": "1.0"},
        "envelope": {"pk": envelope.pk},
        "grant": {"pk": grant.pk},
        "grant-new": {"number": label.number},
        "territory": {"code": "98"},
        "steering-departement": {"code": "98"},
        "edition": {"pk": edition.pk},
        "edition-file": {"pk": edition.pk, "name": edition.files.first().name},
        "edition-act": {"pk": edition.pk, "action": "check"},
        "dataset": {"slug": "structures-labellisees"},
        "api-dataset": {"slug": "structures-labellisees"},
        "api-records": {"slug": "structures-labellisees"},
        "api-export": {"slug": "structures-labellisees", "format_fichier": "csv"},
    }
    return people, arguments


def _files(inside, home, mandates):
    """The four files of the inside département; three belong to the home structure's people."""
    reviewed = make.application(home, state=ApplicationState.UNDER_REVIEW)
    # One open file per structure: the draft and the labelled file are those of other structures of the same people.
    draft = make.application(_sibling(home))
    waiting = make.application(make.structure(), state=ApplicationState.UNDER_REVIEW)
    awaiting = _decide(waiting, inside)
    type(waiting).objects.filter(pk=waiting.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=awaiting)
    done = make.application(_sibling(home), state=ApplicationState.UNDER_REVIEW)
    signed = _decide(done, inside)
    type(done).objects.filter(pk=done.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=signed)
    for role in ("ars_signe", "préfet_signe"):
        sign_decision(decision=signed, mandate=mandates[role], content_hash=signed.content_hash, at=timezone.now())
    label = Label.objects.get(application=done)
    store_act(decision=label.decision)
    Label.objects.filter(pk=label.pk).update(notified_at=timezone.now())
    return {"reviewed": reviewed, "draft": draft, "awaiting": awaiting, "label": label}


def _sibling(home):
    other = make.structure()
    for membership in home.memberships.all():
        make.membership(other, membership.user, MembershipRole(membership.role))
    return other


def _decide(application, inside) -> Decision:
    return propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type="application",
        subject_id=application.pk,
        departement=inside,
        title="essai",
        content={
            "title": "essai",
            "visas": [],
            "reasons": [],
            "criteria": [],
            "articles": ["Le label est accordé."],
            "authorities": [],
            "remedies": {"months": 2, "court": ""},
        },
        mandate=None,
        at=timezone.now(),
        required=[Capacity.ARS, Capacity.PREFET],
    )


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
    "application-act": {"ars", "préf", "ars_signe", "préfet_signe"},
    "edition-act": {"national"},
    "application-finding": {"titulaire", "rédacteur"},
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
        status = client.post(reverse(name, kwargs=arguments[name]), posted).status_code
        if people[role] is None:
            assert status == 302
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
    assert "n’est plus en vigueur" in refused.text
    client.post(address, {"mandate": still.pk, "version": waiting.version})
    waiting.refresh_from_db()
    assert waiting.state == ApplicationState.UNDER_REVIEW
