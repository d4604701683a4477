"""What changed between two versions of the answers, and what each criterion reads of them."""

from dataclasses import replace
from datetime import date

import pytest

from labelling.choices import Rule
from labelling.rules.answers import Answers, Closure, Member, OnCall, parse
from labelling.rules.diff import ABSENT, changes, has_changed
from labelling.rules.reads import only_read, step_of, taken_over
from labelling.rules.words import who_is
from tests.labelling.test_answers import WHOLE

BEFORE = parse(WHOLE)
DOCTOR, NURSE = BEFORE.team


def said(before, after):
    return [(one.step.slug, one.label, one.before, one.after) for one in changes(before, after)]


def test_the_same_answers_have_no_change():
    assert changes(BEFORE, parse(BEFORE.as_json())) == []


def test_only_what_differs_is_said_in_words():
    hours = {**BEFORE.hours, "wed": (("09:00", "12:00"),)}
    after = replace(BEFORE, hours=hours, on_call=OnCall(pdsa=False, sas=True))
    assert said(BEFORE, after) == [
        ("horaires", "Mercredi", "fermé", "9\u00a0h\u00a0–\u00a012\u00a0h"),
        ("permanence", "Permanence des soins (PDSA)", "Non renseigné", "non"),
    ]


def test_who_came_and_who_left_are_said():
    other = Member(profession="nurse", name="Mme Ébauche")
    after = replace(BEFORE, team=(DOCTOR, other))
    assert [(label, before, after) for _, label, before, after in said(BEFORE, after)] == [
        ("Infirmier", "à 6 min", ABSENT),
        ("Mme Ébauche", ABSENT, "infirmier, sur place"),
    ]


def test_half_days_that_move_are_said_though_their_number_does_not_change():
    after = replace(BEFORE, team=(replace(DOCTOR, half_days=frozenset({0, 1, 5})), NURSE))
    assert said(BEFORE, after) == [
        (
            "equipe",
            "Dr Maquette, demi-journées",
            "lundi matin, lundi après-midi, samedi après-midi",
            "lundi matin, lundi après-midi, mercredi après-midi",
        )
    ]


def test_two_professionals_without_name_are_told_apart():
    two = replace(BEFORE, team=(NURSE, NURSE))
    after = replace(BEFORE, team=(NURSE, replace(NURSE, minutes=12)))
    assert said(two, after) == [("equipe", "Infirmier", "à 6 min", "à 12 min")]


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        (Rule.DOCTOR, replace(BEFORE, team=(replace(DOCTOR, half_days=frozenset({2})), NURSE))),
        (Rule.NURSE, replace(BEFORE, team=(DOCTOR,))),
        (Rule.OPEN_DAYS, replace(BEFORE, closures=(Closure(date(2027, 5, 1), date(2027, 5, 2)),))),
        (Rule.NO_OVERRUN, replace(BEFORE, team=(replace(DOCTOR, sector="2"), NURSE))),
        (Rule.ON_CALL, replace(BEFORE, on_call=OnCall(sas=False))),
    ],
)
def test_a_criterion_has_changed_when_what_it_reads_has_and_then_alone(rule, after):
    read = [Rule.DOCTOR, Rule.NURSE, Rule.OPEN_DAYS, Rule.NO_OVERRUN, Rule.ON_CALL]
    assert [one for one in read if has_changed(one, BEFORE, after)] == [rule]


def test_only_what_a_rule_reads_is_taken_over():
    sent = parse(
        {
            **WHOLE,
            "team": [{"profession": "doctor", "name": "Dr Neuf"}, {"profession": "nurse", "name": "Intruse"}],
            "hours": {"tue": [["09:00", "12:00"]]},
            "fees": {"overrun": True},
        }
    )
    kept = taken_over([Rule.DOCTOR], BEFORE, sent)
    assert [member.name for member in kept.team] == ["Dr Neuf", ""]
    assert (kept.hours, kept.fees) == (BEFORE.hours, BEFORE.fees)
    assert taken_over([Rule.OPEN_DAYS], BEFORE, sent) == replace(BEFORE, hours=sent.hours, closures=sent.closures)
    assert taken_over([Rule.PERSON], BEFORE, sent) == BEFORE
    assert taken_over([], BEFORE, sent) == BEFORE


def test_sectors_are_taken_over_with_the_fees_for_the_doctors_there_are():
    sent = replace(BEFORE, team=(replace(DOCTOR, sector="optam"), replace(DOCTOR, name="Dr Neuf", sector="2"), NURSE))
    assert [member.sector for member in taken_over([Rule.NO_OVERRUN], BEFORE, sent).team] == ["optam", ""]
    both = taken_over([Rule.NO_OVERRUN, Rule.DOCTOR], BEFORE, sent)
    assert [(member.name, member.sector) for member in both.of("doctor")] == [
        ("Dr Maquette", "optam"),
        ("Dr Neuf", "2"),
    ]


def test_the_team_of_a_question_is_that_of_its_profession():
    assert only_read(Rule.NURSE, BEFORE).team == (NURSE,)
    assert only_read(Rule.ON_CALL, BEFORE) == BEFORE
    assert (step_of(Rule.NURSE).slug, step_of(Rule.PERSON)) == ("equipe", None)


def test_nothing_reads_an_empty_file():
    assert changes(Answers(), Answers()) == []


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (Member("nurse"), ("Infirmier", "")),
        (Member("doctor", name="médecin 2"), ("médecin 2", "")),
        (Member("nurse", name="Mme Ébauche"), ("Mme Ébauche", "infirmier")),
    ],
)
def test_a_profession_that_the_name_says_is_not_said_again(member, said):
    assert who_is(member) == said
