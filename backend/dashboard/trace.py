"""A conversation as a page shows it: turns with their tool calls, each text bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldloop.printable import printable
from goldloop.samples import Message, Run, Sample, ToolCall, asked_turns
from label_config.trace import (
    CALL_LIMIT,
    FOLD_CHARACTERS,
    FOLD_LINES,
    LINE,
    MESSAGE_LIMIT,
    ends_of,
    json_text,
    pretty,
    show_hidden,
    text_limit,
)

SHORT = 1_500
FEW_MESSAGES, FEW_CALLS = 30, 10
_TITLES: Mapping[str, str] = {
    "system": "System instructions",
    "developer": "Developer instructions",
    "user": "User",
    "assistant": "Agent",
    "tool": "Tool result",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its hidden characters made visible, and how many characters were cut off."""

    shown: str
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; its arguments are None where it has none."""

    name: str
    arguments: Text | None
    is_json: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; `tool` is the tool whose result it is. What is long and said by nobody is
    folded: its size in characters and its first line stand for it.
    """

    role: str
    title: str
    text: Text | None
    calls: tuple[Call, ...] = ()
    more_calls: int = 0
    tool: str | None = None
    folded: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The first and the last turns, with so many `left_out` between them."""

    head: tuple[Turn, ...]
    left_out: int = 0
    tail: tuple[Turn, ...] = ()

    @property
    def is_shortened(self) -> bool:
        """Whether anything is missing, or folded."""
        turns = (*self.head, *self.tail)
        return bool(self.left_out) or any(one.folded or _is_cut(one) for one in turns)


def trace_of(sample: Sample, run: Run | None, whole: bool = False) -> Trace:
    """What was asked and what the agent did; without a run, or a trace in it, what is known."""
    messages = run.messages if run is not None else ()
    return bounded(messages or asked_turns(sample), whole)


def bounded(messages: Sequence[Message], whole: bool = False) -> Trace:
    """A trace as far as one looks at first; with `whole`, as far as a browser can bear."""
    called = {call.call_id: call.name for one in messages for call in one.tool_calls}
    head, left_out, tail = ends_of(messages, MESSAGE_LIMIT if whole else FEW_MESSAGES)
    limit = text_limit([*head, *tail]) if whole else SHORT
    calls = CALL_LIMIT if whole else FEW_CALLS
    first, last = (tuple(_turn(one, called, limit, calls) for one in part) for part in (head, tail))
    return Trace(first, left_out, last)


def calls_of(calls: Sequence[ToolCall], limit: int = SHORT) -> tuple[Call, ...]:
    """Tool calls on their own, such as those that were expected."""
    return tuple(_call(one, limit) for one in calls[:CALL_LIMIT])


def text_of(content: str, limit: int = SHORT) -> Text:
    """A text, cut where it is longer."""
    return Text(show_hidden(content[:limit]), max(len(content) - limit, 0))


def _turn(message: Message, called: Mapping[str | None, str], limit: int, calls: int) -> Turn:
    content, tool = message.content or "", None
    if message.role == "tool":
        tool = show_hidden((message.name or called.get(message.tool_call_id) or "unnamed")[:200])
        content = pretty(content) if len(content) <= limit else content
    return Turn(
        message.role,
        _TITLES.get(message.role, "Turn"),
        text_of(content, limit) if content.strip() else None,
        tuple(_call(one, limit) for one in message.tool_calls[:calls]),
        max(len(message.tool_calls) - calls, 0),
        tool,
        _folded(message, content),
    )


def _folded(message: Message, content: str) -> tuple[int, str] | None:
    said = message.role in ("user", "assistant")
    if said or (len(content) <= FOLD_CHARACTERS and content.count("\n") < FOLD_LINES):
        return None
    return len(message.content or ""), printable((message.content or "").strip()[:LINE], LINE - 1)


def _call(call: ToolCall, limit: int) -> Call:
    name = show_hidden(call.name[:200])
    unparsed = call.arguments.get("__unparsed__") if len(call.arguments) == 1 else None
    if isinstance(unparsed, str):
        return Call(name, text_of(unparsed, limit), is_json=False)
    return Call(name, text_of(json_text(call.arguments), limit) if call.arguments else None)


def _is_cut(turn: Turn) -> bool:
    texts = [turn.text, *(call.arguments for call in turn.calls)]
    return bool(turn.more_calls) or any(text.cut for text in texts if text is not None)
