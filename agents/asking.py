"""What a model is asked, whichever interface it is asked through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import openai

from agents.completions import Completion

# What an endpoint may refuse, and how its refusal speaks of it.
LOGPROBS = "logprobs"
FEATURES: Mapping[str, tuple[str, ...]] = {
    LOGPROBS: ("logprob",),
    "temperature": ("temperature",),
    "schema": ("response_format", "json_schema", "text.format"),
    "usage": ("stream_options",),
    "reasoning": ("encrypted",),
    "limit": ("max_completion_tokens",),
}
_INCLUDE = ("'include'", '"include"', "include ")


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a model.

    `turns` are in chat form, with the messages of earlier completions as they came. `temperature`
    and `max_tokens` (of one answer) None leave it to the endpoint. `tools` are bare function
    definitions. `schema` is the JSON schema that the answer is to fit. `goes_on` says that the
    answer may be sent back in a later question.
    """

    turns: Sequence[Mapping[str, Any]]
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    max_tokens: int | None = None
    goes_on: bool = False


class Interface(Protocol):
    """One of OpenAI's two ways to ask a model."""

    def request(self, model: str, ask: Ask, *, stream: bool, without: Set[str]) -> dict[str, Any]:
        """The keys of a call, without those of some of `FEATURES`."""

    def start(self, client: openai.OpenAI) -> Callable[..., AbstractContextManager[Any]]:
        """How the package starts the call."""

    def completion(self, body: object) -> Completion:
        """What the body of an answer says; raises `CallError`."""

    def assembled(self, events: Iterator[object]) -> object:
        """The body that the events of a stream amount to; raises `CallError`."""


def refused_features(said: str, without: Set[str]) -> set[str]:
    """Which features an endpoint's 400 or 422 complains of.

    One that names none may mean the log probabilities: endpoints that do not know the parameter
    often say only that something is wrong. A schema that is wrong in itself is no feature.

    >>> refused_features("Unsupported value: 'temperature'", set())
    {'temperature'}
    >>> refused_features("Bad request", set()), refused_features("Bad request", {"logprobs"})
    ({'logprobs'}, set())
    """
    said = said.lower()
    blamed = {name for name, words in FEATURES.items() if any(word in said for word in words)}
    if any(word in said for word in _INCLUDE):
        blamed |= {LOGPROBS, "reasoning"}
    if "invalid schema" in said:
        blamed.discard("schema")
        return blamed - without
    return (blamed or {LOGPROBS}) - without


def strict(schema: object) -> bool:
    """Whether a schema is of the kind that OpenAI can hold a model to exactly: every object names
    all its properties as required and allows no others.
    """
    if isinstance(schema, list | tuple):
        return all(strict(item) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        names = set(properties) if isinstance(properties, Mapping) else set()
        if schema.get("additionalProperties") is not False or names != _required(schema):
            return False
    return all(strict(value) for value in schema.values())


def _required(schema: Mapping[str, Any]) -> set[str]:
    required = schema.get("required")
    return set(required) if isinstance(required, list | tuple) else set()
