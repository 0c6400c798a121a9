"""Out of fold: what calibration gives runs whose own labels it did not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from goldloop.calibration.calibrators import Floats
from goldloop.calibration.fit import MOST_FOR_PLATT, fit_isotonic, fit_platt
from goldloop.calibration.labels import LabelledScores

FOLDS = 5


def out_of_fold(labels: LabelledScores) -> Floats:
    """The calibrated score of each label by a calibrator fitted without its fold; shape (labels,).

    The same kind is fitted as on all labels. Needs labels of two groups at least.
    """
    fit_part = fit_isotonic if labels.worth > MOST_FOR_PLATT else fit_platt
    fold = folds(labels)
    found = np.empty(len(labels))
    for number in np.unique(fold):
        left_out = fold == number
        found[left_out] = fit_part(labels.part(~left_out)).apply(labels.scores[left_out])
    return found


def folds(labels: LabelledScores, count: int = FOLDS) -> NDArray[np.int64]:
    """The fold of each label, from 0; shape (labels,).

    Labels of one group share a fold. Groups are dealt out in the order of the smallest random
    number among their labels, those with most labels first, each to the fold that is smallest so
    far; so the order in which labels are given, and their ids, change nothing.
    """
    groups, place, sizes = np.unique(labels.groups, return_inverse=True, return_counts=True)
    first = np.full(len(groups), np.inf)
    np.minimum.at(first, place, labels.order)
    filled = np.zeros(min(count, len(groups)), dtype=np.int64)
    fold_of = np.empty(len(groups), dtype=np.int64)
    for group in np.lexsort((first, -sizes)):
        fold_of[group] = int(np.argmin(filled))
        filled[fold_of[group]] += sizes[group]
    return fold_of[place]
