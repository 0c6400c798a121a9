from __future__ import annotations

import tracemalloc
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import KRIPPENDORFF_A, KRIPPENDORFF_B, KRIPPENDORFF_C, WIKIPEDIA, coders

from goldloop.agreement import count_columns, count_matrix, count_table, krippendorff_alpha
from goldloop.agreement.alpha import Level
from goldloop.errors import RecordError, SettingsError

LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")
ANSWERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40)


def by_definition(answers: list[tuple[int, int]], level: Level) -> float | None:
    """Alpha from all pairs, as Krippendorff writes it down, with loops."""
    units: dict[int, list[int]] = {}
    for task, answer in answers:
        units.setdefault(task, []).append(answer)
    units = {task: given for task, given in units.items() if len(given) > 1}
    pooled = [answer for given in units.values() for answer in given]
    count = {value: pooled.count(value) for value in sorted(set(pooled))}

    def distance(one: int, other: int) -> float:
        low, high = sorted((one, other))
        if level == "nominal":
            return float(one != other)
        if level == "ordinal":
            between = sum(count[value] for value in count if low <= value <= high)
            return (between - (count[low] + count[high]) / 2) ** 2
        return ((high - low) / (1 if level == "interval" else low + high or 1)) ** 2

    expected = 2 * sum(distance(*pair) for pair in combinations(pooled, 2))
    if not expected:
        return None
    observed = sum(
        2 * distance(*pair) / (len(given) - 1)
        for given in units.values()
        for pair in combinations(given, 2)
    )
    return 1 - (len(pooled) - 1) * observed / expected


@pytest.mark.parametrize(
    ("lines", "level", "expected"),
    [
        (KRIPPENDORFF_A, "nominal", 0.095238),
        (KRIPPENDORFF_C, "nominal", 0.743421),
        (KRIPPENDORFF_C, "ordinal", 0.815388),
        (KRIPPENDORFF_C, "interval", 0.849107),
        (KRIPPENDORFF_C, "ratio", 0.797403),
        (WIKIPEDIA, "nominal", 0.691358),
        (WIKIPEDIA, "ordinal", 0.806721),
        (WIKIPEDIA, "interval", 0.810845),
        (WIKIPEDIA, "ratio", 0.808944),
    ],
)
def test_alpha_is_as_published(lines: tuple[str, ...], level: Level, expected: float) -> None:
    assert krippendorff_alpha(coders(lines, int), level) == pytest.approx(expected, abs=5e-7)


def test_nominal_alpha_of_names_is_as_published() -> None:
    assert krippendorff_alpha(coders(KRIPPENDORFF_B)) == pytest.approx(0.691964, abs=5e-7)


@pytest.mark.parametrize("level", LEVELS)
@given(answers=ANSWERS)
def test_alpha_is_what_its_definition_gives(level: Level, answers: list[tuple[int, int]]) -> None:
    expected = by_definition(answers, level)
    value = krippendorff_alpha(count_table(answers), level)
    assert value == (None if expected is None else pytest.approx(expected, abs=1e-9))


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_equals_the_krippendorff_package(level: Level) -> None:
    krippendorff = pytest.importorskip(
        "krippendorff", reason="the krippendorff package is not installed; it is only for tests"
    )
    random = np.random.default_rng(5)
    answers = random.integers(1, 8, size=(6, 60)).astype(float)
    answers[1:] = np.where(random.random((5, 60)) < 0.6, answers[0], answers[1:])
    answers[random.random((6, 60)) < 0.4] = np.nan
    tasks = np.broadcast_to(np.arange(60), answers.shape)
    table = count_columns(tasks.ravel(), answers.ravel())
    expected = krippendorff.alpha(answers, level_of_measurement=level)
    assert krippendorff_alpha(table, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "answers",
    [[], [(1, 3)], [(1, 3), (2, 4)], [(1, 3), (1, 3), (2, 3), (2, 3)], [(1, 3), (1, 3), (2, 4)]],
    ids=["nothing", "one answer", "single answers", "one category", "one category in pairs"],
)
def test_alpha_of_what_cannot_disagree_is_none(
    level: Level, answers: list[tuple[int, int]]
) -> None:
    assert krippendorff_alpha(count_table(answers), level) is None


@pytest.mark.parametrize("level", LEVELS)
def test_perfect_agreement_is_exactly_one(level: Level) -> None:
    table = count_matrix(np.eye(7, dtype=int) * 3, options=[0.1, 0.2, 0.3, 0.7, 1.1, 1.3, 9.9])
    assert krippendorff_alpha(table, level) == 1.0


def test_alpha_falls_below_zero_when_people_always_differ() -> None:
    assert krippendorff_alpha(count_matrix([[1, 1]] * 20)) == pytest.approx(-0.95)


@given(
    answers=ANSWERS,
    factor=st.sampled_from([1e-300, 1e-3, 7.0, 1e300]),
    shift=st.sampled_from([0.0, 3.0]),
)
def test_interval_alpha_sees_neither_unit_nor_origin(
    answers: list[tuple[int, int]], factor: float, shift: float
) -> None:
    moved = [(task, (answer + shift) * factor) for task, answer in answers]
    value = krippendorff_alpha(count_table(answers), "interval")
    same = krippendorff_alpha(count_table(moved), "interval")
    assert same == (None if value is None else pytest.approx(value, abs=1e-9))


def test_interval_alpha_keeps_small_differences_far_from_zero() -> None:
    near = [(task, answer) for task in range(20) for answer in (task, task + task % 3)]
    far = [(task, 1_700_000_000 + answer) for task, answer in near]
    expected = krippendorff_alpha(count_table(near), "interval")
    assert krippendorff_alpha(count_table(far), "interval") == pytest.approx(expected, rel=1e-6)


def test_ordinal_alpha_follows_the_order_of_the_options_given() -> None:
    answers = [(1, "low"), (1, "middle"), (2, "high"), (2, "high"), (3, "low"), (3, "low")]
    in_order = krippendorff_alpha(count_table(answers, ["low", "middle", "high"]), "ordinal")
    scrambled = krippendorff_alpha(count_table(answers, ["low", "high", "middle"]), "ordinal")
    assert in_order is not None
    assert scrambled is not None
    assert in_order > scrambled


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_many_distinct_values_need_no_matrix_of_values(level: Level) -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    table = count_columns(np.repeat(np.arange(10_000), 2), values)
    tracemalloc.start()
    krippendorff_alpha(table, level)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # 20,000 x 20,000 numbers would take 3.2e9 bytes


def test_ratio_alpha_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = coders(KRIPPENDORFF_C, int)
    monkeypatch.setattr("goldloop.agreement.alpha._BLOCK_CELLS", 1)
    assert krippendorff_alpha(table, "ratio") == pytest.approx(0.797403, abs=5e-7)


@pytest.mark.parametrize("level", ["interval", "ratio"])
@pytest.mark.parametrize("odd", ["high", float("inf"), ("a",)])
def test_levels_of_numbers_refuse_other_options(level: Level, odd: Any) -> None:
    with pytest.raises(RecordError, match="numbers"):
        krippendorff_alpha(count_matrix([[1, 1], [2, 0]], options=[1, odd]), level)


def test_the_ratio_level_refuses_negative_numbers() -> None:
    with pytest.raises(RecordError, match="from 0 up"):
        krippendorff_alpha(count_matrix([[1, 1], [2, 0]], options=[-1, 1]), "ratio")


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="nominal, ordinal, interval or ratio"):
        krippendorff_alpha(count_matrix([[1, 1], [2, 0]]), "cardinal")  # type: ignore[arg-type]
