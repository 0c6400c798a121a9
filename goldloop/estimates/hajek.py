"""Hájek's estimate: for soft rounds, and for hard and soft ones after each other.

Every label stands for w_i = 1 / pi_i items, pi_i being 1 where certain, else the level:

    A = sum w y / sum w        V = n/(n-1) sum (1 - pi_i) (w_i (y_i - A))² / N²

over the n labels (Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, chapters 5
and 7, for Poisson sampling). With a control m known for the whole pool (the calibrated confidence):

    lambda = sum w (m - mb)(y - yb) / sum w (m - mb)²      A = yb + lambda (mean of m - mb)

with the weighted means yb and mb, and e = y - yb - lambda (m - mb) and n - 2 in the place of y - A
and n - 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from goldloop.estimates.estimate import (
    CONTROLLED,
    FEWEST_FOR_CONTROL,
    HAJEK,
    Answers,
    Estimate,
    answers,
)
from goldloop.estimates.intervals import effective_labels, t_quantile
from goldloop.selection.design import Design
from goldloop.selection.scores import Floats
from goldloop.wilson import score_interval

# Missing outcomes are made up for within so many classes of items with alike chances.
CLASSES = 4


def hajek(outcome: ArrayLike, sample: Design, confidence: ArrayLike | None = None) -> Estimate:
    """The mean outcome of the pool, by the inverse of each label's chance; arrays of shape (n,).

    `outcome` is 1 or 0, or a grade between, NaN where it is not known; `confidence`, NaN where
    there is none, is used where it makes the variance smaller, from 20 labels on. Where drawn items
    have no outcome, the others of alike chances stand in for them. None without any label. Raises
    RecordError as `answers` does.

    The interval is Wilson's, with the number of trials that the variance stands for and Student's t
    (degrees of freedom by the labels' weights).

    >>> from goldloop.selection.design import design
    >>> sample = design([0.1, 0.2, 0.9, 0.8], level=[0.5, 0.25, 0.25, 0.5])
    >>> found = hajek([1, 0, None, None], sample)
    >>> round(found.value, 3), found.labels, found.method
    (0.333, 2, 'hajek')
    """
    given = answers(outcome, sample, confidence)
    if not given.used.any():
        return given.nothing()
    if given.used.all():
        return given.census()
    labels = _labels(given)
    plain = _plain(labels)
    controlled = _controlled(labels)
    if controlled is not None and controlled.variance < plain.variance:
        return _estimate(given, labels, controlled, HAJEK + CONTROLLED)
    return _estimate(given, labels, plain, HAJEK)


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Outcome, chance and control of the labels, all (labels,); the pool's size and mean control.

    `control` is None where there is none.
    """

    outcome: Floats
    chance: Floats
    control: Floats | None
    pool: int
    pool_control: float

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def weight(self) -> Floats:
        return 1.0 / self.chance

    @property
    def unit(self) -> float:
        """The variance of the mean, if every residual were 1."""
        return float(((1.0 - self.chance) * self.weight**2).sum()) / self.pool**2


@dataclass(frozen=True, slots=True)
class _Mean:
    """An estimated mean, its variance, and how many figures were fitted for it."""

    value: float
    variance: float
    fitted: int


def _labels(given: Answers) -> _Labels:
    chance = _answered_chance(given)[given.used]
    control = given.control
    return _Labels(
        given.outcome[given.used],
        chance,
        None if control is None else control[given.used],
        len(given.outcome),
        0.0 if control is None else float(control.mean()),
    )


def _answered_chance(given: Answers) -> Floats:
    """The chance of having an outcome: that of being drawn, times the share of the drawn items of
    alike chance, by weight, that have one. A class without any joins the one below.
    """
    chance = given.sample.probability
    drawn = np.flatnonzero(given.drawn)
    used = given.used[drawn]
    if used.all():
        return chance
    edges = np.unique(np.quantile(chance[drawn], np.linspace(0, 1, CLASSES + 1)[1:-1]))
    of = np.searchsorted(edges, chance[drawn], side="right")
    while len(empty := np.setdiff1d(of, of[used])):
        below = of[of < empty[0]]
        of[of == empty[0]] = below.max() if len(below) else of[of > empty[0]].min()
    weight = 1.0 / chance[drawn]
    share = np.bincount(of, weights=weight * used) / np.maximum(np.bincount(of, weight), 1e-300)
    adjusted: Floats = chance.copy()
    adjusted[drawn] = np.clip(chance[drawn] * share[of], 1e-300, 1.0)
    return adjusted


def _plain(labels: _Labels) -> _Mean:
    value = float(np.average(labels.outcome, weights=labels.weight))
    return _Mean(value, _variance(labels, labels.outcome - value, 1), 1)


def _controlled(labels: _Labels) -> _Mean | None:
    """None where there is no control, too few labels, or no rising slope."""
    if labels.control is None or len(labels) < FEWEST_FOR_CONTROL:
        return None
    mean_y = float(np.average(labels.outcome, weights=labels.weight))
    mean_m = float(np.average(labels.control, weights=labels.weight))
    y, m = labels.outcome - mean_y, labels.control - mean_m
    varies = float((labels.weight * m * m).sum())
    slope = float((labels.weight * m * y).sum()) / varies if varies > 1e-12 else 0.0
    if slope <= 0.0:
        return None
    value = mean_y + slope * (labels.pool_control - mean_m)
    return _Mean(value, _variance(labels, y - slope * m, 2), 2)


def _variance(labels: _Labels, residual: Floats, fitted: int) -> float:
    sums = float(((1.0 - labels.chance) * (labels.weight * residual) ** 2).sum())
    count = len(labels)
    return count / max(count - fitted, 1) * sums / labels.pool**2


def _estimate(given: Answers, labels: _Labels, mean: _Mean, method: str) -> Estimate:
    uncertain = labels.chance < 1.0
    # All drawn were sure to be drawn, or one label alone: nothing shows how outcomes vary.
    if int(uncertain.sum()) < 2:
        return given.estimate(mean.value, given.bounds, None, None, method)
    share = min(max(mean.value, 0.0), 1.0)
    spread = share * (1.0 - share)
    known = spread > 0.0 and mean.variance > 0.0
    trials = spread / mean.variance if known else 1.0 / labels.unit
    interval = score_interval(share, trials, t_quantile(_freedom(labels, mean.fitted)))
    overall = (_spread(labels), mean.variance) if known else (1.0, labels.unit)
    return given.estimate(
        mean.value,
        interval,
        mean.variance**0.5 if known else None,
        effective_labels(*overall, labels.pool),
        method,
    )


def _spread(labels: _Labels) -> float:
    """The variance of the pool's outcomes."""
    mean = np.average(labels.outcome, weights=labels.weight)
    return float(np.average((labels.outcome - mean) ** 2, weights=labels.weight))


def _freedom(labels: _Labels, fitted: int) -> float:
    """How many labels of equal weight tell as much of the variance (Kish), less what was fitted."""
    told = (1.0 - labels.chance) * labels.weight**2
    return float(told.sum()) ** 2 / float((told**2).sum()) - fitted
