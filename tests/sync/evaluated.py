"""A project with a small golden version and an agent whose faults are known."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from bench._golden_version import item_of, write_version
from goldloop.samples import Sample, ToolCall
from tests.sync.loop import Loop

# Writes down whom it was asked about; wrong on s-001, fails on s-003, and slow where told to be.
AGENT = """
import time
from pathlib import Path

SECONDS = 0.0

def answer(asked):
    with (Path(__file__).parent / "asked.txt").open("a") as file:
        file.write(asked["sample_id"] + "\\n")
    time.sleep(SECONDS)
    number = int(asked["sample_id"][2:])
    if number == 3:
        raise RuntimeError("the agent fell over")
    return {
        "response": f"done {number}",
        "tool_calls": [{"name": "find", "arguments": {"id": 0 if number == 1 else number}}],
        "input_tokens": 100,
        "output_tokens": 10,
    }
"""


def case(number: int, *, calls: bool = True) -> Sample:
    """A case that expects one tool call, or nothing."""
    expected = (ToolCall("find", {"id": number}),)
    return Sample(
        f"s-{number:03}",
        f"question {number}",
        expected_tool_calls=expected if calls else None,
        difficulty="hard" if number % 2 else "easy",
        tags=("refund",) if number < 2 else ("order",),
    )


def set_up(loop: Loop, cases: Sequence[Sample] | int = 5, agent: str = AGENT) -> Path:
    """A version of these cases, or of so many, and the agent; the folder of the versions."""
    samples = [case(number) for number in range(cases)] if isinstance(cases, int) else cases
    root = loop.folder / "versions"
    write_version(root, [item_of(sample, 0.5) for sample in samples])
    write_agent(loop, agent)
    loop.configure("agent", kind="python:counting_agent:answer", version="agent-1", concurrency=2)
    return root


def write_agent(loop: Loop, agent: str) -> None:
    """Another agent under the same name; what an earlier test imported is forgotten."""
    (loop.folder / "counting_agent.py").write_text(agent)
    sys.modules.pop("counting_agent", None)
    importlib.invalidate_caches()


def asked(loop: Loop) -> list[str]:
    """Whom the agent was asked about, in order."""
    path = loop.folder / "asked.txt"
    return path.read_text().splitlines() if path.exists() else []
