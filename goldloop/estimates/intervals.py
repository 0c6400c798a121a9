"""95% intervals of a mean between 0 and 1 whose variance was estimated from a sample."""

from __future__ import annotations

from math import sqrt

from scipy.special import stdtrit

LEVEL = 0.95


def t_quantile(degrees_of_freedom: float) -> float:
    """How many standard errors to either side make 95%, by Student's t.

    >>> round(t_quantile(10), 3)
    2.228
    """
    return float(stdtrit(max(degrees_of_freedom, 1.0), (1.0 + LEVEL) / 2.0))


def score_interval(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval for a number of trials that need not be whole.

    With trials = share (1 - share) / variance it stands for any estimate of a share, and stays
    right near 0 and 1, where share ± quantile * standard error does not. Student's t as the
    quantile makes up for a variance that is itself an estimate. Without a trial, 0 to 1.

    >>> low, high = score_interval(0.8, 10, 1.959964)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    if trials <= 0.0:
        return 0.0, 1.0
    square = quantile * quantile
    scale = 1.0 + square / trials
    middle = (share + square / (2.0 * trials)) / scale
    spread = share * (1.0 - share) / trials + square / (4.0 * trials * trials)
    half = quantile * sqrt(spread) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def effective_labels(spread: float, variance: float, pool: int) -> float:
    """How many labels of a simple random sample of the pool would have this variance.

    From variance = spread (1/n - 1/N) with the outcomes' variance `spread`: all N when the variance
    is 0. `spread` must be above 0.

    >>> round(effective_labels(0.16, 0.16 * (1 / 500 - 1 / 10_000), 10_000))
    500
    """
    return 1.0 / (variance / spread + 1.0 / pool)
