"""A case and what the agent did on it, as a judge reads them: data, and bounded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agents.case_text import cut_text, question_about, shown_turns
from agents.texts import clean_text
from goldloop.samples import Message, Run, Sample, ToolCall, asked_turns, own_turns

MAX_CALLS = 50


def judge_question(
    task: str, rules: Mapping[str, Any], case: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The two messages of a question: the task with its rules, and the case as JSON.

    The rules come from whoever wrote the graders, so they stand with the task; JSON keeps them in
    their place too.
    """
    told = clean_text(json.dumps(rules, ensure_ascii=False))
    return question_about(f"{task} {told} The case is in the next message.", case)


def asked_of(sample: Sample) -> dict[str, Any]:
    """What the agent was asked."""
    return {"conversation": shown_turns(asked_turns(sample))}


def expected_of(sample: Sample, *, calls: bool) -> dict[str, Any]:
    """What the case expects, as far as it says."""
    expected: dict[str, Any] = {}
    if sample.expected_response is not None:
        expected["expected_response"] = cut_text(sample.expected_response)
    if calls and sample.expected_tool_calls is not None:
        expected["expected_tool_calls"] = shown_calls(sample.expected_tool_calls)
    return expected


def done_by(sample: Sample, run: Run) -> dict[str, Any]:
    """What the agent did on the way: its turns, or where there are none, its calls."""
    turns = own_turns(sample, run.messages)
    if turns:
        return {"agent_trace": shown_turns(turns)}
    return {"agent_tool_calls": shown_calls(run.tool_calls)}


def shown_calls(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """The calls in chat form, the first 50 of them."""
    turn = shown_turns((Message("assistant", None, tuple(calls[:MAX_CALLS])),))[0]
    shown = [call["function"] for call in turn.get("tool_calls", ())]
    omitted = len(calls) - len(shown)
    return [*shown, {"omitted_calls": omitted}] if omitted else shown


def answer_of(run: Run) -> str | None:
    """What the agent said last, cut; None where it said nothing."""
    return None if run.response is None else cut_text(run.response)
