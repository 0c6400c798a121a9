from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import COHEN_1960

from goldloop.agreement import cohen_kappa, cohen_kappa_interval, confusion_matrix, scott_pi
from goldloop.agreement.kappa import KappaWeights
from goldloop.errors import RecordError, SettingsError

MATRICES = st.integers(2, 4).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 9), min_size=k, max_size=k), min_size=k, max_size=k)
)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("unweighted", 0.491525), ("linear", 0.473684), ("quadratic", 0.454545)],
)
def test_kappa_of_cohen_1960(weights: KappaWeights, expected: float) -> None:
    assert cohen_kappa(COHEN_1960, weights) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [
        ([[20, 5], [10, 15]], 0.400000),
        ([[45, 15], [25, 15]], 0.130435),
        ([[25, 35], [5, 35]], 0.259259),
        ([[40, 9], [6, 45]], 0.699519),  # Feinstein and Cicchetti (1990)
        ([[80, 10], [5, 5]], 0.318182),  # the same, with a skewed prevalence
        ([[118, 5], [2, 0]], -0.023392),  # Gwet (2008)
    ],
)
def test_kappa_of_two_by_two_tables(confusion: list[list[int]], expected: float) -> None:
    assert cohen_kappa(confusion) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("confusion", "expected"), [([[20, 5], [10, 15]], 0.393939), ([[25, 35], [5, 35]], 0.191919)]
)
def test_pi_of_two_by_two_tables(confusion: list[list[int]], expected: float) -> None:
    assert scott_pi(confusion) == pytest.approx(expected, abs=5e-7)


def test_people_with_different_biases_look_better_in_kappa_than_in_pi() -> None:
    biased = [[25, 35], [5, 35]]
    kappa, pi = cohen_kappa(biased), scott_pi(biased)
    assert kappa is not None
    assert pi is not None
    assert kappa > pi + 0.06


def test_positions_say_how_far_options_are_apart() -> None:
    counts = [[10, 0, 2], [0, 10, 0], [2, 0, 10]]
    near = cohen_kappa(counts, "linear", positions=[1, 5, 2])
    far = cohen_kappa(counts, "linear", positions=[1, 2, 5])
    assert near is not None
    assert far is not None
    assert near > far


@pytest.mark.parametrize("confusion", [np.zeros((0, 0), int), [[0, 0], [0, 0]], [[7, 0], [0, 0]]])
def test_one_category_or_no_task_has_neither_kappa_nor_pi(confusion: list[list[int]]) -> None:
    assert cohen_kappa(confusion) is None
    assert cohen_kappa(confusion, "quadratic") is None
    assert scott_pi(confusion) is None


def test_two_people_who_always_differ_by_one_category_each_have_kappa_zero() -> None:
    assert cohen_kappa([[0, 9], [0, 0]]) == 0.0


@given(MATRICES)
def test_unweighted_and_weighted_kappa_are_equal_for_two_options(counts: list[list[int]]) -> None:
    two = [row[:2] for row in counts[:2]]
    expected = cohen_kappa(two)
    same = None if expected is None else pytest.approx(expected)
    assert cohen_kappa(two, "linear") == cohen_kappa(two, "quadratic") == same


@given(MATRICES, st.permutations(range(4)))
def test_neither_the_order_of_people_nor_of_options_matters(
    counts: list[list[int]], order: list[int]
) -> None:
    matrix = np.array(counts)
    places = [place for place in order if place < len(matrix)]
    moved = matrix.T[np.ix_(places, places)]
    for measure in (cohen_kappa, scott_pi):
        expected = measure(matrix)
        assert measure(moved) == (None if expected is None else pytest.approx(expected))


@given(MATRICES)
def test_kappa_and_pi_are_at_most_one_and_one_for_perfect_agreement(
    counts: list[list[int]],
) -> None:
    for measure in (cohen_kappa, scott_pi):
        value = measure(counts)
        assert value is None or -1 <= value <= 1
    perfect = np.diag(np.diag(counts)) + np.eye(len(counts), dtype=int)
    assert cohen_kappa(perfect) == scott_pi(perfect) == 1.0


def test_only_tasks_that_both_answered_are_compared() -> None:
    first = {"t1": "a", "t2": "b", "t3": None, "t4": "a"}
    second = {"t1": "a", "t2": "a", "t3": "a", "t5": "b"}
    assert confusion_matrix(first, second).tolist() == [[1, 0], [1, 0]]


def test_declared_options_keep_their_order_in_the_matrix() -> None:
    matrix = confusion_matrix({1: "low"}, {1: "odd"}, options=["low", "high"])
    assert matrix.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_the_interval_holds_kappa_and_narrows_with_more_tasks() -> None:
    few = cohen_kappa_interval([[20, 5], [10, 15]])
    many = cohen_kappa_interval([[2000, 500], [1000, 1500]])
    assert few is not None
    assert many is not None
    assert few.low < many.low < 0.4 < many.high < few.high


def test_the_interval_agrees_with_the_large_sample_formula() -> None:
    # Fleiss, Cohen and Everitt (1969), for shares p with margins .5, .5 and .6, .4.
    p = np.array([[0.4, 0.1], [0.2, 0.3]])
    observed, chance, tasks = 0.7, 0.5, 500
    margins = np.add.outer(p.sum(axis=0), p.sum(axis=1))
    on = (np.diag(p) * (1 - chance - np.diag(margins) * (1 - observed)) ** 2).sum()
    off = (1 - observed) ** 2 * (p * margins**2)[~np.eye(2, dtype=bool)].sum()
    rest = (observed * chance - 2 * chance + observed) ** 2
    half = 1.96 * float(np.sqrt((on + off - rest) / tasks / (1 - chance) ** 4))
    interval = cohen_kappa_interval([[200, 50], [100, 150]], draws=4000)
    assert interval == pytest.approx((0.4 - half, 0.4 + half), abs=0.006)


def test_ten_common_tasks_are_the_fewest_for_an_interval() -> None:
    assert cohen_kappa_interval([[4, 1], [1, 3]]) is None
    assert cohen_kappa_interval([[4, 1], [1, 4]]) is not None


@pytest.mark.parametrize("confusion", [[1, 2], [[1, 2]], [[0.5, 1], [1, 1]], [[-1, 1], [1, 1]]])
def test_what_is_no_confusion_matrix_is_refused(confusion: list[list[int]]) -> None:
    with pytest.raises(RecordError, match="square"):
        cohen_kappa(confusion)


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(SettingsError, match="unweighted, linear, quadratic"):
        cohen_kappa([[1, 1], [1, 1]], "cubic")  # type: ignore[arg-type]
