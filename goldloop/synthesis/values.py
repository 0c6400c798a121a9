"""What generation is about: the slots of a batch, and the candidates that are to fill them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from goldloop.samples import DIFFICULTIES, Sample

INTENTS = ("clear", "ambiguous", "adversarial", "multi_step", "out_of_scope")
AXES = ("difficulty", "capability", "persona", "style", "intent")

# What can become of a candidate, in the order of the stages; `reasons` of a rejection are of the
# stage's own.
CALL, RULES, CONSISTENCY, SPOT_CHECK = STAGES = ("call", "rules", "consistency", "spot_check")
REASONS: Mapping[str, tuple[str, ...]] = {
    CALL: ("failed", "refused", "truncated", "malformed"),
    RULES: (
        "empty",
        "too_short",
        "too_long",
        "unknown_tool",
        "bad_arguments",
        "placeholder",
        "exact_duplicate",
        "near_duplicate",
        "leaked_example",
        "personal_data",
    ),
    CONSISTENCY: (
        "different_calls",
        "different_answer",
        "unexpected_calls",
        "unexpected_answer",
        "unsolved",
    ),
    SPOT_CHECK: ("human_rejected",),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid: a value on each of `AXES`."""

    difficulty: str
    capability: str
    persona: str
    style: str
    intent: str

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise ValueError(f"difficulty must be one of {DIFFICULTIES}, not {self.difficulty!r}")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a batch, which one sample is to fill: its number from 0, and its cell."""

    index: int
    cell: Cell


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a candidate comes from: everything that was asked for it, over all of its calls.

    `usd` is decimal text, None where no price is known; the tokens are None where the endpoint did
    not count them. `steps` are the difficulties it went through. `structured` is how the answer's
    form was held to: `schema`, `json` or `prompt`.
    """

    prompt_version: str
    model: str
    parameters: Mapping[str, Any]
    request_ids: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    structured: str = "schema"
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sample that a model wrote for a slot, on its `attempt` (from 1).

    `sample.source` is `synthetic`, and its metadata hold the provenance, the cell and the key
    points. `arguments` are the texts of the tool calls' arguments as the model wrote them, in
    order, for what in them is no JSON object is a fault of its own.
    """

    slot: Slot
    attempt: int
    sample: Sample
    provenance: Provenance
    key_points: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a candidate does not go on: the stage, one of the stage's `REASONS`, and in words what
    is wrong, for a person and for the next prompt.
    """

    stage: str
    reason: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that samples may expect calls of; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
