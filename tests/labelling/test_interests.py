"""Conflicts of interest: asked once, and those who stand aside no longer act, sign, nor read what is private."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import Interest, Verdict
from labelling.models import CriterionAssessment, InterestDeclaration
from labelling.services import reviews
from labelling.services.assignment import assign
from labelling.services.interests import declare_interest, stood_aside
from labelling.services.notes import readable_notes, write_note
from territories.choices import AuthorityKind, Capacity, DecisionKind, Role, Subject
from territories.models import Event, Signature
from territories.services.decisions import decline_decision, may_sign, propose_decision, sign_decision
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW


@pytest.fixture
def agent(ars):
    client = PortalClient()
    client.force_login(ars.user)
    return client


def declare(application, mandate, interest=Interest.NONE):
    return declare_interest(application=application, mandate=mandate, interest=interest, at=NOW)


def chain(subject, pk):
    return list(Event.objects.about(subject, pk).values_list("action", flat=True))


def test_a_declaration_is_an_event_of_the_structure_and_the_same_again_changes_nothing(file, ars):
    first = declare(file, ars)
    assert declare(file, ars) == first
    assert InterestDeclaration.objects.count() == 1
    event = Event.objects.about(Subject.STRUCTURE, file.structure_id).get()
    assert (event.action, event.data) == ("declare_interest", {"declaration": first.pk, "interest": "none"})
    assert chain(Subject.APPLICATION, file.pk) == []
    file.refresh_from_db()
    assert file.ars_reviewer == ars


def test_standing_aside_gives_the_file_back_and_closes_every_act(file, ars):
    version, prefecture = file.version, make.mandate(AuthorityKind.PREFECTURE)
    type(file).objects.filter(pk=file.pk).update(prefecture_reviewer=prefecture)
    declare(file, ars, Interest.RECUSED)
    file.refresh_from_db()
    assert (file.ars_reviewer, file.prefecture_reviewer, file.version) == (None, prefecture, version + 1)
    assert chain(Subject.APPLICATION, file.pk) == ["give_back"]
    assert stood_aside(ars) == {file.structure_id}
    with pytest.raises(RefusedError, match="déporté de cette structure"):
        reviews.require_reviewer(file, ars, at=NOW)
    # Another mandate of the same person changes nothing; another person of the service goes on.
    second = make.mandate(AuthorityKind.PREFECTURE, person=ars.user)
    with pytest.raises(RefusedError, match="déporté de cette structure"):
        reviews.require_reviewer(file, second, at=NOW)
    colleague = make.mandate(AuthorityKind.ARS)
    assert reviews.require_reviewer(file, colleague, at=NOW) == Capacity.ARS
    with pytest.raises(RefusedError, match="s’est déporté"):
        assign(application=file, mandate=colleague, to=ars, version=file.version, at=NOW)
    # Other structures are not concerned.
    assert reviews.require_reviewer(make.application(state=State.UNDER_REVIEW), ars, at=NOW) == Capacity.ARS


def test_one_may_come_back_on_it(file, ars):
    declare(file, ars, Interest.RECUSED)
    declare(file, ars)
    assert stood_aside(ars) == set()
    assert reviews.require_reviewer(file, ars, at=NOW) == Capacity.ARS
    assert InterestDeclaration.objects.count() == 2


def test_who_stands_aside_reads_neither_private_assessments_nor_notes(file, ars):
    criterion = file.specification.criteria.order_by("position").first()
    CriterionAssessment.objects.create(
        application=file,
        criterion=criterion,
        capacity=Capacity.ARS,
        verdict=Verdict.MET,
        mandate=make.mandate(AuthorityKind.ARS),
        assessed_at=NOW,
    )
    write_note(application=file, criterion=None, text="À revoir.", joint=True, mandate=ars, at=NOW)
    assert file.assessments.filter(reviews.visible_to(ars)).count() == 1
    declare(file, ars, Interest.RECUSED)
    assert file.assessments.filter(reviews.visible_to(ars)).count() == 0
    assert readable_notes(file, ars).count() == 0
    type(file).objects.filter(pk=file.pk).update(shared_at=NOW)
    assert file.assessments.filter(reviews.visible_to(ars)).count() == 1, "shared, it is read as by others"


def test_who_stands_aside_signs_nothing(file):
    signatory = make.mandate(AuthorityKind.ARS, signs=True)
    decision = propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        departement=file.departement,
        title="essai",
        content={"title": "essai"},
        mandate=None,
        at=NOW,
    )
    type(file).objects.filter(pk=file.pk).update(state=State.AWAITING_SIGNATURES, decision=decision)
    assert may_sign(decision, signatory, at=NOW)
    declare(file, signatory, Interest.RECUSED)
    assert not may_sign(decision, signatory, at=NOW)
    before = chain(Subject.DECISION, decision.pk)
    with pytest.raises(RefusedError, match="vous n’avez rien signé"):
        sign_decision(decision=decision, mandate=signatory, content_hash=decision.content_hash, at=NOW)
    with pytest.raises(RefusedError, match="vous n’avez rien signé"):
        decline_decision(decision=decision, mandate=signatory, reason="non", at=NOW)
    assert (Signature.objects.count(), chain(Subject.DECISION, decision.pk)) == (0, before)


def test_only_agents_who_could_instruct_declare(file, ars):
    neighbour = make.departement("97", "Valfictie", region="R2")
    for mandate, sentence in [
        (make.mandate(AuthorityKind.ARS, role=Role.OBSERVER), "Seuls les agents"),
        (make.mandate(AuthorityKind.CAISSE), "Seuls les agents"),
        (make.mandate(AuthorityKind.NATIONAL), "Seuls les agents"),
        (make.mandate(AuthorityKind.PREFECTURE, on=neighbour), "Seuls les agents"),
        (
            make.mandate(
                AuthorityKind.PREFECTURE, valid=make.DateRange(make.date(2025, 10, 1), make.date(2026, 11, 22))
            ),
            "n’est pas en vigueur",
        ),
    ]:
        with pytest.raises(RefusedError, match=sentence):
            declare(file, mandate)
    with pytest.raises(RefusedError, match="l’une des deux"):
        declare(file, ars, "peut-être")
    assert InterestDeclaration.objects.count() == 0
    assert chain(Subject.STRUCTURE, file.structure_id) == []


def test_declarations_are_insert_only_and_of_the_list(file, ars):
    row = declare(file, ars)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        InterestDeclaration.objects.update(interest=Interest.RECUSED)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        row.delete()
    with pytest.raises(IntegrityError, match="interest_known"), transaction.atomic():
        InterestDeclaration.objects.create(
            user=ars.user, structure=file.structure, interest="autre", mandate=ars, declared_at=NOW
        )


@pytest.mark.asks_interest
def test_the_page_asks_once_and_blocks_only_acts(file, ars, agent):
    page = agent.get(file.get_absolute_url())
    assert "Avez-vous un lien d’intérêt" in page.text
    assert page.context["may_act"] is False
    assert page.text.count('class="fr-btn"') == 1, "one primary button"
    act = reverse("application-act", args=[file.number, "apprecier"])
    criterion = file.specification.criteria.order_by("position").first()
    said = {"mandate": ars.pk, "version": file.version, "criterion": criterion.code, "verdict": "met"}
    refused = agent.post(act, said)
    assert refused.status_code == 403
    assert "dites si un lien d’intérêt" in refused.text
    assert not CriterionAssessment.objects.exists()
    answered = agent.post(reverse("interest", args=[file.number]), {"mandate": ars.pk, "interest": "none"}, follow=True)
    assert "Avez-vous un lien d’intérêt" not in answered.text
    assert answered.context["may_act"] is True
    assert agent.post(act, said).status_code == 302
    # A second file of the same structure, later, asks nothing.
    type(file).objects.filter(pk=file.pk).update(state=State.CLOSED)
    again = make.application(file.structure, state=State.SUBMITTED)
    assert "Avez-vous un lien d’intérêt" not in agent.get(again.get_absolute_url()).text


@pytest.mark.asks_interest
def test_standing_aside_from_the_page(file, ars, agent):
    page = agent.post(reverse("interest", args=[file.number]), {"mandate": ars.pk, "interest": "recused"}, follow=True)
    assert "Vous vous êtes déporté de cette structure" in page.text
    assert "Revenir sur mon déport" in page.text
    assert page.context["may_act"] is False
    assert agent.post(reverse("interest", args=[file.number]), {"mandate": ars.pk, "interest": "x"}).status_code == 403


@pytest.mark.asks_interest
def test_readers_are_asked_nothing(file):
    for mandate in (make.mandate(AuthorityKind.NATIONAL), make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER)):
        client = PortalClient()
        client.force_login(mandate.user)
        assert "lien d’intérêt" not in client.get(file.get_absolute_url()).text
