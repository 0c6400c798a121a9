"""Answers become Label Studio results and come back the same; junk becomes words, never errors."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from goldloop.errors import PredictionError
from label_config.results import read_result, write_result
from tests.label_config.kinds import ANSWERS, KINDS

SDK = LabelInterface(KINDS.xml)


def item(name: str, kind: str, value: object, **more: object) -> dict[str, object]:
    return {"from_name": name, "to_name": "a", "type": kind, "value": value} | more


@given(ANSWERS)
def test_every_kind_comes_back_exactly_after_a_trip_through_json(answers):
    wire = json.loads(json.dumps(write_result(KINDS, answers)))
    assert read_result(KINDS, wire) == (answers, ())


@given(ANSWERS)
def test_ids_are_short_distinct_and_depend_on_the_content_alone(answers):
    ids = [each["id"] for each in write_result(KINDS, answers)]
    assert ids == [each["id"] for each in write_result(KINDS, answers)]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 10 for each in ids)


FIT_FOR_THE_SDK = {
    "single": "yes", "multi": ("x", "z"), "stars": 7, "amount": 3.5, "words": "hi",
    "topic": (("Sales", "refund"),), "day": "2025-03-01",
}  # fmt: skip


@pytest.mark.parametrize("name", FIT_FOR_THE_SDK)
def test_the_sdk_accepts_what_is_written(name):
    result = write_result(KINDS, {name: FIT_FOR_THE_SDK[name]})
    made = {"result": result, "score": 0.5, "model_version": "v"}
    assert SDK.validate_prediction(made, return_errors=True) == []


def test_items_follow_the_order_of_the_interface():
    result = write_result(KINDS, {"words": "hi", "single": "yes"})
    assert [each["from_name"] for each in result] == ["single", "words"]


def test_a_pairwise_result_names_itself_as_label_studio_writes_it():
    assert write_result(KINDS, {"better": "left"})[0]["to_name"] == "better"


def test_a_nested_choice_is_written_as_a_path():
    assert write_result(KINDS, {"deep": ("A > A1", "B")})[0]["value"] == {
        "choices": [["A", "A1"], ["B"]]
    }


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"nope": "x"}, "no question 'nope'"),
        ({"single": "maybe"}, "single: unknown choice 'maybe'"),
        ({"stars": 8}, "stars: 8 is not from 1 to 7"),
        ({"stars": True}, "stars: True where a number"),
        ({"multi": "x"}, "multi: 'x' where several choices"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_on_writing(answers, message):
    with pytest.raises(PredictionError, match=message):
        write_result(KINDS, answers)


PROBLEMS = [
    (item("gone", "choices", {"choices": ["a"]}), "no question 'gone'"),
    (item("single", "choices", {"choices": ["maybe"]}), "'single': unknown choice 'maybe'"),
    (item("single", "choices", {"choices": ["yes", "No"]}), "2 choices where one is expected"),
    (item("multi", "choices", {"choices": ["x", "gone"]}), "'multi': unknown choice 'gone'"),
    (item("single", "rating", {"rating": 1}), "'single': type 'rating', expected 'choices'"),
    (item("single", "choices", {"labels": ["yes"]}), "'single': its value has no 'choices'"),
    (item("single", "choices", None), "'single': its value has no 'choices'"),
    (item("single", "choices", {"choices": {"yes": 1}}), "where a list of choices is expected"),
    (item("deep", "choices", {"choices": [["A", 1]]}), "'deep': 1 where a choice is expected"),
    (item("stars", "rating", {"rating": "5"}), "'stars': '5' where a number is expected"),
    (item("stars", "rating", {"rating": 2.5}), "'stars': 2.5 where a whole number"),
    (item("stars", "rating", {"rating": 8}), "'stars': 8 is not from 1 to 7"),
    (item("amount", "number", {"number": -6}), "'amount': -6 is not from -5 to 10"),
    (item("free", "number", {"number": float("nan")}), "'free': a number that is not finite"),
    (item("free", "number", {"number": 10**400}), "'free': a number that is not finite"),
    (item("words", "textarea", {"text": ["a", 3]}), "'words': 3 where a text is expected"),
    (item("better", "pairwise", {"selected": "both"}), "'better': unknown choice 'both'"),
    (item("topic", "taxonomy", {"taxonomy": [["Sales", "x"]]}), "unknown choice 'Sales > x'"),
    (item("topic", "taxonomy", {"taxonomy": ["Other"]}), "'Other' where a path of choices"),
    (item("day", "datetime", {"datetime": "yesterday"}), "not a date of ISO 8601"),
    ("text", "'text' where a result item is expected"),
    (None, "None where a result item is expected"),
    ({}, "no question None"),
    ({"from_name": ["x"]}, "no question"),
]


@pytest.mark.parametrize(("bad", "message"), PROBLEMS)
def test_a_bad_item_becomes_a_problem_and_spoils_no_other(bad, message):
    good = item("words", "textarea", {"text": ["fine"]})
    answers, problems = read_result(KINDS, [bad, good])
    assert answers == {"words": "fine"}
    assert len(problems) == 1
    assert message in problems[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = st.sampled_from([field.name for field in KINDS.fields])
TYPES = st.sampled_from("choices rating number textarea pairwise taxonomy datetime".split())  # noqa: SIM905
KEYS = st.sampled_from("choices rating number text selected taxonomy datetime".split())  # noqa: SIM905


@given(st.lists(st.builds(item, NAMES, TYPES, st.dictionaries(KEYS, JSON))) | JSON)
def test_nothing_that_json_can_hold_makes_reading_fail_or_gives_an_answer_that_does_not_fit(junk):
    answers, problems = read_result(KINDS, junk)
    assert read_result(KINDS, write_result(KINDS, answers)) == (answers, ())
    assert all(len(problem) < 300 for problem in problems)


@pytest.mark.parametrize(
    "emptied",
    [
        item("stars", "rating", {"rating": 0}),
        item("stars", "rating", {"rating": None}),
        item("single", "choices", {"choices": []}),
        item("words", "textarea", {"text": []}),
        item("better", "pairwise", {"selected": "none"}),
    ],
)
def test_an_answer_that_was_taken_back_is_no_answer_and_no_problem(emptied):
    assert read_result(KINDS, [emptied]) == ({}, ())


def test_an_emptied_set_of_choices_is_the_empty_set():
    assert read_result(KINDS, [item("multi", "choices", {"choices": []})]) == ({"multi": ()}, ())


def test_two_different_answers_to_one_question_are_a_problem_and_no_answer():
    both = [item("single", "choices", {"choices": [each]}) for each in ("yes", "No")]
    answers, problems = read_result(KINDS, both)
    assert answers == {}
    assert problems == ("'single': several answers that differ, where one is expected",)


def test_the_same_answer_twice_counts_once():
    twice = [item("stars", "rating", {"rating": 4.0}), item("stars", "rating", {"rating": 4})]
    assert read_result(KINDS, twice) == ({"stars": 4}, ())


def test_several_texts_are_joined_by_newlines_and_sets_are_united():
    answers, problems = read_result(
        KINDS,
        [
            item("words", "textarea", {"text": ["one", "two"]}),
            item("words", "textarea", {"text": ["three"]}),
            item("multi", "choices", {"choices": ["z"]}),
            item("multi", "choices", {"choices": ["x", "x"]}),
        ],
    )
    assert answers == {"words": "one\ntwo\nthree", "multi": ("x", "z")}
    assert problems == ()


def test_a_bare_string_is_read_as_a_list_of_one():
    answers, problems = read_result(
        KINDS,
        [item("words", "textarea", {"text": "hi"}), item("single", "choices", {"choices": "yes"})],
    )
    assert (answers, problems) == ({"words": "hi", "single": "yes"}, ())


@pytest.mark.parametrize(("result", "count"), [(None, 0), ([], 0), ({}, 1), ("[]", 1)])
def test_a_result_that_is_no_list_has_no_answers(result, count):
    answers, problems = read_result(KINDS, result)
    assert answers == {}
    assert len(problems) == count
