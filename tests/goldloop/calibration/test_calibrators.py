from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.calibration import Calibrator, Isotonic, Platt, read_calibrator
from goldloop.errors import RecordError

CALIBRATORS = [
    Platt(0.5, -0.3),
    Platt(500.0, 500.0),
    Platt(1e-9, -800.0),
    Isotonic((0.1, 0.5, 0.9), (0.0, 0.4, 1.0)),
    Isotonic((0.5,), (0.25,)),
]


@pytest.mark.parametrize("calibrator", CALIBRATORS)
@given(st.floats(0, 1))
def test_a_calibrated_score_is_finite_and_strictly_between_0_and_1(
    calibrator: Calibrator, score: float
) -> None:
    found = float(calibrator.apply(score))
    assert 0 < found < 1


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_who_is_surer_never_becomes_less_sure(calibrator: Calibrator) -> None:
    found = calibrator.apply(np.linspace(0, 1, 501))
    assert (np.diff(found) >= 0).all()


def test_platt_is_the_logistic_curve_of_the_logit() -> None:
    # logit(0.8) = log 4; 1 + 0.5 log 4 = 1.6931
    assert float(Platt(0.5, 1.0).apply(0.8)) == pytest.approx(1 / (1 + math.exp(-1.693147)))


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_a_calibrator_survives_json(calibrator: Calibrator) -> None:
    kept = json.loads(json.dumps(calibrator.parameters()))
    assert read_calibrator(calibrator.kind, kept) == calibrator


def test_a_missing_score_stays_missing() -> None:
    assert all(np.isnan(one.apply([math.nan])).all() for one in CALIBRATORS)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("pickle", {"slope": 1, "intercept": 0}),
        ("platt", {"slope": 1}),
        ("platt", {"slope": -1, "intercept": 0}),
        ("platt", {"slope": "steep", "intercept": 0}),
        ("platt", {"slope": math.nan, "intercept": 0}),
        ("platt", {"slope": None, "intercept": 0}),
        ("isotonic", {"scores": [], "probabilities": []}),
        ("isotonic", {"scores": [0.1], "probabilities": [0.1, 0.2]}),
        ("isotonic", {"scores": [0.1, 0.2], "probabilities": [0.5, 0.4]}),
        ("isotonic", {"scores": [0.2, 0.1], "probabilities": [0.4, 0.5]}),
    ],
)
def test_what_is_no_calibrator_is_refused_with_what_to_do(kind: str, parameters: Any) -> None:
    with pytest.raises(RecordError, match="goldloop calibrate"):
        read_calibrator(kind, parameters)
