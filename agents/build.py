"""Make the agent that the settings name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.base import Agent
from agents.http_json import HttpAgent
from agents.openai_chat import OpenAIAgent
from agents.python_callable import PythonAgent, imported
from agents.recorded import RecordedAgent
from goldloop.errors import SettingsError
from goldloop.samples import Run

KINDS = ("recorded", "python", "openai", "http")


def build_agent(
    kind: str,
    *,
    version: str,
    target: str | None = None,
    folder: str | None = None,
    url: str | None = None,
    headers: Mapping[str, str] | None = None,
    model: str | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    system_prompt: str | None = None,
    temperature: float | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 60.0,
    answers: int = 3,
    execute: str | None = None,
    runs: Mapping[str, Run] | Callable[[str], Run | None] | None = None,
) -> Agent:
    """The agent of one of `KINDS`; settings of the other kinds are ignored.

    `python` needs `target` (`folder`: made importable), `http` needs `url`, `openai` needs `model`,
    `recorded` needs `runs`. `execute` names the module:callable that runs an openai agent's tools:
    it takes (name, arguments) and returns the tool's answer. Raises `SettingsError` naming the
    setting that is missing or wrong.
    """
    if not version:
        raise SettingsError("agent version is not set; name the version that is evaluated")
    if kind == "recorded":
        if runs is None:
            raise _missing("runs", kind)
        return RecordedAgent(version, runs)
    if kind == "python":
        return PythonAgent(_needed(target, "target", kind), version, folder)
    seconds = _within(timeout, "timeout", 0.001, 3600)
    if kind == "http":
        return HttpAgent(_needed(url, "url", kind), version, headers, seconds)
    if kind != "openai":
        raise SettingsError(f"agent kind: expected one of {', '.join(KINDS)}, got {kind[:40]!r}")
    return OpenAIAgent(
        _needed(model, "model", kind),
        version,
        tools=tools,
        system_prompt=system_prompt,
        temperature=None if temperature is None else _within(temperature, "temperature", 0, 2),
        base_url=base_url,
        api_key=api_key,
        timeout=seconds,
        answers=int(_within(answers, "answers", 1, 20)),
        execute=_executor(execute, folder) if execute else None,
    )


def _executor(target: str, folder: str | None) -> Callable[[str, Mapping[str, Any]], str]:
    run_tool = imported(target, folder)

    def execute(name: str, arguments: Mapping[str, Any]) -> str:
        answer = run_tool(name, arguments)
        return answer if isinstance(answer, str) else json.dumps(answer, default=str)

    return execute


def _needed(value: str | None, setting: str, kind: str) -> str:
    if not value:
        raise _missing(setting, kind)
    return value


def _missing(setting: str, kind: str) -> SettingsError:
    return SettingsError(f"agent {setting} is not set; an agent of kind {kind} needs it")


def _within(value: float, setting: str, least: float, most: float) -> float:
    if not (math.isfinite(value) and least <= value <= most):
        raise SettingsError(f"agent {setting}: expected {least} to {most}, got {value}")
    return value
