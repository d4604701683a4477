"""Pure rules: quarters, classes of the map, measures from frozen files, and where files wait."""

import json
from datetime import date
from decimal import Decimal

import pytest

from indicators.choices import Level, Status
from indicators.rules import measures, quarters, shares, steering

# Quarters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quarter", "first", "last", "previous"),
    [
        ("2026T1", date(2026, 1, 1), date(2026, 3, 31), "2025T4"),
        ("2026T2", date(2026, 4, 1), date(2026, 6, 30), "2026T1"),
        ("2026T3", date(2026, 7, 1), date(2026, 9, 30), "2026T2"),
        ("2026T4", date(2026, 10, 1), date(2026, 12, 31), "2026T3"),
    ],
)
def test_quarters_have_their_days(quarter, first, last, previous):
    assert quarters.quarter_start(quarter) == first
    assert quarters.quarter_end(quarter) == last
    assert quarters.quarter_of(first) == quarters.quarter_of(last) == quarter
    assert quarters.previous_quarter(quarter) == previous


@pytest.mark.parametrize("text", ["", "2026", "2026T5", "T3 2026", "2026t3", "2026T3 "])
def test_what_is_not_a_quarter_is_refused(text):
    with pytest.raises(quarters.UnknownQuarterError, match="2026T3"):
        quarters.quarter_start(text)


# Classes of the map ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "target", "expected"),
    [
        (0, 10, "0"),
        (1, 100, "1"),
        (49, 100, "1"),
        (50, 100, "2"),
        (79, 100, "2"),
        (80, 100, "3"),
        (99, 100, "3"),
        (100, 100, "4"),
        (130, 100, "4"),
        (0, 0, "nd"),
        (3, 0, "nd"),
    ],
)
def test_lower_bound_is_included_upper_excluded(labels, target, expected):
    assert shares.share_class(labels, target).key == expected


def test_the_legend_counts_empty_classes_too():
    counts = shares.count_classes([shares.NONE, shares.NONE, shares.REACHED])
    assert [(one.key, count) for one, count in counts.items()] == [
        ("0", 2), ("1", 0), ("2", 0), ("3", 0), ("4", 1), ("nd", 0),
    ]  # fmt: skip


# Measures --------------------------------------------------------------------------------------------------------


def frozen(**rows):
    """Inputs of 2026T3 over two régions: 98 and 99 in R1, 97 in R2."""
    content = {
        measures.EDITION: [("2026T3", 1, "2026-09-30")],
        measures.INDICATORS: [(code, code, "u", "source") for code in measures.MEASURES],
        measures.TERRITORIES: [
            ("departement", "97", "Ébauche", "R2"),
            ("departement", "98", "Essonnie", "R1"),
            ("departement", "99", "Valfictie", "R1"),
            ("region", "R1", "Région Imaginaire", "R1"),
            ("region", "R2", "Autre Région", "R2"),
            ("nation", "FR", "France", ""),
        ],
        measures.QUOTAS: [],
        measures.LABELS: [],
        measures.FILES: [],
        measures.GRANTS: [],
        **rows,
    }
    return {name: measures.write_csv(columns, content[name]) for name, columns in measures.INPUTS.items()}


def measured(inputs, indicator):
    return {(one.level, one.territory): one.measure for one in measures.measure(inputs) if one.indicator == indicator}


def values(inputs, indicator):
    found = measured(inputs, indicator)
    return [
        found[level, code].value
        for level, code in (
            (Level.DEPARTEMENT, "97"),
            (Level.DEPARTEMENT, "98"),
            (Level.DEPARTEMENT, "99"),
            (Level.REGION, "R1"),
            (Level.NATION, "FR"),
        )
    ]


def test_labels_in_force_on_the_last_day():
    inputs = frozen(
        **{
            measures.LABELS: [
                ("A", "99", "2026-09-30", "", "2026-09-30"),  # from the last day on
                ("B", "99", "2026-01-01", "2026-09-30", "2026-01-05"),  # until the last day
                ("C", "99", "2026-01-01", "2026-09-29", "2026-01-05"),  # ended the day before
                ("D", "98", "2026-10-01", "", "2026-09-30"),  # not begun
            ]
        }
    )
    assert values(inputs, "labels-en-vigueur") == [0, 0, 2, 2, 2]
    assert values(inputs, "labels-accordes") == [0, 1, 1, 2, 2]


def test_share_of_target_is_missing_without_a_target_and_zero_without_a_label():
    inputs = frozen(
        **{
            measures.LABELS: [("A", "99", "2026-01-01", "", "2026-01-05"), ("B", "97", "2026-01-01", "", "2026-01-05")],
            measures.QUOTAS: [(1, "99", 1, 2), (2, "99", 0, 1), (1, "98", 0, 3)],
        }
    )
    found = measured(inputs, "part-de-la-cible")
    assert found[Level.DEPARTEMENT, "97"] == measures.Measure(None, Decimal(1), None, Status.MISSING)
    assert found[Level.DEPARTEMENT, "98"] == measures.Measure(Decimal("0.0000"), Decimal(0), Decimal(3))
    assert found[Level.DEPARTEMENT, "99"].value == Decimal("33.3333")
    assert found[Level.NATION, "FR"].value == Decimal("33.3333")


