"""One selection, or what it is measured against, in a process of its own: its seconds and peak.

`python -m bench._selection_run KIND STORE BATCH`; the modules are loaded before the clock starts.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

VERSION = "agent"
BLOCK = 4_000_000
SHARE = 0.7


def ours(path: Path, batch: int, novelty_boost: float, near_duplicate: float) -> dict[str, Any]:
    """Select a batch and record the round."""
    from goldloop.settings import SelectionSettings
    from store.database import open_store
    from sync.select_batch import select_batch

    if novelty_boost:
        import sklearn.feature_extraction.text  # noqa: F401
    if near_duplicate:
        import datasketch  # noqa: F401

    settings = SelectionSettings(novelty_boost=novelty_boost, near_duplicate=near_duplicate)
    start = time.perf_counter()
    with closing(open_store(path)) as db:
        made = select_batch(db, VERSION, settings, batch)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "picked": len(made.picks)}


def floor(path: Path, batch: int) -> dict[str, Any]:
    """Read the scores with plain SQL, pick by argpartition, and record nothing."""
    start = time.perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        picked = _pick(connection, batch)
    return {"seconds": time.perf_counter() - start, "picked": len(picked)}


def floor_that_writes(path: Path, batch: int) -> dict[str, Any]:
    """The same, and then write what the last round of the store holds once more: its bytes."""
    tables = ("sampling_frames", "round_columns", "picks")
    start = time.perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        picked = _pick(connection, batch)
        for table in tables:
            connection.execute(f"CREATE TABLE again_{table} AS SELECT * FROM {table}")  # noqa: S608
        connection.commit()
    return {"seconds": time.perf_counter() - start, "picked": len(picked)}


def _pick(connection: sqlite3.Connection, batch: int) -> list[str]:
    rows = connection.execute(
        "SELECT s.sample_id, s.prn, r.confidence FROM samples s JOIN runs r USING (sample_id)"
        " WHERE r.agent_version = ? AND r.error IS NULL",
        [VERSION],
    ).fetchall()
    scores = 1.0 - np.array([row[2] for row in rows])
    prn = np.array([row[1] for row in rows])
    certain = round(SHARE * batch)
    first = np.argpartition(-scores, certain - 1)[:certain]
    prn[first] = 2.0
    drawn = np.argpartition(prn, batch - certain - 1)[: batch - certain]
    return [rows[place][0] for place in [*first.tolist(), *drawn.tolist()]]


def scikit_learn(path: Path, _: int) -> dict[str, Any]:
    """Hash, weigh and multiply the texts of the store with those that were picked."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    start = time.perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT user_input, sample_id IN (SELECT sample_id FROM picks) FROM samples"
        ).fetchall()
    labelled = np.flatnonzero([row[1] for row in rows])
    hashing = HashingVectorizer(
        ngram_range=(1, 2), n_features=2**18, alternate_sign=False, norm=None, dtype=np.float32
    )
    vectors = TfidfTransformer().fit_transform(hashing.transform([row[0] for row in rows]))
    columns = vectors[labelled].T.tocsr()
    step = BLOCK // len(labelled)
    nearest = [
        (vectors[place : place + step] @ columns).toarray().max(axis=1)
        for place in range(0, len(rows), step)
    ]
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "picked": len(np.concatenate(nearest))}


KINDS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "ours": lambda path, batch: ours(path, batch, 0.0, 0.0),
    "ours, no near-duplicates": lambda path, batch: ours(path, batch, 0.0, 0.8),
    "ours with novelty": lambda path, batch: ours(path, batch, 0.2, 0.0),
    "floor": floor,
    "floor that writes": floor_that_writes,
    "scikit-learn": scikit_learn,
}


def measure(kind: str, path: Path, batch: int) -> dict[str, Any]:
    """What one kind does with a store: seconds, picked, and the peak of the process in MB."""
    return {**KINDS[kind](path, batch), "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """The peak since this program began; `getrusage` would count that of who started it as well."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    name, file, size = sys.argv[1:4]
    print(json.dumps(measure(name, Path(file), int(size))))
