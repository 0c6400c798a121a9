"""The stratified estimate: for hard rounds, and wherever few levels are shared by many items.

Stratum 0 is what is certain; the others are the items of one level each. Within a stratum the
sample is a simple random one of n_h out of M_h items. With W_h = M_h / N,

    A = sum_h W_h ybar_h        V = sum_h W_h² (1 - n_h / M_h) s_h² / n_h

(Cochran, "Sampling Techniques", 1977, chapter 5, given the counts). A stratum that is labelled
whole adds no variance; where outcomes are missing, it is sampled like the others. With a control m
(the calibrated confidence) known for the whole pool, y is replaced by y - lambda m, and lambda
times the pool's mean of m is added back: PPI for a subset of the pool (Angelopoulos and others,
"Prediction-powered inference", 2023; the regression estimate of Cochran, chapter 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.estimates.estimate import (
    CONTROLLED,
    FEWEST_FOR_CONTROL,
    STRATIFIED,
    Answers,
    Estimate,
    answers,
)
from goldloop.estimates.intervals import effective_labels, t_quantile
from goldloop.selection.design import Design
from goldloop.selection.scores import Floats
from goldloop.wilson import score_interval


def stratified(outcome: ArrayLike, sample: Design, confidence: ArrayLike | None = None) -> Estimate:
    """The mean outcome of the pool, post-stratified by level; arrays of shape (n,).

    `outcome` is 1 or 0, or a grade between, NaN where it is not known; `confidence`, NaN where
    there is none, is used where it makes the variance smaller, from 20 labels on. A level without
    an outcome is put with the nearest that has one. None where what is certain, or all the rest,
    has no outcome at all. Raises RecordError as `answers` does.

    The interval is Wilson's of the part that is not labelled whole, with the number of trials that
    its variance stands for and Student's t (degrees of freedom by Satterthwaite's rule).

    >>> from goldloop.selection.design import design
    >>> sample = design([0.1, 0.2, 0.9, 0.8, 0.7], level=[0.3] * 5, certain=[0, 0, 1, 0, 0])
    >>> found = stratified([1, 0, 0, None, None], sample)
    >>> found.value, found.labels, found.method
    (0.4, 3, 'stratified')
    """
    given = answers(outcome, sample, confidence)
    strata = _strata(given)
    if strata is None:
        return given.nothing()
    if not strata.open.any():
        return given.census()
    means = _means(given, strata, 0.0)
    slope = _slope(given, strata)
    method = STRATIFIED
    if slope > 0.0:
        helped = _means(given, strata, slope)
        if helped.variance.sum() < means.variance.sum():
            means, method = helped, STRATIFIED + CONTROLLED
    return _estimate(given, strata, means, method)


@dataclass(frozen=True, slots=True, eq=False)
class _Strata:
    """Which stratum each item is in, (n,), and by stratum its size and its labels, (strata,)."""

    of: NDArray[np.intp]
    size: Floats
    labels: Floats

    @property
    def open(self) -> NDArray[np.bool_]:
        return self.labels < self.size

    def total(self, values: Floats) -> Floats:
        """Sums of a value of every item, by stratum."""
        return _sums(self.of, values, len(self.size))


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """By stratum: the estimated mean, its sampling variance (without W_h²) and the weight W_h.

    `lost` is 1 where a slope was fitted.
    """

    mean: Floats
    variance: Floats
    weight: Floats
    lost: int


def _sums(of: NDArray[np.intp], values: ArrayLike, groups: int) -> Floats:
    return np.bincount(of, weights=values, minlength=groups).astype(np.float64)


def _strata(given: Answers) -> _Strata | None:
    """None where there is nothing to go by."""
    certain, level = given.sample.certain, given.sample.level
    key = np.where(certain, 2.0, level)
    keys, of = np.unique(key, return_inverse=True)
    labels = _sums(of, given.used, len(keys))
    known = np.flatnonzero((labels > 0) & (keys < 2.0))
    empty = np.flatnonzero((labels == 0) & (keys < 2.0))
    if (labels[keys == 2.0] == 0).any() or not labels.any() or (len(empty) and not len(known)):
        return None
    if len(empty):
        nearest = known[np.abs(keys[empty][:, None] - keys[known]).argmin(axis=1)]
        target = np.arange(len(keys))
        target[empty] = nearest
        _, of = np.unique(target[of], return_inverse=True)
    size = np.bincount(of).astype(np.float64)
    labels = _sums(of, given.used, len(size))
    return _Strata(of, size, labels)


def _means(given: Answers, strata: _Strata, slope: float) -> _Means:
    used = given.used
    control = np.zeros(len(used)) if given.control is None else given.control
    left = np.where(used, given.outcome - slope * control, 0.0)
    mean = strata.total(left) / strata.labels
    squares = strata.total(np.where(used, (left - mean[strata.of]) ** 2, 0.0))
    lost = int(slope > 0.0)
    spread = _spreads(given, squares, strata, lost)
    return _Means(
        mean=mean + slope * strata.total(control) / strata.size,
        variance=(1.0 - strata.labels / strata.size) * spread / strata.labels,
        weight=strata.size / strata.size.sum(),
        lost=lost,
    )


def _spreads(given: Answers, squares: Floats, strata: _Strata, lost: int) -> Floats:
    """s_h² by stratum. Outcomes that are all the same do not show that others are too: such a
    stratum is given that of one right and one wrong label more (Laplace's rule of succession).
    """
    free = strata.labels - 1.0
    right = strata.total(np.where(given.used, given.outcome, 0.0))
    share = (right + 1.0) / (strata.labels + 2.0)
    spread = np.where(squares > 0.0, squares / np.maximum(free, 1.0), share * (1.0 - share))
    left = float(free[strata.open].sum())
    return spread * (left / max(left - lost, 1.0) if lost else 1.0)


def _slope(given: Answers, strata: _Strata) -> float:
    """lambda: the slope of outcome on control that makes the variance the smallest; 0 where there
    are too few labels or the control does not vary.
    """
    used, control = given.used & strata.open[strata.of], given.control
    if control is None or int(used.sum()) < FEWEST_FOR_CONTROL:
        return 0.0
    free = np.maximum(strata.labels - 1.0, 1.0)
    weight = strata.size**2 * (1.0 - strata.labels / strata.size) / (strata.labels * free)
    y = np.where(used, given.outcome, 0.0)
    m = np.where(used, control, 0.0)
    dy = np.where(used, y - (strata.total(y) / strata.labels)[strata.of], 0.0)
    dm = np.where(used, m - (strata.total(m) / strata.labels)[strata.of], 0.0)
    varies = float((weight * strata.total(dm * dm)).sum())
    return float((weight * strata.total(dm * dy)).sum()) / varies if varies > 1e-12 else 0.0


def _estimate(given: Answers, strata: _Strata, means: _Means, method: str) -> Estimate:
    value = float((means.weight * means.mean).sum())
    if strata.labels[strata.open].sum() < 2:
        return given.estimate(value, given.bounds, None, None, method)
    weight, open_ = means.weight, strata.open
    part = float(weight[open_].sum())
    share = min(max(float((weight * means.mean)[open_].sum()) / part, 0.0), 1.0)
    parts = weight**2 * means.variance
    variance = float(parts.sum())
    # What the variance would be if outcomes varied by 1.
    unit = float((weight**2 * (1.0 - strata.labels / strata.size) / strata.labels).sum())
    spread = share * (1.0 - share)
    trials = spread * part**2 / variance if spread > 0.0 and variance > 0.0 else part**2 / unit
    low, high = score_interval(share, trials, t_quantile(_freedom(parts, strata, means.lost)))
    known = value - part * share
    overall = value * (1.0 - value)
    relative = (overall, variance) if overall > 0.0 else (1.0, unit)
    return given.estimate(
        value,
        (known + part * low, known + part * high),
        variance**0.5 if spread > 0.0 else None,
        effective_labels(*relative, len(given.outcome)),
        method,
    )


def _freedom(parts: Floats, strata: _Strata, lost: int) -> float:
    """Satterthwaite's degrees of freedom of a sum of estimated variances."""
    total = float(parts.sum())
    if total <= 0.0:
        return float(strata.labels[strata.open].sum()) - 1.0
    return total**2 / float((parts**2 / np.maximum(strata.labels - 1.0, 1.0)).sum()) - lost
