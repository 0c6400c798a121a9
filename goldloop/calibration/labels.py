"""What a calibrator learns from: scored runs that people called right or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError

Floats: TypeAlias = NDArray[np.float64]

# Weights may cost the labels three quarters of what they are worth, and no more.
MOST_LOST = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class LabelledScores:
    """Scores in [0, 1], whether each run was correct (1 or 0), and how many runs of the pool each
    stands for; all of shape (labels,).

    `groups` are numbers: labels of one group depend on each other. `order` is a random number in
    [0, 1) for each, from which the folds are made; never the order of arrival.
    """

    scores: Floats
    correct: Floats
    weights: Floats
    groups: NDArray[np.int64]
    order: Floats

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def worth(self) -> float:
        """How many labels of equal weight would say as much: (sum w)² / sum w² (Kish 1965)."""
        return worth(self.weights)

    def part(self, chosen: NDArray[np.bool_]) -> LabelledScores:
        """Those that are chosen."""
        return LabelledScores(
            self.scores[chosen],
            self.correct[chosen],
            self.weights[chosen],
            self.groups[chosen],
            self.order[chosen],
        )


def labelled_scores(
    scores: ArrayLike,
    correct: ArrayLike,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    order: ArrayLike | None = None,
) -> LabelledScores:
    """The same as arrays, checked. Weights are 1, and groups one label each, where not given; so is
    the order, evenly in [0, 1).

    Raises RecordError for lists of different lengths, a score or an order outside [0, 1], a
    `correct` that is neither 0 nor 1, and a weight that is not above 0.
    """
    given = np.asarray(scores, dtype=np.float64)
    count = len(given) if given.ndim == 1 else 0
    columns = LabelledScores(
        given,
        np.asarray(correct, dtype=np.float64),
        np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64),
        np.arange(count) if groups is None else np.asarray(groups, dtype=np.int64),
        np.arange(count) / max(count, 1) if order is None else np.asarray(order, dtype=np.float64),
    )
    shapes = {name: getattr(columns, name).shape for name in LabelledScores.__slots__}
    if set(shapes.values()) != {(count,)}:
        raise RecordError(f"expected lists of one length, not of the shapes {shapes}")
    _refuse(columns.scores, "score", (columns.scores >= 0) & (columns.scores <= 1))
    _refuse(columns.order, "order", (columns.order >= 0) & (columns.order <= 1))
    _refuse(columns.correct, "correct", np.isin(columns.correct, (0.0, 1.0)))
    _refuse(columns.weights, "weight", (columns.weights > 0) & np.isfinite(columns.weights))
    return columns


def _refuse(values: Floats, what: str, good: NDArray[np.bool_]) -> None:
    for position in np.flatnonzero(~good)[:1]:
        raise RecordError(f"the {what} at position {position} cannot be {values[position]}")


def worth(weights: ArrayLike) -> float:
    """How many observations of equal weight say as much as these; 0 for none.

    >>> worth([1.0, 1.0, 2.0]).__round__(3)
    2.667
    """
    given = np.asarray(weights, dtype=np.float64)
    squares = float((given**2).sum())
    return float(given.sum()) ** 2 / squares if squares else 0.0


def trimmed(weights: ArrayLike) -> Floats:
    """The weights, the largest cut to one limit until the labels are worth a quarter of their
    number; all of shape (n,).

    Two labels that stood for half a pool would otherwise decide alone. A batch of 70% uncertain and
    30% random samples that is labelled whole is never cut, however large its pool.

    >>> float(trimmed([1.0] * 98 + [100.0] * 2).max().round(1))
    17.4
    """
    given = np.asarray(weights, dtype=np.float64)
    least = len(given) / MOST_LOST
    if not len(given) or worth(given) >= least:
        return given
    low, high = float(given.min()), float(given.max())
    # Halving: the worth falls steadily as the limit rises.
    for _ in range(60):
        limit = (low + high) / 2
        low, high = (limit, high) if worth(np.minimum(given, limit)) >= least else (low, limit)
    return np.minimum(given, low)


def stratum_weights(
    certain: ArrayLike, pool_certain: int, pool_rest: int, probability: ArrayLike | None = None
) -> Floats:
    """How many runs of the pool each label stands for; of shape (labels,), like `certain`.

    The pool is made of what was sure to be picked, and of the rest, which was picked at random over
    however many rounds; `certain` says which part a label belongs to. Within the rest, a label
    counts by 1 over its inclusion `probability`: not given where that is the same for all. The
    weights of a part add up to its size, so what is not labelled yet is taken as missing at random
    within its part.

    >>> stratum_weights([True, True, False], pool_certain=2, pool_rest=8)
    array([1., 1., 8.])
    >>> stratum_weights([False, False], 0, 6, probability=[0.2, 0.4])
    array([4., 2.])
    """
    sure = np.asarray(certain, dtype=np.bool_)
    each = np.ones(len(sure)) if probability is None else 1.0 / np.asarray(probability, np.float64)
    weights = np.empty(len(sure))
    for part, size in ((sure, pool_certain), (~sure, pool_rest)):
        own = np.ones(int(part.sum())) if part is sure else each[part]
        weights[part] = own * size / max(own.sum(), 1e-300)
    return weights
