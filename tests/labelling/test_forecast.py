"""The pace of the last eight weeks, the date it promises, and what remains week after week. Pure."""

from datetime import date, timedelta
from random import Random

import pytest

from labelling.rules.forecast import MIN_EVENTS, WINDOW, burn_down, forecast, recent

TODAY = date(2026, 11, 22)


def days(count, *, every=7):
    """Days of past labels, the last one today."""
    return [TODAY - timedelta(days=every * rank) for rank in range(count)]


def test_the_window_is_eight_weeks_today_included():
    first = TODAY - timedelta(days=55)
    assert recent([first, TODAY, first - timedelta(days=1), TODAY + timedelta(days=1)], on=TODAY) == 2


@pytest.mark.parametrize(("events", "silent"), [(0, True), (MIN_EVENTS - 1, True), (MIN_EVENTS, False)])
def test_it_is_silent_under_eight_events(events, silent):
    old = [TODAY - timedelta(days=100)] * 50
    assert (forecast([*old, *days(events, every=1)], done=10, target=15, on=TODAY) is None) == silent


@pytest.mark.parametrize("done", [15, 16])
def test_it_is_silent_when_the_target_is_reached(done):
    assert forecast(days(8), done=done, target=15, on=TODAY) is None


def test_one_label_a_week_and_eight_to_go():
    found = forecast(days(8), done=7, target=15, on=TODAY)
    assert (found.events, found.remaining, found.per_week) == (8, 8, 1.0)
    # Fisher's law of equal degrees has a median of 1: eight labels at one a week take eight weeks.
    assert found.reached == TODAY + WINDOW
    assert found.early < found.reached < found.late


def test_more_events_make_a_narrower_interval():
    few = forecast(days(8), done=0, target=8, on=TODAY)
    many = forecast(days(8) * 10, done=0, target=80, on=TODAY)
    assert many.late - many.early < few.late - few.early


def test_beyond_five_years_nothing_is_written():
    assert forecast(days(8), done=0, target=400, on=TODAY) is None
    near = forecast(days(8), done=0, target=200, on=TODAY)
    assert near.late is None
    assert near.reached > near.early


def test_the_interval_holds_the_true_date_eight_times_in_ten():
    """Labels drawn at a constant pace: the method promises what it keeps."""
    rng = Random(20261122)
    inside = total = 0
    while total < 2000:
        rate, remaining = 20 / WINDOW.days, 10
        past, day = [], 0.0
        while (day := day + rng.expovariate(rate)) < WINDOW.days:
            past.append(TODAY - timedelta(days=int(day)))
        found = forecast(past, done=0, target=remaining, on=TODAY)
        if found is None:
            continue
        reached = sum(rng.expovariate(rate) for _ in range(remaining))
        total += 1
        inside += (found.early - TODAY).days <= reached <= (found.late - TODAY).days
    assert 0.76 <= inside / total <= 0.86


def test_burn_down_week_by_week():
    since = date(2026, 11, 3)
    signed = [date(2026, 10, 30), date(2026, 11, 4), date(2026, 11, 20), date(2026, 11, 22), date(2026, 12, 1)]
    weeks = burn_down(signed, target=5, since=since, on=TODAY)
    assert [(week.monday, week.signed, week.total, week.remaining) for week in weeks] == [
        (date(2026, 11, 2), 2, 2, 3),
        (date(2026, 11, 9), 0, 2, 3),
        (date(2026, 11, 16), 2, 4, 1),
    ]
    assert burn_down(signed, target=1, since=since, on=TODAY)[-1].remaining == 0
