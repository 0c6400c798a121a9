"""Selecting a batch of a large pool and recording the round: seconds and memory, by size of pool.

70/30 with novelty off from pools of 10,000, 100,000 and 1,000,000 samples in the store (quick:
without the last) beside two floors: the scores read with plain SQL and picked with numpy's
argpartition, nothing recorded (`time_ratio`, `memory_ratio`: of the largest pool); and the same,
with the bytes of the round written by SQLite alone. The first round of a store, and a batch of 500.
What looking for near-duplicates costs is shown apart.

Then with novelty on, 5% of the pool labelled: the whole selection beside scikit-learn alone, which
reads the texts and does the same hashing, weighing and products (`novelty_time_ratio`).

Each measurement has a process and a copy of the store of its own; the best of its repetitions
counts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bench._selection_run import VERSION, ours
from store.database import create_store, transaction

BATCH = 500
LABELLED = 0.05
SIZES = {10_000: 5, 100_000: 5, 1_000_000: 2}  # samples: repetitions
NOVELTY_SIZES = {10_000: 3, 100_000: 1}
SELECTING = ("floor", "ours", "floor that writes", "ours, no near-duplicates")
WHEN = "2026-01-01T00:00:00.000000Z"
WORDS = 20_000
REQUESTS = (
    "Where is my order {number}? It should have been here {day}. I wait for {thing}.",
    "I want to return {thing} that I bought {day}, order {number}.",
    "Please cancel {thing} and send the money to {mail}.",
    "My account {mail} is locked since {day}, what can I do about {thing}?",
)
PATHS = (("find_order",), ("find_order", "refund_order"), ("find_user", "reset_password"), ())

Figures = dict[int, dict[str, dict[str, Any]]]


def main(quick: bool) -> dict[str, Any]:
    """Measure both; the figures of the largest pool under the keys that are aimed at."""
    sizes = [size for size in SIZES if not quick or size < max(SIZES)]
    plain, novel = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            store = filled(Path(folder) / f"{size}.db", size)
            plain[size] = _selecting(store, min(SIZES[size], 2) if quick else SIZES[size])
            if size in NOVELTY_SIZES:
                novel[size] = _with_novelty(store, size, 1 if quick else NOVELTY_SIZES[size])
            store.unlink()
    _show("novelty off", plain)
    _show("novelty on, 5% labelled", novel)
    return _figures(plain, novel)


def _figures(plain: Figures, novel: Figures) -> dict[str, Any]:
    largest, texts = plain[max(plain)], novel[max(novel)]
    return {
        "pool": max(plain),
        "time_ratio": _ratio(largest, "ours", "floor", "seconds"),
        "memory_ratio": _ratio(largest, "ours", "floor", "peak_mb"),
        "writing_time_ratio": _ratio(largest, "ours", "floor that writes", "seconds"),
        "seconds": {size: round(one["ours"]["seconds"], 3) for size, one in plain.items()},
        "time_ratios": {
            size: _ratio(one, "ours", "floor", "seconds") for size, one in plain.items()
        },
        "near_duplicate_seconds": {size: _apart(one) for size, one in plain.items()},
        "novelty_pool": max(novel),
        "novelty_time_ratio": _ratio(texts, "ours with novelty", "scikit-learn", "seconds"),
        "novelty_memory_ratio": _ratio(texts, "ours with novelty", "scikit-learn", "peak_mb"),
        "novelty_seconds": round(texts["ours with novelty"]["seconds"], 3),
    }


def _apart(kinds: dict[str, dict[str, Any]]) -> float:
    """What it takes more to leave out near-duplicates, in seconds."""
    more = kinds["ours, no near-duplicates"]["seconds"] - kinds["ours"]["seconds"]
    return round(float(more), 3)


def filled(path: Path, size: int) -> Path:
    """A store with so many samples, each with a run."""
    print(f"a pool of {size:,}", file=sys.stderr, flush=True)
    random = np.random.default_rng(size)
    with closing(create_store(path)) as db, transaction(db):
        prn, confidence = random.random(size).tolist(), random.beta(4, 2, size).tolist()
        ids = [f"{number:010d}-{place}" for place, number in enumerate(random.permutation(size))]
        db.conn.executemany(
            "INSERT INTO samples VALUES (?, ?, NULL, '[]', 'trace', NULL, ?, '{}', ?)",
            ((*row, WHEN) for row in zip(ids, requests(random, size), prn, strict=True)),
        )
        db.conn.executemany(
            "INSERT INTO runs (sample_id, agent_version, response, tool_calls, tool_path, messages,"
            " confidence, confidence_method, created_at) VALUES (?, ?, '', ?, ?, '[]', ?, '', ?)",
            (
                (one, VERSION, *_calls(place), sure, WHEN)
                for place, (one, sure) in enumerate(zip(ids, confidence, strict=True))
            ),
        )
    return path


def requests(random: np.random.Generator, size: int) -> Iterator[str]:
    """What customers write: a few kinds of request, about things whose frequencies follow Zipf's
    law, with numbers, days and addresses of their own.
    """
    for start in range(0, size, 1000):
        count = min(1000, size - start)
        words = (random.zipf(1.3, (count, 12)) - 1) % WORDS
        kinds, numbers = (
            random.integers(len(REQUESTS), size=count),
            random.integers(10**6, size=count),
        )
        for kind, number, own in zip(kinds.tolist(), numbers.tolist(), words.tolist(), strict=True):
            thing = " ".join(map(_word, own))
            day, mail = f"2026-01-{number % 28 + 1:02d}", f"user{number}@example.com"
            yield REQUESTS[kind].format(number=number, thing=thing, day=day, mail=mail)


def _word(number: int) -> str:
    return "w" + "".join(chr(97 + int(digit)) for digit in str(number))


def _calls(place: int) -> tuple[str, str]:
    path = PATHS[place % 7 % len(PATHS)]
    return json.dumps([{"name": name, "arguments": {"id": place}} for name in path]), json.dumps(
        path
    )


def _selecting(store: Path, repeats: int) -> dict[str, dict[str, Any]]:
    with_round = store.with_suffix(".round.db")
    shutil.copy(store, with_round)
    ours(with_round, BATCH, 0.0, 0.0)
    found = {
        kind: _best(kind, with_round if kind == "floor that writes" else store, repeats)
        for kind in SELECTING
    }
    with_round.unlink()
    return found


def _with_novelty(store: Path, size: int, repeats: int) -> dict[str, dict[str, Any]]:
    ours(store, int(LABELLED * size), 0.0, 0.0)
    return {kind: _best(kind, store, repeats) for kind in ("scikit-learn", "ours with novelty")}


def _best(kind: str, store: Path, repeats: int) -> dict[str, Any]:
    print(f"{kind}: {store.name}", file=sys.stderr, flush=True)
    found = [_fresh(kind, store) for _ in range(repeats)]
    return {
        "seconds": min(one["seconds"] for one in found),
        "peak_mb": min(one["peak_mb"] for one in found),
    }


def _fresh(kind: str, store: Path) -> dict[str, Any]:
    copy = store.with_suffix(".copy.db")
    shutil.copy(store, copy)
    done = subprocess.run(
        [sys.executable, "-m", "bench._selection_run", kind, str(copy), str(BATCH)],
        capture_output=True,
        text=True,
        check=False,
    )
    for left in copy.parent.glob(f"{copy.name}*"):
        left.unlink()
    if done.returncode:
        raise RuntimeError(f"{kind} failed on {store.name}:\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _ratio(figures: dict[str, dict[str, Any]], one: str, other: str, what: str) -> float:
    return round(float(figures[one][what] / figures[other][what]), 3)


def _show(title: str, found: Figures) -> None:
    print(f"{title}\n{'pool':>10}  {'':<26}{'seconds':>9}{'peak MB':>9}")
    for size, kinds in found.items():
        for kind, figures in kinds.items():
            print(f"{size:>10,}  {kind:<26}{figures['seconds']:>9.3f}{figures['peak_mb']:>9.0f}")
    print()
