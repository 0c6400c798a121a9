"""Permanent random numbers: the one source of every random choice.

u = HMAC-SHA256(project secret, sample_id), its first 53 bits read as a fraction in [0, 1). It is
given once, when a sample enters the pool, so every draw can be repeated and checked, and samples
drawn in later rounds stay a random sample (Ohlsson 1995, "Coordination of samples using permanent
random numbers").
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
from numpy.typing import NDArray


def permanent_random_number(secret: bytes, sample_id: str) -> float:
    """A number in [0, 1), the same for ever for one secret and one sample.

    >>> round(permanent_random_number(b"secret", "a"), 5)
    0.25111
    """
    digest = hmac.new(secret, sample_id.encode(), hashlib.sha256).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2.0**53


def tie_break(prn: NDArray[np.float64]) -> NDArray[np.float64]:
    """A second number in [0, 1) for each permanent random number, for ordering ties.

    Made of its lower 27 bits, so that an item's place among equal scores says nothing of whether a
    random draw, which goes by the upper bits, would pick it.
    """
    return np.modf(prn * 2.0**26)[0]
