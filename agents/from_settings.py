"""The live agent that the settings describe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.base import Agent
from agents.build import build_agent
from goldloop.errors import SettingsError
from goldloop.settings import Settings


def agent_from_settings(settings: Settings, folder: Path, version: str) -> Agent:
    """An agent that answers under the name `version`; files are relative to `folder`.

    Raises SettingsError when the settings do not describe one that can be asked.
    """
    agent = settings.agent
    kind, _, target = agent.kind.partition(":")
    return build_agent(
        kind,
        version=version,
        target=target or None,
        url=agent.url or None,
        model=agent.model or None,
        tools=_tools(folder / agent.tools) if agent.tools else None,
        system_prompt=_text(folder / agent.system_prompt) if agent.system_prompt else None,
        temperature=agent.temperature,
        base_url=agent.base_url or None,
        api_key=settings.secrets.openai_api_key or None,
        timeout=agent.timeout,
        answers=agent.answers,
        execute=agent.execute or None,
        headers={"Authorization": settings.secrets.agent_authorization}
        if settings.secrets.agent_authorization
        else None,
        folder=str(folder),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"goldloop.toml: [agent]: {path} cannot be read: {error}") from error


def _tools(path: Path) -> Sequence[Any]:
    try:
        tools = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise SettingsError(f"{path} is not JSON: {error}") from error
    if not isinstance(tools, list):
        raise SettingsError(f"{path} must hold a JSON list of tool definitions")
    return tools
