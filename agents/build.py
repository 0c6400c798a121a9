"""Make the agent that the settings name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from agents.base import MAX_STEPS, Agent
from agents.http_json import HttpAgent
from agents.python_callable import PythonAgent, imported_value
from agents.recorded import RecordedAgent
from agents.retry import Retry
from agents.tools import Tools, executed_tools, recorded_tools
from goldloop.errors import SettingsError
from goldloop.samples import Run
from goldloop.schemas import Schema

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
    api: str = "chat",
    stream: bool = False,
    tools: object = None,
    system_prompt: str | None = None,
    temperature: float | None = None,
    response_schema: object = None,
    max_steps: int = MAX_STEPS,
    max_tokens: int | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 60.0,
    retry: Retry | None = None,
    execute: str | None = None,
    runs: Mapping[str, Run] | Callable[[str], Run | None] | None = None,
) -> Agent:
    """The agent of one of `KINDS`; settings of the other kinds are ignored.

    `python` needs `target` (`folder`: made importable), `http` needs `url`, `openai` needs `model`,
    `recorded` needs `runs`. `execute` names the module:TOOLS or module:callable that runs an openai
    agent's tools, as `agents.tools.executed_tools` takes it. Raises `SettingsError` naming the
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
        return HttpAgent(_needed(url, "url", kind), version, headers, seconds, retry)
    if kind != "openai":
        raise SettingsError(f"agent kind: expected one of {', '.join(KINDS)}, got {kind[:40]!r}")
    # Here: the SDK takes longer to import than all the rest, and the other kinds need none of it.
    from agents.openai_agent import OpenAIAgent
    from agents.openai_model import OpenAIModel

    # What may be wrong with them is found before a connection is made.
    shown = _tools(tools, execute, folder)
    schema = None if response_schema is None else Schema(response_schema, "agent response_schema")
    warmth = None if temperature is None else _within(temperature, "temperature", 0, 2)
    asked = OpenAIModel(
        _needed(model, "model", kind),
        api=api,
        stream=stream,
        base_url=base_url,
        api_key=api_key,
        timeout=seconds,
        max_tokens=max_tokens,
        retry=retry,
    )
    return OpenAIAgent(
        asked,
        version,
        tools=shown,
        system_prompt=system_prompt,
        temperature=warmth,
        schema=schema,
        max_steps=int(_within(max_steps, "max_steps", 1, 100)),
    )


def _tools(tools: object, execute: str | None, folder: str | None) -> Tools:
    given = () if tools is None else tools
    if not execute:
        return recorded_tools(given)
    run = imported_value(execute, folder)
    return executed_tools(given, run, f"agent execute {execute!r}")


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
