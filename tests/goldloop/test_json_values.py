from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from goldloop.errors import RecordError
from goldloop.json_values import (
    MAX_DEPTH,
    MAX_TEXT,
    check_json,
    choice_at,
    count_at,
    identifier_at,
    number_at,
    object_at,
    refuse_unknown,
    shown,
    text_at,
    texts_at,
    time_at,
)


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": "x\x00y"}, r"^a holds the character NUL"),
        ({"a": [0, "\ud83d"]}, r"^a\[1\] holds half a surrogate pair"),
        ({"a": {"b": "\udc00 é"}}, r"^a\.b holds half a surrogate pair"),
        ({"a": float("nan")}, r"^a is nan, which is not JSON; expected a finite number"),
        ({"a": [float("-inf")]}, r"^a\[0\] is -inf"),
        ({"a": 10**1000}, r"^a has more than 1000 digits"),
        ({"a": {"x\x00": 1}}, r"^a has a key that holds the character NUL"),
        ({"\ud800": 1}, r"^the record has a key that holds half a surrogate pair"),
        ({"a": {1: 2}}, r"^a has the key 1; expected keys that are strings"),
        ({"a": b"bytes"}, r"^a is of type bytes, which JSON does not have"),
        ({"a": Decimal("0.1")}, r"^a is of type Decimal"),
        ({"a": ["x" * (MAX_TEXT + 1)]}, r"^a\[0\] has 10000001 characters; at most 10000000"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_its_place(value: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        check_json(value)


def test_sixty_four_levels_are_taken() -> None:
    check_json(nested(MAX_DEPTH))


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_deeper_nesting_is_refused_before_the_stack_overflows(levels: int) -> None:
    with pytest.raises(RecordError, match="nested deeper than 64 levels"):
        check_json(nested(levels))


def test_levels_around_a_value_count() -> None:
    check_json(nested(56), depth=8)
    with pytest.raises(RecordError, match="nested deeper"):
        check_json(nested(57), depth=8)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        10**999,
        -0.0,
        "😀 \u202e \u200d \ufffe \x01",
        ("tuple", MappingProxyType({"k": []})),
    ],
    ids=ascii,
)
def test_odd_values_that_json_has_are_taken(value: Any) -> None:
    check_json({"a": value})


def test_the_name_of_a_wrong_place_is_cut_short() -> None:
    with pytest.raises(RecordError) as caught:
        check_json({"k" * 5_000: "\x00"})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_text_is_none(value: str | None) -> None:
    assert text_at({"a": value}, "a") is None


@pytest.mark.parametrize(
    ("value", "what"),
    [(1, "a number"), (True, "true or false"), ([], "a list"), ({}, "an object")],
)
def test_a_text_of_another_type_is_named(value: Any, what: str) -> None:
    with pytest.raises(RecordError, match=rf"^run\.response must be a string, not {what}$"):
        text_at({"response": value}, "response", "run")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a b", "a b"), (17, "17"), ("e\u0301", "é"), ("x" * 200, "x" * 200), (None, None)],
)
def test_an_identifier_is_printable_text_or_a_whole_number(value: Any, expected: str) -> None:
    assert identifier_at({"id": value}, "id") == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "must have 1 to 200 characters"),
        ("  ", "must have 1 to 200 characters"),
        ("x" * 201, "must have 1 to 200 characters"),
        ("a\nb", r"do not print: 'a\\nb'"),
        ("a\u202eb", "do not print"),
        (True, "must be a string, not true or false"),
        (1.5, "must be a string, not a number"),
        (["a"], "must be a string, not a list"),
    ],
    ids=ascii,
)
def test_what_cannot_name_a_thing_is_refused(value: Any, message: str) -> None:
    with pytest.raises(RecordError, match=f"^id .*{message}"):
        identifier_at({"id": value}, "id")


@pytest.mark.parametrize("value", ["Hard", "", 1, True, ["hard"], {"hard": 1}])
def test_a_choice_must_be_one_of_those_offered(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^difficulty must be one of easy, hard, not "):
        choice_at({"difficulty": value}, "difficulty", ("easy", "hard"))


def test_texts_are_sorted_and_lose_their_repeats() -> None:
    assert texts_at({"tags": ["b", "a", "b"]}, "tags") == ("a", "b")


@pytest.mark.parametrize("value", ["a,b", 1, {"a": 1}, False, ""])
def test_texts_must_be_a_list(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^tags must be a list of strings"):
        texts_at({"tags": value}, "tags")


@pytest.mark.parametrize("value", [[1], [None], [" "], [["a"]]])
def test_texts_must_all_say_something(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^tags must hold nothing but strings"):
        texts_at({"tags": value}, "tags")


@pytest.mark.parametrize("value", [[], "x", 0, False])
def test_an_object_must_be_one(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^metadata must be an object"):
        object_at({"metadata": value}, "metadata")


@pytest.mark.parametrize("value", [-0.001, 1.001, "0.5", True, 10**400, [0.5]], ids=str)
def test_a_number_out_of_range_is_refused(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^run\.confidence must be a number from 0 to 1, not "):
        number_at({"confidence": value}, "confidence", 0.0, 1.0, "run")


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (1, 1.0), (0.25, 0.25), (None, None)])
def test_a_number_is_a_float(value: Any, expected: float | None) -> None:
    assert number_at({"a": value}, "a", 0.0, 1.0) == expected


@pytest.mark.parametrize(("value", "expected"), [(7, 7), (7.0, 7), (2**53 - 1, 2**53 - 1)])
def test_a_count_is_a_whole_number(value: Any, expected: int) -> None:
    found = count_at({"a": value}, "a")
    assert (found, type(found)) == (expected, int)


@pytest.mark.parametrize("value", [1.5, -1, 2**53, "7", False])
def test_what_counts_nothing_is_refused(value: Any) -> None:
    with pytest.raises(RecordError, match=r"^a must be a"):
        count_at({"a": value}, "a")


def test_a_time_is_kept_as_it_was_written() -> None:
    assert time_at({"at": "2026-01-31T12:00:00+02:00"}, "at") == "2026-01-31T12:00:00+02:00"


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(RecordError, match=r"^run\.at is 'yesterday'; expected ISO 8601"):
        time_at({"at": "yesterday"}, "at", "run")


def test_an_unknown_key_gets_the_nearest_known_one() -> None:
    with pytest.raises(RecordError, match=r"^unknown key run\.respnse \(did you mean response\)"):
        refuse_unknown({"respnse": 1}, frozenset({"response", "error"}), "run")


def test_an_unknown_key_like_no_other_gets_all_known_ones() -> None:
    with pytest.raises(RecordError, match=r"\(known: error, response\).*sample's metadata"):
        refuse_unknown({"zzz": 1}, frozenset({"response", "error"}))


@pytest.mark.parametrize("value", ["x" * 10**6, 10**5000, 10**70, ["x"] * 10**4, 1e308], ids=type)
def test_a_value_in_a_message_is_short(value: Any) -> None:
    assert len(shown(value)) <= 80
