"""What a setting may be: each check gives None for a good value, and else says what it must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from typing import Any

Check = Callable[[Any], str | None]
_ADDRESS = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[^\s/@:?#\\]+)(:[0-9]{1,5})?([/?]\S*)?")
_CALLABLE = re.compile(r"python:[^\s:]+:[^\s:]+")
LONGEST_LINE = 200
_MODULE = re.compile(r"[^\s:]+:[^\s:]+")


def between(low: float, high: float) -> Check:
    """Within both ends."""
    return lambda value: None if low <= value <= high else f"must be between {low:g} and {high:g}"


def http_url(value: str) -> str | None:
    """An address that holds no secret, or nothing."""
    good = not value or _ADDRESS.fullmatch(value)
    return None if good else "must be an http:// or https:// address without user or password"


def one_of(*known: str) -> Check:
    """One of these words."""
    return lambda value: None if value in known else f"must be one of {', '.join(known)}"


def not_empty(value: str) -> str | None:
    """More than white space."""
    return None if value.strip() else "must not be empty"


def one_line(value: str) -> str | None:
    """A short line, as files can hold it anywhere."""
    good = len(value) <= LONGEST_LINE and value.isprintable() and value == value.strip()
    return None if good else f"must be one line of at most {LONGEST_LINE} printable characters"


def agent_kind(value: str) -> str | None:
    """What an agent can be."""
    good = value in ("recorded", "openai", "http") or _CALLABLE.fullmatch(value)
    return None if good else "must be recorded, openai, http or python:module:callable"


def module_callable(value: str) -> str | None:
    """Something to import, or nothing."""
    return None if not value or _MODULE.fullmatch(value) else "must be module:callable"


def all_of(*known: str) -> Check:
    """Nothing but these words."""

    def check(values: tuple[str, ...]) -> str | None:
        return None if set(values) <= set(known) else f"must hold only {', '.join(known)}"

    return check


def project_title(value: str) -> str | None:
    """What Label Studio takes as a project's title."""
    return None if 3 <= len(value) <= 50 else "must have 3 to 50 characters (Label Studio's limit)"


def setting(default: Any, says: str, check: Check | None = None) -> Any:
    """A dataclass field that carries its explanation and its check."""
    metadata = {"says": says, "check": check}
    if isinstance(default, (list, dict)):
        raise TypeError("give tuples, which are immutable")
    return field(default=default, metadata=metadata)
