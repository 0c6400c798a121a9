from __future__ import annotations

import numpy as np

from goldloop.calibration import (
    LabelledScores,
    fit_platt,
    folds,
    labelled_scores,
    out_of_fold,
)


def shuffled(count: int = 103, groups: object = None, seed: int = 0) -> LabelledScores:
    random = np.random.default_rng(seed)
    scores = random.random(count)
    correct = random.random(count) < scores
    return labelled_scores(scores, correct, groups=groups, order=random.random(count))


def rearranged(labels: LabelledScores, order: np.ndarray) -> LabelledScores:
    return LabelledScores(*(getattr(labels, name)[order] for name in LabelledScores.__slots__))


def test_five_folds_of_as_equal_sizes_as_can_be() -> None:
    assert sorted(np.bincount(folds(shuffled(103)))) == [20, 20, 21, 21, 21]


def test_the_order_of_the_labels_changes_no_fold_and_no_score() -> None:
    labels = shuffled()
    order = np.random.default_rng(9).permutation(len(labels))
    assert (folds(rearranged(labels, order)) == folds(labels)[order]).all()
    again = out_of_fold(rearranged(labels, order))
    assert np.abs(again - out_of_fold(labels)[order]).max() < 1e-7


def test_labels_of_one_cluster_share_a_fold() -> None:
    groups = np.arange(100) // 4
    found = folds(shuffled(100, groups))
    assert all(len(set(found[groups == one])) == 1 for one in range(25))
    assert np.bincount(found).tolist() == [20] * 5


def test_a_label_is_scored_by_a_calibrator_that_did_not_see_its_fold() -> None:
    labels = shuffled()
    found, fold = out_of_fold(labels), folds(labels)
    for number in range(5):
        own = fit_platt(labels.part(fold != number)).apply(labels.scores[fold == number])
        assert (found[fold == number] == own).all()


def test_changing_a_label_does_not_change_its_own_score() -> None:
    labels = shuffled()
    correct = labels.correct.copy()
    correct[5] = 1 - correct[5]
    other = LabelledScores(labels.scores, correct, labels.weights, labels.groups, labels.order)
    assert out_of_fold(other)[5] == out_of_fold(labels)[5]
    assert (out_of_fold(other) != out_of_fold(labels)).any()
