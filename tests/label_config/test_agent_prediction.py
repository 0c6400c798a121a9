from __future__ import annotations

import math

import pytest

from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction
from label_config.named import named_interface

SAMPLE = Sample("s", "question")


@pytest.mark.parametrize(
    ("confidence", "score"),
    [
        (None, 0.5),
        (0.0, 0.0),
        (0.25, 0.25),
        (1.0, 1.0),
        (-0.1, 0.0),
        (1.5, 1.0),
        (math.nan, 0.5),
        (math.inf, 0.5),
    ],
)
def test_the_score_is_a_finite_number_from_0_to_1(
    confidence: float | None, score: float, tmp_path: object
) -> None:
    run = Run("s", "v1", response="x", confidence=confidence)
    found = agent_prediction(named_interface("agent_review", tmp_path), (), SAMPLE, run)  # type: ignore[arg-type]
    assert found["score"] == score


@pytest.mark.parametrize(("given", "said"), [(None, "v1"), ("v1+calibrated.2", "v1+calibrated.2")])
def test_the_model_version_is_the_agent_version_unless_another_is_given(
    given: str | None, said: str, tmp_path: object
) -> None:
    interface = named_interface("agent_review", tmp_path)  # type: ignore[arg-type]
    found = agent_prediction(interface, (), SAMPLE, Run("s", "v1", response="x"), given)
    assert found["model_version"] == said
