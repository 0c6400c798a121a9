"""Log lines: one event a line, for a person at a terminal or as JSON for a program."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeAlias

from goldloop.errors import GoldloopError

ROOMS = ("backend", "sync", "agents", "store", "label_config", "goldloop")
MOST_IDS = 20

Fact: TypeAlias = str | int | float | Sequence[int] | None


def one_line(text: str) -> str:
    """The text in one line that cannot move a terminal's cursor.

    >>> one_line("a\\nb\\x1b[2J")
    'a b [2J'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def bounded(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """The facts that are known, each in one line; of a list of ids the first 20 and their number.

    >>> bounded({"task_ids": [1, 2], "why": "a\\nb", "round": None})
    {'task_ids': [1, 2], 'why': 'a b'}
    """
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, str):
            found[name] = one_line(value)
        elif isinstance(value, Sequence):
            found[name] = list(value[:MOST_IDS])
            if len(value) > MOST_IDS:
                found[f"{name}_count"] = len(value)
        elif isinstance(value, float) and not math.isfinite(value):
            found[name] = str(value)
        elif value is not None:
            found[name] = value
    return found


def json_line(head: Mapping[str, Any], message: str, facts: Mapping[str, Any]) -> str:
    """One JSON object in ASCII: when and where (`head`), what, and the bounded facts of it.

    >>> json_line({"level": "INFO"}, "done", {"event_ids": [3]})
    '{"level": "INFO", "message": "done", "event_ids": [3]}'
    """
    return json.dumps({**head, "message": one_line(message), **facts})


def text_line(head: Mapping[str, Any], message: str, facts: Mapping[str, Any]) -> str:
    """The same for a person.

    >>> text_line({"time": "12:00:00", "level": "INFO"}, "done", {"event_ids": [3]})
    '[12:00:00] [INFO] done event_ids=[3]'
    """
    told = "".join(f" {name}={json.dumps(value)}" for name, value in facts.items())
    return "".join(f"[{value}] " for value in head.values()) + one_line(message) + told


def reason(error: BaseException) -> str:
    """What a log says of an error: our own words, or its kind and the line of ours it came through
    last, such as store/runs.py:54. It may have more than one line.
    """
    if isinstance(error, GoldloopError):
        return str(error)
    return f"{type(error).__name__} in {_place(error.__traceback__)}: {error}"


def _place(trace: TracebackType | None) -> str:
    frames = [(*f.filename.split("/")[-2:], f.lineno) for f in traceback.extract_tb(trace)]
    ours = [frame for frame in frames if frame[0] in ROOMS]
    *path, line = (ours or frames or [("?", "?", 0)])[-1]
    return f"{'/'.join(map(str, path))}:{line}"
