"""The instruction of a file: who may say what, when, and who reads it."""

import pytest
from django.db import IntegrityError

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Rule, Verdict
from labelling.models import CriterionAssessment
from labelling.services import reviews
from territories.choices import AuthorityKind, Capacity, Role, Subject
from territories.models import Event
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


def criteria(application):
    return list(application.specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position"))


def assess(application, mandate, criterion, verdict=Verdict.MET, reason="", **fields):
    version = fields.pop("version", application.version)
    return reviews.assess(
        application=application,
        criterion=criterion,
        verdict=verdict,
        reason=reason,
        mandate=mandate,
        version=version,
        at=NOW,
    )


def assess_all(application, mandate, verdict=Verdict.MET):
    for criterion in criteria(application):
        assess(application, mandate, criterion, verdict, reason="motif d’essai")


def events(application):
    return list(Event.objects.about(Subject.APPLICATION, application.pk).values_list("action", flat=True))


def refused(call, sentence, application):
    """The act is refused with this sentence, and neither the row nor the events moved."""
    before = (type(application).objects.values().get(pk=application.pk), events(application))
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert (type(application).objects.values().get(pk=application.pk), events(application)) == before


def test_either_authority_takes_a_file_up_for_itself(ars, prefecture):
    for mandate, reviewers in [(ars, (ars, None)), (prefecture, (None, prefecture))]:
        application = make.application(state=State.SUBMITTED)
        reviews.take_up(application=application, mandate=mandate, version=1, at=NOW)
        assert (application.state, application.version) == (State.UNDER_REVIEW, 2)
        assert (application.ars_reviewer, application.prefecture_reviewer) == reviewers
        assert events(application) == ["take_up"]


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.PARTNER])
def test_who_only_reads_instructs_nothing(role):
    application = make.application(state=State.SUBMITTED)
    mandate = make.mandate(AuthorityKind.ARS, role=role)
    refused(
        lambda: reviews.take_up(application=application, mandate=mandate, version=1, at=NOW),
        "permet de lire ce dossier",
        application,
    )


def test_the_national_team_and_the_neighbour_instruct_nothing():
    application = make.application(state=State.SUBMITTED)
    neighbour = make.departement("97X", "Valfictie", region="R2")
    for mandate, sentence in [
        (make.mandate(AuthorityKind.NATIONAL), "permet de lire"),
        (make.mandate(AuthorityKind.PREFECTURE, on=neighbour), "ne couvre pas"),
        (make.mandate(AuthorityKind.CAISSE), "permet de lire"),
    ]:
        refused(
            lambda mandate=mandate: reviews.take_up(application=application, mandate=mandate, version=1, at=NOW),
            sentence,
            application,
        )


def test_a_mandate_that_ended_instructs_nothing(file):
    ended = make.mandate(AuthorityKind.ARS, valid=make.DateRange(make.date(2025, 10, 1), make.date(2026, 11, 22)))
    refused(lambda: assess(file, ended, criteria(file)[0]), "n’est pas en vigueur", file)


def test_the_lead_assesses_and_each_act_is_an_event(file, ars):
    first = criteria(file)[0]
    row = assess(file, ars, first, Verdict.TO_CLARIFY)
    assert (row.capacity, row.verdict, row.mandate) == (Capacity.ARS, Verdict.TO_CLARIFY, ars)
    assess(file, ars, first, Verdict.MET)
    assert CriterionAssessment.objects.count() == 1
    last = Event.objects.about(Subject.APPLICATION, file.pk).last()
    assert last.data == {"criterion": first.code, "position": 1, "verdict": "met"}
    assert events(file) == ["assess", "assess"]


def test_not_met_needs_a_reason(file, ars):
    refused(lambda: assess(file, ars, criteria(file)[0], Verdict.NOT_MET, "  "), "demande un motif", file)
    assert assess(file, ars, criteria(file)[0], Verdict.NOT_MET, "Poste vacant.").reason == "Poste vacant."


def test_a_commitment_is_not_assessed(file, ars):
    commitment = file.specification.criteria.get(code="accompagnement")
    refused(lambda: assess(file, ars, commitment), "ne fait pas partie", file)


def test_a_stale_page_loses_and_nothing_moves(file, ars):
    assess(file, ars, criteria(file)[0])
    with pytest.raises(StaleError):
        assess(file, ars, criteria(file)[1], version=1)
    assert CriterionAssessment.objects.count() == 1
    assert events(file) == ["assess"]


def test_nothing_is_shared_before_each_criterion_is_clear(file, ars, prefecture):
    five = criteria(file)
    assess(file, ars, five[0])
    assess(file, ars, five[1], Verdict.TO_CLARIFY)

    def share(mandate):
        return lambda: reviews.share_assessment(application=file, mandate=mandate, version=file.version, at=NOW)

    refused(share(ars), "les critères 3, 4 et 5 à apprécier et le critère 2 à préciser", file)
    assess_all(file, ars)
    refused(share(prefecture), "chef de file", file)
    share(ars)()
    assert file.shared_at == NOW
    refused(share(ars), "déjà partagée", file)


