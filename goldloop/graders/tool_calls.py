"""Whether the agent called the tools that it should have called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from goldloop.confidence.process import failed_calls
from goldloop.graders.arguments import ABSENT, is_unparsed
from goldloop.graders.call_matching import Matching, Near, match_calls
from goldloop.graders.call_rules import CallRules, read
from goldloop.graders.grader import Grade, Grader, failed_grade, grade_of
from goldloop.graders.texts import cut, json_text
from goldloop.samples import Run, Sample, ToolCall, all_tool_calls, own_turns

__all__ = ["grade", "matching_score", "read"]

# Comparing takes the product of both; an agent that ends in a loop may have made any number.
MOST_EXPECTED, MOST_CALLS = 300, 1_000
_LISTED, _NAMED = 10, 3


def grade(grader: Grader, sample: Sample, run: Run) -> Grade:
    """How far the run's calls are the case's expected ones.

    Score and `details` ("expected", "called" and "matched" are counts; "missing", "extra" and
    "nearly" list at most ten calls each) are of the calls that count by `only_tools` and
    `ignore_tools`; with `ignore_failed`, a call that a tool refused is never one too many.
    """
    rules = CallRules.of(grader.settings)
    expected = sample.expected_tool_calls or ()
    if len(expected) > MOST_EXPECTED:
        said = f"the case expects {len(expected):,} calls; at most {MOST_EXPECTED} are compared"
        return failed_grade(grader, said)
    calls = _compared(rules, sample, run)
    if len(calls) > MOST_CALLS:
        reason = f"made {len(calls):,} calls; at most {MOST_CALLS:,} are compared"
        return grade_of(grader, 0.0, reason, {"called": len(calls)})
    matching = match_calls(rules, expected, calls)
    score = matching_score(rules, matching)
    return grade_of(grader, score, _reason(rules, matching), _details(matching))


def _compared(rules: CallRules, sample: Sample, run: Run) -> tuple[ToolCall, ...]:
    """The run's calls that are compared: by `ignore_failed`, none that a tool refused, by the
    trace, but where it was expected all the same (to look for an order that does not exist).
    """
    own = own_turns(sample, run.messages) if rules.ignore_failed else ()
    if not own or all_tool_calls(own) != run.tool_calls:
        return tuple(call for call in run.tool_calls if rules.counts(call))
    both = zip(run.tool_calls, failed_calls(own), strict=True)
    calls = [(call, failed) for call, failed in both if rules.counts(call)]
    if not any(failed for _, failed in calls) or len(calls) > MOST_CALLS:
        return tuple(call for call, _ in calls)
    sound = [call for call, failed in calls if not failed]
    left = match_calls(rules, sample.expected_tool_calls or (), sound).unmatched
    refused = [place for place, (_, failed) in enumerate(calls) if failed]
    unordered = replace(rules, mode="unordered")
    pairs = match_calls(unordered, left, [calls[place][0] for place in refused]).pairs
    kept = {refused[at] for _, at in pairs}
    return tuple(call for at, (call, failed) in enumerate(calls) if not failed or at in kept)


def matching_score(rules: CallRules, matching: Matching) -> float:
    """1 for what the mode asks for, else the partial score: with m pairs, E expected and A made,

    - strict and unordered: F1 = 2m / (E + A);
    - subset (all that was made is expected): precision m / A;
    - superset (all that is expected was made): recall m / E.

    Nothing expected and nothing made is 1; with `partial` none all that is not whole is 0.
    """
    expected, made = len(matching.expected), len(matching.called)
    room = {"subset": 2 * made, "superset": 2 * expected}.get(rules.mode, expected + made)
    score = 2 * len(matching.pairs) / room if room else 1.0
    return score if score == 1.0 or rules.partial == "f1" else 0.0


def _reason(rules: CallRules, matching: Matching) -> str:
    said = f"{len(matching.pairs)} of {len(matching.expected)} expected calls made"
    if rules.mode == "strict":
        said += " in their order"
    parts = [_near_words(near) for near in matching.nearly[:_NAMED]]
    if matching.missing and rules.mode != "subset":
        parts.append(f"missing {_names(matching.missing)}")
    if matching.extra and rules.mode != "superset":
        parts.append(f"not expected {_names(matching.extra)}")
    return cut("; ".join([said, *parts]), 400)


def _names(calls: Sequence[ToolCall]) -> str:
    more = f" and {len(calls) - _NAMED} more" if len(calls) > _NAMED else ""
    return ", ".join(cut(call.name, 60) for call in calls[:_NAMED]) + more


def _near_words(near: Near) -> str:
    name = cut(near.called.name, 60)
    if near.first is None:
        wrong = "has arguments that are no JSON" if is_unparsed(near.called) else "is out of order"
        return f"{name} {wrong}"
    path, called = cut(near.first.path, 60), near.first.called
    if near.first.expected is ABSENT:
        return f"{name}: {path} is {_value(called)}, not expected"
    got = "is left out" if called is ABSENT else f"is {_value(called)}"
    return f"{name}: {path} {got}, expected {_value(near.first.expected)}"


def _value(value: object) -> str:
    return cut(json_text(value), 60)


def _details(matching: Matching) -> dict[str, Any]:
    return {
        "expected": len(matching.expected),
        "called": len(matching.called),
        "matched": len(matching.pairs),
        "missing": [_call(call) for call in matching.missing[:_LISTED]],
        "extra": [_call(call) for call in matching.extra[:_LISTED]],
        "nearly": [_near_record(near) for near in matching.nearly[:_LISTED]],
    }


def _call(call: ToolCall) -> dict[str, str]:
    return {"name": cut(call.name, 200), "arguments": cut(json_text(call.arguments), 400)}


def _near_record(near: Near) -> dict[str, Any]:
    """`expected` and `called` are canonical JSON as text, null where there is no such argument."""
    first = near.first
    if first is None:
        return {"name": cut(near.called.name, 200), "problem": _near_words(near)}
    return {
        "name": cut(near.called.name, 200),
        "argument": cut(first.path, 200),
        "expected": None if first.expected is ABSENT else cut(json_text(first.expected), 200),
        "called": None if first.called is ABSENT else cut(json_text(first.called), 200),
        "differences": near.places,
    }