def test_the_median_delay_is_secret_under_five_acts_and_not_computed_without_any():
    five = [("99", "2026-06-01", f"2026-07-0{day}") for day in range(1, 6)]
    others = [("98", "2026-06-01", "2026-07-01"), ("97", "2026-06-01", ""), ("97", "2026-01-01", "2026-06-30")]
    found = measured(frozen(**{measures.FILES: [*five, *others]}), "delai-median-decision")
    assert found[Level.DEPARTEMENT, "99"] == measures.Measure(Decimal("32.0000"), None, Decimal(5))
    assert found[Level.DEPARTEMENT, "98"].status == Status.SECRET
    assert found[Level.DEPARTEMENT, "97"].status == Status.NOT_COMPUTED
    assert found[Level.NATION, "FR"].value == Decimal("31.5")
    assert all((one.value is None) == (one.status in {Status.SECRET, Status.NOT_COMPUTED}) for one in found.values())


def test_new_and_reallocated_credits_are_never_added():
    inputs = frozen(
        **{measures.GRANTS: [("99", "nouveaux", "50000.10"), ("99", "nouveaux", "0.20"), ("98", "réaffectés", "7.00")]}
    )
    assert values(inputs, "credits-nouveaux-attribues") == [
        0,
        0,
        Decimal("50000.3"),
        Decimal("50000.3"),
        Decimal("50000.3"),
    ]
    assert values(inputs, "credits-reaffectes-attribues") == [0, 7, 0, 7, 7]


def test_a_running_quarter_is_provisional():
    inputs = frozen(**{measures.EDITION: [("2026T3", 1, "2026-08-15")]})
    assert {one.measure.status for one in measures.measure(inputs)} == {
        Status.PROVISIONAL, Status.MISSING, Status.NOT_COMPUTED,
    }  # fmt: skip


def test_the_files_say_words_where_there_is_no_number():
    inputs = frozen(**{measures.FILES: [("99", "2026-07-01", "2026-07-02")], measures.QUOTAS: [(1, "99", 0, 1)]})
    files = measures.outputs(inputs)
    assert set(files) == {"indicateurs-2026T3-v1.csv", "indicateurs-2026T3-v1.jsonl"}
    rows = measures.read_csv(files["indicateurs-2026T3-v1.csv"])
    lines = [json.loads(line) for line in files["indicateurs-2026T3-v1.jsonl"].splitlines()]
    assert len(rows) == len(lines) == len(measures.MEASURES) * 6
    by_key = {(row["indicateur"], row["niveau"], row["code_territoire"]): row for row in rows}
    zero = by_key["part-de-la-cible", "département", "99"]
    assert (zero["valeur"], zero["statut"], zero["denominateur"]) == ("0", "definitif", "1")
    assert by_key["part-de-la-cible", "département", "98"]["statut"] == "ND"
    assert by_key["delai-median-decision", "département", "99"]["statut"] == "NS"
    assert by_key["delai-median-decision", "département", "98"]["statut"] == "non calculé"
    assert by_key["delai-median-decision", "département", "98"]["valeur"] == ""
    for row, line in zip(rows, lines, strict=True):
        assert {name: "" if value is None else str(value) for name, value in line.items()} == row


def test_same_bytes_in_same_bytes_out():
    inputs = frozen(**{measures.LABELS: [("A", "99", "2026-01-01", "", "2026-01-05")]})
    assert measures.outputs(inputs) == measures.outputs(dict(reversed(inputs.items())))


# Where files wait ------------------------------------------------------------------------------------------------

TODAY = date(2026, 11, 22)


def waits(state, since, *, shared=False, endorsed=False, missing=()):
    return steering.OpenFile(state, shared, endorsed, missing, since)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (waits("submitted", TODAY), ["a-prendre"]),
        (waits("under_review", TODAY), ["a-apprecier"]),
        (waits("under_review", TODAY, shared=True), ["a-endosser"]),
        (waits("under_review", TODAY, shared=True, endorsed=True), ["a-presenter"]),
        (waits("awaiting_signatures", TODAY, missing=["prefet", "ars"]), ["signature-ars", "signature-prefet"]),
        (waits("awaiting_signatures", TODAY, missing=["prefet"]), ["signature-prefet"]),
        (waits("disagreement", TODAY), ["desaccord"]),
        (waits("draft", TODAY), []),
        (waits("labelled", TODAY), []),
    ],
)
def test_each_open_file_waits_somewhere(file, expected):
    assert [stage.key for stage in steering.stages_of(file)] == expected


def test_the_bottleneck_holds_the_most_files_times_days():
    files = [
        *(waits("submitted", date(2026, 11, 20)) for _ in range(3)),  # 3 files × 2 days
        waits("awaiting_signatures", date(2026, 11, 15), missing=["prefet"]),  # 1 file × 7 days
    ]
    stages = steering.waiting(files, on=TODAY)
    assert [(one.stage.key, one.files, one.days, one.median_days) for one in stages] == [
        ("a-prendre", 3, 6, 2),
        ("signature-prefet", 1, 7, 7),
    ]
    assert steering.bottleneck(stages).stage == steering.SIGN_PREFET


def test_a_file_of_today_counts_one_day_and_a_tie_goes_to_the_earlier_stage():
    stages = steering.waiting([waits("disagreement", TODAY), waits("submitted", TODAY)], on=TODAY)
    assert [one.days for one in stages] == [1, 1]
    assert steering.bottleneck(stages).stage == steering.TAKE_UP
    assert steering.bottleneck([]) is None
