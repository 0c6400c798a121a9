"""The agent's run on a sample as the prediction that annotators find in their task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from goldloop.samples import Run, Sample
from goldloop.selection import UNKNOWN_CONFIDENCE
from label_config.interface import Interface
from label_config.predictions import EXPECTED_RESPONSE, prediction, prefill


def agent_prediction(
    interface: Interface,
    names: Sequence[str],
    sample: Sample,
    run: Run,
    model_version: str | None = None,
) -> dict[str, Any]:
    """{"result", "score", "model_version"}: the fields of `names` pre-filled, and the confidence.

    Without names, `expected_response` is pre-filled where the interface asks for it. Without a
    model version, it is the run's agent version. The score is in [0, 1] and never null, because
    Label Studio's queue would serve such a task before all others.
    Raises PredictionError when it does not fit the interface, and InterfaceError for a name that is
    not among its questions.
    """
    usual = EXPECTED_RESPONSE if interface.field(EXPECTED_RESPONSE) else None
    wanted = names or ([usual] if usual else [])
    answers = prefill(interface, sample, run, wanted)
    return prediction(interface, answers, _score(run), model_version or run.agent_version)


def _score(run: Run) -> float:
    known = run.confidence is not None and math.isfinite(run.confidence)
    return min(max(run.confidence or 0.0, 0.0), 1.0) if known else UNKNOWN_CONFIDENCE


def empty_prediction(model_version: str) -> dict[str, Any]:
    """What stands where there is no answer: nothing pre-filled, and the score of the unknown, so
    that the task is neither first nor last in the queue.
    """
    return {"result": [], "score": UNKNOWN_CONFIDENCE, "model_version": model_version}
