from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.novelty import (
    NoveltyRule,
    assess_novelty,
    new_transitions,
    novel_paths,
    steps_from_json,
    steps_to_json,
    tool_path,
    tool_steps,
)
from goldloop.samples import ToolCall


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ("", ()),
        ("a", ("a",)),
        ("aab", ("a", "b")),
        ("aba", ("a", "b", "a")),
        ("abbbba", ("a", "b", "a")),
    ],
)
def test_a_path_counts_repeats_in_a_row_once(names: str, path: tuple[str, ...]) -> None:
    assert tool_path(ToolCall(name, {"n": i}) for i, name in enumerate(names)) == path


def test_a_path_is_novel_when_no_run_that_people_saw_took_it() -> None:
    seen = {("find",), ()}
    paths = [("find",), ("find", "refund"), ("refund", "find"), ()]
    assert novel_paths(paths, seen).tolist() == [False, True, True, False]


def test_calling_no_tool_is_a_path_too() -> None:
    assert novel_paths([()], [("find",)]).tolist() == [True]


def test_nothing_is_novel_before_people_saw_anything() -> None:
    assert novel_paths([("find",), ()], []).tolist() == [False, False]


def test_lists_from_json_are_paths_as_well() -> None:
    assert novel_paths([["a"], ["b"]], [["a"]]).tolist() == [False, True]


def test_no_paths_give_no_answers() -> None:
    assert novel_paths([], [("a",)]).shape == (0,)


FIND, REFUND, PAGED = ("find", ("id",)), ("refund", ("id",)), ("find", ("id", "page"))


def test_steps_are_tools_with_the_names_of_their_arguments() -> None:
    calls = [ToolCall("find", {"b": 1, "a": 2}), ToolCall("find", {"a": 3, "b": 4})]
    assert tool_steps(calls) == (("find", ("a", "b")),)


def test_a_call_with_an_argument_never_given_before_is_new() -> None:
    found = new_transitions([(FIND,), (PAGED,), (FIND,)], [True, False, False])
    assert found == {1: ((None, PAGED), (PAGED, None))}


def test_stopping_early_is_new() -> None:
    found = new_transitions([(FIND, REFUND), (FIND,)], [True, False])
    assert found == {1: ((FIND, None),)}


def test_a_longer_mix_of_what_is_known_is_not_new() -> None:
    paths = [(FIND, REFUND, FIND), (FIND, REFUND, FIND, REFUND, FIND)]
    assert new_transitions(paths, [True, False]) == {}


def test_a_labelled_run_is_compared_with_the_other_labelled_ones() -> None:
    found = new_transitions([(FIND,), (FIND,), (REFUND,), (FIND,)], [True, True, True, False])
    assert found == {2: ((None, REFUND), (REFUND, None))}


def test_the_only_labelled_run_is_not_new() -> None:
    assert new_transitions([(FIND,), (FIND,)], [True, False]) == {}


def test_no_transition_is_new_before_anything_is_labelled() -> None:
    assert new_transitions([(FIND,), ()], [False, False]) == {}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ((FIND, REFUND), "new tool path: find > refund > (end)"),
        ((PAGED,), "new tool path: (start) > find(id, page) > (end)"),
        ((), "new tool path: no tool"),
        ((("find", tuple("abcdef")),), "new tool path: (start) > find(a, b, c, d, 2 more) > (end)"),
    ],
)
def test_a_new_path_is_told_with_arguments_only_where_the_tools_are_known(path, said) -> None:
    found = assess_novelty([], [(FIND,), path], [True, False], rule=NoveltyRule(by_text=False))
    assert found.by_path.tolist() == [False, True]
    assert found.path_reason(1) == said
    assert found.path_reason(0) is None


@given(st.lists(st.tuples(st.text(), st.lists(st.text()).map(tuple))).map(tuple))
def test_steps_come_back_from_json(steps) -> None:
    assert steps_from_json(steps_to_json(steps)) == steps
