"""Read OpenAI's `chat.completion` object, from whatever endpoint says that it speaks it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goldloop.errors import AgentError

_ENDINGS = {
    "length": "the answer was cut off at the token limit (finish_reason=length)",
    "content_filter": "the endpoint's content filter held the answer back",
}


@dataclass(frozen=True, slots=True)
class Completion:
    """One assistant turn.

    `message` is as the endpoint sent it, since some want their own keys back, except that a
    refusal stands as its content. `logprobs` are those of the answer's tokens, empty where there
    are none. The counts are None where the endpoint does not say.
    """

    message: Mapping[str, Any]
    logprobs: tuple[float, ...]
    input_tokens: int | None
    output_tokens: int | None


def completion_from(body: object) -> Completion:
    """The first choice of a completion.

    A refusal is an answer like any other: saying no may be right. Raises `AgentError` when there
    is no choice, the answer was cut off or filtered, or the body is something else.
    """
    choice = _choice(body)
    if choice.get("finish_reason") in _ENDINGS:
        raise AgentError(_ENDINGS[choice["finish_reason"]])
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise AgentError("the completion's first choice has no message")
    usage = body.get("usage") if isinstance(body, Mapping) else None
    return Completion(
        message={
            **message,
            "role": "assistant",
            "content": message.get("content") or message.get("refusal"),
        },
        logprobs=_logprobs(choice.get("logprobs")),
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
    )


def _choice(body: object) -> Mapping[str, Any]:
    choices = body.get("choices") if isinstance(body, Mapping) else None
    if not isinstance(choices, list):
        raise AgentError("expected a chat completion with `choices`; is this address OpenAI's API?")
    if not choices or not isinstance(choices[0], Mapping):
        raise AgentError("the completion has no choices")
    return choices[0]


def _logprobs(value: object) -> tuple[float, ...]:
    """Those of the content, or else of the refusal; none at all when one of them is no number."""
    if not isinstance(value, Mapping):
        return ()
    tokens = value.get("content") or value.get("refusal")
    if not isinstance(tokens, list):
        return ()
    numbers = [token.get("logprob") if isinstance(token, Mapping) else None for token in tokens]
    sound = [float(n) for n in numbers if isinstance(n, int | float) and not math.isnan(n)]
    return tuple(sound) if len(sound) == len(numbers) and math.inf not in sound else ()


def _count(usage: object, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and 0 <= count < 2**53 else None
