"""95% intervals of a mean between 0 and 1 whose variance was estimated from a sample."""

from __future__ import annotations

LEVEL = 0.95


def t_quantile(degrees_of_freedom: float) -> float:
    """How many standard errors to either side make 95%, by Student's t.

    >>> round(t_quantile(10), 3)
    2.228
    """
    # Here: scipy takes longer to import than most commands take to run.
    from scipy.special import stdtrit

    return float(stdtrit(max(degrees_of_freedom, 1.0), (1.0 + LEVEL) / 2.0))


def effective_labels(spread: float, variance: float, pool: int) -> float:
    """How many labels of a simple random sample of the pool would have this variance.

    From variance = spread (1/n - 1/N) with the outcomes' variance `spread`: all N when the variance
    is 0. `spread` must be above 0.

    >>> round(effective_labels(0.16, 0.16 * (1 / 500 - 1 / 10_000), 10_000))
    500
    """
    return 1.0 / (variance / spread + 1.0 / pool)
