"""`goldloop generate` at a model that takes 200 ms for each call, with 16 calls at once.

`wall_ratio`: how long a batch takes, from the grid to the last sample solved twice and stored, over
the shortest that its calls could take, calls * 0.2 s / 16. The command's own start is not in it.

The same batch is then written again by the command line: terminated half way and gone on with.
`paid_twice` counts the calls that the model answered more than once for it, which is to be 0, and
`killed_paid_twice` those after a kill that leaves no time for anything: at most the 16 that were in
the air. `same_after_stop` says whether the batches hold the same samples as the one in a single go.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench._command_line import ROOT, running
from bench._synthetic_samples import SyntheticSamples
from goldloop.samples import Sample
from store.database import Store
from store.samples import add_samples
from store.synthesis import candidates_of
from sync.generate import generate
from sync.init import init_project
from sync.labelstudio.ports import free_port
from sync.processes import wait_until_up
from sync.project import open_project
from sync.synthesis_batch import open_batch
from sync.synthesis_inputs import read_asked

SECONDS, AT_ONCE = 0.2, 16
SAMPLES, QUICK_SAMPLES = 500, 120
STOPPED_SAMPLES, QUICK_STOPPED_SAMPLES = 100, 40
SEED = 5
TOOLS = ROOT / "examples" / "customer_support" / "tools.json"
TASK = "Customer support of an outdoor shop, which looks up, changes and refunds orders."
WAIT = 120.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The model: where it is, and what it counted."""

    port: int

    def counts(self) -> dict[str, Any]:
        """Calls by their kind, and what was paid twice."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/counts", timeout=10).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def calls(self) -> int:
        """All calls that it answered."""
        return sum(self.counts()["calls"].values())


def main(quick: bool) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as scratch:
        figures = timed(Path(scratch) / "timed", QUICK_SAMPLES if quick else SAMPLES)
        count = QUICK_STOPPED_SAMPLES if quick else STOPPED_SAMPLES
        figures |= stopped(Path(scratch), count)
    for name, value in figures.items():
        print(f"{name:>20}  {value}")
    return figures


def timed(folder: Path, count: int) -> dict[str, Any]:
    """How long a batch of so many samples takes, and what the model had to do for it."""
    with peer(SECONDS) as model:
        make_project(folder, model)
        began = time.perf_counter()
        fill(folder, count)
        took = time.perf_counter() - began
        counts = model.counts()
    calls = sum(counts["calls"].values())
    ideal = calls * SECONDS / AT_ONCE
    return {
        "samples": count,
        "calls": calls,
        "calls_by_kind": counts["calls"],
        "seconds": round(took, 2),
        "ideal_seconds": round(ideal, 2),
        "wall_ratio": round(took / ideal, 3),
    }


def stopped(scratch: Path, count: int) -> dict[str, Any]:
    """What a batch costs that is stopped half way, and whether it is the same in the end."""
    with peer(SECONDS / 4) as model:
        make_project(scratch / "empty", model)
        make_project(scratch / "whole", model, scratch / "empty")
        fill(scratch / "whole", count)
        half = model.calls() // 2
    paid: dict[str, int] = {}
    same = True
    for name, how in (("paid_twice", signal.SIGTERM), ("killed_paid_twice", signal.SIGKILL)):
        with peer(SECONDS / 4) as model:
            make_project(scratch / name, model, scratch / "empty")
            stop_half_way(scratch / name, count, model, half, how)
            with running(scratch / name, *asked_for(count)) as again:
                if again.wait(WAIT) != 0:
                    raise RuntimeError("the generation did not go on after it was stopped")
            paid[name] = model.counts()["paid_twice"]
        same = same and texts(scratch / name) == texts(scratch / "whole")
    return {**paid, "same_after_stop": same}


@contextmanager
def peer(delay: float) -> Iterator[Peer]:
    """The model, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "bench._synthetic_endpoint", str(port), str(delay)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/counts", process, "the model")
        yield Peer(port)
    finally:
        process.kill()
        process.wait()


def make_project(folder: Path, model: Peer, like: Path | None = None) -> None:
    """A project whose samples are written by the model, with a pool that copies are copies of; with
    the pool and the secret of another one, `like`, which has no batch yet.
    """
    if like is not None:
        shutil.copytree(like, folder)
        _point_at(folder, model)
        return
    init_project(folder)
    _point_at(folder, model)
    (folder / "task.md").write_text(TASK, encoding="utf-8")
    pool = [Sample(f"known-{n}", text) for n, text in enumerate(SyntheticSamples().pool)]
    with _store(folder) as db:
        add_samples(db, [(sample, None) for sample in pool])


def _point_at(folder: Path, model: Peer) -> None:
    settings = (
        f'[synthesis]\nmodel = "writer"\nbase_url = "http://127.0.0.1:{model.port}/v1"\n'
        f"concurrency = {AT_ONCE}\n"
    )
    (folder / "goldloop.toml").write_text(settings, encoding="utf-8")


def fill(folder: Path, count: int) -> None:
    """Fill a batch, in this process."""
    project = open_project(folder)
    asked = read_asked(project.settings, folder / "task.md", TOOLS, count, seed=SEED)
    with _store(folder) as db:
        batch, _ = open_batch(project, db, asked, new=False)
        generate(project, db, batch, progress=lambda _what, _count: nullcontext(_uncounted))


def _uncounted(done: int = 1) -> None:
    """Progress that nobody watches."""


def asked_for(count: int) -> list[str]:
    """The arguments of the same by the command line."""
    command = ["generate", "--task", "task.md", "--tools", str(TOOLS)]
    return [*command, "--count", str(count), "--seed", str(SEED)]


def stop_half_way(folder: Path, count: int, model: Peer, half: int, how: signal.Signals) -> None:
    """Stop the command once so many calls were answered."""
    with running(folder, *asked_for(count)) as process:
        deadline = time.monotonic() + WAIT
        while model.calls() < half:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the generation ended before it could be stopped")
            time.sleep(0.01)
        process.send_signal(how)
        process.wait(WAIT)


def texts(folder: Path) -> list[tuple[int, int, str, str]]:
    """Every candidate of the batch, and what became of it."""
    with _store(folder) as db:
        return [
            (one.slot.index, one.attempt, one.outcome, json.dumps(_said(one.candidate)))
            for one in candidates_of(db, 1)
        ]


def _said(candidate: Any) -> str | None:
    return None if candidate is None else candidate.sample.sample_id


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    with closing(open_project(folder).open_store()) as db:
        yield db
