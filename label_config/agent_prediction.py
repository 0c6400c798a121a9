"""The agent's run on a sample as the prediction that annotators find in their task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goldloop.samples import Run, Sample
from goldloop.selection import UNKNOWN_CONFIDENCE
from label_config.interface import Interface
from label_config.predictions import EXPECTED_RESPONSE, prediction, prefill


def agent_prediction(
    interface: Interface, names: Sequence[str], sample: Sample, run: Run
) -> dict[str, Any]:
    """{"result", "score", "model_version"}: the fields of `names` pre-filled, and the confidence.

    Without names, `expected_response` is pre-filled where the interface asks for it.
    The score is never null, because Label Studio's queue would serve such a task before all others.
    Raises PredictionError when it does not fit the interface, and InterfaceError for a name that is
    not among its questions.
    """
    usual = EXPECTED_RESPONSE if interface.field(EXPECTED_RESPONSE) else None
    wanted = names or ([usual] if usual else [])
    score = UNKNOWN_CONFIDENCE if run.confidence is None else run.confidence
    return prediction(interface, prefill(interface, sample, run, wanted), score, run.agent_version)


def empty_prediction(model_version: str) -> dict[str, Any]:
    """What stands where there is no answer: nothing pre-filled, and the score of the unknown, so
    that the task is neither first nor last in the queue.
    """
    return {"result": [], "score": UNKNOWN_CONFIDENCE, "model_version": model_version}
