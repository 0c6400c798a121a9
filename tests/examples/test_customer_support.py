"""The customer-support sample data is consistent with itself and with its answer key."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from goldloop.records import read_record
from goldloop.samples import DIFFICULTIES, ROLES, SOURCES

FOLDER = Path(__file__).parents[2] / "examples" / "customer_support"
CORRECTNESS = {"correct", "partially_correct", "incorrect"}
TOOL_USE = {
    "right",
    "wrong_tool",
    "wrong_arguments",
    "missing_call",
    "unnecessary_call",
    "not_applicable",
}
FAILURE_MODES = {
    "wrong_tool_call",
    "hallucinated_fact",
    "policy_violation",
    "ignored_instruction",
    "incomplete_answer",
    "tool_error_unhandled",
    "unsafe_action",
    "bad_tone",
    "wrong_language",
    "other",
}
# Runs in which the agent sends a malformed call on purpose, is refused, and mends it.
MALFORMED_FIRST_CALL = {"support-043": "refund_order", "support-055": "find_order"}


def read_lines(name: str) -> list[dict[str, Any]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


CASES = read_lines("cases.jsonl")
KEY = {row["sample_id"]: row for row in read_lines("answers.jsonl")}
TOOLS = json.loads((FOLDER / "tools.json").read_text(encoding="utf-8"))
VALIDATORS = {
    tool["function"]["name"]: Draft202012Validator(tool["function"]["parameters"]) for tool in TOOLS
}
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["sample_id"])


def recorded_calls(case: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    calls = [
        call["function"] for turn in case["run"]["messages"] for call in turn.get("tool_calls", [])
    ]
    return [(call["name"], json.loads(call["arguments"])) for call in calls]


def well_formed(calls: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, arguments) for name, arguments in calls if VALIDATORS[name].is_valid(arguments)]


def expected_calls(case: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["arguments"]) for call in case["expected_tool_calls"]]


def names(calls: list[tuple[str, dict[str, Any]]]) -> Counter[str]:
    return Counter(name for name, _ in calls)


def auroc(wrong: list[float], right: list[float]) -> float:
    """The chance that a right run is surer than a wrong one; a tie counts one half."""
    wins = sum((r > w) + 0.5 * (r == w) for w in wrong for r in right)
    return wins / (len(wrong) * len(right))


def confidences(*, correct: bool) -> list[float]:
    return [
        case["run"]["confidence"]
        for case in CASES
        if (KEY[case["sample_id"]]["correctness"] == "correct") is correct
    ]


def test_there_are_at_least_72_cases_with_ids_of_their_own() -> None:
    assert len(CASES) >= 72
    assert len({case["sample_id"] for case in CASES}) == len(CASES)


def test_the_answer_key_has_the_same_ids_once_each() -> None:
    assert [row["sample_id"] for row in read_lines("answers.jsonl")] == [
        case["sample_id"] for case in CASES
    ]


def test_no_two_cases_ask_the_same_thing() -> None:
    assert len({case["user_input"] for case in CASES}) == len(CASES)


def test_there_are_8_to_10_tools_and_each_schema_is_strict() -> None:
    assert 8 <= len(TOOLS) <= 10
    for tool in TOOLS:
        schema = tool["function"]["parameters"]
        Draft202012Validator.check_schema(schema)
        assert tool["type"] == "function"
        assert tool["function"]["strict"] is True
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])


@each_case
def test_a_case_uses_the_known_words(case: dict[str, Any]) -> None:
    assert case["difficulty"] in DIFFICULTIES
    assert case["source"] in SOURCES
    assert len(case["tags"]) == len(set(case["tags"])) > 0
    assert case["user_input"]
    assert case["cluster_id"]
    assert 0.0 <= case["run"]["confidence"] <= 1.0
    assert min(case["run"][name] for name in ("input_tokens", "output_tokens", "seconds")) > 0


@each_case
def test_goldloop_reads_the_case_with_nothing_lost(case: dict[str, Any]) -> None:
    sample, run = read_record(case)
    assert run is not None
    assert run.sample_id == sample.sample_id == case["sample_id"]
    assert len(run.messages) == len(case["run"]["messages"])
    assert [(call.name, call.arguments) for call in run.tool_calls] == recorded_calls(case)
    assert run.response == case["run"]["messages"][-1]["content"]


@each_case
def test_a_run_starts_with_the_conversation_and_the_question(case: dict[str, Any]) -> None:
    asked = [*case.get("conversation", []), {"role": "user", "content": case["user_input"]}]
    messages = case["run"]["messages"]
    assert messages[: len(asked)] == asked
    assert messages[0]["role"] == "user"
    assert all(message["role"] in ROLES[2:] for message in messages)
    assert 3 <= len(messages) <= 14


@each_case
def test_a_run_ends_with_the_assistants_words(case: dict[str, Any]) -> None:
    final = case["run"]["messages"][-1]
    assert final["role"] == "assistant"
    assert final["content"]
    assert "tool_calls" not in final


@each_case
def test_every_tool_call_is_answered_before_the_next_turn(case: dict[str, Any]) -> None:
    waiting: dict[str, str] = {}
    for message in case["run"]["messages"]:
        if message["role"] == "tool":
            assert waiting.pop(message["tool_call_id"]) == message["name"]
            assert isinstance(json.loads(message["content"])["ok"], bool)
            continue
        assert not waiting
        calls = message.get("tool_calls", [])
        assert bool(calls) is (message["content"] is None)
        waiting = {call["id"]: call["function"]["name"] for call in calls}
        assert len(waiting) == len(calls)
    assert not waiting


@each_case
def test_expected_calls_fit_the_tools(case: dict[str, Any]) -> None:
    for name, arguments in expected_calls(case):
        VALIDATORS[name].validate(arguments)


@each_case
def test_recorded_calls_fit_the_tools_except_the_deliberate_ones(case: dict[str, Any]) -> None:
    refused = [call[0] for call in recorded_calls(case) if call not in well_formed([call])]
    deliberate = MALFORMED_FIRST_CALL.get(case["sample_id"])
    assert refused == ([deliberate] if deliberate else [])


@each_case
def test_a_case_with_nothing_to_call_says_so_with_an_empty_list(case: dict[str, Any]) -> None:
    assert isinstance(case["expected_tool_calls"], list)
    if "no_tool" in case["tags"]:
        assert case["expected_tool_calls"] == []
        assert KEY[case["sample_id"]]["tool_use"] == "not_applicable"


@each_case
def test_the_key_uses_the_known_words(case: dict[str, Any]) -> None:
    key = KEY[case["sample_id"]]
    assert key["correctness"] in CORRECTNESS
    assert key["tool_use"] in TOOL_USE
    assert set(key["failure_modes"]) <= FAILURE_MODES
    assert key["helpfulness"] in {1, 2, 3, 4, 5}
    assert key["expected_response"] == case["expected_response"]


@each_case
def test_failure_modes_are_named_exactly_when_the_run_is_wrong(case: dict[str, Any]) -> None:
    key = KEY[case["sample_id"]]
    assert bool(key["failure_modes"]) is (key["correctness"] != "correct")


@each_case
def test_the_verdict_on_tool_use_follows_from_the_calls(case: dict[str, Any]) -> None:
    recorded, expected = well_formed(recorded_calls(case)), expected_calls(case)
    missing, extra = names(expected) - names(recorded), names(recorded) - names(expected)
    holds = {
        "right": recorded == expected != [],
        "not_applicable": recorded == expected == [],
        "missing_call": bool(missing) and not extra,
        "unnecessary_call": bool(extra),
        "wrong_tool": bool(missing) and bool(extra),
        "wrong_arguments": not missing and not extra and recorded != expected,
    }
    assert holds[KEY[case["sample_id"]]["tool_use"]]


@each_case
def test_the_expected_response_does_not_give_the_verdict_away(case: dict[str, Any]) -> None:
    assert case["expected_response"] != case["run"]["messages"][-1]["content"]


@each_case
def test_people_have_example_addresses_only(case: dict[str, Any]) -> None:
    text = json.dumps(case, ensure_ascii=False)
    assert all(
        host.endswith("example.com") for host in re.findall(r"(?:@|https?://)([\w.-]+\w)", text)
    )


def test_a_third_of_the_runs_is_wrong() -> None:
    assert len(confidences(correct=False)) / len(CASES) == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_each_difficulty_is_about_a_third_and_has_wrong_runs(difficulty: str) -> None:
    chosen = [case for case in CASES if case["difficulty"] == difficulty]
    assert len(chosen) / len(CASES) == pytest.approx(1 / 3, abs=0.05)
    assert any(KEY[case["sample_id"]]["correctness"] != "correct" for case in chosen)


def test_at_least_12_tags_have_three_cases_or_more() -> None:
    tags = Counter(tag for case in CASES for tag in case["tags"])
    assert sum(count >= 3 for count in tags.values()) >= 12
    assert min(tags.values()) >= 2


def test_confidence_is_informative_but_imperfect() -> None:
    wrong, right = confidences(correct=False), confidences(correct=True)
    assert 0.75 <= auroc(wrong, right) <= 0.85
    assert sum(value >= 0.9 for value in wrong) >= 3
    assert sum(value < 0.5 for value in right) >= 3
    assert len(set(wrong + right)) >= 0.95 * len(CASES)


def test_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc([0.1, 0.5], [0.5, 0.9]) == pytest.approx(3.5 / 4)


def test_the_readme_states_the_true_counts() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    stated = {name: int(count) for name, count in re.findall(r"\| `(\w+)` \| (\d+) \|", readme)}
    true = Counter(case["difficulty"] for case in CASES)
    true += Counter(case["source"] for case in CASES)
    true += Counter(tag for case in CASES for tag in case["tags"])
    for field in ("correctness", "tool_use"):
        true += Counter(KEY[case["sample_id"]][field] for case in CASES)
    true += Counter(mode for row in KEY.values() for mode in row["failure_modes"])
    assert stated == dict(true)


def test_the_readme_states_the_true_auroc() -> None:
    value = auroc(confidences(correct=False), confidences(correct=True))
    assert f"AUROC {value:.3f}" in (FOLDER / "README.md").read_text(encoding="utf-8")
