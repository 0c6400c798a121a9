"""Selection: which samples people are asked about, as a sampling design that can be checked.

The rule: uncertainty = 1 - confidence, plus a boost for a novel pattern, capped at 1. The batch is
the `uncertain_share` most uncertain of the pool, and for the rest a simple random sample of what is
left. Random means: the smallest permanent random numbers, so that the draw can be repeated and the
random picks of many rounds remain one random sample. Ties in uncertainty are ordered by
`prn.tie_break`, never by id or by the order of arrival.

Confidences of different methods are different scales until they are calibrated. Where a pool holds
several methods, and not all are, a run's confidence is its `mid_ranks` among all runs by its
method: the least sure by each method come first, whatever numbers the method gives.

Inclusion probabilities given the scores: 1 for what is taken by uncertainty, n_random / rest for
the others.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError, SettingsError
from goldloop.prn import tie_break

Floats = NDArray[np.float64]
UNKNOWN_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Selection:
    """Positions into the pool that was given, and how they came about.

    `uncertain` runs from the most uncertain down, `random` by permanent random number upwards.
    `cutoff` is the last uncertainty that was taken for being uncertain (None when none was), and
    `prn_level` the largest permanent random number that was drawn (None when none was).
    `inclusion_probability` has the shape of the pool.
    """

    uncertain: NDArray[np.intp]
    random: NDArray[np.intp]
    cutoff: float | None
    prn_level: float | None
    inclusion_probability: Floats


def uncertainty(confidence: ArrayLike, novel: ArrayLike, boost: float) -> Floats:
    """1 - confidence, plus `boost` where novel, capped at 1; all of shape (n,).

    A run without a confidence (NaN or None) counts as 0.5: neither sure nor unsure. Raises
    RecordError for a confidence outside [0, 1].

    >>> uncertainty([0.9, 0.9, 0.1, None], [False, True, True, False], 0.2)
    array([0.1, 0.3, 1. , 0.5])
    """
    given = np.asarray(confidence, dtype=np.float64)
    known = np.where(np.isnan(given), UNKNOWN_CONFIDENCE, given)
    _refuse_outside(known, "confidence", 0.0, 1.0)
    boosted = 1.0 - known + boost * np.asarray(novel, dtype=np.bool_)
    # Rounded, because 1 - 0.9 + 0.2 must equal 1 - 0.7 in a ranking that breaks ties on purpose.
    return np.minimum(np.round(boosted, 12), 1.0)


def mid_ranks(confidence: ArrayLike, among: ArrayLike) -> Floats:
    """The share of `among` that is less sure than each confidence, ties counting half; of the
    shape of `confidence`, NaN where that is NaN or there is nothing to compare with.

    >>> mid_ranks([0.2, 0.9], [0.2, 0.2, 0.6, 0.9])
    array([0.25 , 0.875])
    """
    given, others = np.asarray(confidence, dtype=np.float64), np.asarray(among, dtype=np.float64)
    ordered = np.sort(others[~np.isnan(others)])
    if not len(ordered):
        return np.full(given.shape, np.nan)
    below, up_to = (np.searchsorted(ordered, given, side=side) for side in ("left", "right"))
    return np.where(np.isnan(given), np.nan, (below + up_to) / (2.0 * len(ordered)))


def needs_ranks(methods: Collection[str], calibrated: Collection[str]) -> bool:
    """Whether the confidences of these methods must not stand in one ranking as they are: there
    are several, and not all are calibrated.
    """
    return len(set(methods)) > 1 and not set(methods) <= set(calibrated)


def split_batch(batch_size: int, uncertain_share: float) -> tuple[int, int]:
    """How many of a batch go by uncertainty and how many at random; halves round up.

    >>> split_batch(20, 0.7), split_batch(5, 0.7), split_batch(1, 0.7)
    ((14, 6), (4, 1), (1, 0))
    """
    by_uncertainty = math.floor(round(batch_size * uncertain_share, 9) + 0.5)
    return by_uncertainty, batch_size - by_uncertainty


def select(scores: ArrayLike, prn: ArrayLike, batch_size: int, uncertain_share: float) -> Selection:
    """A batch from a pool of uncertainties and permanent random numbers, both of shape (n,).

    A pool that is no larger than the batch is taken whole; then every probability is 1. Raises
    SettingsError for a batch below 1 or a share outside [0, 1], and RecordError for a score that is
    missing (NaN) or a random number outside [0, 1].

    >>> picked = select([0.9, 0.1, 0.2, 0.8], [0.6, 0.7, 0.1, 0.5], 2, uncertain_share=0.5)
    >>> picked.uncertain, picked.random, picked.inclusion_probability.round(2)
    (array([0]), array([2]), array([1.  , 0.33, 0.33, 0.33]))
    """
    if batch_size < 1 or not 0.0 <= uncertain_share <= 1.0:
        raise SettingsError(
            f"a batch needs at least 1 sample and a share in [0, 1], not {batch_size} and "
            f"{uncertain_share}"
        )
    scores, prn = _pool(scores, prn)
    size = min(batch_size, len(scores))
    n_uncertain, n_random = split_batch(size, uncertain_share)
    uncertain = _most_uncertain(scores, prn, n_uncertain)
    in_rest = np.ones(len(scores), dtype=np.bool_)
    in_rest[uncertain] = False
    rest = np.flatnonzero(in_rest)
    random = rest[_smallest(prn[rest], n_random)]
    probability = np.ones(len(scores))
    probability[rest] = n_random / max(len(rest), 1)
    return Selection(
        uncertain=uncertain,
        random=random,
        cutoff=float(scores[uncertain[-1]]) if len(uncertain) else None,
        prn_level=float(prn[random[-1]]) if len(random) else None,
        inclusion_probability=probability,
    )


def _pool(scores: ArrayLike, prn: ArrayLike) -> tuple[Floats, Floats]:
    columns = np.asarray(scores, dtype=np.float64), np.asarray(prn, dtype=np.float64)
    if columns[0].shape != columns[1].shape or columns[0].ndim != 1:
        raise RecordError(
            f"scores and permanent random numbers must be two lists of one length, not of shapes "
            f"{columns[0].shape} and {columns[1].shape}"
        )
    _refuse_outside(columns[0], "uncertainty", -np.inf, np.inf)
    _refuse_outside(columns[1], "permanent random number", 0.0, 1.0)
    return columns


def _refuse_outside(values: Floats, what: str, low: float, high: float) -> None:
    wrong = np.flatnonzero(~((values >= low) & (values <= high)))
    if len(wrong):
        found = values[wrong[0]]
        raise RecordError(
            f"the {what} at position {wrong[0]} is {found}; expected a number from {low:g} to "
            f"{high:g}"
        )


def _most_uncertain(scores: Floats, prn: Floats, count: int) -> NDArray[np.intp]:
    """Positions of the `count` largest scores, ties by `tie_break`, in that order."""
    if count == 0:
        return np.empty(0, dtype=np.intp)
    # Only what is at or above the cutoff is sorted: the pool may hold a million.
    cutoff = np.partition(scores, len(scores) - count)[len(scores) - count]
    near = np.flatnonzero(scores >= cutoff)
    order: NDArray[np.intp] = np.lexsort((prn[near], tie_break(prn[near]), -scores[near]))
    return near[order[:count]]


def _smallest(values: Floats, count: int) -> NDArray[np.intp]:
    """Positions of the `count` smallest values, in rising order."""
    if count == 0:
        return np.empty(0, dtype=np.intp)
    near: NDArray[np.intp] = np.argpartition(values, count - 1)[:count]
    order = np.argsort(values[near], kind="stable")
    return near[order]
