"""A project that generates samples, against a scripted endpoint."""

from __future__ import annotations

import json
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from bench._synthetic_endpoint import SyntheticEndpoint
from tests.sync.loop import Loop

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "examples" / "customer_support" / "tools.json"
# A dollar for a thousand tokens, in and out.
DEAR = [1000, 1000]


def use(loop: Loop, endpoint: SyntheticEndpoint, **settings: Any) -> list[str]:
    """Let the project ask this endpoint; the arguments of generate, without the count."""
    loop.configure("synthesis", model="writer", base_url=endpoint.url, **settings)
    loop.configure("agent", first_wait=0.01)
    loop.settings["prices"] = {"writer": DEAR}
    loop.configure("store")
    (loop.folder / ".env").write_text("OPENAI_API_KEY=key-for-tests\n")
    # A batch's seed comes from it: the same in every test run.
    with loop.store() as db, db.conn:
        db.execute("UPDATE project SET value = ? WHERE key = 'secret'", ["0" * 64])
    task = loop.folder / "task.md"
    task.write_text("Customer support of an outdoor shop: orders, refunds, parcels.")
    return ["generate", "--task", str(task), "--tools", str(TOOLS), "--count"]


def candidates(loop: Loop) -> list[tuple[Any, ...]]:
    """What became of every attempt, without what is different each time."""
    return loop.rows(
        "SELECT batch, slot, attempt, outcome, stage, reason, sample_id"
        " FROM synthesis_candidates ORDER BY batch, slot, attempt"
    )


def ended(loop: Loop, process: ForkServerProcess, code: int) -> str:
    """What a process wrote, after it ended with this code."""
    process.join(60)
    said = (loop.folder / "dying.log").read_text()
    assert process.exitcode == code, said
    return said


def outcomes(loop: Loop) -> dict[str, int]:
    """How many attempts have each outcome."""
    return dict(loop.rows("SELECT outcome, count(*) FROM synthesis_candidates GROUP BY outcome"))


def spent(loop: Loop) -> float:
    """What the journal says that all calls cost."""
    return float(sum(float(usd) for (usd,) in loop.rows("SELECT usd FROM synthesis_calls")))


def reply_count(loop: Loop) -> int:
    """How many replies the journal holds."""
    [(count,)] = loop.rows("SELECT count(*) FROM synthesis_calls WHERE status != 'lost'")
    return int(count)


def record_of(loop: Loop, sample_id: str) -> dict[str, Any]:
    """A candidate's sample as it is stored."""
    sql = "SELECT record FROM synthesis_candidates WHERE sample_id = ? AND outcome != 'rejected'"
    [(text,)] = loop.rows(sql, sample_id)
    found: dict[str, Any] = json.loads(text)
    return found
