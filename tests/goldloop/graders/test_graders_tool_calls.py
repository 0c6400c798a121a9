"""Tool calls: hand-worked matches and scores of every mode."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goldloop.graders import Grade, grade_run, read_graders
from goldloop.graders.kinds import read_grader
from goldloop.records import read_record
from goldloop.samples import Message, Run, Sample, ToolCall

FIND, BOOK, PAY = ToolCall("find", {"id": 1}), ToolCall("book", {"id": 1}), ToolCall("pay", {})


def graded(expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], **settings: Any) -> Grade:
    grader = read_grader({"name": "tools", "kind": "tool_calls", **settings}, "tools")
    sample = Sample("s", "Hello", expected_tool_calls=expected)
    return grade_run(grader, sample, Run("s", "v", tool_calls=called))


def one(expected: dict[str, Any], called: dict[str, Any], **settings: Any) -> bool:
    grade = graded((ToolCall("find", expected),), (ToolCall("find", called),), **settings)
    return bool(grade.passed)


@pytest.mark.parametrize(
    ("mode", "expected", "called", "score"),
    [
        ("unordered", (FIND, BOOK), (BOOK, FIND), 1.0),
        ("unordered", (FIND, BOOK), (FIND,), 2 / 3),
        ("unordered", (FIND,), (FIND, FIND), 2 / 3),
        ("unordered", (FIND, PAY), (FIND, BOOK), 0.5),
        ("unordered", (), (), 1.0),
        ("unordered", (), (FIND,), 0.0),
        ("unordered", (FIND,), (), 0.0),
        ("strict", (FIND, BOOK), (FIND, BOOK), 1.0),
        ("strict", (FIND, BOOK), (BOOK, FIND), 0.5),
        ("strict", (FIND, BOOK, PAY), (FIND, PAY), 0.8),
        ("strict", (FIND, BOOK, PAY, FIND), (BOOK, FIND, PAY, FIND), 0.75),
        ("strict", (), (), 1.0),
        ("subset", (FIND, BOOK), (FIND,), 1.0),
        ("subset", (FIND, BOOK), (), 1.0),
        ("subset", (FIND,), (FIND, BOOK), 0.5),
        ("subset", (FIND,), (FIND, FIND), 0.5),
        ("superset", (FIND,), (BOOK, FIND), 1.0),
        ("superset", (), (BOOK,), 1.0),
        ("superset", (FIND, BOOK), (FIND, PAY), 0.5),
        ("superset", (FIND, FIND), (FIND,), 0.5),
    ],
)
def test_the_score_is_the_one_worked_out_by_hand(
    mode: str, expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], score: float
) -> None:
    grade = graded(expected, called, mode=mode)
    assert grade.score == pytest.approx(score)
    assert grade.passed is (score == 1.0)


def test_without_partial_credit_what_is_not_whole_is_nothing() -> None:
    assert graded((FIND, BOOK), (FIND,), partial="none").score == 0.0
    assert graded((FIND, BOOK), (BOOK, FIND), partial="none").score == 1.0


def test_a_call_that_fits_two_is_left_to_the_one_that_nothing_else_fits() -> None:
    wide, narrow = ToolCall("find", {}), ToolCall("find", {"id": 1})
    both, other = ToolCall("find", {"id": 1}), ToolCall("find", {"id": 2})
    assert graded((wide, narrow), (both, other), arguments="superset").score == 1.0
    assert graded((narrow, wide), (other, both), arguments="superset").score == 1.0


@pytest.mark.parametrize(
    ("mode", "called", "passes"),
    [
        ("exact", {"a": 1, "b": 2}, True),
        ("exact", {"a": 1}, False),
        ("exact", {"a": 1, "b": 2, "c": 3}, False),
        ("ignore", {"z": 9}, True),
        ("subset", {"a": 1}, True),
        ("subset", {"a": 1, "c": 3}, False),
        ("subset", {}, True),
        ("superset", {"a": 1, "b": 2, "c": 3}, True),
        ("superset", {"a": 1}, False),
        ("superset", {"a": 1, "b": 3, "c": 3}, False),
    ],
)
def test_arguments_of_the_call_are_exactly_part_of_or_more_than_the_expected_ones(
    mode: str, called: dict[str, int], passes: bool
) -> None:
    assert one({"a": 1, "b": 2}, called, arguments=mode) is passes


def test_one_tool_may_have_a_mode_of_its_own() -> None:
    settings = {"by_tool": {"find": "ignore"}}
    assert graded((FIND, BOOK), (ToolCall("find", {}), BOOK), **settings).passed
    assert not graded((FIND, BOOK), (FIND, ToolCall("book", {})), **settings).passed


def test_arguments_can_be_left_out_of_the_comparison_nested_ones_by_their_path() -> None:
    expected = {"id": 1, "note": "x", "rows": [{"at": 1, "n": 2}]}
    called = {"id": 1, "rows": [{"at": 9, "n": 2}]}
    assert not one(expected, called, ignore_arguments=["note"])
    assert one(expected, called, ignore_arguments=["note", "rows.at"])
    assert one(expected, called, ignore_arguments={"find": ["note", "rows.at"]})
    assert not one(expected, called, ignore_arguments={"book": ["note", "rows.at"]})


def test_an_argument_may_have_any_of_the_acceptable_values() -> None:
    any_of = {"find": {"city": ["NYC", "New York"], "unit": ["km", ""]}}
    assert one({"city": "NYC"}, {"city": "New York"}, any_of=any_of)
    assert one({"city": "NYC"}, {"city": "NYC", "unit": "km"}, any_of=any_of)
    assert not one({"city": "NYC"}, {"city": "NYC", "unit": "mile"}, any_of=any_of)
    assert not one({"city": "NYC", "unit": "km"}, {}, any_of=any_of)


def test_acceptable_values_may_be_objects_and_lists_and_of_a_nested_argument() -> None:
    any_of = {"find": {"at": [{"row": 1}, [1, 2]], "who.name": ["Ann", "Anna"]}}
    who = {"name": "Ann"}
    assert one({"at": None, "who": who}, {"at": [1, 2], "who": {"name": "Anna"}}, any_of=any_of)
    assert one({"at": None, "who": who}, {"at": {"row": 1.0}, "who": who}, any_of=any_of)
    assert not one({"at": None, "who": who}, {"at": [2, 1], "who": who}, any_of=any_of)


def test_numbers_may_be_off_by_an_amount_or_a_share() -> None:
    assert one({"usd": 100}, {"usd": 100.4}, tolerance=0.5)
    assert not one({"usd": 100}, {"usd": 100.6}, tolerance=0.5)
    assert one({"rows": [{"usd": 200}]}, {"rows": [{"usd": 201.9}]}, tolerance={"relative": 0.01})
    assert not one({"usd": 200}, {"usd": 203}, tolerance={"relative": 0.01})
    assert not one({"usd": 10**400}, {"usd": 1.0}, tolerance=1)


def test_true_is_no_number_and_a_text_is_no_number() -> None:
    assert not one({"n": 1}, {"n": True}, tolerance=1)
    assert not one({"n": 1}, {"n": "1"})
    assert one({"n": 1}, {"n": 1.0})
    assert not one({"n": 2**53}, {"n": 2**53 + 1})


def test_loose_texts_are_compared_without_spaces_signs_and_case_as_bfcl_does() -> None:
    assert one({"city": "New-York, NY."}, {"city": "new york ny"}, text="loose")
    assert one({"say": "it's"}, {"say": 'It"s'}, text="loose")
    assert not one({"city": "New York"}, {"city": "new york"})


def test_only_the_calls_of_the_named_tools_count() -> None:
    assert graded((BOOK,), (FIND, BOOK), only_tools=["book"]).passed
    assert graded((BOOK,), (FIND, BOOK), ignore_tools=["find"]).passed
    assert not graded((BOOK,), (FIND, BOOK)).passed


def test_unparsable_arguments_match_nothing_even_where_arguments_are_ignored() -> None:
    broken = ToolCall("find", {"__unparsed__": '{"id": '})
    grade = graded((FIND,), (broken,), arguments="ignore")
    assert grade.score == 0.0
    assert "no JSON" in grade.reason


def test_the_reason_names_the_argument_that_differs_and_what_is_missing_and_too_much() -> None:
    called = (ToolCall("find", {"id": 2}), PAY)
    grade = graded((FIND, BOOK), called)
    assert grade.reason == (
        "0 of 2 expected calls made; find: id is 2, expected 1; missing book; not expected pay"
    )
    assert grade.details["nearly"][0]["argument"] == "id"
    assert grade.details["missing"] == [{"name": "book", "arguments": '{"id":1}'}]
    assert grade.details["extra"] == [{"name": "pay", "arguments": "{}"}]


def test_calls_in_another_order_are_said_to_be_out_of_order() -> None:
    grade = graded((FIND, BOOK), (BOOK, FIND), mode="strict")
    assert "out of order" in grade.reason


def test_one_call_object_made_twice_is_two_calls() -> None:
    grade = graded((FIND,), (FIND, FIND))
    assert grade.details["extra"] == [{"name": "find", "arguments": '{"id":1}'}]


def test_an_agent_in_a_loop_is_not_compared_call_by_call() -> None:
    grade = graded((FIND,), (FIND,) * 1001)
    assert grade.score == 0.0
    assert "1,001 calls" in grade.reason


def test_a_case_that_expects_more_calls_than_are_compared_fails_the_grader() -> None:
    grade = graded((FIND,) * 301, (FIND,) * 301)
    assert grade.score is None
    assert grade.error == "the case expects 301 calls; at most 300 are compared"


def test_reason_and_details_are_bounded_whatever_the_calls_hold() -> None:
    long = tuple(ToolCall("x" * 5000, {"a": "y" * 5000, "n": n}) for n in range(50))
    grade = graded(long, tuple(ToolCall("z" * 5000, {"b": "y" * 5000}) for _ in range(50)))
    assert len(grade.reason) <= 400
    assert len(str(dict(grade.details))) < 20_000


def test_arguments_that_are_nested_endlessly_are_compared_to_a_depth() -> None:
    deep: dict[str, Any] = {}
    for _ in range(150):
        deep = {"a": deep}
    assert not one(deep, {"a": 1})
    assert not one(deep, deep)


def test_calls_that_a_tool_refused_can_be_left_out_by_the_trace_but_for_expected_ones() -> None:
    sample = Sample("s", "Hello", expected_tool_calls=(BOOK,))
    calls = (ToolCall("book", {"id": 2}, "c1"), ToolCall("book", {"id": 1}, "c2"))
    messages = (
        Message("user", "Hello"),
        Message("assistant", None, calls[:1]),
        Message("tool", "Error: there is no seat 2", tool_call_id="c1"),
        Message("assistant", None, calls[1:]),
        Message("tool", "booked", tool_call_id="c2"),
    )
    run = Run("s", "v", messages=messages, tool_calls=calls)
    record = {"name": "t", "kind": "tool_calls", "ignore_failed": True}
    assert grade_run(read_grader(record, "t"), sample, run).passed
    expects_refusal = replace(sample, expected_tool_calls=calls)
    assert grade_run(read_grader(record, "t"), expects_refusal, run).passed
    without = replace(run, messages=())
    assert not grade_run(read_grader(record, "t"), sample, without).passed
    assert not grade_run(read_grader({**record, "ignore_failed": False}, "t"), sample, run).passed


def test_on_the_example_s_runs_the_example_s_graders_tell_right_from_wrong_calls() -> None:
    folder = Path(__file__).parents[3] / "examples" / "customer_support"
    file = tomllib.loads((folder / "graders.toml").read_text())
    tools = next(one for one in read_graders(file, "f").graders if one.name == "tools")
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    truth = {answer["sample_id"]: answer["tool_use"] for answer in answers}
    wrong = set()
    for line in (folder / "cases.jsonl").read_text().splitlines():
        sample, run = read_record(json.loads(line))
        assert run is not None
        right = truth[sample.sample_id] in ("right", "not_applicable")
        if grade_run(tools, sample, run).passed is not right:
            wrong.add(sample.sample_id)
    assert wrong == set()


def test_where_a_refused_call_is_made_again_the_one_that_went_well_counts() -> None:
    sample = Sample("s", "Hello", expected_tool_calls=(BOOK,))
    messages = (
        Message("user", "Hello"),
        Message("assistant", None, (BOOK,)),
        Message("tool", "Error: try again"),
        Message("assistant", None, (BOOK,)),
        Message("tool", "booked"),
    )
    run = Run("s", "v", messages=messages, tool_calls=(BOOK, BOOK))
    for mode in ("unordered", "strict", "subset", "superset"):
        record = {"name": "t", "kind": "tool_calls", "ignore_failed": True, "mode": mode}
        assert grade_run(read_grader(record, "t"), sample, run).score == 1.0
