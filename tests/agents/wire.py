"""One answer in all the forms in which OpenAI's two interfaces write it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a model answers; `logprobs` are one for each word of the text."""

    text: str | None = None
    calls: Sequence[tuple[str, object]] = ()
    refusal: str | None = None
    finish: str = "stop"
    logprobs: Sequence[Any] | None = None
    usage: tuple[int, int] | None = (7, 3)
    reasoning: Sequence[Mapping[str, Any]] = ()


def wants_logprobs(body: Mapping[str, Any]) -> bool:
    return bool(body.get("logprobs")) or "message.output_text.logprobs" in body.get("include", ())


def whole(answer: Answer, body: Mapping[str, Any]) -> dict[str, Any]:
    return _response(answer) if "input" in body else _completion(answer)


def events(answer: Answer, body: Mapping[str, Any]) -> list[Any]:
    if "input" in body:
        return _response_events(answer)
    counted = body.get("stream_options", {}).get("include_usage")
    return _chunks(answer, counted)


def sse(values: Iterable[Any]) -> bytes:
    lines = [": a comment\n\n"]
    for value in values:
        if "type" in value:
            lines.append(f"event: {value['type']}\n")
        lines.append(f"data: {json.dumps(value)}\n\n")
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def chat_usage(usage: tuple[int, int] | None) -> Any:
    if usage is None:
        return None
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _tokens(answer: Answer) -> list[dict[str, Any]]:
    words = (answer.text or "").split(" ")
    texts = [word + " " for word in words[:-1]] + words[-1:]
    texts += ["t"] * len(answer.logprobs or ())
    return [
        {"token": text, "logprob": value, "top_logprobs": []}
        for text, value in zip(texts, answer.logprobs or (), strict=False)
    ]


def _chat_calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(answer.calls)
    ]


def _completion(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    message["refusal"] = answer.refusal
    if answer.calls:
        message["tool_calls"] = _chat_calls(answer)
    logprobs = None if answer.logprobs is None else {"content": _tokens(answer), "refusal": None}
    choice = {"index": 0, "finish_reason": answer.finish, "logprobs": logprobs, "message": message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test-model",
        "choices": [choice],
        "usage": chat_usage(answer.usage),
    }


def _chunks(answer: Answer, counted: bool) -> list[dict[str, Any]]:
    """Texts in pieces of three characters, calls' arguments in two, each call by its index."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if answer.text else None}]
    deltas += [{"content": piece} for piece in _pieces(answer.text)]
    deltas += [{"refusal": piece} for piece in _pieces(answer.refusal)]
    for index, call in enumerate(_chat_calls(answer)):
        arguments = call["function"]["arguments"]
        first = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        for piece in _pieces(arguments) if isinstance(arguments, str) else [arguments]:
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    chunks = [_chunk(delta) for delta in deltas]
    for token in _tokens(answer) if answer.logprobs is not None else ():
        chunks.append(_chunk({}, logprobs={"content": [token], "refusal": None}))
    chunks.append(_chunk({}, finish_reason=answer.finish))
    if counted:
        chunks.append({"choices": [], "usage": chat_usage(answer.usage)})
    return chunks


def _chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **more}
    named = {"object": "chat.completion.chunk", "model": "test-model"}
    return {"id": "chatcmpl-1", **named, "choices": [choice]}


def _pieces(text: str | None) -> list[str]:
    return [text[start : start + 3] for start in range(0, len(text), 3)] if text else []


def _items(answer: Answer) -> list[dict[str, Any]]:
    items = [{"type": "reasoning", "summary": [], **item} for item in answer.reasoning]
    if answer.text is not None or answer.refusal:
        part = _text_part(answer) if answer.text is not None else _refusal_part(answer)
        message = {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
        items.append({**message, "status": "completed"})
    items += [
        {
            "type": "function_call",
            "id": f"fc_{n}",
            "call_id": f"call_{n}",
            "name": name,
            "arguments": arguments,
            "status": "completed",
        }
        for n, (name, arguments) in enumerate(answer.calls)
    ]
    return items


def _text_part(answer: Answer) -> dict[str, Any]:
    tokens = [] if answer.logprobs is None else _tokens(answer)
    return {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": tokens}


def _refusal_part(answer: Answer) -> dict[str, Any]:
    return {"type": "refusal", "refusal": answer.refusal}


def _response(answer: Answer) -> dict[str, Any]:
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(answer.finish)
    usage = answer.usage and {"input_tokens": answer.usage[0], "output_tokens": answer.usage[1]}
    return {
        "id": "resp_1",
        "object": "response",
        "model": "test-model",
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
        "error": None,
        "output": _items(answer),
        "usage": usage,
    }


def _response_events(answer: Answer) -> list[dict[str, Any]]:
    """The item without its log probabilities, which the event of its text has."""
    response = _response(answer)
    found: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**response, "output": [], "usage": None}}
    ]
    for index, item in enumerate(response["output"]):
        at = {"output_index": index}
        found.append({"type": "response.output_item.added", "item": {"type": item["type"]}, **at})
        for part in item.get("content") or ():
            if part["type"] == "output_text":
                found += _text_events(part, at)
                item["content"] = [{**part, "logprobs": []}]
        found.append({"type": "response.output_item.done", "item": item, **at})
    kind = "response.incomplete" if response["incomplete_details"] else "response.completed"
    return [*found, {"type": kind, "response": response}]


def _text_events(part: Mapping[str, Any], at: Mapping[str, Any]) -> list[dict[str, Any]]:
    at = {**at, "content_index": 0}
    kind = "response.output_text"
    return [
        *({"type": f"{kind}.delta", "delta": piece, **at} for piece in _pieces(part["text"])),
        {"type": f"{kind}.done", "text": part["text"], "logprobs": part["logprobs"], **at},
    ]
