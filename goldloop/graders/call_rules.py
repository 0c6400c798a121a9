"""How expected and made tool calls are compared: the settings of a `tool_calls` grader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goldloop.errors import SettingsError
from goldloop.graders.reading import (
    Object,
    choice_at,
    choices_at,
    flag_at,
    names_at,
    object_of,
    refuse_unknown,
    texts_of,
    tolerance_at,
)
from goldloop.json_values import kind
from goldloop.samples import ToolCall

# The first of each is the default.
MODES = ("unordered", "strict", "subset", "superset")
ARGUMENTS = ("exact", "ignore", "subset", "superset")
TEXTS = ("exact", "loose")
PARTIAL = ("f1", "none")
ANY_TOOL = "*"
KEYS = (
    "mode",
    "arguments",
    "by_tool",
    "ignore_arguments",
    "any_of",
    "tolerance",
    "text",
    "only_tools",
    "ignore_tools",
    "ignore_failed",
    "partial",
)


def read(record: Object, where: str) -> dict[str, Any]:
    """The settings of a `tool_calls` grader, those not given filled in."""
    refuse_unknown(record, KEYS, where)
    settings = {
        "mode": choice_at(record, "mode", MODES, where),
        "arguments": choice_at(record, "arguments", ARGUMENTS, where),
        "by_tool": choices_at(record, "by_tool", ARGUMENTS, where),
        "ignore_arguments": _ignored(record.get("ignore_arguments", {}), where),
        "any_of": _any_of(record.get("any_of", {}), f"{where}.any_of"),
        "tolerance": tolerance_at(record, "tolerance", where),
        "text": choice_at(record, "text", TEXTS, where),
        "only_tools": names_at(record, "only_tools", where),
        "ignore_tools": names_at(record, "ignore_tools", where),
        "ignore_failed": flag_at(record, "ignore_failed", where, False),
        "partial": choice_at(record, "partial", PARTIAL, where),
    }
    if settings["only_tools"] and settings["ignore_tools"]:
        raise SettingsError(f"{where} must have only_tools or ignore_tools, not both")
    return settings


def _ignored(value: object, where: str) -> dict[str, list[str]]:
    here = f"{where}.ignore_arguments"
    by_tool = {ANY_TOOL: value} if isinstance(value, list | tuple) else object_of(value, here)
    found = {tool: texts_of(names, f"{here}.{tool[:80]}") for tool, names in by_tool.items()}
    return {tool: sorted(set(names)) for tool, names in found.items() if names}


def _any_of(value: object, where: str) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = {}
    for tool, lists in object_of(value, where).items():
        here = f"{where}.{tool[:80]}"
        for name, values in object_of(lists, here).items():
            if not isinstance(values, list | tuple) or not values:
                raise SettingsError(
                    f"{here}.{name[:80]} must be a list of acceptable values, not {kind(values)}"
                )
            found.setdefault(tool, {})[name] = list(values)
    return found


@dataclass(frozen=True, slots=True)
class CallRules:
    """The settings, as matching needs them.

    An argument's name is its path where it is nested: `passenger.name`, and `flights.date` for
    that of each flight in a list. Tools may be named `*` for all of them.
    """

    mode: str = MODES[0]
    arguments: str = ARGUMENTS[0]
    by_tool: Mapping[str, str] | None = None
    ignore_arguments: Mapping[str, frozenset[str]] | None = None
    any_of: Mapping[str, Mapping[str, list[Any]]] | None = None
    tolerance: Mapping[str, float] | None = None
    text: str = TEXTS[0]
    only_tools: frozenset[str] = frozenset()
    ignore_tools: frozenset[str] = frozenset()
    ignore_failed: bool = False
    partial: str = PARTIAL[0]

    @staticmethod
    def of(settings: Mapping[str, Any]) -> CallRules:
        """The rules by a grader's settings, as `read` gives them."""
        sets = {name: frozenset(settings[name]) for name in ("only_tools", "ignore_tools")}
        ignored = {tool: frozenset(names) for tool, names in settings["ignore_arguments"].items()}
        return CallRules(**{**settings, **sets, "ignore_arguments": ignored})

    def counts(self, call: ToolCall) -> bool:
        """Whether a call of this tool is compared at all."""
        if self.only_tools:
            return call.name in self.only_tools
        return call.name not in self.ignore_tools

    def arguments_of(self, tool: str) -> str:
        """How this tool's arguments are compared."""
        by_tool = self.by_tool or {}
        return by_tool.get(tool, by_tool.get(ANY_TOOL, self.arguments))

    def ignored_of(self, tool: str) -> frozenset[str]:
        """The arguments of this tool that are not compared."""
        ignored = self.ignore_arguments or {}
        return ignored.get(tool, frozenset()) | ignored.get(ANY_TOOL, frozenset())

    def acceptable_of(self, tool: str) -> Mapping[str, list[Any]]:
        """This tool's arguments that may have one of several values."""
        any_of = self.any_of or {}
        return {**any_of.get(ANY_TOOL, {}), **any_of.get(tool, {})}
