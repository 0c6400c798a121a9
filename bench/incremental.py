"""One task's consensus after one change, through the store, beside SQLite alone.

A store of 1,000,000 annotations (quick: 45,000): three a task by 50 people who err differently, to
the questions of the built-in interface. The models are learned once; then 200 samples are changed,
one at a time, and the consensus of each is updated; as in the worker, SQLite moves its log into the
file between the updates. The floor is the same reads and writes of the same rows without our code,
treated likewise. At the end everything is learned and decided again,
and the states before and after are compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from goldloop.fields import Answers
from label_config.interface import builtin_interface
from label_config.results import write_result
from store.annotations import annotations_of, store_task_annotations
from store.database import Store, transaction
from store.snapshots import checkpoint
from store.tasks import ReviewProject, save_review_project
from sync.consensus import refit, update_consensus
from sync.init import init_project
from sync.project import Project, open_project

INTERFACE = builtin_interface()
PROJECT = 1
PEOPLE, PER_TASK, UPDATES = 50, 3, 200
ANNOTATIONS, QUICK_ANNOTATIONS = 1_000_000, 45_000
VERDICTS = ("correct", "partially_correct", "incorrect")
TOOL_USES = ("right", "wrong_tool", "wrong_arguments", "missing_call", "not_applicable")
MODES = ("hallucinated_fact", "incomplete_answer", "ignored_instruction", "wrong_tool_call")
WHEN = "2026-01-01T00:00:00.000000Z"


def main(quick: bool) -> dict[str, Any]:
    """Measure 200 updates and the refit before them; the figures of the issue's aims."""
    annotations = QUICK_ANNOTATIONS if quick else ANNOTATIONS
    with tempfile.TemporaryDirectory() as folder:
        init_project(Path(folder))
        project = open_project(Path(folder))
        db = project.open_store()
        try:
            return _measure(project, db, annotations)
        finally:
            db.close()


def _measure(project: Project, db: Store, annotations: int) -> dict[str, Any]:
    say = _clock()
    fill(db, annotations // PER_TASK)
    say(f"{annotations:,} annotations stored")
    refit_seconds = _seconds(lambda: refit(project, db))
    say("learned and decided")
    drawn = np.random.default_rng(1).choice(annotations // PER_TASK, UPDATES, replace=False)
    changed = [f"s{number}" for number in drawn]
    updates = []
    for sample_id in changed:
        change(db, sample_id)
        checkpoint(db)
        updates.append(_seconds(lambda one=sample_id: update_consensus(project, db, [one])))  # type: ignore[misc]
    floor = [_floor(db, sample_id) for sample_id in changed]
    before = _states(db)
    say(f"{UPDATES} updates")
    again = _seconds(lambda: refit(project, db))
    after = _states(db)
    say("learned and decided again")
    same = sum(before[sample_id] == state for sample_id, state in after.items())
    figures = {
        "annotations": annotations,
        "update_p50_ms": _ms(updates, 50),
        "update_p99_ms": _ms(updates, 99),
        "floor_ms": _ms(floor, 50),
        "floor_p99_ms": _ms(floor, 99),
        "refit_s": round(min(refit_seconds, again), 1),
        "states_equal_after_refit": round(same / len(after), 6),
    }
    for name, value in figures.items():
        print(f"{name:<26}{value:>14}")
    return figures


def fill(db: Store, samples: int) -> None:
    """Samples s0, s1, ... with three annotations each, as push and pull would leave them."""
    save_review_project(db, ReviewProject(PROJECT, "http://localhost", "Bench", INTERFACE.xml))
    with transaction(db):
        db.conn.executemany(
            "INSERT INTO samples VALUES (?, '?', NULL, '[]', 'trace', NULL, 0.5, '{}', ?)",
            ((f"s{number}", WHEN) for number in range(samples)),
        )
        # Not deleted, and stored at no known time.
        db.conn.executemany(_insert("annotations", 14), ((*row, None) for row in _rows(samples)))


def change(db: Store, sample_id: str) -> None:
    """Somebody says otherwise than before, as a pull stores it."""
    found = annotations_of(db, [sample_id])[sample_id]
    first, *others = found
    other: Answers = {"correctness": "incorrect", "tool_use": "wrong_tool", "helpfulness": 1}
    result = write_result(INTERFACE, other)
    present = [replace(first, result=result, updated_at=WHEN.replace("01-01", "02-01")), *others]
    with transaction(db):
        store_task_annotations(db, {(PROJECT, first.task_id): present})


def _rows(samples: int) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(7)
    right = rng.uniform(0.55, 0.95, PEOPLE)
    for number in range(samples):
        truth, use = rng.integers(len(VERDICTS)), rng.integers(len(TOOL_USES))
        for place, who in enumerate(rng.choice(PEOPLE, PER_TASK, replace=False).tolist()):
            verdict = truth if rng.random() < right[who] else rng.integers(len(VERDICTS))
            tool = use if rng.random() < right[who] else rng.integers(len(TOOL_USES))
            stars, sure, mode = (int(rng.integers(1, top)) for top in (6, 6, 5))
            result = _result(int(verdict), int(tool), stars, sure, mode)
            key = number * PER_TASK + place + 1
            yield (
                *(key, PROJECT, number + 1, f"s{number}", who + 1, who + 1),
                *(result, 0, 0, 30.0, WHEN, WHEN, None),
            )


@cache
def _result(verdict: int, tool: int, stars: int, sure: int, mode: int) -> str:
    """The result as Label Studio has it; a text goes with every other wrong verdict."""
    answers: dict[str, Any] = {
        "correctness": VERDICTS[verdict],
        "tool_use": TOOL_USES[tool],
        "helpfulness": stars,
        "confidence": sure,
    }
    if verdict:
        answers["failure_modes"] = MODES[:mode]
        answers["notes"] = "The order number is missing from the answer."
    if verdict == 1 and mode % 2:
        answers["expected_response"] = f"Your order {mode} leaves tomorrow, within {stars} hours."
    return json.dumps(write_result(INTERFACE, answers))


def _floor(db: Store, sample_id: str) -> float:
    """Seconds for the statements of one update with rows that are ready: SQLite alone."""
    connection = db.conn
    state = connection.execute("SELECT * FROM cursors WHERE name = 'consensus:learned'").fetchone()
    task = connection.execute("SELECT * FROM consensus WHERE sample_id = ?", [sample_id]).fetchone()
    every = "SELECT * FROM field_consensus WHERE sample_id = ?"
    fields = connection.execute(every, [sample_id]).fetchall()
    checkpoint(db)
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("SELECT value FROM cursors WHERE name = 'consensus:learned'").fetchone()
    connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", state)
    connection.execute("SELECT * FROM label_studio_projects").fetchone()
    connection.execute("SELECT * FROM annotations WHERE sample_id = ?", [sample_id]).fetchall()
    connection.execute("DELETE FROM consensus WHERE sample_id = ?", [sample_id])
    connection.execute(_insert("consensus", len(task)), task)
    connection.executemany(_insert("field_consensus", len(fields[0])), fields)
    connection.commit()
    return time.perf_counter() - start


def _states(db: Store) -> dict[str, str]:
    return dict(db.execute("SELECT sample_id, state FROM consensus"))


def _insert(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _ms(times: list[float], percentile: int) -> float:
    return round(1000 * float(np.percentile(times, percentile)), 3)


def _clock() -> Callable[[str], None]:
    """Says on stderr what is done, and after how long."""
    start = time.perf_counter()

    def say(text: str) -> None:
        print(f"{time.perf_counter() - start:7.1f} s  {text}", file=sys.stderr, flush=True)

    return say
