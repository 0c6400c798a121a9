"""Discrimination: how well a score tells right runs from wrong ones, whatever its scale.

AUROC is the chance that a right run scores above a wrong one, ties counting half:
0.5 is no better than a coin, 1 puts every right run above every wrong one. With weights, runs count
by their weight, so that 1 / inclusion probability gives the AUROC of the whole pool. Source:
Hanley and McNeil, Radiology 143 (1982); the statistic is Mann and Whitney's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from goldloop.agreement.bootstrap import defined, weighted_interval
from goldloop.agreement.counts import FloatArray, IntArray
from goldloop.errors import RecordError


class _Ranked(NamedTuple):
    """Runs in the order of their scores: where each came from, whether it was right, its weight,
    each of shape (runs,); `levels` holds the place where each distinct score begins.
    """

    place: IntArray
    correct: FloatArray
    weight: FloatArray
    levels: IntArray


def auroc(scores: ArrayLike, correct: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """The area under the ROC curve of `scores` for telling `correct` runs (1) from others (0).

    All have the shape (runs,); weights are 1 when not given. None where one of the two kinds is
    missing or has no weight. Raises RecordError on lengths that differ, a score or weight that is
    NaN or infinite, a negative weight, and a `correct` that is neither 0 nor 1.

    >>> auroc([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])
    0.875
    >>> auroc([0.9, 0.5], [1, 1]) is None
    True
    """
    ranked = _ranked(scores, correct, weights)
    if not len(ranked.place):
        return None
    return defined(_areas(ranked, np.ones((1, len(ranked.place))))[0])


def auroc_interval(
    scores: ArrayLike,
    correct: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    seed: int,
    repetitions: int = 2000,
) -> tuple[float, float] | None:
    """The 95% percentile interval of `auroc` over resampled clusters.

    Whole clusters are drawn with replacement, since the runs of one scenario vouch for each other;
    without `clusters` every run is one of its own. Draws that lack one of the two kinds are left
    out. None below 10 clusters, without repetitions, and when over 5% of the draws are left out.
    The same seed gives the same interval. Raises RecordError as `auroc` does.
    """
    ranked = _ranked(scores, correct, weights)
    runs = len(ranked.place)
    group = _groups(clusters, runs)[ranked.place]
    drawn = weighted_interval(
        lambda counts: _areas(ranked, counts[:, group]),
        np.ones(group.max(initial=-1) + 1, dtype=np.int64),
        width=max(runs, 1),
        draws=repetitions,
        seed=seed,
    )
    return None if drawn is None else (drawn.low, drawn.high)


def _areas(ranked: _Ranked, copies: FloatArray) -> FloatArray:
    """The AUROC of each row of `copies`, (draws, runs) to (draws,); NaN where it is undefined."""
    weight = copies * ranked.weight
    right = np.add.reduceat(weight * ranked.correct, ranked.levels, axis=1)
    wrong = np.add.reduceat(weight * (1 - ranked.correct), ranked.levels, axis=1)
    below = np.cumsum(wrong, axis=1) - wrong
    won = (right * (below + wrong / 2)).sum(axis=1)
    pairs = right.sum(axis=1) * wrong.sum(axis=1)
    undefined = np.full(len(pairs), np.nan)
    areas: FloatArray = np.divide(won, pairs, out=undefined, where=pairs > 0)
    return areas


def _ranked(scores: ArrayLike, correct: ArrayLike, weights: ArrayLike | None) -> _Ranked:
    score = np.asarray(scores, dtype=np.float64)
    right = np.asarray(correct, dtype=np.float64)
    weight = np.ones_like(score) if weights is None else np.asarray(weights, dtype=np.float64)
    if score.ndim != 1 or score.shape != right.shape or score.shape != weight.shape:
        shapes = f"{score.shape}, {right.shape} and {weight.shape}"
        raise RecordError(f"scores, correct and weights: expected equal lengths, got {shapes}")
    if not (np.isfinite(score).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise RecordError("scores and weights: expected finite numbers, and no negative weight")
    if not np.isin(right, (0.0, 1.0)).all():
        raise RecordError("correct: expected 0 or 1 for every run")
    place = np.argsort(score, kind="stable")
    levels = np.flatnonzero(np.diff(score[place], prepend=np.nan) != 0)
    return _Ranked(place, right[place], weight[place], levels)


def _groups(clusters: Sequence[Hashable] | None, runs: int) -> IntArray:
    """The number of each run's cluster, in the order in which clusters come up; shape (runs,)."""
    if clusters is None:
        return np.arange(runs)
    if len(clusters) != runs:
        raise RecordError(f"clusters: expected {runs}, one for each score, got {len(clusters)}")
    numbers: dict[Hashable, int] = {}
    coded = [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]
    return np.array(coded, dtype=np.int64)
