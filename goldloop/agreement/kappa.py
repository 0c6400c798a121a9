"""Cohen's kappa and Scott's pi: chance-corrected agreement of two people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from goldloop.agreement.bootstrap import DRAWS, LEVEL, Interval, defined, weighted_interval
from goldloop.agreement.chance import ratio
from goldloop.agreement.counts import FloatArray, IntArray, is_missing, ordered
from goldloop.errors import RecordError, SettingsError

KappaWeights: TypeAlias = Literal["unweighted", "linear", "quadratic"]
_POWERS = {"linear": 1, "quadratic": 2}


def confusion_matrix(
    first: Mapping[Any, Any],
    second: Mapping[Any, Any],
    options: Iterable[Any] = (),
) -> IntArray:
    """How often one person's option (row) met the other's (column), on the tasks both answered.

    `first` and `second` map tasks to answers; a missing answer counts as none. Rows and columns
    are `options` in that order, followed by the other answers that occur, sorted.

    >>> confusion_matrix({1: "a", 2: "b", 3: "b"}, {1: "a", 2: "a", 4: "b"}, options=["a", "b"])
    array([[1, 0],
           [1, 0]])
    """
    both = [
        (first[task], second[task])
        for task in first.keys() & second.keys()
        if not (is_missing(first[task]) or is_missing(second[task]))
    ]
    declared = list(dict.fromkeys(options))
    others = ordered({answer for pair in both for answer in pair}.difference(declared))
    position = {option: index for index, option in enumerate([*declared, *others])}
    matrix = np.zeros((len(position), len(position)), dtype=np.int64)
    for one, other in both:
        matrix[position[one], position[other]] += 1
    return matrix


def cohen_kappa(
    confusion: ArrayLike,
    weights: KappaWeights = "unweighted",
    positions: ArrayLike | None = None,
) -> float | None:
    """Cohen's kappa of two people from their confusion matrix, shape (options, options).

    1 - sum v_kl p_kl / sum v_kl p_k. p_.l, where v is 1 off the diagonal ("unweighted"), |k - l|
    ("linear") or (k - l)^2 ("quadratic"), with k and l the options' `positions` on their scale,
    shape (options,); without them the options stand in order, one step apart. Chance uses each
    person's own shares, so people who are biased in different ways come out higher than in Scott's
    pi. None without a task and when chance disagreement is 0 (both used the same single option).
    Sources: Cohen, Educational and Psychological Measurement 20 (1960); Psychological Bulletin 70
    (1968). Raises RecordError for what is no square matrix of counts, SettingsError for other
    weights.

    >>> round(cohen_kappa([[20, 5], [10, 15]]), 6)
    0.4
    """
    counts = _checked(confusion)
    kappas = cohen_kappa_draws(counts[None].astype(np.float64), weights, positions)
    return defined(kappas[0])


def scott_pi(confusion: ArrayLike) -> float | None:
    """Scott's pi of two people from their confusion matrix, shape (options, options).

    As Cohen's kappa, but chance uses the shares of both people pooled, so it does not matter who
    gave which answer. None without a task and when only one option was used. Source: Scott, Public
    Opinion Quarterly 19 (1955). Raises RecordError for what is no square matrix of counts.

    >>> round(scott_pi([[20, 5], [10, 15]]), 6)
    0.393939
    """
    counts = _checked(confusion)
    return defined(scott_pi_draws(counts[None].astype(np.float64))[0])


def cohen_kappa_interval(
    confusion: ArrayLike,
    weights: KappaWeights = "unweighted",
    positions: ArrayLike | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval | None:
    """The bootstrap interval of Cohen's kappa over tasks; None as in `weighted_interval`."""
    counts = _checked(confusion)
    used = np.flatnonzero(counts)

    def kappas(drawn: FloatArray) -> FloatArray:
        matrices = np.zeros((len(drawn), counts.size))
        matrices[:, used] = drawn
        return cohen_kappa_draws(matrices.reshape(-1, *counts.shape), weights, positions)

    copies = counts.ravel()[used]
    return weighted_interval(kappas, copies, width=counts.size, draws=draws, seed=seed, level=level)


def cohen_kappa_draws(
    confusions: FloatArray,
    weights: KappaWeights = "unweighted",
    positions: ArrayLike | None = None,
) -> FloatArray:
    """Cohen's kappa of each matrix: (draws, options, options) to (draws,), NaN where undefined."""
    return _corrected(
        confusions, confusions.sum(axis=2), confusions.sum(axis=1), weights, positions
    )


def scott_pi_draws(confusions: FloatArray) -> FloatArray:
    """Scott's pi of each matrix: (draws, options, options) to (draws,), NaN where undefined."""
    pooled = (confusions.sum(axis=1) + confusions.sum(axis=2)) / 2
    return _corrected(confusions, pooled, pooled, "unweighted", None)


def _corrected(
    confusions: FloatArray,
    rows: FloatArray,
    columns: FloatArray,
    weights: KappaWeights,
    positions: ArrayLike | None,
) -> FloatArray:
    """One minus observed by expected disagreement; rows and columns have shape (draws, options)."""
    cost = _disagreement(confusions.shape[1], weights, positions)
    tasks = np.maximum(rows.sum(axis=1), 1.0)
    observed = (confusions * cost).sum(axis=(1, 2)) / tasks
    expected = np.einsum("dk,kl,dl->d", rows, cost, columns, optimize=True) / np.square(tasks)
    return 1.0 - ratio(observed, expected)


def _disagreement(options: int, weights: str, positions: ArrayLike | None) -> FloatArray:
    if weights == "unweighted":
        return 1.0 - np.eye(options)
    if weights not in _POWERS:
        allowed = ", ".join(["unweighted", *_POWERS])
        raise SettingsError(f"weights must be one of {allowed}; got {weights!r:.40}")
    place = np.arange(options) if positions is None else np.asarray(positions)
    distance = np.abs(np.subtract.outer(place, place)).astype(np.float64)
    cost: FloatArray = (distance / (distance.max(initial=0.0) or 1.0)) ** _POWERS[weights]
    return cost


def _checked(confusion: ArrayLike) -> IntArray:
    counts = np.asarray(confusion)
    square = counts.ndim == 2 and counts.shape[0] == counts.shape[1]
    if not square or counts.dtype.kind not in "iu" or (counts.size and counts.min() < 0):
        raise RecordError("a confusion matrix must be square, of whole numbers from 0 up")
    return counts.astype(np.int64)
