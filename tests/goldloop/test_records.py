from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.errors import RecordError
from goldloop.records import read_record, read_run, read_sample_record, sample_record
from goldloop.samples import DIFFICULTIES, ROLES, SOURCES, Message, Run, Sample, ToolCall

USER = {"role": "user", "content": "Where is it?"}
ANSWER = {"role": "assistant", "content": "On its way."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "function": {"name": "track", "arguments": '{"id": 1}'}}],
}
TOOL = {"role": "tool", "tool_call_id": "c1", "content": "lost"}

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
NAMES = TEXT.filter(bool)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | TEXT
    # A zero's sign is lost to equality, not to JSON.
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
CALLS = st.lists(st.builds(ToolCall, NAMES, OBJECTS, st.none() | NAMES), max_size=3).map(tuple)
MESSAGES = st.lists(
    st.builds(
        Message,
        st.sampled_from(ROLES),
        st.none() | TEXT,
        CALLS,
        st.none() | NAMES,
        st.none() | NAMES,
    ),
    max_size=3,
).map(tuple)
SAMPLES = st.builds(
    Sample,
    sample_id=st.text("abc-é漢😀", min_size=1, max_size=200),
    user_input=TEXT.filter(lambda text: bool(text.strip())),
    conversation=MESSAGES,
    expected_response=st.none() | NAMES,
    expected_tool_calls=st.none() | CALLS,
    difficulty=st.none() | st.sampled_from(DIFFICULTIES),
    tags=st.sets(NAMES.filter(lambda t: bool(t.strip())), max_size=3).map(sorted).map(tuple),
    source=st.sampled_from(SOURCES),
    cluster_id=st.none() | st.text("xyz-1", min_size=1),
    metadata=OBJECTS,
)


def ours(**keys: Any) -> dict[str, Any]:
    return {"sample_id": "s1", "user_input": "Where is it?", **keys}


def run_of(**keys: Any) -> Run:
    _, run = read_record(ours(run=keys))
    assert run is not None
    return run


# Our own shape


def test_a_sample_needs_no_more_than_what_is_asked() -> None:
    sample, run = read_record({"user_input": "Hi"})
    assert run is None
    assert (sample.user_input, sample.source, sample.expected_tool_calls) == ("Hi", "manual", None)


def test_every_key_of_a_sample_is_read() -> None:
    sample, _ = read_record(
        ours(
            conversation=[{"role": "system", "content": "Be kind."}],
            expected_response="It is lost.",
            expected_tool_calls=[{"name": "track", "arguments": {"id": 1}}],
            difficulty="hard",
            tags=["b", "a", "a"],
            source="synthetic",
            cluster_id=7,
            metadata={"mine": [1, None]},
        )
    )
    assert sample == Sample(
        sample_id="s1",
        user_input="Where is it?",
        conversation=(Message("system", "Be kind."),),
        expected_response="It is lost.",
        expected_tool_calls=(ToolCall("track", {"id": 1}),),
        difficulty="hard",
        tags=("a", "b"),
        source="synthetic",
        cluster_id="7",
        metadata={"mine": [1, None]},
    )


def test_null_counts_as_not_there() -> None:
    keys = sample_record(Sample("s1", "x")).keys() | {"run"}
    nulls: dict[str, Any] = dict.fromkeys(keys - {"sample_id", "user_input"})
    assert read_record(ours(**nulls)) == read_record(ours())


def test_expecting_no_call_is_not_the_same_as_expecting_nothing() -> None:
    assert read_record(ours(expected_tool_calls=[]))[0].expected_tool_calls == ()
    assert read_record(ours())[0].expected_tool_calls is None


def test_a_conversation_may_end_with_what_is_asked() -> None:
    sample, _ = read_record({"sample_id": "s1", "conversation": [USER, ANSWER, USER]})
    assert sample.user_input == "Where is it?"
    assert [turn.role for turn in sample.conversation] == ["user", "assistant"]


@pytest.mark.parametrize("turns", [[], [ANSWER], [USER, ANSWER]])
def test_a_conversation_that_asks_nothing_is_refused(turns: list[Any]) -> None:
    with pytest.raises(RecordError, match=r"^user_input is missing; give it, or end the conv"):
        read_record({"conversation": turns})


