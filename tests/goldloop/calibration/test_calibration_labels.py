from __future__ import annotations

import numpy as np
import pytest

from goldloop.calibration import labelled_scores, stratum_weights, trimmed, worth


def test_labels_of_equal_weight_are_worth_their_number() -> None:
    assert worth([3.0] * 70) == pytest.approx(70)
    assert worth([]) == 0


def test_a_batch_of_70_percent_uncertain_samples_is_worth_its_random_part_in_a_large_pool() -> None:
    weights = stratum_weights([True] * 140 + [False] * 60, 140, 1_000_000 - 140)
    assert worth(weights) == pytest.approx(60, abs=0.1)
    assert trimmed(weights) is weights


def test_the_labels_of_each_part_stand_for_all_of_it() -> None:
    certain = np.array([True] * 7 + [False] * 3)
    weights = stratum_weights(certain, 14, 90)
    assert weights[certain].sum() == pytest.approx(14)
    assert weights[~certain].sum() == pytest.approx(90)


@pytest.mark.parametrize(("certain", "total"), [([True] * 4, 20), ([False] * 4, 300)])
def test_a_part_without_labels_is_stood_for_by_nobody(certain: list[bool], total: int) -> None:
    assert stratum_weights(certain, 20, 300).sum() == pytest.approx(total)


def test_two_labels_that_stand_for_almost_all_do_not_decide_alone() -> None:
    weights = stratum_weights([True] * 98 + [False] * 2, 98, 10_000)
    cut = trimmed(weights)
    assert worth(cut) == pytest.approx(25, abs=0.01)
    assert (cut[:98] == 1).all()
    assert cut[98] == cut[99] > 1


def test_weights_are_never_cut_where_they_cost_less_than_three_quarters() -> None:
    weights = np.array([1.0] * 50 + [5.0] * 50)
    assert (trimmed(weights) == weights).all()


def test_a_part_of_the_labels_keeps_their_columns_together() -> None:
    labels = labelled_scores([0.1, 0.2, 0.3], [1, 0, 1], [1, 2, 3], [7, 8, 9], [0.5, 0.6, 0.7])
    part = labels.part(np.array([False, True, True]))
    assert part.scores.tolist() == [0.2, 0.3]
    assert part.correct.tolist() == [0, 1]
    assert part.weights.tolist() == [2, 3]
    assert part.groups.tolist() == [8, 9]
    assert part.order.tolist() == [0.6, 0.7]
