"""Calibration: what a confidence is worth, learned from the labels of people.

An agent's confidence is a score: it may rank well and still promise too much. A calibrator maps
the scores of one agent version and one method to the probability that people call the run correct.
"""

from goldloop.calibration.assessment import Assessment, assess, fingerprint
from goldloop.calibration.calibrators import Calibrator, Isotonic, Platt, logit, read_calibrator
from goldloop.calibration.fit import NoCalibrator, fit, fit_isotonic, fit_platt, too_few
from goldloop.calibration.labels import (
    LabelledScores,
    labelled_scores,
    stratum_weights,
    trimmed,
    worth,
)
from goldloop.calibration.out_of_fold import folds, out_of_fold
from goldloop.calibration.reliability import Bin, Reliability, bins, reliability

__all__ = [
    "Assessment",
    "Bin",
    "Calibrator",
    "Isotonic",
    "LabelledScores",
    "NoCalibrator",
    "Platt",
    "Reliability",
    "assess",
    "bins",
    "fingerprint",
    "fit",
    "fit_isotonic",
    "fit_platt",
    "folds",
    "labelled_scores",
    "logit",
    "out_of_fold",
    "read_calibrator",
    "reliability",
    "stratum_weights",
    "too_few",
    "trimmed",
    "worth",
]
