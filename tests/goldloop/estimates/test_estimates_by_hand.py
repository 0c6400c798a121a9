"""Estimates of small samples, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import linregress

from goldloop.errors import RecordError, SettingsError
from goldloop.estimates import by_slice, estimate_pool, hajek, stratified
from goldloop.estimates.intervals import effective_labels, t_quantile
from goldloop.selection import Design, design
from goldloop.wilson import score_interval

NAN = math.nan
METHODS = pytest.mark.parametrize("method", ["stratified", "hajek"])


def known(outcome: list[float], level: float = 0.5, certain: int = 0) -> tuple[list[float], Design]:
    """A pool of which the first are certain, and the others drawn where they have an outcome."""
    prn = np.where(np.isnan(outcome), 0.9, 0.1)
    flags = np.arange(len(outcome)) < certain
    return outcome, design(
        prn, labelled=flags | (prn < level), level=prn * 0 + level, certain=flags
    )


# Stratified


def test_what_is_certain_counts_once_and_the_rest_is_scaled_up():
    # 2 right of 4 certain; 2 right of 3 drawn out of 6: (2 + 6 * 2/3) / 10.
    outcome, sample = known([1, 0, 0, 1, 1, 1, 0, NAN, NAN, NAN], certain=4)
    found = stratified(outcome, sample)
    assert found.value == pytest.approx(0.6)
    # (6/10)² (1 - 3/6) (1/3) / 3
    assert found.standard_error == pytest.approx(math.sqrt(0.02))
    # 0.24 / (0.02 + 0.24 / 10)
    assert found.effective_labels == pytest.approx(0.24 / 0.044)
    assert (found.labels, found.pool, found.method) == (7, 10, "stratified")
    assert found.naive == pytest.approx(4 / 7)


def test_the_interval_is_wilsons_of_the_part_that_is_not_known():
    outcome = [1.0] * 50 + [1.0] * 80 + [0.0] * 20 + [NAN] * 300
    _, sample = known(outcome, certain=50)
    found = stratified(outcome, sample)
    trials = 99 / (1 - 100 / 400)
    low, high = score_interval(0.8, trials, t_quantile(99))
    assert found.low == pytest.approx((50 + 400 * low) / 450)
    assert found.high == pytest.approx((50 + 400 * high) / 450)


def test_each_level_is_a_stratum_of_its_own():
    # Level 0.5: 1 right of 2, out of 4. Level 0.3: 2 right of 2, out of 6.
    outcome = [1, 0, NAN, NAN, 1, 1, NAN, NAN, NAN, NAN]
    prn = [0.1, 0.2, 0.6, 0.7, 0.1, 0.2, 0.4, 0.4, 0.4, 0.4]
    found = stratified(outcome, design(prn, level=[0.5] * 4 + [0.3] * 6))
    assert found.value == pytest.approx(0.4 * 0.5 + 0.6 * 1.0)
    # 2 right of 2 count as 3 of 4 in the variance, so that it is not 0.
    variance = 0.16 * 0.5 * 0.5 / 2 + 0.36 * (1 - 2 / 6) * (3 / 16) / 2
    assert found.standard_error == pytest.approx(math.sqrt(variance))


def test_a_level_without_any_outcome_is_put_with_the_nearest():
    outcome = [1, 0, NAN, NAN, NAN]
    sample = design([0.1, 0.2, 0.9, 0.9, 0.9], level=[0.3, 0.3, 0.3, 0.29, 0.0])
    found = stratified(outcome, sample)
    assert found.value == 0.5
    assert any("1 items had no chance" in note for note in found.notes)


def test_what_is_certain_and_not_answered_at_all_leaves_no_estimate():
    outcome, sample = [NAN, 1.0], design([0.5, 0.1], level=[0.2, 0.2], certain=[True, False])
    found = stratified(outcome, sample)
    assert (found.value, found.low, found.high, found.method) == (None, 0.5, 1.0, "none")


def test_the_control_variate_is_the_regression_estimate():
    rng = np.random.default_rng(1)
    control = rng.random(400)
    right = (rng.random(400) < control).astype(float)
    prn = rng.random(400)
    sample = design(prn, labelled=prn <= 0.25, level=np.full(400, 0.25))
    drawn = sample.drawn
    found = stratified(np.where(drawn, right, NAN), sample, control)
    slope = linregress(control[drawn], right[drawn]).slope
    expected = right[drawn].mean() + slope * (control.mean() - control[drawn].mean())
    residual = right - slope * control
    n = int(drawn.sum())
    spread = residual[drawn].var() * n / (n - 2)
    assert found.method == "stratified+ppi"
    assert found.value == pytest.approx(expected)
    assert found.standard_error == pytest.approx(math.sqrt((1 - n / 400) * spread / n))


def test_a_control_that_tells_nothing_is_left_out():
    rng = np.random.default_rng(2)
    right, prn = (rng.random(300) < 0.7).astype(float), rng.random(300)
    sample = design(prn, labelled=prn <= 0.3, level=np.full(300, 0.3))
    outcome = np.where(sample.drawn, right, NAN)
    for control in (np.full(300, 0.7), np.full(300, NAN), 1.0 - right):
        for method in ("stratified", "hajek"):
            found = estimate_pool(outcome, sample, control, method=method)
            assert found == estimate_pool(outcome, sample, method=method)


# Hájek


def test_a_label_stands_for_one_over_its_chance():
    outcome = [1, 0, 1, NAN, NAN, NAN]
    sample = design([0.1, 0.2, 0.9, 0.9, 0.9, 0.9], level=[0.5, 0.25, 1.0, 0.5, 0.25, 0.25])
    found = hajek(outcome, sample)
    assert found.value == pytest.approx(3 / 7)
    variance = 3 / 2 * (0.5 * (2 * 4 / 7) ** 2 + 0.75 * (4 * 3 / 7) ** 2) / 36
    assert found.standard_error == pytest.approx(math.sqrt(variance))


def test_the_weighted_regression_of_a_soft_sample():
    rng = np.random.default_rng(3)
    control, prn, level = rng.random(500), rng.random(500), rng.uniform(0.1, 0.6, 500)
    right = (rng.random(500) < control).astype(float)
    sample = design(prn, labelled=prn <= level, level=level)
    s = sample.drawn
    w, y, m = 1 / level[s], right[s], control[s]
    mb, yb = np.average(m, weights=w), np.average(y, weights=w)
    slope = (w * (m - mb) * (y - yb)).sum() / (w * (m - mb) ** 2).sum()
    residual = y - yb - slope * (m - mb)
    n = len(y)
    variance = n / (n - 2) * ((1 - level[s]) * (w * residual) ** 2).sum() / 500**2
    found = hajek(np.where(s, right, NAN), sample, control)
    assert found.method == "hajek+ppi"
    assert found.value == pytest.approx(yb + slope * (control.mean() - mb))
    assert found.standard_error == pytest.approx(math.sqrt(variance))


def test_a_missing_outcome_is_made_up_for_by_those_of_alike_chance():
    # Both certain ones count for two; of four at a chance of 1/2 two answered.
    outcome = [1, 1, NAN, NAN, 0, 0, NAN, NAN]
    level = [0.5] * 4 + [0.5] * 4
    sample = design([0.1] * 8, labelled=[True] * 8, level=level)
    assert hajek(outcome, sample).value == pytest.approx(0.5)
    mixed = design([0.1] * 8, labelled=[True] * 8, level=level, certain=[True] * 4 + [False] * 4)
    assert hajek(outcome, mixed).value == pytest.approx(4 / 12)


# Edges


@METHODS
def test_a_pool_that_is_labelled_whole_is_known_exactly(method: str):
    found = estimate_pool([1, 0, 1], design([0.1] * 3, level=[1.0] * 3), method=method)
    assert (found.value, found.low, found.high) == (pytest.approx(2 / 3),) * 3
    assert (found.standard_error, found.effective_labels, found.method) == (0.0, 3.0, "census")


@METHODS
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_outcomes_that_are_all_the_same_still_leave_an_interval(method: str, outcome: float):
    outcomes, sample = known([outcome] * 40 + [NAN] * 40)
    found = estimate_pool(outcomes, sample, method=method)
    assert found.value == outcome
    # Wilson, 40 of 40 in a sample of half of the pool: at least 1 / (1 + z² / 80).
    assert 0.04 < found.high - found.low < 0.06
    assert found.standard_error is None
    assert found.effective_labels == pytest.approx(40, rel=0.02)


@METHODS
def test_one_label_gives_a_value_and_no_more_than_what_is_possible(method: str):
    outcome, sample = known([1.0, NAN, NAN, NAN])
    found = estimate_pool(outcome, sample, method=method)
    assert (found.value, found.low, found.high) == (1.0, 0.25, 1.0)
    assert found.effective_labels is None


@METHODS
def test_no_label_gives_no_value(method: str):
    found = estimate_pool([NAN, NAN], design([0.5, 0.6]), method=method)
    assert (found.value, found.low, found.high, found.naive) == (None, 0.0, 1.0, None)
    assert (found.labels, found.method) == (0, "none")


@METHODS
def test_an_empty_pool_gives_no_value(method: str):
    found = estimate_pool([], design([]), [], method=method)
    assert (found.value, found.pool) == (None, 0)


@METHODS
def test_what_was_pushed_by_hand_is_in_the_naive_mean_alone(method: str):
    prn = [0.1, 0.2, 0.9, 0.8]
    sample = design(prn, labelled=[True, True, True, False], level=[0.5] * 4)
    found = estimate_pool([1, 1, 0, NAN], sample, method=method)
    assert (found.value, found.labels, found.naive) == (1.0, 2, pytest.approx(2 / 3))


@METHODS
def test_missing_outcomes_are_counted_and_warned_about_above_5_percent(method: str):
    outcomes = [1.0] * 10 + [0.0] * 9 + [NAN] * 21
    sample = design(np.arange(40) / 40, level=[19.5 / 40] * 40)
    found = estimate_pool(outcomes, sample, method=method)
    assert (found.missing, found.missing_share, found.notes) == (1, 0.05, ())
    two = [NAN, *outcomes[1:]]
    found = estimate_pool(two, sample, method=method)
    assert found.missing == 2
    assert found.notes[0].startswith("2 of 20 sampled items have no outcome")


@METHODS
def test_grades_between_0_and_1_are_averaged(method: str):
    outcomes, sample = known([0.25, 0.5, 0.75, 1.0, NAN, NAN, NAN, NAN])
    found = estimate_pool(outcomes, sample, method=method)
    assert found.value == pytest.approx(0.625)
    assert found.low < 0.625 < found.high


def test_a_slice_is_estimated_from_its_own_items():
    outcomes, sample = known([1, 0, 1, 1, NAN, NAN, NAN, NAN])
    slices = {"a": [1, 0, 0, 0, 0, 0, 0, 0], "b": [0, 1, 1, 0, 1, 0, 0, 0], "c": [0] * 7 + [1]}
    found = by_slice(outcomes, sample, slices)
    assert (found["a"].value, found["a"].method) == (1.0, "census")
    assert (found["b"].value, found["b"].labels, found["b"].pool) == (0.5, 2, 3)
    assert (found["c"].value, found["c"].low, found["c"].high) == (None, 0.0, 1.0)


def test_soft_rounds_go_by_hajek_and_hard_rounds_by_strata():
    prn = np.random.default_rng(4).random(100)
    outcome = np.where(prn <= 0.3, 1.0, NAN)
    outcome[prn < 0.1] = 0.0
    hard = design(prn, level=np.full(100, 0.3))
    soft = design(prn, level=np.random.default_rng(5).uniform(0.3, 0.31, 100))
    assert estimate_pool(outcome, hard).method == "stratified"
    assert estimate_pool(outcome, soft).method == "hajek"


@pytest.mark.parametrize(
    ("outcome", "confidence", "message"),
    [
        ([1], [0.5, 0.5], "one outcome for each of 2 items"),
        ([1, 2], [0.5, 0.5], "outcome at position 1 is 2"),
        ([1, 0], [0.5], "one confidence for each of 2 items"),
        ([1, 0], [0.5, -0.1], "confidence at position 1 is -0.1"),
    ],
)
def test_columns_that_make_no_sense_are_refused(
    outcome: list[float], confidence: list[float], message: str
):
    with pytest.raises(RecordError, match=message):
        estimate_pool(outcome, design([0.1, 0.2], level=[0.5, 0.5]), confidence)


def test_a_method_that_there_is_not_is_refused():
    with pytest.raises(SettingsError, match="stratified or hajek, not by 'guess'"):
        estimate_pool([1], design([0.1]), method="guess")


# Intervals


def test_without_a_trial_nothing_is_known():
    assert score_interval(0.5, 0.0, 2.0) == (0.0, 1.0)


def test_students_quantiles_are_those_of_the_tables():
    # Fisher and Yates: two-sided 5%.
    assert [round(t_quantile(df), 3) for df in (1, 2, 10, 120)] == [12.706, 4.303, 2.228, 1.98]


def test_a_variance_of_0_is_worth_the_whole_pool():
    assert effective_labels(0.16, 0.0, 1_000) == pytest.approx(1_000)
