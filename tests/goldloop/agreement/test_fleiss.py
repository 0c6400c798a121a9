from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import COHEN_1960, FLEISS_1971, FLEISS_WIKIPEDIA, two_raters

from goldloop.agreement import count_matrix, fleiss_kappa, percent_agreement, scott_pi


@pytest.mark.parametrize(
    ("counts", "observed", "kappa"),
    [(FLEISS_1971, 0.555556, 0.430245), (FLEISS_WIKIPEDIA, 0.378022, 0.209931)],
    ids=["Fleiss 1971", "Wikipedia"],
)
def test_kappa_of_many_raters_is_as_published(
    counts: list[list[int]], observed: float, kappa: float
) -> None:
    table = count_matrix(counts)
    assert percent_agreement(table) == pytest.approx(observed, abs=5e-7)
    assert fleiss_kappa(table) == pytest.approx(kappa, abs=5e-7)


@pytest.mark.parametrize("confusion", [COHEN_1960, [[20, 5], [10, 15]], [[25, 35], [5, 35]]])
def test_for_two_raters_it_is_scotts_pi(confusion: list[list[int]]) -> None:
    assert fleiss_kappa(two_raters(confusion)) == pytest.approx(scott_pi(confusion))


def test_unequal_numbers_of_raters_weigh_every_task_the_same() -> None:
    # Po = (1 + 0 + 1/3) / 3 = 4/9; shares of the first option 1, 1/2 and 2/3, mean 13/18.
    table = count_matrix([[4, 0], [1, 1], [2, 1]])
    chance = (13 / 18) ** 2 + (5 / 18) ** 2
    assert fleiss_kappa(table) == pytest.approx((4 / 9 - chance) / (1 - chance))


def test_single_answers_change_nothing() -> None:
    alone = count_matrix([[2, 0], [1, 1], [0, 3], [1, 0], [0, 1], [0, 0]])
    assert fleiss_kappa(alone) == fleiss_kappa(count_matrix([[2, 0], [1, 1], [0, 3]]))


@pytest.mark.parametrize("counts", [[[1, 0], [0, 1]], [[3, 0], [2, 0]], [[0, 0]]])
def test_one_category_or_no_pair_has_no_kappa(counts: list[list[int]]) -> None:
    assert fleiss_kappa(count_matrix(counts)) is None


def test_percent_agreement_averages_over_tasks_not_over_pairs() -> None:
    assert percent_agreement(count_matrix([[10, 0], [1, 1]])) == 0.5


def test_percent_agreement_of_one_category_is_one_and_of_no_pair_none() -> None:
    assert percent_agreement(count_matrix([[3, 0], [2, 0]])) == 1.0
    assert percent_agreement(count_matrix([[1, 0], [0, 1]])) is None


@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), max_size=10))
def test_kappa_is_at_most_one(counts: list[list[int]]) -> None:
    value = fleiss_kappa(count_matrix(counts or [[0, 0, 0]]))
    assert value is None or -1 <= value <= 1
