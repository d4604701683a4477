"""The agents' pages of a file: its one page, and the acts posted from it."""

import re

import pytest
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.choices import Verdict
from labelling.models import CriterionAssessment
from labelling.services.acts import read_decision
from labelling.services.decisions import propose_label, propose_refusal
from territories.choices import AuthorityKind, Capacity, Role, Subject
from territories.models import Event
from territories.services.decisions import sign_decision
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW
LIST = "/dossiers/"


@pytest.fixture
def agent_client():
    def signed_in(mandate):
        client = PortalClient()
        client.force_login(mandate.user)
        return client

    return signed_in


@pytest.fixture
def agent(agent_client, ars):
    return agent_client(ars)


def named(name, **fields):
    line = make.register_line(name=name, **fields)
    return make.structure(line)


def under_review(ars, name="Maison de santé du Lavoir (fictive)", verdicts=5, **fields):
    application = make.application(named(name), state=State.UNDER_REVIEW, ars_reviewer=ars, **fields)
    for criterion in application.specification.criteria.filter(kind="criterion", position__lte=verdicts):
        CriterionAssessment.objects.create(
            application=application,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            mandate=ars,
            assessed_at=NOW,
        )
    return application


def numbers(response):
    return re.findall(r'<td class="fs-nowrap">(FS-[^<]+)</td>', response.content.decode())


def post(client, application, action, mandate, version=None, **data):
    data = {"mandate": mandate.pk, "version": version or application.version, **data}
    return client.post(reverse("application-act", args=[application.number, action]), data)


def events(application):
    return Event.objects.about(Subject.APPLICATION, application.pk).count()


# The file ---------------------------------------------------------------------------------------------------------


def primary_buttons(html):
    main = html.partition('id="contenu"')[2].partition("<footer")[0]
    return re.findall(r'class="fr-btn"', main)


def test_the_lead_goes_from_one_criterion_to_the_next_then_shares(agent, ars, prefecture):
    application = make.application(state=State.SUBMITTED)
    page = agent.get(application.get_absolute_url()).content.decode()
    assert "Prendre en charge" in page
    assert len(primary_buttons(page)) == 1
    response = post(agent, application, "prendre-en-charge", ars)
    assert response.status_code == 302
    page = agent.get(application.get_absolute_url()).content.decode()
    assert "Enregistrer, critère suivant" in page, "the first undecided criterion is open"
    assert len(primary_buttons(page)) == 1
    codes = list(
        application.specification.criteria.filter(kind="criterion").order_by("position").values_list("code", flat=True)
    )
    for position, code in enumerate(codes):
        application.refresh_from_db()
        response = post(agent, application, "apprecier", ars, criterion=code, verdict="met", reason="")
        following = codes[position + 1] if position < 4 else "aucun"
        assert response["Location"].startswith(f"{application.get_absolute_url()}?critere={following}#")
    application.refresh_from_db()
    page = agent.get(response["Location"]).content.decode()
    assert "Partager avec la préfecture" in page
    assert len(primary_buttons(page)) == 1
    post(agent, application, "partager", ars)
    application.refresh_from_db()
    assert application.shared_at is not None
    assert "Position attendue de la préfecture" in agent.get(application.get_absolute_url()).content.decode()


def test_the_prefecture_reads_nothing_before_sharing_then_endorses_or_differs(agent_client, ars, prefecture):
    application = under_review(ars)
    application.assessments.update(reason="Planning vérifié.")
    client = agent_client(prefecture)
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Planning vérifié" not in page
    assert "après partage" in page
    assert "critere=" not in page, "nothing to open before the sharing"
    type(application).objects.update(shared_at=NOW)
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Planning vérifié" in page
    assert "Endosser l’appréciation de l’ARS (5 critères)" in page
    code = application.specification.criteria.get(position=3).code
    response = post(
        client, application, "apprecier", prefecture, criterion=code, verdict="not_met", reason="Fermé le mercredi."
    )
    assert response["Location"].endswith("?critere=aucun#criteres")
    application.refresh_from_db()
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Endosser l’appréciation de l’ARS (sauf 1 critère)" in page
    post(client, application, "endosser", prefecture)
    application.refresh_from_db()
    assert application.endorsed_at == NOW


