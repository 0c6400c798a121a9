from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from agents.build import build_agent
from agents.openai_agent import OpenAIAgent
from goldloop.errors import SettingsError
from goldloop.samples import Run, Sample, ToolCall

RUN = Run("s-1", "v1", response="Yes.")
SETTINGS: dict[str, dict[str, Any]] = {
    "recorded": {"runs": {"s-1": RUN}},
    "python": {"target": "json:dumps"},
    "http": {"url": "http://localhost:1/ask"},
    "openai": {"model": "m-1", "api_key": "sk-test-0123456789abcdefghij"},
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_each_kind_is_made_in_the_version_that_is_named(kind: str) -> None:
    agent = build_agent(kind, version="v1", **SETTINGS[kind])
    assert agent.version == "v1"
    assert kind in type(agent).__name__.lower()
    assert "sk-test" not in repr(agent)
    agent.close()


def test_the_agent_that_is_made_answers() -> None:
    agent = build_agent("recorded", version="v1", runs={"s-1": RUN})
    assert agent.answer(Sample("s-1", "?")) is RUN


@pytest.mark.parametrize(
    ("kind", "changes", "names"),
    [
        ("recorded", {"version": ""}, "version"),
        ("magic", {}, "recorded, python, openai, http, got 'magic'"),
        ("recorded", {"runs": None}, "runs"),
        ("python", {"target": None}, "target"),
        ("http", {"url": ""}, "url"),
        ("openai", {"model": None}, "model"),
        ("openai", {"api_key": None}, "OPENAI_API_KEY"),
        ("openai", {"base_url": "localhost"}, "OPENAI_BASE_URL"),
        ("openai", {"temperature": 2.1}, "temperature"),
        ("openai", {"temperature": math.nan}, "temperature"),
        ("http", {"timeout": 0}, "timeout"),
        ("openai", {"timeout": math.inf}, "timeout"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(
    kind: str, changes: dict[str, Any], names: str
) -> None:
    settings = {"version": "v1", **SETTINGS.get(kind, {}), **changes}
    with pytest.raises(SettingsError, match=names):
        build_agent(kind, **settings)


def test_an_openai_agent_runs_its_tools_through_the_callable_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop_tools.py").write_text(
        "def run(name, arguments):\n    return {'tool': name, **arguments}\n"
    )
    agent = build_agent(
        "openai",
        version="v",
        execute="shop_tools:run",
        folder=str(tmp_path),
        **SETTINGS["openai"],
    )
    assert isinstance(agent, OpenAIAgent)
    result = agent.tools.result(ToolCall("refund", {"order": 7}))
    assert json.loads(result) == {"tool": "refund", "order": 7}
    agent.close()


def test_a_tool_callable_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="no_such_tools:run"):
        build_agent("openai", version="v", model="m", execute="no_such_tools:run")
