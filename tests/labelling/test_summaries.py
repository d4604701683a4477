"""The parapheur at a glance: criteria, differences, place in the wave, deadline, in a constant number of queries."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelling.choices import Verdict
from labelling.models import Application
from territories.choices import AuthorityKind, DecisionKind
from territories.services.decisions import Summary, summaries_of
from tests import factories as make
from tests.labelling.test_decisions import propose, ready
from tests.labelling.test_disagreements import concerted, differ, disagreed, refuse
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def ars():
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet():
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


def _where(decision):
    file = Application.objects.get(pk=decision.subject_id)
    return f"{file.structure.commune.name} · dossier {file.number}"


def test_what_each_decision_says(ars, prefet):
    make.quota(used=12, target=15)
    granted = propose(ready(ars, [Verdict.MET, Verdict.NOT_APPLICABLE]), ars).decision
    denied = propose(ready(ars, [Verdict.NOT_MET]), ars, DecisionKind.LABEL_REFUSED).decision
    torn = disagreed(ars, prefet)
    concerted(torn, ars, prefet, "no_agreement")
    differ(torn, prefet)
    alone = refuse(torn, prefet)
    found = summaries_of([granted, denied, alone], at=NOW)
    assert found[granted.pk] == Summary(
        about=_where(granted),
        criteria="5/5",
        place="vague 4 : 12 labels, cible 15",
        deadline="J-51 · rejet implicite le\u00a012/01/2027",
        due=date(2027, 1, 12),
    )
    assert (found[denied.pk].criteria, found[denied.pk].place) == ("4/5", "")
    assert (found[alone.pk].criteria, found[alone.pk].gaps) == ("4/5", 1)


def test_the_columns_of_the_list(ars, prefet, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    make.quota(used=12, target=15)
    client = PortalClient()
    client.force_login(prefet.user)
    counts = []
    for more in (1, 6):
        for _ in range(more):
            propose(ready(ars), ars)
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/compte/parapheur/").content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "5/5" in page
    assert "vague 4\u00a0: 12 labels, cible 15" in page
    assert "J-51" in page


def test_a_late_file_says_what_happened(ars):
    decision = propose(ready(ars, silence_date=NOW.date() - timedelta(days=2)), ars).decision
    assert "Délai dépassé" in summaries_of([decision], at=NOW)[decision.pk].deadline


def test_two_decisions_are_told_apart_by_commune_and_file(ars, prefet, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    first, second = (propose(ready(ars), ars).decision for _ in range(2))
    client = PortalClient()
    client.force_login(prefet.user)
    addresses = ("/compte/parapheur/", f"/compte/parapheur/selection/?d={first.pk}&d={second.pk}")
    for page in (client.get(address).content.decode() for address in addresses):
        for decision in (first, second):
            assert f'<span class="fs-sub">{_where(decision)}</span>' in page
            assert f"{decision.title}, {_where(decision)}</span>" in page
