"""What a model answered, in whichever way it was asked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from agents.usage import Usage


class Token(NamedTuple):
    """One token of an answer: its text, and the natural logarithm of its probability."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Completion:
    """One assistant turn.

    `message` is in chat form, with keys of the endpoint's own, since some want them back; a refusal
    stands as its content, and `refused` says that it is one: saying no may be right. `tokens` are
    those of the answer's text, empty where there are no log probabilities. `stop_reason` is
    `length` or `content_filter` where the endpoint cut the answer off. The tokens are those of this
    answer; the `spent` ones count what failed attempts were said to take as well. Each is None
    where the endpoint does not say. `request_id` is what the endpoint calls the request, and
    `structured` what held the answer to the form that was asked for: `schema`, `json`, `prompt`.
    `model` is who answered, as the endpoint says: another name than was asked for where that is an
    alias.
    """

    message: Mapping[str, Any]
    tokens: tuple[Token, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    spent_input_tokens: int | None = None
    spent_output_tokens: int | None = None
    stop_reason: str | None = None
    refused: bool = False
    request_id: str | None = None
    structured: str | None = None
    model: str | None = None

    @property
    def text(self) -> str:
        """What it says; empty for an answer that only calls tools."""
        content = self.message.get("content")
        return content if isinstance(content, str) else ""

    @property
    def usage(self) -> Usage:
        """The tokens of this answer."""
        return Usage(self.input_tokens, self.output_tokens)

    @property
    def spent(self) -> Usage:
        """The tokens of this answer and of the attempts before it."""
        return Usage(self.spent_input_tokens, self.spent_output_tokens)

    def having_spent(self, spent: Usage) -> Completion:
        """The same answer, which took so many tokens in all."""
        return replace(
            self, spent_input_tokens=spent.input_tokens, spent_output_tokens=spent.output_tokens
        )


def tokens_from(value: object) -> tuple[Token, ...]:
    """Tokens as both of OpenAI's interfaces write them.

    None at all where one of them is not a text with a number: half of an answer's probabilities say
    nothing about it.
    """
    if not isinstance(value, list | tuple):
        return ()
    tokens = [_token(item) for item in value]
    return () if None in tokens else tuple(token for token in tokens if token)


def _token(value: object) -> Token | None:
    if not isinstance(value, Mapping):
        return None
    text, logprob = value.get("token"), value.get("logprob")
    if not isinstance(text, str) or isinstance(logprob, bool):
        return None
    if not isinstance(logprob, int | float) or math.isnan(logprob) or logprob == math.inf:
        return None
    return Token(text, float(logprob))
