from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.python_callable import PythonAgent
from goldloop.errors import AgentError, SettingsError
from goldloop.samples import Message, Sample, ToolCall

SAMPLE = Sample("s-1", "Hi there", conversation=(Message("user", "Hello"),))
CODE = """
import sys

def echo(asked):
    return f"{asked['sample_id']}: {asked['messages'][-1]['content']}"

def detailed(asked):
    return {"response": "ok", "tool_calls": [{"name": "f", "arguments": {"n": 1}}],
            "confidence": 0.25, "input_tokens": 3, "output_tokens": 4}

def nothing(asked):
    return None

def broken(asked):
    raise ValueError("the table is empty, key sk-abcdefghijklmnop")

def leaves(asked):
    sys.exit(3)

async def later(asked):
    return "later"

class Bot:
    @staticmethod
    def reply(asked):
        return "from a class"

number = 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "my_callable_agent.py").write_text(CODE)
    (tmp_path / "my_broken_module.py").write_text("raise RuntimeError('no database')")
    before = list(sys.path)
    yield str(tmp_path)
    sys.path[:] = before
    sys.modules.pop("my_callable_agent", None)


def agent(name: str, folder: str) -> PythonAgent:
    return PythonAgent(f"my_callable_agent:{name}", "v1", folder)


def test_a_returned_text_is_the_response(folder: str) -> None:
    run = agent("echo", folder).answer(SAMPLE)
    assert (run.response, run.agent_version) == ("s-1: Hi there", "v1")
    assert run.seconds is not None
    assert run.seconds >= 0


def test_a_returned_mapping_gives_the_rest(folder: str) -> None:
    run = agent("detailed", folder).answer(SAMPLE)
    assert run.tool_calls == (ToolCall("f", {"n": 1}),)
    assert (run.confidence, run.input_tokens, run.output_tokens) == (0.25, 3, 4)


def test_a_dotted_path_reaches_into_a_class(folder: str) -> None:
    assert agent("Bot.reply", folder).answer(SAMPLE).response == "from a class"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "'s-1'.*expected an object, got NoneType"),
        ("broken", "'s-1'.*ValueError: the table is empty"),
        ("leaves", "'s-1'.*SystemExit"),
    ],
)
def test_a_callable_that_fails_is_an_agent_error(folder: str, name: str, says: str) -> None:
    with pytest.raises(AgentError, match=says) as caught:
        agent(name, folder).answer(SAMPLE)
    assert "sk-abc" not in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        "my_callable_agent",
        "my_callable_agent:",
        ":echo",
        "my_callable_agent:absent",
        "my_callable_agent:number",
        "my_callable_agent:later",
        "my_broken_module:f",
        "absent_module:f",
    ],
)
def test_a_target_that_cannot_be_called_is_a_settings_error(folder: str, target: str) -> None:
    with pytest.raises(SettingsError, match=f"'{target}'"):
        PythonAgent(target, "v1", folder)


def test_the_folder_is_not_importable_unless_it_is_given(folder: str) -> None:
    with pytest.raises(SettingsError, match="ModuleNotFoundError"):
        PythonAgent("my_callable_agent:echo", "v1")
