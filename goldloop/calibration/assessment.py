"""Assessment: a calibrator with what can honestly be said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from goldloop.calibration.calibrators import Calibrator
from goldloop.calibration.fit import NoCalibrator, fit
from goldloop.calibration.labels import LabelledScores
from goldloop.calibration.out_of_fold import out_of_fold
from goldloop.calibration.reliability import Reliability, reliability
from goldloop.canonical import canonical_json

# A change of how calibrators are fitted makes new ones of the same labels.
FIT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Assessment:
    """A calibrator, fitted on all labels, and the scores' reliability before and after.

    `after` is out of fold: no label was seen by the calibrator that it judges. `worth` is how many
    labels of equal weight would say as much.
    """

    calibrator: Calibrator
    labels: int
    correct: int
    worth: float
    before: Reliability
    after: Reliability


def assess(labels: LabelledScores, seed: int) -> Assessment | NoCalibrator:
    """Fit a calibrator and say how good it is, or why there is none.

    `seed` is for the bootstrap and the simulation in the reliability; the calibrator does not
    depend on it.
    """
    found = fit(labels)
    if isinstance(found, NoCalibrator):
        return found
    return Assessment(
        calibrator=found,
        labels=len(labels),
        correct=int(labels.correct.sum()),
        worth=labels.worth,
        before=_reliability(labels, labels.scores, seed),
        after=_reliability(labels, out_of_fold(labels), seed),
    )


def _reliability(labels: LabelledScores, scores: Any, seed: int) -> Reliability:
    return reliability(scores, labels.correct, labels.weights, labels.groups, seed)


def fingerprint(ids: Sequence[str], labels: LabelledScores) -> str:
    """SHA-256 over what a calibrator is fitted on; `ids` has one for each label, in its order.

    The order of the labels does not change it.
    """
    rows = zip(
        ids,
        labels.scores.tolist(),
        labels.correct.tolist(),
        labels.weights.round(9).tolist(),
        labels.groups.tolist(),
        strict=True,
    )
    return hashlib.sha256(canonical_json([FIT_VERSION, sorted(rows)])).hexdigest()
