"""What a selection ranks by: the uncertainty of runs, and how much there is to learn from them.

Confidences of different methods are different scales until they are calibrated. Where a pool holds
several methods, and not all are, a run's confidence is its `mid_ranks` among all runs by its
method: the least sure by each method come first, whatever numbers the method gives.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError, SettingsError

Floats: TypeAlias = NDArray[np.float64]
UNKNOWN_CONFIDENCE = 0.5
AIMS = ("precision", "failures")


def uncertainty(confidence: ArrayLike, novel: ArrayLike, boost: float) -> Floats:
    """1 - confidence, plus `boost` where novel, capped at 1; all of shape (n,).

    A run without a confidence (NaN or None) counts as 0.5: neither sure nor unsure. Raises
    RecordError for a confidence outside [0, 1].

    >>> uncertainty([0.9, 0.9, 0.1, None], [False, True, True, False], 0.2)
    array([0.1, 0.3, 1. , 0.5])
    """
    given = np.asarray(confidence, dtype=np.float64)
    known = np.where(np.isnan(given), UNKNOWN_CONFIDENCE, given)
    refuse_outside(known, "confidence", 0.0, 1.0)
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


def interest(confidence: ArrayLike, novel: ArrayLike, boost: float, aim: str = AIMS[0]) -> Floats:
    """How much there is to learn from each item in a soft round, from 0 up; all of shape (n,).

    With the aim `precision` it is sqrt(p(1 - p)), the best there is for a mean (Zrnic and Candes,
    "Active Statistical Inference", 2024); with `failures` it is the `uncertainty` 1 - p. Where
    novel, p is first brought down by `boost`: for precision not below 1/2, from where on it would
    count for less. A confidence that is missing is 0.5. Raises RecordError for a confidence outside
    [0, 1] and SettingsError for another aim.

    >>> interest([0.9, 0.9, 0.5, 0.2], [False, True, True, False], 0.2).round(3)
    array([0.3  , 0.458, 0.5  , 0.4  ])
    >>> interest([0.9, 0.9], [False, True], 0.2, aim="failures")
    array([0.1, 0.3])
    """
    if aim not in AIMS:
        raise SettingsError(f"a soft round aims at {' or '.join(AIMS)}, not at {aim!r}")
    plain = uncertainty(confidence, np.zeros_like(novel, dtype=np.bool_), boost)
    boosted = uncertainty(confidence, novel, boost)
    if aim == "failures":
        return boosted
    unsure = np.maximum(plain, np.minimum(boosted, 0.5))
    found: Floats = np.sqrt(unsure * (1.0 - unsure))
    return found


def refuse_outside(values: Floats, what: str, low: float, high: float) -> None:
    """Raise RecordError for the first of `values` that is NaN or not from `low` to `high`."""
    wrong = np.flatnonzero(~((values >= low) & (values <= high)))
    if len(wrong):
        found = values[wrong[0]]
        raise RecordError(
            f"the {what} at position {wrong[0]} is {found}; expected a number from {low:g} to "
            f"{high:g}"
        )
