"""The estimate of a whole pool, and of its slices, by whatever rounds there were."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from goldloop.errors import SettingsError
from goldloop.estimates.estimate import HAJEK, STRATIFIED, Estimate
from goldloop.estimates.hajek import hajek
from goldloop.estimates.stratified import stratified
from goldloop.selection.design import Design

ESTIMATORS = {STRATIFIED: stratified, HAJEK: hajek}
# Strata with fewer labels than this make the interval wider than need be; where there are no more
# than so many strata they come of hard rounds, for which shares are a little more exact than levels
FEWEST_IN_STRATUM = 20
FEW_STRATA = 4


def estimate_pool(
    outcome: ArrayLike,
    sample: Design,
    confidence: ArrayLike | None = None,
    *,
    method: str | None = None,
) -> Estimate:
    """The mean outcome of the whole pool; all arrays are (n,), one entry an item of the pool.

    `outcome` is 1 or 0, or a grade between, NaN where it is not known. `sample` is the design after
    the last round. `confidence` is the calibrated confidence of every run, NaN where there is none;
    a calibrator with many parameters should not have seen these labels. Chances belong to items and
    not to an agent: for another agent give its own outcomes and confidences on the same sample.

    `method` is `stratified` or `hajek`; without one it is `best_method`. Raises SettingsError for
    another, RecordError for columns that do not fit the sample or are outside [0, 1].
    """
    name = best_method(sample) if method is None else method
    if name not in ESTIMATORS:
        raise SettingsError(f"an estimate is made by {' or '.join(ESTIMATORS)}, not by {name!r}")
    return ESTIMATORS[name](outcome, sample, confidence)


def by_slice(
    outcome: ArrayLike,
    sample: Design,
    slices: Mapping[str, ArrayLike],
    confidence: ArrayLike | None = None,
    *,
    method: str | None = None,
) -> dict[str, Estimate]:
    """The same for parts of the pool, each given by the flags (n,) of its items.

    Given how many of a slice were drawn, the design within it is the same as of the whole; so each
    slice is estimated by itself, and `value` is None where nothing of it would tell.
    """
    name = best_method(sample) if method is None else method
    found = {}
    for slice_name, flags in slices.items():
        own = np.flatnonzero(np.asarray(flags, dtype=np.bool_))
        found[slice_name] = estimate_pool(
            np.asarray(outcome, dtype=np.float64)[own],
            sample.part(own),
            None if confidence is None else np.asarray(confidence, dtype=np.float64)[own],
            method=name,
        )
    return found


def best_method(sample: Design) -> str:
    """`stratified` where there are up to 4 levels, or levels are shared by 20 drawn items and more,
    as after hard rounds; else `hajek`, as after soft rounds, which give items levels of their own.
    """
    drawn = sample.drawn & ~sample.certain
    _, count = np.unique(sample.level[drawn], return_counts=True)
    alone = count[count < FEWEST_IN_STRATUM].sum()
    return HAJEK if len(count) > FEW_STRATA and 20 * alone > count.sum() else STRATIFIED
