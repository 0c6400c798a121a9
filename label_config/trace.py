"""Render conversations, tool calls and answers as HTML for an annotator's screen.

Every character that comes from a model or a user is escaped, so a trace can show hostile text and
do nothing with it: no script, no image, no link, no request. Colours are Label Studio's own theme
variables and translucent tints, which read well on a light and on a dark page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from goldloop.samples import Message, ToolCall

TEXT_LIMIT = 100_000
TRACE_LIMIT = 2_000_000
MESSAGE_LIMIT = 400
CALL_LIMIT = 100
FOLD_CHARACTERS = 500
FOLD_LINES = 8
LINE = 64

BORDER = "var(--color-neutral-border, rgba(128,128,128,.35))"
_PAGE = "var(--color-neutral-background, transparent)"
_MUTED = "var(--color-neutral-content-subtler, #767676)"
# Label Studio sets its own font on everything with !important.
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace!important"
_TEXT_STYLE = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px;line-height:1.5"
_CODE_STYLE = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:0;padding:0;border:0;background:none;"
    f"color:inherit;font-size:12px;line-height:1.5;{_MONO}"
)
LABEL_STYLE = "font-size:12px;font-weight:600;line-height:1.4;margin:0 0 4px"
_NOTE_STYLE = f"font-size:13px;font-style:italic;color:{_MUTED}"

# role: (what annotators read, tint, left margin, right margin)
_BUBBLES: Mapping[str, tuple[str, str, str, str]] = {
    "system": ("System instructions", "rgba(128,128,128,.10)", "0", "0"),
    "developer": ("Developer instructions", "rgba(128,128,128,.10)", "0", "0"),
    "user": ("User", "rgba(76,95,169,.16)", "0", "8%"),
    "assistant": ("Agent", "rgba(32,138,98,.13)", "8%", "0"),
    "tool": ("Tool result", "rgba(128,128,128,.07)", "8%", "0"),
}

# What would hide or reorder text on the screen is shown as a symbol instead: control characters,
# line separators, byte order marks and bidirectional overrides, with which a text can be made to
# read differently from what the agent sent. Joiners and direction marks stay: emoji and several
# scripts need them.
_VISIBLE: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: "\u2421",
    **{code: f"[U+{code:04X}]" for code in range(0x80, 0xA0)},
    **{code: f"[U+{code:04X}]" for code in (0x2028, 0x2029, 0xFEFF)},
    **{code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


def render_trace(messages: Sequence[Message]) -> str:
    """The whole conversation: a bubble for each message, tool calls and results in their places.

    At most `MESSAGE_LIMIT` messages are shown (the first and the last ones, with a notice between),
    each text is cut at `TEXT_LIMIT` characters, and at fewer where all of them together would pass
    `TRACE_LIMIT`.
    """
    if not messages:
        return _note("No conversation recorded.")
    called = {call.call_id: call.name for message in messages for call in message.tool_calls}
    head, left_out, tail = ends_of(messages)
    limit = text_limit([*head, *tail])
    parts = [_message(message, called, limit) for message in head]
    if left_out:
        parts.append(_note(f"{left_out:,} messages in between are not shown."))
    parts += [_message(message, called, limit) for message in tail]
    return f'<div style="display:grid;gap:10px">{"".join(parts)}</div>'


def render_text(text: str | None, empty: str) -> str:
    """One text, such as a response; `empty` is what to say where there is none."""
    return _text(text) if text and text.strip() else _note(empty)


def render_tool_calls(calls: Sequence[ToolCall] | None) -> str:
    """A list of tool calls; None (nobody recorded any) and an empty list read differently."""
    if calls is None:
        return _note("None recorded.")
    if not calls:
        return _note("No tool call.")
    return f'<div style="display:grid;gap:6px">{_calls(calls, TEXT_LIMIT)}</div>'


def show_hidden(text: str) -> str:
    """`text` with control and bidirectional override characters made visible.

    >>> show_hidden("a\\x00b\\u202ec")
    'a␀b[U+202E]c'
    """
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def ends_of(
    messages: Sequence[Message], most: int = MESSAGE_LIMIT
) -> tuple[Sequence[Message], int, Sequence[Message]]:
    """The first messages, how many are left out so that `most` remain, and the last ones."""
    if len(messages) <= most:
        return messages, 0, ()
    half = most // 2
    return messages[:half], len(messages) - 2 * half, messages[-half:]


def text_limit(messages: Iterable[Message]) -> int:
    """The cut for each text that keeps the whole trace near `TRACE_LIMIT` characters."""
    sizes = [size for message in messages for size in _sizes(message)]
    limit = TEXT_LIMIT
    while limit > 1_000 and sum(min(size, limit) for size in sizes) > TRACE_LIMIT:
        limit //= 2
    return limit


def _sizes(message: Message) -> list[int]:
    calls = message.tool_calls[:CALL_LIMIT]
    return [len(message.content or ""), *(len(json_text(call.arguments)) for call in calls)]


def _message(message: Message, called: Mapping[str | None, str], limit: int) -> str:
    role, tint, left, right = _BUBBLES.get(message.role, _BUBBLES["system"])
    content = message.content or ""
    if message.role == "tool":
        name = message.name or called.get(message.tool_call_id) or "unnamed tool"
        title = f'Result of <span style="{_MONO}">{_cut(name, 200)}</span>'
        shown = pretty(content) if len(content) <= limit else content
        body = _foldable(title, content, shown, _code(shown, limit))
    elif message.role in ("system", "developer"):
        body = _foldable(role, content, content, _text(content, limit))
    else:
        body = f'<div style="{LABEL_STYLE}">{role}</div>{_spoken(message, limit)}'
    return (
        f'<div style="background:{tint};border:1px solid {BORDER};border-radius:8px;'
        f'padding:8px 12px;margin:0 {right} 0 {left};min-width:0">{body}</div>'
    )


def _spoken(message: Message, limit: int) -> str:
    text = _text(message.content, limit) if message.content else ""
    if not message.tool_calls:
        return text or _note("Said nothing.")
    gap = "8px" if text else "0"
    calls = _calls(message.tool_calls, limit)
    return f'{text}<div style="display:grid;gap:6px;margin-top:{gap}">{calls}</div>'


def _calls(calls: Sequence[ToolCall], limit: int) -> str:
    shown = "".join(_call(call, limit) for call in calls[:CALL_LIMIT])
    hidden = len(calls) - CALL_LIMIT
    return shown + (_note(f"{hidden:,} more tool calls are not shown.") if hidden > 0 else "")


def _call(call: ToolCall, limit: int) -> str:
    arguments = call.arguments.get("__unparsed__") if len(call.arguments) == 1 else None
    body = (
        arguments
        if isinstance(arguments, str)
        else json_text(call.arguments)
        if call.arguments
        else ""
    )
    warning = _note("The arguments were not valid JSON:") if isinstance(arguments, str) else ""
    code = f'<div style="margin-top:4px">{warning}{_code(body, limit)}</div>' if body else ""
    return (
        f'<div style="border:1px solid {BORDER};border-left:3px solid rgba(214,126,36,.8);'
        f'border-radius:6px;background:{_PAGE};padding:6px 10px;min-width:0">'
        f'<div style="font-size:12.5px;font-weight:600;line-height:1.5;overflow-wrap:anywhere">'
        f'<span style="{LABEL_STYLE};color:{_MUTED};font-weight:400">calls </span>'
        f'<span style="{_MONO}">{_cut(call.name, 200)}</span></div>{code}</div>'
    )


def _foldable(title: str, content: str, shown: str, body: str) -> str:
    """`body` under its title: open when `shown` is short, else behind its size and first line."""
    if not content.strip():
        return f'<div style="{LABEL_STYLE}">{title}</div>{_note("Empty.")}'
    if len(shown) <= FOLD_CHARACTERS and shown.count("\n") < FOLD_LINES:
        return f'<div style="{LABEL_STYLE}">{title}</div>{body}'
    return (
        f'<details><summary style="{LABEL_STYLE};margin:0;cursor:pointer;overflow:hidden;'
        f'text-overflow:ellipsis;white-space:nowrap">{title}'
        f'<span style="color:{_MUTED};font-weight:400"> · {len(content):,} characters · '
        f'<bdi style="{_MONO}">{_first_line(content)}</bdi></span></summary>'
        f'<div style="margin-top:6px">{body}</div></details>'
    )


def _first_line(content: str) -> str:
    line = content.strip()[:400].partition("\n")[0].rstrip()
    return escape(show_hidden(line[:120])) + ("…" if len(line) > 120 else "")


def _text(text: str | None, limit: int = TEXT_LIMIT) -> str:
    return f'<div dir="auto" style="{_TEXT_STYLE}">{_cut(text or "", limit)}</div>'


def _code(text: str, limit: int) -> str:
    return f'<div dir="auto" style="{_CODE_STYLE}">{_cut(text, limit)}</div>'


def _note(words: str) -> str:
    return f'<div style="{_NOTE_STYLE}">{escape(words)}</div>'


def _cut(text: str, limit: int) -> str:
    """`text` escaped, hidden characters visible, and cut at `limit` characters with a notice."""
    shown = escape(show_hidden(text[:limit]), quote=True)
    if len(text) <= limit:
        return shown
    more = len(text) - limit
    return f'{shown}<span style="{_NOTE_STYLE}"> … cut here: {more:,} more characters</span>'


def json_text(value: Any) -> str:
    """JSON with indents, or on one line where it is short."""
    try:
        line = json.dumps(value, ensure_ascii=False, default=str)
        return (
            line
            if len(line) <= LINE
            else json.dumps(value, indent=2, ensure_ascii=False, default=str)
        )
    except (ValueError, TypeError, RecursionError):
        return "[too deeply nested to show]"


def pretty(content: str) -> str:
    """JSON with indents; anything else, and JSON that would not survive the trip, as it came."""
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_float=_exact)
    except (ValueError, RecursionError):
        return content
    return json_text(value) if isinstance(value, dict | list) else content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A repeated key would silently vanish from the screen that people judge by.
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("repeated key")
    return found


def _exact(number: str) -> float:
    value = float(number)
    if repr(value) != number:
        raise ValueError("this number would read differently")
    return value
