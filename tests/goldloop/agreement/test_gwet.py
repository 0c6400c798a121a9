from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import COHEN_1960, two_raters

from goldloop.agreement import count_matrix, gwet_ac1, gwet_ac2
from goldloop.agreement.gwet import AC2Weights
from goldloop.errors import SettingsError

TABLES = st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=1, max_size=10)
WEIGHTS: tuple[AC2Weights, ...] = ("linear", "quadratic", "ordinal")


@pytest.mark.parametrize(
    ("confusion", "expected"),
    [
        ([[20, 5], [10, 15]], 0.405941),
        ([[40, 9], [6, 45]], 0.700748),
        ([[80, 10], [5, 5]], 0.808000),
        ([[118, 5], [2, 0]], 0.940776),
    ],
)
def test_ac1_of_two_by_two_tables(confusion: list[list[int]], expected: float) -> None:
    assert gwet_ac1(two_raters(confusion)) == pytest.approx(expected, abs=5e-7)


def test_ac2_with_linear_weights_worked_out_by_hand() -> None:
    # Cohen 1960: credit 1, 1/2, 0 at distance 0, 1, 2; 140 + 40/2 of 200 observed. Shares .55,
    # .30, .15 give sum p(1-p) = .585; the credits of all nine pairs add up to 5, so chance is
    # 5/6 x .585 = .4875.
    expected = (0.8 - 0.4875) / (1 - 0.4875)
    assert gwet_ac2(two_raters(COHEN_1960), "linear") == pytest.approx(expected)


def test_ac2_with_ordinal_weights_worked_out_by_hand() -> None:
    # Three options: credit 1 - 1/3 next to each other, 0 at the ends; the nine add up to 17/3.
    expected = (140 + 40 * 2 / 3) / 200
    chance = 17 / 3 / 6 * 0.585
    assert gwet_ac2(two_raters(COHEN_1960), "ordinal") == pytest.approx(
        (expected - chance) / (1 - chance)
    )


def test_options_that_nobody_chose_count_in_ac1() -> None:
    chosen = count_matrix([[2, 0], [1, 1], [0, 2]])
    offered = count_matrix([[2, 0, 0, 0], [1, 1, 0, 0], [0, 2, 0, 0]])
    assert gwet_ac1(chosen) == pytest.approx(1 / 3)
    assert gwet_ac1(offered) == pytest.approx((2 / 3 - 1 / 6) / (1 - 1 / 6))


@pytest.mark.parametrize("weights", WEIGHTS)
@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2), min_size=1, max_size=10))
def test_ac2_of_two_options_is_ac1(weights: AC2Weights, counts: list[list[int]]) -> None:
    expected = gwet_ac1(count_matrix(counts))
    value = gwet_ac2(count_matrix(counts), weights)
    assert value == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("weights", WEIGHTS)
@given(counts=TABLES)
def test_both_are_at_most_one(weights: AC2Weights, counts: list[list[int]]) -> None:
    for value in (gwet_ac1(count_matrix(counts)), gwet_ac2(count_matrix(counts), weights)):
        assert value is None or value <= 1


@pytest.mark.parametrize("counts", [[[1, 0], [0, 1]], [[3, 0], [2, 0]], [[3], [2]]])
def test_one_category_or_no_pair_has_neither(counts: list[list[int]]) -> None:
    assert gwet_ac1(count_matrix(counts)) is None
    assert gwet_ac2(count_matrix(counts)) is None


def test_perfect_agreement_is_one() -> None:
    assert gwet_ac1(count_matrix([[2, 0, 0], [0, 0, 3]])) == 1.0
    assert gwet_ac2(count_matrix([[2, 0, 0], [0, 0, 3]])) == 1.0


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(SettingsError, match="linear, quadratic, ordinal"):
        gwet_ac2(count_matrix([[1, 1]]), "cubic")  # type: ignore[arg-type]
