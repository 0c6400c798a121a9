"""generate --dry-run: the grid of a batch, and the most that it may cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from goldloop.prices import price_of
from goldloop.samples import DIFFICULTIES
from goldloop.synthesis.grid import Coverage, coverage
from goldloop.synthesis.prompts import MAX_WRONG, difficulties, write_prompt
from goldloop.synthesis.values import AXES, Slot
from store.database import Store
from store.synthesis import NewBatch
from sync.budget import CHARACTERS
from sync.project import Project
from sync.synthesis_batch import new_batch
from sync.synthesis_inputs import Asked

# Two solutions, and one question whether these and what is expected mean the same.
SOLVING, COMPARED = 2, 3
CONFIRMING = SOLVING + 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch that was not made. `calls` and the tokens are upper bounds, without retries of calls
    that fail: every attempt is needed, and every answer is as long as it may be; the tokens are
    None where that has no bound, and `usd` is None without a price.
    """

    count: int
    model: str
    coverage: Coverage
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    usd: Decimal | None

    def record(self) -> dict[str, Any]:
        """As plain values, with the table of each two axes."""
        tables = {
            f"{one} by {other}": dict(self.coverage.table(one, other))
            for one, other in self.coverage.counts
        }
        return {
            "count": self.count,
            "model": self.model,
            "coverage": tables,
            "pairs_covered": self.coverage.covered,
            "pairs_possible": self.coverage.possible,
            "most_calls": self.calls,
            "most_input_tokens": self.input_tokens,
            "most_output_tokens": self.output_tokens,
            "most_usd": None if self.usd is None else str(self.usd),
        }


def planned(project: Project, db: Store, asked: Asked) -> Plan:
    """What the batch would be; nothing is written and nobody is asked."""
    new = new_batch(project, db, asked)
    settings = project.settings.synthesis
    first = settings.attempts * len(new.slots)
    further = sum(_further(slot, settings.evolve, settings.attempts) for slot in new.slots)
    confirmed = len(new.slots) if settings.consistency else 0
    calls = first + further + CONFIRMING * confirmed
    longest = settings.max_output
    sent = came = usd = None
    if longest:
        # What came before goes in again: a sample to evolve or to solve twice, three answers.
        again = further + (SOLVING + COMPARED) * confirmed
        sent = calls * _longest_prompt(asked, new) + again * longest
        came = calls * longest
        price = price_of(project.settings.prices, asked.model)
        usd = None if price is None else price.cost(sent, came)
    cells = coverage([slot.cell for slot in new.slots], axes_of(new.slots))
    return Plan(len(new.slots), asked.model, cells, calls, sent, came, usd)


def _further(slot: Slot, evolve: bool, attempts: int) -> int:
    """Calls that make a sample harder."""
    return attempts * (len(difficulties(slot.cell, evolve)) - 1)


def _longest_prompt(asked: Asked, new: NewBatch) -> int:
    """In tokens, rather too many."""
    texts = [
        write_prompt(
            asked.task,
            slot.cell,
            slot.cell.difficulty,
            new.examples.get(slot.cell.capability, ())[: asked.examples],
            "x" * MAX_WRONG,
        )
        for slot in new.slots
    ]
    return max(len(json.dumps(turns, ensure_ascii=False)) for turns in texts) // CHARACTERS


def axes_of(slots: Sequence[Slot]) -> Mapping[str, Mapping[str, float]]:
    """Every value that the slots have on each axis, the difficulties in their order."""
    order = {name: place for place, name in enumerate(DIFFICULTIES)}
    found = {axis: {getattr(slot.cell, axis) for slot in slots} for axis in AXES}
    return {
        axis: dict.fromkeys(sorted(names, key=lambda name: (order.get(name, 0), name)), 1.0)
        for axis, names in found.items()
    }