def test_an_assessment_is_private_until_shared(file, ars, prefecture):
    assess_all(file, ars)
    observer = make.mandate(AuthorityKind.ARS, role=Role.OBSERVER)
    national = make.mandate(AuthorityKind.NATIONAL)
    partner = make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER)

    def seen(mandate):
        return sum(line.lead is not None for line in reviews.readable_sheet(file, mandate))

    assert [seen(ars), seen(prefecture), seen(observer), seen(national), seen(None)] == [5, 0, 0, 0, 0]
    reviews.share_assessment(application=file, mandate=ars, version=file.version, at=NOW)
    assert [seen(ars), seen(prefecture), seen(observer), seen(national)] == [5, 5, 5, 5]
    assert seen(partner) == 0, "shared means with the other authority"


def test_the_other_authority_endorses_or_records_only_its_differences(file, ars, prefecture):
    first, second, *_ = criteria(file)
    refused(lambda: assess(file, prefecture, first), "pas encore partagée", file)
    assess_all(file, ars)
    reviews.share_assessment(application=file, mandate=ars, version=file.version, at=NOW)
    refused(
        lambda: reviews.endorse(application=file, mandate=ars, version=file.version, at=NOW), "l’autre autorité", file
    )
    assess(file, prefecture, second, Verdict.TO_CLARIFY)
    refused(
        lambda: reviews.endorse(application=file, mandate=prefecture, version=file.version, at=NOW),
        "le critère 2 à préciser",
        file,
    )
    assess(file, prefecture, second, Verdict.NOT_MET, "Aucune infirmière le jeudi.")
    reviews.endorse(application=file, mandate=prefecture, version=file.version, at=NOW)
    assert file.endorsed_at == NOW
    last = Event.objects.about(Subject.APPLICATION, file.pk).last()
    assert last.data == {"differences": [second.code]}
    assert [line.differs for line in reviews.sheet(file)] == [False, True, False, False, False]
    refused(
        lambda: reviews.endorse(application=file, mandate=prefecture, version=file.version, at=NOW), "déjà pris", file
    )


def test_a_lead_that_changes_its_mind_asks_for_a_new_position(file, ars, prefecture):
    first, second, *_ = criteria(file)
    assess_all(file, ars)
    reviews.share_assessment(application=file, mandate=ars, version=file.version, at=NOW)
    assess(file, prefecture, second, Verdict.NOT_MET, "Personne.")
    reviews.endorse(application=file, mandate=prefecture, version=file.version, at=NOW)
    assess(file, ars, second, Verdict.NOT_MET, "Personne, en effet.")
    file.refresh_from_db()
    assert file.endorsed_at == NOW, "the lead joined the other authority: nothing to endorse again"
    assess(file, ars, first, Verdict.NOT_APPLICABLE, "Structure sans consultation.")
    assert file.endorsed_at is None


@pytest.mark.parametrize("verdict", [Verdict.NOT_MET, Verdict.NOT_APPLICABLE])
def test_a_criterion_not_met_or_set_aside_is_reasoned(file, ars, verdict):
    criterion = criteria(file)[0]
    refused(lambda: assess(file, ars, criterion, verdict), "demande un motif", file)
    assert assess(file, ars, criterion, verdict, "Motif d’essai.").reason == "Motif d’essai."


def test_what_the_specification_exempts_has_its_reason_there(file, ars):
    criterion = criteria(file)[0]
    criterion.exempt_kinds = [file.structure.kind]
    assert "en dispense" in assess(file, ars, criterion, Verdict.NOT_APPLICABLE).reason


def test_the_reason_of_a_former_verdict_never_says_why_a_criterion_is_met(file, ars):
    criterion = criteria(file)[0]
    assess(file, ars, criterion, Verdict.TO_CLARIFY, "Fournir l’attestation")
    assert assess(file, ars, criterion, Verdict.MET, "Fournir l’attestation").reason == ""
    assert assess(file, ars, criterion, Verdict.MET, "Attestation reçue").reason == "Attestation reçue"
    assert assess(file, ars, criterion, Verdict.MET, "Attestation reçue").reason == "Attestation reçue"


def test_the_database_refuses_a_criterion_set_aside_without_a_reason(file, ars):
    with pytest.raises(IntegrityError, match="assessment_not_applicable_is_reasoned"):
        CriterionAssessment.objects.create(
            application=file,
            criterion=criteria(file)[0],
            capacity=Capacity.ARS,
            verdict=Verdict.NOT_APPLICABLE,
            mandate=ars,
            assessed_at=NOW,
        )


@pytest.mark.parametrize(("sectors", "asked"), [(("1", "1"), False), (("1", "optam"), True), (("2",), True)])
def test_doctors_outside_secteur_1_suffice_by_a_reasoned_decision_only(ars, sectors, asked):
    doctors = [{"profession": "doctor", "sector": sector, "half_days": [0]} for sector in sectors]
    file = make.application(state=State.UNDER_REVIEW, answers={"team": doctors, "fees": {"overrun": False}})
    fees = next(row for row in criteria(file) if row.rule == Rule.NO_OVERRUN)
    if asked:
        refused(lambda: assess(file, ars, fees), "n’est pas en secteur 1", file)
    else:
        assert assess(file, ars, fees).reason == ""
    assert assess(file, ars, fees, Verdict.MET, "Dépassements nuls depuis deux ans.").reason