def test_a_difference_is_shown_and_keeps_the_decision_waiting(agent, ars, prefecture):
    application = under_review(ars, shared_at=NOW, endorsed_at=NOW)
    CriterionAssessment.objects.create(
        application=application,
        criterion=application.specification.criteria.get(position=2),
        capacity=Capacity.PREFET,
        verdict=Verdict.NOT_MET,
        reason="Aucune infirmière.",
        mandate=prefecture,
        assessed_at=NOW,
    )
    page = agent.get(application.get_absolute_url()).content.decode()
    assert "Différence" in page
    assert "Les deux autorités diffèrent" in page
    assert "à la signature</button>" not in page


def test_the_lead_reads_the_project_then_presents_it(agent, ars, prefecture):
    application = under_review(ars, shared_at=NOW, endorsed_at=NOW)
    make.quota(ceiling=1, ceiling_act="arrêté d’essai")
    page = agent.get(application.get_absolute_url()).content.decode()
    assert "Projet de décision" in page
    assert "Le label France Santé est accordé à" in page
    post(agent, application, "presenter", ars, kind="label_granted")
    application.refresh_from_db()
    assert application.state == State.AWAITING_SIGNATURES
    second = under_review(ars, shared_at=NOW, endorsed_at=NOW)
    response = agent.get(post(agent, second, "presenter", ars, kind="label_granted")["Location"])
    page = response.content.decode()
    assert "Plafond atteint" in page
    assert "liste d’attente, rang 1" in page


def test_a_verdict_not_met_without_reason_keeps_the_input(agent, ars):
    application = under_review(ars, verdicts=0)
    code = application.specification.criteria.get(position=2).code
    response = post(agent, application, "apprecier", ars, criterion=code, verdict="not_met", reason="")
    page = response.content.decode()
    assert response.status_code == 422
    assert "demande un motif" in page
    assert re.search(r'value="not_met" checked', page)
    assert "<title>Erreur" in page
    assert events(application) == 0


def test_a_stale_page_keeps_what_was_typed_and_says_who_was_faster(agent, agent_client, ars, prefecture):
    application = under_review(ars, verdicts=0)
    first, second = application.specification.criteria.order_by("position")[:2]
    post(agent, application, "apprecier", ars, criterion=first.code, verdict="met", reason="")
    response = post(
        agent,
        application,
        "apprecier",
        ars,
        version=1,
        criterion=second.code,
        verdict="not_met",
        reason="Ma saisie gardée.",
    )
    page = response.content.decode()
    assert response.status_code == 409
    assert "Ce dossier a changé pendant que vous y travailliez" in page
    assert f"critère 1 apprécié, par {ars.user.full_name}, {ars.authority.name}" in page
    assert "Ma saisie gardée." in page
    assert re.search(r'value="not_met" checked', page)
    assert CriterionAssessment.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (AuthorityKind.ARS, Role.OBSERVER),
        (AuthorityKind.COLLECTIVITE, Role.PARTNER),
        (AuthorityKind.NATIONAL, Role.NATIONAL),
    ],
)
def test_who_only_reads_sees_the_same_page_without_any_act(agent_client, ars, kind, role):
    application = under_review(ars, shared_at=NOW, endorsed_at=NOW)
    reader = make.mandate(kind, role=role)
    client = agent_client(reader)
    page = client.get(application.get_absolute_url()).content.decode()
    assert "Présence médicale" in page
    main = page.partition('id="contenu"')[2].partition("<footer")[0]
    assert "<form" not in main
    assert "Projet de décision" not in main
    response = post(client, application, "presenter", reader, kind="label_granted")
    assert response.status_code == 403
    assert "permet de lire ce dossier" in response.content.decode()
    assert events(application) == 0


def test_an_elected_observer_learns_nothing_before_the_notification(agent_client):
    signatories = [make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)]
    application = under_review(signatories[0], shared_at=NOW, endorsed_at=NOW)
    application.assessments.update(reason="Planning vérifié.")
    owner = make.membership(application.structure)
    proposal = propose_label(application=application, mandate=signatories[0], version=1, at=NOW)
    client = agent_client(make.mandate(AuthorityKind.COLLECTIVITE, role=Role.OBSERVER))
    letter = f"/dossiers/{application.number}/decision/"

    def told():
        pages = [client.get(url).content.decode() for url in (application.get_absolute_url(), LIST, letter)]
        main = "".join(page.partition('id="contenu"')[2].partition("<footer")[0] for page in pages)
        return [
            word
            for word in ("Planning vérifié", "Rempli", "abellisé", "ccordé", "attribution", "(label)")
            if word in main
        ]

    assert told() == []
    for mandate in signatories:
        decision = proposal.decision
        sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=NOW)
    assert told() == []
    assert numbers(client.get(LIST, {"etat": "labelled"})) == numbers(client.get(LIST, {"etat": "refused"}))
    application.refresh_from_db()
    read_decision(application=application, membership=owner, at=NOW)
    assert {"Planning vérifié", "Rempli", "abellisé", "ccordé"} <= set(told())


