"""Whether a call's arguments are those that were expected, and if not, where they differ first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldloop.graders.call_rules import CallRules
from goldloop.graders.exact import close
from goldloop.samples import ToolCall

# How a model's arguments are kept that are no JSON object.
UNPARSED = "__unparsed__"
_DEEPEST = 100
_LOOSE = re.compile(r"[ ,./\-_*^]")
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place in which arguments differ; `ABSENT` where there is no value."""

    path: str
    expected: Any
    called: Any


@dataclass(frozen=True, slots=True)
class ArgumentRules:
    """How one tool's arguments are compared."""

    mode: str
    ignored: frozenset[str]
    acceptable: Mapping[str, list[Any]]
    tolerance: Mapping[str, float] | None
    text: str

    @staticmethod
    def of(rules: CallRules, tool: str) -> ArgumentRules:
        """The rules for a tool."""
        return ArgumentRules(
            rules.arguments_of(tool),
            rules.ignored_of(tool),
            rules.acceptable_of(tool),
            rules.tolerance,
            rules.text,
        )


def is_unparsed(call: ToolCall) -> bool:
    """Whether the arguments were no JSON, so that the call cannot have been made."""
    return set(call.arguments) == {UNPARSED}


def differences(
    rules: ArgumentRules, expected: Mapping[str, Any], called: Mapping[str, Any]
) -> Iterator[Difference]:
    """Where arguments differ, sorted by name; nothing where they match.

    `subset`: every argument of the call is an expected one. `superset`: every expected one is in
    the call. An argument with acceptable values has one of those, whatever was expected; it may be
    left out where "" is one.
    """
    if rules.mode == "ignore":
        return
    wanted, got = _composed(expected), _composed(called)
    for name in sorted(wanted.keys() | got.keys()):
        found = _first(rules, name, wanted.get(name, ABSENT), got.get(name, ABSENT), rules.mode, 0)
        if found is not None:
            yield found


def _first(
    rules: ArgumentRules, path: str, expected: Any, called: Any, mode: str, depth: int
) -> Difference | None:
    """The first difference at or under a path."""
    if path in rules.ignored:
        return None
    if path in rules.acceptable:
        return _among(rules, path, called, mode, depth)
    if expected is ABSENT or called is ABSENT:
        allowed = {"superset": expected is ABSENT, "subset": called is ABSENT}
        return None if allowed.get(mode) else Difference(path, expected, called)
    if depth < _DEEPEST:
        if isinstance(expected, Mapping) and isinstance(called, Mapping):
            return _in_objects(rules, path, expected, called, depth)
        if isinstance(expected, list | tuple) and isinstance(called, list | tuple):
            return _in_lists(rules, path, expected, called, depth)
    return None if _equal(rules, expected, called) else Difference(path, expected, called)


def _among(
    rules: ArgumentRules, path: str, called: Any, mode: str, depth: int
) -> Difference | None:
    values = rules.acceptable[path]
    if called is ABSENT:
        return None if "" in values or mode == "subset" else Difference(path, values, called)
    # Each is compared as if it had been the expected one: without this rule, or it never ends.
    without = {name: one for name, one in rules.acceptable.items() if name != path}
    plain = ArgumentRules(rules.mode, rules.ignored, without, rules.tolerance, rules.text)
    if any(_first(plain, path, value, called, "exact", depth) is None for value in values):
        return None
    return Difference(path, values, called)


def _in_objects(
    rules: ArgumentRules, path: str, expected: Any, called: Any, depth: int
) -> Difference | None:
    wanted, got = _composed(expected), _composed(called)
    for name in sorted(wanted.keys() | got.keys()):
        one, other = wanted.get(name, ABSENT), got.get(name, ABSENT)
        found = _first(rules, f"{path}.{name}", one, other, "exact", depth + 1)
        if found is not None:
            return found
    return None


def _in_lists(
    rules: ArgumentRules, path: str, expected: Sequence[Any], called: Sequence[Any], depth: int
) -> Difference | None:
    if len(expected) != len(called):
        return Difference(path, expected, called)
    for one, other in zip(expected, called, strict=True):
        found = _first(rules, path, one, other, "exact", depth + 1)
        if found is not None:
            return found
    return None


def _composed(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key if key.isascii() else unicodedata.normalize("NFC", key): item
        for key, item in value.items()
    }


def _equal(rules: ArgumentRules, expected: Any, called: Any) -> bool:
    if isinstance(expected, str) and isinstance(called, str):
        return _spelled(rules, expected) == _spelled(rules, called)
    if isinstance(expected, bool) or isinstance(called, bool):
        return expected is called
    if isinstance(expected, int | float) and isinstance(called, int | float):
        if expected == called or rules.tolerance is None:
            return bool(expected == called)
        return _within(expected, called, rules.tolerance)
    return expected is None and called is None


def _within(expected: float, called: float, tolerance: Mapping[str, float]) -> bool:
    try:
        return close(float(expected), float(called), tolerance)
    except OverflowError:
        return False


def _spelled(rules: ArgumentRules, text: str) -> str:
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    return _LOOSE.sub("", composed).replace("'", '"').lower() if rules.text == "loose" else composed
