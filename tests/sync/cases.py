"""Cases whose runs are right as often as they say, and people who say the truth of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.sync.calibrated import WORDS, say
from tests.sync.loop import Loop

COUNT = 240


def case(number: int, version: str = "v1", **record: Any) -> dict[str, Any]:
    """A sample whose run is right with the probability that it says."""
    luck = np.random.default_rng(number)
    words = ["red", "blue", "late", "lost", "angry", "small", "order", "refund", "login", "mail"]
    return {
        "sample_id": f"c{number:04}",
        "user_input": f"{' '.join(luck.choice(words, 6))} {number}",
        "tags": [("refund", "orders", "login")[number % 3]],
        "difficulty": ("easy", "hard")[number % 2],
        "run": {
            "agent_version": version,
            "response": f"{version} says {number}",
            "tool_calls": [{"name": "find", "arguments": {"number": number}}],
            "confidence": round(float(luck.random()), 4),
        },
        **record,
    }


def is_right(sample_id: str) -> bool:
    number = int(sample_id[1:])
    luck = float(np.random.default_rng([1, number]).random())
    return bool(luck < case(number)["run"]["confidence"])


def fill(loop: Loop, count: int = COUNT, first: int = 0, version: str = "v1") -> None:
    """Import cases; with the same random numbers in every test run."""
    with loop.store() as db, db.conn:
        if not db.execute("SELECT 1 FROM samples").fetchone():
            db.execute("UPDATE project SET value = ? WHERE key = 'secret'", ["0" * 64])
    records = [case(number, version) for number in range(first, first + count)]
    loop.run("import", str(loop.write(f"{version}-{first}.jsonl", records)))


def pick(loop: Loop, size: int = 40) -> list[str]:
    """A round; its samples."""
    return [one["sample_id"] for one in loop.json("select", "--batch-size", str(size))["picks"]]


def label(loop: Loop, ids: list[str]) -> None:
    """People say the truth."""
    say(loop, {one: WORDS[is_right(one)] for one in ids})
