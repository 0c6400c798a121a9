"""python: a function of the project says how good a run is."""

from __future__ import annotations

import copy
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from agents.grading.asked import one_line
from agents.texts import short_text
from goldloop.errors import AgentError, RecordError, SettingsError
from goldloop.graders import Grade, Grader, grade_of
from goldloop.json_values import check_json, shown
from goldloop.messages import call_record, message_record
from goldloop.records import sample_record
from goldloop.samples import Run, Sample

Function = Callable[..., object]
MAX_DETAILS = 20_000
_EXPECTED = 'true or false, a number from 0 to 1, or {"score": one of these, "reason": text}'


def source_of(function: Function, target: str) -> str:
    """The SHA-256 of the module that is named and of the file that the function is written in,
    where that is another, so that a grader's version changes with its code.

    What these import does not count. Raises SettingsError when there is no such file.
    """
    module = sys.modules[target.partition(":")[0]]
    try:
        files = {str(inspect.getsourcefile(module)), _file_of(function) or ""} - {""}
        content = b"".join(Path(file).read_bytes() for file in sorted(files))
    except (TypeError, OSError) as error:
        raise SettingsError(
            f"grader target {target!r}: its source cannot be read ({error}); write it in a .py file"
        ) from None
    return sha256(content).hexdigest()


def _file_of(function: Function) -> str | None:
    """None for an object that is called, and for what is built in."""
    try:
        return inspect.getsourcefile(inspect.unwrap(function))
    except TypeError:
        return None


def grade_by_function(function: Function, grader: Grader, sample: Sample, run: Run) -> Grade:
    """What the function makes of the case and the run, which it gets as plain values of its own.

    Raises AgentError when it raises, or returns something else than a score.
    """
    target = grader.settings["target"]
    try:
        returned = function(*copy.deepcopy((sample_record(sample), run_record(run))))
    # It is somebody else's code: whatever it raises, or its exit, is the grader's failure.
    except (Exception, SystemExit) as error:
        raise AgentError(f"{target} raised {type(error).__name__}: {error}") from error
    try:
        score, reason, details = _read(returned)
    except RecordError as error:
        raise AgentError(f"{target} {error}") from error
    return grade_of(grader, score, reason or f"{target} gives {score:g}", details)


def run_record(run: Run) -> dict[str, Any]:
    """What the agent did, as a callable is given it."""
    return {
        "response": run.response,
        "tool_calls": [call_record(call) for call in run.tool_calls],
        "messages": [message_record(message) for message in run.messages],
        "seconds": run.seconds,
        "stop_reason": run.stop_reason,
    }


def _read(returned: object) -> tuple[float, str, dict[str, Any]]:
    if not isinstance(returned, Mapping):
        return _score(returned), "", {}
    if unknown := sorted(str(key) for key in returned.keys() - {"score", "reason", "details"}):
        raise RecordError(f"returned the unknown key {unknown[0][:40]!r}; expected {_EXPECTED}")
    details = returned.get("details") or {}
    if not isinstance(details, Mapping):
        raise RecordError("returned details that are no mapping")
    check_json(details, "details")
    if len(json.dumps(details, default=dict)) > MAX_DETAILS:
        raise RecordError(f"returned details of more than {MAX_DETAILS} characters")
    return _score(returned.get("score")), one_line(returned.get("reason")), dict(details)


def _score(value: object) -> float:
    """A number of numpy's counts as well."""
    number = value.item() if isinstance(value, np.generic) else value
    if not isinstance(number, bool | int | float):
        raise RecordError(f"returned {short_text(shown(value))}; expected {_EXPECTED}")
    if not 0 <= number <= 1:
        raise RecordError(f"returned the score {short_text(shown(number))}; expected 0 to 1")
    return float(number)
