"""What holds of tool-call grades whatever the calls are."""

from __future__ import annotations

import unicodedata
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from goldloop.graders import Grade, grade_run
from goldloop.graders.kinds import read_grader
from goldloop.samples import Run, Sample, ToolCall

ARGUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "é"]),
    st.sampled_from([1, 2, "é", "x", [1, {"é": 2}], True, None]),
    max_size=3,
)
CALLS = st.lists(st.builds(ToolCall, st.sampled_from(["find", "book"]), ARGUMENTS), max_size=4).map(
    tuple
)
MODES = st.sampled_from(["unordered", "strict", "subset", "superset"])
LOOSE = st.sampled_from(["exact", "ignore", "subset", "superset"])
few = settings(max_examples=40)


def grade(
    expected: tuple[ToolCall, ...],
    called: tuple[ToolCall, ...],
    mode: str = "unordered",
    arguments: str = "exact",
) -> Grade:
    record = {"name": "t", "kind": "tool_calls", "mode": mode, "arguments": arguments}
    sample = Sample("s", "Hello", expected_tool_calls=expected)
    return grade_run(read_grader(record, "t"), sample, Run("s", "v", tool_calls=called))


def respelled(value: Any) -> Any:
    """The same value with keys in another order and texts in NFD."""
    if isinstance(value, str):
        return unicodedata.normalize("NFD", value)
    if isinstance(value, list):
        return [respelled(item) for item in value]
    if isinstance(value, dict):
        return {respelled(key): respelled(item) for key, item in reversed(value.items())}
    return value


@few
@given(CALLS, CALLS, MODES, LOOSE)
def test_neither_the_order_of_arguments_nor_the_unicode_form_changes_a_score(
    expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], mode: str, arguments: str
) -> None:
    other = tuple(ToolCall(call.name, respelled(call.arguments)) for call in called)
    assert (
        grade(expected, other, mode, arguments).score
        == grade(expected, called, mode, arguments).score
    )


@few
@given(CALLS, CALLS, LOOSE, st.randoms(use_true_random=False))
def test_the_order_of_calls_changes_no_score_but_that_of_strict(
    expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], arguments: str, order: Any
) -> None:
    shuffled = list(called)
    order.shuffle(shuffled)
    for mode in ("unordered", "subset", "superset"):
        one = grade(expected, called, mode, arguments).score
        assert one == grade(expected, tuple(shuffled), mode, arguments).score


@few
@given(CALLS, CALLS, LOOSE)
def test_looser_modes_pass_whatever_stricter_ones_pass(
    expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], arguments: str
) -> None:
    passes = {
        mode: grade(expected, called, mode, arguments).passed is True
        for mode in ("strict", "unordered", "subset", "superset")
    }
    assert passes["unordered"] >= passes["strict"]
    assert passes["unordered"] == (passes["subset"] and passes["superset"])


@few
@given(CALLS, MODES, LOOSE)
def test_what_was_expected_always_passes(
    calls: tuple[ToolCall, ...], mode: str, arguments: str
) -> None:
    assert grade(calls, calls, mode, arguments).score == 1.0


@few
@given(CALLS, CALLS, LOOSE)
def test_the_matching_is_as_large_as_the_best_of_all_assignments(
    expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], arguments: str
) -> None:
    fits = {
        (i, j): grade((one,), (other,), "unordered", arguments).score == 1.0
        for i, one in enumerate(expected)
        for j, other in enumerate(called)
    }
    places = [*range(len(called)), *[-1] * len(expected)]
    best = max(
        sum(fits.get((i, j), False) for i, j in enumerate(order))
        for order in set(permutations(places, len(expected)))
    )
    assert grade(expected, called, "unordered", arguments).details["matched"] == best


@few
@given(CALLS, CALLS, LOOSE)
def test_a_score_is_one_exactly_where_the_grade_passes_and_never_outside_of_0_and_1(
    expected: tuple[ToolCall, ...], called: tuple[ToolCall, ...], arguments: str
) -> None:
    for mode in ("unordered", "strict", "subset", "superset"):
        one = grade(expected, called, mode, arguments)
        assert one.score is not None
        assert 0.0 <= one.score <= 1.0
        assert one.passed is (one.score == 1.0)
