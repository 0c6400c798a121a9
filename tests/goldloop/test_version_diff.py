from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.canonical import canonical_json
from goldloop.version_diff import (
    ABSENT,
    Cause,
    diff_in_order,
    diff_items,
    shortened,
    value_changes,
    why_relabelled,
)
from goldloop.versions import Entry, changes_between

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def item(sample_id: str = "s1", **changes: Any) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "user_input": "Where is it?",
        "expected_tool_calls": [{"name": "track", "arguments": {"id": 1}}],
        "tags": ["a", "b"],
        "metadata": {},
        "labels": {"verdict": "right"},
        "evidence": {},
        "selection": None,
        **changes,
    }


def entries(*items: dict[str, Any]) -> list[Entry]:
    return [Entry(one["sample_id"], "", lambda one=one: one) for one in items]


def paths(old: Any, new: Any) -> list[str]:
    return [one.path for one in value_changes(old, new, "v")]


# Values


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["v.a.b"]),
        ({"a": 1}, {"b": 1}, ["v.a", "v.b"]),
        ({"a b": 1}, {"a b": 2}, ["v['a b']"]),
        ([1, 2, 3], [1, 3], ["v[1]"]),
        ([1, 3], [1, 2, 3], ["v[1]"]),
        ([{"x": 1}], [{"x": 2}], ["v[0].x"]),
        ({"a": 1}, [1], ["v"]),
        (1, True, ["v"]),
        (1, 1.0, []),
        ("é", "e\u0301", []),
        (None, None, []),
    ],
)
def test_a_change_is_named_by_its_path(old: Any, new: Any, expected: list[str]) -> None:
    assert paths(old, new) == expected


@given(VALUES, VALUES)
def test_there_is_a_change_exactly_when_the_canonical_json_differs(old: Any, new: Any) -> None:
    assert bool(paths(old, new)) == (canonical_json(old) != canonical_json(new))


def test_a_value_that_was_not_there_is_absent_and_null_is_a_value() -> None:
    [one] = value_changes({"a": None}, {}, "v")
    assert (one.old, one.new) == (None, ABSENT)
    assert one.record() == {"path": "v.a", "old": None}


def test_a_list_that_is_too_long_to_match_is_compared_in_order() -> None:
    assert paths(list(range(600)), [*range(599), -1]) == ["v[599]"]


# Rows


def test_rows_are_added_removed_and_changed() -> None:
    found = diff_in_order(
        entries(item("a"), item("b"), item("c")),
        entries(item("b"), item("c", tags=["b"], labels={"verdict": "wrong"}), item("d")),
    )
    assert [one["sample_id"] for one in found.added] == ["d"]
    assert [one["sample_id"] for one in found.removed] == ["a"]
    assert [one.sample_id for one in found.changed] == ["c"]
    assert found.counts() == {
        "added": 1,
        "removed": 1,
        "changed": 1,
        "relabelled": 1,
        "evidence": 0,
    }


def test_rows_with_equal_marks_are_not_read() -> None:
    def unread() -> dict[str, Any]:
        raise AssertionError("read")

    assert not diff_in_order([Entry("a", "m", unread)], [Entry("a", "m", unread)]).changed


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef")))
def test_the_ids_are_those_of_the_changes_of_a_manifest(old: list[str], new: list[str]) -> None:
    before = [item(one) for one in sorted(old)]
    after = [item(one, tags=[]) for one in sorted(set(new))]
    found, changes = (
        diff_in_order(entries(*before), entries(*after)),
        changes_between(before, after),
    )
    assert tuple(one["sample_id"] for one in found.added) == changes.added
    assert tuple(one["sample_id"] for one in found.removed) == changes.removed
    assert [one.sample_id for one in found.changed] == list(changes.redescribed or {})


# Why a label moved


def answer(number: int, annotator: int = 1, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"id": number, "annotator": annotator, "updated_at": at}


def why(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    before, after = item(evidence=old), item(evidence=new)
    return [reason.record() for reason in why_relabelled(before, after, "verdict")]


def test_annotations_that_came_changed_or_went_are_named() -> None:
    later = "2026-02-01T00:00:00Z"
    old = {"annotations": [answer(1), answer(2), answer(3)]}
    new = {"annotations": [answer(1), answer(2, at=later), answer(4, annotator=7)]}
    assert [(one["cause"], one["annotation"]) for one in why(old, new)] == [
        ("annotation_changed", 2),
        ("annotation_withdrawn", 3),
        ("annotation_added", 4),
    ]
    assert why(old, new)[2]["annotator"] == 7


def test_another_method_and_another_state_are_named() -> None:
    old = {"annotations": [answer(1)], "methods": {"verdict": "majority"}, "state": "agreed"}
    new = {**old, "methods": {"verdict": "expert"}, "state": "adjudicated"}
    assert why(old, new) == [
        {"cause": "method", "old": "majority", "new": "expert"},
        {"cause": "state", "old": "agreed", "new": "adjudicated"},
    ]


def test_a_parent_without_annotations_still_tells_how_many_there_were() -> None:
    found = why({"annotators": 2}, {"annotators": 3, "annotations": [answer(1)]})
    assert found == [{"cause": "evidence", "old": "annotators 2", "new": "annotators 3"}]


@pytest.mark.parametrize("evidence", [{}, {"annotations": [1, {}]}, {"annotations": None}])
def test_where_nothing_is_recorded_nothing_is_made_up(evidence: dict[str, Any]) -> None:
    assert [one["cause"] for one in why(evidence, evidence)] == [Cause.UNKNOWN]


def test_a_label_that_stood_on_neither_side_is_absent() -> None:
    found = diff_items("s1", item(labels={}), item(labels={"verdict": "right"}))
    [label] = found.relabelled
    assert label.old is ABSENT
    assert "old" not in label.record()


# Long texts


@given(TEXT, TEXT, st.integers(0, 300), st.integers(0, 300))
def test_long_texts_are_cut_to_the_part_that_differs(a: str, b: str, left: int, right: int) -> None:
    old, new = "<" * left + a + ">" * right, "<" * left + b + ">" * right
    short = shortened(old, new)
    assert all(len(one) <= 122 for one in short)
    assert (short[0] == short[1]) == (old == new)
