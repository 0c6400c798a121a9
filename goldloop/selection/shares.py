"""The shares of a batch."""

from __future__ import annotations

import math

from goldloop.errors import SettingsError


def split_batch(batch_size: int, uncertain_share: float) -> tuple[int, int]:
    """How many of a batch go by uncertainty and how many at random; halves round up.

    >>> split_batch(20, 0.7), split_batch(5, 0.7), split_batch(1, 0.7)
    ((14, 6), (4, 1), (1, 0))
    """
    by_uncertainty = math.floor(round(batch_size * uncertain_share, 9) + 0.5)
    return by_uncertainty, batch_size - by_uncertainty


def refuse_batch(batch_size: int, uncertain_share: float) -> None:
    """Raise SettingsError for a batch below 1, and for a share outside [0, 1]."""
    if batch_size < 1 or not 0.0 <= uncertain_share <= 1.0:
        raise SettingsError(
            f"a batch needs at least 1 sample and a share in [0, 1], not {batch_size} and "
            f"{uncertain_share}"
        )
