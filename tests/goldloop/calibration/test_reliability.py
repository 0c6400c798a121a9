from __future__ import annotations

import numpy as np
import pytest

from goldloop.calibration import (
    Assessment,
    NoCalibrator,
    Reliability,
    assess,
    bins,
    fingerprint,
    labelled_scores,
    reliability,
)


def of(
    scores: object, correct: object, weights: object = None, groups: object = None
) -> Reliability:
    labels = labelled_scores(scores, correct, weights, groups)
    return reliability(labels.scores, labels.correct, labels.weights, labels.groups, seed=1)


def perfect(count: int, seed: int = 0) -> Reliability:
    random = np.random.default_rng(seed)
    scores = random.beta(4, 1, count)
    return of(scores, random.random(count) < scores)


def test_brier_and_skill_by_hand() -> None:
    found = of([0.9, 0.6, 0.2, 0.3], [1, 0, 0, 1])
    # (0.01 + 0.36 + 0.04 + 0.49) / 4; always saying 0.5 has 0.25.
    assert found.brier == pytest.approx(0.225)
    assert found.base_rate == 0.5
    assert found.skill == pytest.approx(1 - 0.225 / 0.25)
    assert found.auroc == pytest.approx(0.75)


def test_weights_count_as_so_many_labels() -> None:
    one = of([0.9, 0.6, 0.2], [1, 0, 1], [1, 2, 1])
    other = of([0.9, 0.6, 0.6, 0.2], [1, 0, 0, 1])
    assert one.brier == pytest.approx(other.brier)
    assert one.skill == pytest.approx(other.skill)
    assert one.base_rate == other.base_rate
    assert one.auroc == other.auroc


def test_labels_of_one_class_have_no_skill_and_no_auroc() -> None:
    found = of([0.9, 0.8], [1, 1])
    assert (found.skill, found.auroc, found.auroc_low) == (None, None, None)


def test_a_perfect_score_shows_the_error_that_its_null_value_says() -> None:
    many = [perfect(150, seed) for seed in range(60)]
    shown = float(np.mean([one.ece for one in many]))
    null = float(np.mean([one.ece_null for one in many]))
    assert shown == pytest.approx(null, abs=0.006)
    above = float(np.mean([one.ece > one.ece_null_high for one in many]))
    assert above < 0.2


def test_the_null_value_falls_as_labels_grow() -> None:
    nulls = [perfect(count).ece_null for count in (50, 150, 500, 2000)]
    assert nulls == sorted(nulls, reverse=True)
    assert nulls[0] > 3 * nulls[-1]


def test_an_overconfident_score_is_far_above_its_null_value() -> None:
    random = np.random.default_rng(2)
    truth = random.random(400) * 0.6
    found = of(np.clip(truth + 0.3, 0, 1), random.random(400) < truth)
    assert found.ece > 2 * found.ece_null_high


def test_the_same_seed_says_the_same() -> None:
    assert perfect(80) == perfect(80)


def test_bins_hold_as_equal_counts_as_can_be_and_ten_labels_each() -> None:
    scores = np.random.default_rng(0).random(205)
    counts = np.bincount(bins(scores))
    assert len(counts) == 10
    assert counts.max() - counts.min() <= 2
    assert len(np.bincount(bins(scores[:35]))) == 3
    assert bins(scores[:5]).tolist() == [0] * 5


def test_equal_scores_share_a_bin() -> None:
    scores = np.array([0.25] * 40 + [0.5] * 40 + [0.75] * 20)
    assert {float(score): len(set(bins(scores)[scores == score])) for score in scores} == {
        0.25: 1,
        0.5: 1,
        0.75: 1,
    }


def test_a_bin_says_its_mean_score_and_what_was_found() -> None:
    (found,) = of([0.2, 0.4], [1, 0], [3, 1]).bins
    assert (found.count, found.weight) == (2, 1.0)
    assert found.mean_score == pytest.approx(0.25)
    assert found.share_correct == pytest.approx(0.75)
    assert 0 <= found.low < 0.75 < found.high <= 1


def test_the_histogram_holds_all_weight() -> None:
    found = of([0.0, 0.49, 1.0, 1.0], [1, 0, 1, 1], [1, 1, 1, 2])
    assert len(found.histogram) == 20
    assert found.histogram[0] == pytest.approx(0.2)
    assert found.histogram[9] == pytest.approx(0.2)
    assert found.histogram[19] == pytest.approx(0.6)


# The whole assessment


def overconfident(count: int, seed: int = 0) -> Assessment | NoCalibrator:
    random = np.random.default_rng(seed)
    linear = random.normal(1.5, 1.5, count)
    correct = random.random(count) < 1 / (1 + np.exp(0.5 - linear / 2))
    labels = labelled_scores(1 / (1 + np.exp(-linear)), correct, order=random.random(count))
    return assess(labels, seed=1)


def test_calibration_makes_an_overconfident_score_better_out_of_fold() -> None:
    found = overconfident(300)
    assert isinstance(found, Assessment)
    assert found.after.brier < found.before.brier
    assert found.after.ece < found.before.ece
    assert (found.labels, found.worth) == (300, pytest.approx(300))


def test_too_few_labels_are_not_assessed() -> None:
    assert isinstance(overconfident(49), NoCalibrator)


def test_the_fingerprint_is_that_of_the_labels_whatever_their_order() -> None:
    ids = ["a", "b", "c"]
    labels = labelled_scores([0.1, 0.2, 0.3], [1, 0, 1], [1, 2, 1])
    turned = labelled_scores([0.3, 0.2, 0.1], [1, 0, 1], [1, 2, 1], [2, 1, 0])
    assert fingerprint(ids, labels) == fingerprint(ids[::-1], turned)


@pytest.mark.parametrize(
    "other",
    [
        labelled_scores([0.1, 0.25, 0.3], [1, 0, 1], [1, 2, 1]),
        labelled_scores([0.1, 0.2, 0.3], [1, 1, 1], [1, 2, 1]),
        labelled_scores([0.1, 0.2, 0.3], [1, 0, 1], [1, 3, 1]),
        labelled_scores([0.1, 0.2, 0.3], [1, 0, 1], [1, 2, 1], [0, 0, 1]),
    ],
)
def test_another_score_label_weight_or_cluster_is_another_fingerprint(other: object) -> None:
    labels = labelled_scores([0.1, 0.2, 0.3], [1, 0, 1], [1, 2, 1])
    assert fingerprint(["a", "b", "c"], labels) != fingerprint(["a", "b", "c"], other)
