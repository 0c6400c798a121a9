"""What the agent's confidence is worth: each calibrator's report as a plot and as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.dashboard.plots import Numbers, Plot
from store.calibrators import StoredCalibrator, calibrators_in_use
from store.database import Store

SERIES = {"before": "as the agent says it", "after": "calibrated (out of fold)"}


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrator in use: its report as `goldloop calibrate` gives it, the two sides of it by how
    they are called, and the plot.
    """

    made: StoredCalibrator
    sides: Mapping[str, Mapping[str, Any]]
    plot: Plot


def calibrations(db: Store, agent_version: str) -> list[Calibration]:
    """The calibrators in use for a version, by the method that gave the confidence."""
    found = calibrators_in_use(db, agent_version)
    return [_calibration(found[method]) for method in sorted(found)]


def _calibration(made: StoredCalibrator) -> Calibration:
    sides = {name: made.report[key] for key, name in SERIES.items()}
    return Calibration(made, sides, _plot(sides))


def _plot(sides: Mapping[str, Mapping[str, Any]]) -> Plot:
    """Every bin of each side at its mean score: the share that people found correct."""
    x = sorted({one["mean_score"] for side in sides.values() for one in side["bins"]})

    def column(bins: Sequence[Mapping[str, float]], key: str) -> Numbers:
        at = {one["mean_score"]: one[key] for one in bins}
        return [at.get(place) for place in x]

    return Plot(
        "points",
        "confidence (mean of a bin)",
        "share right",
        x,
        {name: column(side["bins"], "share_correct") for name, side in sides.items()},
        bands={
            name: (column(side["bins"], "low"), column(side["bins"], "high"))
            for name, side in sides.items()
        },
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=True,
    )