def test_without_an_id_the_same_question_gets_the_same_id() -> None:
    first, _ = read_record({"user_input": "é", "tags": ["x"]})
    second, _ = read_record({"user_input": "e\u0301"})
    other, _ = read_record({"user_input": "é", "conversation": [USER, ANSWER]})
    assert first.sample_id == second.sample_id != other.sample_id
    assert first.sample_id.startswith("sample-")


def test_two_spellings_of_an_id_are_one_id() -> None:
    composed, _ = read_record({"sample_id": "caf\u00e9", "user_input": "x"})
    decomposed, _ = read_record({"sample_id": "cafe\u0301", "user_input": "x"})
    assert composed.sample_id == decomposed.sample_id


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "^expected a JSON object, got a list$"),
        ("text", "^expected a JSON object, got a string$"),
        (None, "^expected a JSON object, got null$"),
        ({}, "^expected user_input .* or messages .*, found: nothing$"),
        ({"prompt": 1, "id": 2}, "found: id, prompt$"),
        ({"sample_id": "s1"}, "found: sample_id$"),
        (ours(user_input=" \n"), "^user_input is blank"),
        (ours(user_input=""), "^user_input is missing"),
        (ours(user_input=7), "^user_input must be a string, not a number$"),
        (ours(user_input="a\x00b"), r"^user_input holds the character NUL \(U\+0000\)"),
        (ours(user_input="\ud83d"), "^user_input holds half a surrogate pair"),
        (ours(sample_id="x" * 201), "^sample_id must have 1 to 200 characters"),
        (ours(sample_id="a\tb"), "^sample_id holds characters that do not print"),
        (ours(sample_id=[1]), "^sample_id must be a string, not a list$"),
        (ours(cluster_id=""), "^cluster_id must have 1 to 200"),
        (ours(expected_respons="x"), r"^unknown key expected_respons \(did you mean expected_resp"),
        (ours(reward=1), "^unknown key reward .*sample's metadata$"),
        (ours(conversation="hi"), "^conversation must be a list of messages, not a string$"),
        (ours(conversation=[{"role": "bot"}]), r"^conversation\[0\]\.role must be one of"),
        (ours(expected_response=["x"]), "^expected_response must be a string, not a list$"),
        (ours(expected_tool_calls="track"), "^expected_tool_calls must be a list of tool calls"),
        (ours(expected_tool_calls=[{}]), r"^expected_tool_calls\[0\]\.name must be the tool's"),
        (
            ours(difficulty="extreme"),
            "^difficulty must be one of easy, medium, hard, not 'extreme'",
        ),
        (ours(source="web"), "^source must be one of synthetic, trace, manual, not 'web'$"),
        (ours(tags="a,b"), "^tags must be a list of strings, not a string$"),
        (ours(tags=[""]), "^tags must hold nothing but strings"),
        (ours(metadata=[1]), "^metadata must be an object, not a list$"),
        (ours(metadata={"a": float("nan")}), r"^metadata\.a is nan, which is not JSON"),
        (ours(metadata={"a": {"\x00": 1}}), r"^metadata\.a has a key that holds the character NUL"),
        (ours(run=[]), "^run must be an object, not a list$"),
        (ours(run={}), "^run has no assistant message, response, tool_calls or error$"),
        (ours(run={"messages": [USER]}), "^run has no assistant message"),
        (ours(run={"response": "x", "respnse": 1}), r"^unknown key run\.respnse"),
        (ours(run={"response": "x", "estimates": {}}), r"^unknown key run\.estimates"),
        (
            ours(run={"response": "x", "stop_reason": "end"}),
            r"^run\.stop_reason must be one",
        ),
        (ours(run={"response": 1}), r"^run\.response must be a string, not a number$"),
        (ours(run={"messages": {}}), r"^run\.messages must be a list of messages"),
        (ours(run={"messages": [{"role": "ai"}]}), r"^run\.messages\[0\]\.role must be one of"),
        (ours(run={"tool_calls": [{"name": 1}]}), r"^run\.tool_calls\[0\]\.name must be"),
        (ours(run={"response": "x", "confidence": 1.2}), r"^run\.confidence must be .* 0 to 1"),
        (ours(run={"response": "x", "confidence": "high"}), r"^run\.confidence .* not 'high'$"),
        (ours(run={"response": "x", "seconds": -1}), r"^run\.seconds must be a number from 0"),
        (ours(run={"response": "x", "seconds": 10**400}), r"^run\.seconds .* not a huge number$"),
        (ours(run={"response": "x", "input_tokens": 1.5}), r"^run\.input_tokens must be a whole"),
        (ours(run={"response": "x", "created_at": "now"}), r"^run\.created_at is 'now'"),
        (ours(run={"response": "x", "sample_id": "s2"}), r"^run\.sample_id is s2, but the .* s1$"),
        (ours(run={"response": "x", "agent_version": "a\nb"}), r"^run\.agent_version holds"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_malformed_record_is_refused_by_the_name_of_its_key(record: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        read_record(record)


def test_a_deeply_nested_record_is_refused() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(RecordError, match="nested deeper than 64 levels"):
        read_record(ours(metadata={"deep": value}))


def test_a_message_about_a_huge_value_is_short() -> None:
    with pytest.raises(RecordError) as caught:
        read_record(ours(difficulty="x" * 10**6))
    assert len(str(caught.value)) < 200


@given(JSON | st.dictionaries(st.sampled_from([*ours(), "run", "messages", "id", "tags"]), JSON))
def test_whatever_arrives_is_read_or_refused_as_a_record(value: Any) -> None:
    try:
        sample, _ = read_record(value)
    except RecordError:
        return
    assert sample.sample_id


# The run of our own shape


def test_a_response_alone_makes_a_whole_trace() -> None:
    run = run_of(response="On its way.")
    assert run.messages == (Message("user", "Where is it?"), Message("assistant", "On its way."))
    assert run.agent_version == "recorded"


def test_a_conversation_comes_first_in_a_trace_that_was_not_recorded() -> None:
    _, run = read_record(ours(conversation=[USER, ANSWER], run={"response": "Lost."}))
    assert run is not None
    assert [turn.role for turn in run.messages] == ["user", "assistant", "user", "assistant"]


def test_turns_without_the_question_are_put_after_it() -> None:
    run = run_of(messages=[CALL, TOOL, ANSWER])
    assert [turn.role for turn in run.messages] == ["user", "assistant", "tool", "assistant"]


def test_response_and_calls_are_taken_from_the_messages() -> None:
    run = run_of(messages=[USER, CALL, TOOL, ANSWER])
    assert (run.response, run.tool_calls) == ("On its way.", (ToolCall("track", {"id": 1}),))


def test_what_the_conversation_held_before_is_not_the_agents_doing() -> None:
    turns = [USER, CALL, TOOL, ANSWER]
    _, run = read_record(
        ours(conversation=turns, run={"messages": [*turns, USER, {**ANSWER, "content": None}]})
    )
    assert run is not None
    assert (run.tool_calls, run.response) == ((), None)


def test_a_run_that_failed_has_an_error_and_no_response() -> None:
    run = run_of(error="time-out", messages=[USER, ANSWER])
    assert (run.error, run.response) == ("time-out", None)


def test_a_run_that_failed_before_it_said_anything_shows_the_question() -> None:
    assert run_of(error="time-out").messages == (Message("user", "Where is it?"),)


def test_facts_of_a_run_are_read() -> None:
    run = run_of(
        response="x",
        agent_version="v2",
        confidence=1,
        input_tokens=10,
        output_tokens=2.0,
        seconds=3,
        created_at="2026-01-31T12:00:00Z",
        stop_reason="step_limit",
    )
    assert run.stop_reason == "step_limit"
    assert (run.agent_version, run.confidence, run.confidence_method) == ("v2", 1.0, "recorded")
    assert (run.input_tokens, run.output_tokens, run.seconds) == (10, 2, 3.0)
    assert run.created_at == "2026-01-31T12:00:00Z"


def test_a_method_without_a_confidence_is_left_out() -> None:
    assert run_of(response="x", confidence_method="judge").confidence_method is None
    assert (
        run_of(response="x", confidence=0, confidence_method="judge").confidence_method == "judge"
    )


def test_a_run_can_be_read_for_a_sample_at_hand() -> None:
    run = read_run(Sample("s9", "Hi"), {"response": "Hello", "sample_id": "s9"})
    assert (run.sample_id, run.response) == ("s9", "Hello")


# Recorded chats


def test_a_chat_becomes_the_question_and_the_run() -> None:
    system = {"role": "system", "content": "Be kind."}
    sample, run = read_record(
        {"id": "chat-1", "model": "gpt-5", "messages": [system, USER, CALL, TOOL, ANSWER]}
    )
    assert sample == Sample(
        "chat-1", "Where is it?", (Message("system", "Be kind."),), source="trace"
    )
    assert run is not None
    assert (run.sample_id, run.agent_version, run.response) == ("chat-1", "gpt-5", "On its way.")
    assert (len(run.messages), run.tool_calls) == (5, (ToolCall("track", {"id": 1}),))


def test_a_chat_is_asked_by_the_last_user_turn_before_the_agent_speaks() -> None:
    first = {"role": "user", "content": "Hello?"}
    sample, _ = read_record({"messages": [first, USER, ANSWER, first, ANSWER]})
    assert sample.user_input == "Where is it?"
    assert sample.conversation == (Message("user", "Hello?"),)


def test_a_chat_that_nobody_answered_is_a_sample_without_a_run() -> None:
    _, run = read_record({"id": "chat-1", "messages": [USER]})
    assert run is None


def test_a_chat_may_carry_facts_of_its_run_and_other_keys() -> None:
    _, run = read_record(
        {"messages": [USER, ANSWER], "confidence": 0.4, "usage": {"x": 1}, "sample_id": "mine"}
    )
    assert run is not None
    assert (run.sample_id, run.confidence, run.agent_version) == ("mine", 0.4, "recorded")


def test_the_stop_reason_of_a_chat_is_its_endpoints_own() -> None:
    _, run = read_record({"messages": [USER, ANSWER], "stop_reason": "end_turn"})
    assert run is not None
    assert run.stop_reason is None


@pytest.mark.parametrize("messages", [[], [ANSWER], [{"role": "user", "content": " "}, ANSWER]])
def test_a_chat_without_a_question_is_refused(messages: list[Any]) -> None:
    with pytest.raises(RecordError, match=r"^messages has no user turn with a text before"):
        read_record({"messages": messages})


# The tau-airline file


def trajectories(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_real_file_becomes_two_hundred_samples_of_fifty_scenarios(tau_airline: Path) -> None:
    read = [read_record(record) for record in trajectories(tau_airline)]
    assert len({sample.sample_id for sample, _ in read}) == 200
    assert set(Counter(sample.cluster_id for sample, _ in read).values()) == {4}
    assert {run.agent_version for _, run in read if run} == {"gpt-4o"}
    assert all(run and run.messages and run.confidence is None for _, run in read)


def test_the_real_calls_are_all_parsed(tau_airline: Path) -> None:
    for record in trajectories(tau_airline):
        _, run = read_record(record)
        recorded = [call for m in record["messages"] for call in m.get("tool_calls") or ()]
        assert run is not None
        assert [call.name for call in run.tool_calls] == [c["function"]["name"] for c in recorded]
        assert not any("__unparsed__" in call.arguments for call in run.tool_calls)


def test_the_reward_changes_nothing_that_is_read(tau_airline: Path) -> None:
    for record in trajectories(tau_airline):
        other = {**copy.deepcopy(record), "reward": 1.0 - record["reward"]}
        assert read_record(record) == read_record(other)
        sample, _ = read_record(record)
        assert "reward" not in json.dumps(sample_record(sample))
        assert set(sample.metadata) == {"user_instruction", "expected_outputs"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "^id is missing; expected the trajectory's name$"),
        ({"user_instruction": ""}, "^user_instruction is missing"),
        ({"expected_outputs": "300"}, "^expected_outputs must be a list, not a string$"),
        ({"expected_outputs": 300}, "^expected_outputs must be a list, not a number$"),
        ({"messages": None}, "^messages has no user turn"),
        ({"messages": [USER]}, "^run has no assistant message"),
    ],
)
def test_a_malformed_trajectory_is_refused(change: dict[str, Any], message: str) -> None:
    record = {"id": "t1", "user_instruction": "Ask.", "messages": [USER, ANSWER], "reward": 1.0}
    with pytest.raises(RecordError, match=message):
        read_record({**record, **change})


# There and back


@given(SAMPLES)
def test_a_sample_comes_back_from_its_stored_record(sample: Sample) -> None:
    stored = json.dumps(sample_record(sample), ensure_ascii=False)
    assert read_sample_record(json.loads(stored)) == sample


@given(SAMPLES)
def test_a_sample_that_was_written_out_can_be_imported_again(sample: Sample) -> None:
    again, _ = read_record(json.loads(json.dumps(sample_record(sample))))
    assert again == sample
