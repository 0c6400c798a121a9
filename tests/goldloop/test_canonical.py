from __future__ import annotations

import json
import math
import unicodedata
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from goldloop.canonical import canonical_calls, canonical_json, normalise_text
from goldloop.errors import RecordError
from goldloop.samples import ToolCall

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.one_of(TEXT, st.sampled_from(["$int", "$$int", "$", "int"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4).filter(
            lambda d: len({unicodedata.normalize("NFC", k) for k in d}) == len(d)
        ),
    ),
    max_leaves=12,
)


def respelled(value: Any) -> Any:
    """The same value with other key order, other Unicode form, other containers and floats."""
    match value:
        case dict():
            items = [(unicodedata.normalize("NFD", k), respelled(v)) for k, v in value.items()]
            return MappingProxyType(dict(reversed(items)))
        case list():
            return tuple(respelled(item) for item in value)
        case str():
            return unicodedata.normalize("NFD", value)
        case int() if not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
        case float() if value.is_integer():
            return int(value)
    return value


def meaning(value: Any) -> Any:
    """A hashable stand-in that is equal exactly for values of equal JSON meaning."""
    match value:
        case dict():
            return "object", frozenset((meaning(k), meaning(v)) for k, v in value.items())
        case list():
            return "list", tuple(meaning(item) for item in value)
        case str():
            return "text", unicodedata.normalize("NFC", value)
        case bool() | None:
            return "constant", value
    return "number", value


@given(VALUES)
def test_spelling_does_not_change_the_bytes(value: Any) -> None:
    assert canonical_json(respelled(value)) == canonical_json(value)


@given(VALUES, VALUES)
def test_bytes_are_equal_exactly_for_equal_values(a: Any, b: Any) -> None:
    assert (canonical_json(a) == canonical_json(b)) == (meaning(a) == meaning(b))


@given(VALUES)
def test_the_result_is_json_and_canonical_already(value: Any) -> None:
    once = canonical_json(value)
    parsed = json.loads(once)
    if b'int":' not in once:  # escaped objects are escaped again, on purpose
        assert canonical_json(parsed) == once


def test_numbers_follow_the_examples_of_rfc_8785() -> None:
    numbers = [333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001, -0.0, 1e3]
    assert canonical_json(numbers) == b"[333333333.3333333,4.5,0.002,1e-27,0,1000]"


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    assert list(json.loads(canonical_json({"\uf8ff": 1, "\U0001f600": 2, "\r": 3}))) == [
        "\r",
        "\U0001f600",
        "\uf8ff",
    ]


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**30])
def test_whole_numbers_beyond_the_exact_range_are_escaped(number: int) -> None:
    assert json.loads(canonical_json([number])) == [{"$int": str(number)}]


def test_a_large_whole_number_is_the_same_as_int_or_as_float() -> None:
    assert canonical_json(1e16) == canonical_json(10**16) != canonical_json(10**16 + 1)


def test_the_largest_exact_integer_is_not_escaped() -> None:
    assert canonical_json([2**53 - 1, 1 - 2**53]) == b"[9007199254740991,-9007199254740991]"


def test_no_object_can_pose_as_a_large_integer() -> None:
    spellings: list[Any] = [
        2**53,
        {"$int": str(2**53)},
        {"$$int": str(2**53)},
        {"$int": 2**53},
        {"$int": {"$int": str(2**53)}},
    ]
    assert len({canonical_json(value) for value in spellings}) == len(spellings)


def test_an_object_with_more_keys_than_the_escape_is_left_alone() -> None:
    assert canonical_json({"$int": "1", "a": 1}) == b'{"$int":"1","a":1}'


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [math.inf],
        {"a": -math.inf},
        {1: "a"},
        {None: "a"},
        {"\u00e9": 1, "e\u0301": 2},
        "\ud800",
        {"\udfff": 1},
        b"bytes",
        {1, 2},
        object(),
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(RecordError):
        canonical_json(value)


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"$int": value}
    return value


def test_two_hundred_levels_are_written() -> None:
    assert canonical_json(nested(200)).count(b"[") == 100


@pytest.mark.parametrize("depth", [201, 100_000])
def test_deeper_values_are_refused_before_the_stack_overflows(depth: int) -> None:
    with pytest.raises(RecordError, match="200 levels"):
        canonical_json(nested(depth))


def test_calls_are_equal_in_any_order_and_whatever_their_ids() -> None:
    a, b = ToolCall("find", {"x": 1, "y": 2}, "id-1"), ToolCall("book", {})
    same = ToolCall("find", {"y": 2.0, "x": 1}, "id-2")
    assert canonical_calls([a, b]) == canonical_calls([b, same])


@pytest.mark.parametrize(
    "other",
    [
        [ToolCall("find", {"x": 2})],
        [ToolCall("look", {"x": 1})],
        [ToolCall("find", {"x": 1}), ToolCall("find", {"x": 1})],
        [],
    ],
)
def test_other_names_arguments_or_counts_make_other_calls(other: list[ToolCall]) -> None:
    assert canonical_calls(other) != canonical_calls([ToolCall("find", {"x": 1})])


@given(TEXT)
def test_normal_text_does_not_depend_on_unicode_form_or_white_space(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert normalise_text(f" {decomposed}\t\n") == normalise_text(text)


def test_normal_text_ignores_case_width_and_spacing() -> None:
    assert normalise_text(" ＨELLO\u00a0\n Wörld ") == "hello wörld"


@given(VALUES.filter(lambda value: b"$" not in canonical_json(value)))
def test_the_bytes_are_those_of_the_reference_library(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(_normal(value))


def _normal(value: Any) -> Any:
    match value:
        case dict():
            return {unicodedata.normalize("NFC", key): _normal(one) for key, one in value.items()}
        case list():
            return [_normal(one) for one in value]
        case str():
            return unicodedata.normalize("NFC", value)
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "0.00001"),
        (1e-7, "1e-7"),
        (-0.0, "0"),
        (123456789012345.6, "123456789012345.6"),
        (0.0001, "0.0001"),
        ({"\U0001f600": 1, "\uffff": 2}, '{"\U0001f600":1,"\uffff":2}'),
        ("\x7f\u2028\x1f", '"\x7f\u2028\\u001f"'),
    ],
)
def test_numbers_keys_and_controls_are_spelled_by_the_standard(value: Any, text: str) -> None:
    assert canonical_json(value).decode() == text
