"""process: what a run's trajectory looks like, whatever it says of itself."""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from goldloop.canonical import canonical_json
from goldloop.samples import Message, ToolCall

_ERROR = re.compile(
    r"""[\s"'*(<]{0,5}(?:\w{1,60}(?:error|exception)(?=\s*(?:[:!(]|$))|"""
    r"""(?:error|exception|failed|failure)\b(?!\s*[:=]\s*(?:0|none|null|false)\b)|"""
    r"""traceback \(most recent call last\))"""
)
_EMPTY = frozenset({"", "[]", "{}", "null", "none", '""', "''", "[[]]", "nan"})
# Only a result that holds one of these is worth parsing.
_ERROR_KEYS = ('"error"', '"errors"', '"is_error"', '"iserror"', '"status"')
_PARSED = 20_000
_UNPARSED = "__unparsed__"


@dataclass(frozen=True, slots=True)
class ProcessFeatures:
    """What can be counted in a trajectory.

    `steps` are the agent's own turns. `tool_errors` are the calls that came back with an error, or
    whose arguments are no JSON object. A call with the name and arguments of an earlier one is a
    retry where that one's last answer was an error, and else a repeated call. `empty_results` are
    the calls that came back with nothing. `step_limit` says that the agent was stopped.
    """

    steps: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    retries: int = 0
    repeated_calls: int = 0
    empty_results: int = 0
    step_limit: bool = False

    @property
    def tells(self) -> bool:
        """Whether there is a trajectory to speak of: one turn without a call shows nothing."""
        return self.tool_calls > 0 or self.steps > 1 or self.step_limit


def process_features(turns: Sequence[Message], stop_reason: str | None = None) -> ProcessFeatures:
    """The features of an agent's own turns, tools' answers among them; see `samples.own_turns`.

    Answers belong to calls by `tool_call_id`, and by their order where they carry none. A result
    counts as an error where its text begins with a word for one (error, exception, traceback), or
    where it is a JSON object with a true-ish `error`, or a `status` of error or failed.
    """
    failed_last: dict[bytes, bool] = {}
    errors = retries = repeated = empty = calls = 0
    for call, result in _answered(turns):
        form = canonical_json([call.name, call.arguments])
        failed = _failed(call, result)
        retries += failed_last.get(form, False)
        repeated += not failed_last.get(form, True)
        empty += result is not None and not failed and result.strip().casefold() in _EMPTY
        errors += failed
        calls += 1
        failed_last[form] = failed
    return ProcessFeatures(
        steps=sum(turn.role == "assistant" for turn in turns),
        tool_calls=calls,
        tool_errors=errors,
        retries=retries,
        repeated_calls=repeated,
        empty_results=empty,
        step_limit=stop_reason == "step_limit",
    )


def failed_calls(turns: Sequence[Message]) -> list[bool]:
    """For every call of the turns, in order, whether it is one of the `tool_errors`."""
    return [_failed(call, result) for call, result in _answered(turns)]


def process_confidence(features: ProcessFeatures) -> float:
    """A confidence in (0, 1) from the trajectory alone; every feature can only lower it.

        1 / (1 + exp(-(2 - 0.5 ln(steps) - ln(1 + tool_errors) - ln(1 + retries)
                       - ln(1 + repeated_calls) - 0.5 ln(1 + empty_results) - 3 step_limit)))

    So 0.88 for one clean step, 0.72 for eight, 0.57 for eight with one tool error, 0.27 for one
    step that was the last allowed. A prior that was set by hand, to rank and not to be believed:
    the kinds of features are those that tell most of an agent's trajectory in HTC (arXiv
    2601.15778) and TRACER (arXiv 2602.11409); logarithms, since the tenth repetition says less
    than the first. Calibration learns what it is worth.

    >>> round(process_confidence(ProcessFeatures(steps=1)), 2)
    0.88
    >>> round(process_confidence(ProcessFeatures(steps=8, tool_errors=1)), 2)
    0.57
    """
    linear = (
        2.0
        - 0.5 * math.log(max(features.steps, 1))
        - math.log1p(features.tool_errors)
        - math.log1p(features.retries)
        - math.log1p(features.repeated_calls)
        - 0.5 * math.log1p(features.empty_results)
        - 3.0 * features.step_limit
    )
    return 1 / (1 + math.exp(-linear))


def process_estimate(turns: Sequence[Message], stop_reason: str | None = None) -> float | None:
    """The confidence that an agent's own turns give ground for; None for a single turn without a
    call, which shows nothing: a constant would water the other estimates down.
    """
    features = process_features(turns, stop_reason)
    return process_confidence(features) if features.tells else None


def _failed(call: ToolCall, result: str | None) -> bool:
    return set(call.arguments) == {_UNPARSED} or (result is not None and _is_error(result))


def _answered(turns: Sequence[Message]) -> Iterator[tuple[ToolCall, str | None]]:
    """Every call in order with what came back; None where nothing did."""
    calls: list[ToolCall] = []
    results: dict[int, str] = {}
    named: dict[str, int] = {}
    unnamed: deque[int] = deque()
    for turn in turns:
        for call in turn.tool_calls:
            if call.call_id is None:
                unnamed.append(len(calls))
            else:
                named[call.call_id] = len(calls)
            calls.append(call)
        if turn.role == "tool":
            place = _asked_by(turn.tool_call_id, named, unnamed)
            if place is not None:
                results[place] = turn.content or ""
    return ((call, results.get(place)) for place, call in enumerate(calls))


def _asked_by(call_id: str | None, named: dict[str, int], unnamed: deque[int]) -> int | None:
    """The waiting call that a tool's turn answers; it waits no longer."""
    if call_id in named:
        return named.pop(call_id)
    if unnamed:
        return unnamed.popleft()
    if call_id is None and named:
        return named.pop(next(iter(named)))
    return None


def _is_error(result: str) -> bool:
    if _ERROR.match(result[:200].casefold()):
        return True
    lowered = result[:_PARSED].casefold()
    if len(result) > _PARSED or not any(key in lowered for key in _ERROR_KEYS):
        return False
    try:
        value = json.loads(lowered)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and _says_error(value)


def _says_error(value: dict[str, object]) -> bool:
    named = any(value.get(key) for key in ("error", "errors", "is_error", "iserror"))
    return named or value.get("status") in ("error", "failed", "failure")
