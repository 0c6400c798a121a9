"""Committing, verifying and comparing dataset versions, beside hashing the same rows once.

100,000 samples (quick: 25,000) with two annotations each stand in a store, their consensus up to
date (`bench consensus` and `bench incremental` measure that). The first commit writes
all of them; then 1% get other labels, and the next commit compares with its parent
(`commit_ratio`; `first_commit_ratio` of the first). `verify_ratio` and `diff_ratio` are of the
newest version, and of the last two. The floor reads the same rows from the file and puts them
through the rfc8785 library and SHA-256, once; `own_floor_ratio` is our canonical JSON beside that.

Up to 20,000 items a commit also reads all answers and compares all texts for its quality report,
which is above what is measured here; `report_seconds` is what that takes of 20,000 (not in quick).

Each measurement has a process of its own; the best of its repetitions counts (there is one of the
first commit).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench._versions_run import DATASET, versions_of
from goldloop.consensus import FieldConsensus, State, TaskConsensus
from label_config.interface import builtin_interface
from label_config.results import write_result
from store.annotations import RawAnnotation, store_task_annotations
from store.consensus import save_consensus
from store.database import Store, transaction
from store.tasks import ReviewProject, save_review_project
from sync.commit import WITH_FACTS
from sync.init import init_project
from sync.project import open_project
from views.version_folder import version_names

SIZE, QUICK = 100_000, 25_000
PROJECT = 1
WHEN, LATER = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
TEXT = (
    "My order {n} was to arrive on Monday, and the tracking page says that it was delivered to a "
    "neighbour whom I do not know. I have asked at every door of the house. Please find out where "
    "it is, and if it is lost, send another one to the same address or give me my money back."
)


def main(quick: bool) -> dict[str, Any]:
    """Measure all; ratios are to the floor."""
    size, repeats = (QUICK, 2) if quick else (SIZE, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        fill(folder, size)
        first = measure("commit", folder, 1)
        later = []
        for turn in range(repeats):
            relabel(folder, range(turn, size, 100))
            later.append(measure("commit", folder, 1))
        found = {"first commit": first, "commit": best(later)}
        for kind in ("floor", "own floor", "verify", "diff"):
            found[kind] = measure(kind, folder, repeats)
        newest = _newest(versions_of(folder))
        megabytes = (newest / "data.jsonl").stat().st_size / 2**20
        _show(found, size, megabytes)
        more = {} if quick else {"report_seconds": whole_report(Path(name) / "reported")}
    return _figures(found, size) | more


def whole_report(folder: Path, size: int = WITH_FACTS) -> float:
    """Seconds for the quality report with all that it has at most at commit."""
    fill(folder, size)
    return round(measure("report", folder, 1)["seconds"], 3)


def _newest(root: Path) -> Path:
    return root / DATASET / version_names(root, DATASET)[-1]


def fill(folder: Path, size: int) -> None:
    """A project with so many samples, on each of which two people agree."""
    print(f"{size:,} samples", file=sys.stderr, flush=True)
    init_project(folder)
    with closing(open_project(folder).open_store()) as db:
        with transaction(db):
            save_review_project(
                db, ReviewProject(PROJECT, "http://127.0.0.1:9", "Bench", builtin_interface().xml)
            )
            db.conn.executemany(
                "INSERT INTO samples (sample_id, user_input, difficulty, tags, source, cluster_id,"
                " prn, record, created_at) VALUES (?, ?, 'easy', ?, 'trace', NULL, 0.5, ?, ?)",
                (_row(number) for number in range(size)),
            )
        _answer(db, range(size), "correct", WHEN)


def _row(number: int) -> tuple[str, ...]:
    tags = ["orders", f"kind-{number % 7}"]
    record = {
        "sample_id": _id(number),
        "user_input": TEXT.format(n=number),
        "conversation": [
            {"role": "user", "content": "Hello?"},
            {"role": "assistant", "content": "Hello, what can I do for you?"},
        ],
        "expected_response": f"I am sorry. Another one is on its way as order {number}-2.",
        "expected_tool_calls": [
            {"name": "find_order", "arguments": {"number": number, "fields": ["state", "address"]}}
        ],
        "difficulty": "easy",
        "tags": tags,
        "source": "trace",
        "cluster_id": None,
        "metadata": {"channel": "mail", "seconds": 1.5},
    }
    return _id(number), TEXT.format(n=number), json.dumps(tags), json.dumps(record), WHEN


def _id(number: int) -> str:
    return f"case-{number:07}"


def relabel(folder: Path, numbers: Iterable[int]) -> None:
    """Both people change their mind about some samples."""
    with closing(open_project(folder).open_store()) as db:
        _answer(db, numbers, "incorrect", LATER)


def _answer(db: Store, numbers: Iterable[int], verdict: str, when: str) -> None:
    """Two annotations and the consensus of each, as pull and consensus leave them."""
    result = write_result(builtin_interface(), {"correctness": verdict, "tool_use": "right"})
    every = list(numbers)
    for start in range(0, len(every), 1000):
        some = every[start : start + 1000]
        with transaction(db):
            store_task_annotations(
                db,
                {(PROJECT, n): [_annotation(n, who, result, when) for who in (1, 2)] for n in some},
            )
            save_consensus(db, {_id(n): _agreed(verdict) for n in some})


def _annotation(number: int, who: int, result: Any, when: str) -> RawAnnotation:
    return RawAnnotation(
        annotation_id=number * 10 + who,
        project_id=PROJECT,
        task_id=number,
        sample_id=_id(number),
        annotator_id=who,
        updated_by=who,
        result=result,
        was_cancelled=False,
        ground_truth=False,
        lead_time=20.0,
        created_at=WHEN,
        updated_at=when,
    )


def _agreed(verdict: str) -> TaskConsensus:
    labels = {"correctness": verdict, "tool_use": "right"}
    fields = tuple(
        FieldConsensus(name, State.AGREED, value, 2, 1.0, True, "majority_posterior", 1, 0.9)
        for name, value in labels.items()
    )
    return TaskConsensus(State.AGREED, fields, 1.0, 2, 0, None, dict(labels))


def measure(kind: str, folder: Path, repeats: int) -> dict[str, float]:
    """The best of so many runs, each in a fresh process."""
    print(kind, file=sys.stderr, flush=True)
    return best([_fresh(kind, folder) for _ in range(repeats)])


def best(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The least of each figure."""
    return {name: min(one[name] for one in found) for name in ("seconds", "peak_mb")}


def _fresh(kind: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench._versions_run", kind, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{kind} failed:\n{done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _figures(found: dict[str, dict[str, float]], size: int) -> dict[str, Any]:
    floor = found["floor"]["seconds"]
    names = {"first_commit": "first commit", "own_floor": "own floor"}
    kinds = ("commit", "verify", "diff", *names)
    ratios = {f"{kind}_ratio": found[names.get(kind, kind)]["seconds"] / floor for kind in kinds}
    return {
        "samples": size,
        **{name: round(value, 3) for name, value in ratios.items()},
        "seconds": {kind: round(one["seconds"], 3) for kind, one in found.items()},
        "peak_mb": {kind: round(one["peak_mb"]) for kind, one in found.items()},
    }


def _show(found: dict[str, dict[str, float]], size: int, megabytes: float) -> None:
    print(f"{size:,} samples, {megabytes:.0f} MB\n{'':<14}{'seconds':>9}{'peak MB':>9}{'ratio':>8}")
    for kind, one in found.items():
        ratio = one["seconds"] / found["floor"]["seconds"]
        print(f"{kind:<14}{one['seconds']:>9.3f}{one['peak_mb']:>9.0f}{ratio:>8.2f}")
