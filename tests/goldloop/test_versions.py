from __future__ import annotations

import unicodedata
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError, VersionError
from goldloop.versions import (
    CONTENT_KEYS,
    Changes,
    Entry,
    Fingerprinter,
    OutOfOrderError,
    changes_between,
    changes_in_order,
    fingerprints,
    item_id,
    next_version,
    parse_version,
)


def item(sample_id: str = "s1", **changes: Any) -> dict[str, Any]:
    return {
        "sample_id": sample_id,
        "user_input": "Where is it?",
        "conversation": [],
        "expected_response": "Lost.",
        "expected_tool_calls": [{"name": "track", "arguments": {"id": 1, "deep": [True]}}],
        "difficulty": "hard",
        "tags": ["a", "b"],
        "source": "trace",
        "cluster_id": None,
        "metadata": {"k": 1},
        "labels": {"verdict": "right", "tools": ("a",)},
        "evidence": {"annotators": 2},
        "selection": {"reason": "random"},
        **changes,
    }


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
ITEMS = st.lists(
    st.builds(
        item,
        st.text("aé漢z1", min_size=1, max_size=5),
        user_input=TEXT,
        expected_tool_calls=VALUES,
        metadata=st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=3),
        labels=st.dictionaries(st.text("xyz", min_size=1, max_size=2), TEXT, max_size=3),
    ),
    max_size=5,
    unique_by=lambda one: one["sample_id"],
)


def respelled(value: Any) -> Any:
    """The same value with other key order, other Unicode form, other containers and floats."""
    match value:
        case dict():
            return MappingProxyType({key: respelled(value[key]) for key in reversed(value)})
        case list() | tuple():
            return tuple(respelled(one) for one in value)
        case str():
            return unicodedata.normalize("NFD", value)
        case int() if not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
    return value


# Fingerprints


@given(ITEMS, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_change_a_fingerprint(items: list[Any], random: Any) -> None:
    shuffled = random.sample(items, len(items))
    assert fingerprints(shuffled) == fingerprints(items)


@given(ITEMS)
def test_spelling_does_not_change_a_fingerprint(items: list[Any]) -> None:
    assert fingerprints(respelled(items)) == fingerprints(items)


@given(st.sampled_from(CONTENT_KEYS[1:]), VALUES)
def test_a_change_of_content_changes_that_fingerprint_and_only_it(key: str, value: Any) -> None:
    before, after = fingerprints([item()]), fingerprints([item(**{key: value})])
    same = canonical_json(item()[key]) == canonical_json(value)
    assert (before.content == after.content) == same
    assert before.labels == after.labels


@given(st.dictionaries(st.sampled_from(["verdict", "tools", "x"]), VALUES))
def test_a_change_of_labels_changes_that_fingerprint_and_only_it(labels: Any) -> None:
    before, after = fingerprints([item()]), fingerprints([item(labels=labels)])
    same = canonical_json(item()["labels"]) == canonical_json(labels)
    assert (before.labels == after.labels) == same
    assert before.content == after.content


def test_swapped_labels_change_the_fingerprint() -> None:
    yes, no = {"verdict": "right"}, {"verdict": "wrong"}
    first = fingerprints([item("a", labels=yes), item("b", labels=no)])
    second = fingerprints([item("a", labels=no), item("b", labels=yes)])
    assert first.labels != second.labels


def test_another_id_changes_both_fingerprints() -> None:
    first, second = fingerprints([item("a")]), fingerprints([item("b")])
    assert first.content != second.content
    assert first.labels != second.labels


def test_evidence_and_selection_change_no_fingerprint() -> None:
    other = item(evidence={"annotators": 3}, selection=None)
    assert fingerprints([other]) == fingerprints([item()])


def test_a_missing_key_counts_as_null() -> None:
    without = item()
    del without["cluster_id"]
    assert fingerprints([without]) == fingerprints([item(cluster_id=None)])


def test_content_and_labels_of_nothing_have_different_fingerprints() -> None:
    assert fingerprints([]).content != fingerprints([]).labels


def test_the_fingerprint_of_a_known_item_stays_what_it_was() -> None:
    found = fingerprints([item()])
    assert found.content == "91b2f00f8e1db50b58a97f1b86d30158ae1dbb8eeb6f725610866ddcdbd438c9"
    assert found.labels == "122825aeabbd19caa9c0d0883f91e4a4bdf36eaecb0ad5e177c1b98adc68a125"


@pytest.mark.parametrize("twice", [("a", "a"), ("caf\u00e9", "cafe\u0301")])
def test_a_sample_that_is_there_twice_is_refused(twice: tuple[str, str]) -> None:
    items = [item(sample_id) for sample_id in twice]
    with pytest.raises(VersionError, match=r"is there twice"):
        fingerprints(items)
    with pytest.raises(VersionError, match=r"is there twice"):
        changes_between(items, [])
    with pytest.raises(VersionError, match=r"is there twice"):
        changes_between([], items)


def test_a_value_that_json_does_not_have_is_refused_with_its_sample() -> None:
    with pytest.raises(RecordError, match=r"^sample s1: cannot be written as canonical JSON"):
        fingerprints([item(metadata={"x": float("nan")})])


# Changes


def test_added_and_removed_samples_are_named_in_order() -> None:
    found = changes_between([item("b"), item("x"), item("a")], [item("x"), item("d"), item("c")])
    assert found == Changes(
        added=("c", "d"), removed=("a", "b"), modified={}, relabelled={}, redescribed={}
    )


@pytest.mark.parametrize(
    ("change", "part", "keys"),
    [
        ({"expected_response": "Found."}, "modified", ("expected_response",)),
        ({"user_input": "x", "conversation": [1]}, "modified", ("conversation", "user_input")),
        ({"labels": {"verdict": "wrong", "tools": ["a"]}}, "relabelled", ("verdict",)),
        ({"labels": {"verdict": "right"}}, "relabelled", ("tools",)),
        ({"tags": ["a"]}, "redescribed", ("tags",)),
        ({"evidence": {}, "difficulty": "easy"}, "redescribed", ("difficulty", "evidence")),
    ],
)
def test_a_change_is_named_by_its_part_and_keys(
    change: dict[str, Any], part: str, keys: tuple[str, ...]
) -> None:
    found = changes_between([item()], [item(**change)])
    parts = {"modified": {}, "relabelled": {}, "redescribed": {}, part: {"s1": keys}}
    assert found == Changes(**parts)
    assert found.counts() == {
        "added": 0,
        "removed": 0,
        **{name: len(value) for name, value in parts.items()},
    }


@given(ITEMS)
def test_another_spelling_is_no_change(items: list[Any]) -> None:
    assert not changes_between(items, respelled(items))


def test_another_interface_is_a_change() -> None:
    assert changes_between([item()], [item()], guidelines=True)
    assert not changes_between([item()], [item()])


@given(ITEMS, ITEMS)
def test_there_is_a_change_exactly_when_a_fingerprint_differs(
    parent: list[Any], child: list[Any]
) -> None:
    differs = fingerprints(parent) != fingerprints(child)
    assert bool(changes_between(parent, child)) == differs


# The next number


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"s{i}" for i in range(count))


