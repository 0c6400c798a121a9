"""A task's data: every key that interfaces show, no null, and metadata that cannot clash."""

from __future__ import annotations

import json

import pytest
from label_studio_sdk.label_interface import LabelInterface

from goldloop.errors import InterfaceError
from goldloop.samples import Message, Run, Sample, ToolCall
from label_config.interface import builtin_interface, read_interface
from label_config.tasks import check_task_data, task_data

CALL = ToolCall("refund", {"amount": 5})
SAMPLE = Sample(
    "s1",
    "Refund me",
    conversation=(Message("user", "Hi"), Message("assistant", "Hello <b>")),
    expected_response="Send a <photo>",
    expected_tool_calls=(),
    difficulty="easy",
    tags=("billing", "refund"),
    source="trace",
    metadata={"channel": "chat", "tier": 2, "vip": True, "facts": {"a": [1, None]}, "none": None},
)
RUN = Run("s1", "v1", response="Done", tool_calls=(CALL,))


def test_the_keys_of_a_task_are_the_documented_ones_and_the_metadata():
    assert set(task_data(SAMPLE, RUN)) == {
        "sample_id", "user_input", "response", "expected_response", "conversation", "tags",
        "difficulty", "source", "trace_html", "response_html", "expected_html", "tool_calls_html",
        "expected_tool_calls_html", "channel", "tier", "vip", "facts", "none",
    }  # fmt: skip


def test_plain_keys_hold_the_texts_as_they_are():
    data = task_data(SAMPLE, RUN)
    assert (data["sample_id"], data["user_input"]) == ("s1", "Refund me")
    assert (data["response"], data["expected_response"]) == ("Done", "Send a <photo>")
    assert (data["tags"], data["difficulty"], data["source"]) == (
        "billing, refund",
        "easy",
        "trace",
    )


def test_metadata_keeps_its_types_and_never_replaces_our_own_keys():
    sample = Sample("s1", "hi", metadata={"sample_id": "evil", "trace_html": "<script>", "n": 1.5})
    data = task_data(sample, None)
    assert data["sample_id"] == "s1"
    assert "<script>" not in data["trace_html"]
    assert data["n"] == 1.5
    assert task_data(SAMPLE, None)["facts"] == {"a": [1, None]}


def test_the_conversation_suits_a_paragraphs_tag():
    assert task_data(SAMPLE, RUN)["conversation"] == [
        {"author": "user", "text": "Hi"},
        {"author": "assistant", "text": "Hello <b>"},
        {"author": "user", "text": "Refund me"},
        {"author": "assistant", "text": "Done"},
    ]


def test_the_messages_of_a_run_are_the_whole_conversation():
    run = Run("s1", "v1", messages=(Message("user", "only this"),))
    assert task_data(SAMPLE, run)["conversation"] == [{"author": "user", "text": "only this"}]


@pytest.mark.parametrize("run", [RUN, None, Run("s1", "v1", error="timeout")])
def test_no_value_is_null_and_the_whole_is_json(run):
    data = task_data(Sample("s1", "hi", metadata={"none": None}), run)
    assert None not in data.values()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_what_is_not_recorded_says_so():
    data = task_data(Sample("s1", "hi"), None)
    assert data["response"] == ""
    assert "No response recorded." in data["response_html"]
    assert "No expected response recorded." in data["expected_html"]
    assert "None recorded." in data["tool_calls_html"]
    assert "None recorded." in data["expected_tool_calls_html"]


def test_no_expected_call_reads_differently_from_none_recorded():
    assert "No tool call." in task_data(SAMPLE, RUN)["expected_tool_calls_html"]


def test_a_failed_run_shows_its_error_escaped():
    data = task_data(SAMPLE, Run("s1", "v1", error="timeout <b>"))
    assert "The agent failed: timeout &lt;b&gt;" in data["response_html"]


def test_values_that_a_server_cannot_store_are_made_storable():
    wide = Sample(
        "s1", "a\x00b\ud800", metadata={"nan": float("nan"), "k\x00": "v\x00", "o": object}
    )
    data = task_data(wide, None)
    text = json.dumps(data, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text
    assert data["user_input"] == "a\u2400b?"


def test_metadata_nested_without_end_is_bounded():
    nested: list[object] = []
    for _ in range(100):
        nested = [nested]
    data = task_data(Sample("s1", "hi", metadata={"deep": nested}), None)
    json.dumps(data)


def test_the_sdk_and_the_check_accept_the_data_for_the_built_in_interface():
    review = builtin_interface()
    for run in (RUN, None):
        data = task_data(SAMPLE, run)
        check_task_data(review, data)
        assert LabelInterface(review.xml).validate_task({"data": data})


def test_a_missing_key_is_named_with_the_keys_that_exist():
    xml = (
        '<View><Text name="t" value="$invoice"/><Text name="u" value="$user_input"/>'
        '<Rating name="r" toName="t"/></View>'
    )
    with pytest.raises(
        InterfaceError, match=r"shows \$invoice, but .* it has: .*channel.*user_inp"
    ):
        check_task_data(read_interface(xml), task_data(SAMPLE, RUN))


def test_a_null_counts_as_missing():
    xml = '<View><Text name="t" value="$a"/><Rating name="r" toName="t"/></View>'
    with pytest.raises(InterfaceError, match=r"\$a"):
        check_task_data(read_interface(xml), {"a": None})
