"""Generation towards weakness: more samples where the agent fails often, or nobody knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from goldloop.errors import SettingsError
from goldloop.synthesis.task import Axes

# A slice that nobody worries about still gets this share of what the weakest gets.
FLOOR = 0.25


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a slice: the share of right answers, in [0, 1], and half the width of its
    interval; None where there is no estimate. `labels` is what it rests on.
    """

    value: float | None
    half_width: float | None
    labels: int


def focused(axes: Axes, known: Mapping[str, Mapping[str, Known]]) -> dict[str, dict[str, float]]:
    """The weights of the axes, turned towards weakness on those axes of which slices are known.

    A slice's need is s = (1 - value) + 2 half_width: its failures and how wide its interval is,
    each in [0, 1]. One without a label or an estimate has the widest, 1, and fails as often as the
    known slices of its axis do on average (half the time where none is known). A value's weight
    becomes w (FLOOR + (1 - FLOOR) s / max s): the weakest keeps its own, and none falls below a
    quarter of it. Where no slice needs anything, weights stay as they are.

    Raises SettingsError for an estimate that is no number in range.

    >>> axes = {"difficulty": {"easy": 1.0, "hard": 1.0}}
    >>> sure, weak = Known(1.0, 0.0, 400), Known(0.6, 0.1, 60)
    >>> focused(axes, {"difficulty": {"easy": sure, "hard": weak}})
    {'difficulty': {'easy': 0.25, 'hard': 1.0}}
    """
    return {
        axis: _turned(weights, known[axis]) if axis in known else dict(weights)
        for axis, weights in axes.items()
    }


def _turned(weights: Mapping[str, float], known: Mapping[str, Known]) -> dict[str, float]:
    failures = [1 - slice_.value for slice_ in known.values() if slice_.value is not None]
    typical = sum(failures) / len(failures) if failures else 0.5
    needs = {value: _need(value, known.get(value), typical) for value in weights}
    most = max(needs.values(), default=0.0)
    if most <= 0:
        return dict(weights)
    return {
        value: weight * (FLOOR + (1 - FLOOR) * needs[value] / most)
        for value, weight in weights.items()
    }


def _need(name: str, known: Known | None, typical: float) -> float:
    if known is None or known.labels < 1 or known.value is None or known.half_width is None:
        return typical + 1.0
    for number in (known.value, known.half_width):
        if not math.isfinite(number) or not 0 <= number <= 1:
            raise SettingsError(f"the estimate of {name[:80]!r} must be from 0 to 1, not {number}")
    return (1 - known.value) + min(1.0, 2 * known.half_width)
