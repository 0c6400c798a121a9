"""The journal of a generation: every call of a model that was answered, and what it took."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any

from sqlite_utils import Database

from store.database import Store, atomic, to_json, utc_now

ANSWERED, REFUSED, TRUNCATED, LOST = "answered", "refused", "truncated", "lost"


class StoredJournal:
    """The calls of one batch, in the store; for several threads, of which `stores` gives each its
    own (see `Connections`).

    A reply is written down before it is used, so that a process that dies at any moment has paid
    for no more than what was in the air.
    """

    def __init__(self, stores: Callable[[], AbstractContextManager[Store]], batch: int) -> None:
        self._stores = stores
        self._batch = batch
        # One after another: SQLite lets those that it keeps waiting sleep for longer than that.
        self._writing = Lock()

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The reply that the batch got under that key; None where there is none."""
        with self._stores() as db:
            row = db.execute(
                "SELECT reply FROM synthesis_calls WHERE batch = ? AND key = ?"
                " AND status != 'lost'",
                [self._batch, key],
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, key: str, reply: Mapping[str, Any]) -> None:
        """Write a reply down; the first one under a key stays."""
        ended = TRUNCATED if reply.get("stop_reason") == "length" else ANSWERED
        self._write(key, reply, REFUSED if reply.get("refused") else ended)

    def lose(self, key: str, cost: Mapping[str, Any]) -> None:
        """Write down what a try took that brought no reply."""
        self._write(key, cost, LOST)

    def _write(self, key: str, call: Mapping[str, Any], status: str) -> None:
        with self._writing, self._stores() as db:
            _insert(db, self._batch, key, call, status)


@atomic
def _insert(db: Database, batch: int, key: str, call: Mapping[str, Any], status: str) -> None:
    db.execute(
        "INSERT INTO synthesis_calls (key, batch, slot, attempt, purpose, step, status, request_id,"
        " input_tokens, output_tokens, usd, reply, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            key,
            batch,
            call.get("slot"),
            call.get("attempt"),
            call["purpose"],
            call.get("step"),
            status,
            call.get("request_id"),
            call.get("input_tokens"),
            call.get("output_tokens"),
            call.get("usd"),
            to_json(call),
            utc_now(),
        ],
    )


@dataclass(frozen=True, slots=True)
class PurposeCost:
    """What the calls for one purpose (write, evolve, solve, judge) took: `calls` in all, of which
    `uncounted` have no tokens known and are in no sum of tokens; `unpriced` are in no sum of `usd`.
    `statuses` counts how they ended.
    """

    purpose: str
    calls: int
    uncounted: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    usd: Decimal
    statuses: Mapping[str, int]


def costs_by_purpose(db: Database, batch: int | None = None) -> list[PurposeCost]:
    """What each kind of call took in a batch (in all of them: None), by name."""
    rows = db.execute(
        "SELECT purpose, status, usd, input_tokens, output_tokens FROM synthesis_calls"
        " WHERE batch = :batch OR :batch IS NULL",
        {"batch": batch},
    ).fetchall()
    names = sorted({row[0] for row in rows})
    return [_cost(name, [row[1:] for row in rows if row[0] == name]) for name in names]


def _cost(name: str, rows: list[tuple[str, str | None, int | None, int | None]]) -> PurposeCost:
    known = [(sent, came) for _, _, sent, came in rows if sent is not None and came is not None]
    # Money is decimal text, which SQLite would add up as floating point.
    paid = [Decimal(usd) for _, usd, _, _ in rows if usd is not None]
    return PurposeCost(
        name,
        len(rows),
        len(rows) - len(known),
        len(rows) - len(paid),
        sum(sent for sent, _ in known),
        sum(came for _, came in known),
        sum(paid, Decimal(0)),
        dict(sorted(Counter(row[0] for row in rows).items())),
    )
