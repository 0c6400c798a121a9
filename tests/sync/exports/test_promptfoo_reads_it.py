"""The real promptfoo validates an export, and evaluates two agents by it: one right, one wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sync.exports.case import chat
from tests.agents.openai_server import OpenAIServer, says
from tests.sync.exports.golden import GRADABLE, NESTED, RECORD, Golden
from tests.sync.exports.promptfoo import program

CONFIG = "promptfooconfig.yaml"
SECRET = "sk-canary-0123456789"
RIGHT: dict[str, list[tuple[str, Any]]] = {
    "turns": [("say_bye", {}), ("refund", NESTED)],
    "calls only": [("cancel", {"id": "7"})],
}
WRONG: dict[str, list[tuple[str, Any]]] = {
    "turns": [("refund", {**NESTED, "fast": False}), ("say_bye", {})],
    "calls only": [("cancel", {"id": 7})],
    "no call": [("cancel", {"id": "7"})],
}
WITH_CALLS = sorted([*RIGHT, "no call"])
WITH_RESPONSE = sorted(one for one in GRADABLE if RECORD[one].get("expected_response"))


@dataclass(frozen=True)
class Evaluated:
    """The metadata of the tests by sample, as they were exported; and what promptfoo made of them:
    its output, their metadata again, whether each assertion held, by agent, prompt, sample and
    metric, what the agents were asked, by prompt and sample, and what the judge was asked.
    """

    exported: Mapping[str, Any]
    validated: str
    printed: str
    known: Mapping[str, Any]
    passed: Mapping[tuple[str, str, str, str], bool]
    asked: Mapping[tuple[str, str], str]
    judged: tuple[Any, ...]


@pytest.fixture(scope="module")
def evaluated(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """Both agents on all cases, each by both of the test's variables."""
    reason = program.missing()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; CI has to install it")
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("promptfoo")
    golden.export("promptfoo", folder / "tests.jsonl")
    shutil.copy(program.HERE / "provider.mjs", folder)
    answers = {name: output(calls) for name, calls in (("right", RIGHT), ("wrong", WRONG))}
    (folder / "answers.json").write_text(json.dumps(answers))
    with OpenAIServer() as judge:
        judge.script = [says('{"pass": true, "score": 1, "reason": "it says the same"}')]
        (folder / CONFIG).write_text(json.dumps(configuration(judge.url)))
        checked = program.run(folder, "validate", "-c", CONFIG)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        asked = ("-c", CONFIG, "--no-cache", "--no-table", "--no-progress-bar", "-o", "out.json")
        done = program.run(folder, "eval", *asked, OPENAI_API_KEY=SECRET)
    assert (folder / "out.json").is_file(), done.stdout + done.stderr
    results = json.loads((folder / "out.json").read_text(encoding="utf-8"))["results"]["results"]
    exported = [one["metadata"] for one in lines(folder / "tests.jsonl")]
    return Evaluated(
        exported={one["sample_id"]: one for one in exported},
        validated=checked.stdout,
        printed=done.stdout + done.stderr,
        known={one["metadata"]["sample_id"]: one["testCase"]["metadata"] for one in results},
        passed=verdicts(results),
        asked={
            (one["label"], one["sample"]): one["prompt"] for one in lines(folder / "asked.jsonl")
        },
        judged=tuple(request.body for request in judge.requests),
    )


def lines(path: Path) -> list[dict[str, Any]]:
    """A file of JSON Lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def configuration(judge: str) -> dict[str, Any]:
    """What a user would write, with agents and a judge that cost nothing."""
    agents = [
        {"id": "file://provider.mjs", "label": name, "config": {"says": name}}
        for name in ("right", "wrong")
    ]
    grader = {"id": "openai:chat:judge-1", "config": {"apiBaseUrl": judge}}
    return {
        "prompts": [
            {"raw": "{{ messages }}", "label": "messages"},
            {"raw": "{{ user_input }}", "label": "user_input"},
        ],
        "providers": agents,
        "defaultTest": {"options": {"provider": grader}},
        "tests": "file://tests.jsonl",
    }


def output(calls: Mapping[str, list[tuple[str, Any]]]) -> dict[str, Any]:
    """What an agent says of each case: its calls in OpenAI's form, or else a text."""
    return {
        sample: [
            {"type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for name, arguments in calls[sample]
        ]
        if sample in calls
        else "Thank you."
        for sample in GRADABLE
    }


def verdicts(results: list[dict[str, Any]]) -> dict[tuple[str, str, str, str], bool]:
    """Whether each assertion held; a test that came to nothing has none."""
    found = {}
    for one in results:
        place = (one["provider"]["label"], one["prompt"]["label"], one["metadata"]["sample_id"])
        for part in (one["gradingResult"] or {}).get("componentResults", ()):
            found[(*place, part["assertion"]["metric"])] = part["pass"]
    return found


def parsed(value: Any) -> Any:
    """The value with its JSON texts read: promptfoo writes them in a form of its own."""
    if isinstance(value, Mapping):
        return {key: parsed(one) for key, one in value.items()}
    is_json = isinstance(value, str) and value.startswith(("[", "{"))
    with suppress(ValueError):
        return json.loads(value) if is_json else value
    return value


def test_promptfoo_finds_the_configuration_valid(evaluated: Evaluated) -> None:
    assert "Configuration is valid" in evaluated.validated


def test_every_case_is_asserted_by_what_is_expected_of_it(evaluated: Evaluated) -> None:
    expected = {(name, "tool_calls") for name in WITH_CALLS}
    expected |= {(name, "response") for name in WITH_RESPONSE}
    for agent in ("right", "wrong"):
        for prompt in ("messages", "user_input"):
            found = {place[2:] for place in evaluated.passed if place[:2] == (agent, prompt)}
            assert found == expected


def test_right_calls_pass_and_wrong_ones_fail(evaluated: Evaluated) -> None:
    calls = {place: good for place, good in evaluated.passed.items() if place[3] == "tool_calls"}
    assert {agent for agent, *_ in calls} == {"right", "wrong"}
    assert calls == {place: place[0] == "right" for place in calls}


def test_the_prompt_of_messages_is_the_whole_conversation(
    golden: Golden, evaluated: Evaluated
) -> None:
    for sample in GRADABLE:
        asked = evaluated.asked["messages", sample]
        assert json.loads(asked) == chat(golden.items[sample])


def test_what_a_user_wrote_comes_through_as_it_is(evaluated: Evaluated) -> None:
    for sample in GRADABLE:
        assert evaluated.asked["user_input", sample] == RECORD[sample]["user_input"]


def test_the_judge_compares_with_the_expected_response_as_it_is(evaluated: Evaluated) -> None:
    rubrics = {body["messages"][-1]["content"] for body in evaluated.judged}
    for sample in WITH_RESPONSE:
        assert [one for one in rubrics if RECORD[sample]["expected_response"] in one], sample


def test_what_is_known_of_a_case_comes_back_with_its_result(evaluated: Evaluated) -> None:
    assert parsed(evaluated.known) == parsed(evaluated.exported)


def test_no_secret_of_the_environment_is_in_anything(evaluated: Evaluated) -> None:
    said = json.dumps([list(evaluated.asked.values()), evaluated.judged]) + evaluated.printed
    assert SECRET not in said
