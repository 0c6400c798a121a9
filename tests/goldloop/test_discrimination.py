from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from goldloop.discrimination import auroc, auroc_interval
from goldloop.errors import RecordError

SCORED = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("scores", "correct", "expected"),
    [
        ([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], 1.0),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0.0),
        ([0.5, 0.5, 0.5], [1, 0, 0], 0.5),
        # Pairs: .7 over .3, .7 over .5, .5 over .3, .5 tied with .5.
        ([0.7, 0.5, 0.3, 0.5], [1, 1, 0, 0], 3.5 / 4),
    ],
)
def test_it_is_the_share_of_pairs_in_the_right_order_with_ties_counting_half(
    scores: list[float], correct: list[int], expected: float
) -> None:
    assert auroc(scores, correct) == pytest.approx(expected)


def test_a_pair_counts_by_the_product_of_its_weights() -> None:
    # Won: 2 * 3 of 2 * 3 + 2 * 1, as the other wrong run scores higher.
    assert auroc([0.5, 0.1, 0.9], [1, 0, 0], [2, 3, 1]) == pytest.approx(6 / 8)


@given(SCORED)
def test_it_equals_scikit_learns(scored: list[tuple[int, bool]]) -> None:
    scores, correct = zip(*scored, strict=True)
    weights = [1 + place % 3 for place in range(len(scores))]
    found = auroc(scores, correct, weights)
    if len(set(correct)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(roc_auc_score(correct, scores, sample_weight=weights))


@given(SCORED)
def test_turning_the_scores_round_mirrors_it(scored: list[tuple[int, bool]]) -> None:
    scores, correct = zip(*scored, strict=True)
    found, mirrored = auroc(scores, correct), auroc([-score for score in scores], correct)
    assert (found is None) == (mirrored is None)
    assert found is None or found == pytest.approx(1 - (mirrored or 0.0))


@pytest.mark.parametrize(
    ("scores", "correct"), [([], []), ([0.5], [1]), ([0.1, 0.2], [0, 0]), ([0.1, 0.2], [1, 1])]
)
def test_there_is_none_without_a_right_and_a_wrong_run(
    scores: list[float], correct: list[int]
) -> None:
    assert auroc(scores, correct) is None
    assert auroc_interval(scores, correct, seed=1) is None


def test_a_kind_without_weight_is_not_there() -> None:
    assert auroc([0.1, 0.9], [0, 1], [0.0, 1.0]) is None


@pytest.mark.parametrize(
    ("scores", "correct", "weights"),
    [
        ([0.1], [0, 1], None),
        ([0.1, math.nan], [0, 1], None),
        ([0.1, math.inf], [0, 1], None),
        ([0.1, 0.2], [0, 2], None),
        ([0.1, 0.2], [0, 1], [1.0]),
        ([0.1, 0.2], [0, 1], [1.0, -1.0]),
        ([0.1, 0.2], [0, 1], [1.0, math.nan]),
    ],
)
def test_what_makes_no_sense_is_refused(
    scores: list[float], correct: list[int], weights: list[float] | None
) -> None:
    with pytest.raises(RecordError):
        auroc(scores, correct, weights)


def made_runs(clusters: int, trials: int, seed: int) -> tuple[list[float], list[bool], list[int]]:
    """Runs of which those of one cluster are all right or all wrong, and score alike."""
    draw = np.random.default_rng(seed)
    right = draw.random(clusters) < 0.5
    score = right * 0.8 + draw.normal(size=clusters)
    cluster = np.repeat(np.arange(clusters), trials)
    return score[cluster].tolist(), right[cluster].tolist(), cluster.tolist()


def test_the_interval_holds_the_value_and_the_seed_repeats_it() -> None:
    scores, correct, clusters = made_runs(60, 1, 3)
    first = auroc_interval(scores, correct, clusters=clusters, seed=5)
    assert first is not None
    assert first == auroc_interval(scores, correct, clusters=clusters, seed=5)
    assert first != auroc_interval(scores, correct, clusters=clusters, seed=6)
    assert first[0] < (auroc(scores, correct) or 0.0) < first[1]


def test_copies_within_a_cluster_are_no_further_evidence() -> None:
    alone = made_runs(60, 1, 3)
    copied = made_runs(60, 4, 3)
    interval = auroc_interval(alone[0], alone[1], clusters=alone[2], seed=5)
    same = auroc_interval(copied[0], copied[1], clusters=copied[2], seed=5)
    fooled = auroc_interval(copied[0], copied[1], seed=5)
    assert interval is not None
    assert same == pytest.approx(interval)
    assert fooled is not None
    assert fooled[1] - fooled[0] < 0.7 * (interval[1] - interval[0])


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    # Two normal distributions 0.8 apart: the truth is Phi(0.8 / sqrt 2).
    truth = 0.5 * (1 + math.erf(0.8 / math.sqrt(2) / math.sqrt(2)))
    covered = 0
    for seed in range(200):
        scores, correct, clusters = made_runs(150, 1, seed)
        interval = auroc_interval(scores, correct, clusters=clusters, seed=1, repetitions=200)
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert 0.90 <= covered / 200 <= 0.98


def test_an_interval_needs_ten_clusters() -> None:
    scores, correct, clusters = made_runs(9, 4, 2)
    assert auroc(scores, correct) is not None
    assert auroc_interval(scores, correct, clusters=clusters, seed=1) is None


def test_clusters_of_another_length_are_refused() -> None:
    with pytest.raises(RecordError, match="expected 2"):
        auroc_interval([0.1, 0.2], [0, 1], clusters=["a"], seed=1)
