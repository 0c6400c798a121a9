"""A project whose agent says more than it keeps, and people who have labelled a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from goldloop.consensus import FieldConsensus, State, TaskConsensus
from store.consensus import save_consensus
from tests.sync.loop import Loop

WORDS = {True: "correct", False: "incorrect"}


def confidence(number: int, count: int) -> float:
    """What the agent says of sample `number`: from 0.5 to 1."""
    return round(0.5 + 0.5 * (number + 0.5) / count, 6)


def is_right(number: int, count: int) -> bool:
    """Whether it is: less often than it says, and more often the surer it is."""
    luck = int.from_bytes(sha256(f"case {number}".encode()).digest()[:6], "big") / 2**48
    return luck < 0.15 + 0.75 * number / count


def record(number: int, count: int, version: str = "agent-1", **run: Any) -> dict[str, Any]:
    """A sample with its run."""
    return {
        "sample_id": f"c-{number:04}",
        "user_input": f"Where is my order {number}?",
        "run": {
            "agent_version": version,
            "response": f"It leaves on day {number}.",
            "tool_calls": [{"name": "find_order", "arguments": {"number": number}}],
            "confidence": confidence(number, count),
            **run,
        },
    }


def key(count: int) -> dict[str, dict[str, Any]]:
    """The right answers to every sample."""
    return {
        f"c-{number:04}": {"correctness": WORDS[is_right(number, count)], "tool_use": "right"}
        for number in range(count)
    }


def fill(loop: Loop, records: list[dict[str, Any]]) -> None:
    """Import samples with their runs; they get the same random numbers in every test run."""
    with loop.store() as db, db.conn:
        db.execute("UPDATE project SET value = ? WHERE key = 'secret'", ["0" * 64])
    loop.run("import", str(loop.write("cases.jsonl", records)))


def label_in_store(loop: Loop, count: int, labelled: int) -> list[str]:
    """Import `count` samples, pick `labelled` of them, and write what people would have said of
    those into the store; their ids.
    """
    fill(loop, [record(number, count) for number in range(count)])
    picks = loop.json("select", "--batch-size", str(labelled))["picks"]
    ids = [pick["sample_id"] for pick in picks]
    say(loop, {one: WORDS[is_right(int(one[2:]), count)] for one in ids})
    return ids


def say(loop: Loop, answers: Mapping[str, str]) -> None:
    """Let these answers to `correctness` stand, by sample."""
    with loop.store() as db:
        save_consensus(db, {one: _agreed(answer) for one, answer in answers.items()})


def _agreed(answer: str) -> TaskConsensus:
    field = FieldConsensus("correctness", State.AGREED, answer, 2, 1.0, True, "majority", 1)
    return TaskConsensus(State.AGREED, (field,), 1.0, 2, 0, None)


def answer_all(loop: Loop, count: int, people: int = 1) -> None:
    """Let people answer every task that is there, and pull."""
    right = key(count)
    for sample_id, task_id in loop.task_ids().items():
        for person in range(people):
            loop.answer(person, task_id, right[sample_id])
    loop.run("pull")
