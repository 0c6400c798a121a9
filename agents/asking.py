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
    "json": ("response_format", "json_object", "text.format"),
    "seed": ("seed",),
    "usage": ("stream_options",),
    "reasoning": ("encrypted",),
    "limit": ("max_completion_tokens",),
}
# What a refusal may mean that names nothing, the likeliest first.
_UNNAMED = (LOGPROBS, "schema", "json")
_INCLUDE = ("'include'", '"include"', "include ")


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a model.

    `turns` are in chat form, with the messages of earlier completions as they came. `temperature`
    and `max_tokens` (of one answer) None leave it to the endpoint. `tools` are bare function
    definitions. `schema` is the JSON schema that the answer is to fit. `goes_on` says that the
    answer may be sent back in a later question. `seed` asks for the same answer to the same
    question where the endpoint can do that, and `logprobs` for the tokens' log probabilities.

    An endpoint that refuses the schema is asked for any JSON object, and one that refuses that too
    is left with what the turns say of the form.
    """

    turns: Sequence[Mapping[str, Any]]
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    max_tokens: int | None = None
    goes_on: bool = False
    seed: int | None = None
    logprobs: bool = True


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

    One that names none may mean the log probabilities, or else the schema: endpoints that do not
    know the parameter often say only that something is wrong. A schema that is wrong in itself is
    no feature. JSON objects of any form are asked for, and refused, after the schema only.

    >>> refused_features("Unsupported value: 'temperature'", set())
    {'temperature'}
    >>> refused_features("Bad request", set()), refused_features("Bad request", {"logprobs"})
    ({'logprobs'}, {'schema'})
    """
    said = said.lower()
    blamed = {name for name, words in FEATURES.items() if any(word in said for word in words)}
    if any(word in said for word in _INCLUDE):
        blamed |= {LOGPROBS, "reasoning"}
    if "schema" not in without:
        blamed.discard("json")
    if "invalid schema" in said:
        blamed.discard("schema")
        return blamed - without
    return (blamed or _unnamed(without)) - without


def held_by(ask: Ask, without: Set[str]) -> str | None:
    """What holds an answer to the form that was asked for: `schema`, `json` (any object) or the
    `prompt` alone; None where no form was asked for.
    """
    if ask.schema is None:
        return None
    return next((form for form in ("schema", "json") if form not in without), "prompt")


def _unnamed(without: Set[str]) -> set[str]:
    return set(next(([name] for name in _UNNAMED if name not in without), []))


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
