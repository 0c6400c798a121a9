"""Askers at a scripted endpoint, and replies as a model writes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from agents.openai_model import OpenAIModel
from agents.retry import Retry
from agents.synthesis import Asker, Assignment, MemoryJournal, Purse, write_samples
from goldloop.prices import Price
from goldloop.synthesis.task import read_task
from goldloop.synthesis.values import Candidate, Cell, Rejection, Slot, Tool
from tests.agents.conftest import KEY
from tests.agents.openai_server import OpenAIServer

T = TypeVar("T")
FIND = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TASK = read_task("Help desk", [Tool("find_order", "Finds an order.", FIND)])
# A dollar for a million tokens, either way.
PRICE = Price(Decimal(1), Decimal(1))


def assignments(count: int, difficulty: str = "easy") -> list[Assignment]:
    cell = Cell(difficulty, "find_order", "a student", "terse", "clear")
    return [Assignment(Slot(index, cell)) for index in range(count)]


def sample_text(text: str = "Where is my order?", **other: Any) -> str:
    """A reply that holds a sample."""
    value = {
        "user_input": text,
        "conversation": [],
        "expected_response": "On its way.",
        "key_points": [],
        "expected_tool_calls": [],
        "difficulty": "easy",
    }
    return json.dumps({**value, **other})


def asker(
    server: OpenAIServer,
    journal: MemoryJournal | None = None,
    purse: Purse | None = None,
    *,
    concurrency: int = 4,
    attempts: int = 3,
    **settings: Any,
) -> Asker:
    settings = {"base_url": server.url, "timeout": 5.0, "max_tokens": 100, **settings}
    model = OpenAIModel("m-1", api_key=KEY, retry=Retry(attempts=1), **settings)
    retry = Retry(attempts=attempts, first_wait=0.001)
    return Asker(model, journal, purse, concurrency=concurrency, retry=retry)


def using(made: Asker, work: Callable[[Asker], Awaitable[T]]) -> T:
    """What the work comes to with the asker."""

    async def inside() -> T:
        async with made as opened:
            return await work(opened)

    return asyncio.run(inside())


async def listed(results: AsyncIterator[T]) -> list[T]:
    return [result async for result in results]


def written(
    made: Asker, todo: Sequence[Assignment], *, evolve: bool = False, seed: int = 1
) -> dict[int, Candidate | Rejection]:
    """What came of each assignment, by its slot."""

    async def work(opened: Asker) -> dict[int, Candidate | Rejection]:
        results = write_samples(
            opened, TASK, todo, batch=1, seed=seed, temperature=0.9, evolve=evolve
        )
        return {assignment.slot.index: came for assignment, came in await listed(results)}

    return using(made, work)
