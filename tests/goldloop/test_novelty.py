from __future__ import annotations

import pytest

from goldloop.novelty import novel_paths, tool_path
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
