"""A first batch from a pool of which nothing is labelled: a hard round in short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from goldloop.errors import RecordError
from goldloop.selection.design import Positions, design
from goldloop.selection.hard import hard_round
from goldloop.selection.scores import Floats, refuse_outside
from goldloop.selection.shares import refuse_batch, split_batch


@dataclass(frozen=True, slots=True)
class Selection:
    """Positions into the pool that was given, and how they came about.

    `uncertain` runs from the most uncertain down, `random` by permanent random number upwards.
    `cutoff` is the last uncertainty that was taken for being uncertain (None when none was), and
    `prn_level` the largest permanent random number that was drawn (None when none was).
    `inclusion_probability` has the shape of the pool.
    """

    uncertain: Positions
    random: Positions
    cutoff: float | None
    prn_level: float | None
    inclusion_probability: Floats


def select(scores: ArrayLike, prn: ArrayLike, batch_size: int, uncertain_share: float) -> Selection:
    """A batch from a pool of uncertainties and permanent random numbers, both of shape (n,).

    A pool that is no larger than the batch is taken whole; then every probability is 1. Raises
    SettingsError for a batch below 1 or a share outside [0, 1], and RecordError for a score that is
    missing (NaN) or a random number outside [0, 1].

    >>> picked = select([0.9, 0.1, 0.2, 0.8], [0.6, 0.7, 0.1, 0.5], 2, uncertain_share=0.5)
    >>> picked.uncertain, picked.random, picked.inclusion_probability.round(2)
    (array([0]), array([2]), array([1.  , 0.33, 0.33, 0.33]))
    """
    refuse_batch(batch_size, uncertain_share)
    own, numbers = _pool(scores, prn)
    found = hard_round(design(numbers), own, batch_size, uncertain_share)
    n_uncertain, _ = split_batch(len(found.picks), uncertain_share)
    return Selection(
        uncertain=found.picks[:n_uncertain],
        random=found.picks[n_uncertain:],
        cutoff=found.cutoff,
        prn_level=found.prn_level,
        inclusion_probability=found.inclusion_probability,
    )


def _pool(scores: ArrayLike, prn: ArrayLike) -> tuple[Floats, Floats]:
    columns = np.asarray(scores, dtype=np.float64), np.asarray(prn, dtype=np.float64)
    if columns[0].shape != columns[1].shape or columns[0].ndim != 1:
        raise RecordError(
            f"scores and permanent random numbers must be two lists of one length, not of shapes "
            f"{columns[0].shape} and {columns[1].shape}"
        )
    refuse_outside(columns[0], "uncertainty", -np.inf, np.inf)
    refuse_outside(columns[1], "permanent random number", 0.0, 1.0)
    return columns
