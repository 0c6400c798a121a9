"""The exact test of paired differences: what turning their signs by chance would give."""

from __future__ import annotations

import numpy as np

from goldloop.distributions import bdtr
from goldloop.evaluation.clusters import Floats

MOST_FLIPPED = 16
_CLOSE = 1e-9


def sign_flip_p(sums: Floats) -> float | None:
    """How likely chance alone gives a total this low, one-sided, with the mid-p correction.

    `sums` are the differences of independent pairs or clusters, shape (clusters,); those of 0 say
    nothing. If nothing changed, each was as likely to have the other sign. Half the chance of the
    very total counts, without which the test of so few values blocks far less than it is allowed
    to. For pairs of 0 and 1 it is McNemar's mid-p test. None where more than 16 differ, and not all
    by as much: then the sums are many enough for a t test. Source: Fagerland, Lydersen and Laake,
    BMC Medical Research Methodology 13:91 (2013).

    >>> sign_flip_p(np.array([-1.0, -1.0, -1.0, 0.0]))
    0.0625
    """
    sizes = np.abs(sums[np.abs(sums) > _CLOSE])
    total = float(sums.sum())
    if not len(sizes):
        return 0.5
    if np.ptp(sizes) <= _CLOSE:
        return _equal(len(sizes), round((total / float(sizes[0]) + len(sizes)) / 2))
    return _enumerated(sizes, total) if len(sizes) <= MOST_FLIPPED else None


def _equal(pairs: int, better: int) -> float:
    """All differ by as much: the count of those that got better is binomial."""
    below = float(bdtr(better - 1, pairs, 0.5)) if better else 0.0
    return (below + float(bdtr(better, pairs, 0.5))) / 2


def _enumerated(sizes: Floats, total: float) -> float:
    totals = np.zeros(1)
    for size in sizes:
        totals = np.concatenate([totals - size, totals + size])
    below = (totals < total - _CLOSE).mean()
    return float(below + (totals <= total + _CLOSE).mean()) / 2
