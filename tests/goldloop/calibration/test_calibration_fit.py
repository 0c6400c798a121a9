from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goldloop.calibration import (
    Isotonic,
    LabelledScores,
    NoCalibrator,
    Platt,
    fit,
    fit_isotonic,
    fit_platt,
    labelled_scores,
    logit,
)
from goldloop.errors import RecordError


def simulated(count: int, seed: int = 1, weights: bool = False) -> LabelledScores:
    """Overconfident scores: the logit of the truth is half of what the score's says, minus 0.5."""
    random = np.random.default_rng(seed)
    linear = random.normal(1.5, 2.0, count)
    correct = random.random(count) < 1 / (1 + np.exp(0.5 - linear / 2))
    own = np.where(random.random(count) < 0.5, 4.0, 1.0) if weights else None
    return labelled_scores(1 / (1 + np.exp(-linear)), correct, own)


def first(labels: LabelledScores, right: int, wrong: int) -> LabelledScores:
    """So many labels of each class."""
    chosen = np.zeros(len(labels), dtype=np.bool_)
    chosen[np.flatnonzero(labels.correct == 1)[:right]] = True
    chosen[np.flatnonzero(labels.correct == 0)[:wrong]] = True
    return labels.part(chosen)


def test_platt_finds_the_curve_that_the_labels_came_from() -> None:
    found = fit_platt(simulated(20_000))
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.intercept == pytest.approx(-0.5, abs=0.08)


def test_platt_is_the_weighted_logistic_regression_of_scikit_learn() -> None:
    labels = simulated(5000, weights=True)
    # Platt's targets are so near to 0 and 1 here that they change nothing before the third digit.
    peer = LogisticRegression(C=np.inf, tol=1e-10)
    peer.fit(logit(labels.scores)[:, None], labels.correct, sample_weight=labels.weights)
    found = fit_platt(labels)
    assert found.slope == pytest.approx(float(peer.coef_[0, 0]), abs=2e-3)
    assert found.intercept == pytest.approx(float(peer.intercept_[0]), abs=2e-3)


def test_a_weight_counts_as_so_many_labels() -> None:
    labels = simulated(200)
    twice = labelled_scores(
        np.concatenate([labels.scores, labels.scores[:50]]),
        np.concatenate([labels.correct, labels.correct[:50]]),
    )
    weighted = labelled_scores(
        labels.scores, labels.correct, np.where(np.arange(200) < 50, 2.0, 1.0)
    )
    grid = np.linspace(0.05, 0.95, 19)
    one, other = fit_platt(twice).apply(grid), fit_platt(weighted).apply(grid)
    assert np.abs(one - other).max() < 0.005


def test_weights_put_right_what_selection_by_failure_does() -> None:
    random = np.random.default_rng(3)
    pool = simulated(50_000, seed=3)
    # Wrong runs are picked four times as often, at every score.
    chance = np.where(pool.correct == 0, 0.4, 0.1)
    chosen = random.random(len(pool)) < chance
    part = pool.part(chosen)
    weighted = labelled_scores(part.scores, part.correct, 1 / chance[chosen])
    grid = np.linspace(0.1, 0.9, 9)
    truth = fit_platt(pool).apply(grid)
    assert np.abs(fit_platt(weighted).apply(grid) - truth).max() < 0.03
    assert np.abs(fit_platt(part).apply(grid) - truth).max() > 0.15


def test_labels_that_a_score_separates_give_a_finite_curve() -> None:
    found = fit(labelled_scores([0.9] * 30 + [0.1] * 30, [1] * 30 + [0] * 30))
    assert isinstance(found, Platt)
    # 31 of 32 and 1 of 32: Platt's targets for 30 labels of a class.
    assert found.apply([0.9, 0.1]) == pytest.approx([31 / 32, 1 / 32], abs=1e-6)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_scores_of_exactly_0_or_1_are_fitted(score: float) -> None:
    found = fit_platt(labelled_scores([score] * 30 + [0.5] * 30, [1, 1, 0] * 20))
    assert 0 < float(found.apply(score)) < 1


def test_isotonic_follows_what_no_logistic_curve_can() -> None:
    random = np.random.default_rng(5)
    scores = random.random(20_000)
    truth = np.where(scores < 0.7, 0.2, 0.9)
    found = fit_isotonic(labelled_scores(scores, random.random(20_000) < truth))
    assert found.apply([0.3, 0.6, 0.75, 0.95]) == pytest.approx([0.2, 0.2, 0.9, 0.9], abs=0.04)


def test_isotonic_stays_away_from_0_and_1_by_one_over_two_more_than_the_labels() -> None:
    found = fit_isotonic(labelled_scores([0.1] * 49 + [0.9] * 49, [0] * 49 + [1] * 49))
    assert found.apply([0.0, 1.0]) == pytest.approx([0.01, 0.99])


# What the labels can carry


@pytest.mark.parametrize(
    ("right", "wrong", "says", "missing"),
    [
        (30, 19, "49 of 50 labels", 1),
        (60, 9, "9 of 10 incorrect ones", 1),
        (8, 60, "8 of 10 correct ones", 2),
        (0, 0, "0 of 50 labels, 0 of 10 correct ones, 0 of 10 incorrect ones", 50),
    ],
)
def test_too_few_labels_make_no_calibrator_and_it_says_what_is_missing(
    right: int, wrong: int, says: str, missing: int
) -> None:
    found = fit(first(simulated(500), right, wrong))
    assert isinstance(found, NoCalibrator)
    assert says in found.why
    assert found.missing == missing


def test_fifty_labels_with_ten_of_a_class_are_enough() -> None:
    assert isinstance(fit(first(simulated(500), 40, 10)), Platt)


def test_labels_of_a_few_clusters_make_no_calibrator() -> None:
    labels = simulated(100)
    few = labelled_scores(labels.scores, labels.correct, groups=np.arange(100) % 4)
    found = fit(few)
    assert isinstance(found, NoCalibrator)
    assert "4 of 5 clusters" in found.why


def test_a_thousand_labels_are_for_platt_and_more_for_isotonic() -> None:
    assert isinstance(fit(simulated(1000)), Platt)
    assert isinstance(fit(simulated(1001)), Isotonic)


def test_labels_whose_weights_make_them_worth_less_than_a_thousand_stay_with_platt() -> None:
    labels = simulated(1200, weights=True)
    assert labels.worth < 1000
    assert isinstance(fit(labels), Platt)


@pytest.mark.parametrize("correct", [[0] * 30 + [1] * 30, [0, 1] * 30])
def test_a_score_that_does_not_rise_with_being_right_is_refused(correct: list[int]) -> None:
    found = fit(labelled_scores([0.9] * 30 + [0.1] * 30, correct))
    assert isinstance(found, NoCalibrator)
    assert "carries no information" in found.why
    assert found.missing is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0.5, 1.2], [1, 0]), r"the score at position 1 cannot be 1.2"),
        (([0.5, np.nan], [1, 0]), r"the score at position 1"),
        (([0.5, 0.5], [1, 2]), r"the correct at position 1 cannot be 2"),
        (([0.5, 0.5], [1, 0], [1, 0]), r"the weight at position 1 cannot be 0"),
        (([0.5, 0.5], [1, 0], [np.inf, 1]), r"the weight at position 0"),
        (([0.5, 0.5], [1]), r"lists of one length"),
    ],
)
def test_labels_that_make_no_sense_are_refused(columns: tuple[list[float]], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        labelled_scores(*columns)
