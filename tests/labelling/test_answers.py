"""The answers of a file: read, written back, corrected."""

from datetime import date

import pytest

from labelling.rules.answers import Answers, Closure, Fees, parse, parse_time, problems
from labelling.rules.steps import BY_SLUG, STEPS, Status, next_step, status_of, unfinished

WHOLE = {
    "identity": {"exact": False, "correction": "Le nom a changé."},
    "contact": {
        "name": "Dr Flore Maquette",
        "role": "gérante",
        "phone": "0199000001",
        "email": "flore@exemple.invalid",
    },
    "hours": {"mon": [["08:30", "12:30"], ["13:30", "18:30"]], "sat": [["09:00", "12:00"]]},
    "sites": [
        {
            "name": "Antenne du Lavoir",
            "address": "2 place du Lavoir",
            "commune": "99002",
            "commune_name": "Ébauche",
            "hours": {"wed": [["09:00", "12:00"]]},
        }
    ],
    "mobile": True,
    "stops": [
        {
            "place": "place du Marché",
            "commune": "99003",
            "commune_name": "Essai",
            "day": "thu",
            "start": "14:00",
            "end": "17:00",
            "weeks": 2,
        }
    ],
    "closures": [{"start": "2027-08-01", "end": "2027-08-15", "replaced": True}],
    "team": [
        {
            "profession": "doctor",
            "name": "Dr Maquette",
            "rpps": "10000000017",
            "sector": "1",
            "half_days": [0, 1, 11],
            "on_site": True,
            "minutes": None,
        },
        {"profession": "nurse", "name": "", "rpps": "", "sector": "", "half_days": [], "on_site": False, "minutes": 6},
    ],
    "fees": {"overrun": False, "third_party": True, "sector": "", "details": ""},
    "on_call": {"pdsa": None, "pdsa_sector": "", "sas": True, "details": ""},
    "commitments": {"appointment_48h": True, "support": True},
}


def test_what_is_written_is_read_back_the_same():
    assert parse(WHOLE).as_json() == WHOLE
    assert parse(parse(WHOLE).as_json()) == parse(WHOLE)
    assert parse({}).as_json() == Answers().as_json()


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "text",
        {"hours": 3, "team": {}, "closures": "x"},
        {"team": [{"profession": "pilot"}, 4, None]},
        {"hours": {"mon": [["8"], "x", None, ["a", "b"]]}},
        {"closures": [{"start": "demain", "end": "2027-01-01"}, {}]},
        {"sites": [{"name": "sans commune"}, 3], "stops": [{"commune": "99003", "day": "mon"}, {"day": "x"}]},
        {"fees": {"sector": ["1"]}, "on_call": {"pdsa": "oui"}},
    ],
)
def test_what_cannot_be_read_is_left_out(raw):
    assert parse(raw) == Answers()


@pytest.mark.parametrize("text", ["8h30", "8:30", "0830", "08:30", " 8 h 30 ", "8.30", "8H30"])
def test_times_are_written_as_people_write_them(text):
    assert parse_time(text) == "08:30"


@pytest.mark.parametrize(
    ("text", "expected"), [("8", "08:00"), ("18h", "18:00"), ("00:00", "00:00"), ("2359", "23:59")]
)
def test_whole_hours(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "25h", "8h75", "midi", "8h3x", "123456"])
def test_a_wrong_time_says_how_to_write_it(text):
    with pytest.raises(ValueError, match="8h30, 8:30 ou 0830"):
        parse_time(text)


def test_open_days_are_those_with_an_opening():
    assert parse({"hours": {"wed": [["09:00", "12:00"]], "mon": [["9h", "10h"]], "tue": []}}).open_days == [
        "mon",
        "wed",
    ]


@pytest.mark.parametrize(
    ("answers", "step", "words"),
    [
        (Answers(hours={"mon": (("14:00", "12:00"),)}), "horaires", "n’est pas après l’ouverture"),
        (Answers(hours={"tue": (("08:00", "12:00"), ("11:00", "15:00"))}), "horaires", "se chevauchent vers 11:00"),
        (
            Answers(closures=(Closure(date(2027, 8, 15), date(2027, 8, 1)),)),
            "horaires",
            "se termine avant de commencer",
        ),
    ],
)
def test_what_cannot_be_is_said(answers, step, words):
    found = problems(answers)
    assert [problem.step for problem in found] == [step]
    assert words in found[0].sentence


def test_a_whole_file_has_no_problem_and_nothing_left_to_finish():
    answers = parse(WHOLE)
    assert problems(answers) == []
    assert unfinished(answers) == []
    assert status_of(BY_SLUG["relire"], answers) == Status.TO_FINISH


def test_an_empty_file_is_not_started():
    assert {status_of(step, Answers()) for step in STEPS} == {Status.NOT_STARTED}
    assert [step.slug for step in unfinished(Answers())] == [
        "identite",
        "horaires",
        "equipe",
        "tarifs",
        "permanence",
        "engagements",
    ]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"identity": {"exact": False, "correction": ""}}, "identite"),
        ({"contact": {"name": "", "email": ""}}, "identite"),
        ({"team": [{"profession": "doctor", "half_days": [], "sector": "1"}]}, "equipe"),
        ({"team": [{"profession": "doctor", "half_days": [1], "sector": ""}]}, "tarifs"),
        ({"on_call": {"pdsa": False, "sas": None}}, "permanence"),
        ({"commitments": {"appointment_48h": True, "support": False}}, "engagements"),
    ],
)
def test_a_task_that_lacks_something_is_to_finish(change, step):
    answers = parse({**WHOLE, **change})
    assert status_of(BY_SLUG[step], answers) == Status.TO_FINISH
    assert step in [one.slug for one in unfinished(answers)]


def test_a_criterion_that_is_not_met_does_not_keep_from_submitting():
    alone = parse({**WHOLE, "team": WHOLE["team"][:1], "on_call": {"pdsa": False, "sas": False}})
    assert unfinished(alone) == []


def test_the_sector_of_the_structure_stands_for_doctors_who_are_not_listed():
    assert status_of(BY_SLUG["tarifs"], Answers(fees=Fees(overrun=False, sector="1"))) == Status.DONE


def test_tasks_follow_each_other():
    assert [next_step(step).slug if next_step(step) else None for step in STEPS] == [
        "horaires",
        "equipe",
        "tarifs",
        "permanence",
        "engagements",
        "relire",
        None,
    ]
