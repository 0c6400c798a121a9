"""The interval of a mean, against published values and by simulation."""

import numpy as np
import pytest
from scipy import stats

from goldloop.evaluation.means import kish, mean_of


def test_independent_cases_get_wilson_s_interval():
    found = mean_of(np.array([1.0] * 81 + [0.0] * 182), None, independent=True)
    # Newcombe (1998), table I: 81 of 263.
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (found.method, found.clusters) == ("wilson", 263)
    expected = stats.binomtest(81, 263).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_all_right_is_not_taken_for_certain():
    once = mean_of(np.ones(29), None, independent=True)
    assert (once.low, once.high) == pytest.approx((0.8830, 1.0), abs=5e-5)
    # Five clusters that are all right are five trials, whatever their number of cases.
    together = mean_of(np.ones(100), np.arange(100) // 20, independent=True)
    assert together.low < 0.45


def test_clusters_that_differ_by_rounding_alone_are_not_taken_for_certain():
    thirds = mean_of(np.array([1.0, 1 / 3, 2 / 3, 2 / 3]), np.array([0, 0, 1, 1]), False)
    halves = mean_of(np.array([1.0, 0.0, 0.5, 0.5]), np.array([0, 0, 1, 1]), False)
    for found in (thirds, halves):
        assert found.low < 0.1
        assert found.high > 0.9


def test_one_cluster_tells_nothing():
    found = mean_of(np.array([1.0, 0.0, 1.0]), np.zeros(3, dtype=np.intp), independent=True)
    assert (found.low, found.high, found.clusters) == (0.0, 1.0, 1)


def test_a_case_repeated_in_its_cluster_counts_once():
    values = np.random.default_rng(3).random(30)
    once = mean_of(values, None, independent=False)
    often = mean_of(values.repeat(4), np.arange(30).repeat(4), independent=False)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_equal_weights_change_nothing_and_unequal_ones_move_the_mean():
    values = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    plain = mean_of(values, None, independent=False)
    assert mean_of(values, None, False, np.full(5, 7.0)) == pytest.approx(plain[:4] + plain[4:])
    assert mean_of(values, None, False, np.array([1, 1, 8, 1, 1])).value == pytest.approx(3 / 12)


def test_kish_s_number_is_what_equal_weights_would_tell():
    assert kish(np.ones(9)) == 9.0
    assert kish(np.array([1.0, 1.0, 1.0, 9.0])) == pytest.approx(144 / 84)


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "share"), [(5, 0.8), (10, 0.9), (40, 0.95)])
def test_the_clustered_interval_covers_what_is_true(groups, share):
    random = np.random.default_rng(groups)
    clusters, covered = np.arange(groups).repeat(6), 0
    for _ in range(600):
        chance = random.beta(2 * share, 2 * (1 - share), groups)
        values = (random.random(groups * 6) < chance[clusters]).astype(float)
        found = mean_of(values, clusters, independent=True)
        covered += found.low <= share <= found.high
    assert covered / 600 > 0.9
