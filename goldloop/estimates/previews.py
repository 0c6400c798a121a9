"""What a batch is going to tell, before anybody was asked: from calibrated confidences alone.

If p is the chance that a run is right, its outcome varies by p (1 - p) around p. A control variate
leaves only that; without one, outcomes also vary with p around the mean of their stratum (around
that of the pool, for soft rounds).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from goldloop.estimates.estimate import STRATIFIED
from goldloop.estimates.intervals import t_quantile
from goldloop.estimates.pool import best_method
from goldloop.selection.design import Design, Round
from goldloop.selection.scores import UNKNOWN_CONFIDENCE, Floats

NO_CHANCE = 1e-12


def expected_failures(confidence: ArrayLike, picks: ArrayLike) -> float:
    """How many of the picks are expected to be wrong: the sum of 1 - p over their positions.

    A confidence that is missing (NaN) counts as 0.5.

    >>> expected_failures([0.9, 0.5, 0.25], [1, 2])
    1.25
    """
    return float((1.0 - _known(confidence)[np.asarray(picks, dtype=np.intp)]).sum())


def expected_half_width(
    confidence: ArrayLike,
    sample: Design,
    *,
    control_variate: bool = True,
    method: str | None = None,
) -> float | None:
    """The expected half-width of the 95% interval, when all drawn items are labelled.

    `confidence` is calibrated, (n,); `sample` is the design after the round that is previewed.
    V = sum over the pool of (1 - pi) / pi times what an outcome varies, over N². 0 where everything
    is labelled, None where a part of the pool cannot be drawn at all.
    """
    p = _known(confidence)
    hard = (best_method(sample) if method is None else method) == STRATIFIED
    chance = sample.realised() if hard else sample.probability
    if not len(p) or (chance <= NO_CHANCE).any():
        return None
    varies = p * (1.0 - p)
    if not control_variate:
        varies += (p - _centre(p, sample, hard)) ** 2
    doubt = (1.0 - chance) / chance
    variance = float((doubt * varies).sum()) / len(p) ** 2
    told = float(doubt.sum()) ** 2 / max(float((doubt**2 / chance).sum()), 1e-300)
    return t_quantile(told - 1.0 - control_variate) * float(variance**0.5)


def _centre(p: Floats, sample: Design, by_level: bool) -> Floats:
    """What outcomes are compared with: the mean of their stratum, or that of the pool."""
    if not by_level:
        return np.full(len(p), p.mean())
    _, of = np.unique(np.where(sample.certain, 2.0, sample.level), return_inverse=True)
    mean: Floats = (np.bincount(of, weights=p) / np.bincount(of))[of]
    return mean


def labels_needed(
    confidence: ArrayLike,
    before: Design,
    half_width: float,
    make_round: Callable[[int], Round],
    *,
    control_variate: bool = True,
) -> int | None:
    """How many more labels until the 95% interval is expected to be ± `half_width` (in 0 to 1).

    `make_round` picks a batch of a size from `before`, writing nothing down; the answer is the
    smallest batch whose `expected_half_width` is small enough, as if all came in one round. 0 when
    it is small enough already, None when labelling all would not do.
    """

    def narrow(batch: int) -> bool:
        after = before if batch == 0 else make_round(batch).design
        width = expected_half_width(confidence, after, control_variate=control_variate)
        return width is not None and width <= half_width

    if narrow(0):
        return 0
    low, high = 0, int((~before.labelled).sum())
    if not high or not narrow(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if narrow(middle) else (middle, high)
    return high


def _known(confidence: ArrayLike) -> Floats:
    p = np.asarray(confidence, dtype=np.float64)
    return np.where(np.isnan(p), UNKNOWN_CONFIDENCE, p)
