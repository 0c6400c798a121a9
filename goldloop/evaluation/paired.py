"""The paired comparison: how much the candidate differs from the baseline on the same cases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from goldloop.distributions import stdtr, stdtrit
from goldloop.evaluation.clusters import Floats, Integers, cluster_sums, mean_variance
from goldloop.evaluation.sign_flips import sign_flip_p

SIGN_FLIPS, CLUSTERED_T = "sign flips", "clustered t"
LEVEL = 0.95
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Paired:
    """The means of both over `pairs` cases in `clusters`, and their difference.

    `change` is candidate - baseline: below 0 is worse. `low` and `high` are its 95% interval,
    `lower` its one-sided limit at the gate's alpha. `p` is how likely chance alone gives a change
    this low (one-sided), by `test`. `worse` and `better` pairs differ. `standard_error` is None
    with fewer than two clusters.
    """

    pairs: int
    clusters: int
    baseline: float
    candidate: float
    change: float
    standard_error: float | None
    low: float
    high: float
    lower: float
    p: float
    test: str
    worse: int
    better: int

    @property
    def drop(self) -> float:
        """How much worse the candidate is; below 0 where it is better."""
        return -self.change

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"drop": self.drop}


def paired(
    baseline: ArrayLike,
    candidate: ArrayLike,
    clusters: Integers | None = None,
    *,
    alpha: float = 0.05,
    runs: int = 1,
) -> Paired:
    """Compare what both came to on the same cases, shape (cases,), each in [0, 1], one at least.

    A value is the mean of `runs` runs of the case. `clusters` number the cases that hang together
    (see `cluster_codes`); None where none do. The test is the exact one of `sign_flip_p` where few
    clusters differ or all do by as much, else Student's t on the clustered standard error with
    clusters - 1 degrees of freedom. In simulations (`bench gate`) that blocks an unchanged agent as
    often as it says, where t alone does too often with few flips.

    >>> found = paired([1, 1, 1, 1, 0, 1], [0, 0, 0, 1, 0, 1])
    >>> found.change, found.p, found.test
    (-0.5, 0.0625, 'sign flips')
    """
    before = np.asarray(baseline, dtype=np.float64)
    after = np.asarray(candidate, dtype=np.float64)
    change = after - before
    sums = cluster_sums(change, clusters)
    variance = mean_variance(change, clusters)
    p, test = _p(change, sums, variance)
    low, high, lower = _limits(change, clusters, len(sums), runs, alpha)
    return Paired(
        pairs=len(change),
        clusters=len(sums),
        baseline=float(before.mean()),
        candidate=float(after.mean()),
        change=float(change.mean()),
        standard_error=None if variance is None else variance**0.5,
        low=low,
        high=high,
        lower=lower,
        p=p,
        test=test,
        worse=int((change < -_CLOSE).sum()),
        better=int((change > _CLOSE).sum()),
    )


def _p(change: Floats, sums: Floats, variance: float | None) -> tuple[float, str]:
    exact = sign_flip_p(sums)
    if exact is not None or not variance:
        return (0.5 if exact is None else exact), SIGN_FLIPS
    return float(stdtr(len(sums) - 1, float(change.mean()) / variance**0.5)), CLUSTERED_T


def adjusted_change(change: Floats, clusters: Integers | None, runs: int) -> tuple[float, float]:
    """The mean change and its variance with two pairs more, one that got worse and one better.

    Without them, runs that never differ would promise a limit without any doubt. A pair is a mean
    of `runs` runs, and so it counts a run's share of the variance. Source: Bonett and Price,
    Statistics in Medicine 31 (2012), here for clusters.

    >>> adjusted_change(np.zeros(98), None, 1)
    (0.0, 0.0002)
    """
    count = len(change) + 2
    mean = float(change.sum()) / count
    sums = cluster_sums(change - mean, clusters)
    factor = len(sums) / max(len(sums) - 1, 1)
    return mean, (factor * float(sums @ sums) + 2.0 / runs) / count**2


def _limits(
    change: Floats, clusters: Integers | None, groups: int, runs: int, alpha: float
) -> list[float]:
    """The 95% interval of the change and its lower limit at alpha, all within -1 and 1; without two
    clusters nothing is known.
    """
    if groups < 2:
        return [-1.0, 1.0, -1.0]
    mean, variance = adjusted_change(change, clusters, runs)
    quantiles = stdtrit(groups - 1, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0, alpha])
    limits: list[float] = np.clip(mean + quantiles * variance**0.5, -1.0, 1.0).tolist()
    return limits
