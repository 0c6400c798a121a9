"""Candidates as a model might have written them, and honest texts."""

import json
from pathlib import Path

import pytest

from goldloop.samples import Sample, ToolCall
from goldloop.synthesis.values import Candidate, Cell, Provenance, Slot

CASES = Path(__file__).resolve().parents[3] / "examples" / "customer_support" / "cases.jsonl"


@pytest.fixture(scope="session")
def support_texts():
    """Every text that a person or the agent wrote in the customer support example."""
    texts = []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        turns = (*case.get("conversation", ()), *case["run"]["messages"])
        texts += [turn["content"] for turn in turns if turn.get("content")]
        texts += [case["user_input"], case.get("expected_response") or ""]
    return texts


@pytest.fixture
def candidate():
    """Makes a candidate for a slot, by default one with nothing wrong."""

    def made(
        index=0,
        text="Where is the blue jacket that I ordered last week?",
        *,
        response="It is on its way.",
        calls=(),
        arguments=(),
        key_points=(),
        conversation=(),
        difficulty="easy",
        tags=("orders",),
        attempt=1,
    ):
        expected = None if calls is None else tuple(ToolCall(*call) for call in calls)
        sample = Sample(
            f"syn-{index}-{attempt}",
            text,
            tuple(conversation),
            response,
            expected,
            difficulty,
            tuple(tags),
            "synthetic",
        )
        slot = Slot(index, Cell(difficulty, "orders", "a student", "terse", "clear"))
        provenance = Provenance("v1", "writer", {})
        return Candidate(slot, attempt, sample, provenance, tuple(key_points), tuple(arguments))

    return made
