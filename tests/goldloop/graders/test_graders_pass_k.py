"""pass^k against hand values and simulation by counting."""

from __future__ import annotations

from itertools import combinations

import pytest

from goldloop.graders import pass_hat_k


@pytest.mark.parametrize(
    ("passes", "runs", "k", "expected"),
    [(4, 4, 4, 1.0), (3, 4, 4, 0.0), (2, 4, 2, 1 / 6), (6, 8, 4, 15 / 70), (0, 3, 1, 0.0)],
)
def test_it_is_the_value_worked_out_by_hand(
    passes: int, runs: int, k: int, expected: float
) -> None:
    assert pass_hat_k(passes, runs, k) == pytest.approx(expected)


def test_it_is_the_share_of_the_ways_to_take_k_runs_that_all_passed() -> None:
    runs = [True] * 5 + [False] * 2
    for k in range(1, 8):
        ways = [all(taken) for taken in combinations(runs, k)]
        assert pass_hat_k(5, 7, k) == pytest.approx(sum(ways) / len(ways))


@pytest.mark.parametrize(("passes", "runs", "k"), [(1, 4, 5), (1, 4, 0), (5, 4, 1), (-1, 4, 1)])
def test_it_refuses_what_cannot_be(passes: int, runs: int, k: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= passes"):
        pass_hat_k(passes, runs, k)
