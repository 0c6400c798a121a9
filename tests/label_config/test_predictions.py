"""Pre-filling from a sample and its run, and what a prediction must be before it is sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from goldloop.errors import InterfaceError, PredictionError
from goldloop.samples import Run, Sample
from label_config.interface import builtin_interface
from label_config.predictions import check_prediction, prediction, prefill
from label_config.results import write_result
from tests.label_config.kinds import ANSWERS, KINDS

REVIEW = builtin_interface()
SAMPLE = Sample("s1", "hello", expected_response="expected")


def run(response: str | None) -> Run:
    return Run("s1", "v1", response=response)


def filled(response: str | None, name: str) -> object:
    return prefill(KINDS, SAMPLE, run(response), [name]).get(name)


def test_the_expected_response_comes_from_the_sample_before_the_run():
    got = prefill(REVIEW, SAMPLE, run("said"), ["expected_response"])
    assert got == {"expected_response": "expected"}


def test_without_an_expected_response_the_runs_response_is_pre_filled():
    bare = Sample("s1", "hello")
    assert prefill(REVIEW, bare, run("said"), ["expected_response"]) == {
        "expected_response": "said"
    }


@pytest.mark.parametrize("made", [None, run(None)])
def test_with_nothing_to_say_nothing_is_pre_filled(made):
    assert prefill(REVIEW, Sample("s1", "hello"), made, ["expected_response", "notes"]) == {}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("single", " YES ", "yes"),
        ("multi", ["Z", "x"], ("x", "z")),
        ("multi", "y", ("y",)),
        ("stars", "4", 4),
        ("stars", 4.0, 4),
        ("amount", 3, 3.0),
        ("words", "hi", "hi"),
        ("better", "Left", "left"),
        ("topic", "sales > refund", (("Sales", "refund"),)),
        ("topic", [["Sales", "Refund"], "other"], (("Other",), ("Sales", "refund"))),
        ("path", "a > a1", "A > A1"),
        ("day", "2025-03-01", "2025-03-01"),
    ],
)
def test_a_json_object_fills_each_field_by_its_name(name, given, value):
    assert filled(json.dumps({name: given, "else": 1}), name) == value


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("single", "perhaps"), ("single", True), ("single", None), ("single", ["yes"]),
        ("multi", ["x", "gone"]), ("stars", 9), ("stars", 2.5), ("stars", True),
        ("amount", "1e999"), ("words", ["hi"]), ("words", " "), ("words", "a\x00b"),
        ("better", "both"), ("topic", "nowhere"), ("day", "soon"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_field_is_left_out(name, given):
    assert filled(json.dumps({name: given}), name) is None


def test_a_response_that_is_not_json_fills_the_field_itself():
    assert filled("Yes", "single") == "yes"
    assert filled("5", "stars") == 5
    assert filled("plain words", "words") == "plain words"


def test_a_json_object_without_the_fields_name_leaves_it_out():
    assert filled('{"other": "x"}', "words") is None


def test_a_response_nested_past_all_reason_is_taken_as_text():
    deep = "[" * 200_000
    assert filled(deep, "words") == deep
    assert filled(deep, "single") is None


def test_a_name_that_is_no_question_is_refused():
    with pytest.raises(InterfaceError, match=r"cannot pre-fill 'verdict'.* asks only correctness"):
        prefill(REVIEW, SAMPLE, None, ["verdict"])


@given(st.text() | st.builds(json.dumps, st.dictionaries(st.text(), st.text())))
def test_whatever_a_model_answers_the_prefill_makes_a_valid_prediction(response):
    names = [field.name for field in KINDS.fields]
    answers = prefill(KINDS, SAMPLE, run(response), names)
    made = prediction(KINDS, answers, 0.5, "v1")
    assert made["result"] == write_result(KINDS, answers)


@given(ANSWERS, st.floats(0, 1))
def test_a_prediction_of_fitting_answers_passes_its_own_check(answers, score):
    made = prediction(KINDS, answers, score, "v1")
    check_prediction(KINDS, made["result"], made["score"])
    assert set(made) == {"result", "score", "model_version"}
    assert (made["score"], made["model_version"]) == (score, "v1")


def test_the_sdk_accepts_a_prediction_for_the_built_in_interface():
    answers = {
        "correctness": "incorrect",
        "tool_use": "wrong_arguments",
        "failure_modes": ("bad_tone", "other"),
        "helpfulness": 2,
        "confidence": 5,
        "expected_response": "Sorry!",
        "notes": "n",
    }
    made = prediction(REVIEW, answers, 0.25, "v1")
    assert LabelInterface(REVIEW.xml).validate_prediction(made, return_errors=True) == []


def item(name: str, kind: str, value: object, to_name: str = "a") -> dict[str, object]:
    return {"from_name": name, "to_name": to_name, "type": kind, "value": value}


YES = item("single", "choices", {"choices": ["yes"]})
MISFITS = [
    (item("gone", "choices", {"choices": ["a"]}), "no question 'gone'"),
    (item("single", "rating", {"rating": 3}), "'single': type 'rating', expected 'choices'"),
    (item("single", "choices", {"choices": ["maybe"]}), "'single': unknown choice 'maybe'"),
    (item("single", "choices", {"choices": ["yes", "No"]}), "'single': 2 choices where one"),
    (item("single", "choices", {"choices": []}), "'single': 0 choices where one"),
    (item("single", "choices", {"choices": "yes"}), "'single': 'yes' where a list of choices"),
    (item("single", "choices", {"choices": ["yes"]}, "b"), "'single': to_name 'b', expected 'a'"),
    (item("stars", "rating", {"rating": 8}), "'stars': 8 is not from 1 to 7"),
    (item("stars", "rating", {"rating": 0}), "'stars': 0 is not from 1 to 7"),
    (item("amount", "number", {"number": 10.5}), "'amount': 10.5 is not from -5 to 10"),
    (item("words", "textarea", {"text": "bare"}), "'words': 'bare' where a list of texts"),
    (item("words", "textarea", {"text": []}), "'words': no text"),
    (item("better", "pairwise", {"selected": "both"}, "better"), "'better': unknown choice"),
    (item("better", "pairwise", {"selected": "left"}, "a,b"), "to_name 'a,b', expected 'better'"),
    (item("topic", "taxonomy", {"taxonomy": [["Sales", "x"]]}), "'topic': unknown choice"),
    (item("day", "datetime", {"datetime": "soon"}), "'day': 'soon' is not a date"),
    (None, "None where a result item is expected"),
]


@pytest.mark.parametrize(("bad", "message"), MISFITS)
def test_a_prediction_that_does_not_fit_is_refused_by_name(bad, message):
    with pytest.raises(PredictionError, match=message):
        check_prediction(KINDS, [bad], 0.5)


def test_a_question_answered_twice_is_refused_even_with_the_same_answer():
    with pytest.raises(PredictionError, match="'single' is answered twice"):
        check_prediction(KINDS, [YES, YES], 0.5)


@pytest.mark.parametrize(
    "score",
    [-0.1, 1.1, 37.5, float("nan"), float("inf"), "0.5", None, True, 10**400, 10**5000],
    ids=lambda score: str(type(score)),
)
def test_a_score_must_be_a_finite_number_from_0_to_1(score):
    with pytest.raises(PredictionError, match="is not a number from 0 to 1"):
        check_prediction(KINDS, [YES], score)


def test_an_empty_prediction_is_valid_because_its_score_orders_the_queue():
    assert prediction(KINDS, {}, 0, "v1") == {"result": [], "score": 0.0, "model_version": "v1"}
