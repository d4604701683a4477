"""Steering by HTTP: who sees which départements, what the figures are, and how many queries they take."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from funding.choices import Origin
from funding.models import BudgetLine, Envelope
from labelling.choices import ApplicationState as State
from labelling.choices import Route
from labelling.models import Application, Label
from territories.choices import AuthorityKind, DecisionKind, Role, Subject
from territories.models import Signature
from territories.services.decisions import propose_decision
from territories.services.events import record_event
from tests import factories as make
from tests.indicators.worlds import label, noon, signatories

pytestmark = pytest.mark.django_db


@pytest.fixture
def country(now):
    """Essonnie and Valfictie in one région, Ébauche in another."""
    essonnie, valfictie = make.departement(), make.departement("99", "Valfictie")
    ebauche = make.departement("97", "Ébauche", region="R2")
    make.quota(essonnie, floor=3, target=5)
    make.quota(valfictie, floor=0, target=1, used=1, reserved=1)
    label(valfictie, start=date(2026, 10, 1))
    return essonnie, valfictie, ebauche


def file(on, state=State.SUBMITTED, **fields):
    number = f"{on.code}{len(fields) + 1:03d}"
    return make.application(make.structure(make.register_line(make.commune(number, in_=on))), state=state, **fields)


def at_signature(on, *, since, signed_by=()):
    """A file at the signature since a day, with the signatures of some capacities."""
    found = file(on, State.UNDER_REVIEW, shared_at=noon(since), endorsed_at=noon(since))
    decision = propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=found.pk,
        departement=on,
        title="Essai",
        content={"title": "Essai"},
        mandate=None,
        at=noon(since),
    )
    for mandate in signatories(on):
        if mandate.capacity in signed_by:
            Signature.objects.create(
                decision=decision,
                capacity=mandate.capacity,
                user=mandate.user,
                mandate=mandate,
                content_hash=decision.content_hash,
                signatory_name="essai",
                signatory_title="essai",
                signed_at=noon(since),
            )
    found.state, found.decision = State.AWAITING_SIGNATURES, decision
    found.save()
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=found.pk,
        action="propose",
        actor=None,
        at=noon(since),
        to_state=State.AWAITING_SIGNATURES,
    )
    return found


def page(client, mandate, address=""):
    client.force_login(mandate.user)
    response = client.get(f"{reverse('steering')}{address}")
    assert response.status_code == 200
    return response


def codes(response):
    return [row.departement.code for row in response.context["rows"]]


def test_each_mandate_sees_its_territory(client, country):
    essonnie, _, ebauche = country
    assert codes(page(client, make.mandate(AuthorityKind.NATIONAL))) == ["98", "97", "99"]
    assert set(codes(page(client, make.mandate(AuthorityKind.ARS, on=essonnie)))) == {"98", "99"}
    assert codes(page(client, make.mandate(AuthorityKind.PREFECTURE, on=ebauche))) == ["97"]
    observer = make.mandate(AuthorityKind.CAISSE, on=ebauche, role=Role.OBSERVER)
    assert codes(page(client, observer)) == ["97"]
    assert client.get(reverse("steering-departement", args=["97"])).status_code == 200
    assert client.get(reverse("steering-departement", args=["98"])).status_code == 404
    assert client.get(reverse("steering-departement", args=["00"])).status_code == 404


def test_without_a_mandate_steering_is_refused(client, country):
    client.force_login(make.membership().user)
    assert client.get(reverse("steering")).status_code == 403
    assert client.get(reverse("steering-departement", args=["98"])).status_code == 403
    client.logout()
    assert client.get(reverse("steering")).status_code == 302


def test_the_figures_of_a_row(client, country, now):
    essonnie = country[0]
    file(essonnie, silence_date=date(2026, 12, 1))
    file(essonnie, State.UNDER_REVIEW)
    at_signature(essonnie, since=date(2026, 10, 1), signed_by=["ars"])
    make.application(make.structure(make.register_line(make.commune("98050", in_=essonnie))))  # a draft
    line = BudgetLine.objects.filter(origin=Origin.NEW).order_by("pk").first()
    Envelope.objects.create(
        line=line, year=2026, departement=essonnie, ceiling=Decimal(600_000), committed=Decimal(50_000)
    )
    Envelope.objects.create(line=line, year=2025, departement=essonnie, ceiling=Decimal(9))
    response = page(client, make.mandate(AuthorityKind.NATIONAL))
    row = next(row for row in response.context["rows"] if row.departement == essonnie)
    assert (row.labels, row.floor, row.target, row.below_floor) == (0, 3, 5, 3)
    assert list(row.files.values()) == [1, 1, 1, 0]
    assert row.in_progress == 3
    assert row.soon == 1
    assert (row.bottleneck.stage.key, row.bottleneck.files, row.bottleneck.median_days) == ("signature-prefet", 1, 52)
    assert row.late_signature
    assert (row.new.committed, row.new.ceiling) == (50_000, 600_000)
    assert row.reallocated.ceiling == 0
    html = response.content.decode()
    assert "1 sous le plancher" in html
    assert "dans 1 d’entre eux" in html


def test_every_number_of_files_is_the_length_of_the_list_behind_it(client, country):
    essonnie = country[0]
    file(essonnie)
    file(essonnie, State.UNDER_REVIEW)
    file(essonnie, State.UNDER_REVIEW, waiting_since=noon(date(2026, 11, 1)))
    response = page(client, make.mandate(AuthorityKind.ARS, on=essonnie))
    row = next(row for row in response.context["rows"] if row.departement == essonnie)
    for state, count in row.files.items():
        listed = client.get(reverse("applications"), {"vue": "tous", "etat": state, "dep": "98"})
        assert listed.context["page"].paginator.count == count


def test_views_sorts_and_export_hold_the_same_rows(client, country):
    essonnie = country[0]
    file(essonnie, silence_date=date(2026, 12, 1))
    national = make.mandate(AuthorityKind.NATIONAL)
    assert codes(page(client, national, "?vue=plancher")) == ["98"]
    assert codes(page(client, national, "?vue=silence")) == ["98"]
    assert codes(page(client, national, "?vue=sans-dossier")) == ["97", "99"]
    assert codes(page(client, national, "?tri=code")) == ["97", "98", "99"]
    assert codes(page(client, national, "?vue=inconnue&tri=inconnu")) == ["98", "97", "99"]
    export = page(client, national, "?vue=sans-dossier&tri=code&export=csv")
    rows = list(csv.DictReader(io.StringIO(export.content.decode("utf-8-sig")), delimiter=";"))
    assert [row["Code"] for row in rows] == ["97", "99"]
    assert rows[0]["Cible"] == "ND"
    assert rows[1]["Labels"] == "1"
    views = {name: count for name, _, count, _ in page(client, national).context["views"]}
    assert views == {"plancher": 1, "signature": 0, "silence": 1, "sans-dossier": 2, "tous": 3}


def test_totals_by_region(client, country):
    response = page(client, make.mandate(AuthorityKind.NATIONAL))
    totals = [(total.region.code, len(total.rows), total.labels, total.target) for total in response.context["regions"]]
    assert totals == [("R1", 2, 1, 6), ("R2", 1, 0, 0)]


def queries_of(client):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse("steering")).status_code == 200
    return len(queries)


def test_the_number_of_queries_does_not_grow(client, country):
    page(client, make.mandate(AuthorityKind.NATIONAL))
    few = queries_of(client)
    for number in range(10, 20):
        territory = make.departement(f"9{number}", f"Ébauche {number}", region=f"E{number % 10}")
        make.quota(territory, floor=1, target=2)
        make.application(
            make.structure(make.register_line(make.commune(f"9{number}1", in_=territory))), state=State.SUBMITTED
        )
    assert queries_of(client) == few


def test_the_page_of_a_departement(client, country):
    essonnie, valfictie, _ = country
    waiting = at_signature(valfictie, since=date(2026, 11, 15), signed_by=["prefet"])
    submitted = file(valfictie)
    client.force_login(make.mandate(AuthorityKind.PREFECTURE, on=valfictie).user)
    response = client.get(reverse("steering-departement", args=["99"]))
    groups = [(stage.key, [one.number for one, _ in files]) for stage, files in response.context["groups"]]
    assert groups == [("a-prendre", [submitted.number]), ("signature-ars", [waiting.number])]
    bar = response.context["bar"]
    assert (bar["used"], bar["reserved"], bar["in_progress"]) == (1, 1, 1)
    assert sum(part["width"] for part in bar["parts"]) == bar["width"]
    (_, path), (_, accelerated) = response.context["paths"]
    assert accelerated.received == 0
    assert (path.received, path.at_signature, path.labelled, path.median_days) == (3, 2, 1, 30)
    html = response.content.decode()
    assert waiting.number in html
    assert "non calculé" in html
    assert essonnie.name not in html


def test_signed_but_not_read_is_counted_apart(client, country):
    valfictie = country[1]
    label(valfictie, start=date(2026, 11, 20), notified=False)
    client.force_login(make.mandate(AuthorityKind.PREFECTURE, on=valfictie).user)
    response = client.get(reverse("steering-departement", args=["99"]))
    assert (response.context["labels"], response.context["to_notify"]) == (1, 1)


def test_the_accelerated_route_is_counted_apart_and_each_number_is_its_rows(client, country):
    essonnie = country[0]
    for _ in range(2):
        quick = label(essonnie, start=date(2026, 10, 1))
        Application.objects.filter(pk=quick.application_id).update(route=Route.ACCELERATED, wave=make.wave())
    label(essonnie, start=date(2026, 10, 2))
    for row in Label.objects.all():
        record_event(
            subject_type=Subject.LABEL, subject_id=row.pk, action="publish", actor=None, at=noon(date(2026, 10, 3))
        )
    response = page(client, make.mandate(AuthorityKind.NATIONAL))
    rows = {row.departement.code: row.routes for row in response.context["rows"]}
    assert rows == {
        "98": {"candidature": 1, "accelerated": 2},
        "99": {"candidature": 1, "accelerated": 0},
        "97": {"candidature": 0, "accelerated": 0},
    }
    assert response.context["routes"] == {"candidature": 2, "accelerated": 2}
    assert [total.routes for total in response.context["regions"]] == [
        {"candidature": 2, "accelerated": 2},
        {"candidature": 0, "accelerated": 0},
    ]
    for address, count in [("voie=accelerated&dep=98", 2), ("voie=candidature&dep=98", 1), ("voie=accelerated", 2)]:
        assert f"{reverse('labels')}?{address.replace('&', '&amp;')}" in response.text
        listed = client.get(f"{reverse('labels')}?{address}")
        assert listed.context["page"].paginator.count == count
        rows = client.get(f"{reverse('labels')}?{address}&format=csv").text.splitlines()
        assert len(rows) == count + 1
    sheet = page(client, make.mandate(AuthorityKind.NATIONAL), "?tri=code&export=csv").content.decode("utf-8-sig")
    exported = {row["Code"]: row for row in csv.DictReader(io.StringIO(sheet), delimiter=";")}
    assert (exported["98"]["dont candidature"], exported["98"]["dont voie accélérée"]) == ("1", "2")
    path = client.get(reverse("steering-departement", args=["98"])).context["paths"]
    assert [(route.value, one.received, one.labelled) for route, one in path] == [
        ("candidature", 1, 1),
        ("accelerated", 2, 2),
    ]
    wave = client.get(reverse("wave", args=[make.wave().number]))
    (share,) = [one for one in wave.context["shares"] if one.departement == essonnie]
    assert share.routes == {"candidature": 1, "accelerated": 2}
    for route, count in share.routes.items():
        asked = {"vue": "tous", "etat": "labelled", "dep": "98", "vague": make.wave().number, "voie": route}
        assert client.get(reverse("applications"), asked).context["page"].paginator.count == count


def test_open_data_tells_the_route_of_each_label(client, country):
    essonnie = country[0]
    quick = label(essonnie, start=date(2026, 10, 1))
    Application.objects.filter(pk=quick.application_id).update(route=Route.ACCELERATED)
    Label.objects.filter(pk=quick.pk).update(wave=make.wave())
    places = client.get("/api/v1/datasets/structures-labellisees/records/?select=code_label,voie").json()["results"]
    assert {row["code_label"]: row["voie"] for row in places}[quick.number] == "labellisation accélérée"
    waves = client.get("/api/v1/datasets/vagues-et-quotas/records/?code_departement=98").json()["results"]
    assert [(row["labels_notifies"], row["labels_candidature"], row["labels_acceleres"]) for row in waves] == [
        (1, 0, 1)
    ]
