"""Holm's correction."""

import pytest

from goldloop.evaluation import holm


def test_the_smallest_is_multiplied_the_most_and_the_order_stays():
    # Of four tests, 0.005 and 0.01 stay below 0.05.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_none_comes_out_above_one_or_below_one_before_it():
    assert holm([0.9, 0.5, 0.02]) == pytest.approx([1.0, 1.0, 0.06])
    assert holm([0.02, 0.021]) == pytest.approx([0.04, 0.04])


def test_one_test_needs_no_correction_and_none_gives_none():
    assert holm([0.04]) == [0.04]
    assert holm([]) == []
