"""OpenAI's Responses interface, used without its memory: every question holds all turns before it,
and nothing is stored at the endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from typing import Any

import openai

from agents.asking import LOGPROBS, Ask, held_by, strict
from agents.bodies import Done
from agents.completions import Completion, Token, tokens_from
from agents.endpoint import said_of
from agents.retry import CallError, failed
from agents.usage import Usage, usage_from

# Where a message keeps the items that it was made of, for the next question.
ITEMS = "items"
_ANY_OBJECT = {"type": "json_object"}
_COUNTS = ("input_tokens", "output_tokens")
_ENDED = ("response.completed", "response.incomplete", "response.failed")
# Parts of a message that are text, and the key that holds it.
_TEXTS = {"output_text": "text", "refusal": "refusal"}


class Responses:
    """POST /responses."""

    def request(self, model: str, ask: Ask, *, stream: bool, without: Set[str]) -> dict[str, Any]:
        """The keys of a call; this interface knows no seed."""
        request: dict[str, Any] = {"model": model, "input": _input(ask.turns), "store": False}
        include = []
        if ask.logprobs and LOGPROBS not in without:
            include.append("message.output_text.logprobs")
        if ask.goes_on and "reasoning" not in without:
            include.append("reasoning.encrypted_content")
        if include:
            request["include"] = include
        if ask.temperature is not None and "temperature" not in without:
            request["temperature"] = ask.temperature
        if ask.schema is not None and (form := held_by(ask, without)) != "prompt":
            request["text"] = {"format": _format(ask.schema) if form == "schema" else _ANY_OBJECT}
        if ask.tools:
            request["tools"] = [_tool(tool) for tool in ask.tools]
        if ask.max_tokens is not None:
            request["max_output_tokens"] = ask.max_tokens
        return request | ({"stream": True} if stream else {})

    def start(self, client: openai.OpenAI) -> Callable[..., AbstractContextManager[Any]]:
        """How the package starts the call."""
        return client.responses.with_streaming_response.create

    def completion(self, body: object) -> Completion:
        """The items of a response as one turn. Raises `CallError` when there are none, the response
        failed, or the body is something else.
        """
        if not isinstance(body, Mapping):
            raise CallError("expected a response with `output`; is this address OpenAI's API?")
        usage = usage_from(body.get("usage"), _COUNTS)
        if body.get("error") or body.get("status") in ("failed", "cancelled"):
            raise failed(body.get("error"), said_of(body.get("error")), usage)
        items = _items(body.get("output"), usage)
        texts, tokens, refused = _said(items)
        return Completion(
            message={
                "role": "assistant",
                "content": "\n".join(texts) or None,
                "tool_calls": [_call(item) for item in items if item.get("type") == _CALL] or None,
                ITEMS: [item for item in items if _wanted_back(item)],
            },
            tokens=tokens,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            stop_reason=_stop_reason(body),
            refused=refused,
        )

    def assembled(self, events: Iterator[object]) -> object:
        """The response that ends the stream. Raises `CallError` that may be tried again when it
        does not come.

        Items stand in it as their own events gave them, where there were such: some endpoints leave
        them out of the response at the end.
        """
        items: dict[Any, dict[str, Any]] = {}
        logprobs: dict[Any, Any] = {}
        for event in events:
            if isinstance(event, Done):
                break
            if not isinstance(event, Mapping):
                raise CallError("an event of the stream is no object")
            kind, place = event.get("type"), str(event.get("output_index"))
            if kind == "error" or event.get("error"):
                raise failed(
                    event.get("error") or event, said_of(event.get("error") or event), Usage()
                )
            if kind == "response.output_item.done" and isinstance(event.get("item"), Mapping):
                items[place] = dict(event["item"])
            if kind == "response.output_text.done":
                logprobs[place, str(event.get("content_index"))] = event.get("logprobs")
            if kind in _ENDED and isinstance(event.get("response"), Mapping):
                return _with_items(event["response"], items, logprobs)
        raise CallError("the stream ended before the response did", again=True)


_CALL = "function_call"


def _input(turns: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Turns in chat form as input items; what came from here goes back as it came."""
    items: list[Mapping[str, Any]] = []
    for turn in turns:
        if turn.get(ITEMS) is not None:
            items.extend(turn[ITEMS])
        elif turn.get("role") == "tool":
            output = {"call_id": turn.get("tool_call_id"), "output": turn.get("content") or ""}
            items.append({"type": "function_call_output", **output})
        else:
            if turn.get("content") or not turn.get("tool_calls"):
                items.append({"role": turn["role"], "content": turn.get("content") or ""})
            items.extend(
                {"type": _CALL, "call_id": call["id"], **call["function"]}
                for call in turn.get("tool_calls") or ()
            )
    return items


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Unlike Chat Completions, this interface is strict unless it is told otherwise."""
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"strict": False, **tool, "type": "function", "parameters": parameters}


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict(schema)}


def _items(output: object, usage: Usage) -> list[Mapping[str, Any]]:
    if not isinstance(output, list):
        raise CallError("expected a response with `output`; is this address OpenAI's API?")
    if not all(isinstance(item, Mapping) for item in output):
        raise CallError("an item of the response's output is no object", usage=usage)
    return output


def _said(items: Sequence[Mapping[str, Any]]) -> tuple[list[str], tuple[Token, ...], bool]:
    """The text of each message, the tokens of all of them, and whether they only refuse."""
    texts: list[str] = []
    tokens: list[tuple[Token, ...]] = []
    kinds: set[str] = set()
    for item in items:
        if item.get("type") != "message":
            continue
        parts = [part for part in _parts(item) if part.get("type") in _TEXTS]
        kinds |= {part["type"] for part in parts}
        texts.append("".join(_text(part) for part in parts))
        tokens.extend(tokens_from(part.get("logprobs")) for part in parts)
    whole = tokens if all(tokens) else []
    return (
        [text for text in texts if text],
        tuple(token for part in whole for token in part),
        kinds == {"refusal"},
    )


def _parts(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = item.get("content")
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise CallError("content: expected a list of parts")
    return parts


def _text(part: Mapping[str, Any]) -> str:
    text = part.get(_TEXTS[part["type"]])
    if not isinstance(text, str):
        raise CallError(f"content: expected a text, got {type(text).__name__}")
    return text


def _call(item: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def _wanted_back(item: Mapping[str, Any]) -> bool:
    """Reasoning that is not in the item itself cannot be found again: nothing was stored."""
    return item.get("type") != "reasoning" or bool(
        item.get("encrypted_content") or item.get("content")
    )


def _stop_reason(body: Mapping[str, Any]) -> str | None:
    if body.get("status") != "incomplete":
        return None
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    return "content_filter" if reason == "content_filter" else "length"


def _with_items(
    response: Mapping[str, Any],
    items: Mapping[str, dict[str, Any]],
    logprobs: Mapping[tuple[str, str], Any],
) -> Mapping[str, Any]:
    for (place, part), tokens in logprobs.items():
        parts = items[place].get("content") if place in items else None
        if tokens and part.isdecimal() and isinstance(parts, list) and int(part) < len(parts):
            parts[int(part)] = _with_tokens(parts[int(part)], tokens)
    return {**response, "output": list(items.values())} if items else response


def _with_tokens(part: object, tokens: object) -> object:
    if not isinstance(part, Mapping) or part.get("logprobs"):
        return part
    return {**part, "logprobs": tokens}
