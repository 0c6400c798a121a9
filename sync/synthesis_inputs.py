"""What a generation is asked for with: the task file, the tools file, and the settings."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from goldloop.errors import SettingsError
from goldloop.settings import Settings
from goldloop.synthesis.prompts import PROMPT_VERSION
from goldloop.synthesis.task import Task, read_task, read_tools

MOST_BYTES = 5_000_000
# What changes nothing of what is written and filtered, so that it may change between two starts.
_OTHER_SETTINGS = (
    "base_url",
    "concurrency",
    "timeout",
    "spot_check",
    "min_spot_check",
    "max_rejected",
    "title",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A generation as it was asked for; `inputs` are what a batch has to have been made with for
    the generation to go on.
    """

    task: Task
    count: int
    model: str
    inputs: Mapping[str, Any]

    @property
    def focus(self) -> bool:
        """Whether it is turned towards where the agent is weak."""
        return bool(self.inputs["focus"])

    @property
    def examples(self) -> int:
        """How many samples of the pool each prompt shows."""
        return int(self.inputs["settings"]["examples"])

    @property
    def seed(self) -> int | None:
        """The seed that was asked for."""
        found: int | None = self.inputs["seed"]
        return found


def read_asked(
    settings: Settings,
    task_file: Path,
    tools_file: Path | None,
    count: int,
    *,
    seed: int | None = None,
    focus: bool = False,
) -> Asked:
    """Read and check the files. Raises SettingsError that names the file, and the line or key."""
    source = read_task_file(task_file)
    tools = _read_json(tools_file) if tools_file else []
    chosen, agent = settings.synthesis, settings.agent
    model = chosen.model or agent.model
    if not model:
        raise SettingsError(
            "no model to write samples with: set [synthesis] model (or [agent] model) in"
            " goldloop.toml"
        )
    inputs = {
        "task": source,
        "tools": tools,
        "count": count,
        "seed": seed,
        "focus": focus,
        "model": model,
        "prompt_version": PROMPT_VERSION,
        "settings": {k: v for k, v in asdict(chosen).items() if k not in _OTHER_SETTINGS},
    }
    task = task_of(inputs, task_file, tools_file)
    return Asked(task, count, model, json.loads(json.dumps(inputs)))


def task_of(
    inputs: Mapping[str, Any], task_file: Path | None = None, tools_file: Path | None = None
) -> Task:
    """The task of a batch's inputs; the files are for what an error says."""
    try:
        tools = read_tools(inputs["tools"])
    except SettingsError as error:
        raise SettingsError(_in_file(error, "the tools file", tools_file)) from None
    try:
        return read_task(inputs["task"], tools)
    except SettingsError as error:
        raise SettingsError(_in_file(error, "the task file", task_file)) from None


def _in_file(error: SettingsError, what: str, path: Path | None) -> str:
    """The message with the file's name where it speaks of the file."""
    said = str(error)
    return said.replace(what, str(path), 1) if path is not None and said.startswith(what) else said


def read_task_file(path: Path) -> Mapping[str, Any] | str:
    """A TOML table, or the whole text of a file that is not TOML.

    `policy_file` of the table names a text beside the task file, which becomes its policy.
    """
    text = _read(path)
    if path.suffix.lower() != ".toml":
        return text
    try:
        table = tomllib.loads(text)
        json.dumps(table)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    except TypeError:
        raise SettingsError(f"{path}: dates and times are not taken; write them as text") from None
    named = table.pop("policy_file", None)
    if named is None:
        return table
    if not isinstance(named, str) or "policy" in table:
        raise SettingsError(f"{path}: policy_file must be the name of a file, without a policy")
    return {**table, "policy": _read(path.parent / named)}


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: byte {error.start} is wrong") from None


def _read_json(path: Path) -> object:
    try:
        value: object = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise SettingsError(f"{path}:{error.lineno} is not JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise SettingsError(f"{path} cannot be read as JSON") from None
    return value
