"""Real threads on a real database: a ceiling is never passed, and a label is born once."""

from datetime import timedelta

from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Verdict
from labelling.models import Application, CriterionAssessment, Label, Quota
from labelling.services import decisions
from territories.choices import AuthorityKind, Capacity, DecisionKind, Subject
from territories.models import Decision, Event
from territories.services.decisions import decline_decision, sign_decision
from tests import factories as make
from tests.plugins.committed import at_once

NOW = make.NOW


def ready(ars):
    application = make.application(
        state=State.UNDER_REVIEW, shared_at=NOW - timedelta(days=2), endorsed_at=NOW - timedelta(days=1)
    )
    for criterion in application.specification.criteria.filter(kind=CriterionKind.CRITERION):
        CriterionAssessment.objects.create(
            application=application,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            mandate=ars,
            assessed_at=NOW,
        )
    return application


def proposing(pk, ars):
    def propose():
        application = Application.objects.get(pk=pk)
        return decisions.propose_label(application=application, mandate=ars, version=application.version, at=NOW)

    return propose


def signing(decision, mandate):
    return lambda: sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=NOW)


def test_twenty_proposals_for_three_places(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    make.quota(ceiling=15, ceiling_act="arrêté d’essai", reserved=1, used=11)
    files = [ready(ars).pk for _ in range(20)]
    outcomes = at_once(*(proposing(pk, ars) for pk in files))
    assert [type(outcome).__name__ for outcome in outcomes] == ["Proposal"] * 20
    assert sum(outcome.decision is not None for outcome in outcomes) == 3
    quota = Quota.objects.get()
    assert (quota.reserved, quota.used) == (4, 11)
    assert Application.objects.filter(state=State.AWAITING_SIGNATURES).count() == 3
    assert Decision.objects.count() == 3
    waiting = Application.objects.filter(state=State.UNDER_REVIEW, waiting_since__isnull=False)
    assert waiting.count() == 17
    assert Event.objects.filter(subject_type=Subject.APPLICATION, action="wait").count() == 17


def test_one_file_proposed_from_many_pages_at_once(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    make.quota(ceiling=15, ceiling_act="arrêté d’essai")
    application = ready(ars)

    def propose():
        return decisions.propose_label(
            application=Application.objects.get(pk=application.pk), mandate=ars, version=1, at=NOW
        )

    outcomes = at_once(*[propose] * 8)
    assert sum(isinstance(outcome, decisions.Proposal) for outcome in outcomes) == 1
    assert {type(outcome).__name__ for outcome in outcomes} == {"Proposal", "StaleError"}
    assert Quota.objects.get().reserved == 1


def test_two_signatories_at_once_make_one_label(committed_db):
    ars = make.mandate(AuthorityKind.ARS, signs=True)
    prefet = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    make.quota(ceiling=15, ceiling_act="arrêté d’essai")
    proposals = [proposing(ready(ars).pk, ars)().decision for _ in range(5)]
    outcomes = at_once(*(signing(decision, mandate) for decision in proposals for mandate in (ars, prefet)))
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert sorted(Label.objects.values_list("number", flat=True)) == [f"LFS-98-{n:05d}" for n in range(1, 6)]
    assert Quota.objects.values_list("reserved", "used").get() == (0, 5)
    assert Application.objects.filter(state=State.LABELLED).count() == 5


def test_who_signs_last_and_who_declines_at_once_never_both(committed_db):
    """And proposals going on beside them do not deadlock: locks are taken in one order."""
    ars = make.mandate(AuthorityKind.ARS, signs=True)
    prefet = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    substitute = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    make.quota(ceiling=15, ceiling_act="arrêté d’essai")
    application = ready(ars)
    decision = proposing(application.pk, ars)().decision
    signing(decision, ars)()

    def decline():
        return decline_decision(decision=decision, mandate=substitute, reason="Motif d’essai.", at=NOW)

    others = [proposing(ready(ars).pk, ars) for _ in range(6)]
    outcomes = at_once(signing(decision, prefet), decline, *others)
    assert sum(isinstance(outcome, Exception) for outcome in outcomes[:2]) == 1
    assert [outcome for outcome in outcomes[2:] if isinstance(outcome, Exception)] == []
    application.refresh_from_db()
    signed = Decision.objects.get(pk=decision.pk).state == "signed"
    assert application.state == (State.LABELLED if signed else State.DISAGREEMENT)
    assert Label.objects.count() == signed
    assert Quota.objects.values_list("reserved", "used").get() == (6, int(signed))
    assert Decision.objects.filter(kind=DecisionKind.LABEL_GRANTED).count() == 7
