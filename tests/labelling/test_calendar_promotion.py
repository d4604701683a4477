"""The waiting list moves by itself: first come first told, nothing decided, nothing told twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Verdict
from labelling.models import Application, CriterionAssessment, Quota
from labelling.notifications import messages_of
from labelling.rules.badges import badge, facts_of
from labelling.services import calendar, decisions
from labelling.services.promotion import promote_all, waiting_files
from labelling.services.quotas import rank
from labelling.tasks import promote_waiting_lists
from territories.choices import AuthorityKind, Capacity, Subject
from territories.models import Event
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
ACT = "décision d’essai"


def waiting(hours=0, *, received=10, **fields):
    return make.application(
        state=State.UNDER_REVIEW,
        waiting_since=NOW - timedelta(days=3) + timedelta(hours=hours),
        submitted_at=NOW - timedelta(days=received),
        **fields,
    )


def told():
    return list(Application.objects.filter(place_free_at__isnull=False).order_by("pk").values_list("pk", flat=True))


def actions(file):
    return list(Event.objects.about(Subject.APPLICATION, file.pk).values_list("action", flat=True))


def full_quota(ceiling=15, **fields):
    return make.quota(ceiling=ceiling, ceiling_act=ACT, **({"used": ceiling} | fields))


def free(quota, places):
    Quota.objects.filter(pk=quota.pk).update(used=quota.used - places)


def test_nothing_is_told_while_no_place_is_free():
    full_quota()
    waiting()
    assert promote_all(at=NOW) == 0
    assert told() == []


def test_the_first_file_is_told_once_and_nothing_is_decided():
    quota = full_quota()
    second, first = waiting(1), waiting(0)
    free(quota, 1)
    assert promote_all(at=NOW) == 1
    assert told() == [first.pk]
    first.refresh_from_db()
    assert (first.state, first.decision, first.waiting_since, first.version) == (
        State.UNDER_REVIEW,
        None,
        NOW - timedelta(days=3),
        2,
    )
    assert (rank(first), rank(second)) == (1, 2)
    assert promote_all(at=NOW + timedelta(minutes=1)) == 0, "idempotent"
    assert (actions(first), actions(second)) == (["place_free"], [])
    quota.refresh_from_db()
    assert (quota.reserved, quota.used) == (0, 14)


def test_two_places_for_one_file_and_one_place_for_two():
    quota = full_quota()
    first = waiting(0)
    free(quota, 2)
    assert promote_all(at=NOW) == 1
    waiting(1)
    assert promote_all(at=NOW) == 1, "the second place goes to the newcomer"
    assert told()[0] == first.pk


def test_the_order_is_the_published_one():
    quota = full_quota()
    later = waiting(0, received=5)
    same_day = waiting(0, received=9)
    earliest = waiting(0, received=9)
    first = waiting(-1, received=1)
    expected = [first, same_day, earliest, later]
    assert list(waiting_files(quota)) == expected
    assert [rank(file) for file in expected] == [1, 2, 3, 4]
    free(quota, 2)
    promote_all(at=NOW)
    assert set(told()) == {first.pk, same_day.pk}


def test_a_ceiling_raised_tells_at_once_and_lowered_takes_back():
    team = make.mandate(AuthorityKind.NATIONAL)
    quota = full_quota()
    files = [waiting(hours) for hours in range(3)]
    share = {"floor": 10, "target": 15, "ceiling": 17, "ceiling_act": ACT}
    calendar.change_quota(quota=quota, fields=share, mandate=team, version=1, at=NOW)
    assert told() == [files[0].pk, files[1].pk]
    calendar.change_quota(quota=quota, fields=share | {"ceiling": 16}, mandate=team, version=2, at=NOW)
    assert told() == [files[0].pk]
    assert actions(files[1]) == ["place_free", "place_gone"]
    assert Application.objects.get(pk=files[1].pk).waiting_since is not None, "it keeps its rank"
    none = {"ceiling": None, "ceiling_act": ""}
    calendar.change_quota(quota=quota, fields=share | none, mandate=team, version=3, at=NOW)
    assert len(told()) == 3


@pytest.mark.parametrize("state", [State.ABANDONED, State.CLOSED])
def test_a_file_that_left_the_list_is_passed_over(state):
    quota = full_quota()
    gone, next_one = waiting(0), waiting(1)
    Application.objects.filter(pk=gone.pk).update(state=state)
    free(quota, 1)
    promote_all(at=NOW)
    assert told() == [next_one.pk]


def test_the_lead_presents_it_again_and_the_priority_rule_lets_it_pass():
    ars = make.mandate(AuthorityKind.ARS)
    quota = full_quota()
    reviewed = {"shared_at": NOW - timedelta(days=2), "endorsed_at": NOW - timedelta(days=1)}
    first = waiting(0, **reviewed)
    newcomer = make.application(state=State.UNDER_REVIEW, **reviewed)
    for file in (first, newcomer):
        for criterion in file.specification.criteria.filter(kind=CriterionKind.CRITERION):
            CriterionAssessment.objects.create(
                application=file,
                criterion=criterion,
                capacity=Capacity.ARS,
                verdict=Verdict.MET,
                mandate=ars,
                assessed_at=NOW,
            )
    free(quota, 1)
    promote_all(at=NOW)
    late = decisions.propose_label(application=newcomer, mandate=ars, version=1, at=NOW)
    assert late.decision is None, "the place is kept for the file that waited"
    first.refresh_from_db()
    passed = decisions.propose_label(application=first, mandate=ars, version=first.version, at=NOW)
    assert passed.decision is not None
    first.refresh_from_db()
    assert (first.state, first.waiting_since, first.place_free_at) == (State.AWAITING_SIGNATURES, None, None)
    assert promote_all(at=NOW) == 0


def test_the_lead_and_only_the_lead_is_written_to():
    quota = full_quota()
    make.authority(AuthorityKind.ARS)
    make.authority(AuthorityKind.PREFECTURE)
    file = waiting()
    make.membership(file.structure)
    free(quota, 1)
    promote_waiting_lists()
    event = Event.objects.about(Subject.APPLICATION, file.pk).get()
    assert event.at > timezone.now() - timedelta(minutes=1)
    [message] = messages_of(event)
    assert message.to == ["service@exemple.invalid"]
    assert "présentez de nouveau le label" in message.body


def test_the_badge_says_whose_turn_it_is():
    quota = full_quota()
    file = waiting(shared_at=NOW, endorsed_at=NOW)
    free(quota, 1)
    promote_all(at=NOW)
    file.refresh_from_db()
    facts = facts_of(file, today=NOW.date())
    assert (badge(facts, "ars").tone, badge(facts, "ars").label) == ("warning", "Place libre")
    assert badge(facts, "prefecture").tone == "info"
    assert badge(facts, "structure").label == "Liste d’attente", "nothing tells the structure the sense"


def test_a_list_of_any_length_costs_the_same_to_leave_alone(django_assert_num_queries):
    quota = full_quota()
    for hours in range(4):
        waiting(hours)
    free(quota, 2)
    promote_all(at=NOW)
    with django_assert_num_queries(5):
        promote_all(at=NOW)


def test_the_structure_reads_its_rank_and_where_the_rule_is(client):
    quota = full_quota()
    waiting(0)
    second = waiting(1)
    owner = make.membership(second.structure)
    client.force_login(owner.user)
    page = client.get(second.get_absolute_url()).text
    assert "Toutes les places de la vague 4 sont réservées dans le département. Votre dossier est au rang 2" in page
    assert "/calendrier/#liste-d-attente" in page
    free(quota, 2)
    promote_all(at=NOW)
    page = client.get(second.get_absolute_url()).text
    assert "sont réservées" not in page
    assert "au rang 2" in page
    assert "lace libre" not in page, "nothing tells the structure the sense"
