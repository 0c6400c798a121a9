"""What was asked and paid for, so that it is not asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, in plain values, and what the call was for.

    `purpose` is `write`, `evolve`, `solve` or `judge`; `step` counts the calls of one purpose on
    one attempt at a slot. `usd` is decimal text: what it cost, or at most cost where the endpoint
    did not count its tokens; None where no price is known.
    """

    purpose: str
    slot: int
    attempt: int
    step: int
    text: str
    refused: bool = False
    stop_reason: str | None = None
    structured: str | None = None
    request_id: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: str | None = None

    def record(self) -> dict[str, Any]:
        """The reply as a JSON object."""
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Reply:
        """The reply that `record` gave; keys that it does not know are left out."""
        return cls(**{field.name: record[field.name] for field in fields(cls)})


class Journal(Protocol):
    """Remembers replies under the key of their call; used from several threads at once."""

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The reply that was put under the key; None where there is none."""

    def put(self, key: str, reply: Mapping[str, Any]) -> None:
        """Keep a reply for good, before the call returns."""

    def lose(self, key: str, cost: Mapping[str, Any]) -> None:
        """Note a try that failed and may have cost something all the same: `purpose`, `slot`,
        `attempt`, `step`, `input_tokens`, `output_tokens` and `usd`; several may have one key.
        """


class MemoryJournal:
    """Remembers replies by their key, and what failed tries cost, as long as it lives itself."""

    def __init__(self) -> None:
        self.replies: dict[str, Mapping[str, Any]] = {}
        self.lost: list[Mapping[str, Any]] = []

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The reply that was put under the key; None where there is none."""
        return self.replies.get(key)

    def put(self, key: str, reply: Mapping[str, Any]) -> None:
        """Keep a reply; a second one under a key takes the first one's place."""
        self.replies[key] = reply

    def lose(self, key: str, cost: Mapping[str, Any]) -> None:
        """Note what a failed try cost, along with the key of its call."""
        self.lost.append({"key": key, **cost})
