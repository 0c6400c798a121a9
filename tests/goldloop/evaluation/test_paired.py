"""The paired comparison, against values worked by hand, published, and of scipy."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from goldloop.evaluation import paired
from goldloop.evaluation.clusters import cluster_codes, mean_variance
from goldloop.evaluation.sign_flips import sign_flip_p

RANDOM = np.random.default_rng(5)


def pairs(worse: int, better: int, same: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of 0 and 1 with so many pairs of each kind."""
    before = np.array([1.0] * worse + [0.0] * better + [1.0] * same)
    return before, np.array([0.0] * worse + [1.0] * better + [1.0] * same)


@pytest.mark.parametrize(
    ("worse", "better", "cases", "two_sided"),
    [(7, 1, 21, 0.0391), (16, 6, 161, 0.0347)],
)
def test_pairs_of_right_and_wrong_get_the_published_mid_p_of_mcnemar(
    worse, better, cases, two_sided
):
    # Fagerland, Lydersen and Laake (2013), table 5 and the text beside it.
    found = paired(*pairs(worse, better, cases - worse - better))
    assert 2 * found.p == pytest.approx(two_sided, abs=5e-5)
    assert (found.worse, found.better, found.test) == (worse, better, "sign flips")


def test_sign_flips_agree_with_counting_every_sign():
    sums = np.array([-0.5, -1.0, 0.25, -0.75, 0.5, -1.0, 0.0])
    totals = [float(np.dot(signs, np.abs(sums))) for signs in product((-1, 1), repeat=len(sums))]
    below = np.mean([total < sums.sum() - 1e-9 for total in totals])
    same = np.mean([abs(total - sums.sum()) < 1e-9 for total in totals])
    assert sign_flip_p(sums) == pytest.approx(below + same / 2)


def test_sign_flips_agree_with_the_permutation_test_of_scipy_but_for_the_mid_p():
    sums = RANDOM.normal(-0.3, 1.0, 9)
    exact = stats.permutation_test(
        (sums,), np.sum, permutation_type="samples", alternative="less", n_resamples=np.inf
    )
    # Without ties the very total is one of the 512 that there are.
    assert sign_flip_p(sums) == pytest.approx(exact.pvalue - 0.5 / 512)


def test_without_any_difference_p_is_a_half_and_the_interval_is_not_empty():
    found = paired(np.ones(98), np.ones(98))
    assert (found.change, found.p, found.worse, found.better) == (0.0, 0.5, 0, 0)
    assert found.high == pytest.approx(0.0002**0.5 * stats.t.ppf(0.975, 97))
    assert found.low == -found.high
    assert found.lower > found.low


def test_many_scores_get_student_s_t_test():
    before = RANDOM.uniform(0.3, 0.9, 60)
    after = before + RANDOM.normal(-0.02, 0.1, 60)
    found = paired(before, after)
    expected = stats.ttest_1samp(after - before, 0.0, alternative="less")
    assert found.test == "clustered t"
    assert found.p == pytest.approx(expected.pvalue)
    assert found.standard_error == pytest.approx(stats.sem(after - before))
    assert found.drop == -found.change == pytest.approx(before.mean() - after.mean())


def test_the_clustered_standard_error_is_that_of_miller():
    change = np.array([0.2, -0.4, 0.1, 0.5, -0.3, -0.3, 0.0])
    clusters = np.array([0, 0, 0, 1, 1, 2, 2])
    off = change - change.mean()
    # Miller (2024): sqrt of the sum over clusters of all products of deviations, by n.
    products = [
        off[i] * off[j] for i, j in product(range(7), repeat=2) if clusters[i] == clusters[j]
    ]
    expected = sum(products) / 7**2 * 3 / 2
    assert mean_variance(change, clusters) == pytest.approx(expected)


def test_clusters_of_one_case_each_change_nothing():
    before, after = RANDOM.random(40), RANDOM.random(40)
    assert paired(before, after, np.arange(40)) == paired(before, after)


def test_a_case_that_is_there_five_times_over_in_a_cluster_counts_once():
    before, after = RANDOM.random(40), RANDOM.random(40)
    once = paired(before, after)
    five = paired(before.repeat(5), after.repeat(5), np.arange(40).repeat(5))
    assert five.p == pytest.approx(once.p)
    assert five.standard_error == pytest.approx(once.standard_error)
    assert (five.pairs, five.clusters) == (200, 40)
    naive = paired(before.repeat(5), after.repeat(5))
    assert naive.standard_error < 0.5 * once.standard_error


def test_cases_without_a_cluster_are_clusters_of_their_own():
    assert cluster_codes(["a", None, "b", "a", None]).tolist() == [0, 1, 2, 0, 3]
    assert cluster_codes([None, None]) is None
    assert cluster_codes([]) is None


def test_one_pair_tells_nothing():
    found = paired([1.0], [0.0])
    assert (found.low, found.high, found.lower, found.standard_error) == (-1.0, 1.0, -1.0, None)
    assert found.p == 0.25


def test_one_cluster_tells_nothing():
    found = paired([1.0] * 30, [0.0] * 29 + [1.0], np.zeros(30, dtype=np.intp))
    assert (found.low, found.high, found.standard_error) == (-1.0, 1.0, None)
    assert found.p == 0.25


OUTCOMES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), min_size=1)


@given(OUTCOMES)
def test_changing_sides_turns_everything_around(rows):
    before, after, clusters = np.array(rows).T
    _, codes = np.unique(clusters, return_inverse=True)
    one = paired(before / 3, after / 3, codes, runs=3)
    other = paired(after / 3, before / 3, codes, runs=3)
    assert one.p + other.p == pytest.approx(1.0)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert -1.0 <= one.low <= one.high <= 1.0
    assert (one.worse, one.better) == (other.better, other.worse)


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_changes_nothing(rows, random):
    def compared(some):
        before, after, clusters = np.array(some).T
        return paired(before / 3, after / 3, np.unique(clusters, return_inverse=True)[1])

    mixed = list(rows)
    random.shuffle(mixed)
    one, other = compared(rows), compared(mixed)
    assert one.p == pytest.approx(other.p)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))
