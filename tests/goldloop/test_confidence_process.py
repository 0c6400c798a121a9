from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.confidence import (
    ProcessFeatures,
    process_confidence,
    process_estimate,
    process_features,
)
from goldloop.samples import Message, ToolCall

FEATURES = st.builds(
    ProcessFeatures,
    *[st.integers(0, 10**6)] * 6,
    st.booleans(),
)


def asks(name: str, call_id: str | None = None, **arguments: object) -> Message:
    return Message("assistant", None, (ToolCall(name, arguments, call_id),))


def says(content: str | None, call_id: str | None = None) -> Message:
    return Message("tool", content, tool_call_id=call_id)


def test_a_trajectory_is_counted() -> None:
    turns = [
        asks("find", id=1),
        says('{"order": 1}'),
        asks("find", id=2),
        says("[]"),
        Message("user", "Are you there?"),
        asks("find", id=1),
        says('{"order": 1}'),
        asks("book", id=1),
        says("Error: sold out"),
        asks("book", id=1),
        says("booked"),
        Message("assistant", "Done."),
    ]
    assert process_features(turns, "step_limit") == ProcessFeatures(
        steps=6,
        tool_calls=5,
        tool_errors=1,
        retries=1,
        repeated_calls=1,
        empty_results=1,
        step_limit=True,
    )


def test_a_call_again_after_an_error_is_a_retry_and_after_none_a_repetition() -> None:
    turns = [
        asks("a"), says("error: busy"),
        asks("a"), says("error: busy"),
        asks("a"), says("fine"),
        asks("a"), says("fine"),
    ]  # fmt: skip
    found = process_features(turns)
    assert (found.tool_errors, found.retries, found.repeated_calls) == (2, 2, 1)


def test_calls_are_the_same_whatever_the_order_of_their_arguments() -> None:
    turns = [asks("a", x=1, y=2.0), asks("a", y=2, x=1.0), asks("a", x=2, y=1)]
    assert process_features(turns).repeated_calls == 1


def test_results_belong_to_calls_by_id_and_else_by_order() -> None:
    both = Message("assistant", None, (ToolCall("a", {}, "1"), ToolCall("b", {}, "2")))
    by_id = [both, says("error: no", "2"), says("fine", "1"), asks("b"), asks("a")]
    found = process_features(by_id)
    assert (found.retries, found.repeated_calls) == (1, 1)
    unnamed = Message("assistant", None, (ToolCall("a", {}), ToolCall("b", {})))
    by_order = [unnamed, says("error: no"), says("fine"), asks("b"), asks("b")]
    found = process_features(by_order)
    assert (found.tool_errors, found.retries, found.repeated_calls) == (1, 0, 2)


def test_a_tools_turn_that_answers_nothing_is_passed_over() -> None:
    assert process_features([says("error"), says("error", "x")]) == ProcessFeatures()
    turns = [asks("a", "1"), says("error", "2"), says("fine", "1"), says("error", "1")]
    assert process_features(turns).tool_errors == 0


@pytest.mark.parametrize(
    "result",
    [
        "Error: user not found",
        "ERROR",
        "error",
        '"error: bad"',
        "ValueError: no such seat",
        "Exception: gone",
        "Traceback (most recent call last):\n  File",
        "failed to connect",
        "  Failure: gone",
        '{"error": "not found"}',
        '{"id": 7, "error": {"code": 404}}',
        '{"is_error": true, "content": "x"}',
        '{"isError": true}',
        '{"status": "ERROR"}',
        '{"status": "failed"}',
    ],
)
def test_a_result_that_says_error_is_one(result: str) -> None:
    assert process_features([asks("a"), says(result)]).tool_errors == 1


@pytest.mark.parametrize(
    "result",
    [
        "fine",
        "no errors found",
        "terrorism",
        "errors: 0",
        "error: none",
        '{"error": null, "id": 1}',
        '{"error": ""}',
        '{"is_error": false}',
        '{"status": "ok"}',
        '{"about": "error"}',
        '{"error": "torn',
        '["error"]',
        "[" * 3_000 + '"error"',
        '{"status": ["error"]}',
    ],
)
def test_a_result_that_only_speaks_of_errors_is_none(result: str) -> None:
    assert process_features([asks("a"), says(result)]).tool_errors == 0


@pytest.mark.parametrize("result", [None, "", " \n", "[]", "{}", "null", "None", '""'])
def test_a_result_with_nothing_in_it_is_empty(result: str | None) -> None:
    found = process_features([asks("a"), says(result)])
    assert (found.empty_results, found.tool_errors) == (1, 0)


def test_a_call_that_nobody_executed_has_no_result_at_all() -> None:
    assert process_features([asks("a")]) == ProcessFeatures(steps=1, tool_calls=1)


def test_arguments_that_are_no_json_are_an_error_of_the_call() -> None:
    assert process_features([asks("a", __unparsed__='{"id": ')]).tool_errors == 1


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (ProcessFeatures(steps=1), 0.8808),
        (ProcessFeatures(steps=8), 0.7232),
        (ProcessFeatures(steps=8, tool_errors=1), 0.5664),
        (ProcessFeatures(steps=1, step_limit=True), 0.2689),
        # Odds of e^2 / (2 * 2 * 3 * 4 * 3) = 7.389 / 144 = 0.05131.
        (ProcessFeatures(4, 9, 1, 2, 3, 8), 0.05131 / 1.05131),
    ],
)
def test_the_prior_is_as_written(features: ProcessFeatures, expected: float) -> None:
    assert process_confidence(features) == pytest.approx(expected, abs=5e-5)


@given(FEATURES)
def test_it_is_a_probability(features: ProcessFeatures) -> None:
    assert 0.0 < process_confidence(features) < 1.0


@given(FEATURES, st.sampled_from([field.name for field in fields(ProcessFeatures)]))
def test_more_of_any_feature_is_never_surer(features: ProcessFeatures, name: str) -> None:
    more = replace(features, **{name: getattr(features, name) + 1})
    assert process_confidence(more) <= process_confidence(features)


@pytest.mark.parametrize(
    "name", ["tool_errors", "retries", "repeated_calls", "empty_results", "step_limit"]
)
def test_every_sign_of_trouble_makes_it_less_sure(name: str) -> None:
    calm = ProcessFeatures(steps=3, tool_calls=3)
    assert process_confidence(replace(calm, **{name: 1})) < process_confidence(calm)


def test_a_single_turn_without_a_call_shows_nothing() -> None:
    answer = Message("assistant", "Yes.")
    assert process_estimate([answer]) is None
    assert process_estimate([]) is None
    assert process_estimate([answer, answer]) is not None
    assert process_estimate([asks("a")]) == pytest.approx(0.8808, abs=5e-5)
    assert process_estimate([answer], "step_limit") is not None
    assert process_estimate([answer], "length") is None


def test_a_trace_of_many_calls_is_read_in_one_pass() -> None:
    turns = [asks("a", str(n), n=n) for n in range(5_000)]
    turns += [says("fine", str(n)) for n in reversed(range(5_000))]
    assert process_features(turns).tool_calls == 5_000
