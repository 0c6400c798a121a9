"""The agent's run on a sample as the prediction that annotators find in their task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goldloop.samples import Run, Sample
from goldloop.selection import UNKNOWN_CONFIDENCE
from label_config.interface import Interface
from label_config.predictions import check_prediction, prediction, prefill


def agent_prediction(
    interface: Interface, names: Sequence[str], sample: Sample, run: Run
) -> dict[str, Any]:
    """{"result", "score", "model_version"}: the fields of `names` pre-filled, and the confidence.

    The score is never null, because Label Studio's queue would serve such a task before all others.
    Raises PredictionError when it does not fit the interface.
    """
    score = UNKNOWN_CONFIDENCE if run.confidence is None else run.confidence
    made = prediction(interface, prefill(interface, sample, run, names), score, run.agent_version)
    check_prediction(interface, made["result"], made["score"])
    return made
