"""The interface of the spot check: its questions, the data it shows, and its answers read back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from label_studio_sdk.label_interface import LabelInterface

from goldloop.samples import Message, ToolCall
from goldloop.synthesis.consistency import Solution
from goldloop.synthesis.spot_check import Verdict
from goldloop.synthesis.values import CONSISTENCY, Candidate, Rejection
from label_config.results import write_result
from label_config.spot_check import (
    POINTS_LIMIT,
    read_verdict,
    spot_check_data,
    spot_check_interface,
)
from tests.store.synthetic import candidate, slot

INTERFACE = spot_check_interface()
EVIL = '<script>alert(1)</script><img src="x">\u202e\x00\ud800'


def hostile() -> Candidate:
    """A candidate with such text wherever a model can write any."""
    place = slot(0)
    cell = replace(place.cell, capability=EVIL, persona=EVIL, style=EVIL, intent=EVIL)
    made = candidate(
        replace(place, cell=cell),
        user_input=EVIL,
        expected_response=EVIL,
        conversation=(Message("user", EVIL), Message("assistant", EVIL)),
        expected_tool_calls=(ToolCall(EVIL, {EVIL: EVIL}),),
    )
    return replace(made, key_points=(EVIL,))


def test_it_asks_its_five_questions_and_all_but_the_reason_are_required():
    assert [field.name for field in INTERFACE.fields] == [
        *("realistic", "answer_right", "calls_right", "difficulty", "reason"),
    ]
    assert [field.name for field in INTERFACE.fields if not field.required] == ["reason"]


def test_it_passes_the_sdks_own_validation():
    LabelInterface(INTERFACE.xml).validate()


def test_its_hotkeys_clash_neither_with_each_other_nor_with_label_studio():
    root = fromstring(INTERFACE.xml)
    keys = [tag.get("hotkey") for tag in root.iter("Choice")]
    assert len(keys) == len(set(keys)) == 10
    assert not set(keys) & set("umbekwvhopr[]")


def test_no_two_choices_share_a_value_for_browsers_would_let_only_one_of_them_be_on():
    values = [tag.get("value") for tag in fromstring(INTERFACE.xml).iter("Choice")]
    assert len(values) == len(set(values)) == 10


def test_its_styles_hold_nothing_that_label_studio_escapes():
    (style,) = fromstring(INTERFACE.xml).iter("Style")
    assert not re.search("[<>&]", style.text or "<")


def test_hostile_text_is_escaped_wherever_it_stands():
    data = spot_check_data(
        "1/syn-1",
        hostile(),
        Rejection(CONSISTENCY, "different_answer", EVIL),
        [Solution((ToolCall(EVIL, {"x": EVIL}),), EVIL), Solution(error=EVIL)],
    )
    shown = "".join(data[key] for key in INTERFACE.data_keys)
    assert "<script" not in shown
    assert "<img" not in shown
    assert shown.count("&lt;script&gt;") >= 12
    everything = "".join(map(str, data.values()))
    assert not re.search("[\x00\u202e\ud800-\udfff]", everything)


def test_only_a_sample_that_was_kept_back_shows_what_the_filter_found():
    assert spot_check_data("1/syn-1", candidate(slot(0)))["found_html"] == ""
    found = Rejection(CONSISTENCY, "different_calls", "refund and cancel")
    shown = spot_check_data("1/syn-1", candidate(slot(0)), found)["found_html"]
    assert "different calls" in shown
    assert "refund and cancel" in shown


def test_a_sample_without_text_or_calls_says_so():
    bare = candidate(slot(0), expected_response=None, expected_tool_calls=())
    data = spot_check_data("1/syn-1", replace(bare, key_points=()))
    assert "No text is expected." in data["expected_html"]
    assert "No tool call." in data["expected_tool_calls_html"]
    assert "None are listed." in data["key_points_html"]


def test_a_long_list_of_points_is_cut_and_says_so():
    many = replace(candidate(slot(0)), key_points=("x" * 5_000,) * (POINTS_LIMIT + 3))
    shown = spot_check_data("1/syn-1", many)["key_points_html"]
    assert "3 more are not shown." in shown
    assert len(shown) < 200_000


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        (
            {"realistic": "yes", "answer_right": "yes", "calls_right": "yes"},
            Verdict(True, True, True),
        ),
        (
            {"realistic": "no", "difficulty": "hard", "reason": "Nobody says that."},
            Verdict(False, None, None, "hard", "Nobody says that."),
        ),
        ({"calls_right": "no", "difficulty": "right"}, Verdict(None, None, False)),
        # What it says already is no correction.
        ({"difficulty": "medium"}, Verdict()),
    ],
)
def test_answers_are_read_back_as_a_verdict(answers: dict[str, Any], verdict: Verdict):
    result = write_result(INTERFACE, answers)
    assert read_verdict(INTERFACE, result, "medium") == (verdict, ())


@pytest.mark.parametrize("result", [None, "yes", [7], [{"from_name": "realistic"}], {"a": 1}])
def test_what_cannot_be_read_is_no_verdict(result: Any):
    verdict, problems = read_verdict(INTERFACE, result, "easy")
    assert verdict == Verdict()
    assert bool(problems) is (result is not None)


def test_a_contradiction_is_no_answer():
    result = [
        *write_result(INTERFACE, {"realistic": "yes"}),
        *write_result(INTERFACE, {"realistic": "no", "answer_right": "yes"}),
    ]
    verdict, problems = read_verdict(INTERFACE, result, "easy")
    assert (verdict.realistic, verdict.answer_right) == (None, True)
    assert len(problems) == 1
