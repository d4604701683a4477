"""Places freed at once, and workers that promote at once: each place is announced to one file, each file once."""

from datetime import timedelta

from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Verdict
from labelling.models import Application, CriterionAssessment, Quota
from labelling.services import calendar, decisions
from labelling.services.promotion import promote_all
from labelling.services.shares import shares
from territories.choices import AuthorityKind, Capacity, Subject
from territories.models import Event
from territories.services.decisions import decline_decision
from territories.services.events import broken_link
from tests import factories as make
from tests.plugins.committed import at_once

NOW = make.NOW
ACT = "décision d’essai"


def ready(ars, *, hours=None):
    since = {} if hours is None else {"waiting_since": NOW - timedelta(days=3) + timedelta(hours=hours)}
    file = make.application(
        state=State.UNDER_REVIEW, shared_at=NOW - timedelta(days=5), endorsed_at=NOW - timedelta(days=4), **since
    )
    for criterion in file.specification.criteria.filter(kind=CriterionKind.CRITERION):
        CriterionAssessment.objects.create(
            application=file,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            mandate=ars,
            assessed_at=NOW,
        )
    return file


def failures(outcomes):
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


def events(action):
    return Event.objects.filter(subject_type=Subject.APPLICATION, action=action)


def test_two_places_freed_at_once_and_one_file(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    prefet = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    make.quota(ceiling=2, ceiling_act=ACT)
    signing = [ready(ars), ready(ars)]
    proposed = [decisions.propose_label(application=file, mandate=ars, version=1, at=NOW).decision for file in signing]
    waiting = ready(ars, hours=0)
    assert Quota.objects.get().reserved == 2

    def declining(decision):
        return lambda: decline_decision(decision=decision, mandate=prefet, reason="Motif d’essai.", at=NOW)

    def promoting():
        return promote_all(at=NOW)

    outcomes = at_once(*map(declining, proposed), promoting, promoting, promoting)
    assert failures(outcomes) == []
    promote_all(at=NOW)
    assert events("place_free").count() == 1
    assert events("place_gone").count() == 0
    waiting.refresh_from_db()
    assert (waiting.state, waiting.place_free_at, waiting.version) == (State.UNDER_REVIEW, NOW, 2)
    assert (Quota.objects.get().reserved, Quota.objects.get().used) == (0, 0)
    [share] = shares(make.wave(), [make.departement()], on=NOW.date())
    assert (share.lapsed, share.waiting, share.disagreeing) == (2, 1, 2)
    assert broken_link(Subject.APPLICATION, waiting.pk) is None


def test_five_workers_and_three_places(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    make.quota(ceiling=3, ceiling_act=ACT)
    files = [ready(ars, hours=hours) for hours in range(5)]
    outcomes = at_once(*[lambda: promote_all(at=NOW)] * 5)
    assert failures(outcomes) == []
    assert sum(outcomes) == 3
    told = Application.objects.filter(place_free_at__isnull=False).order_by("pk")
    assert [file.pk for file in told] == [file.pk for file in files[:3]]


def test_a_ceiling_moves_while_files_are_presented(committed_db):
    """Locks are taken in one order, quota first: no deadlock, and the ceiling holds."""
    ars, team = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.NATIONAL)
    quota = make.quota(ceiling=4, ceiling_act=ACT)
    files = [ready(ars) for _ in range(6)]

    def proposing(pk):
        def propose():
            file = Application.objects.get(pk=pk)
            return decisions.propose_label(application=file, mandate=ars, version=file.version, at=NOW)

        return propose

    def lowering():
        share = {"floor": 0, "target": 2, "ceiling": 2, "ceiling_act": ACT}
        return calendar.change_quota(quota=quota, fields=share, mandate=team, version=1, at=NOW)

    outcomes = at_once(*(proposing(file.pk) for file in files), lowering, lambda: promote_all(at=NOW))
    assert {type(outcome).__name__ for outcome in outcomes} <= {
        "Proposal",
        "Quota",
        "RefusedError",
        "int",
        "StaleError",
    }
    quota.refresh_from_db()
    assert quota.reserved <= quota.ceiling
    assert Application.objects.filter(state=State.AWAITING_SIGNATURES).count() == quota.reserved
    promote_all(at=NOW)
    free = quota.ceiling - quota.reserved
    assert Application.objects.filter(place_free_at__isnull=False).count() == min(free, 6 - quota.reserved)
