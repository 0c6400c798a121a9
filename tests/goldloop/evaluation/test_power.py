"""What the gate could have seen."""

import numpy as np
import pytest
from scipy import stats

from goldloop.evaluation import Rules, power


def outcomes(cases: int, worse: int, better: int) -> tuple[np.ndarray, np.ndarray]:
    before, after = np.ones(cases), np.ones(cases)
    after[:worse] = 0.0
    before[worse : worse + better] = 0.0
    return before, after


def test_as_many_cases_as_published_tell_a_drop_of_two_points():
    # One case in ten flips at one run; three runs have a third of the variance.
    before, after = outcomes(10_000, 480, 480)
    once = power(before, after, None, Rules()).cases_for_margin
    assert once == pytest.approx(6.18 * 0.096 / 0.0004, rel=0.005)
    random = np.random.default_rng(1)
    spread = random.normal(0, 0.032**0.5, 10_000)
    spread -= spread.mean()
    found = power(np.zeros(10_000), spread, None, Rules(), runs=3)
    assert found.cases_for_margin == pytest.approx(494, rel=0.05)


def test_the_smallest_drop_is_blocked_four_times_in_five_under_both_conditions():
    before, after = outcomes(10_000, 480, 480)
    found = power(before, after, None, Rules())
    # The margin binds here: what is seen is the margin and 0.84 standard errors.
    drop = found.smallest_drop
    error = ((0.096 + drop * (1 - drop)) / 10_000) ** 0.5
    assert found.smallest_drop == pytest.approx(0.02 + 0.8416 * error, abs=2e-5)
    before, after = outcomes(100, 5, 5)
    found = power(before, after, None, Rules())
    drop = found.smallest_drop
    error = ((10 * 100 / 99 + 2) / 102**2 + drop * (1 - drop) / 100) ** 0.5
    seen = (stats.t.ppf(0.95, 99) + 0.8416) * error
    assert found.smallest_drop == pytest.approx(seen, abs=2e-5)


def test_fewer_flips_and_more_cases_let_it_see_smaller_drops():
    drops = [
        power(*outcomes(cases, flips, flips), None, Rules()).smallest_drop
        for cases, flips in ((100, 10), (100, 5), (400, 20), (400, 5), (4_000, 0))
    ]
    assert drops == sorted(drops, reverse=True)
    assert drops[-1] > 0.02


def test_without_any_flip_the_power_is_not_endless():
    found = power(*outcomes(50, 0, 0), None, Rules())
    assert found.smallest_drop > 0.05
    assert found.cases_for_drop is None
    assert found.literal_false_blocks == 0.0


def test_without_any_flip_the_drop_itself_is_the_variance():
    # 0.02 / 0.0004 * 6.18 cases: six of them get worse, and none better.
    assert power(*outcomes(300, 0, 0), None, Rules()).cases_for_margin == 310


def test_one_case_would_see_nothing():
    assert power([1.0], [1.0], None, Rules()).smallest_drop is None


def test_cases_that_move_together_see_less():
    before, after = outcomes(200, 20, 20)
    clusters = np.arange(200) // 5
    apart = power(before, after, None, Rules()).smallest_drop
    assert power(before, after, clusters, Rules()).smallest_drop > 1.5 * apart


def test_each_policy_tells_how_often_it_blocks_an_agent_that_did_not_change():
    before, after = outcomes(200, 10, 10)
    point = power(before, after, None, Rules(policy="point"))
    # More than four more worse than better of twenty: at most seven of them better.
    assert point.false_blocks == pytest.approx(stats.binom.cdf(7, 20, 0.5))
    significant = power(before, after, None, Rules())
    assert significant.literal_false_blocks == point.false_blocks
    assert significant.false_blocks == 0.05
    strict = power(before, after, None, Rules(policy="noninferior"))
    assert 0.6 < strict.false_blocks < 0.9
    assert strict.smallest_drop < significant.smallest_drop


def test_scores_are_taken_for_normal():
    random = np.random.default_rng(2)
    before = random.random(300)
    after = before + random.normal(0, 0.2, 300)
    found = power(before, after, None, Rules(metric="score"))
    expected = stats.norm.cdf(-0.02 * 300 / ((after - before) ** 2).sum() ** 0.5)
    assert found.literal_false_blocks == pytest.approx(expected)
