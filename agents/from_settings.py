"""The live agent that the settings describe."""

from __future__ import annotations

import json
from pathlib import Path

from agents.base import Agent, Model
from agents.build import build_agent
from agents.estimating import EstimatingAgent, Estimation
from agents.retry import Retry
from goldloop.confidence import VERBALIZED
from goldloop.errors import SettingsError
from goldloop.settings import AgentSettings, Settings


def agent_from_settings(settings: Settings, folder: Path, version: str) -> Agent:
    """An agent that answers under the name `version`, and says how sure it is; files are relative
    to `folder`.

    Raises SettingsError when the settings do not describe one that can be asked.
    """
    estimation = _estimation(settings, folder)
    return EstimatingAgent(bare_agent(settings, folder, version), estimation)


def _estimation(settings: Settings, folder: Path) -> Estimation:
    """What is to be estimated; the models that are asked for it are made."""
    asked, agent = settings.confidence, settings.agent
    named = asked.model or (agent.model if agent.kind == "openai" else "")
    states = VERBALIZED in (*asked.estimators, asked.method)
    return Estimation(
        method=asked.method,
        estimators=frozenset(asked.estimators),
        answers=agent.answers,
        ordered=asked.ordered_calls,
        model=model_from_settings(settings, named) if states and named else None,
        judge=model_from_settings(settings, asked.judge) if asked.judge else None,
        instructions=_text(folder / agent.system_prompt) if agent.system_prompt else None,
    )


def bare_agent(settings: Settings, folder: Path, version: str) -> Agent:
    """The agent alone: asked once for each answer, and not how sure it is. Raises as
    `agent_from_settings` does.
    """
    agent = settings.agent
    kind, _, target = agent.kind.partition(":")
    return build_agent(
        kind,
        version=version,
        target=target or None,
        url=agent.url or None,
        model=agent.model or None,
        api=agent.api,
        stream=agent.stream,
        tools=_json(folder / agent.tools) if agent.tools else None,
        system_prompt=_text(folder / agent.system_prompt) if agent.system_prompt else None,
        temperature=agent.temperature,
        response_schema=_json(folder / agent.response_schema) if agent.response_schema else None,
        max_steps=agent.max_steps,
        max_tokens=agent.max_output or None,
        base_url=agent.base_url or None,
        api_key=settings.secrets.openai_api_key or None,
        timeout=agent.timeout,
        retry=_retry(agent),
        execute=agent.execute or None,
        headers={"Authorization": settings.secrets.agent_authorization}
        if settings.secrets.agent_authorization
        else None,
        folder=str(folder),
    )


def model_from_settings(settings: Settings, name: str = "") -> Model:
    """The model of that name, or the agent's own, at the endpoint that the settings name.

    Raises SettingsError when they name no model, or OpenAI's endpoint and no key.
    """
    agent = settings.agent
    if not (name or agent.model):
        raise SettingsError("goldloop.toml: [agent] model is not set; name the model to ask")
    from agents.openai_model import OpenAIModel  # the SDK takes longer to import than all the rest

    return OpenAIModel(
        name or agent.model,
        api=agent.api,
        stream=agent.stream,
        base_url=agent.base_url or None,
        api_key=settings.secrets.openai_api_key or None,
        timeout=agent.timeout,
        max_tokens=agent.max_output or None,
        retry=_retry(agent),
    )


def _retry(agent: AgentSettings) -> Retry:
    return Retry(attempts=agent.attempts, first_wait=agent.first_wait)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"goldloop.toml: [agent]: {path} cannot be read: {error}") from error


def _json(path: Path) -> object:
    try:
        value: object = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not JSON: {error}") from error
    return value
