"""Numbers as pages show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined

from goldloop.fields import Value
from goldloop.printable import printable
from label_config.expert_case import answer_text
from label_config.trace import show_hidden

UNKNOWN = "–"


def count(value: int | None) -> str:
    """A whole number with thousands apart; a dash where there is none.

    >>> count(12345), count(None)
    ('12,345', '–')
    """
    return UNKNOWN if value is None else f"{value:,}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share as a percentage.

    >>> percent(0.1234), percent(0.1234, 1), percent(None)
    ('12%', '12.3%', '–')
    """
    return UNKNOWN if value is None else f"{value:.{digits}%}"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with so many digits after the point.

    >>> decimal(1.005), decimal(None)
    ('1.00', '–')
    """
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def moment(value: str | None) -> str:
    """A time to the minute, as it was written down.

    >>> moment("2026-03-01T10:20:30.123Z")
    '2026-03-01 10:20'
    """
    return UNKNOWN if not value else value[:16].replace("T", " ")


def line(value: Any, limit: int = 160) -> str:
    """Any text on one line, bounded."""
    return UNKNOWN if value is None or value == "" else printable(str(value), limit)


def lines(value: Any, limit: int = 1_000) -> str:
    """Any text as it was written, with what hides made visible, bounded.

    >>> lines("a\\nb\\x1b"), lines("abcd", 3)
    ('a\\nb␛', 'abc…')
    """
    text = "" if value is None else str(value)
    return show_hidden(text[:limit]) + ("…" if len(text) > limit else "")


def answered(value: Value | None) -> str:
    """An answer of an annotator in words."""
    return answer_text(value) or UNKNOWN


def _or_unknown(shown: Callable[..., str]) -> Callable[..., str]:
    """The filter, with a dash for what an older record does not have."""

    def filtered(value: Any, *more: Any) -> str:
        return shown(None if isinstance(value, Undefined) else value, *more)

    return filtered


FILTERS: Mapping[str, Callable[..., str]] = {
    shown.__name__: _or_unknown(shown)
    for shown in (count, percent, decimal, moment, line, lines, answered)
}