def test_an_outsider_is_told_a_refusal_and_not_its_reasons(agent_client):
    signatories = [make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)]
    application = under_review(signatories[0], shared_at=NOW, endorsed_at=NOW)
    application.assessments.update(verdict=Verdict.NOT_MET, reason="Poste vacant depuis un an.")
    owner = make.membership(application.structure)
    decision = propose_refusal(application=application, mandate=signatories[0], version=1, at=NOW).decision
    for mandate in signatories:
        sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=NOW)
    application.refresh_from_db()
    read_decision(application=application, membership=owner, at=NOW)
    letter = f"/dossiers/{application.number}/decision/"
    outsider = agent_client(make.mandate(AuthorityKind.COLLECTIVITE, role=Role.OBSERVER))
    page = outsider.get(application.get_absolute_url()).content.decode()
    assert "refus du label" in page
    assert "Poste vacant" not in page
    assert outsider.get(letter).status_code == 403
    assert "Poste vacant" in agent_client(signatories[0]).get(letter).content.decode()


def test_out_of_the_territory_a_file_does_not_exist(agent_client, ars):
    application = under_review(ars)
    neighbour = make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Valfictie", region="R2"))
    client = agent_client(neighbour)
    assert client.get(application.get_absolute_url()).status_code == 404
    assert post(client, application, "partager", neighbour).status_code == 404
    assert events(application) == 0


def test_the_wrong_mandate_is_told_which_one_is_right(agent_client, ars):
    application = under_review(ars)
    observer = make.mandate(
        AuthorityKind.PREFECTURE,
        role=Role.OBSERVER,
        person=ars.user,
        on=make.departement("97", "Valfictie", region="R2"),
    )
    client = agent_client(observer)
    session = client.session
    session["mandate"] = observer.pk
    session.save()
    page = client.get(application.get_absolute_url()).content.decode()
    assert "où vous avez aussi une habilitation d’instruction" in page
    response = post(client, application, "partager", observer)
    assert response.status_code == 403
    assert "Ce dossier relève de Essonnie (98)" in response.content.decode()
    assert events(application) == 0


def test_a_form_shown_with_another_mandate_is_refused(agent, ars):
    application = under_review(ars)
    response = agent.post(
        reverse("application-act", args=[application.number, "partager"]), {"mandate": "999999", "version": 1}
    )
    assert response.status_code == 403
    assert "n’est plus en vigueur" in response.content.decode()


def test_a_structure_cannot_act_as_an_agent(client, ars):
    application = under_review(ars)
    member = make.membership(application.structure)
    client.force_login(member.user)
    response = client.post(reverse("application-act", args=[application.number, "partager"]), {"version": 1})
    assert response.status_code == 403
    assert events(application) == 0


def test_acts_are_posted_and_known(agent, ars):
    application = under_review(ars)
    opened = agent.get(reverse("application-act", args=[application.number, "partager"]))
    assert (opened.status_code, opened.url) == (302, application.get_absolute_url())
    assert post(agent, application, "inventer", ars).status_code == 404


def test_the_journal_names_people_but_tells_no_verdict(agent, agent_client, ars, prefecture):
    application = make.application(state=State.SUBMITTED)
    post(agent, application, "prendre-en-charge", ars)
    application.refresh_from_db()
    code = application.specification.criteria.get(position=1).code
    post(agent, application, "apprecier", ars, criterion=code, verdict="to_clarify", reason="Secret.")
    page = agent_client(prefecture).get(application.get_absolute_url()).content.decode()
    journal = page.partition('id="journal"')[2]
    assert "Critère 1 apprécié" in journal
    assert f"{ars.user.full_name}, {ars.authority.name}" in journal
    assert "Secret" not in page
    assert "préciser" not in journal
