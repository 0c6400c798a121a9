"""Distribution functions of scipy.special under their names there, loaded by the first call: scipy
takes longer to import than most commands take to run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bdtr(successes: float, trials: int, probability: float) -> float:
    """The probability of at most so many successes among independent trials.

    >>> bdtr(1, 2, 0.5)
    0.75
    """
    from scipy import special

    return float(special.bdtr(successes, trials, probability))


def ndtr(value: float) -> float:
    """The probability that a standard normal variable is at most `value`.

    >>> ndtr(0.0)
    0.5
    """
    from scipy import special

    return float(special.ndtr(value))


def ndtri(probability: float) -> float:
    """The quantile of the standard normal distribution.

    >>> round(ndtri(0.975), 3)
    1.96
    """
    from scipy import special

    return float(special.ndtri(probability))


def stdtr(degrees_of_freedom: float, value: float) -> float:
    """The probability that Student's t is at most `value`.

    >>> stdtr(3, 0.0)
    0.5
    """
    from scipy import special

    return float(special.stdtr(degrees_of_freedom, value))


def stdtrit(degrees_of_freedom: float, probabilities: ArrayLike) -> NDArray[np.float64]:
    """The quantiles of Student's t, one for each probability.

    >>> stdtrit(10, [0.5, 0.975]).round(3).tolist()
    [0.0, 2.228]
    """
    from scipy import special

    wanted = np.asarray(probabilities, dtype=np.float64)
    return np.asarray(special.stdtrit(degrees_of_freedom, wanted))