@pytest.mark.parametrize(
    ("changes", "size", "number", "reason"),
    [
        (Changes(added=ids(1)), 10, "1.3.0", "1 sample added (10.0%)"),
        (Changes(added=ids(10)), 100, "1.3.0", "10 samples added (10.0%)"),
        (Changes(added=ids(11)), 100, "2.0.0", "11 samples added to 100, more than 10%"),
        (Changes(added=ids(1)), 9, "2.0.0", "1 sample added to 9, more than 10%"),
        (Changes(added=ids(1)), 0, "2.0.0", "1 sample added to 0, more than 10%"),
        (Changes(removed=ids(1)), 100, "2.0.0", "1 sample removed"),
        (Changes(modified={"a": ("x",)}), 100, "2.0.0", "1 sample changed"),
        (Changes(relabelled={"a": ("x",)}), 100, "2.0.0", "1 sample relabelled"),
        (Changes(guidelines=True), 100, "2.0.0", "the labelling interface changed"),
        (Changes(guidelines=True), 0, "2.0.0", "the labelling interface changed"),
        (
            Changes(removed=ids(2), relabelled={"a": ("x",)}),
            100,
            "2.0.0",
            "2 samples removed; 1 sample relabelled",
        ),
        (Changes(redescribed={"a": ("t",)}), 9, "1.2.4", "only descriptions or evidence changed"),
        (Changes(added=ids(1), redescribed={"a": ("t",)}), 10, "1.3.0", "1 sample added (10.0%)"),
    ],
)
def test_the_next_number_follows_from_what_changed(
    changes: Changes, size: int, number: str, reason: str
) -> None:
    assert next_version("1.2.3", changes, size) == (number, reason)


def test_the_first_version_is_one() -> None:
    assert next_version(None, Changes(added=ids(5)), 0) == ("1.0.0", "the first version")


def test_without_a_change_there_is_no_next_version() -> None:
    with pytest.raises(VersionError, match=r"^nothing changed since 1\.2\.3"):
        next_version("1.2.3", Changes(), 5)


def test_a_version_is_three_numbers() -> None:
    assert parse_version("10.0.27") == (10, 0, 27)


@pytest.mark.parametrize(
    "text", ["", "1", "1.0", "v1.0.0", "1.0.0-rc", "1.0.0\n", "١.0.0", "-1.0.0"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(VersionError, match=r"is no version; expected three numbers like 1\.0\.0"):
        parse_version(text)


# Items that come one at a time


@given(ITEMS)
def test_items_in_order_have_the_fingerprints_of_the_set(items: list[Any]) -> None:
    running = Fingerprinter()
    for one in sorted(items, key=item_id):
        running.add(one)
    assert running.result() == fingerprints(items)
    assert running.count == len(items)


def test_items_out_of_order_are_refused() -> None:
    running = Fingerprinter()
    running.add(item("b"))
    with pytest.raises(OutOfOrderError, match=r"^sample a does not stand in the order of ids$"):
        running.add(item("a"))


def test_an_item_that_comes_twice_in_a_row_is_refused() -> None:
    running = Fingerprinter()
    running.add(item("caf\u00e9"))
    with pytest.raises(VersionError, match=r"is there twice"):
        running.add(item("cafe\u0301"))


@given(st.dates().map(str), st.integers(), st.floats(0, 1))
def test_times_and_label_studio_ids_change_no_fingerprint(
    when: str, number: int, weight: float
) -> None:
    answer = {"id": number, "annotator": number, "updated_at": when}
    other = item(
        evidence={"annotations": [answer], "updated_at": when, "task": number},
        selection={"round": 3, "weight": weight},
    )
    assert fingerprints([other]) == fingerprints([item()])


def test_entries_with_equal_marks_are_not_compared() -> None:
    def unread() -> Any:
        raise AssertionError("read")

    same = [Entry("a", "mark", unread)]
    assert not changes_in_order(same, same)
