"""The page of a decision as its structure reads it: who decided, what is counted, what to do next."""

import pytest
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.choices import Verdict
from labelling.models import Application
from labelling.services import acts
from labelling.views.decide import counted
from territories.choices import AuthorityKind, DecisionKind
from tests import factories as make
from tests.labelling.test_decisions import propose, ready, sign_all
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
MET, NOT_MET, ASIDE = "Rempli", "Non rempli", "Sans objet"


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([NOT_MET] * 2 + [MET] * 4, "2 critères sur 6 ne sont pas remplis ; les autres le sont"),
        ([NOT_MET, MET], "1 critère sur 2 n’est pas rempli ; l’autre l’est"),
        ([NOT_MET, MET, MET, ASIDE], "1 critère sur 4 n’est pas rempli ; 2 le sont, 1 est sans objet"),
        ([NOT_MET, MET, ASIDE, ASIDE], "1 critère sur 4 n’est pas rempli ; 1 l’est, 2 sont sans objet"),
        ([NOT_MET, ASIDE], "1 critère sur 2 n’est pas rempli ; 1 est sans objet"),
        ([NOT_MET] * 3, "3 critères sur 3 ne sont pas remplis"),
    ],
)
def test_what_is_set_aside_is_not_counted_as_met(verdicts, words):
    assert counted(verdicts).replace("\u00a0", " ") == words


@pytest.mark.django_db
def test_a_refusal_names_who_decided_and_leads_to_a_new_file_and_to_support(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    ars, prefet = make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)
    member = make.membership()
    application = ready(ars, [Verdict.NOT_MET, Verdict.NOT_APPLICABLE], of=member.structure)
    sign_all(propose(application, ars, DecisionKind.LABEL_REFUSED).decision, ars, prefet)
    application.refresh_from_db()
    acts.read_decision(application=application, membership=member, at=NOW)
    client = PortalClient()
    client.force_login(member.user)
    page = client.get(reverse("decision-letter", args=[application.number])).text.replace("\u00a0", " ")
    assert f"L’{ars.authority.name} et le préfet de {application.departement.name} n’ont pas accordé le label" in page
    assert "1 critère sur 5 n’est pas rempli ; 3 le sont, 1 est sans objet." in page
    assert f'href="mailto:{prefet.authority.email}?subject=' in page
    assert page.count('class="fr-btn"') == 1
    start = reverse("application-start", args=[member.structure_id])
    assert f'action="{start}"' in page
    assert client.post(start).status_code == 302
    assert Application.objects.filter(structure=member.structure, state=State.DRAFT).exists()
    again = client.get(reverse("decision-letter", args=[application.number])).text
    assert start not in again, "a file is under way"
    agent = PortalClient()
    agent.force_login(ars.user)
    assert start not in agent.get(reverse("decision-letter", args=[application.number])).text
