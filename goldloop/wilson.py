"""Wilson's score interval, of which every interval of a share here is made."""

from __future__ import annotations

from math import sqrt


def score_interval(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval for a number of trials that need not be whole, within [0, 1].

    (p + q²/2n ± q sqrt(p(1-p)/n + q²/4n²)) / (1 + q²/n). Source: Wilson, Journal of the American
    Statistical Association 22 (1927). With trials = share (1 - share) / variance it stands for any
    estimate of a share, and stays right near 0 and 1, where share ± quantile * standard error does
    not; Student's t as the quantile makes up for a variance that is itself an estimate. Without a
    trial, 0 to 1.

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
