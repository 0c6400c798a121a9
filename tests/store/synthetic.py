"""Batches of synthetic samples for tests, small and made by hand."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from goldloop.samples import Sample, ToolCall
from goldloop.synthesis.values import Candidate, Cell, Provenance, Slot
from store.database import Store
from store.synthesis import CHECKING, NewBatch, create_batch, keep_candidates, set_batch_state
from store.synthesis_calls import StoredJournal

PROVENANCE = Provenance("1", "writer", {"temperature": 0.9}, ("req-1",), ("easy",), "schema", 10, 5)


def journal_of(db: Store, batch: int) -> StoredJournal:
    """The journal of a batch, through a store that is open."""
    return StoredJournal(lambda: nullcontext(db), batch)


def slot(index: int, difficulty: str = "easy", capability: str = "refunds") -> Slot:
    return Slot(index, Cell(difficulty, capability, "a parent", "terse", "clear"))


def candidate(place: Slot, attempt: int = 1, **fields: Any) -> Candidate:
    """A candidate for a slot; its sample is syn-INDEX-ATTEMPT unless told."""
    sample = Sample(
        **{
            "sample_id": f"syn-{place.index}-{attempt}",
            "user_input": f"Please refund order {place.index}, it came {attempt} days late.",
            "expected_response": "It is refunded.",
            "expected_tool_calls": (ToolCall("refund", {"order": place.index}),),
            "difficulty": place.cell.difficulty,
            "tags": (place.cell.capability, "intent:clear"),
            "source": "synthetic",
            "metadata": {"synthesis": {"slot": place.index}},
            **fields,
        }
    )
    return Candidate(place, attempt, sample, PROVENANCE, ("refunded",), ('{"order": 1}',))


def stored_batch(db: Store, count: int, **inputs: Any) -> int:
    """A batch that waits for its check, with a written candidate in each slot."""
    slots = [slot(index) for index in range(count)]
    batch = create_batch(db, NewBatch(inputs or {"count": count}, slots, "1", "writer", 7))
    keep_candidates(db, batch, [(one, 1, candidate(one)) for one in slots])
    set_batch_state(db, batch, CHECKING)
    return batch
