"""Commit and export, killed by SIGKILL at random moments, a hundred times each (quick: 24).

A command runs in a process of its own and is killed within the time that it took when it was left
alone; those that come to their end before do not count. Every time all that is there must be whole:
a version that `verify` finds as it was written, an export that is byte for byte the one that nobody
killed. `killed_left_broken` counts what was there and was not whole, `whole_after_kill` what a
command left whole that was killed after its work, and `lost` the commands that came to their end
and left nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench._versions_run import DATASET, versions_of
from bench.versions import fill, relabel
from views.verify_version import verify_version
from views.version_folder import version_names

KILLS, QUICK = 100, 24
# Enough for one to be relabelled after each version, also where most commits come to their end.
SAMPLES, SEED = 400, 8
# The quickest of so many tries says how long a command takes: the first also loads its modules.
TRIES = 3
# A file and a folder: each comes to its place in a way of its own.
FORMATS = ("jsonl", "huggingface")
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["bench.killed", "sync.cli", "sync.push"])


def main(quick: bool) -> dict[str, Any]:
    """How many died, and what they left."""
    kills = QUICK if quick else KILLS
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        fill(folder, SAMPLES)
        chance = np.random.default_rng(SEED)
        commits = kill_commits(folder, kills, chance)
        exports = kill_exports(folder, kills, chance)
    for kind, found in (("commit", commits), ("export", exports)):
        print(f"{kind}: {dict(sorted(found.items()))}", file=sys.stderr)
    both = commits + exports
    return {
        "commits_killed": commits["killed"],
        "exports_killed": exports["killed"],
        **{key: both[key] for key in ("killed", "killed_left_broken", "lost")},
        "whole_after_kill": both["whole"],
        "seconds": round(time.monotonic() - begun, 1),
    }


def kill_commits(folder: Path, kills: int, chance: np.random.Generator) -> Counter[str]:
    """Commit and be killed so many times; what is committed is relabelled for the next one."""
    root, found = versions_of(folder), Counter[str]()
    taken = []
    for turn in range(TRIES):
        taken.append(_seconds(folder, ("commit",)))
        relabel(folder, [turn])
    while found["killed"] < kills:
        known = version_names(root, DATASET)
        ended = _killed(folder, ("commit",), chance.uniform(0, min(taken)))
        new = [one for one in version_names(root, DATASET) if one not in known]
        whole = all(verify_version(root / DATASET / one, DATASET, one).fits for one in new)
        found += _counted(ended, bool(new), whole)
        if new:
            relabel(folder, [len(known)])
    every = version_names(root, DATASET)
    found["killed_left_broken"] += sum(not verify_version(root / DATASET / v).fits for v in every)
    return found


def kill_exports(folder: Path, kills: int, chance: np.random.Generator) -> Counter[str]:
    """Export to a place that is free, and be killed so many times, shared among the formats."""
    found = Counter[str]()
    for form in FORMATS:
        left_alone, target = folder / f"whole-{form}", folder / f"target-{form}"
        asked = (*_export(form, left_alone), "--force")
        longest = min(_seconds(folder, asked) for _ in range(TRIES))
        expected = _content(left_alone)
        wanted = found["killed"] + kills // len(FORMATS)
        while found["killed"] < wanted:
            ended = _killed(folder, _export(form, target), chance.uniform(0, longest))
            there = target.exists()
            found += _counted(ended, there, there and _content(target) == expected)
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    return found


def _export(form: str, target: Path) -> tuple[str, ...]:
    return ("export", "--format", form, "-o", str(target))


def _counted(ended: bool, there: bool, whole: bool) -> Counter[str]:
    return Counter(
        killed=int(not ended),
        killed_left_broken=int(there and not whole),
        lost=int(ended and not there),
        whole=int(not ended and there and whole),
    )


def _content(path: Path) -> dict[str, str]:
    """The hash of every file, by its place in the folder; of a file alone."""
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return {str(one.relative_to(path)): sha256(one.read_bytes()).hexdigest() for one in files}


def _seconds(folder: Path, arguments: Sequence[str]) -> float:
    """What a command takes that nobody kills."""
    begun = time.monotonic()
    process = _started(folder, arguments)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{arguments} failed:\n{(folder / 'log').read_text()[-2000:]}")
    return time.monotonic() - begun


def _killed(folder: Path, arguments: Sequence[str], seconds: float) -> bool:
    """Run a command and kill it after so many seconds; whether it had come to its end before.

    Raises RuntimeError for one that failed by itself.
    """
    process = _started(folder, arguments)
    process.join(seconds)
    process.kill()
    process.join()
    if process.exitcode not in (0, -9):
        raise RuntimeError(f"{arguments} failed:\n{(folder / 'log').read_text()[-2000:]}")
    return bool(process.exitcode == 0)


def _started(folder: Path, arguments: Sequence[str]) -> Any:
    process = _context.Process(target=_run, args=(folder, tuple(arguments)))
    process.start()
    return process


def _run(folder: Path, arguments: tuple[str, ...]) -> None:
    from sync.cli import main as goldloop

    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    goldloop(["-C", str(folder), *arguments])
