from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.selection import mid_ranks, needs_ranks


def test_a_mid_rank_is_the_share_that_is_less_sure_with_half_of_the_ties() -> None:
    assert mid_ranks([0.1, 0.5, 0.9], [0.1, 0.5, 0.5, 0.9]).tolist() == [0.125, 0.5, 0.875]


def test_what_was_not_compared_with_has_a_rank_too() -> None:
    assert mid_ranks([0.0, 0.7, 1.0], [0.2, 0.8]).tolist() == [0.0, 0.5, 1.0]


def test_a_missing_confidence_has_no_rank_and_counts_for_none() -> None:
    found = mid_ranks([math.nan, 0.5], [math.nan, 0.5])
    assert np.isnan(found[0])
    assert found[1] == 0.5
    assert np.isnan(mid_ranks([0.5], [])).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_mid_ranks_keep_the_order_and_have_the_mean_of_one_half(values: list[float]) -> None:
    found = mid_ranks(values, values)
    assert found.mean() == pytest.approx(0.5)
    for one, rank in zip(values, found, strict=True):
        assert all(
            (one < other) == (rank < beside) for other, beside in zip(values, found, strict=True)
        )


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=30))
def test_mid_ranks_do_not_depend_on_the_scale(values: list[float]) -> None:
    stretched = [value / 4 for value in values]
    assert mid_ranks(values, values).tolist() == mid_ranks(stretched, stretched).tolist()


@pytest.mark.parametrize(
    ("methods", "calibrated", "expected"),
    [
        ([], [], False),
        (["a"], [], False),
        (["a", "b"], [], True),
        (["a", "b"], ["a"], True),
        (["a", "b"], ["a", "b", "c"], False),
    ],
)
def test_several_methods_need_ranks_until_all_are_calibrated(
    methods: list[str], calibrated: list[str], expected: bool
) -> None:
    assert needs_ranks(methods, calibrated) is expected
