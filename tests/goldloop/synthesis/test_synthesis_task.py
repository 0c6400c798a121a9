"""What a task file and a tools file may say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goldloop.errors import SettingsError
from goldloop.synthesis.task import PERSONAS, read_task, read_tools
from goldloop.synthesis.values import INTENTS, Tool

SUPPORT = Path(__file__).parents[3] / "examples" / "customer_support" / "tools.json"


def test_a_text_is_the_description_and_the_axes_are_the_defaults():
    task = read_task("# Help desk\n", [Tool("find", ""), Tool("book", "")])
    assert (task.description, task.policy, task.language) == ("# Help desk\n", "", "")
    assert task.axes["capability"] == {"find": 1.0, "book": 1.0, "no_tool": 1.0}
    assert list(task.axes["persona"]) == list(PERSONAS)
    assert list(task.axes["intent"]) == list(INTENTS)


def test_a_table_gives_lists_or_weights():
    axes = {"persona": ["a", "b"], "intent": {"clear": 2, "ambiguous": 0.5}}
    task = read_task({"description": "x", "policy": "p", "language": "German", "axes": axes})
    assert task.axes["persona"] == {"a": 1.0, "b": 1.0}
    assert task.axes["intent"] == {"clear": 2.0, "ambiguous": 0.5}
    assert (task.policy, task.language) == ("p", "German")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "description is empty"),
        ({"description": 7}, "description must be a text"),
        ({"description": "a\x00b"}, "NUL"),
        ({"description": "x", "persona": []}, "unknown key persona"),
        ({"description": "x", "axes": []}, "axes must be a table"),
        ({"description": "x", "axes": {"mood": ["a"]}}, "unknown key axes.mood"),
        ({"description": "x", "axes": {"persona": []}}, "axes.persona must have 1 to"),
        ({"description": "x", "axes": {"persona": ["a", "a"]}}, "each once"),
        ({"description": "x", "axes": {"persona": "a"}}, "axes.persona must be a list"),
        ({"description": "x", "axes": {"persona": {"a": -1}}}, "axes.persona.a must be a weight"),
        ({"description": "x", "axes": {"persona": {"a": True}}}, "must be a weight"),
        ({"description": "x", "axes": {"persona": {"a": float("nan")}}}, "must be a weight"),
        ({"description": "x", "axes": {"persona": {"a": 0}}}, "every weight is 0"),
        ({"description": "x", "axes": {"difficulty": ["tricky"]}}, "must be one of easy"),
        ({"description": "x", "axes": {"intent": ["rude"]}}, "must be one of clear"),
        ({"description": "x", "axes": {"style": ["a\nb"]}}, "do not print"),
        ({"description": "x", "exclude": {}}, "exclude must be a list"),
        ({"description": "x", "exclude": [{}]}, r"exclude\[0\] must be a table"),
        ({"description": "x", "exclude": [{"intent": "rude"}]}, r"exclude\[0\].intent must be"),
    ],
)
def test_what_is_wrong_with_a_task_is_named(table, said):
    with pytest.raises(SettingsError, match=said):
        read_task(table)


def test_tools_are_read_bare_or_wrapped():
    bare = {"name": "find", "description": "Finds.", "parameters": {"type": "object"}}
    assert read_tools([bare]) == read_tools([{"type": "function", "function": bare}])
    assert read_tools([bare]) == (Tool("find", "Finds.", {"type": "object"}),)


def test_the_tools_of_the_example_are_read():
    tools = read_tools(json.loads(SUPPORT.read_text(encoding="utf-8")))
    assert {"find_order", "refund_order", "search_help"} <= {tool.name for tool in tools}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"tools": []}, "must be a list of tools"),
        (["find"], "tool 1 must be an object"),
        ([{"function": {"description": "x"}}], "name must have 1 to"),
        ([{"name": "a"}, {"name": "a"}], "'a' twice"),
        ([{"name": "a", "parameters": {"type": "thing"}}], "is no JSON schema"),
        ([{"name": "a", "parameters": [1]}], "expected a JSON schema"),
        ([{"name": "a", "description": 7}], "description must be a text"),
        ([{"name": "a\x00"}], "NUL"),
        ([{"name": f"t{n}"} for n in range(129)], "at most 128"),
    ],
)
def test_what_is_wrong_with_tools_is_named(value, said):
    with pytest.raises(SettingsError, match=said):
        read_tools(value)
