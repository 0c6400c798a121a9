"""Reliability: how far scores are the probabilities that they claim to be.

Every figure is weighted, so that it speaks of the pool and not of the labelled set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldloop.annotators.proportions import wilson_interval
from goldloop.calibration.calibrators import Floats
from goldloop.calibration.labels import worth
from goldloop.discrimination import auroc, auroc_interval

MOST_BINS = 10
LABELS_PER_BIN = 10
BARS = 20
SIMULATIONS = 1000
DRAWN_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Bin:
    """Neighbouring scores: how many labels, the share of all weight that they carry, their mean
    score, and the share of them that is correct with its 95% interval (Wilson's, for as many labels
    as these are worth).
    """

    count: int
    weight: float
    mean_score: float
    share_correct: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How good scores are as probabilities.

    `brier` is the mean of (score - correct)², 0 at best; `skill` is 1 - brier over that of always
    saying `base_rate`, below 0 for a score that does worse than that (None where all labels are of
    one class). `auroc` and its interval say how well the scores rank. `ece` is the mean distance of
    the bins from the diagonal, which is above 0 for perfect scores, too: `ece_null` is what they
    would show on average at this number of labels, and `ece_null_high` what 95% of them stay below.
    `histogram` is the share of all weight in each twentieth of [0, 1], from 0 upwards.
    """

    brier: float
    skill: float | None
    base_rate: float
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None
    ece: float
    ece_null: float
    ece_null_high: float
    bins: tuple[Bin, ...]
    histogram: tuple[float, ...]


def reliability(
    scores: Floats,
    correct: Floats,
    weights: Floats,
    groups: NDArray[np.int64],
    seed: int,
) -> Reliability:
    """The reliability of scores, all of shape (labels,) with one label at least; `seed` is for the
    bootstrap of the AUROC, over groups, and for the null value of the calibration error.
    """
    share = weights / weights.sum()
    base = float(share @ correct)
    brier, blind = float(share @ (scores - correct) ** 2), base * (1 - base)
    bin_of = bins(scores)
    interval = auroc_interval(
        scores, correct, weights=weights, clusters=groups.tolist(), seed=seed
    ) or (None, None)
    null = _null_errors(scores, share, bin_of, seed)
    return Reliability(
        brier=brier,
        skill=1 - brier / blind if blind else None,
        base_rate=base,
        auroc=auroc(scores, correct, weights),
        auroc_low=interval[0],
        auroc_high=interval[1],
        ece=float(_errors(scores, correct[None], share, bin_of)[0]),
        ece_null=float(null.mean()),
        ece_null_high=float(np.quantile(null, 0.95)),
        bins=tuple(_bin(scores, correct, share, bin_of == one) for one in range(bin_of.max() + 1)),
        histogram=tuple(np.histogram(scores, BARS, (0.0, 1.0), weights=share)[0].tolist()),
    )


def bins(scores: Floats) -> NDArray[np.int64]:
    """The bin of each score, numbered from 0 upwards; shape (labels,).

    Up to ten bins of as equal counts as can be, with ten labels each where there are so many. Equal
    scores share a bin.
    """
    count = min(MOST_BINS, max(1, len(scores) // LABELS_PER_BIN))
    edges = np.unique(np.quantile(scores, np.arange(1, count) / count, method="lower"))
    raw = np.searchsorted(edges, scores, side="left")
    numbered: NDArray[np.int64] = np.unique(raw, return_inverse=True)[1]
    return numbered


def _bin(scores: Floats, correct: Floats, share: Floats, here: NDArray[np.bool_]) -> Bin:
    own = share[here]
    total = float(own.sum())
    right = min(1.0, float(own @ correct[here]) / total)
    # Of one label it may come out a hair below 1.
    trials = max(1.0, worth(own))
    interval = wilson_interval(right * trials, trials)
    return Bin(
        count=int(here.sum()),
        weight=total,
        mean_score=float(own @ scores[here]) / total,
        share_correct=right,
        low=interval.low,
        high=interval.high,
    )


def _null_errors(scores: Floats, share: Floats, bin_of: NDArray[np.int64], seed: int) -> Floats:
    """The calibration error of these scores, were they true, in simulated labels; shape (1000,)."""
    random = np.random.default_rng(seed)
    # Some at a time: a thousand draws of all labels at once may be more than there is memory.
    at_once = max(1, DRAWN_AT_ONCE // len(scores))
    sizes = [min(at_once, SIMULATIONS - start) for start in range(0, SIMULATIONS, at_once)]
    draws = (random.random((size, len(scores))) < scores for size in sizes)
    return np.concatenate([_errors(scores, drawn, share, bin_of) for drawn in draws])


def _errors(
    scores: Floats, correct: NDArray[np.bool_] | Floats, share: Floats, bin_of: NDArray[np.int64]
) -> Floats:
    """sum over bins of |weighted sum of (score - correct)|; (draws, labels) to (draws,)."""
    members = (bin_of[:, None] == np.arange(bin_of.max() + 1)).astype(np.float64)
    gaps = (share * (scores - correct)) @ members
    return np.asarray(np.abs(gaps).sum(axis=1), dtype=np.float64)
