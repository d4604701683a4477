"""The delays of a file."""

from datetime import UTC, date, datetime

import pytest

from labelling.rules.clock import (
    add_months,
    appeal_deadline,
    clock_sentence,
    days_left,
    has_passed,
    merged,
    pause_on,
    postponed,
    silence_date,
)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 10, 4), 2, date(2026, 12, 4)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 7, 31), 2, date(2026, 9, 30)),
        (date(2026, 11, 30), 2, date(2027, 1, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_run_from_a_day_to_the_same_day_or_the_last_of_a_shorter_month(day, months, expected):
    assert add_months(day, months) == expected


def test_the_day_of_receipt_is_that_of_the_departement():
    received = datetime(2026, 10, 3, 23, 30, tzinfo=UTC)
    assert silence_date(received, timezone="Europe/Paris", months=2) == date(2026, 12, 4)
    assert silence_date(received, timezone="America/Martinique", months=2) == date(2026, 12, 3)
    assert silence_date(received, timezone="Indian/Reunion", months=2) == date(2026, 12, 4)


def test_the_last_day_still_counts():
    assert not has_passed(date(2026, 12, 4), date(2026, 12, 4))
    assert has_passed(date(2026, 12, 4), date(2026, 12, 5))
    assert days_left(date(2026, 12, 4), date(2026, 11, 22)) == 12


def test_the_delay_to_go_to_court_does_not_count_its_first_day():
    assert appeal_deadline(date(2026, 12, 4)) == date(2027, 2, 5)


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 11, 22), "J-12 · rejet implicite le\u00a004/12/2026"),
        (date(2026, 12, 4), "Dernier jour · rejet implicite le\u00a004/12/2026"),
        (date(2026, 12, 5), "Délai dépassé · rejet implicite le\u00a004/12/2026"),
    ],
)
def test_the_clock_says_the_date_and_what_happens_on_it(today, words):
    assert clock_sentence(date(2026, 12, 4), today) == words


D = date


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ([], D(2026, 12, 4)),
        ([(D(2026, 11, 24), D(2026, 12, 15))], D(2026, 12, 25)),  # 21 days, as the screens show them
        ([(D(2026, 11, 24), D(2026, 11, 25))], D(2026, 12, 5)),
        ([(D(2026, 11, 24), D(2026, 11, 24))], D(2026, 12, 4)),  # answered on the day it is read
        ([(D(2026, 11, 24), D(2026, 12, 1)), (D(2026, 11, 28), D(2026, 12, 4))], D(2026, 12, 14)),  # overlap: once
        ([(D(2026, 11, 28), D(2026, 11, 30)), (D(2026, 11, 24), D(2026, 12, 4))], D(2026, 12, 14)),  # one in the other
        ([(D(2026, 11, 1), D(2026, 11, 3)), (D(2026, 11, 10), D(2026, 11, 15))], D(2026, 12, 11)),  # two apart
        ([(D(2026, 12, 4), D(2026, 12, 10))], D(2026, 12, 10)),  # the last day still counts
        ([(D(2026, 12, 5), D(2026, 12, 10))], D(2026, 12, 4)),  # too late: silence has spoken
        # The second begins after the first date, but not after the date that the first one put off.
        ([(D(2026, 11, 24), D(2026, 12, 4)), (D(2026, 12, 12), D(2026, 12, 15))], D(2026, 12, 17)),
    ],
)
def test_pauses_put_the_delay_off_by_their_days_each_counted_once(pauses, expected):
    assert postponed(D(2026, 12, 4), pauses) == expected


def test_pauses_that_touch_are_one():
    assert merged([(D(2026, 1, 3), D(2026, 1, 5)), (D(2026, 1, 1), D(2026, 1, 3))]) == [(D(2026, 1, 1), D(2026, 1, 5))]


def test_the_day_on_which_the_clock_runs_again_is_not_paused():
    pauses = [(D(2026, 11, 24), D(2026, 12, 15))]
    assert pause_on(pauses, D(2026, 11, 23)) is None
    assert pause_on(pauses, D(2026, 11, 24)) == pause_on(pauses, D(2026, 12, 14)) == pauses[0]
    assert pause_on(pauses, D(2026, 12, 15)) is None


def test_the_clock_says_the_pause_and_the_latest_date():
    words = clock_sentence(D(2026, 12, 25), D(2026, 11, 26), D(2026, 11, 24), D(2026, 12, 15))
    assert words == "En pause depuis le\u00a024/11 · rejet implicite reporté au plus tard au\u00a025/12/2026"
    assert clock_sentence(D(2026, 12, 25), D(2026, 12, 15), D(2026, 11, 24), D(2026, 12, 15)).startswith("J-10 ·")
