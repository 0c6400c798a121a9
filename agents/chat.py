"""OpenAI's Chat Completions, from whatever endpoint says that it speaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AbstractContextManager
from typing import Any

import openai

from agents.answers import MAX_CALLS
from agents.asking import LOGPROBS, Ask, held_by, strict
from agents.bodies import Done
from agents.completions import Completion, tokens_from
from agents.endpoint import said_of
from agents.retry import CallError, failed
from agents.usage import Usage, usage_from
from goldloop.samples import STOP_REASONS

_ANY_OBJECT = {"type": "json_object"}
_COUNTS = ("prompt_tokens", "completion_tokens")


class ChatCompletions:
    """POST /chat/completions."""

    def request(self, model: str, ask: Ask, *, stream: bool, without: Set[str]) -> dict[str, Any]:
        """The keys of a call; an endpoint that does not know `max_completion_tokens` gets the
        older `max_tokens`.
        """
        optional: dict[str, tuple[bool, dict[str, Any]]] = {
            LOGPROBS: (ask.logprobs, {"logprobs": True}),
            "temperature": (ask.temperature is not None, {"temperature": ask.temperature}),
            "seed": (ask.seed is not None, {"seed": ask.seed}),
            "usage": (stream, {"stream_options": {"include_usage": True}}),
        }
        request: dict[str, Any] = {"model": model, "messages": list(ask.turns)}
        for name, (wanted, keys) in optional.items():
            if wanted and name not in without:
                request |= keys
        if (form := held_by(ask, without)) in ("schema", "json"):
            request["response_format"] = _format(ask.schema) if form == "schema" else _ANY_OBJECT
        if ask.tools:
            request["tools"] = [{"type": "function", "function": tool} for tool in ask.tools]
        if ask.max_tokens is not None:
            key = "max_tokens" if "limit" in without else "max_completion_tokens"
            request[key] = ask.max_tokens
        return request | ({"stream": True} if stream else {})

    def start(self, client: openai.OpenAI) -> Callable[..., AbstractContextManager[Any]]:
        """How the package starts the call."""
        return client.chat.completions.with_streaming_response.create

    def completion(self, body: object) -> Completion:
        """The first choice. Raises `CallError` when there is none."""
        usage = usage_from(body.get("usage"), _COUNTS) if isinstance(body, Mapping) else Usage()
        choice = _choice(body, usage)
        message = choice.get("message")
        if not isinstance(message, Mapping):
            raise CallError("the completion's first choice has no message", usage=usage)
        content, refusal = message.get("content"), message.get("refusal")
        reason = choice.get("finish_reason")
        return Completion(
            message={**message, "role": "assistant", "content": content or refusal},
            tokens=_tokens(choice.get("logprobs")),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            stop_reason=reason if reason in STOP_REASONS else None,
            refused=bool(refusal) and not content,
        )

    def assembled(self, events: Iterator[object]) -> object:
        """The completion whose chunks came one by one. Raises `CallError` that may be tried again
        when the stream ends before the answer does.
        """
        body: dict[str, Any] = {"choices": []}
        choice: dict[str, Any] = {"message": {}}
        ended = False
        for event in events:
            if isinstance(event, Done):
                ended = True
            elif isinstance(event, Mapping):
                _add_chunk(body, choice, event)
            else:
                raise CallError("a chunk of the stream is no object")
        if not ended and choice.get("finish_reason") is None:
            usage = usage_from(body.get("usage"), _COUNTS)
            raise CallError("the stream ended before the answer did", again=True, usage=usage)
        for call in choice["message"].get("tool_calls") or ():
            del call["index"]
        return body


def _format(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    named = {"name": "answer", "schema": schema, "strict": strict(schema)}
    return {"type": "json_schema", "json_schema": named}


def _choice(body: object, usage: Usage) -> Mapping[str, Any]:
    if isinstance(body, Mapping) and body.get("error"):
        raise failed(body["error"], said_of(body["error"]), usage)
    choices = body.get("choices") if isinstance(body, Mapping) else None
    if not isinstance(choices, list):
        raise CallError("expected a chat completion with `choices`; is this address OpenAI's API?")
    if not choices or not isinstance(choices[0], Mapping):
        raise CallError("the completion has no choices", usage=usage)
    return choices[0]


def _tokens(value: object) -> Any:
    """Those of the content, or else of the refusal."""
    if not isinstance(value, Mapping):
        return ()
    return tokens_from(value.get("content") or value.get("refusal"))


def _add_chunk(body: dict[str, Any], choice: dict[str, Any], chunk: Mapping[str, Any]) -> None:
    if chunk.get("error"):
        usage = usage_from(body.get("usage"), _COUNTS)
        raise failed(chunk["error"], said_of(chunk["error"]), usage)
    for key in ("usage", "id", "model"):
        if chunk.get(key) is not None:
            body[key] = chunk[key]
    choices = chunk.get("choices")
    for part in choices if isinstance(choices, list) else ():
        if isinstance(part, Mapping) and part.get("index") in (0, None):
            body["choices"] = [choice]
            _add_part(choice, part)


def _add_part(choice: dict[str, Any], part: Mapping[str, Any]) -> None:
    if part.get("finish_reason") is not None:
        choice["finish_reason"] = part["finish_reason"]
    logprobs = part.get("logprobs")
    for key, tokens in logprobs.items() if isinstance(logprobs, Mapping) else ():
        if isinstance(tokens, list):
            choice.setdefault("logprobs", {}).setdefault(key, []).extend(tokens)
    delta = part.get("delta")
    for key, value in delta.items() if isinstance(delta, Mapping) else ():
        if key == "tool_calls" and isinstance(value, list):
            for call in value:
                _add_call(choice["message"].setdefault("tool_calls", []), call)
        else:
            choice["message"][key] = _joined(choice["message"].get(key), value)


def _add_call(calls: list[dict[str, Any]], part: object) -> None:
    """Add a piece of a call to the call that it belongs to: by its index, or where an endpoint
    gives none, by its id, and a piece with neither to the last.
    """
    if not isinstance(part, Mapping):
        raise CallError("a tool call in the stream is no object")
    call = next((call for call in calls if _same_call(call, part)), None)
    if call is None and calls and part.get("index") is None and part.get("id") is None:
        call = calls[-1]
    if call is None:
        if len(calls) >= MAX_CALLS:
            raise CallError(f"the answer calls more than {MAX_CALLS} tools")
        calls.append(call := {"index": part.get("index"), "function": {}})
    for key, value in part.items():
        if key == "function" and isinstance(value, Mapping):
            for name, text in value.items():
                call["function"][name] = _joined(call["function"].get(name), text)
        elif value is not None:
            call[key] = value


def _same_call(call: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    key = "index" if part.get("index") is not None else "id"
    return part.get(key) is not None and bool(call.get(key) == part[key])


def _joined(before: object, more: object) -> object:
    if isinstance(before, str) and isinstance(more, str):
        return before + more
    return before if more is None else more
