"""Correction for chance: the form that kappa, pi and AC1 share."""

from __future__ import annotations

import numpy as np

from goldloop.agreement.counts import FloatArray


def chance_corrected(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """(observed - expected) / (1 - expected), elementwise; NaN where chance alone gives 1.

    1 is perfect agreement, 0 what chance gives, below 0 less than chance.
    """
    # A sum of squared shares of a single option can miss 1 by a rounding error.
    room = np.where(expected < 1.0 - 1e-12, 1.0 - expected, 0.0)
    return 1.0 - ratio(1.0 - observed, room)


def ratio(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """Observed by expected disagreement, elementwise; NaN where none is expected."""
    undefined = np.full(np.shape(expected), np.nan)
    quotient: FloatArray = np.divide(observed, expected, out=undefined, where=expected > 0)
    return quotient
