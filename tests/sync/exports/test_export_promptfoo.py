"""promptfoo gets tests that assert what is expected, and nothing that it would run or load."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sync.exports.promptfoo import SAME_CALLS, literal, literal_json
from tests.sync.exports.golden import GRADABLE, NESTED, RECORD, Golden

# What promptfoo's documentation says of a test; other keys would be a mistake of ours.
ASSERTION = {
    "type": "object",
    "required": ["type", "value", "metric"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["llm-rubric", "javascript"]},
        "value": {"type": "string", "minLength": 1},
        "metric": {"enum": ["response", "tool_calls"]},
        "config": {
            "type": "object",
            "required": ["expected"],
            "properties": {"expected": {"type": "string"}},
        },
    },
}
TEST = {
    "type": "object",
    "required": ["description", "vars", "assert", "metadata"],
    "additionalProperties": False,
    "properties": {
        "description": {"type": "string"},
        # promptfoo would make one test for each value of a list.
        "vars": {"type": "object", "additionalProperties": {"type": "string"}},
        "assert": {"type": "array", "minItems": 1, "items": ASSERTION},
        "metadata": {"type": "object"},
    },
}
# A template begins so, but for the one that `literal` writes: a string in quotes and nothing else.
TEMPLATE = re.compile(r'\{[{%#](?! "[{#]?" \}\})')


@pytest.fixture
def tests(golden: Golden, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The tests by sample."""
    said = golden.export("promptfoo", tmp_path / "out.jsonl")
    assert said["left_out"] == {"nothing is expected of them": 1}
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["metadata"]["sample_id"]: one for one in map(json.loads, lines)}


def test_every_line_is_a_test_with_an_assertion(tests: dict[str, Any]) -> None:
    assert sorted(tests) == GRADABLE
    for test in tests.values():
        jsonschema.validate(test, TEST)


def test_what_is_expected_decides_what_is_asserted(tests: dict[str, Any]) -> None:
    metrics = {name: [one["metric"] for one in test["assert"]] for name, test in tests.items()}
    assert metrics["plain"] == ["response"]
    assert metrics["turns"] == ["response", "tool_calls"]
    assert metrics["calls only"] == metrics["no call"] == ["tool_calls"]
    assert "It leaves tomorrow." in tests["plain"]["assert"][0]["value"]
    [call, _] = json.loads(tests["turns"]["assert"][1]["config"]["expected"])
    assert call["arguments"] == NESTED


def test_the_messages_are_the_whole_conversation(tests: dict[str, Any]) -> None:
    messages = json.loads(tests["turns"]["vars"]["messages"])
    assert [one["role"] for one in messages] == [
        *(turn["role"] for turn in RECORD["turns"]["conversation"]),
        "user",
    ]
    assert messages[3]["tool_call_id"] == messages[2]["tool_calls"][0]["id"]


def test_nothing_that_a_user_wrote_begins_a_template_or_is_loaded(tests: dict[str, Any]) -> None:
    for test in tests.values():
        rendered = [test["description"], *test["vars"].values()]
        for one in test["assert"]:
            rendered += [one["value"], *one.get("config", {}).values()]
        assert not [text for text in rendered if TEMPLATE.search(text)]
        assert not [text for text in rendered if text.startswith(("file:", "package:"))]


@pytest.mark.parametrize(
    "text",
    [
        *("{{ env.KEY }}", "{%x%}", "{# c #}", "{#}", "x #}", "{{{x}}}", "{", "plain }}"),
        *("file:///etc/passwd", "two\n\n"),
    ],
)
def test_rendered_once_an_escaped_text_is_as_it_was(text: str) -> None:
    jinja2 = pytest.importorskip("jinja2")  # the language that Nunjucks is a port of
    assert jinja2.Template(literal(text)).render() == text
    assert json.loads(jinja2.Template(literal_json([text])).render()) == [text]


def test_gold_weights_slices_and_fingerprints_are_in_the_metadata(
    golden: Golden, tests: dict[str, Any]
) -> None:
    known, item = tests["turns"]["metadata"], golden.items["turns"]
    assert json.loads(known["labels"]) == item["labels"]
    assert known["slices"] == ["difficulty:hard", "tag:orders", "tag:refund"]
    assert known["weight"] == item["selection"]["weight"]
    prints = golden.manifest["fingerprints"]
    assert known["labels_fingerprint"] == f"sha256:{prints['labels']}"


REORDERED = {key: NESTED[key] for key in reversed(NESTED)}
EXPECTED = [{"name": "refund", "arguments": NESTED}, {"name": "say_bye", "arguments": {}}]
OTHER = {**NESTED, "order": {**NESTED["order"], "id": 8}}


def openai(name: str, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": "call_1", "type": "function", "function": function}


def anthropic(name: str, arguments: Any) -> str:
    return json.dumps({"type": "tool_use", "id": "t", "name": name, "input": arguments})


OUTPUTS = [
    ([openai("refund", NESTED), openai("say_bye", {})], EXPECTED, True),
    ([openai("say_bye", {}), openai("refund", REORDERED)], EXPECTED, True),
    ({"tool_calls": [openai("refund", NESTED), openai("say_bye", {})]}, EXPECTED, True),
    (json.dumps([openai("refund", NESTED), openai("say_bye", {})]), EXPECTED, True),
    (f"On it.\n\n{anthropic('refund', NESTED)}\n\n{anthropic('say_bye', {})}", EXPECTED, True),
    ([openai("refund", NESTED)], EXPECTED, False),
    ([openai("refund", NESTED)] * 2, EXPECTED, False),
    ([openai("refund", OTHER), openai("say_bye", {})], EXPECTED, False),
    ([openai("Refund", NESTED), openai("say_bye", {})], EXPECTED, False),
    (
        [*(openai(one["name"], one["arguments"]) for one in EXPECTED), openai("x", {})],
        EXPECTED,
        False,
    ),
    ("I did nothing.", EXPECTED, False),
    ("Thanks!", [], True),
    ("", [], True),
    ([openai("x", {})], [], False),
    (
        [{"type": "function", "function": {"name": "x", "arguments": ""}}],
        [{"name": "x", "arguments": {}}],
        True,
    ),
]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_program_compares_calls_by_their_structure(tmp_path: Path) -> None:
    cases = [{"output": said, "expected": json.dumps(wanted)} for said, wanted, _ in OUTPUTS]
    program = (
        "const [same, cases] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "const run = new Function('output', 'context', same);"
        "const pass = (one) => run(one.output, { config: { expected: one.expected } }).pass;"
        "console.log(JSON.stringify(cases.map(pass)));"
    )
    done = subprocess.run(
        ["node", "-e", program],
        input=json.dumps([SAME_CALLS, cases]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [passes for _, _, passes in OUTPUTS]
