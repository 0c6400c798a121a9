"""Intervals of a share, and of the difference of two, that hold for few answers and near 0 and 1.

Written out because the closed forms are short and scipy.stats takes a second to load.
"""

from __future__ import annotations

from math import hypot
from statistics import NormalDist

from goldloop.agreement import Interval
from goldloop.errors import RecordError, SettingsError
from goldloop.wilson import score_interval

LEVEL = 0.95


def wilson_interval(successes: float, trials: float, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a proportion, without continuity correction, within [0, 1].

    See `goldloop.wilson`. Raises RecordError without a trial and for successes that
    are not within 0 and `trials`, SettingsError for a level that is not between 0 and 1.

    >>> low, high = wilson_interval(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    if not 0 <= successes <= trials or trials < 1:
        raise RecordError(f"{successes} of {trials} is no share; expected 0 to n of n, n above 0")
    if not 0 < level < 1:
        raise SettingsError(f"level must be between 0 and 1, not {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    return Interval(*score_interval(successes / trials, trials, z))


def newcombe_interval(
    first: tuple[int, int], second: tuple[int, int], level: float = LEVEL
) -> Interval:
    """The interval of the first proportion minus the second; each is (successes, trials).

    Newcombe's method 10: the two Wilson intervals put together, for independent samples, within
    [-1, 1]. Source: Newcombe, Statistics in Medicine 17 (1998), 873-890. Raises as
    `wilson_interval`.

    >>> low, high = newcombe_interval((56, 70), (48, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    one, other = wilson_interval(*first, level), wilson_interval(*second, level)
    p, q = first[0] / first[1], second[0] / second[1]
    low = p - q - hypot(p - one.low, other.high - q)
    high = p - q + hypot(one.high - p, q - other.low)
    return Interval(max(-1.0, low), min(1.0, high))
