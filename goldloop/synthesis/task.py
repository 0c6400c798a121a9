"""What samples are asked for: the agent's task and tools, and the axes of the grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldloop.errors import RecordError, SettingsError
from goldloop.json_values import check_json, kind, shown
from goldloop.samples import DIFFICULTIES
from goldloop.schemas import Schema
from goldloop.synthesis.values import AXES, INTENTS, Tool

NO_TOOL = "no_tool"
PERSONAS = (
    "a first-time customer who knows none of the terms",
    "a regular who has done this before and expects it to be quick",
    "someone upset about how this went so far",
    "a busy professional writing between two meetings",
    "an elderly person who explains everything around it",
    "someone acting for a relative or a colleague",
    "a non-native speaker with simple grammar",
    "a sceptic who wants to know the reason for everything",
)
STYLES = (
    "one short sentence",
    "polite and complete sentences",
    "a message typed on a phone, in lower case, with slips",
    "a long message with details that do not matter",
    "a list of points",
    "a question that leaves the wish to be guessed",
)
DEFAULTS: Mapping[str, Sequence[str]] = {
    "difficulty": DIFFICULTIES,
    "persona": PERSONAS,
    "style": STYLES,
    "intent": INTENTS,
}
_ONLY: Mapping[str, Sequence[str]] = {"difficulty": DIFFICULTIES, "intent": INTENTS}

MAX_TEXT = 100_000
MAX_VALUES = 200
MAX_VALUE = 200
MAX_TOOLS = 128
MAX_WEIGHT = 1_000_000
_KEYS = ("description", "policy", "language", "axes", "exclude")

Axes = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Task:
    """What the agent under evaluation is there for, and which samples of it are wanted.

    `axes` gives every value of each of `AXES` its weight, of 0 or more. A cell that has, on every
    axis of one of `exclude`, one of the values given there is never asked for. `policy` and
    `language` are empty where nothing is said about them.
    """

    description: str
    policy: str = ""
    language: str = ""
    axes: Axes = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    exclude: tuple[Mapping[str, tuple[str, ...]], ...] = ()


def read_task(source: Mapping[str, Any] | str, tools: Sequence[Tool] = ()) -> Task:
    """The task of a parsed TOML table, or of a text, which is its description alone.

    An axis that is not given has its defaults; the capabilities are then the tools' names and
    `no_tool`. Raises SettingsError that names the key.

    >>> task = read_task({"description": "Help desk", "axes": {"difficulty": {"easy": 3}}})
    >>> task.axes["difficulty"], task.axes["capability"]
    ({'easy': 3.0}, {'no_tool': 1.0})
    """
    table: Mapping[str, Any] = {"description": source} if isinstance(source, str) else source
    _refuse_unknown(table, _KEYS, "")
    axes = _axes(table.get("axes", {}), tools)
    description = _text(table, "description")
    if not description.strip():
        raise SettingsError("the task file: description is empty; say what the agent is there for")
    return Task(
        description=description,
        policy=_text(table, "policy"),
        language=_text(table, "language"),
        axes=axes,
        tools=tuple(tools),
        exclude=_exclusions(table.get("exclude", []), axes),
    )


def read_tools(value: object) -> tuple[Tool, ...]:
    """The tools of parsed JSON: a list of OpenAI's definitions, bare or under `function`.

    Raises SettingsError for one that is malformed, whose parameters are no JSON schema, or whose
    name is there twice; it names the place.
    """
    if not isinstance(value, list | tuple):
        raise SettingsError(f"the tools file must be a list of tools, not {kind(value)}")
    if len(value) > MAX_TOOLS:
        raise SettingsError(f"the tools file has {len(value)} tools; at most {MAX_TOOLS} are taken")
    tools = tuple(_tool(item, f"the tools file, tool {n}") for n, item in enumerate(value, 1))
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"the tools file has {twice[:80]!r} twice; each name must be its own")
    return tools


def _tool(value: object, where: str) -> Tool:
    table = value.get("function", value) if isinstance(value, Mapping) else value
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where} must be an object with a name, not {kind(table)}")
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_VALUE:
        raise SettingsError(f"{where}: name must have 1 to {MAX_VALUE} characters")
    description = table.get("description") or ""
    parameters = table.get("parameters") or {}
    if not isinstance(description, str) or len(description) > MAX_TEXT:
        raise SettingsError(f"{where}: description must be a text of at most {MAX_TEXT} characters")
    try:
        check_json([name, description, parameters])
    except RecordError as error:
        raise SettingsError(f"{where}: {error}") from None
    Schema(parameters, f"{where} ({name}): parameters")
    return Tool(name, description, parameters)


def _axes(value: object, tools: Sequence[Tool]) -> dict[str, dict[str, float]]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"the task file: axes must be a table, not {kind(value)}")
    _refuse_unknown(value, AXES, "axes.")
    names = [tool.name for tool in tools]
    capabilities = [*names, *([] if NO_TOOL in names else [NO_TOOL])]
    return {
        axis: _weights(value.get(axis, DEFAULTS.get(axis, capabilities)), axis) for axis in AXES
    }


def _weights(value: object, axis: str) -> dict[str, float]:
    """A list is as many values of the same weight."""
    where = f"the task file: axes.{axis}"
    if isinstance(value, list | tuple):
        names, weights = list(value), [1.0] * len(value)
    elif isinstance(value, Mapping):
        names, weights = list(value), [_weight(item, f"{where}.{n}") for n, item in value.items()]
    else:
        raise SettingsError(f"{where} must be a list, or a table of weights, not {kind(value)}")
    for name in names:
        _check_value(name, axis, where)
    if len(set(names)) < len(names) or not 0 < len(names) <= MAX_VALUES:
        raise SettingsError(f"{where} must have 1 to {MAX_VALUES} values, each once")
    if not sum(weights) > 0:
        raise SettingsError(f"{where}: every weight is 0; at least one must be above")
    return dict(zip(names, weights, strict=True))


def _weight(value: object, where: str) -> float:
    sound = isinstance(value, int | float) and not isinstance(value, bool)
    if not sound or not math.isfinite(value) or not 0 <= value <= MAX_WEIGHT:  # type: ignore[arg-type, operator]
        raise SettingsError(f"{where} must be a weight from 0 to {MAX_WEIGHT}, not {shown(value)}")
    return float(value)  # type: ignore[arg-type]


def _check_value(name: object, axis: str, where: str) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_VALUE:
        raise SettingsError(f"{where}: a value must have 1 to {MAX_VALUE} characters")
    if not name.isprintable():
        raise SettingsError(f"{where}: {shown(name)} holds characters that do not print")
    if axis in _ONLY and name not in _ONLY[axis]:
        raise SettingsError(f"{where}: {shown(name)} must be one of {', '.join(_ONLY[axis])}")


def _exclusions(value: object, axes: Axes) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"the task file: exclude must be a list of tables, not {kind(value)}")
    return tuple(_exclusion(item, axes, f"exclude[{n}]") for n, item in enumerate(value))


def _exclusion(value: object, axes: Axes, where: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping) or not value:
        raise SettingsError(f"the task file: {where} must be a table of axes and their values")
    _refuse_unknown(value, AXES, f"{where}.")
    found: dict[str, tuple[str, ...]] = {}
    for axis, named in value.items():
        names = (named,) if isinstance(named, str) else named
        if not isinstance(names, list | tuple) or not all(name in axes[axis] for name in names):
            raise SettingsError(
                f"the task file: {where}.{axis} must be values of that axis:"
                f" {', '.join(axes[axis])[:300]}"
            )
        found[axis] = tuple(names)
    return found


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise SettingsError(f"the task file: {key} must be a text of at most {MAX_TEXT} characters")
    try:
        check_json(value)
    except RecordError as error:
        raise SettingsError(f"the task file: {key}: {error}") from None
    return value


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    unknown = sorted(str(key) for key in table if key not in known)
    if unknown:
        raise SettingsError(
            f"the task file: unknown key {where}{unknown[0][:80]}; known: {', '.join(known)}"
        )
