"""Cases that belong together: sums over clusters, and what clustering does to a variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def cluster_codes(clusters: Sequence[str | None]) -> Integers | None:
    """The cluster of each case as a number from 0, shape (cases,); None where no two share one.

    A case without a cluster is one of its own.

    >>> cluster_codes(["a", None, "a", None])
    array([0, 1, 0, 2])
    >>> cluster_codes(["a", None, "b"]) is None
    True
    """
    seen: dict[tuple[str | None, int], int] = {}
    keys = [(name, -1 if name is not None else at) for at, name in enumerate(clusters)]
    codes = np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)
    return codes if len(seen) < len(keys) else None


def cluster_sums(values: Floats, clusters: Integers | None) -> Floats:
    """The sum of each cluster's values, shape (clusters,); the values where each is its own."""
    if clusters is None:
        return values
    return np.bincount(clusters, weights=values).astype(np.float64)


def mean_variance(values: Floats, clusters: Integers | None) -> float | None:
    """The variance of the mean of values that hang together within clusters; None for one cluster.

    C / (C - 1) times the sum over clusters of (the sum of their deviations from the mean)², by n².
    With each case its own cluster it is s² / n. Source: Miller, arXiv 2411.00640 (2024), with the
    correction for few clusters.

    >>> mean_variance(np.array([0.0, 1.0, 0.0, 1.0]), None) == 1 / 3 / 4
    True
    >>> mean_variance(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1]))
    0.25
    """
    sums = cluster_sums(values - values.mean(), clusters)
    if len(sums) < 2:
        return None
    return float(sums @ sums) * len(sums) / (len(sums) - 1) / len(values) ** 2
