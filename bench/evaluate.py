"""`goldloop evaluate` at an agent that takes 300 ms for each call, with 16 calls at once.

`wall_ratio`: how long an evaluation of 200 cases takes, from the version on disk to the last grade
stored and summed up, over the shortest that its calls could take: 200 / 16 rounds, rounded up, of
0.3 s. The command's own start is not in it; `command_seconds` is with it.

The same evaluation is then killed by SIGKILL half way and gone on with by the same command.
`paid_twice` counts the calls of the agent that were made for a case that it had answered before: at
most the 16 that were in the air. `judged_paid_twice` is that of agent and judge together, where
each answer is also judged by a model, and killed among the judge's calls.
"""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from agents.grading import Grading
from bench._command_line import ROOT, running
from bench._golden_version import item_of, write_version
from goldloop.samples import Sample, ToolCall
from sync.evaluation_contest import Choice, contest_of, hold
from sync.init import init_project
from sync.labelstudio.ports import free_port
from sync.processes import wait_until_up
from sync.project import open_project

SECONDS, AT_ONCE = 0.3, 16
CASES, KILLED_CASES, QUICK_KILLED_CASES = 200, 200, 96
WAIT = 120.0


def main(quick: bool) -> dict[str, Any]:
    """All figures."""
    killed = QUICK_KILLED_CASES if quick else KILLED_CASES
    with tempfile.TemporaryDirectory() as scratch:
        figures = timed(Path(scratch) / "timed", CASES)
        figures |= {"paid_twice": stopped(Path(scratch) / "killed", killed, judge=False)}
        figures |= {"judged_paid_twice": stopped(Path(scratch) / "judged", killed, judge=True)}
    for name, value in figures.items():
        print(f"{name:>20}  {value}")
    return figures


def timed(folder: Path, count: int, seconds: float = SECONDS) -> dict[str, Any]:
    """How long an evaluation of so many cases takes."""
    with peer(seconds) as url:
        make_project(folder, url, count)
        began = time.perf_counter()
        passed = evaluated(folder)
        took = time.perf_counter() - began
        began = time.perf_counter()
        with running(folder, "evaluate", "--new") as process:
            process.wait(WAIT)
        command = time.perf_counter() - began
    ideal = math.ceil(count / AT_ONCE) * seconds
    return {
        "cases": count,
        "passed": passed,
        "seconds": round(took, 2),
        "ideal_seconds": round(ideal, 2),
        "wall_ratio": round(took / ideal, 3),
        "command_seconds": round(command, 2),
    }


def evaluated(folder: Path) -> float | None:
    """Evaluate in this process; the share that passed."""
    project = open_project(folder)
    with (
        closing(project.open_store()) as db,
        Grading(project.settings, folder) as grading,
    ):
        contest = contest_of(project, db, grading, Choice())
        return hold(project, db, contest, grading).summary.whole.mean


def stopped(folder: Path, count: int, *, judge: bool, seconds: float = SECONDS / 3) -> int:
    """What an evaluation pays twice that is killed half way and goes on."""
    with peer(seconds) as url:
        make_project(folder, url, count, judge=judge)
        calls = count * (2 if judge else 1)
        with running(folder, "evaluate") as process:
            _wait_for(url, calls // 2, process)
            process.send_signal(signal.SIGKILL)
            process.wait(WAIT)
        with running(folder, "evaluate") as again:
            if again.wait(WAIT) != 0:
                raise RuntimeError("the evaluation did not go on after it was killed")
        found = counts(url)
    every = sum(one["calls"] - one["paid_twice"] for one in found.values())
    if every != calls:
        raise RuntimeError(f"{every} questions were asked instead of {calls}")
    return sum(one["paid_twice"] for one in found.values())


def _wait_for(url: str, calls: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WAIT
    while sum(one["calls"] for one in counts(url).values()) < calls:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the evaluation ended before it could be killed")
        time.sleep(0.01)


def counts(url: str) -> dict[str, dict[str, int]]:
    """What the peer answered."""
    found: dict[str, dict[str, int]] = httpx.get(f"{url}/counts", timeout=10).json()
    return found


@contextmanager
def peer(seconds: float) -> Iterator[str]:
    """Agent and judge in a process of their own; the address."""
    port = free_port()
    command = [sys.executable, "-m", "bench._evaluation_peer", str(port), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/counts", process, "the agent")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def make_project(folder: Path, url: str, count: int, *, judge: bool = False) -> None:
    """A project with a version of so many cases, whose agent, and judge, are at that address."""
    init_project(folder)
    settings = (
        f'[agent]\nkind = "http"\nurl = "{url}/agent"\nversion = "bench"\nconcurrency = {AT_ONCE}\n'
    )
    if judge:
        settings += f'[evaluation]\njudge = "judge-1"\njudge_base_url = "{url}/v1"\n'
    (folder / "goldloop.toml").write_text(settings, encoding="utf-8")
    samples = (
        Sample(
            f"s-{number:04}",
            f"Where is my order {number}?",
            expected_response=f"Order {number} is on its way.",
            expected_tool_calls=(ToolCall("find_order", {"number": number}),),
            tags=("order",),
        )
        for number in range(count)
    )
    write_version(folder / "versions", map(item_of, samples))
