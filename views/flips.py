"""Flipped cases as reports show them: bounded, with an address only where it is one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from goldloop.evaluation import Flip, FlipSide
from goldloop.samples import ToolCall

LONG_OUTPUT = 1500
LONG_REASON = 500
_MOST_CALLS = 10
_MOST_GRADES = 10
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%\[\]-]{1,500}")
DIRECTIONS = {"regressed": "from right to wrong", "recovered": "from wrong to right"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What one side did and why it was graded so, as texts of a bounded length."""

    title: str
    output: str
    reasons: tuple[str, ...]


def in_order(flips: Sequence[Flip]) -> list[Flip]:
    """From right to wrong first, the largest change first."""
    return sorted(flips, key=lambda one: (one.direction != "regressed", -abs(one.change)))


def shown_side(title: str, side: FlipSide) -> Shown:
    """One side of a flip."""
    kept = side.grades[:_MOST_GRADES]
    reasons = tuple(
        f"{one.grader} {_verdict(one.passed)}"
        + (
            f": {cut(one.reason or one.error or '', LONG_REASON)}"
            if one.reason or one.error
            else ""
        )
        for one in kept
    )
    return Shown(f"{title}: {_came_to(side.value)}", output_of(side), reasons)


def output_of(side: FlipSide) -> str:
    """The calls and then the response."""
    lines = [call_said(call) for call in side.tool_calls[:_MOST_CALLS]]
    if len(side.tool_calls) > _MOST_CALLS:
        lines.append(f"and {len(side.tool_calls) - _MOST_CALLS} calls more")
    lines += [side.response] if side.response else []
    return cut("\n".join(lines) or "(no output)", LONG_OUTPUT)


def call_said(call: ToolCall) -> str:
    """A call on one line."""
    said = json.dumps(dict(call.arguments), ensure_ascii=False, default=str)
    return f"{call.name}({cut(said, LONG_REASON)})"


def cut(text: str, limit: int) -> str:
    """At most so many characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def address_of(flip: Flip) -> str | None:
    """Where its task is, for a link; None for what is no plain http address."""
    return address(flip.task_url)


def address(url: str | None) -> str | None:
    """The same for the address of a case."""
    return url if url and _ADDRESS.fullmatch(url) else None


def why(flip: Flip) -> str:
    """What the graders hold against the side that is wrong, in one line."""
    wrong = flip.candidate if flip.direction == "regressed" else flip.baseline
    said = [f"{one.grader}: {one.reason}" for one in wrong.grades if one.passed is False]
    return cut("; ".join(said), LONG_REASON)


def _verdict(passed: bool | None) -> str:
    return "gave no grade" if passed is None else "passed" if passed else "failed"


def _came_to(value: float) -> str:
    if value in (0.0, 1.0):
        return "right" if value else "wrong"
    return f"{value:.0%} right"
