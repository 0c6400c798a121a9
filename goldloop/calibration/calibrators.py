"""Calibrators: from an estimator's score to the probability that the agent was right."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goldloop.errors import RecordError

Floats: TypeAlias = NDArray[np.float64]

# A score of exactly 0 or 1 has no logit. What an agent says is surer than this counts as this.
SURE = 0.001
# No calibrated score is nearer to 0 or 1, so that it is finite wherever it goes.
MARGIN = 1e-6


@dataclass(frozen=True, slots=True)
class Platt:
    """p = 1 / (1 + exp(-(intercept + slope · logit(score)))), with the score kept within
    `SURE` of 0 and 1. The slope is above 0: who is surer stays surer.

    Source: Platt, Advances in Large Margin Classifiers (1999), 61-74; on the logit of a
    probability instead of a margin.
    """

    kind: ClassVar[str] = "platt"
    slope: float
    intercept: float

    def apply(self, scores: ArrayLike) -> Floats:
        """Calibrated scores, of the shape that was given; NaN stays NaN.

        >>> Platt(1.0, 0.0).apply([0.0, 0.25, 1.0]).round(3)
        array([0.001, 0.25 , 0.999])
        """
        linear = self.intercept + self.slope * logit(scores)
        # 2 to the power of more than 1023 is no float any more.
        return _inside(1.0 / (1.0 + np.exp(-np.clip(linear, -700.0, 700.0))))

    def parameters(self) -> dict[str, Any]:
        """As plain values."""
        return {"slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Straight lines between points (score, probability), both never falling; level outside."""

    kind: ClassVar[str] = "isotonic"
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def apply(self, scores: ArrayLike) -> Floats:
        """Calibrated scores, of the shape that was given; NaN stays NaN.

        >>> Isotonic((0.2, 0.6), (0.1, 0.5)).apply([0.0, 0.4, 0.9]).round(3)
        array([0.1, 0.3, 0.5])
        """
        given = np.asarray(scores, dtype=np.float64)
        found = np.interp(given, self.scores, self.probabilities)
        # Of one point alone, numpy makes a level line that covers NaN, too.
        return _inside(np.where(np.isnan(given), np.nan, found))

    def parameters(self) -> dict[str, Any]:
        """As plain values."""
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}


Calibrator: TypeAlias = Platt | Isotonic


def logit(scores: ArrayLike) -> Floats:
    """log(s / (1 - s)) of scores in [0, 1], kept within `SURE` of 0 and 1.

    >>> logit([0.5, 0.75]).round(3)
    array([0.   , 1.099])
    """
    given = np.clip(np.asarray(scores, dtype=np.float64), SURE, 1.0 - SURE)
    return np.asarray(np.log(given / (1.0 - given)), dtype=np.float64)


def read_calibrator(kind: str, parameters: Mapping[str, Any]) -> Calibrator:
    """The calibrator that was kept as a kind and plain values; RecordError for what is none."""
    readers: dict[str, Callable[[Mapping[str, Any]], Calibrator]] = {
        Platt.kind: _read_platt,
        Isotonic.kind: _read_isotonic,
    }
    try:
        return readers[kind](parameters)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(
            f"a calibrator of kind {kind!r} cannot be read ({error}); fit a new one with: "
            "goldloop calibrate"
        ) from error


def _read_platt(parameters: Mapping[str, Any]) -> Platt:
    slope, intercept = _numbers([parameters["slope"], parameters["intercept"]])
    if slope <= 0:
        raise ValueError("its slope is not above 0")
    return Platt(slope, intercept)


def _read_isotonic(parameters: Mapping[str, Any]) -> Isotonic:
    scores = _numbers(parameters["scores"])
    probabilities = _numbers(parameters["probabilities"])
    if not 0 < len(scores) == len(probabilities):
        raise ValueError("it needs as many probabilities as scores")
    if any(np.diff(scores) < 0) or any(np.diff(probabilities) < 0):
        raise ValueError("it falls")
    return Isotonic(scores, probabilities)


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if not all(map(math.isfinite, found)):
        raise ValueError("a parameter is no finite number")
    return found


def _inside(probabilities: Floats) -> Floats:
    return np.clip(probabilities, MARGIN, 1.0 - MARGIN)
